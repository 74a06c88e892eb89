//! rsync, run once from the first folder to the hub and once from there to the second.

use std::path::Path;
use std::process::Command;

use anyhow::Result;

use super::{Candidate, Folders, run};

pub struct Rsync {
    folders: Folders,
    fsync: bool,
}

impl Rsync {
    pub fn new(place: &Path, fsync: bool) -> Result<Self> {
        Ok(Self {
            folders: Folders::make(place)?,
            fsync,
        })
    }

    fn copy(&self, from: &Path, to: &Path) -> Result<()> {
        let mut command = Command::new("rsync");
        // Its delta transfer is what Hythe's is compared with; between local paths it is off.
        command.args(["-a", "--delete", "--no-whole-file"]);
        if self.fsync {
            command.arg("--fsync");
        }
        run(command
            .arg(format!("{}/", from.display()))
            .arg(format!("{}/", to.display())))
    }
}

impl Candidate for Rsync {
    fn name(&self) -> &str {
        if self.fsync { "rsync --fsync" } else { "rsync" }
    }

    fn first(&self) -> &Path {
        &self.folders.first
    }

    fn second(&self) -> &Path {
        &self.folders.second
    }

    fn settle(&mut self) -> Result<()> {
        self.copy(&self.folders.first, &self.folders.hub)?;
        self.copy(&self.folders.hub, &self.folders.second)
    }
}
