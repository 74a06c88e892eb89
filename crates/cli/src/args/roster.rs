//! Arguments of `hythe admin users import` and `export`.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

use super::Admin;

#[derive(Debug, Args)]
#[command(after_help = "\
The file has the form
  <users><user><user_name/><password/><clients><client>
    <ip/><port/><path/><files><file/></files>
  </client></clients></user></users>

Accounts that are there already are left alone. Passwords are set as by their owners: the server
does not get to see them. Who has none gets a code, with which `hythe account recover URL` lets a
first device in.

Examples:
  hythe admin users import --data /srv/hythe users.xml --dry-run
  hythe admin users import --data /srv/hythe users.xml --recovery-file codes.txt")]
pub struct ImportUsers {
    /// The users.xml
    pub file: PathBuf,
    /// Say what would be done, without doing it
    #[arg(long)]
    pub dry_run: bool,
    /// Where to write the codes of users without a password to, in place of standard output; the
    /// file must not be there
    #[arg(long = "recovery-file", value_name = "FILE")]
    pub codes: Option<PathBuf>,
    #[command(flatten)]
    pub admin: Admin,
}

#[derive(Debug, Args)]
#[command(after_help = "Example:\n  hythe admin users export --data /srv/hythe > users.xml")]
pub struct ExportUsers {
    /// How to print it
    #[arg(long, value_enum, default_value_t = RosterFormat::Xml)]
    pub format: RosterFormat,
    #[command(flatten)]
    pub admin: Admin,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum RosterFormat {
    /// The elements of a users.xml
    Xml,
    /// One JSON object
    Json,
}
