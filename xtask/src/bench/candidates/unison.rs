//! Unison, run once between the first folder and the hub and once between the hub and the second.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::Result;

use super::{Candidate, Folders, run};

pub struct Unison {
    folders: Folders,
    state: PathBuf,
}

impl Unison {
    pub fn new(place: &Path) -> Result<Self> {
        let unison = Self {
            folders: Folders::make(place)?,
            state: place.join("state"),
        };
        std::fs::create_dir_all(&unison.state)?;
        Ok(unison)
    }

    fn sync(&self, a: &Path, b: &Path) -> Result<()> {
        run(Command::new("unison")
            .env("UNISON", &self.state)
            .args([
                "-batch",
                "-auto",
                "-silent",
                "-times",
                "-confirmbigdel=false",
            ])
            .arg(a)
            .arg(b))
    }
}

impl Candidate for Unison {
    fn name(&self) -> &str {
        "unison"
    }

    fn first(&self) -> &Path {
        &self.folders.first
    }

    fn second(&self) -> &Path {
        &self.folders.second
    }

    fn settle(&mut self) -> Result<()> {
        self.sync(&self.folders.first, &self.folders.hub)?;
        self.sync(&self.folders.hub, &self.folders.second)
    }
}
