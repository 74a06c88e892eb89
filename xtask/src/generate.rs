//! Files that the program itself describes best.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};

/// The reference that is kept in the repository.
const REFERENCE: &str = "docs/cli.md";

/// Writes the reference, and man pages and completions into `target/dist`.
///
/// # Errors
/// When the program cannot be built or run, or a file cannot be written.
pub fn write(root: &Path) -> Result<()> {
    let made = made(root)?;
    std::fs::copy(made.join("cli.md"), root.join(REFERENCE)).context("write docs/cli.md")?;
    println!(
        "wrote {REFERENCE}, and man pages and completions into {}",
        made.display()
    );
    Ok(())
}

/// Says whether the reference in the repository is what the program would write.
///
/// # Errors
/// When it is not, or the program cannot be built or run.
pub fn check(root: &Path) -> Result<()> {
    let fresh = std::fs::read(made(root)?.join("cli.md"))?;
    let kept = std::fs::read(root.join(REFERENCE)).unwrap_or_default();
    anyhow::ensure!(
        fresh == kept,
        "{REFERENCE} is stale: run `cargo xtask generate`"
    );
    println!("generate: {REFERENCE} is fresh");
    Ok(())
}

/// Has the program write everything into a folder of the target directory.
fn made(root: &Path) -> Result<PathBuf> {
    let folder = root.join("target/dist");
    std::fs::create_dir_all(&folder)?;
    let status = Command::new("cargo")
        .args([
            "run",
            "--quiet",
            "--package",
            "hythe-cli",
            "--",
            "reference",
        ])
        .arg(&folder)
        .current_dir(root)
        .status()
        .context("run cargo")?;
    anyhow::ensure!(status.success(), "`hythe reference` failed");
    Ok(folder)
}
