//! The real programs under load, killed with SIGKILL at random moments, both sides, again and again.
//!
//! Officers' terminal tools save and sync, each command a process of its own, while a server runs. In each round the
//! server or a tool is killed at a moment that the seed draws. What a tool printed as saved, and what a book counts as
//! acknowledged, must never be missing afterwards; nothing may be half there; in the end every book is verified.

mod ledger;
mod officer;

use std::{path::PathBuf, sync::Mutex, thread, time::Duration};

use serde::Serialize;
use serde_json::{Value as Json, json};
use uuid::Uuid;

use crate::{Result, desk::Desk, program::Server};
use ledger::Ledger;
use officer::Officer;

const PASSWORD: &str = "mật khẩu dùng để thử";
const OFFICERS: usize = 3;
/// Commands of each officer in a round.
const COMMANDS: usize = 4;

/// Where the programs lie.
#[derive(Clone, Debug)]
pub struct Programs {
    /// `sokiem-server`.
    pub server: PathBuf,
    /// `sokiem`.
    pub tool: PathBuf,
}

/// What came of it.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Outcome {
    /// Rounds that were played.
    pub rounds: u64,
    /// How often the server was killed.
    pub server_kills: u64,
    /// How often a tool was killed.
    pub tool_kills: u64,
    /// Saves that were reported done.
    pub saves: u64,
    /// Saves that were under way when their tool was killed and that are there.
    pub survived: u64,
    /// Saves that were reported done and are missing somewhere, and acknowledged changes that the server lacked.
    pub lost: u64,
    /// Saves of which a part is there.
    pub half: u64,
    /// How long it took.
    pub seconds: u64,
}

/// Randomness that follows from a seed (xorshift).
#[derive(Debug)]
struct Dice(u64);

impl Dice {
    fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1)
    }

    fn below(&mut self, bound: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0.checked_rem(bound).unwrap_or(0)
    }

    /// The wait before a kill. Nothing says when the moment has come: that is the point.
    fn wait(&mut self, most_ms: u64) {
        let micros = self.below(most_ms * 1_000);
        thread::sleep(Duration::from_micros(micros));
    }
}

/// Plays so many rounds in a folder that is empty.
///
/// # Errors
/// When a program does what it never should: a server that does not start again, a book that does not open or
/// is not verified in the end.
pub fn play(
    programs: &Programs,
    folder: &std::path::Path,
    rounds: u64,
    seed: u64,
) -> Result<Outcome> {
    let begun = std::time::Instant::now();
    let runtime = tokio::runtime::Runtime::new()?;
    let mut server = Server::begin(&programs.server, folder, PASSWORD)?;
    let desk = runtime.block_on(Desk::sign_in(server.url(), "admin", PASSWORD))?;
    let (commune, mut officers) =
        runtime.block_on(set_up(programs, folder, &desk, server.url()))?;
    for officer in &mut officers {
        officer.begin(commune)?;
    }
    let (ledger, mut dice, mut outcome) = (
        Mutex::new(Ledger::default()),
        Dice::new(seed),
        Outcome::default(),
    );
    for round in 0..rounds {
        let kill_server = dice.below(2) == 0;
        let victim = usize::try_from(dice.below(OFFICERS as u64))?;
        outcome.rounds += 1;
        let results = thread::scope(|threads| -> Result<Vec<Result<u64>>> {
            let work: Vec<_> = officers
                .iter_mut()
                .enumerate()
                .map(|(nth, officer)| {
                    let dice = Dice::new(seed ^ (round << 8) ^ nth as u64);
                    let is_victim = !kill_server && nth == victim;
                    let ledger = &ledger;
                    threads.spawn(move || officer.work(round, dice, is_victim, ledger))
                })
                .collect();
            if kill_server {
                dice.wait(250);
                server.kill_and_restart()?;
                outcome.server_kills += 1;
            }
            Ok(work
                .into_iter()
                .map(|work| {
                    work.join()
                        .unwrap_or_else(|_| Err("an officer panicked".into()))
                })
                .collect())
        })?;
        for kills in results {
            outcome.tool_kills += kills?;
        }
        if round % 20 == 19 {
            for officer in &officers {
                ledger::check_book(
                    &officer.export()?,
                    Some(officer.number),
                    &ledger,
                    &mut outcome,
                );
            }
        }
    }
    for officer in &officers {
        officer.sync_until_verified(&ledger)?;
    }
    for officer in &officers {
        officer.sync_until_verified(&ledger)?;
        ledger::check_book(&officer.export()?, None, &ledger, &mut outcome);
    }
    let records = runtime.block_on(records(&desk))?;
    ledger::check_server(&records, &ledger, &mut outcome);
    server.stop()?;
    let ledger = ledger.into_inner()?;
    outcome.saves = ledger.saves();
    outcome.survived = ledger.survived(&records);
    outcome.lost += ledger.offered_again;
    outcome.seconds = begun.elapsed().as_secs();
    Ok(outcome)
}

/// A commune and officers that are enrolled.
async fn set_up(
    programs: &Programs,
    folder: &std::path::Path,
    desk: &Desk,
    url: &str,
) -> Result<(Uuid, Vec<Officer>)> {
    let district = desk.create_area("Huyện thử", "district", None).await?;
    let commune = desk
        .create_area("Xã thử", "commune", Some(district))
        .await?;
    desk.publish_criteria(district, "KIEMTRA-CHUNG@1").await?;
    let mut officers = Vec::new();
    for number in 0..OFFICERS {
        let login = format!("canbo{number}");
        let account = desk
            .create_account(&login, &login, "officer", None, &[commune])
            .await?;
        let code = desk.enrolment_code(account).await?;
        let officer = Officer::new(number, programs.tool.clone(), folder.join(&login));
        officer.enrol(url, &code)?;
        officers.push(officer);
    }
    Ok((commune, officers))
}

/// Every unit and inspection that the server holds.
async fn records(desk: &Desk) -> Result<Vec<Json>> {
    let mut records = Vec::new();
    for kind in ["unit", "inspection"] {
        for row in desk.list(&format!("kind={kind}")).await? {
            let record = desk.record(crate::desk::id(&row, "id")?).await?;
            records.push(json!({"kind": kind, "fields": record["fields"]}));
        }
    }
    Ok(records)
}
