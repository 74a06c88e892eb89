//! Logs go to standard error; `HYTHE_LOG` says which.

use std::io::{IsTerminal, stderr};

use tracing_subscriber::EnvFilter;

use crate::args::{Command, DaemonCommand};

/// Starts logging. Programs that stay tell what they do; commands only what goes wrong.
pub fn start(command: &Command) {
    let level = match command {
        Command::Up(_) | Command::Serve(_) | Command::Daemon(DaemonCommand::Run) => "info",
        _ => "warn",
    };
    let filter = EnvFilter::try_from_env("HYTHE_LOG").unwrap_or_else(|_| EnvFilter::new(level));
    let colours = stderr().is_terminal();
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_ansi(colours)
        .with_writer(stderr)
        .init();
}
