//! `/metrics`, on a listener of its own.

use std::sync::OnceLock;
use std::time::Duration;

use axum::Router;
use axum::routing::get;
use metrics_exporter_prometheus::{BuildError, PrometheusBuilder, PrometheusHandle};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

/// The process has one recorder, however many servers run in it.
static RECORDER: OnceLock<PrometheusHandle> = OnceLock::new();

/// How often what was recorded is summed up.
const UPKEEP: Duration = Duration::from_secs(5);

/// Begins to record.
pub(crate) fn recorder() -> Result<PrometheusHandle, BuildError> {
    if let Some(handle) = RECORDER.get() {
        return Ok(handle.clone());
    }
    let handle = PrometheusBuilder::new().install_recorder()?;
    Ok(RECORDER.get_or_init(|| handle).clone())
}

/// Serves what was recorded until told to stop.
pub(crate) async fn serve(
    listener: TcpListener,
    recorder: PrometheusHandle,
    stop: CancellationToken,
) {
    let shown = recorder.clone();
    let router = Router::new().route("/metrics", get(move || async move { shown.render() }));
    let serving = axum::serve(listener, router);
    let upkeep = async {
        loop {
            tokio::time::sleep(UPKEEP).await;
            recorder.run_upkeep();
        }
    };
    tokio::select! {
        ended = serving.into_future() => {
            if let Err(error) = ended {
                tracing::warn!(%error, "metrics are not served any more");
            }
        }
        () = upkeep => {}
        () = stop.cancelled() => {}
    }
}
