//! The machine the figures come from, and what one process uses of it.

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result};

/// What a process has used so far.
pub struct Usage {
    pub cpu: Duration,
    pub resident_mib: f64,
}

impl Usage {
    /// Reads `/proc/PID`. CPU time counts in ticks of 10 ms (`USER_HZ` is 100 on Linux).
    pub fn of(process: u32) -> Result<Self> {
        let stat = fs::read_to_string(format!("/proc/{process}/stat"))?;
        let after_name = stat.rsplit_once(')').context("form of /proc/PID/stat")?.1;
        let fields: Vec<&str> = after_name.split_whitespace().collect();
        let ticks: u64 = fields[11].parse::<u64>()? + fields[12].parse::<u64>()?;
        let status = fs::read_to_string(format!("/proc/{process}/status"))?;
        let line = status
            .lines()
            .find(|l| l.starts_with("VmRSS:"))
            .context("VmRSS")?;
        let kib: f64 = line.split_whitespace().nth(1).context("VmRSS")?.parse()?;
        Ok(Self {
            cpu: Duration::from_millis(ticks * 10),
            resident_mib: kib / 1024.0,
        })
    }
}

/// How long `find` takes to stat everything below a directory.
pub fn find_with_stat(directory: &Path) -> Result<Duration> {
    let begin = Instant::now();
    let status = Command::new("find")
        .arg(directory)
        .args(["-printf", "%s %T@ %i\n"])
        .stdout(Stdio::null())
        .status()?;
    anyhow::ensure!(status.success(), "find failed");
    Ok(begin.elapsed())
}

/// One line about the machine: cores, processor, memory, kernel.
pub fn describe() -> String {
    let read = |path: &str| fs::read_to_string(path).unwrap_or_default();
    let cpu = read("/proc/cpuinfo");
    let model = cpu
        .lines()
        .find_map(|l| l.strip_prefix("model name"))
        .unwrap_or("");
    let cores = cpu.lines().filter(|l| l.starts_with("processor")).count();
    let memory = read("/proc/meminfo");
    let kib: f64 = memory
        .split_whitespace()
        .nth(1)
        .and_then(|v| v.parse().ok())
        .unwrap_or(0.0);
    let kernel = read("/proc/sys/kernel/osrelease");
    format!(
        "{cores} cores ({}), {:.0} GiB, Linux {}",
        model.trim_start_matches([' ', '\t', ':']),
        kib / 1024.0 / 1024.0,
        kernel.trim()
    )
}
