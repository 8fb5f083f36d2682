//! Documents by the thousand, each commune by a device of its own.

use serde_bytes::ByteBuf;
use serde_json::{Value as Json, json};
use sokiem_record::{
    edit::{Author, Edit},
    genesis,
    id::{AreaId, DocumentId, EpochId, Kind},
    limits,
    wire::DocumentPush,
};
use tokio::runtime::Runtime;
use uuid::Uuid;

use super::NO_EPOCH;
use crate::{
    Result,
    bench::officer::{self, Officer},
    desk::Desk,
    town::unit_fields,
};

/// Units of a commune; each has four inspections, every fourth of them finished.
const UNITS: usize = 200;
const INSPECTIONS: usize = 4;

/// A server that is being filled.
pub(super) struct Filling {
    district: AreaId,
    items: Vec<String>,
    devices: Vec<Officer>,
    pub(super) epoch: EpochId,
    pub(super) documents: usize,
    pub(super) changes: usize,
    next: u64,
}

impl Filling {
    pub(super) fn begin(runtime: &Runtime, desk: &Desk) -> Result<Self> {
        let district = runtime.block_on(desk.create_area("Tỉnh đo", "district", None))?;
        Ok(Self {
            district: AreaId(district),
            items: officer::items()?,
            devices: Vec::new(),
            epoch: NO_EPOCH,
            documents: 0,
            changes: 0,
            next: 0,
        })
    }

    /// The newest commune's device.
    pub(super) fn device(&self) -> Result<&Officer> {
        self.devices.last().ok_or_else(|| "no commune".into())
    }

    /// The one before it; the only one where there is one.
    pub(super) fn other(&self) -> Result<&Officer> {
        self.devices
            .iter()
            .rev()
            .nth(1)
            .or(self.devices.last())
            .ok_or_else(|| "no commune".into())
    }

    fn id(&mut self) -> DocumentId {
        self.next += 1;
        // As clocks make them: later ones are greater.
        let ms = 1_560_000_000_000 + self.next * 10;
        let random = self.next.wrapping_mul(0x9e37_79b9_7f4a_7c15).to_be_bytes();
        let [a, b, c, d, e, f, g, h] = random;
        DocumentId(
            uuid::Builder::from_unix_timestamp_millis(ms, &[a, b, c, d, e, f, g, h, a, b])
                .into_uuid(),
        )
    }

    /// One more commune of a thousand documents.
    pub(super) async fn commune(&mut self, desk: &Desk, url: &str) -> Result<()> {
        let n = self.devices.len();
        let area = desk
            .create_area(&format!("Xã {n}"), "commune", Some(self.district.0))
            .await?;
        let device = Officer::enrol(desk, url, &format!("canbo{n}"), AreaId(area)).await?;
        let mut push = Vec::new();
        for n in 0..UNITS {
            let (unit, author) = (self.id(), author(&device));
            let (_, first) = genesis::document(unit, Kind::Unit, &author, &unit_fields(n))?;
            push.push(one(unit, Kind::Unit, &device, vec![first.bytes]));
            for k in 0..INSPECTIONS {
                push.push(self.visit(&device, unit, k == 0)?);
            }
        }
        self.documents += push.len();
        self.changes += push.iter().map(|push| push.changes.len()).sum::<usize>();
        let (cursors, _) = match self.epoch {
            NO_EPOCH => (Vec::new(), 0),
            epoch => device.read_all(epoch, Vec::new()).await?,
        };
        for batch in push.chunks(limits::MAX_PUSH_DOCUMENTS / 2) {
            self.epoch = device.push(cursors.clone(), batch.to_vec()).await?.epoch;
        }
        self.devices.push(device);
        Ok(())
    }

    /// One more record for a device to push.
    pub(super) fn inspection(&mut self, device: &Officer) -> Result<DocumentPush> {
        let unit = self.id();
        self.visit(device, unit, true)
    }

    fn visit(
        &mut self,
        device: &Officer,
        unit: DocumentId,
        finished: bool,
    ) -> Result<DocumentPush> {
        let (id, author) = (self.id(), author(device));
        let criteria = ("KIEMTRA-CHUNG", 1);
        let (mut document, first) =
            genesis::unplanned_inspection(id, unit, criteria, &self.items, &author)?;
        let mut changes = vec![first.bytes];
        if finished {
            let mut edits = vec![
                set("inspected_on", json!("2019-08-05"))?,
                set("finished", json!(true))?,
            ];
            for item in &self.items {
                edits.push(set(&format!("items/{item}/answer"), json!("pass"))?);
            }
            changes.extend(
                document
                    .edit(&author, None, &edits)?
                    .map(|second| second.bytes),
            );
        }
        Ok(one(id, Kind::Inspection, device, changes))
    }
}

/// Pushes one unit with so many changes; it, and some more changes of it.
pub(super) fn long(
    runtime: &Runtime,
    device: &Officer,
    changes: usize,
) -> Result<(DocumentId, Vec<DocumentPush>)> {
    /// Changes that are timed.
    const MORE: usize = 6;
    let id = DocumentId(Uuid::from_u128(
        0x0190_0000_0000_7000_8000_0000_0001_0000 + changes as u128,
    ));
    let author = author(device);
    let (mut document, first) = genesis::document(id, Kind::Unit, &author, &unit_fields(1))?;
    let mut all = vec![first.bytes];
    for n in 1..changes + MORE {
        let edits = [
            set("staff", json!(n))?,
            set("head_name", json!(format!("Nguyễn Văn Số {n}")))?,
        ];
        all.extend(
            document
                .edit(&author, None, &edits)?
                .map(|written| written.bytes),
        );
    }
    let more = all.split_off(changes);
    for batch in all.chunks(limits::MAX_PUSH_CHANGES / 4) {
        let push = vec![one(id, Kind::Unit, device, batch.to_vec())];
        runtime.block_on(device.push(Vec::new(), push))?;
    }
    let more = more
        .into_iter()
        .map(|change| one(id, Kind::Unit, device, vec![change]));
    Ok((id, more.collect()))
}

fn author(device: &Officer) -> Author {
    Author {
        actor: device.actor,
        time_ms: 1_560_030_000_000,
        reason: None,
    }
}

fn set(path: &str, value: Json) -> Result<Edit> {
    Ok(Edit::Set {
        path: path.parse()?,
        value,
    })
}

fn one(document: DocumentId, kind: Kind, device: &Officer, changes: Vec<Vec<u8>>) -> DocumentPush {
    DocumentPush {
        document,
        kind,
        area: device.area,
        changes: changes.into_iter().map(ByteBuf::from).collect(),
    }
}
