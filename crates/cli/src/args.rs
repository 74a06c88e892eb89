//! Arguments as typed.

mod account;
mod apart;
mod link;
mod roster;
mod spaces;

use std::ffi::OsString;
use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};
use clap_complete::Shell;

pub use account::{
    Account, AccountCommand, Edit, Enter, Passkeys, Password as PasswordArgs,
    Recovery as RecoveryArgs, Totp,
};
pub use apart::{AppPasswords, CreateAppPassword, Delete};
pub use link::{CreateLink, Link, LinkCommand, ListLinks, RevokeLink};
pub use roster::{ExportUsers, ImportUsers, RosterFormat};
pub use spaces::{Members, RoleArgument, Share, Spaces, SpacesCommand};

/// Your files on your own server, and on all your devices.
#[derive(Debug, Parser)]
#[command(
    name = "hythe",
    version,
    arg_required_else_help = true,
    infer_subcommands = false
)]
#[command(after_help = "\
PATH is SPACE:/a/b, or :/a/b in your personal space.
HYTHE_HOME is where this device keeps its state (default ~/.local/share/hythe); HYTHE_LOG sets \
logging (error, warn, info, debug).
Exit codes: 0 done, 1 failed, 2 wrong usage, 3 something needs a person (conflict, paused, held).

Example:
  hythe up ~/Hythe")]
pub struct Arguments {
    #[command(subcommand)]
    pub command: Command,
}

#[derive(Debug, Subcommand)]
pub enum Command {
    /// Run a server on this machine and sync a folder with it, in one process
    Up(Up),
    /// Run a server
    Serve(Serve),
    /// Govern a server
    #[command(
        subcommand,
        after_help = "Example:\n  hythe admin invite --data /srv/hythe"
    )]
    Admin(AdminCommand),
    /// Enrol this device with a server
    Connect(Connect),
    /// Make a directory a sync folder
    Sync(Sync),
    /// Stop syncing a directory; its files stay
    Unsync(Unsync),
    /// Run this device's daemon, which syncs
    #[command(subcommand, after_help = "Example:\n  hythe daemon start")]
    Daemon(DaemonCommand),
    /// Say what is synced, and what is not and why
    #[command(after_help = "Example:\n  hythe status --json")]
    Status(Output),
    /// Return when everything is synced, proven by digest
    Wait(Wait),
    /// Show and decide mass changes that wait for a yes
    Held(Held),
    /// Stop syncing until `resume`
    #[command(after_help = "Example:\n  hythe pause")]
    Pause,
    /// Sync again
    #[command(after_help = "Example:\n  hythe resume")]
    Resume,
    /// List a directory on the server
    Ls(Ls),
    /// Show everything below a directory on the server
    Tree(Tree),
    /// Print a file on the server
    Cat(Cat),
    /// Copy from the server to this machine
    Get(Get),
    /// Copy from this machine to the server
    Put(Put),
    /// Make a directory on the server
    Mkdir(Mkdir),
    /// Move or rename on the server
    Mv(Mv),
    /// Remove on the server, to the trash
    Rm(Rm),
    /// Show what happened to a file or directory
    #[command(after_help = "Example:\n  hythe history :/note.txt")]
    History(OnePath),
    /// Bring back something deleted, or an older version of a file
    Restore(Restore),
    /// This account: who it is, its password and recovery code
    Account(Account),
    /// List this account's devices, add one, remove one
    Devices(Devices),
    /// List the spaces you take part in; make, rename, accept, decline or leave one
    Spaces(Spaces),
    /// Make somebody a member of a space, or change what they may do there
    Share(Share),
    /// Say who is in a space; send somebody away
    Members(Members),
    /// Give out links to files and directories, see how they are used, end them
    Link(Link),
    /// Say what would be done now, without doing it
    #[command(after_help = "Example:\n  hythe plan")]
    Plan(Output),
    /// Say why an item is as it is
    #[command(after_help = "Example:\n  hythe why ~/Hythe/note.txt")]
    Why(OnePath),
    /// Prove that disk, trees, log and stored chunks agree
    #[command(after_help = "Example:\n  hythe verify")]
    Verify(Output),
    /// Print a completion script for a shell
    #[command(
        after_help = "Example:\n  hythe completions bash > ~/.local/share/bash-completion/completions/hythe"
    )]
    Completions {
        /// Which shell
        shell: Shell,
    },
    /// Write the command reference, man pages and completions into a folder
    #[command(hide = true)]
    Reference {
        /// Where to
        folder: PathBuf,
    },
}

// No doc comment and no attributes: flattened into other commands, they would become theirs.
#[derive(Debug, Args)]
pub struct Output {
    /// Print one JSON object
    #[arg(long)]
    pub json: bool,
}

#[derive(Debug, Args)]
#[command(after_help = "Example:\n  hythe up ~/Hythe")]
pub struct Up {
    /// The sync folder; made when missing. At the first start ~/Hythe unless given
    pub dir: Option<PathBuf>,
    /// Where the server listens: ADDR, ADDR:PORT or [ADDR6]:PORT
    #[arg(long, value_name = "ADDR[:PORT]", default_value = "0.0.0.0")]
    pub listen: String,
    /// The server's data, in place of $HYTHE_HOME/server
    #[arg(long, value_name = "DIR")]
    pub data: Option<PathBuf>,
    /// The address other devices are told
    #[arg(long, value_name = "URL")]
    pub public_url: Option<String>,
    #[command(flatten)]
    pub names: Names,
}

// Names that the first start and `connect` give. No doc comment: see `Output`.
#[derive(Debug, Args)]
pub struct Names {
    /// Login name of a new account; the user's name unless given
    #[arg(long, value_name = "NAME")]
    pub login: Option<String>,
    /// Name of this device; the machine's name unless given
    #[arg(long, value_name = "NAME")]
    pub device_name: Option<String>,
    /// Where to write a new account's recovery code to, in place of standard output; the file must
    /// not be there
    #[arg(long, value_name = "FILE")]
    pub recovery_file: Option<PathBuf>,
}

#[derive(Debug, Args)]
#[command(after_help = "Example:\n  hythe serve --data /srv/hythe --listen 0.0.0.0")]
pub struct Serve {
    #[command(flatten)]
    pub store: Store,
    /// Where to listen: ADDR, ADDR:PORT or [ADDR6]:PORT; port 7443 unless given, 0 for any
    #[arg(long, value_name = "ADDR[:PORT]", required_unless_present = "config")]
    pub listen: Option<String>,
    /// Settings (TOML) under the names of these options; options given here win
    #[arg(long, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// Certificate chain (PEM) in place of the self-signed one
    #[arg(long, value_name = "FILE", requires = "tls_key")]
    pub tls_cert: Option<PathBuf>,
    /// Private key (PEM) of the certificate
    #[arg(long, value_name = "FILE", requires = "tls_cert")]
    pub tls_key: Option<PathBuf>,
    /// Plain HTTP, for a proxy on this machine; loopback addresses only
    #[arg(long, conflicts_with = "tls_cert")]
    pub http: bool,
    /// Take clients' addresses from X-Forwarded-For, which the proxy must set
    #[arg(long, requires = "http")]
    pub forwarded: bool,
    /// Serve /metrics on this address
    #[arg(long, value_name = "ADDR:PORT")]
    pub metrics: Option<String>,
}

// Where a server's data is. No doc comment: see `Output`.
#[derive(Debug, Clone, Args)]
pub struct Store {
    /// The folder that holds the server's data; `serve` makes it when missing
    #[arg(long, value_name = "DIR")]
    pub data: PathBuf,
    /// Metadata is in PostgreSQL: postgres://USER@HOST/NAME; `-` reads it from standard input,
    /// because it may hold a password
    #[arg(long, value_name = "URL")]
    pub database: Option<String>,
    /// Where the master key is, in place of DATA/keys/master
    #[arg(long, value_name = "FILE")]
    pub key_file: Option<PathBuf>,
    /// The address clients are told
    #[arg(long, value_name = "URL")]
    pub public_url: Option<String>,
}

#[derive(Debug, Subcommand)]
pub enum AdminCommand {
    /// Print a one-time URL that makes one account
    #[command(after_help = "Example:\n  hythe admin invite --data /srv/hythe")]
    Invite(Invite),
    /// Say how much the server holds
    #[command(after_help = "Example:\n  hythe admin stats --data /srv/hythe --json")]
    Stats(Admin),
    /// Check the server's data: logs, folds, chunks
    #[command(after_help = "Example:\n  hythe admin check --data /srv/hythe")]
    Check(Check),
    /// Show and set how much accounts and spaces may hold
    Quota(Quota),
    /// List accounts; suspend, resume, remove one, set its role
    Users(Users),
    /// Show and set who may create an account
    #[command(after_help = "\
Examples:
  hythe admin policy --data /srv/hythe
  hythe admin policy --data /srv/hythe closed")]
    Policy(Policy),
    /// Show what was administered
    #[command(after_help = "Example:\n  hythe admin audit --data /srv/hythe --json")]
    Audit(Audit),
}

#[derive(Debug, Args)]
pub struct Policy {
    /// Who may create an account from now on
    #[arg(value_enum)]
    pub policy: Option<Registration>,
    #[command(flatten)]
    pub admin: Admin,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Registration {
    /// Everybody
    Open,
    /// Whoever has an invite
    Invite,
    /// Nobody; invites do not hold
    Closed,
}

#[derive(Debug, Args)]
pub struct Audit {
    /// How many of the latest actions
    #[arg(long, default_value_t = 100)]
    pub limit: u32,
    #[command(flatten)]
    pub admin: Admin,
}

#[derive(Debug, Args)]
#[command(
    args_conflicts_with_subcommands = true,
    subcommand_negates_reqs = true,
    after_help = "\
Examples:
  hythe admin users --data /srv/hythe --json
  hythe admin users suspend --data /srv/hythe ada
  hythe admin users resume --data /srv/hythe ada
  hythe admin users remove --data /srv/hythe ada --after 30
  hythe admin users role --data /srv/hythe ada admin
  hythe admin users import --data /srv/hythe users.xml --dry-run
  hythe admin users export --data /srv/hythe"
)]
pub struct Users {
    // Of the list: an action has its own.
    #[command(flatten)]
    pub store: Option<Store>,
    #[command(flatten)]
    pub output: Output,
    #[command(subcommand)]
    pub action: Option<UserAction>,
}

#[derive(Debug, Subcommand)]
pub enum UserAction {
    /// Cut an account off, with all its devices, until it is resumed; nothing of it is lost
    #[command(after_help = "Example:\n  hythe admin users suspend --data /srv/hythe ada")]
    Suspend(OneUser),
    /// Let an account go on that was suspended or is to be removed
    #[command(after_help = "Example:\n  hythe admin users resume --data /srv/hythe ada")]
    Resume(OneUser),
    /// Suspend an account and remove it after a waiting time
    Remove(RemoveUser),
    /// Make accounts for the users of a users.xml
    Import(ImportUsers),
    /// Print the accounts as a users.xml, without passwords
    Export(ExportUsers),
    /// Set what an account may do besides having files
    #[command(after_help = "Example:\n  hythe admin users role --data /srv/hythe ada admin")]
    Role(RoleOfUser),
}

#[derive(Debug, Args)]
pub struct OneUser {
    /// The account, by login name or id
    #[arg(value_name = "ACCOUNT")]
    pub name: String,
    #[command(flatten)]
    pub admin: Admin,
}

#[derive(Debug, Args)]
#[command(after_help = "\
Spaces in which nobody else is go with the account. Spaces with other members stay for them.
Until the time is over, `hythe admin users resume` keeps the account.

Example:
  hythe admin users remove --data /srv/hythe ada --after 30")]
pub struct RemoveUser {
    #[command(flatten)]
    pub user: OneUser,
    /// After so many days; 0 removes it at once, and nothing brings it back
    #[arg(long, value_name = "DAYS", default_value_t = 14)]
    pub after: u16,
}

#[derive(Debug, Args)]
pub struct RoleOfUser {
    #[command(flatten)]
    pub user: OneUser,
    /// What it may do besides having files
    #[arg(value_enum)]
    pub role: InviteRole,
}

#[derive(Debug, Args)]
pub struct Check {
    /// Count anew what the spaces hold, where that is off
    #[arg(long)]
    pub recount: bool,
    #[command(flatten)]
    pub admin: Admin,
}

#[derive(Debug, Args)]
#[command(after_help = "\
Sizes are bytes, or end in KiB, MiB, GiB, TiB (powers of 1024) or KB, MB, GB, TB (of 1000).

Examples:
  hythe admin quota --data /srv/hythe
  hythe admin quota --data /srv/hythe ada 20GiB
  hythe admin quota --data /srv/hythe ada none
  hythe admin quota --data /srv/hythe --default 5GiB")]
pub struct Quota {
    /// An account, by login name or id, or a space, by id; all unless given
    #[arg(value_name = "ACCOUNT|SPACE")]
    pub of: Option<String>,
    /// How much it may hold from now on; `none` takes the limit away
    #[arg(value_name = "SIZE|none", value_parser = crate::amount::parse)]
    pub size: Option<crate::amount::Limit>,
    /// How much accounts that are made from now on may hold
    #[arg(long, value_name = "SIZE|none", value_parser = crate::amount::parse, conflicts_with = "of")]
    pub default: Option<crate::amount::Limit>,
    #[command(flatten)]
    pub admin: Admin,
}

#[derive(Debug, Args)]
pub struct Invite {
    /// What the account may do besides having files
    #[arg(long, value_enum, default_value_t = InviteRole::User)]
    pub role: InviteRole,
    /// The login name it is for; any unless given
    #[arg(long, value_name = "NAME")]
    pub login: Option<String>,
    /// How much the account may hold; as other new accounts unless given
    #[arg(long, value_name = "SIZE|none", value_parser = crate::amount::parse)]
    pub quota: Option<crate::amount::Limit>,
    #[command(flatten)]
    pub admin: Admin,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum InviteRole {
    /// Nothing
    User,
    /// Govern the server
    Admin,
}

#[derive(Debug, Args)]
pub struct Admin {
    #[command(flatten)]
    pub store: Store,
    #[command(flatten)]
    pub output: Output,
}

#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  hythe connect 'https://host:7443/#i=…' --device-name laptop
  hythe connect -          (reads the URL from standard input)")]
pub struct Connect {
    /// The URL that `admin invite` or `devices add` printed, or a server's address to log in at;
    /// `-` reads it from standard input
    pub url: String,
    /// With a server's address: have another device let this one in, by a code that this one shows
    #[arg(long)]
    pub approve: bool,
    #[command(flatten)]
    pub names: Names,
}

#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  hythe sync ~/Hythe
  hythe sync ~/Photos --path /photos
  hythe sync --move ~/Hythe ~/Documents/Hythe")]
pub struct Sync {
    /// The directory, made when missing; ~/Hythe unless given
    #[arg(conflicts_with = "moved")]
    pub dir: Option<PathBuf>,
    /// The space to sync, by name or id; your personal one unless given
    #[arg(long, conflicts_with = "moved")]
    pub space: Option<String>,
    /// The directory of the space to sync; all of it unless given
    #[arg(long, conflicts_with = "moved")]
    pub path: Option<OsString>,
    /// Move a sync folder, or say where you moved it
    #[arg(long = "move", num_args = 2, value_names = ["OLD", "NEW"])]
    pub moved: Option<Vec<PathBuf>>,
    /// Go on with a sync folder that was moved to DIR, without asking
    #[arg(long, conflicts_with = "moved")]
    pub yes: bool,
}

#[derive(Debug, Args)]
#[command(after_help = "Example:\n  hythe unsync ~/Hythe")]
pub struct Unsync {
    /// The sync folder
    pub dir: PathBuf,
}

#[derive(Debug, Subcommand)]
pub enum DaemonCommand {
    /// Run in the foreground
    #[command(after_help = "Example:\n  hythe daemon run")]
    Run,
    /// Start in the background; logs go to daemon.log in Hythe's home
    #[command(after_help = "Example:\n  hythe daemon start")]
    Start,
    /// Stop
    #[command(after_help = "Example:\n  hythe daemon stop")]
    Stop,
}

#[derive(Debug, Args)]
#[command(
    after_help = "Exit codes: 0 everything is synced, 1 not in time or the server was not reached, 3 all else \
                  is synced and what stderr names is not: a pipe, a name that cannot be synced, a conflict, \
                  something held or paused.\n\nExample:\n  hythe wait --timeout 60"
)]
pub struct Wait {
    /// Give up after this many seconds
    #[arg(long, value_name = "SECONDS")]
    pub timeout: Option<u64>,
}

#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  hythe held\n  hythe held approve")]
pub struct Held {
    #[command(subcommand)]
    pub decision: Option<HeldCommand>,
    #[command(flatten)]
    pub output: Output,
}

#[derive(Debug, Subcommand)]
pub enum HeldCommand {
    /// It was meant: carry on
    #[command(after_help = "Example:\n  hythe held approve")]
    Approve(HeldWhich),
    /// It was not: put back what was there
    #[command(after_help = "Example:\n  hythe held undo 2")]
    Undo(HeldWhich),
}

#[derive(Debug, Args)]
pub struct HeldWhich {
    /// Its number, as `held` shows it; all unless given
    pub id: Option<u64>,
}

#[derive(Debug, Args)]
#[command(after_help = "Example:\n  hythe ls -l :/photos")]
pub struct Ls {
    /// SPACE:/path, or the address of a link
    pub path: OsString,
    /// Show kind, size and time too
    #[arg(short, long)]
    pub long: bool,
    #[command(flatten)]
    pub output: Output,
}

#[derive(Debug, Args)]
#[command(after_help = "Example:\n  hythe tree :/photos")]
pub struct Tree {
    /// SPACE:/path, or the address of a link
    pub path: OsString,
    #[command(flatten)]
    pub output: Output,
}

#[derive(Debug, Args)]
#[command(after_help = "Example:\n  hythe cat :/notes/today.txt")]
pub struct Cat {
    /// SPACE:/path, or the address of a link
    pub path: OsString,
    /// An older version, as `history` shows it
    #[arg(long, value_name = "ID")]
    pub version: Option<String>,
}

#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  hythe get :/notes\n  hythe get :/notes/today.txt /tmp/today.txt"
)]
pub struct Get {
    /// SPACE:/path of a file or directory, or the address of a link
    pub source: OsString,
    /// Where to; the current directory unless given
    pub target: Option<PathBuf>,
    /// An older version of a file, as `history` shows it
    #[arg(long, value_name = "ID")]
    pub version: Option<String>,
    /// Replace files that are there
    #[arg(short, long)]
    pub force: bool,
}

#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  hythe put report.pdf :/letters\n  echo hello | hythe put - :/hello.txt"
)]
pub struct Put {
    /// A file or directory of this machine; `-` reads standard input
    pub source: PathBuf,
    /// SPACE:/path, or the address of an upload link; a directory that is there receives it under its
    /// own name
    pub target: OsString,
}

#[derive(Debug, Args)]
#[command(after_help = "Example:\n  hythe mkdir -p :/letters/2027/january")]
pub struct Mkdir {
    /// SPACE:/path
    pub path: OsString,
    /// Make missing parents too, and be content with what is there
    #[arg(short, long)]
    pub parents: bool,
}

#[derive(Debug, Args)]
#[command(after_help = "Example:\n  hythe mv :/draft.txt :/letters")]
pub struct Mv {
    /// SPACE:/path
    pub source: OsString,
    /// SPACE:/path; a directory that is there receives it under its own name
    pub target: OsString,
}

#[derive(Debug, Args)]
#[command(after_help = "Example:\n  hythe rm -r :/old")]
pub struct Rm {
    /// SPACE:/path
    pub path: OsString,
    /// Allow a directory that is not empty
    #[arg(short, long)]
    pub recursive: bool,
}

#[derive(Debug, Args)]
pub struct OnePath {
    /// SPACE:/path, or a path inside a sync folder
    pub path: OsString,
    #[command(flatten)]
    pub output: Output,
}

#[derive(Debug, Args)]
#[command(after_help = "Example:\n  hythe restore :/note.txt")]
pub struct Restore {
    /// SPACE:/path, or a path inside a sync folder
    pub path: OsString,
    /// The version, as `history` shows it; the last one unless given
    #[arg(long, value_name = "ID")]
    pub version: Option<String>,
}

#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  hythe devices\n  hythe devices add\n  hythe devices remove old-laptop"
)]
pub struct Devices {
    #[command(subcommand)]
    pub command: Option<DevicesCommand>,
    #[command(flatten)]
    pub output: Output,
}

#[derive(Debug, Subcommand)]
pub enum DevicesCommand {
    /// Print a one-time URL for the next device
    #[command(after_help = "Example:\n  hythe devices add")]
    Add(Output),
    /// Let a device in that shows a code
    #[command(
        after_help = "Asks for the code that `hythe connect URL --approve` shows on the new device.\n\nExample:\n  hythe devices approve"
    )]
    Approve,
    /// Cut a device off
    #[command(
        after_help = "With --wipe it is asked to delete its copies of your files. It does so when it next reaches the server, and only what the server has: what it has not sent stays on it. Nothing makes sure of it: a device that stays offline, or that somebody changed, keeps them.\n\nExamples:\n  hythe devices remove old-laptop\n  hythe devices remove lost-phone --wipe"
    )]
    Remove {
        /// Its name, or the first eight or more digits of its id
        device: String,
        /// Ask it to delete its copies of your files, as well as it can
        #[arg(long)]
        wipe: bool,
    },
}
