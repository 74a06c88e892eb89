//! Arguments of `hythe account`.

use std::path::PathBuf;

use clap::{Args, Subcommand};

use super::{AppPasswords, Delete, Names, Output};

#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  hythe account
  hythe account password
  hythe account recover https://files.example.org:7443")]
pub struct Account {
    #[command(subcommand)]
    pub command: Option<AccountCommand>,
    #[command(flatten)]
    pub output: Output,
}

#[derive(Debug, Subcommand)]
pub enum AccountCommand {
    /// Make an account with a password, and this its first device
    #[command(
        after_help = "Asks for the password, and again.\n\nExample:\n  hythe account register 'https://files.example.org:7443/#i=…'"
    )]
    Register(Enter),
    /// Make this one more device of an account, with its password
    #[command(
        after_help = "Asks for the password.\n\nExample:\n  hythe account login https://files.example.org:7443 --login ada"
    )]
    Login(Enter),
    /// Make this a device of the account again, with its recovery code
    #[command(
        after_help = "Asks for the recovery code.\n\nExample:\n  hythe account recover https://files.example.org:7443"
    )]
    Recover(Enter),
    /// Change what the account is called
    #[command(after_help = "Example:\n  hythe account edit --name 'Ada Lovelace'")]
    Edit(Edit),
    /// Have logins take the code of an authenticator besides the password
    #[command(
        after_help = "Shows a secret for the authenticator and asks for a code of it.\n\nExample:\n  hythe account totp"
    )]
    Totp(Totp),
    /// Show what happened to the account: devices, password, recovery code
    #[command(after_help = "Example:\n  hythe account history")]
    History(Output),
    /// List the passkeys that logins take besides the password, or remove one
    #[command(
        after_help = "A passkey is made and used in a browser.\n\nExamples:\n  hythe account passkeys\n  hythe account passkeys --remove 'Blue key'"
    )]
    Passkeys(Passkeys),
    /// Let programs in that know nothing of Hythe, each with a password of its own
    #[command(
        subcommand,
        after_help = "Example:\n  hythe account app-password create phone --read-only"
    )]
    AppPassword(AppPasswords),
    /// Delete the account after a waiting time, or keep it
    #[command(
        after_help = "Asks for the login name, and for the password where there is one.\n\nExamples:\n  hythe account delete\n  hythe account delete --cancel"
    )]
    Delete(Delete),
    /// Set, change or remove the password
    #[command(
        after_help = "Asks for the present password where there is one, then for the new one, and again.\n\nExample:\n  hythe account password"
    )]
    Password(Password),
    /// Show, confirm or replace the recovery code
    #[command(after_help = "Example:\n  hythe account recovery --confirm")]
    Recovery(Recovery),
}

#[derive(Debug, Args)]
pub struct Enter {
    /// The server's address, or the URL of an invite; `-` reads it from standard input
    pub url: String,
    #[command(flatten)]
    pub names: Names,
}

#[derive(Debug, Args)]
#[group(required = true, multiple = true)]
pub struct Edit {
    /// A new login name
    #[arg(long, value_name = "NAME")]
    pub login: Option<String>,
    /// What others are shown; empty: the login name
    #[arg(long, value_name = "NAME")]
    pub name: Option<String>,
    /// The e-mail address; empty: none
    #[arg(long, value_name = "ADDRESS")]
    pub email: Option<String>,
}

#[derive(Debug, Args)]
pub struct Totp {
    /// Have logins take no code any more; asks for one
    #[arg(long)]
    pub remove: bool,
    /// Show the recovery code instead of a code or a passkey
    #[arg(long)]
    pub forgotten: bool,
}

#[derive(Debug, Args)]
pub struct Passkeys {
    /// Have logins take this passkey no more; asks for a code of the authenticator
    #[arg(long, value_name = "NAME")]
    pub remove: Option<String>,
    /// Show the recovery code instead
    #[arg(long, requires = "remove")]
    pub forgotten: bool,
    #[command(flatten)]
    pub output: Output,
}

#[derive(Debug, Args)]
pub struct Password {
    /// Have none: devices, `devices add` and the recovery code are the ways in then
    #[arg(long)]
    pub remove: bool,
    /// Show the recovery code instead of the present password
    #[arg(long)]
    pub forgotten: bool,
}

#[derive(Debug, Args)]
pub struct Recovery {
    /// Type it back, to say that it is written down
    #[arg(long, conflicts_with = "renew")]
    pub confirm: bool,
    /// Draw a new one, which ends the present one
    #[arg(long)]
    pub renew: bool,
    /// Show the present recovery code instead of the password
    #[arg(long, requires = "renew")]
    pub forgotten: bool,
    /// Where to write a new code to, in place of standard output; the file must not be there
    #[arg(long, value_name = "FILE")]
    pub recovery_file: Option<PathBuf>,
}
