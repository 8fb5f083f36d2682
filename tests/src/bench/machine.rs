//! The machine that a run was made on, and what its disk's own sync costs.

use std::{
    fs::{self, File},
    io::Write,
    path::Path,
    process::Command,
    time::Instant,
};

use serde::{Deserialize, Serialize};

use crate::Result;

/// What has to be known to read the figures.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Machine {
    /// The processor, as it names itself.
    pub processor: String,
    /// Processors that client and server share.
    pub processors: usize,
    /// Memory in GiB.
    pub memory_gib: f64,
    /// The kernel.
    pub kernel: String,
    /// Node.js, for those who need it.
    pub node: String,
    /// The commit that was built.
    pub commit: String,
    /// The day.
    pub day: String,
    /// Median time of appending 4 KiB to a file and syncing it, in milliseconds.
    pub sync_ms: f64,
    /// Load of the last minute when the run began.
    pub load: f64,
}

impl Machine {
    /// This one; its disk is the one of `folder`.
    ///
    /// # Errors
    /// When the folder can't be written.
    pub fn this(folder: &Path) -> Result<Self> {
        let read = |path: &str| fs::read_to_string(path).unwrap_or_default();
        let after = |text: &str, name: &str| {
            let line = text.lines().find(|line| line.starts_with(name));
            let value = line
                .and_then(|line| line.split(':').nth(1))
                .unwrap_or("unknown");
            value.trim().to_owned()
        };
        let kib: f64 = after(&read("/proc/meminfo"), "MemTotal")
            .trim_end_matches(" kB")
            .parse()
            .unwrap_or(0.0);
        let load = read("/proc/loadavg");
        let load = load
            .split_whitespace()
            .next()
            .and_then(|load| load.parse().ok());
        Ok(Self {
            processor: after(&read("/proc/cpuinfo"), "model name"),
            processors: std::thread::available_parallelism()?.get(),
            memory_gib: kib / 1024.0 / 1024.0,
            kernel: read("/proc/sys/kernel/osrelease")
                .trim()
                .split('-')
                .next()
                .unwrap_or_default()
                .to_owned(),
            node: said("node", &["--version"]),
            commit: said("git", &["rev-parse", "--short=10", "HEAD"]),
            day: said("date", &["+%F"]),
            sync_ms: sync_ms(folder)?,
            load: load.unwrap_or(0.0),
        })
    }
}

fn said(program: &str, arguments: &[&str]) -> String {
    let output = Command::new(program)
        .args(arguments)
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .output();
    let text = output.map(|output| String::from_utf8_lossy(&output.stdout).trim().to_owned());
    text.ok()
        .filter(|text| !text.is_empty())
        .unwrap_or_else(|| "unknown".to_owned())
}

fn sync_ms(folder: &Path) -> Result<f64> {
    let mut file = File::create(folder.join("synced"))?;
    let mut times = Vec::new();
    for _ in 0..101 {
        let begun = Instant::now();
        file.write_all(&[7; 4096])?;
        file.sync_data()?;
        times.push(begun.elapsed().as_secs_f64() * 1_000.0);
    }
    times.sort_by(f64::total_cmp);
    Ok(times.get(times.len() / 2).copied().unwrap_or(0.0))
}
