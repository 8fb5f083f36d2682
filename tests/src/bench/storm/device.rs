//! One device that comes back.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use serde_bytes::ByteBuf;
use serde_json::{Value as Json, json};
use sha2::{Digest, Sha256};
use sokiem_client_core::sync::{Transport as _, TransportError, http::HttpTransport};
use sokiem_record::{
    ChangeHash,
    attachment::ContentHash,
    edit::{Author, Edit},
    genesis,
    id::{AreaId, EpochId, Kind},
    wire::{
        self, ChangeOutcome, Cursor, DeviceReport, DocumentPush, ExchangeRequest, ExchangeResponse,
        PROTOCOL_VERSION,
    },
};
use uuid::Uuid;

use super::{
    Plan,
    district::{Brought, District, Working},
};
use crate::Result;

/// How often a device tries again when the server puts it off.
const TRIES: usize = 20;

/// A device with a day's work.
pub(super) struct Returning {
    pub(super) commune: AreaId,
    transport: HttpTransport,
    epoch: EpochId,
    cursors: Arc<Vec<Cursor>>,
    push: Vec<DocumentPush>,
    heads: Vec<ChangeHash>,
}

/// How a device's return went.
#[derive(Debug, Default)]
pub(super) struct Came {
    pub(super) exchanges_ms: Vec<f64>,
    pub(super) stored: usize,
    pub(super) pulled: usize,
    pub(super) put_off: usize,
    pub(super) error: Option<String>,
}

impl Came {
    pub(super) fn failed(error: String) -> Self {
        Self {
            error: Some(error),
            ..Self::default()
        }
    }
}

impl Returning {
    /// Inspects every unit of an officer.
    pub(super) fn after_a_day(district: &District, working: &Working, plan: Plan) -> Result<Self> {
        let Working { officer, units } = working;
        let author = Author {
            actor: officer.actor,
            time_ms: 1_560_030_000_000,
            reason: None,
        };
        let mut returning = Self {
            commune: officer.area,
            transport: officer.transport.clone(),
            epoch: district.epoch,
            cursors: district
                .cursors
                .get(&officer.area)
                .cloned()
                .unwrap_or_default(),
            push: Vec::new(),
            heads: Vec::new(),
        };
        for (n, unit) in units.iter().enumerate() {
            let (mut document, first) = genesis::planned_inspection(&district.planned(*unit))?;
            let edits = visit(&district.items, plan.photos, n, &author)?;
            let second = document
                .edit(&author, None, &edits)?
                .ok_or("nothing was recorded")?;
            returning.heads.push(second.hash);
            returning.push.push(DocumentPush {
                document: document.id(),
                kind: Kind::Inspection,
                area: officer.area,
                changes: vec![ByteBuf::from(first.bytes), ByteBuf::from(second.bytes)],
            });
        }
        Ok(returning)
    }

    /// The state of each record that it brings.
    pub(super) fn heads(&self) -> Vec<Brought> {
        let heads = self.push.iter().zip(&self.heads);
        heads
            .map(|(push, head)| (push.document, vec![*head]))
            .collect()
    }

    /// Exchanges until nothing is left on either side.
    pub(super) async fn comes_back(self) -> Came {
        let mut came = Came::default();
        if let Err(error) = self.exchange_all(&mut came).await {
            came.error = Some(error.to_string());
        }
        came
    }

    async fn exchange_all(self, came: &mut Came) -> Result<()> {
        let expected: usize = self.push.iter().map(|push| push.changes.len()).sum();
        let mut cursors = self.cursors.to_vec();
        let mut push = self.push;
        loop {
            let request = ExchangeRequest {
                v: PROTOCOL_VERSION,
                epoch: Some(self.epoch),
                cursors,
                push: std::mem::take(&mut push),
                report: Some(DeviceReport {
                    app_version: env!("CARGO_PKG_VERSION").to_owned(),
                    clock_ms: 1_560_030_000_000,
                    waiting: 0,
                    attachments: 0,
                }),
            };
            let body = wire::encode(&request);
            let answer = exchange(&self.transport, body, came).await?;
            let answer: ExchangeResponse = wire::decode(&answer)?;
            let outcomes = answer.pushed.iter().flat_map(|outcome| &outcome.changes);
            // Of a planned inspection the first change may be there already: everybody makes the same.
            let kept =
                outcomes.filter(|one| matches!(one, ChangeOutcome::Stored | ChangeOutcome::Had));
            came.stored += kept.count();
            came.pulled += answer
                .pulled
                .iter()
                .map(|pull| pull.entries.len())
                .sum::<usize>();
            cursors = answer.pulled.iter().map(|pull| pull.cursor).collect();
            if answer.pulled.iter().all(|pull| !pull.more) {
                break;
            }
        }
        if came.stored != expected {
            return Err(format!("{} of {expected} changes were acknowledged", came.stored).into());
        }
        Ok(())
    }
}

/// One exchange; put off, it is tried again when the server said.
async fn exchange(transport: &HttpTransport, body: Vec<u8>, came: &mut Came) -> Result<Vec<u8>> {
    let mut tries = 0;
    loop {
        let begun = Instant::now();
        let answer = transport.exchange(body.clone()).await;
        came.exchanges_ms
            .push(begun.elapsed().as_secs_f64() * 1_000.0);
        match answer {
            Err(TransportError::Busy { retry_after_ms }) if tries < TRIES => {
                came.put_off += 1;
                tries += 1;
                tokio::time::sleep(Duration::from_millis(retry_after_ms.unwrap_or(1_000))).await;
            }
            answer => return Ok(answer?),
        }
    }
}

/// What an officer records at one unit.
fn visit(items: &[String], photos: usize, n: usize, author: &Author) -> Result<Vec<Edit>> {
    let set = |path: String, value: Json| {
        Ok::<_, crate::Failure>(Edit::Set {
            path: path.parse()?,
            value,
        })
    };
    let mut edits = vec![
        set("number".to_owned(), json!(format!("{n}/BB-KT")))?,
        set("inspected_on".to_owned(), json!("2019-08-05"))?,
        set("place".to_owned(), json!("Văn phòng đơn vị"))?,
        set("finished".to_owned(), json!(true))?,
    ];
    for item in items {
        edits.push(set(format!("items/{item}/answer"), json!("pass"))?);
    }
    let seed = |what: &str, k: usize| Sha256::digest(format!("{what} {} {n} {k}", author.actor));
    for (k, item) in items.iter().cycle().take(photos).enumerate() {
        let hash = ContentHash::of(&seed("ảnh", k));
        let path = format!("items/{item}/evidence/{hash}").parse()?;
        edits.push(genesis::element(
            path,
            [
                ("type", json!("photo")),
                ("caption", json!(format!("Sổ trực, trang {k}"))),
                ("taken_ms", json!(1_560_020_000_000_u64 + k as u64)),
                ("bytes", json!(412_000 + k)),
                ("media_type", json!("image/jpeg")),
                ("width", json!(1600)),
                ("height", json!(1200)),
                (
                    "thumbnail",
                    json!(ContentHash::of(&seed("ảnh nhỏ", k)).to_string()),
                ),
            ],
        ));
    }
    if n.is_multiple_of(4) {
        let bytes = seed("tồn tại", 0);
        let id = Uuid::from_slice(bytes.get(..16).unwrap_or_default())?;
        let path = format!("findings/{id}").parse()?;
        edits.push(genesis::element(
            path,
            [
                ("text", json!("Thiếu sổ trực, cần lập lại và ghi hằng ngày")),
                ("deadline", json!("2019-11-15")),
                ("state", json!("open")),
            ],
        ));
    }
    Ok(edits)
}
