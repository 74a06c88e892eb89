//! `hythe serve`.

use std::net::SocketAddr;
use std::path::PathBuf;

use hythe_server::config::{ServerConfig, Transport, parse_listen};
use hythe_server::files::OpenError;
use hythe_server::{Running, Server, StartError};

use crate::args::{Serve, Store};
use crate::error::{Exit, Trouble};
use crate::signals::Ending;
use crate::{output, prompt, settings};

pub async fn run(args: Serve) -> Result<Exit, Trouble> {
    let mut ending = Ending::listen()?;
    let args = settings::layered(args)?;
    let listen = args.listen.ok_or_else(|| {
        Trouble::usage("The file does not say where to listen.").next("Add `listen`, or --listen.")
    })?;
    let mut config = config(args.store, listen_address(&listen)?)?;
    config.transport = match (args.http, args.tls_cert, args.tls_key) {
        (true, ..) => Transport::Plain,
        (false, Some(chain), Some(key)) => Transport::Certificate { chain, key },
        _ => Transport::SelfSigned,
    };
    config.forwarded = args.forwarded;
    config.metrics = args.metrics.as_deref().map(metrics_address).transpose()?;
    let Some(running) = ending.unless(start(config)).await.transpose()? else {
        return Ok(Exit::Done);
    };
    output::line(format!("ready {}", running.url()))?;
    let unfit = tokio::select! {
        () = ending.asked() => None,
        unfit = running.must_restart() => Some(unfit),
    };
    running.stop().await;
    match unfit {
        None => Ok(Exit::Done),
        Some(unfit) => Err(Trouble::failed("The server had to stop.")
            .because(unfit)
            .next(unfit.next_step())),
    }
}

/// What a server is told about its data, and otherwise as usual.
pub fn config(store: Store, listen: SocketAddr) -> Result<ServerConfig, Trouble> {
    let data = std::path::absolute(store.data)
        .map_err(|error| Trouble::usage("That is no folder.").because(error))?;
    let mut config = ServerConfig::new(data, listen);
    config.database = match store.database.as_deref() {
        Some("-") => Some(prompt::line()?),
        _ => store.database,
    };
    config.key_file = store.key_file;
    config.public_url = store.public_url.as_deref().map(public_url).transpose()?;
    config.witness = witness();
    Ok(config)
}

/// Where starts are counted outside the data, so that a restored copy is noticed (D4).
fn witness() -> Option<PathBuf> {
    let set = |name| {
        std::env::var_os(name)
            .filter(|value| !value.is_empty())
            .map(PathBuf::from)
    };
    let state = set("XDG_STATE_HOME").or_else(|| Some(set("HOME")?.join(".local/state")));
    state.map(|state| state.join("hythe/starts"))
}

/// Starts a server, saying what to do where it cannot.
pub async fn start(config: ServerConfig) -> Result<Running, Trouble> {
    Server::start(config).await.map_err(start_trouble)
}

fn start_trouble(error: StartError) -> Trouble {
    let next = match &error {
        StartError::Open(OpenError::Unfit(unfit)) => unfit.next_step(),
        StartError::Open(_) => {
            "See to it that the data folder is there, is yours, and no other server uses it."
        }
        StartError::NotLoopback { .. } => "Listen on 127.0.0.1, or leave --http out.",
        StartError::Listen { .. } => "Choose another address or port with --listen.",
        StartError::Tls(_) => "Check the certificate and its key.",
        _ => "See to it that the data folder can be written.",
    };
    Trouble::failed("The server could not start.")
        .because(error)
        .next(next)
}

/// `--listen`.
pub fn listen_address(text: &str) -> Result<SocketAddr, Trouble> {
    parse_listen(text).map_err(|error| Trouble::usage("That is no address.").because(error))
}

fn metrics_address(text: &str) -> Result<SocketAddr, Trouble> {
    text.parse().map_err(|error: std::net::AddrParseError| {
        Trouble::usage(format!("{text} is no ADDRESS:PORT.")).because(error)
    })
}

/// `--public-url`.
pub fn public_url(text: &str) -> Result<url::Url, Trouble> {
    hythe_wire::invite::server_url(text).map_err(|error| {
        Trouble::usage(format!("{text} is no address of a server.")).because(error)
    })
}
