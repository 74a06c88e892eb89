//! Works of the project itself, started as `cargo xtask WORK`.

mod bench;
mod generate;
mod licences;
mod tidy;

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context, Result};

const USAGE: &str = "\
cargo xtask bench [OPTIONS]    measure, side by side with peers (use `make bench`)
cargo xtask tidy               check sizes, names, purity, unsafe code, dead files
cargo xtask generate           write docs/cli.md, man pages and shell completions
cargo xtask generate --check   say whether docs/cli.md is what the program would write
cargo xtask licences           check the licence of every dependency against deny.toml
";

fn main() -> ExitCode {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let named: Vec<&str> = words.iter().map(String::as_str).collect();
    let done = root().and_then(|root| match named.as_slice() {
        ["bench", ..] => bench::run(&words[1..]),
        ["tidy"] => tidy::run(&root),
        ["generate"] => generate::write(&root),
        ["generate", "--check"] => generate::check(&root),
        ["licences"] => licences::run(&root),
        _ => anyhow::bail!("unknown work; there are:\n{USAGE}"),
    });
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error:#}");
            ExitCode::FAILURE
        }
    }
}

/// The directory of the workspace.
fn root() -> Result<PathBuf> {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    Ok(here
        .parent()
        .context("the directory above xtask")?
        .to_owned())
}
