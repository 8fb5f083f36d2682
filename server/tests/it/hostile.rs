//! An enrolled device that means harm: every hazard of Automerge and of the transport, sent through the
//! real endpoint to the real program in a process of its own.
//!
//! What is asserted of each: the answer, that it comes in bounded time with bounded memory, that others
//! are served meanwhile, and that no log and no document is another afterwards.

mod changes;
mod forge;
mod messages;
mod served;

use std::time::{Duration, Instant};

use serde_json::json;
use sokiem_record::{
    id::{AreaId, DocumentId},
    refusal::Refusal,
    wire::{ChangeOutcome, DocumentPush, ExchangeResponse},
};

use crate::harness::{Phone, Town, push};
use forge::Forged;
use served::Served;

/// One hazard may keep a debug build busy for this long. A release build is measured by the table that the
/// tests print (`docs/hostile-bytes.md`).
const PATIENCE: Duration = Duration::from_secs(if cfg!(debug_assertions) { 4 } else { 1 });
/// Memory above what was in use before, in KiB.
const MEMORY_KIB: u64 = 64 * 1024;

/// A town whose server runs as a program, an attacker, a neighbour, and a unit that both hold.
struct Siege {
    folder: tempfile::TempDir,
    served: Served,
    attacker: Phone,
    neighbour: Phone,
    area: AreaId,
    unit: DocumentId,
    /// A real change of the attacker to that unit, which was never sent.
    change: Forged,
    /// The first change of the unit.
    first: Forged,
}

/// What an attack came to.
struct Seen {
    status: u16,
    body: Vec<u8>,
}

impl Siege {
    async fn new() -> Self {
        let town = Town::new().await;
        let area = town.communes[0];
        let mut attacker = town.phone("mallory", &[area]).await;
        let mut neighbour = town.phone("lan", &[area]).await;
        let unit = attacker.unit(area, "Trường THCS An Điền");
        let (id, first) = (unit.document, Forged::of(&unit.changes[0]));
        attacker.sync(vec![unit]).await;
        neighbour.sync(Vec::new()).await;
        let change = Forged::of(&attacker.set(id, "staff", json!(31)).changes[0]);
        let Town { server, folder, .. } = town;
        server.stop().await.unwrap();
        let served = Served::start(folder.path());
        attacker.turn_to(&served.url);
        neighbour.turn_to(&served.url);
        // Both have been served once: what is used for the first time is not counted as an attack's.
        for phone in [&attacker, &neighbour] {
            phone.send(&phone.request(Vec::new())).await;
        }
        Self {
            folder,
            served,
            attacker,
            neighbour,
            area,
            unit: id,
            change,
            first,
        }
    }

    fn push(&self, changes: Vec<Vec<u8>>) -> DocumentPush {
        push(self.unit, sokiem_record::id::Kind::Unit, self.area, changes)
    }

    /// Sends a body, with a neighbour who exchanges meanwhile. Nothing may change, nobody may wait long.
    async fn attack(
        &mut self,
        name: &str,
        path: &str,
        body: Vec<u8>,
        encoding: Option<&str>,
    ) -> Seen {
        let before = served::log(&self.database());
        let seen = self.send(name, path, body, encoding).await;
        assert_eq!(
            served::log(&self.database()),
            before,
            "{name}: something was stored"
        );
        seen
    }

    async fn send(
        &mut self,
        name: &str,
        path: &str,
        body: Vec<u8>,
        encoding: Option<&str>,
    ) -> Seen {
        let sent = body.len();
        let idle = self.served.reset_peak();
        let begun = Instant::now();
        let attacking = async {
            let response = self.attacker.post_encoded(path, body, encoding).await;
            let status = response.status().as_u16();
            let body = response.bytes().await.unwrap().to_vec();
            (Seen { status, body }, begun.elapsed())
        };
        // The neighbour writes too: it waits for the one thread that does.
        let own = self.first.bytes();
        let again = push(
            self.unit,
            sokiem_record::id::Kind::Unit,
            self.area,
            vec![own],
        );
        let serving = async {
            let begun = Instant::now();
            let response = self
                .neighbour
                .send(&self.neighbour.request(vec![again]))
                .await;
            assert_eq!(response.pushed[0].changes, [ChangeOutcome::Had]);
            begun.elapsed()
        };
        let ((seen, took), waited) = tokio::join!(attacking, serving);
        let above = self
            .served
            .peak()
            .zip(idle)
            .map(|(peak, idle)| peak.saturating_sub(idle));
        println!(
            "| {name} | {sent} | {} | {:.1} | {:.1} | {:.1} |",
            summary(&seen),
            took.as_secs_f64() * 1e3,
            waited.as_secs_f64() * 1e3,
            above.unwrap_or(0) as f64 / 1024.0
        );
        assert!(self.served.is_alive(), "{name}: the server is gone");
        assert!(took < PATIENCE, "{name}: took {took:?}");
        assert!(waited < PATIENCE, "{name}: the neighbour waited {waited:?}");
        if let Some(above) = above {
            assert!(above < MEMORY_KIB, "{name}: {above} KiB above idle");
        }
        seen
    }

    /// Pushes changes of the unit; the outcome of each. Nothing may be stored.
    async fn pushed(&mut self, name: &str, changes: Vec<Vec<u8>>) -> Vec<ChangeOutcome> {
        let request = self.attacker.request(vec![self.push(changes)]);
        let body = sokiem_record::wire::encode(&request);
        let seen = self
            .attack(name, "/api/device/v1/exchange", body, None)
            .await;
        assert_eq!(seen.status, 200, "{name}");
        let response: ExchangeResponse = sokiem_record::wire::decode(&seen.body).unwrap();
        response.pushed.into_iter().next().unwrap().changes
    }

    /// Pushes one change that must be refused for this reason, and kept.
    async fn refused(&mut self, name: &str, change: Vec<u8>, refusal: Refusal) {
        let before = self.kept();
        let outcomes = self.pushed(name, vec![change]).await;
        assert_eq!(outcomes, [ChangeOutcome::Refused(refusal)], "{name}");
        assert_eq!(self.kept(), before + 1, "{name}: kept in quarantine");
    }

    fn database(&self) -> rusqlite::Connection {
        rusqlite::Connection::open(self.folder.path().join(sokiem_server::FILE_NAME)).unwrap()
    }

    fn kept(&self) -> i64 {
        let count = "SELECT count(*) FROM quarantine";
        self.database()
            .query_row(count, [], |row| row.get(0))
            .unwrap()
    }

    /// After everything: the neighbour still works, and the unit reads as before.
    async fn serves_on(mut self) {
        let change = self.neighbour.set(self.unit, "staff", json!(7));
        self.neighbour.sync(vec![change]).await;
        assert_eq!(self.neighbour.held[&self.unit].1.to_json()["staff"], 7);
    }
}

/// The answer in a few words.
fn summary(seen: &Seen) -> String {
    if let Ok(problem) = serde_json::from_slice::<serde_json::Value>(&seen.body) {
        return problem["type"]
            .as_str()
            .unwrap_or("?")
            .replace("/problems/", "");
    }
    match sokiem_record::wire::decode::<ExchangeResponse>(&seen.body) {
        Ok(response) => {
            let mut words: Vec<String> = response
                .pushed
                .iter()
                .flat_map(|outcome| &outcome.changes)
                .map(|outcome| match outcome {
                    ChangeOutcome::Refused(refusal) => refusal.code().to_owned(),
                    other => format!("{other:?}")
                        .split('(')
                        .next()
                        .unwrap()
                        .to_lowercase(),
                })
                .collect();
            words.sort();
            words.dedup();
            if words.is_empty() {
                "nothing new".to_owned()
            } else {
                words.join(", ")
            }
        }
        Err(_) => seen.status.to_string(),
    }
}
