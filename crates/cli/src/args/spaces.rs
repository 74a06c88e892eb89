//! Arguments of `spaces`, `share` and `members`.

use clap::{Args, Subcommand, ValueEnum};

use hythe_control::SpaceRole;

use super::Output;

#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  hythe spaces
  hythe spaces create photos
  hythe spaces create diary --sealed")]
pub struct Spaces {
    #[command(subcommand)]
    pub command: Option<SpacesCommand>,
    #[command(flatten)]
    pub output: Output,
}

#[derive(Debug, Subcommand)]
pub enum SpacesCommand {
    /// Make a space
    #[command(after_help = "Example:\n  hythe spaces create photos")]
    Create {
        /// Its name
        name: String,
        /// Sealed for ever: the server is no member and can never read it
        #[arg(long)]
        sealed: bool,
    },
    /// Give a space another name
    #[command(after_help = "Example:\n  hythe spaces rename photos pictures")]
    Rename {
        /// The space, by name or id
        space: String,
        /// Its new name
        name: String,
    },
    /// Take part in a space that you were invited to
    #[command(after_help = "Example:\n  hythe spaces accept photos")]
    Accept {
        /// The space, by the name `hythe spaces` shows or by its id
        space: String,
    },
    /// Do not take part in it
    #[command(after_help = "Example:\n  hythe spaces decline photos")]
    Decline {
        /// The space, by the name `hythe spaces` shows or by its id
        space: String,
    },
    /// Leave a space; the files in your sync folders stay
    #[command(after_help = "Example:\n  hythe spaces leave photos")]
    Leave {
        /// The space, by name or id
        space: String,
    },
}

#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  hythe share photos bob --role editor
  hythe share photos bob --role viewer      (again, to change it)")]
pub struct Share {
    /// The space, by name or id
    pub space: String,
    /// Login name of who is to be a member
    pub account: String,
    /// What they may do
    #[arg(long, value_enum)]
    pub role: RoleArgument,
    /// The safety number that they see with you: nothing is shared if it is another
    #[arg(long, value_name = "DIGITS")]
    pub number: Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum RoleArgument {
    /// Everything, members and keys included
    Owner,
    /// Read and write
    Editor,
    /// Read
    Viewer,
    /// Upload
    Drop,
}

impl From<RoleArgument> for SpaceRole {
    fn from(role: RoleArgument) -> Self {
        match role {
            RoleArgument::Owner => Self::Owner,
            RoleArgument::Editor => Self::Editor,
            RoleArgument::Viewer => Self::Viewer,
            RoleArgument::Drop => Self::Drop,
        }
    }
}

#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  hythe members photos
  hythe members photos --remove bob")]
pub struct Members {
    /// The space, by name or id
    pub space: String,
    /// Send a member away, by login name or account id, and renew the keys
    #[arg(long, value_name = "ACCOUNT")]
    pub remove: Option<String>,
    #[command(flatten)]
    pub output: Output,
}
