//! A server from start to stop.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use metrics_exporter_prometheus::PrometheusHandle;
use tokio::net::TcpListener;
use tokio::sync::Semaphore;
use tokio_rustls::TlsAcceptor;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use url::Url;

use hythe_wire::IdentityKey;
use hythe_wire::invite::InviteUrl;

use crate::address::{self, Addresses};
use crate::admin::{self, Office};
use crate::config::{ConnectionLimits, ServerConfig, Transport};
use crate::files::{Files, FilesError, InviteTerms, OpenError, RelyingParty, StoreOptions, Unfit};
use crate::http::accept::accept;
use crate::http::app::{App, BODY_UNIT_BYTES, Rates};
use crate::http::connection::Connections;
use crate::http::events::EventStreams;
use crate::http::exposition;
use crate::http::gate::Gate;
use crate::router::router;
use crate::tls::{Certificates, Identity, TlsError};

/// Folder in the data folder for the certificate.
const TLS_FOLDER: &str = "tls";

/// How often a certificate that is due, or was exchanged by its authority, is looked for.
const CERTIFICATE_CHECK: Duration = Duration::from_secs(12 * 60 * 60);

/// How long what was told to end at once may take.
const ABORTING: Duration = Duration::from_secs(2);

/// A server.
pub struct Server;

/// Why a server does not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// Its data cannot be opened, or another server has it.
    #[error(transparent)]
    Open(#[from] OpenError),
    /// It should speak without TLS to other machines.
    #[error("without TLS the server listens on a loopback address only, not on {address}")]
    NotLoopback {
        /// The address.
        address: SocketAddr,
    },
    /// It cannot listen.
    #[error("cannot listen on {address}")]
    Listen {
        /// The address.
        address: SocketAddr,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// TLS cannot be set up.
    #[error(transparent)]
    Tls(#[from] TlsError),
    /// The data folder cannot be written, or the administrator's socket not be made in it.
    #[error("cannot use the data folder")]
    Data(#[source] io::Error),
    /// The address has no URL.
    #[error("the address cannot be written as a URL")]
    Url(#[from] url::ParseError),
    /// Metrics cannot be recorded.
    #[error("cannot record metrics")]
    Metrics(#[source] metrics_exporter_prometheus::BuildError),
}

/// A server that runs. Ends at once when dropped; [`Running::stop`] ends it gently.
pub struct Running {
    files: Files,
    addresses: Addresses,
    identity: IdentityKey,
    office: Office,
    tasks: TaskTracker,
    stop: CancellationToken,
    abort: CancellationToken,
    patience: Duration,
}

impl Server {
    /// Opens the data, listens, and serves. Needs a tokio runtime.
    ///
    /// # Errors
    /// See [`StartError`].
    pub async fn start(config: ServerConfig) -> Result<Running, StartError> {
        let plain = matches!(config.transport, Transport::Plain);
        if plain && !config.listen.ip().is_loopback() {
            return Err(StartError::NotLoopback {
                address: config.listen,
            });
        }
        let files = Files::open(store_options(&config)).await?;
        match run(&config, files.clone()).await {
            Ok(running) => Ok(running),
            Err(error) => {
                files.close().await;
                Err(error)
            }
        }
    }
}

/// How the data is opened.
pub(crate) fn store_options(config: &ServerConfig) -> StoreOptions {
    StoreOptions {
        data: config.data.clone(),
        database: config.database.clone(),
        key_file: config.key_file.clone(),
        witness: config.witness.clone(),
    }
}

/// Sets everything up around open data.
async fn run(config: &ServerConfig, files: Files) -> Result<Running, StartError> {
    let listener = listen(config.listen).await?;
    let listening = listener.local_addr();
    let listening = listening.map_err(|source| cannot_listen(config.listen, source))?;
    let addresses = Addresses::of(config, listening)?;
    address::remember(&config.data, &addresses.public).map_err(StartError::Data)?;
    let identity = Arc::new(Identity::from_seed(&files.identity_seed()));
    let certificates = Certificates::open(
        &config.transport,
        config.data.join(TLS_FOLDER),
        Arc::clone(&identity),
        addresses.certificate_names(),
    )?;
    let tls = match &certificates {
        Some(certificates) => Some(TlsAcceptor::from(Arc::new(certificates.server_config()?))),
        None => None,
    };
    let metrics = metrics(config).await?;
    let door = admin::Listener::bind(&config.data).map_err(StartError::Data)?;

    // Nothing below can fail, so that no task is left behind.
    let (stop, abort) = (CancellationToken::new(), CancellationToken::new());
    let tasks = TaskTracker::new();
    let office = Office::new(files.clone(), Some(addresses.public.clone()));
    let party = RelyingParty::at(&addresses.public);
    let (own, all) = (Arc::clone(&identity), files.clone());
    let public = addresses.public.clone();
    let app = app(config, all, (own, public), party, &stop, &tasks);
    let limits = connection_limits(config);
    let connections = Connections {
        router: router(app),
        tls,
        limits,
        stop: stop.clone(),
    };
    tasks.spawn(accept(
        listener,
        Arc::new(connections),
        tasks.clone(),
        abort.clone(),
    ));
    tasks.spawn(admin::serve(door, office.clone(), stop.clone()));
    if let Some((listener, recorder)) = metrics {
        tasks.spawn(exposition::serve(listener, recorder, stop.clone()));
    }
    if let Some(certificates) = certificates {
        tasks.spawn(renew(certificates, stop.clone()));
    }
    let (identity, patience) = (identity.public(), config.limits.requests.stop);
    Ok(Running {
        files,
        addresses,
        identity,
        office,
        tasks,
        stop,
        abort,
        patience,
    })
}

/// Where metrics will be served, and what records them.
async fn metrics(
    config: &ServerConfig,
) -> Result<Option<(TcpListener, PrometheusHandle)>, StartError> {
    let Some(address) = config.metrics else {
        return Ok(None);
    };
    let recorder = exposition::recorder().map_err(StartError::Metrics)?;
    Ok(Some((listen(address).await?, recorder)))
}

/// Limits of connections as they apply to the transport.
fn connection_limits(config: &ServerConfig) -> ConnectionLimits {
    let mut limits = config.limits.connections.clone();
    if matches!(config.transport, Transport::Plain) {
        // All connections come from the proxy.
        limits.per_address = limits.total;
    }
    limits
}

/// What all handlers share.
pub(crate) fn app(
    config: &ServerConfig,
    files: Files,
    (identity, public): (Arc<Identity>, Url),
    party: Option<RelyingParty>,
    stop: &CancellationToken,
    tasks: &TaskTracker,
) -> Arc<App> {
    let limits = config.limits.requests.clone();
    let plain = matches!(config.transport, Transport::Plain);
    Arc::new(App {
        files,
        identity,
        public,
        party,
        by_address: !plain || config.forwarded,
        forwarded: plain && config.forwarded,
        rates: Rates::new(&config.limits.rates),
        places: Arc::new(Semaphore::new(limits.total)),
        device_places: Gate::new(limits.per_device),
        streams: Arc::new(Semaphore::new(limits.streams)),
        body_memory: Arc::new(Semaphore::new(limits.body_memory / BODY_UNIT_BYTES)),
        event_streams: Arc::new(EventStreams::default()),
        tasks: tasks.clone(),
        stop: stop.clone(),
        limits,
    })
}

async fn listen(address: SocketAddr) -> Result<TcpListener, StartError> {
    TcpListener::bind(address)
        .await
        .map_err(|source| cannot_listen(address, source))
}

fn cannot_listen(address: SocketAddr, source: io::Error) -> StartError {
    StartError::Listen { address, source }
}

/// Looks for a newer certificate now and then.
async fn renew(certificates: Arc<Certificates>, stop: CancellationToken) {
    loop {
        tokio::select! {
            () = tokio::time::sleep(CERTIFICATE_CHECK) => {}
            () = stop.cancelled() => return,
        }
        if let Err(error) = certificates.refresh() {
            tracing::warn!(%error, "the certificate in use stays");
        }
    }
}

impl Running {
    /// The address that clients are told.
    pub fn url(&self) -> &Url {
        &self.addresses.public
    }

    /// How a client on this machine reaches the server.
    pub fn local_url(&self) -> &Url {
        &self.addresses.local
    }

    /// Where the server listens, with the real port.
    pub fn addr(&self) -> SocketAddr {
        self.addresses.listen
    }

    /// The server's identity, which clients pin.
    pub fn identity(&self) -> IdentityKey {
        self.identity
    }

    /// The server's identity in hexadecimal.
    pub fn identity_fingerprint(&self) -> String {
        self.identity.to_string()
    }

    /// Makes a URL with which somebody creates an account, once, within `lifetime`; with `admin`
    /// one that may administer the server.
    ///
    /// # Errors
    /// When the storage does not answer.
    pub async fn invite(&self, lifetime: Duration, admin: bool) -> Result<InviteUrl, FilesError> {
        let terms = InviteTerms {
            lifetime,
            admin,
            login: None,
            limit: None,
        };
        match self.office.invite(terms).await {
            Ok(made) => Ok(made.url),
            Err(admin::InviteError::Files(error)) => Err(error),
            Err(admin::InviteError::NoAddress) => Err(FilesError::NotFound("address")),
        }
    }

    /// The rules of the server, for callers in the same process.
    pub fn files(&self) -> &Files {
        &self.files
    }

    /// Waits until the server has to be started again: it answers nothing any more, because another
    /// PostgreSQL took the place of its own.
    pub async fn must_restart(&self) -> Unfit {
        self.files.failed_over().cancelled().await;
        Unfit::FailedOver
    }

    /// Stops: takes no more connections, ends event streams, lets what is under way come to its
    /// end for a while, and closes the data.
    pub async fn stop(self) {
        self.stop.cancel();
        self.tasks.close();
        if tokio::time::timeout(self.patience, self.tasks.wait())
            .await
            .is_err()
        {
            tracing::warn!("requests under way were cut off");
        }
        self.abort.cancel();
        let _ = tokio::time::timeout(ABORTING, self.tasks.wait()).await;
        self.files.close().await;
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.stop.cancel();
        self.abort.cancel();
    }
}
