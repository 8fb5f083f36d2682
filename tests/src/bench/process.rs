//! A program that does what lines of JSON tell it, and what the system says about a process.

use std::{
    fs::{self, File},
    io::{BufRead, BufReader, Write},
    path::Path,
    process::{Child, ChildStdin, Command, Stdio},
    sync::mpsc::{Receiver, RecvTimeoutError, channel},
    thread,
    time::{Duration, Instant},
};

use serde_json::Value as Json;

use crate::Result;

/// A running program.
#[derive(Debug)]
pub struct Driven {
    process: Child,
    stdin: ChildStdin,
    lines: Receiver<String>,
}

impl Driven {
    /// Starts a program; what it complains of goes to a file.
    ///
    /// # Errors
    /// When it can't be started.
    pub fn start(mut command: Command, complaints: &Path) -> Result<Self> {
        let mut process = command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(File::options().create(true).append(true).open(complaints)?)
            .spawn()?;
        let (Some(stdin), Some(stdout)) = (process.stdin.take(), process.stdout.take()) else {
            return Err("a program without standard input and output".into());
        };
        let (sender, lines) = channel();
        thread::spawn(move || {
            for line in BufReader::new(stdout).lines().map_while(|line| line.ok()) {
                if sender.send(line).is_err() {
                    return;
                }
            }
        });
        Ok(Self {
            process,
            stdin,
            lines,
        })
    }

    /// The id of the process.
    pub fn pid(&self) -> u32 {
        self.process.id()
    }

    /// The next line that it prints.
    ///
    /// # Errors
    /// When it ends first, or takes longer than this.
    pub fn line(&self, limit: Duration) -> Result<String> {
        self.lines.recv_timeout(limit).map_err(|error| match error {
            RecvTimeoutError::Timeout => format!("not done after {} s", limit.as_secs()).into(),
            RecvTimeoutError::Disconnected => "the program ended".into(),
        })
    }

    /// Tells it one thing; its answer, and how long that took.
    ///
    /// # Errors
    /// When it says that it could not, ends, or takes too long.
    pub fn ask(&mut self, command: &Json, limit: Duration) -> Result<(Json, Duration)> {
        let begun = Instant::now();
        writeln!(self.stdin, "{command}")?;
        let line = self.line(limit)?;
        let took = begun.elapsed();
        let answer: Json = serde_json::from_str(&line)?;
        if answer["ok"] != true {
            let what = answer["error"].as_str().unwrap_or("no reason");
            return Err(what.lines().next().unwrap_or_default().to_owned().into());
        }
        Ok((answer, took))
    }

    /// Asks it to end, as an operator does, and waits until it has; kills it after a while.
    ///
    /// # Errors
    /// When the system can't say what became of it.
    pub fn stop(&mut self) -> Result<()> {
        let pid = self.pid().to_string();
        Command::new("kill").args(["-TERM", &pid]).status()?;
        // Its output ends with it.
        while self.lines.recv_timeout(Duration::from_secs(20)).is_ok() {}
        self.process.kill()?;
        self.process.wait()?;
        Ok(())
    }
}

impl Drop for Driven {
    fn drop(&mut self) {
        // Gone already, or to go: nobody is left to tell.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// Seconds of processor time that a process has used so far.
///
/// # Errors
/// When there is no such process.
pub fn cpu_seconds(pid: u32) -> Result<f64> {
    /// What Linux counts in, on every architecture.
    const TICKS_PER_SECOND: f64 = 100.0;
    let stat = fs::read_to_string(format!("/proc/{pid}/stat"))?;
    // The name before the last parenthesis may hold anything.
    let fields: Vec<&str> = stat
        .rsplit(')')
        .next()
        .unwrap_or_default()
        .split_whitespace()
        .collect();
    let ticks = |at: usize| fields.get(at).and_then(|text| text.parse::<f64>().ok());
    let (user, system) = ticks(11).zip(ticks(12)).ok_or("no times in /proc")?;
    Ok((user + system) / TICKS_PER_SECOND)
}

/// Memory of a process in MiB: now, and at most so far.
///
/// # Errors
/// When there is no such process.
pub fn memory_mib(pid: u32) -> Result<(f64, f64)> {
    let status = fs::read_to_string(format!("/proc/{pid}/status"))?;
    let kib = |name: &str| {
        let line = status.lines().find(|line| line.starts_with(name))?;
        line.split_whitespace().nth(1)?.parse::<f64>().ok()
    };
    let (now, most) = kib("VmRSS:")
        .zip(kib("VmHWM:"))
        .ok_or("no memory in /proc")?;
    Ok((now / 1024.0, most / 1024.0))
}
