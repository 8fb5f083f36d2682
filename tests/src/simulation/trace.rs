//! What happened, in order: its digest tells whether two runs were the same, its end why one went wrong.

use std::collections::VecDeque;

use sha2::{Digest, Sha256};

/// Lines that are kept for people.
const KEPT: usize = 60;

/// The order of events of a world.
#[derive(Default)]
pub struct Trace {
    digest: Sha256,
    lines: VecDeque<String>,
    aloud: bool,
}

impl Trace {
    /// A trace; `aloud` prints it as it grows.
    pub fn new(aloud: bool) -> Self {
        Self {
            aloud,
            ..Self::default()
        }
    }

    /// Writes one line.
    #[expect(
        clippy::print_stderr,
        reason = "only where a person asked to watch a run"
    )]
    pub fn note(&mut self, line: String) {
        self.digest.update(line.as_bytes());
        self.digest.update(b"\n");
        if self.aloud {
            eprintln!("{line}");
        }
        if self.lines.len() == KEPT {
            self.lines.pop_front();
        }
        self.lines.push_back(line);
    }

    /// The digest of every line.
    pub fn digest(&self) -> String {
        let digest = self.digest.clone().finalize();
        digest.iter().map(|byte| format!("{byte:02x}")).collect()
    }

    /// The last lines.
    pub fn end(&self) -> Vec<String> {
        self.lines.iter().cloned().collect()
    }
}
