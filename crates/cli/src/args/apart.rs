//! Arguments of `hythe account app-password` and `hythe account delete`.

use clap::{Args, Subcommand};

use super::Output;

#[derive(Debug, Subcommand)]
pub enum AppPasswords {
    /// Make one; it is shown once
    #[command(
        after_help = "It lets a program in that knows nothing of Hythe, with your login name, to your open spaces.\n\nExample:\n  hythe account app-password create phone --read-only --space Photos"
    )]
    Create(CreateAppPassword),
    /// List them, with what they reach and when each was last used
    #[command(after_help = "Example:\n  hythe account app-password list")]
    List(Output),
    /// End one, at once
    #[command(after_help = "Example:\n  hythe account app-password remove phone")]
    Remove {
        /// Its name
        name: String,
    },
}

#[derive(Debug, Args)]
pub struct CreateAppPassword {
    /// What you call it
    pub name: String,
    /// Let it only read
    #[arg(long)]
    pub read_only: bool,
    /// An open space that it reaches, by name or id; may be given several times. All unless given
    #[arg(long = "space", value_name = "SPACE")]
    pub spaces: Vec<String>,
    #[command(flatten)]
    pub output: Output,
}

#[derive(Debug, Args)]
pub struct Delete {
    /// Keep the account: take its deletion back
    #[arg(long, conflicts_with = "forgotten")]
    pub cancel: bool,
    /// Show the recovery code instead of the password
    #[arg(long)]
    pub forgotten: bool,
}
