//! What is done and measured, the same for every system.
//!
//! One round of one system: a writer records units without network and pushes them; a fresh reader pulls them; both
//! are opened again, and nothing has changed; the writer edits one in a hundred, and the reader pulls that; the server
//! is started again, and another fresh reader pulls. Then the same with few records of long histories. Only the
//! exchange with the server is timed, by the harness, from the line that asks for it to the line that answers.

use std::{collections::BTreeMap, path::Path, time::Duration};

use serde::{Deserialize, Serialize};
use serde_json::{Value as Json, json};

use crate::{
    Result,
    bench::{
        line::Line,
        process::{Driven, cpu_seconds, memory_mib},
        records::{self, Record},
        systems::{Programs, System},
    },
    desk::Desk,
    program::Server,
};

const PASSWORD: &str = "mật khẩu dùng để đo";
/// How long a client may record, open, or a server start.
const PREPARING: Duration = Duration::from_secs(300);
/// Changes of a record with a long history.
pub const HISTORY: usize = 52;

/// One thing that was measured once.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Measured {
    /// Of which system.
    pub system: System,
    /// What was done.
    pub scenario: String,
    /// With how many records.
    pub records: usize,
    /// In which round.
    pub round: usize,
    /// How long it took; `None` when it failed.
    pub seconds: Option<f64>,
    /// Bytes to the server.
    pub up: u64,
    /// Bytes from the server.
    pub down: u64,
    /// Processor time of the server.
    pub server_cpu: f64,
    /// Processor time of the client.
    pub client_cpu: f64,
    /// The server's memory afterwards in MiB, and at most so far.
    pub server_mib: (f64, f64),
    /// The client's.
    pub client_mib: (f64, f64),
    /// Why it failed.
    pub failure: Option<String>,
}

/// What a round is played with.
#[derive(Clone, Copy, Debug)]
pub struct Round<'a> {
    /// Which system.
    pub system: System,
    /// The number of the round.
    pub round: usize,
    /// The programs.
    pub programs: &'a Programs,
    /// How long one exchange may take.
    pub limit: Duration,
    /// An empty folder for this round.
    pub folder: &'a Path,
}

/// Plays one round with these records; what was measured, a failure as its last entry.
pub fn play(round: Round<'_>, records: &[Record]) -> Vec<Measured> {
    let mut bed = Bed::new(round, records.len());
    if let Err(error) = bed.day(records) {
        bed.failed("day", error.to_string());
    }
    bed.measured
}

/// Plays one round with records of long histories.
pub fn play_histories(round: Round<'_>, records: &[Record]) -> Vec<Measured> {
    let mut bed = Bed::new(round, records.len());
    if let Err(error) = bed.histories(records) {
        bed.failed("history", error.to_string());
    }
    bed.measured
}

/// The server of a round.
enum Serving {
    Ours(Server),
    Foreign(Driven),
}

struct Bed<'a> {
    round: Round<'a>,
    records: usize,
    measured: Vec<Measured>,
    /// Where automerge-repo and samod keep which record.
    addresses: Json,
}

/// A server, the line to it, and what clients need to know.
struct Standing {
    serving: Serving,
    line: Line,
    /// An area and one-time codes; ours only.
    area: Option<uuid::Uuid>,
    codes: Vec<String>,
}

impl Standing {
    fn pid(&self) -> u32 {
        match &self.serving {
            Serving::Ours(server) => server.pid(),
            Serving::Foreign(server) => server.pid(),
        }
    }
}

impl<'a> Bed<'a> {
    fn new(round: Round<'a>, records: usize) -> Self {
        Self {
            round,
            records,
            measured: Vec::new(),
            addresses: Json::Null,
        }
    }

    fn day(&mut self, records: &[Record]) -> Result<()> {
        let path = self.round.folder.join("records.jsonl");
        records::write(records, &path)?;
        let mut standing = self.serve()?;
        let mut writer = self.client(&mut standing, "writer", true)?;
        self.make(&mut writer, &path, 1)?;
        self.measure("push", &standing, &mut writer, &json!({"do": "push"}))?;
        self.settle(&standing, &mut writer)?;
        let mut reader = self.client(&mut standing, "reader", true)?;
        self.pull("pull", &standing, &mut reader, records)?;
        self.settle(&standing, &mut reader)?;

        drop((writer, reader));
        let mut writer = self.client(&mut standing, "writer", false)?;
        let mut reader = self.client(&mut standing, "reader", false)?;
        self.measure("nothing", &standing, &mut reader, &json!({"do": "sync"}))?;
        // Opened once more: automerge-repo's server answers nothing when the same peer connects again.
        drop(reader);
        let mut reader = self.client(&mut standing, "reader", false)?;
        let edited = (records.len() / 100).max(1);
        let ids: Vec<String> = match self.round.system {
            System::Ours => (0..edited).map(|at| at.to_string()).collect(),
            _ => records
                .iter()
                .take(edited)
                .map(|(id, _)| id.clone())
                .collect(),
        };
        writer.ask(
            &json!({"do": "edit", "ids": ids, "stamp": "sửa"}),
            PREPARING,
        )?;
        self.measure(
            "edits pushed",
            &standing,
            &mut writer,
            &json!({"do": "push"}),
        )?;
        self.pull("edits pulled", &standing, &mut reader, records)?;
        let (found, _) = reader.ask(&json!({"do": "check", "stamp": "sửa"}), PREPARING)?;
        if found["stamped"] != edited || found["documents"] != records.len() {
            return Err(format!("of {edited} edits the reader has {found}").into());
        }

        drop((writer, reader));
        self.restart(&mut standing)?;
        let mut late = self.client(&mut standing, "late", true)?;
        self.pull("cold pull", &standing, &mut late, records)
    }

    fn histories(&mut self, records: &[Record]) -> Result<()> {
        let path = self.round.folder.join("histories.jsonl");
        records::write(records, &path)?;
        let mut standing = self.serve()?;
        let mut writer = self.client(&mut standing, "writer", true)?;
        self.make(&mut writer, &path, HISTORY)?;
        self.measure(
            "history push",
            &standing,
            &mut writer,
            &json!({"do": "push"}),
        )?;
        let mut reader = self.client(&mut standing, "reader", true)?;
        self.pull("history pull", &standing, &mut reader, records)
    }

    /// The first time both ways after one: PouchDB then learns how far it is in the other direction. A connection of
    /// automerge-repo or samod is both ways from the beginning.
    fn settle(&mut self, standing: &Standing, client: &mut Driven) -> Result<()> {
        if !self.round.system.is_slow() {
            self.measure("settle", standing, client, &json!({"do": "sync"}))?;
        }
        Ok(())
    }

    fn serve(&self) -> Result<Standing> {
        let Round {
            system,
            programs,
            folder,
            ..
        } = self.round;
        let (serving, url, area, codes) = if system == System::Ours {
            let server = Server::begin(&programs.beside("server-under-test"), folder, PASSWORD)?;
            let (area, codes) =
                tokio::runtime::Runtime::new()?.block_on(enrolments(server.url()))?;
            let url = server.url().to_owned();
            (Serving::Ours(server), url, Some(area), codes)
        } else {
            let server = Driven::start(
                programs.server(system, &folder.join("server")),
                &self.complaints(),
            )?;
            let url = server.line(PREPARING)?;
            (Serving::Foreign(server), url, None, Vec::new())
        };
        let line = Line::to(address(&url)?)?;
        Ok(Standing {
            serving,
            line,
            area,
            codes,
        })
    }

    fn restart(&self, standing: &mut Standing) -> Result<()> {
        let Round {
            system,
            programs,
            folder,
            ..
        } = self.round;
        match &mut standing.serving {
            Serving::Ours(server) => server.kill_and_restart()?,
            Serving::Foreign(server) => {
                // Two must not have the same files open.
                server.stop()?;
                *server = Driven::start(
                    programs.server(system, &folder.join("server")),
                    &self.complaints(),
                )?;
                standing.line.lead_to(address(&server.line(PREPARING)?)?);
            }
        }
        Ok(())
    }

    fn complaints(&self) -> std::path::PathBuf {
        self.round.folder.join("complaints.txt")
    }

    /// Starts a client; a new one of ours is enrolled.
    fn client(&self, standing: &mut Standing, name: &str, new: bool) -> Result<Driven> {
        let mut client = Driven::start(
            self.round.programs.client(self.round.system),
            &self.complaints(),
        )?;
        let mut open = json!({
            "do": "open",
            "folder": self.round.folder.join(name),
            "url": format!("http://{}", standing.line.address()),
            "addresses": self.addresses,
        });
        if new && self.round.system == System::Ours {
            open["code"] = json!(standing.codes.pop().ok_or("no more codes")?);
            open["area"] = json!(standing.area.filter(|_| name == "writer"));
        }
        client.ask(&open, PREPARING)?;
        Ok(client)
    }

    fn make(&mut self, writer: &mut Driven, path: &Path, changes: usize) -> Result<()> {
        let (made, _) = writer.ask(
            &json!({"do": "make", "path": path, "changes": changes}),
            PREPARING,
        )?;
        self.addresses = made.get("addresses").cloned().unwrap_or(Json::Null);
        Ok(())
    }

    fn pull(
        &mut self,
        scenario: &str,
        standing: &Standing,
        reader: &mut Driven,
        records: &[Record],
    ) -> Result<()> {
        let (id, fields) = records.last().ok_or("no records")?;
        // Ours is searched by words, the others are asked for it by its id.
        let one = match self.round.system {
            System::Ours => fields["name"].as_str().unwrap_or_default(),
            _ => id.as_str(),
        };
        let answer = self.measure(
            scenario,
            standing,
            reader,
            &json!({"do": "pull", "one": one}),
        )?;
        if answer["listed"] != records.len() || answer["found"] != true {
            return Err(format!("{scenario}: {answer} of {} records", records.len()).into());
        }
        Ok(())
    }

    fn measure(
        &mut self,
        scenario: &str,
        standing: &Standing,
        client: &mut Driven,
        command: &Json,
    ) -> Result<Json> {
        let (server, own) = (standing.pid(), client.pid());
        let before = (cpu_seconds(server)?, cpu_seconds(own)?);
        standing.line.take();
        let asked = client.ask(command, self.round.limit);
        let carried = standing.line.take();
        let (answer, took) = match asked {
            Ok(done) => done,
            Err(error) => return Err(format!("{scenario}: {error}").into()),
        };
        self.measured.push(Measured {
            system: self.round.system,
            scenario: scenario.to_owned(),
            records: self.records,
            round: self.round.round,
            seconds: Some(took.as_secs_f64()),
            up: carried.up,
            down: carried.down,
            server_cpu: cpu_seconds(server)? - before.0,
            client_cpu: cpu_seconds(own)? - before.1,
            server_mib: memory_mib(server)?,
            client_mib: memory_mib(own)?,
            failure: None,
        });
        Ok(answer)
    }

    fn failed(&mut self, part: &str, why: String) {
        self.measured.push(Measured {
            system: self.round.system,
            scenario: part.to_owned(),
            records: self.records,
            round: self.round.round,
            seconds: None,
            up: 0,
            down: 0,
            server_cpu: 0.0,
            client_cpu: 0.0,
            server_mib: (0.0, 0.0),
            client_mib: (0.0, 0.0),
            failure: Some(why),
        });
    }
}

/// An area with officers, as an administrator makes them.
async fn enrolments(url: &str) -> Result<(uuid::Uuid, Vec<String>)> {
    let desk = Desk::sign_in(url, "admin", PASSWORD).await?;
    let area = desk.create_area("Xã đo", "commune", None).await?;
    let mut codes = Vec::new();
    for login in ["lan", "minh", "khoa"] {
        let account = desk
            .create_account(login, login, "officer", None, &[area])
            .await?;
        codes.push(desk.enrolment_code(account).await?);
    }
    Ok((area, codes))
}

fn address(url: &str) -> Result<std::net::SocketAddr> {
    let address = url.trim().rsplit('/').next().unwrap_or_default();
    Ok(address
        .parse()
        .map_err(|_| format!("not an address: {url}"))?)
}

/// What was measured, by scenario and size.
pub fn by_scenario(measured: &[Measured]) -> BTreeMap<(&str, usize, System), Vec<&Measured>> {
    let mut sorted: BTreeMap<_, Vec<&Measured>> = BTreeMap::new();
    for one in measured.iter().filter(|one| one.failure.is_none()) {
        sorted
            .entry((one.scenario.as_str(), one.records, one.system))
            .or_default()
            .push(one);
    }
    sorted
}
