//! An officer at the terminal tool: every command a process.

use std::{
    path::PathBuf,
    process::{Command, Output, Stdio},
    sync::{Mutex, PoisonError},
};

use serde_json::Value as Json;
use uuid::Uuid;

use crate::{
    Failure, Result,
    kill::{COMMANDS, Dice, ledger::Ledger},
};

pub(super) struct Officer {
    pub(super) number: usize,
    tool: PathBuf,
    book: PathBuf,
    commune: String,
    inspection: String,
}

impl Officer {
    pub(super) fn new(number: usize, tool: PathBuf, book: PathBuf) -> Self {
        Self {
            number,
            tool,
            book,
            commune: String::new(),
            inspection: String::new(),
        }
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(&self.tool);
        command
            .arg("--book")
            .arg(&self.book)
            .arg("--json")
            .args(arguments)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        command
    }

    fn run(&self, arguments: &[&str]) -> Result<Output> {
        Ok(self.command(arguments).output()?)
    }

    fn ok(&self, arguments: &[&str]) -> Result<Json> {
        let output = self.run(arguments)?;
        if output.status.success() {
            return Ok(serde_json::from_slice(&output.stdout)?);
        }
        Err(self.failed(arguments, &output))
    }

    fn failed(&self, arguments: &[&str], output: &Output) -> Failure {
        let said = String::from_utf8_lossy(&output.stderr);
        format!(
            "officer {}: {arguments:?}: {}: {said}",
            self.number, output.status
        )
        .into()
    }

    pub(super) fn enrol(&self, url: &str, code: &str) -> Result<()> {
        self.ok(&["enrol", url, code])?;
        self.ok(&["sync"])?;
        Ok(())
    }

    /// An inspection of their own, to add findings to.
    pub(super) fn begin(&mut self, commune: Uuid) -> Result<()> {
        self.commune = commune.to_string();
        let document = |saved: Json| {
            saved["document"]
                .as_str()
                .map(str::to_owned)
                .ok_or("no document")
        };
        let name = format!("Đơn vị đầu của {}", self.number);
        let unit = document(self.ok(&[
            "new-unit",
            &name,
            "--area",
            &self.commune,
            "--kind",
            "school",
        ])?)?;
        self.inspection = document(self.ok(&["open", &unit, "--criteria", "KIEMTRA-CHUNG@1"])?)?;
        Ok(())
    }

    /// Some commands; one of them is killed when this officer is the victim. Says how many were.
    pub(super) fn work(
        &mut self,
        round: u64,
        mut dice: Dice,
        victim: bool,
        ledger: &Mutex<Ledger>,
    ) -> Result<u64> {
        let killed = usize::try_from(dice.below(COMMANDS as u64))?;
        for nth in 0..COMMANDS {
            let kill = victim && nth == killed;
            match dice.below(3) {
                0 => self.sync(kill.then_some(&mut dice), ledger)?,
                what => self.save(what == 1, (round, nth), kill.then_some(&mut dice), ledger)?,
            }
        }
        Ok(u64::from(victim))
    }

    /// A new unit or a new finding, marked so that it can be found again.
    fn save(
        &self,
        unit: bool,
        at: (u64, usize),
        kill: Option<&mut Dice>,
        ledger: &Mutex<Ledger>,
    ) -> Result<()> {
        let marker = format!("dấu {}-{}-{}.", self.number, at.0, at.1);
        let field = format!("address={marker}");
        let arguments = if unit {
            vec![
                "new-unit",
                &marker,
                "--area",
                &self.commune,
                "--kind",
                "agency",
                "--field",
                &field,
            ]
        } else {
            vec!["finding", &self.inspection, &marker, "--remedy", &marker]
        };
        let write_down = || ledger.lock().unwrap_or_else(PoisonError::into_inner);
        write_down().begun(self.number, &marker);
        let output = self.maybe_killed(&arguments, kill)?;
        let saved = serde_json::from_slice::<Json>(&output.stdout);
        if saved.is_ok_and(|saved| saved["change"].is_string()) {
            write_down().saved(&marker);
            return Ok(());
        }
        match output.status.code() {
            // Killed before it said so.
            None => Ok(()),
            Some(_) => Err(self.failed(&arguments, &output)),
        }
    }

    /// Syncs; without a server it fails, and that is no fault.
    fn sync(&self, kill: Option<&mut Dice>, ledger: &Mutex<Ledger>) -> Result<()> {
        let output = self.maybe_killed(&["sync"], kill)?;
        match output.status.code() {
            Some(0) => note(&serde_json::from_slice(&output.stdout)?, ledger),
            // No connection, or an answer that was cut; or killed.
            Some(7 | 8) | None => {}
            Some(_) => return Err(self.failed(&["sync"], &output)),
        }
        Ok(())
    }

    fn maybe_killed(&self, arguments: &[&str], kill: Option<&mut Dice>) -> Result<Output> {
        let mut process = self.command(arguments).spawn()?;
        if let Some(dice) = kill {
            dice.wait(60);
            process.kill()?;
        }
        Ok(process.wait_with_output()?)
    }

    /// Syncs until the book is verified.
    pub(super) fn sync_until_verified(&self, ledger: &Mutex<Ledger>) -> Result<()> {
        let mut last = Json::Null;
        for _ in 0..5 {
            last = self.ok(&["sync"])?;
            note(&last, ledger);
            if last["verified"] == true {
                return Ok(());
            }
        }
        Err(format!("officer {} is not verified: {last}", self.number).into())
    }

    /// Everything in the book.
    pub(super) fn export(&self) -> Result<Json> {
        self.ok(&["export"])
    }
}

/// What the server had acknowledged it must not have to be offered again.
fn note(report: &Json, ledger: &Mutex<Ledger>) {
    let again = report["offered_again"].as_u64().unwrap_or_default()
        + report["refused"].as_u64().unwrap_or_default();
    ledger
        .lock()
        .unwrap_or_else(PoisonError::into_inner)
        .offered_again += again;
}
