//! Places for the browser to look at: a district with three years behind it, one record that two officers see
//! differently, and a town whose every name means harm.

use std::path::PathBuf;

use serde_json::{Value as Json, json};
use sokiem_client_core::attachments::{NewAttachment, Place, upload_once};
use sokiem_record::{
    edit::Edit,
    genesis,
    id::{AreaId, DocumentId},
};
use sokiem_server::{Role, Running, serve};
use sokiem_tests::{
    Result,
    demo::{
        desk as work,
        district::{COMMUNES, OFFICERS, PlannedUnit, units},
        field::{self, Visit},
        setup,
    },
    desk::{Desk, id},
    device::Device,
    town::{self, Small},
};
use tempfile::TempDir;
use uuid::Uuid;

pub(super) fn set(path: &str, value: impl Into<Json>) -> Edit {
    Edit::Set {
        path: path.parse().unwrap(),
        value: value.into(),
    }
}

pub(super) fn note(path: &str, text: &str) -> Edit {
    Edit::Text {
        path: path.parse().unwrap(),
        text: text.to_owned(),
    }
}

/// A new element of a collection, with a key of its own.
pub(super) fn add(list: &str, key: u128, fields: Vec<(&'static str, Json)>) -> Edit {
    let key = Uuid::from_u128(0x0192_f0c1_2222_7333_8444_0000_0000_0000 + key);
    genesis::element(format!("{list}/{key}").parse().unwrap(), fields)
}

/// Something that looks like a photo: a gate under a sky.
fn photo() -> Vec<u8> {
    let picture = image::RgbImage::from_fn(480, 320, |x, y| {
        let gate = (150..330).contains(&x) && y > 140 && !(190..290).contains(&x);
        match (gate || (y > 140 && y < 170 && (150..330).contains(&x)), y) {
            (true, _) => image::Rgb([122, 84, 60]),
            (_, 0..=109) => image::Rgb([168, 205, 226]),
            (_, 110..=219) => image::Rgb([186, 214, 226]),
            _ => image::Rgb([120, 150, 92]),
        }
    });
    let mut out = std::io::Cursor::new(Vec::new());
    picture.write_to(&mut out, image::ImageFormat::Png).unwrap();
    out.into_inner()
}

/// Adds a photo to a criterion of an inspection and sends it with the rest.
async fn add_photo(device: &Device, document: DocumentId, item: &str, caption: &str) -> Result<()> {
    let new = NewAttachment {
        place: Place::Evidence(format!("items/{item}/evidence").parse()?),
        bytes: &photo(),
        caption: Some(caption),
        taken_ms: Some(1_571_000_400_000),
        position: Some("geo:9.9512,106.5318;u=8"),
        longest_side: None,
    };
    device.book.add_attachment(document, &new)?;
    device.sync().await?;
    upload_once(&device.book, &device.transport).await?;
    Ok(())
}

/// The made-up district, with fewer units and years than the demonstration.
pub(super) struct District {
    pub(super) server: Running,
    pub(super) town: setup::Town,
    _folder: TempDir,
    planned: Vec<PlannedUnit>,
    ids: Vec<DocumentId>,
    /// The campaign that is under way.
    pub(super) campaign: DocumentId,
}

/// The officer of the town, and the one who helps there.
pub(super) const TWO: [usize; 2] = [0, 5];
const LAST: i32 = 2019;

impl District {
    /// Two years are decided; of the third some units are inspected, and some of those approved.
    pub(super) async fn start() -> Result<Self> {
        let folder = tempfile::tempdir()?;
        let server = serve(town::config(&folder)).await?;
        server
            .create_account(
                "quantri",
                "Quản trị mô phỏng",
                Role::Administrator,
                setup::PASSWORD,
            )
            .await?;
        let desk = Desk::sign_in(&server.url(), "quantri", setup::PASSWORD).await?;
        let town = setup::town(&server.url(), desk, folder.path()).await?;
        let planned: Vec<PlannedUnit> = units()
            .into_iter()
            .filter(|unit| [0, 1, 16].contains(&unit.commune))
            .collect();
        for device in &town.devices {
            device.sync().await?;
        }
        let mut ids = Vec::new();
        for unit in &planned {
            let device = device(&town, unit);
            ids.push(field::record_unit(
                &device.book,
                town.communes[unit.commune],
                unit,
            )?);
        }
        for device in &town.devices {
            device.sync().await?;
        }
        let mut district = Self {
            server,
            town,
            _folder: folder,
            planned,
            ids,
            campaign: DocumentId(Uuid::nil()),
        };
        for year in LAST - 2..=LAST {
            district.year(year).await?;
        }
        Ok(district)
    }

    async fn year(&mut self, year: i32) -> Result<()> {
        let (town, desk) = (&self.town, &self.town.supervisor);
        let campaign = desk
            .post("/api/v1/campaigns", setup::campaign(town.district, year))
            .await?;
        self.campaign = DocumentId(id(&campaign, "id")?);
        for (unit, planned) in self.ids.iter().zip(&self.planned) {
            let officer = town.accounts[COMMUNES[planned.commune].1];
            let body = json!({"unit": unit, "campaign": self.campaign, "due": format!("{year}-10-31"), "officers": [officer]});
            desk.post("/api/v1/assignments", body).await?;
        }
        for device in &town.devices {
            device.sync().await?;
        }
        let now = year == LAST;
        // Of the last year the first unit is left for the story that the test tells, some wait, and some come later.
        let decided = if now { 1..7 } else { 0..self.ids.len() };
        self.visit(year, decided).await?;
        work::decide_everything(desk, self.campaign.0, if now { 3 } else { usize::MAX }).await?;
        if now {
            self.visit(year, 7..11).await?;
        }
        if !now {
            for (unit, planned) in self.ids.iter().zip(&self.planned) {
                work::close_year(desk, *unit, planned, year).await?;
            }
        }
        Ok(())
    }

    /// Officers inspect these units without network, and come back.
    async fn visit(&self, year: i32, units: std::ops::Range<usize>) -> Result<()> {
        let town = &self.town;
        for nth in units {
            let planned = &self.planned[nth];
            let visit = Visit {
                unit: self.ids[nth],
                planned,
                campaign: self.campaign,
                year,
                officer: OFFICERS[COMMUNES[planned.commune].1],
            };
            let book = &device(town, planned).book;
            field::inspect(book, &visit)?;
            field::record_year(book, &visit)?;
        }
        for device in &town.devices {
            device.sync().await?;
        }
        Ok(())
    }

    /// The unit that nobody has inspected yet this year, and its name.
    pub(super) fn unvisited(&self) -> (DocumentId, &str) {
        (self.ids[0], &self.planned[0].name)
    }

    /// The town's two officers' devices.
    pub(super) fn two(&self) -> [&Device; 2] {
        TWO.map(|officer| &self.town.devices[officer])
    }

    /// The officer of the town inspects the unit without network: everything, with a photo.
    pub(super) fn inspect(&self) -> Result<DocumentId> {
        let visit = Visit {
            unit: self.ids[0],
            planned: &self.planned[0],
            campaign: self.campaign,
            year: LAST,
            officer: OFFICERS[0],
        };
        field::inspect(&self.two()[0].book, &visit)
    }

    /// The helper does so as well, and sees the first criterion differently.
    pub(super) fn inspect_as_well(&self) -> Result<DocumentId> {
        let visit = Visit {
            unit: self.ids[0],
            planned: &self.planned[0],
            campaign: self.campaign,
            year: LAST,
            officer: OFFICERS[5],
        };
        field::inspect_as_well(&self.two()[1].book, &visit)
    }

    /// The officer of the town comes back into the network, with a photo.
    pub(super) async fn come_back_with_photo(
        &self,
        inspection: DocumentId,
        item: &str,
    ) -> Result<()> {
        add_photo(
            self.two()[0],
            inspection,
            item,
            "Cổng chính, nhìn từ đường (mô phỏng)",
        )
        .await
    }
}

fn device<'a>(town: &'a setup::Town, unit: &PlannedUnit) -> &'a Device {
    &town.devices[COMMUNES[unit.commune].1]
}

/// A supervisor's password.
pub(super) const PASSWORD: &str = "mật khẩu của lãnh đạo";

/// A small town with a supervisor, whose one inspection has arrived, finished, with one difference.
pub(super) struct Disputed {
    pub(super) town: Small,
    pub(super) lan: Device,
    pub(super) inspection: DocumentId,
}

/// The path that the two officers differ in.
const DISPUTED: &str = "items/KTC-01/answer";

impl Disputed {
    pub(super) async fn start() -> Result<Self> {
        let town = Small::start().await?;
        supervisor(&town, "Lãnh đạo xã").await?;
        let campaign = town.campaign().await?;
        let (lan, minh) = (town.officer("lan").await?, town.officer("minh").await?);
        lan.sync().await?;
        let unit = town::new_unit(&lan.book, town.commune, 1)?;
        lan.sync().await?;
        minh.sync().await?;
        let inspection = lan.book.open_planned_inspection(unit, campaign)?.document;
        lan.book.edit(
            inspection,
            None,
            &[set(DISPUTED, "pass"), set("finished", true)],
            None,
        )?;
        minh.book.open_planned_inspection(unit, campaign)?;
        minh.book
            .edit(inspection, None, &[set(DISPUTED, "fail")], None)?;
        minh.sync().await?;
        lan.sync().await?;
        Ok(Self {
            town,
            lan,
            inspection,
        })
    }
}

async fn supervisor(town: &Small, name: &str) -> Result<()> {
    town.desk
        .create_account(
            "lanhdao",
            name,
            "supervisor",
            Some(PASSWORD),
            &[town.district],
        )
        .await?;
    Ok(())
}

/// A script, if it were taken for one.
pub(super) const SCRIPT: &str = "<script>alert(1)</script>";
/// A formula, if it were taken for one.
pub(super) const FORMULA: &str = "=cmd()";
/// Turns the direction of what follows.
pub(super) const TURN: char = '\u{202e}';
/// Breaks out of an attribute, turns, and acts in three languages.
pub(super) const HARM: &str = "\"'><img src=x onerror=alert(2)> \u{202e}gpj.exe {{ 7*7 }}";

/// A town whose every name and note means harm, with something in every list.
pub(super) struct Hostile {
    pub(super) town: Small,
    /// Every id that something in the town has, by the name that routes have for it.
    pub(super) ids: Vec<(&'static str, String)>,
    pub(super) inspection: DocumentId,
}

impl Hostile {
    pub(super) async fn start() -> Result<Self> {
        Self::of(Small::start().await?).await
    }

    /// The same with the officer's app out of this folder.
    pub(super) async fn serving(app: PathBuf) -> Result<Self> {
        Self::of(Small::start_with(|config| config.field_app.dir = Some(app)).await?).await
    }

    async fn of(town: Small) -> Result<Self> {
        let desk = &town.desk;
        let other = desk
            .create_area(HARM, "commune", Some(town.district))
            .await?;
        let campaign = campaign(&town).await?;
        let (lan, account) = officer(&town, "lan", SCRIPT).await?;
        let (minh, helper) = officer(&town, "minh", HARM).await?;
        let mut units = Vec::new();
        for name in [SCRIPT, FORMULA, HARM, HARM] {
            let fields = json!({"name": name, "unit_kind": "agency", "address": HARM, "head_name": SCRIPT,
                "notes": HARM, "in_inspection_scope": true, "staff": 9, "synthetic": true});
            let fields = fields.as_object().cloned().unwrap_or_default();
            units.push(
                lan.book
                    .create_unit(AreaId(town.commune), &fields)?
                    .document,
            );
        }
        let named = [
            set("years/2019.classification_scheme", HARM),
            set("years/2019.classification", SCRIPT),
        ];
        lan.book.edit(units[0], None, &named, Some(HARM))?;
        lan.sync().await?;
        minh.sync().await?;
        let assigned = json!({"unit": units[0], "campaign": campaign, "due": "2019-10-31", "officers": [account], "note": HARM});
        let assignment = desk.post("/api/v1/assignments", assigned).await?;
        lan.sync().await?;
        let inspection = inspected(&lan, &minh, units[0], DocumentId(campaign)).await?;
        decided(desk, inspection).await?;
        lan.book
            .edit(inspection, None, &[set("number", HARM)], Some(SCRIPT))?;
        lan.sync().await?;
        // Work that is refused, since the area is not the officer's any more.
        lan.book
            .edit(units[1], None, &[set("head_name", HARM)], Some(HARM))?;
        desk.delete(&format!(
            "/api/v1/accounts/{account}/areas/{}",
            town.commune
        ))
        .await?;
        lan.sync().await?;
        // One unit that was recorded twice.
        let (twice, once) = (units[3], units[2]);
        let heads = async |unit: DocumentId| -> Result<Json> {
            Ok(desk.record(unit.0).await?["heads"].clone())
        };
        let join = json!({"into": once, "heads": heads(twice).await?, "into_heads": heads(once).await?, "reason": HARM});
        desk.post(&format!("/api/v1/records/{twice}/join"), join)
            .await?;
        let hook = json!({"url": "http://127.0.0.1:9/hook", "events": ["record.arrived"]});
        let hook = desk.post("/api/v1/webhooks", hook).await?;
        let hold = json!({"reason": HARM});
        desk.put(&format!("/api/v1/records/{inspection}/hold"), hold)
            .await?;
        let refused = desk.get("/api/v1/quarantine").await?;
        let devices = desk.get("/api/v1/devices").await?;
        desk.publish_criteria(town.district, "T23-NT@1").await?;
        let sets = desk.get("/api/v1/criteria-sets").await?;
        let text = |value: &Json| value.as_str().unwrap_or_default().to_owned();
        let ids = vec![
            ("id", inspection.to_string()),
            ("id", units[0].to_string()),
            ("id", units[2].to_string()),
            ("id", units[3].to_string()),
            ("id", campaign.to_string()),
            ("id", text(&assignment["id"])),
            ("id", text(&refused["refused"][0]["id"])),
            ("id", text(&devices[0]["id"])),
            ("id", town.commune.to_string()),
            ("id", account.to_string()),
            ("account", helper.to_string()),
            ("area", town.commune.to_string()),
            ("area", other.to_string()),
            ("id", other.to_string()),
            ("id", text(&hook["webhook"]["id"])),
            ("id", text(&sets[0]["id"])),
            ("id", text(&sets[1]["id"])),
            ("year", "2019".to_owned()),
        ];
        Ok(Self {
            town,
            ids,
            inspection,
        })
    }
}

async fn campaign(town: &Small) -> Result<Uuid> {
    town.desk
        .publish_criteria(town.district, "KIEMTRA-CHUNG@1")
        .await?;
    let set = json!({"criteria": "KIEMTRA-CHUNG@1", "window_start": "2018-11-30", "window_end": "2019-11-30"});
    let body = json!({"area": town.district, "name": HARM, "year": 2019, "issuing_body": SCRIPT, "legal_basis": HARM,
        "sets": {"agency": set, "enterprise": set, "school": set}});
    id(&town.desk.post("/api/v1/campaigns", body).await?, "id")
}

/// An officer of that name, whose device is called as badly.
async fn officer(town: &Small, login: &str, name: &str) -> Result<(Device, Uuid)> {
    let desk = &town.desk;
    let account = desk
        .create_account(login, name, "officer", None, &[town.commune])
        .await?;
    let called = format!("{login} \"'><b onmouseover=alert(3)> \u{202e}yam");
    let device = Device::enrol(
        town.folder.path(),
        &called,
        &town.server.url(),
        desk,
        account,
    )
    .await?;
    device.sync().await?;
    Ok((device, account))
}

/// Both officers inspect the unit; they differ in a choice and in words, and fill every list of the record.
async fn inspected(
    lan: &Device,
    minh: &Device,
    unit: DocumentId,
    campaign: DocumentId,
) -> Result<DocumentId> {
    let inspection = lan.book.open_planned_inspection(unit, campaign)?.document;
    let hers = [
        set("items/KTC-01/answer", "pass"),
        note("items/KTC-01/note", HARM),
        set("place", SCRIPT),
        set("inspected_on", "2019-08-05"),
        note("opinion", HARM),
        note("remarks", SCRIPT),
        add(
            "team",
            1,
            vec![("name", json!(SCRIPT)), ("title", json!(HARM))],
        ),
        add(
            "representatives",
            2,
            vec![("name", json!(HARM)), ("title", json!(FORMULA))],
        ),
        add(
            "absentees",
            3,
            vec![("name", json!(SCRIPT)), ("reason", json!(HARM))],
        ),
        add(
            "incidents",
            4,
            vec![
                ("type", json!(SCRIPT)),
                ("count", json!(1)),
                ("outcome", json!(HARM)),
            ],
        ),
        add(
            "findings",
            5,
            vec![
                ("text", json!(HARM)),
                ("item", json!("KTC-01")),
                ("remedy", json!(SCRIPT)),
                ("owner", json!(FORMULA)),
                ("deadline", json!("2019-09-01")),
                ("state", json!("open")),
            ],
        ),
        add(
            "recommendations",
            6,
            vec![("text", json!(HARM)), ("to", json!(SCRIPT))],
        ),
        add(
            "signatures",
            7,
            vec![
                ("name", json!(HARM)),
                ("title", json!(SCRIPT)),
                ("role", json!("unit")),
                ("refused", json!(true)),
                ("refusal_reason", json!(HARM)),
            ],
        ),
        set("finished", true),
    ];
    lan.book.edit(inspection, None, &hers, Some(SCRIPT))?;
    minh.book.open_planned_inspection(unit, campaign)?;
    let his = [
        set("items/KTC-01/answer", "fail"),
        note("items/KTC-01/note", SCRIPT),
        set("place", FORMULA),
        note("remarks", HARM),
    ];
    minh.book.edit(inspection, None, &his, Some(HARM))?;
    minh.sync().await?;
    add_photo(lan, inspection, "KTC-01", HARM).await?;
    Ok(inspection)
}

async fn decided(desk: &Desk, inspection: DocumentId) -> Result<()> {
    for (item, text) in [("KTC-01", HARM), ("", SCRIPT)] {
        let body = json!({"item": item, "text": text});
        desk.post(&format!("/api/v1/records/{inspection}/comments"), body)
            .await?;
    }
    let heads = desk.record(inspection.0).await?["heads"].clone();
    let body = json!({"decision": "approved", "heads": heads, "reason": HARM, "reasons": [{"item": "KTC-01", "text": SCRIPT}]});
    desk.post(&format!("/api/v1/records/{inspection}/decisions"), body)
        .await?;
    Ok(())
}
