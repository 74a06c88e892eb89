//! `hythe up`: a server and this device's daemon in one process.

use std::path::{Path, PathBuf};
use std::time::Duration;

use hythe_client::daemon::{self, Daemon, Options};
use hythe_client::home::LockedHome;
use hythe_client::keys::KeyStore;
use hythe_control::{Caller, FolderStatus, Reply, Request};
use hythe_server::Running;

use crate::args::{Names, Store, Up};
use crate::commands::connect::{self, Chosen};
use crate::commands::{serve, sync};
use crate::door;
use crate::error::{Exit, Trouble};
use crate::output;
use crate::resolve;
use crate::signals::Ending;

/// The first device enrols at once; its account governs the server.
const INVITE_LIFETIME: Duration = Duration::from_secs(600);

pub async fn run(args: Up) -> Result<Exit, Trouble> {
    let mut ending = Ending::listen()?;
    let taken = ending.unless(door::take_for_daemon(door::home()?)).await;
    let Some(home) = taken.transpose()? else {
        return Ok(Exit::Done);
    };
    let store = Store {
        data: args.data.unwrap_or_else(|| home.server_path()),
        database: None,
        key_file: None,
        public_url: args.public_url,
    };
    let config = serve::config(store, serve::listen_address(&args.listen)?)?;
    let server = serve::start(config).await?;
    let ended = beside(&server, home, args.dir, args.names, &mut ending).await;
    server.stop().await;
    ended.map(|()| Exit::Done)
}

/// The device beside its server, until one is asked to end.
async fn beside(
    server: &Running,
    home: LockedHome,
    dir: Option<PathBuf>,
    names: Names,
    ending: &mut Ending,
) -> Result<(), Trouble> {
    let recovery_file = names.recovery_file.clone();
    let enrolled = ending.unless(enrol_once(server, &home, names)).await;
    let Some(first) = enrolled.transpose()? else {
        return Ok(());
    };
    if first {
        let store = KeyStore::open(home.keys_path()).map_err(connect::keys_trouble)?;
        connect::give_recovery(&store, recovery_file.as_deref())?;
    }
    let options = Options {
        door: true,
        folders: true,
        server_url: Some(server.local_url().to_string()),
        advertised_url: Some(server.url().to_string()),
        ..Options::default()
    };
    let daemon = daemon::start(home, options)
        .await
        .map_err(door::start_trouble)?;
    let told = tell(server, &daemon, dir, first).await;
    if told.is_ok() {
        tokio::select! {
            () = ending.asked() => (),
            () = daemon.ended() => (),
        }
    }
    daemon.stop().await;
    told
}

/// Enrols this device with its own server, at the first start. Says whether it was the first.
async fn enrol_once(server: &Running, home: &LockedHome, names: Names) -> Result<bool, Trouble> {
    let store = KeyStore::open(home.keys_path()).map_err(connect::keys_trouble)?;
    if let Some(device) = store.device().map_err(connect::keys_trouble)? {
        if device.server.identity == server.identity().0 {
            return Ok(false);
        }
        return Err(Trouble::failed("This device belongs to another server.")
            .cause(format!("It is enrolled at {}.", device.server.url))
            .next("Run `hythe daemon start` for it, or set HYTHE_HOME for a device of this one."));
    }
    let mut invite = server
        .invite(INVITE_LIFETIME, true)
        .await
        .map_err(|error| {
            Trouble::failed("The server could not make its first account.").because(error)
        })?;
    // This device is on the same machine, wherever other devices find the server.
    invite.server = server.local_url().clone();
    connect::enrol(home, &invite.to_string(), &Chosen::of(names)).await?;
    Ok(true)
}

/// Makes the sync folder, and says what runs.
async fn tell(
    server: &Running,
    daemon: &Daemon,
    dir: Option<PathBuf>,
    first: bool,
) -> Result<(), Trouble> {
    let mut caller = Caller::within(daemon.service())?;
    let folders = folders(&mut caller, dir).await?;
    output::line(format!("The server runs at {}.", server.url()))?;
    for folder in folders {
        output::line(format!(
            "{} syncs with {}:/{}.",
            folder.dir, folder.space, folder.path
        ))?;
    }
    if first {
        output::line("Add the next device: run `hythe devices add` here, in another terminal.")?;
    }
    output::line("Ctrl-C ends both.")
}

/// The sync folders; the one that was named, or the first one, is made if it is not there.
async fn folders(caller: &mut Caller, dir: Option<PathBuf>) -> Result<Vec<FolderStatus>, Trouble> {
    let mut folders = match caller.call(&Request::Status, None, |_| ()).await? {
        Reply::Status(status) => status.folders,
        other => return Err(door::unexpected(&other)),
    };
    let wanted = match dir {
        Some(dir) => dir,
        None if folders.is_empty() => sync::default_folder()?,
        None => return Ok(folders),
    };
    if is_there(&folders, &wanted)? {
        return Ok(folders);
    }
    match caller
        .call(&sync::add_request(&wanted, None, None)?, None, |_| ())
        .await?
    {
        Reply::Folder(folder) => folders.push(folder),
        Reply::Moved(moved) => return Err(sync::not_yet(&moved, &resolve::directory(&wanted)?)),
        other => return Err(door::unexpected(&other)),
    }
    Ok(folders)
}

fn is_there(folders: &[FolderStatus], wanted: &Path) -> Result<bool, Trouble> {
    let wanted = resolve::directory(wanted)?;
    Ok(folders.iter().any(|folder| folder.dir == wanted))
}
