//! `hythe sync`, `hythe unsync`.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use hythe_control::{FolderStatus, MovedHere, Octets, Place, Reply, Request};
use hythe_model::TreePath;

use crate::args::{Sync, Unsync};
use crate::door::{self, Door, Work};
use crate::error::{Exit, Trouble};
use crate::output::{self, words};
use crate::{prompt, resolve};

pub async fn add_or_move(args: Sync) -> Result<Exit, Trouble> {
    let (daemon, reply) = match args.moved.as_deref() {
        Some([old, new]) => {
            let (old, new) = (resolve::directory(old)?, resolve::directory(new)?);
            ask(Request::FolderMove { old, new }).await?
        }
        _ => add(args).await?,
    };
    match reply {
        Reply::Folder(folder) => output::line(registered(&folder))?,
        other => return Err(door::unexpected(&other)),
    }
    if !daemon {
        output::line("No daemon is running: `hythe daemon start` begins to sync.")?;
    }
    Ok(Exit::Done)
}

/// Makes a sync folder; one that was moved goes on where it is, after a yes.
async fn add(args: Sync) -> Result<(bool, Reply), Trouble> {
    let dir = args.dir.map_or_else(default_folder, Ok)?;
    let added = ask(add_request(&dir, args.space, args.path.as_deref())?).await?;
    let (_, Reply::Moved(moved)) = &added else {
        return Ok(added);
    };
    let (old, new) = (moved.old.clone(), resolve::directory(&dir)?);
    // Nothing is open while a person thinks: others may use the home.
    if !args.yes && !prompt::yes(&question(moved))? {
        return Err(left(&new));
    }
    ask(Request::FolderMove { old, new }).await
}

/// Asks once, and says whether a daemon answered.
async fn ask(request: Request) -> Result<(bool, Reply), Trouble> {
    let mut door = Door::open(Work::Answer).await?;
    let (daemon, reply) = (door.is_daemon(), door.ask(request).await);
    door.close().await;
    Ok((daemon, reply?))
}

fn question(moved: &MovedHere) -> String {
    let old = &moved.old;
    match moved.same {
        true => format!("This is your sync folder {old}, moved. Go on here?"),
        false => {
            format!("This is a copy of your sync folder {old}, which is not there. Go on here?")
        }
    }
}

fn left(dir: &Octets) -> Trouble {
    Trouble::failed(format!("{dir} was left as it is.")).next(format!(
        "To make it a sync folder of its own, remove {dir}/.hythe and give the command again."
    ))
}

/// A directory that is a moved sync folder, where nobody can be asked.
pub fn not_yet(moved: &MovedHere, dir: &Octets) -> Trouble {
    let (old, new) = (words::argument(&moved.old), words::argument(dir));
    Trouble::attention(format!("{dir} is your sync folder {}, moved.", moved.old)).next(format!(
        "To go on there, run `hythe sync --move {old} {new}`, then this again."
    ))
}

/// What registers a folder.
pub fn add_request(
    dir: &Path,
    space: Option<String>,
    path: Option<&OsStr>,
) -> Result<Request, Trouble> {
    let bytes = path.map(OsStr::as_bytes).unwrap_or_default();
    let path = TreePath::parse(bytes).map_err(|error| {
        Trouble::usage(format!("{} is not a path.", Octets(bytes.to_vec()))).because(error)
    })?;
    let place = Place::Space {
        space: space.unwrap_or_default(),
        path: Octets(path.to_bytes()),
    };
    Ok(Request::FolderAdd {
        dir: resolve::directory(dir)?,
        place,
    })
}

/// `~/Hythe`.
pub fn default_folder() -> Result<PathBuf, Trouble> {
    let home = std::env::var_os("HOME").filter(|home| !home.is_empty());
    let home = home.ok_or_else(|| {
        Trouble::usage("No home directory is set.").next("Name the directory to sync.")
    })?;
    Ok(PathBuf::from(home).join("Hythe"))
}

fn registered(folder: &FolderStatus) -> String {
    format!(
        "{} syncs with {}:/{}.",
        folder.dir, folder.space, folder.path
    )
}

pub async fn remove(args: Unsync) -> Result<Exit, Trouble> {
    let dir = resolve::directory(&args.dir)?;
    match door::ask(Work::Answer, Request::FolderRemove { dir: dir.clone() }).await? {
        Reply::Done => {
            output::line(format!("{dir} is no sync folder any more; its files stay."))?;
            Ok(Exit::Done)
        }
        other => Err(door::unexpected(&other)),
    }
}
