//! Arguments of `link`.

use std::ffi::OsString;

use clap::{Args, Subcommand};

use super::Output;

#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  hythe link create :/photos --days 7
  hythe link list
  hythe link revoke :/photos

Whoever has a link opens it with `hythe ls`, `hythe cat` and `hythe get`.")]
pub struct Link {
    #[command(subcommand)]
    pub command: LinkCommand,
}

#[derive(Debug, Subcommand)]
pub enum LinkCommand {
    /// Give out a link to a file or directory
    #[command(after_help = "\
Examples:
  hythe link create :/photos --days 7
  hythe link create team:/report.pdf --downloads 1 --protect
  hythe link create :/inbox --upload")]
    Create(CreateLink),
    /// Show the links you may end
    #[command(after_help = "\
Examples:
  hythe link list
  hythe link list :/photos --uses")]
    List(ListLinks),
    /// End links: nobody gets anything through them from then on
    #[command(after_help = "Example:\n  hythe link revoke :/photos")]
    Revoke(RevokeLink),
}

#[derive(Debug, Args)]
pub struct CreateLink {
    /// SPACE:/path
    pub path: OsString,
    /// For looking: programs offer no copy (the bytes are the same)
    #[arg(long)]
    pub view: bool,
    /// For putting files there with `hythe put`; nothing is shown of what is there
    #[arg(long, conflicts_with = "view")]
    pub upload: bool,
    /// End it after so many days
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=36_500))]
    pub days: Option<u32>,
    /// End it after so many files were opened, or put
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    pub downloads: Option<u32>,
    /// Ask for a password that whoever opens it must know
    #[arg(long)]
    pub protect: bool,
}

#[derive(Debug, Args)]
pub struct ListLinks {
    /// SPACE:/path; links to it and to what is below
    #[arg(default_value = ":/")]
    pub path: OsString,
    /// Show when, and from which network, each was used
    #[arg(long)]
    pub uses: bool,
    #[command(flatten)]
    pub output: Output,
}

#[derive(Debug, Args)]
pub struct RevokeLink {
    /// SPACE:/path whose links are to end
    pub path: OsString,
    /// Only this one: its id as `hythe link list` shows it
    pub link: Option<String>,
}
