//! An officer's device as a program of its own: a book in a file and its way to the server, told what to do by lines
//! of JSON. `make bench` drives it beside the clients of other systems, which take the same lines.
#![expect(
    clippy::print_stdout,
    clippy::indexing_slicing,
    reason = "answers are lines of standard output; only JSON values are indexed"
)]

use std::{fs, io::BufRead, path::Path};

use serde::Deserialize;
use serde_json::{Map, Value as Json, json};
use sokiem_client_core::{
    Book,
    keys::BookKey,
    platform::{SystemClock, SystemRandom},
    search::Query,
    sync::{self, http::HttpTransport},
};
use sokiem_record::{
    edit::Edit,
    id::{AreaId, DocumentId, Kind},
};
use sokiem_tests::Result;
use tokio::runtime::Runtime;
use uuid::Uuid;

#[derive(Deserialize)]
#[serde(tag = "do", rename_all = "lowercase")]
enum Command {
    /// Opens the book in a folder; with a code, enrols it first.
    Open {
        folder: String,
        url: String,
        code: Option<String>,
        area: Option<Uuid>,
    },
    /// Records units from a file, each with so many changes.
    Make {
        path: String,
        changes: usize,
    },
    /// Edits two fields of each of these.
    Edit {
        ids: Vec<String>,
        stamp: String,
    },
    /// One synchronisation, which is both ways.
    Push,
    /// The same, for clients to which it is another thing.
    Sync,
    /// The same, then lists all and searches one.
    Pull {
        one: String,
    },
    /// What is here, and how many carry a stamp.
    Check {
        stamp: String,
    },
    Quit,
}

struct Device {
    book: Book,
    transport: HttpTransport,
    area: Option<AreaId>,
}

fn main() -> Result<()> {
    let runtime = Runtime::new()?;
    let mut device = None;
    for line in std::io::stdin().lock().lines() {
        let done = match serde_json::from_str(&line?)? {
            Command::Quit => break,
            Command::Open {
                folder,
                url,
                code,
                area,
            } => runtime
                .block_on(Device::open(&folder, &url, code, area))
                .map(|opened| {
                    device = Some(opened);
                    json!({})
                }),
            command => match &mut device {
                Some(device) => device.obey(&runtime, command),
                None => Err("nothing is open".into()),
            },
        };
        let mut answer = done.unwrap_or_else(|error| json!({"error": error.to_string()}));
        answer["ok"] = answer.get("error").is_none().into();
        println!("{answer}");
    }
    Ok(())
}

impl Device {
    async fn open(
        folder: &str,
        url: &str,
        code: Option<String>,
        area: Option<Uuid>,
    ) -> Result<Self> {
        let file = Path::new(folder).join("book.sqlite3");
        // Encrypted, as on every phone; the key is no secret here.
        let key = BookKey::from_bytes([7; 32]);
        let book = Book::open(file, &key, SystemClock, SystemRandom)?.book;
        if let Some(code) = code {
            let stranger = HttpTransport::new(url, None)?;
            let version = env!("CARGO_PKG_VERSION");
            sync::enrol(&book, &stranger, url, &code, "measured", version).await?;
        }
        let enrolment = book.enrolment()?.ok_or("not enrolled")?;
        let transport = HttpTransport::new(url, Some(enrolment.key.clone()))?;
        if area.is_some() {
            // Before the first contact a device may write nowhere.
            sync::sync_once(&book, &transport).await?;
        }
        Ok(Self {
            book,
            transport,
            area: area.map(AreaId),
        })
    }

    fn obey(&mut self, runtime: &Runtime, command: Command) -> Result<Json> {
        match command {
            Command::Make { path, changes } => self.make(&path, changes),
            Command::Edit { ids, stamp } => {
                let units = self.units()?;
                for (n, id) in ids.iter().enumerate() {
                    // The book gives records ids of its own: the harness knows them by their place.
                    let at: usize = id.parse()?;
                    let unit = units.get(at).ok_or("no such record")?;
                    self.book.edit(*unit, None, &edits(&stamp, n)?, None)?;
                }
                Ok(json!({}))
            }
            Command::Push | Command::Sync => self.sync(runtime),
            Command::Pull { one } => {
                let report = self.sync(runtime)?;
                let listed = self.units()?.len();
                let found = self.book.search(&one, 10)?.len();
                Ok(json!({"listed": listed, "found": found == 1, "requests": report["requests"]}))
            }
            Command::Check { stamp } => {
                let stamped = self.book.search(&stamp, u32::MAX)?.len();
                Ok(json!({"documents": self.units()?.len(), "stamped": stamped}))
            }
            Command::Open { .. } | Command::Quit => Ok(json!({})),
        }
    }

    /// In the order in which they were begun.
    fn units(&self) -> Result<Vec<DocumentId>> {
        let kind = Some(Kind::Unit);
        let listed = self.book.list(&Query {
            kind,
            ..Query::default()
        })?;
        let mut units: Vec<DocumentId> = listed.into_iter().map(|row| row.document).collect();
        units.sort_unstable();
        Ok(units)
    }

    fn make(&mut self, path: &str, changes: usize) -> Result<Json> {
        let area = self.area.ok_or("nowhere to write")?;
        for line in fs::read_to_string(path)?.lines() {
            let mut fields: Map<String, Json> = serde_json::from_str(line)?;
            fields.remove("id");
            let unit = self.book.create_unit(area, &fields)?.document;
            for n in 1..changes {
                self.book.edit(unit, None, &edits("lần", n)?, None)?;
            }
        }
        Ok(json!({}))
    }

    fn sync(&self, runtime: &Runtime) -> Result<Json> {
        let report = runtime.block_on(sync::sync_once(&self.book, &self.transport))?;
        if !report.verified {
            return Err(format!("not verified: {report:?}").into());
        }
        Ok(json!({"requests": report.requests}))
    }
}

fn edits(stamp: &str, n: usize) -> Result<Vec<Edit>> {
    let set = |path: &str, value: Json| {
        Ok::<_, Box<dyn std::error::Error + Send + Sync>>(Edit::Set {
            path: path.parse()?,
            value,
        })
    };
    Ok(vec![
        set("staff", json!(1000 + n))?,
        set("head_name", json!(format!("{stamp} {n}")))?,
    ])
}
