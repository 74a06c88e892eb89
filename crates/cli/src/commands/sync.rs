//! `hythe sync`, `hythe unsync`.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use hythe_control::{FolderStatus, Octets, Place, Reply, Request};
use hythe_model::TreePath;

use crate::args::{Sync, Unsync};
use crate::door::{self, Door, Work};
use crate::error::{Exit, Trouble};
use crate::output;
use crate::resolve;

pub async fn add_or_move(args: Sync) -> Result<Exit, Trouble> {
    let request = match args.moved.as_deref() {
        Some([old, new]) => Request::FolderMove {
            old: resolve::directory(old)?,
            new: resolve::directory(new)?,
        },
        _ => {
            let dir = args.dir.map_or_else(default_folder, Ok)?;
            add_request(&dir, args.space, args.path.as_deref())?
        }
    };
    let mut door = Door::open(Work::Answer).await?;
    let (daemon, reply) = (door.is_daemon(), door.ask(request).await);
    door.close().await;
    match reply? {
        Reply::Folder(folder) => output::line(registered(&folder))?,
        other => return Err(door::unexpected(&other)),
    }
    if !daemon {
        output::line("No daemon is running: `hythe daemon start` begins to sync.")?;
    }
    Ok(Exit::Done)
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
