//! The real program in a process of its own, with what it holds of memory.

use std::{
    io::{BufRead, BufReader},
    process::{Child, Command, Stdio},
};

/// `sokiem-server serve` on the database of a town.
pub(super) struct Served {
    child: Child,
    pub(super) url: String,
}

impl Served {
    pub(super) fn start(folder: &std::path::Path) -> Self {
        let mut child = Command::new(env!("CARGO_BIN_EXE_sokiem-server"))
            .args(["--listen", "127.0.0.1:0", "--data-dir"])
            .arg(folder)
            .arg("serve")
            .env("SOKIEM_SERVER_LOG__FILTER", "off")
            .env_remove("RUST_BACKTRACE")
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut url = String::new();
        let out = child.stdout.take().unwrap();
        BufReader::new(out).read_line(&mut url).unwrap();
        Self {
            child,
            url: url.trim().to_owned(),
        }
    }

    fn status(&self, field: &str) -> Option<u64> {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id())).ok()?;
        let line = status.lines().find(|line| line.starts_with(field))?;
        line.split_whitespace().nth(1)?.parse::<u64>().ok()
    }

    /// KiB in use now; from here on the peak is counted anew. `None` where the system can't say.
    pub(super) fn reset_peak(&self) -> Option<u64> {
        std::fs::write(format!("/proc/{}/clear_refs", self.child.id()), "5").ok()?;
        self.status("VmRSS:")
    }

    /// KiB at the peak since then.
    pub(super) fn peak(&self) -> Option<u64> {
        self.status("VmHWM:")
    }

    pub(super) fn is_alive(&mut self) -> bool {
        self.child.try_wait().unwrap().is_none()
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// What must not change: every area's log, and every document.
pub(super) fn log(database: &rusqlite::Connection) -> Vec<(String, i64, Vec<u8>)> {
    let mut statement = database
        .prepare(
            "SELECT 'area ' || hex(id), last_seq, fingerprint FROM areas
             UNION ALL SELECT 'document ' || hex(id), changes, heads FROM documents ORDER BY 1",
        )
        .unwrap();
    let rows = statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)));
    rows.unwrap().map(Result::unwrap).collect()
}
