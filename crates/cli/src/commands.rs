//! The commands, a file each.

mod account;
mod admin;
mod cat;
mod connect;
mod daemon;
mod devices;
mod get;
mod held;
mod history;
mod link;
mod ls;
mod members;
mod mkdir;
mod mv;
mod pause;
mod plan;
mod put;
mod reference;
mod restore;
mod rm;
mod serve;
mod spaces;
mod status;
mod sync;
mod tree;
mod up;
mod verify;
mod wait;
mod why;

use crate::args::Command;
use crate::error::{Exit, Trouble};

/// Does what was asked.
pub async fn run(command: Command) -> Result<Exit, Trouble> {
    match command {
        Command::Up(args) => up::run(args).await,
        Command::Serve(args) => serve::run(args).await,
        Command::Admin(command) => admin::run(command).await,
        Command::Connect(args) => connect::run(args).await,
        Command::Sync(args) => sync::add_or_move(args).await,
        Command::Unsync(args) => sync::remove(args).await,
        Command::Daemon(command) => daemon::run(command).await,
        Command::Status(output) => status::run(output).await,
        Command::Wait(args) => wait::run(args).await,
        Command::Held(args) => held::run(args).await,
        Command::Pause => pause::pause().await,
        Command::Resume => pause::resume().await,
        Command::Ls(args) => ls::run(args).await,
        Command::Tree(args) => tree::run(args).await,
        Command::Cat(args) => cat::run(args).await,
        Command::Get(args) => get::run(args).await,
        Command::Put(args) => put::run(args).await,
        Command::Mkdir(args) => mkdir::run(args).await,
        Command::Mv(args) => mv::run(args).await,
        Command::Rm(args) => rm::run(args).await,
        Command::History(args) => history::run(args).await,
        Command::Restore(args) => restore::run(args).await,
        Command::Account(args) => account::run(args).await,
        Command::Devices(args) => devices::run(args).await,
        Command::Spaces(args) => spaces::run(args).await,
        Command::Share(args) => members::share(args).await,
        Command::Members(args) => members::run(args).await,
        Command::Link(args) => link::run(args).await,
        Command::Plan(output) => plan::run(output).await,
        Command::Why(args) => why::run(args).await,
        Command::Verify(output) => verify::run(output).await,
        Command::Completions { shell } => reference::completions(shell),
        Command::Reference { folder } => reference::write(&folder),
    }
}
