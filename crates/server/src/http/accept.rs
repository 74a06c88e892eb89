//! The accept loop.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::connection::Connections;
use super::gate::Gate;
use super::rate::AddressKey;

/// After a failed accept, mostly for want of file descriptors: time for some to come back.
const PAUSE: Duration = Duration::from_millis(100);

/// Takes connections until told to stop, each in a task of its own.
pub(crate) async fn accept(
    listener: TcpListener,
    connections: Arc<Connections>,
    tasks: TaskTracker,
    abort: CancellationToken,
) {
    let limits = connections.limits.clone();
    let places = Arc::new(Semaphore::new(limits.total));
    let addresses = Gate::new(limits.per_address);
    loop {
        let (stream, address) = tokio::select! {
            taken = listener.accept() => match taken {
                Ok(taken) => taken,
                Err(error) => {
                    tracing::warn!(%error, "cannot take a connection");
                    tokio::time::sleep(PAUSE).await;
                    continue;
                }
            },
            () = connections.stop.cancelled() => return,
        };
        let place = Arc::clone(&places).try_acquire_owned();
        let pass = addresses.enter(AddressKey::of(address.ip()));
        let (Ok(place), Some(pass)) = (place, pass) else {
            // Closing at once costs the least; whoever means well tries again.
            metrics::counter!("hythe_connections_refused_total").increment(1);
            continue;
        };
        let connections = Arc::clone(&connections);
        let abort = abort.clone();
        tasks.spawn(async move {
            let _held = (place, pass);
            serve(&connections, stream, address, abort).await;
        });
    }
}

/// Serves one connection to its end, or until everything has to end.
async fn serve(
    connections: &Connections,
    stream: TcpStream,
    address: SocketAddr,
    abort: CancellationToken,
) {
    metrics::gauge!("hythe_connections").increment(1.0);
    tokio::select! {
        () = connections.serve(stream, address) => {}
        () = abort.cancelled() => {}
    }
    metrics::gauge!("hythe_connections").decrement(1.0);
}
