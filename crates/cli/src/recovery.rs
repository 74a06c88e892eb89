//! Giving the recovery code to whoever has to keep it.

use std::fs::OpenOptions;
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use hythe_wire::recovery::RecoveryCode;

use crate::error::Trouble;
use crate::output;

/// Writes a code to a file, or prints it.
pub fn give(code: &RecoveryCode, file: Option<&Path>) -> Result<(), Trouble> {
    match file {
        Some(file) => {
            write(code, file).map_err(|error| {
                Trouble::failed(format!(
                    "The recovery code could not be written to {}.",
                    file.display()
                ))
                .because(error)
                .next("`hythe account recovery` shows it until you confirm it.")
            })?;
            output::line(format!("Its recovery code is in {}.", file.display()))?;
        }
        None => {
            output::line("Its recovery code opens the account when every device is lost:")?;
            output::line(code.to_string())?;
        }
    }
    output::line("Keep it on paper, then confirm it: `hythe account recovery --confirm`.")
}

/// A new file that only its owner reads.
fn write(code: &RecoveryCode, file: &Path) -> std::io::Result<()> {
    let mut file = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(file)?;
    writeln!(file, "{code}")?;
    file.sync_all()
}
