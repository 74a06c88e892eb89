//! Arguments of `spaces`, `share` and `members`.

use std::ffi::OsString;

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
    #[command(
        after_help = "Examples:\n  hythe spaces accept photos\n  hythe spaces accept 'https://host:7443/#s=…'"
    )]
    Accept {
        /// The space, by the name `hythe spaces` shows or by its id; or a link from `hythe share`
        space: String,
    },
    /// Do not take part in it
    #[command(after_help = "Example:\n  hythe spaces decline photos")]
    Decline {
        /// The space, by the name `hythe spaces` shows or by its id
        space: String,
    },
    /// Delete a space with all that is in it, after some days; files in sync folders stay
    #[command(after_help = "\
Members see when it ends, and until then everything goes on.
Examples:
  hythe spaces delete photos
  hythe spaces restore photos               (not after all)")]
    Delete {
        /// The space, by name or id
        space: String,
        /// After how many days
        #[arg(long, value_name = "DAYS", default_value_t = 14,
              value_parser = clap::value_parser!(u16).range(1..=364))]
        after: u16,
    },
    /// Go on with a sealed space after the server was restored from a copy
    #[command(after_help = "\
A server can say at any time that it was restored, and so hide what was written since. Ask whoever
runs it first. What this device has and the server lacks is brought back.
Example:
  hythe spaces confirm diary")]
    Confirm {
        /// The space, by name or id
        space: String,
    },
    /// Do not delete a space after all
    #[command(after_help = "Example:\n  hythe spaces restore photos")]
    Restore {
        /// The space, by name or id
        space: String,
    },
    /// Show a space at a place of another one, on all your devices
    #[command(after_help = "Example:\n  hythe spaces attach photos :/Pictures/ours")]
    Attach {
        /// The space, by name or id
        space: String,
        /// Where: SPACE:/path, or a path in a sync folder; nothing is there yet
        path: OsString,
    },
    /// Take a space out of the place where it is shown; the space stays
    #[command(after_help = "Example:\n  hythe spaces detach :/Pictures/ours")]
    Detach {
        /// The place: SPACE:/path, or a path in a sync folder
        path: OsString,
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
  hythe share photos bob --role viewer      (again, to change it)
  hythe share photos --link --role editor   (a link, for one person, for a week)
  hythe share :/Recipes bob --role editor   (a folder, where it is)")]
pub struct Share {
    /// The space, by name or id; or a folder (SPACE:/path, or a path in a sync folder), which
    /// becomes a space of its own and stays where it is
    pub space: OsString,
    /// Login name of who is to be a member
    #[arg(required_unless_present = "link")]
    pub account: Option<String>,
    /// Make a link by which one person, whoever has it, becomes a member within a week
    #[arg(long, conflicts_with_all = ["account", "number"])]
    pub link: bool,
    /// What they may do
    #[arg(long, value_enum)]
    pub role: RoleArgument,
    /// The safety number that they see with you: nothing is shared if it is another
    #[arg(long, value_name = "DIGITS")]
    pub number: Option<String>,
    /// What the space of a folder is to be called; as the folder where this is not given
    #[arg(long)]
    pub name: Option<String>,
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
  hythe members photos --remove bob
  hythe members photos --withdraw 5f8e21c9  (a link that nobody has used)")]
pub struct Members {
    /// The space, by name or id
    pub space: String,
    /// Send a member away, by login name or account id, and renew the keys
    #[arg(long, value_name = "ACCOUNT")]
    pub remove: Option<String>,
    /// Take back a link from `hythe share --link`, by its id or how that begins
    #[arg(long, value_name = "LINK", conflicts_with = "remove")]
    pub withdraw: Option<String>,
    #[command(flatten)]
    pub output: Output,
}
