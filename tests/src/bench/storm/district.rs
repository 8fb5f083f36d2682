//! The district before and after: officers who are enrolled and know their units in the morning, and what the server
//! holds in the evening.

use std::{collections::BTreeMap, sync::Arc};

use serde_bytes::ByteBuf;
use serde_json::json;
use sokiem_client_core::sync::Transport as _;
use sokiem_record::{
    ChangeHash,
    edit::Author,
    genesis::{self, Plan as Planned},
    id::{AreaId, DocumentId, EpochId, Kind},
    wire::{
        self, Cursor, DocumentHeads, DocumentPush, Hash, PROTOCOL_VERSION, ReconcileRequest,
        ReconcileResponse,
    },
};
use uuid::Uuid;

use super::{Plan, device::Returning};
use crate::{
    Result,
    bench::officer::{self, Officer},
    desk::Desk,
    town::unit_fields,
};

pub(super) const PASSWORD: &str = "mật khẩu dùng để đo";
/// Answered in every inspection.
pub(super) const CRITERIA: (&str, u32) = ("KIEMTRA-CHUNG", 1);
const WINDOW: (&str, &str) = ("2018-11-30", "2019-11-30");

/// An officer, and the units that are theirs today.
pub(super) struct Working {
    pub(super) officer: Officer,
    pub(super) units: Vec<DocumentId>,
}

/// A record that a device brought, and its state.
pub(super) type Brought = (DocumentId, Vec<ChangeHash>);

/// A district in the morning.
pub(super) struct District {
    pub(super) officers: Vec<Working>,
    pub(super) campaign: DocumentId,
    pub(super) items: Vec<String>,
    pub(super) epoch: EpochId,
    /// How far the logs were in the morning, for each commune's devices.
    pub(super) cursors: BTreeMap<AreaId, Arc<Vec<Cursor>>>,
}

impl District {
    /// Makes communes, officers and a campaign, and registers every unit.
    pub(super) async fn in_the_morning(url: &str, plan: Plan) -> Result<Self> {
        let desk = Desk::sign_in(url, "admin", PASSWORD).await?;
        let district = desk.create_area("Huyện đo", "district", None).await?;
        desk.publish_criteria(district, "KIEMTRA-CHUNG@1").await?;
        let set = json!({"criteria": "KIEMTRA-CHUNG@1", "window_start": WINDOW.0, "window_end": WINDOW.1});
        let body = json!({"area": district, "name": "Đợt đo", "year": 2019,
            "sets": {"agency": set, "enterprise": set, "school": set}});
        let campaign = crate::desk::id(&desk.post("/api/v1/campaigns", body).await?, "id")?;
        let mut morning = Self {
            officers: Vec::new(),
            campaign: DocumentId(campaign),
            items: officer::items()?,
            epoch: EpochId(Uuid::nil()),
            cursors: BTreeMap::new(),
        };
        let mut commune = AreaId(Uuid::nil());
        for n in 0..plan.devices {
            if n % plan.officers_per_commune == 0 {
                let name = format!("Xã đo {}", n / plan.officers_per_commune);
                commune = AreaId(desk.create_area(&name, "commune", Some(district)).await?);
            }
            let working = Working {
                officer: Officer::enrol(&desk, url, &format!("canbo{n}"), commune).await?,
                units: (0..plan.inspections).map(|at| unit_id(n, at)).collect(),
            };
            morning.register(&working).await?;
            morning.officers.push(working);
        }
        // One device of each commune tells how far its logs are by now: they are the same for all of it.
        let last: BTreeMap<AreaId, &Officer> = morning
            .officers
            .iter()
            .map(|working| (working.officer.area, &working.officer))
            .collect();
        let mut cursors = BTreeMap::new();
        for (commune, officer) in last {
            let (read, _) = officer.read_all(morning.epoch, Vec::new()).await?;
            cursors.insert(commune, Arc::new(read));
        }
        morning.cursors = cursors;
        Ok(morning)
    }

    /// Pushes the units of an officer.
    async fn register(&mut self, working: &Working) -> Result<()> {
        let Working { officer, units } = working;
        let author = Author {
            actor: officer.actor,
            time_ms: 1_560_000_000_000,
            reason: None,
        };
        let mut push = Vec::new();
        for (n, unit) in units.iter().enumerate() {
            let (_, first) = genesis::document(*unit, Kind::Unit, &author, &unit_fields(n))?;
            push.push(DocumentPush {
                document: *unit,
                kind: Kind::Unit,
                area: officer.area,
                changes: vec![ByteBuf::from(first.bytes)],
            });
        }
        self.epoch = officer.push(Vec::new(), push).await?.epoch;
        Ok(())
    }

    /// What every device brings in the evening.
    pub(super) fn after_a_day(&self, plan: Plan) -> Result<Vec<Returning>> {
        self.officers
            .iter()
            .map(|working| Returning::after_a_day(self, working, plan))
            .collect()
    }

    pub(super) fn planned(&self, unit: DocumentId) -> Planned {
        Planned {
            unit,
            campaign: self.campaign,
            criteria_code: CRITERIA.0.to_owned(),
            criteria_version: CRITERIA.1,
            window: Some((WINDOW.0.to_owned(), WINDOW.1.to_owned())),
            items: self.items.clone(),
        }
    }

    /// How many of the documents that were brought the server does not hold in exactly that state.
    pub(super) async fn lacking(&self, brought: &[(AreaId, Vec<Brought>)]) -> Result<usize> {
        let mut lacking = 0;
        for (working, (area, documents)) in self.officers.iter().zip(brought) {
            let documents = documents.iter().map(|(document, heads)| DocumentHeads {
                document: *document,
                heads: heads.iter().copied().map(Hash::from).collect(),
            });
            let request = ReconcileRequest {
                v: PROTOCOL_VERSION,
                epoch: self.epoch,
                area: *area,
                documents: documents.collect(),
            };
            let answer = working
                .officer
                .transport
                .reconcile(wire::encode(&request))
                .await?;
            let answer: ReconcileResponse = wire::decode(&answer)?;
            let ours = |id: &DocumentId| request.documents.iter().any(|one| one.document == *id);
            lacking += answer.unknown.len() + answer.elsewhere.len();
            lacking += answer
                .differ
                .iter()
                .filter(|one| ours(&one.document))
                .count();
        }
        Ok(lacking)
    }
}

fn unit_id(officer: usize, n: usize) -> DocumentId {
    let number = (officer as u128) << 32 | n as u128;
    DocumentId(Uuid::from_u128(
        0x0190_0000_0000_7000_8000_0000_0000_0000 + number,
    ))
}
