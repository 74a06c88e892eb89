//! `hythe`: server, client and command line in one executable.
//!
//! Arguments are typed in [`args`], resolved in [`resolve`], asked of the daemon through [`door`],
//! and printed by [`output`]. What a command does stands in `commands/`, a file each.

mod amount;
mod args;
mod commands;
mod door;
mod error;
mod identity;
mod logs;
mod output;
mod progress;
mod prompt;
mod recovery;
mod resolve;
mod settings;
mod signals;
mod visit;

use std::process::ExitCode;

use clap::Parser;

use error::{Exit, Trouble};

fn main() -> ExitCode {
    hythe_client::os::reuse_buffers();
    let arguments = args::Arguments::parse();
    logs::start(&arguments.command);
    match run(arguments) {
        Ok(exit) => exit.into(),
        Err(trouble) => {
            trouble.tell();
            trouble.exit.into()
        }
    }
}

fn run(arguments: args::Arguments) -> Result<Exit, Trouble> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(|error| Trouble::failed("Hythe could not start.").because(error))?;
    runtime.block_on(commands::run(arguments.command))
}
