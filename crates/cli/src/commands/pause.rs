//! `hythe pause`, `hythe resume`.

use hythe_control::{Reply, Request};

use crate::door::{self, Work};
use crate::error::{Exit, Trouble};
use crate::output;

pub async fn pause() -> Result<Exit, Trouble> {
    match door::ask(Work::Answer, Request::Pause).await? {
        Reply::Done => output::line("Paused. `hythe resume` syncs again.")?,
        other => return Err(door::unexpected(&other)),
    }
    Ok(Exit::Done)
}

pub async fn resume() -> Result<Exit, Trouble> {
    match door::ask(Work::Answer, Request::Resume).await? {
        Reply::Done => output::line("Syncing again.")?,
        other => return Err(door::unexpected(&other)),
    }
    Ok(Exit::Done)
}
