//! Syncthing, two devices that talk to each other directly; watch delay 1 s, conflict copies on.

use std::fs;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use anyhow::{Context, Result, ensure};

use super::{Candidate, Folders, Process, run, wait_same_shape};

pub struct Syncthing {
    folders: Folders,
    processes: Vec<Process>,
}

struct Device {
    home: PathBuf,
    id: String,
    port: u16,
    folder: PathBuf,
}

impl Syncthing {
    pub fn start(place: &Path) -> Result<Self> {
        let folders = Folders::make(place)?;
        let devices = [
            Device::make(place.join("home-a"), folders.first.clone())?,
            Device::make(place.join("home-b"), folders.second.clone())?,
        ];
        let mut processes = Vec::new();
        for device in &devices {
            fs::write(device.home.join("config.xml"), config(device, &devices)?)?;
            let mut command = Command::new("syncthing");
            command
                .arg("--home")
                .arg(&device.home)
                .args(["--no-browser", "--no-restart"]);
            processes.push(Process::start(
                command.stdout(Stdio::null()).stderr(Stdio::null()),
            )?);
        }
        let mut candidate = Self { folders, processes };
        fs::write(candidate.folders.first.join("hello"), "hello")?;
        candidate.settle()?;
        Ok(candidate)
    }
}

impl Device {
    fn make(home: PathBuf, folder: PathBuf) -> Result<Self> {
        let mut generate = Command::new("syncthing");
        run(generate
            .args(["generate", "--no-default-folder", "--home"])
            .arg(&home))?;
        let asked = Command::new("syncthing")
            .arg("--home")
            .arg(&home)
            .arg("--device-id")
            .output()?;
        ensure!(asked.status.success(), "syncthing --device-id failed");
        let id = String::from_utf8(asked.stdout)?.trim().to_owned();
        fs::create_dir_all(folder.join(".stfolder"))?;
        Ok(Self {
            home,
            id,
            port: free_port()?,
            folder,
        })
    }
}

fn free_port() -> Result<u16> {
    Ok(TcpListener::bind("127.0.0.1:0")
        .context("a free port")?
        .local_addr()?
        .port())
}

fn config(own: &Device, devices: &[Device; 2]) -> Result<String> {
    let gui = free_port()?;
    let known: String = devices
        .iter()
        .map(|d| {
            format!(
                "<device id=\"{}\" compression=\"metadata\"><address>tcp://127.0.0.1:{}</address></device>",
                d.id, d.port
            )
        })
        .collect();
    let members: String = devices
        .iter()
        .map(|d| format!("<device id=\"{}\"/>", d.id))
        .collect();
    Ok(format!(
        "<configuration version=\"36\"><folder id=\"bench\" path=\"{}\" type=\"sendreceive\" \
         rescanIntervalS=\"3600\" fsWatcherEnabled=\"true\" fsWatcherDelayS=\"1\">{members}\
         <maxConflicts>10</maxConflicts></folder>{known}\
         <gui enabled=\"true\"><address>127.0.0.1:{gui}</address></gui><options>\
         <listenAddress>tcp://127.0.0.1:{}</listenAddress>\
         <globalAnnounceEnabled>false</globalAnnounceEnabled>\
         <localAnnounceEnabled>false</localAnnounceEnabled><relaysEnabled>false</relaysEnabled>\
         <natEnabled>false</natEnabled><urAccepted>-1</urAccepted>\
         <autoUpgradeIntervalH>0</autoUpgradeIntervalH><crashReportingEnabled>false</crashReportingEnabled>\
         <startBrowser>false</startBrowser></options></configuration>",
        own.folder.display(),
        own.port
    ))
}

impl Candidate for Syncthing {
    fn name(&self) -> &str {
        "syncthing"
    }

    fn first(&self) -> &Path {
        &self.folders.first
    }

    fn second(&self) -> &Path {
        &self.folders.second
    }

    fn watches(&self) -> bool {
        true
    }

    fn settle(&mut self) -> Result<()> {
        wait_same_shape(
            &self.folders.first,
            &self.folders.second,
            Duration::from_secs(300),
        )
    }

    fn stop(&mut self) -> Result<()> {
        self.processes.iter_mut().try_for_each(Process::end)
    }
}
