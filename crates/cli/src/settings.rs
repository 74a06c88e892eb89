//! `serve --config FILE`: the options of `serve` in TOML, under the same names.
//!
//! Two layers, no more: what the command line says wins over the file. The file is also the place
//! for what should not stand in an argument, like a database's password.

use std::path::{Path, PathBuf};

use serde::Deserialize;

use hythe_control::Octets;

use crate::args::Serve;
use crate::error::Trouble;

/// What a file may say.
#[derive(Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct Settings {
    listen: Option<String>,
    public_url: Option<String>,
    tls_cert: Option<PathBuf>,
    tls_key: Option<PathBuf>,
    http: Option<bool>,
    forwarded: Option<bool>,
    database: Option<String>,
    key_file: Option<PathBuf>,
    metrics: Option<String>,
}

/// Fills in from its file what the command line did not say.
pub fn layered(args: Serve) -> Result<Serve, Trouble> {
    match args.config.clone() {
        Some(path) => Ok(merge(args, read(&path)?)),
        None => Ok(args),
    }
}

fn read(path: &Path) -> Result<Settings, Trouble> {
    let shown = Octets::from(path);
    let text = std::fs::read_to_string(path)
        .map_err(|error| Trouble::usage(format!("{shown} could not be read.")).because(error))?;
    toml::from_str(&text).map_err(|error| {
        Trouble::usage(format!("{shown} is not a file of settings."))
            .cause(error.message())
            .next("Names are those of the options of `hythe serve`, without the dashes in front.")
    })
}

fn merge(mut args: Serve, file: Settings) -> Serve {
    args.listen = args.listen.or(file.listen);
    // A certificate and its key, or neither, come from one layer.
    if args.tls_cert.is_none() && !args.http {
        args.tls_cert = file.tls_cert;
        args.tls_key = file.tls_key;
        args.http = file.http.unwrap_or(false);
        args.forwarded = args.forwarded || file.forwarded.unwrap_or(false);
    }
    args.metrics = args.metrics.or(file.metrics);
    args.store.public_url = args.store.public_url.or(file.public_url);
    args.store.database = args.store.database.or(file.database);
    args.store.key_file = args.store.key_file.or(file.key_file);
    args
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;
    use crate::args::{Arguments, Command};

    fn typed(arguments: &[&str]) -> Serve {
        let all = [
            &["hythe", "serve", "--data", "d", "--config", "f"],
            arguments,
        ]
        .concat();
        match Arguments::parse_from(all).command {
            Command::Serve(args) => args,
            other => panic!("{other:?}"),
        }
    }

    fn file(text: &str) -> Result<Settings, Trouble> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("hythe.toml");
        std::fs::write(&path, text).unwrap();
        read(&path)
    }

    #[test]
    fn the_command_line_wins_over_the_file() {
        let text = "listen = \"0.0.0.0\"\ndatabase = \"postgres://x\"\nhttp = true\n";
        let merged = merge(typed(&["--listen", "127.0.0.1"]), file(text).unwrap());
        assert_eq!(merged.listen.as_deref(), Some("127.0.0.1"));
        assert_eq!(merged.store.database.as_deref(), Some("postgres://x"));
        assert!(merged.http);
    }

    #[test]
    fn a_certificate_is_never_mixed_from_both() {
        let args = typed(&["--tls-cert", "a.pem", "--tls-key", "a.key"]);
        let merged = merge(args, file("tls-key = \"b.key\"\nhttp = true\n").unwrap());
        assert_eq!(merged.tls_key, Some(PathBuf::from("a.key")));
        assert!(!merged.http);
    }

    #[test]
    fn unknown_names_are_refused() {
        assert_eq!(
            file("lisen = \"0.0.0.0\"\n").unwrap_err().exit,
            crate::error::Exit::Usage
        );
        assert_eq!(file("").unwrap(), Settings::default());
    }
}
