//! What comes back about records. Fields that a page does not know are left out when it is read: a newer worker may say
//! more.

use serde::{Deserialize, Serialize};
use serde_json::Value as Json;
use sokiem_record::{
    attachment::ContentHash,
    id::{AreaId, DocumentId, Kind},
    missing::Lack,
    schema::Path,
};

use crate::session::Text;

/// What a save came to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Saved {
    /// The record.
    pub document: DocumentId,
    /// The change that was written; `None` when the record read like that already.
    pub change: Option<String>,
    /// The state after it: the base for the next edit.
    pub heads: Vec<String>,
}

/// A file that was added.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AddedFile {
    /// The save.
    pub saved: Saved,
    /// The name of the file.
    pub hash: ContentHash,
    /// The name of its thumbnail.
    pub thumbnail: Option<ContentHash>,
    /// How many bytes will be sent.
    pub bytes: u64,
}

/// Whose something is.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Author {
    /// The person's name; empty when it is not known.
    pub name: String,
    /// The person's title.
    pub title: String,
    /// What the device is called; empty for what was written at the desk.
    pub device: String,
    /// Whether this device wrote it.
    pub here: bool,
}

/// One of several live values.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Alternative {
    /// The value.
    pub value: Json,
    /// When it was written, by the author's clock.
    pub time_ms: i64,
    /// Why, where somebody said so.
    pub reason: Option<String>,
    /// Whose it is.
    pub author: Author,
}

/// A field in which people differ.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Conflict {
    /// Which.
    pub path: Path,
    /// Every live value, the one that shows meanwhile first.
    pub alternatives: Vec<Alternative>,
}

/// A record.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Record {
    /// Which.
    pub document: DocumentId,
    /// Its kind.
    pub kind: Kind,
    /// The area that it lies in.
    pub area: AreaId,
    /// Whether this device may write it.
    pub writable: bool,
    /// Whether something of it is not on the server yet.
    pub pending: bool,
    /// The state: the base for an edit.
    pub heads: Vec<String>,
    /// Its fields, as the schema names them.
    pub fields: Json,
    /// Where people differ.
    pub conflicts: Vec<Conflict>,
}

/// One row of a list.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Listed {
    /// The record.
    pub document: DocumentId,
    /// Its kind.
    pub kind: Kind,
    /// The area that it lies in.
    pub area: AreaId,
    /// What a person calls it.
    pub title: String,
    /// What it is about.
    pub subject: Option<DocumentId>,
    /// What that is called.
    pub subject_title: Option<String>,
    /// The campaign that it belongs to.
    pub campaign: Option<DocumentId>,
    /// Where it stands.
    pub state: String,
    /// The day that it is sorted by, `YYYY-MM-DD`.
    pub date: Option<String>,
    /// The earliest deadline among open findings, `YYYY-MM-DD`.
    pub deadline: Option<String>,
    /// In how many fields people differ.
    pub conflicts: u32,
    /// Whether something of it is not on the server yet.
    pub pending: bool,
    /// How far away it is, in metres, where that was asked for and is known.
    #[serde(default)]
    pub distance_m: Option<u32>,
}

/// A page of units.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Units {
    /// The rows.
    pub units: Vec<Listed>,
    /// Whether there are more after them.
    pub more: bool,
}

/// A unit that is to be inspected.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Assigned {
    /// The unit.
    pub unit: DocumentId,
    /// Its name.
    pub unit_title: String,
    /// The campaign.
    pub campaign: DocumentId,
    /// Until when, `YYYY-MM-DD`.
    pub due: Option<String>,
    /// The inspection that fulfils this, whether it was begun or not.
    pub inspection: DocumentId,
    /// Where that stands; `None` before it was begun here.
    pub inspection_state: Option<String>,
    /// Whether it is late.
    pub overdue: bool,
}

/// What is to be done.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Today {
    /// The day by this device's clock, `YYYY-MM-DD`.
    pub today: String,
    /// Inspections that a supervisor sent back.
    pub returned: Vec<Listed>,
    /// Records in which people differ.
    pub differing: Vec<Listed>,
    /// Assigned and not finished, the earliest first.
    pub assigned: Vec<Assigned>,
    /// Begun and not finished.
    pub drafts: Vec<Listed>,
    /// With remedies that are overdue.
    pub overdue: Vec<Listed>,
    /// Assigned and finished.
    pub done: u32,
}

/// What one unit's page shows.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct UnitPage {
    /// The unit.
    pub unit: Record,
    /// Its inspections, the newest first.
    pub inspections: Vec<Listed>,
    /// Campaigns in which it may be inspected now.
    pub campaigns: Vec<Campaign>,
}

/// A campaign that a unit may be inspected in.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Campaign {
    /// Which.
    pub campaign: DocumentId,
    /// What it is called.
    pub title: String,
    /// The inspection of this unit in it, whether it was begun or not.
    pub inspection: DocumentId,
    /// Whether it was begun on this device.
    pub begun: bool,
}

/// A criteria set that an officer can choose.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SetChoice {
    /// Its code.
    pub code: String,
    /// Its version.
    pub version: u32,
    /// Its title.
    pub title: Text,
}

/// Everything that the page of one inspection shows.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Inspection {
    /// The record.
    pub record: Record,
    /// The unit's name.
    pub unit_title: String,
    /// The criteria; `None` when the set is not on this device.
    pub sheet: Option<Sheet>,
    /// Codes of the criteria that are not asked, given the answers so far.
    #[serde(default)]
    pub not_asked: Vec<String>,
    /// What supervisors say.
    pub feedback: Feedback,
    /// Photos and scans, and where they stand.
    pub files: Vec<File>,
    /// What is missing before it can be finished, or looks wrong.
    #[serde(default)]
    pub missing: Vec<Missing>,
    /// Fields whose value was taken over from an earlier inspection.
    #[serde(default)]
    pub copied: Vec<Path>,
    /// When the inspection was that answers can be taken over from, `YYYY-MM-DD`; `None` when there is none.
    #[serde(default)]
    pub last: Option<String>,
}

/// A criteria set, as far as a page needs it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Sheet {
    /// Its code.
    pub code: String,
    /// Its version.
    pub version: u32,
    /// Its title in Vietnamese.
    pub title_vi: String,
    /// Its title in English.
    pub title_en: String,
    /// What a reader must know.
    #[serde(default)]
    pub note: Option<String>,
    /// The criteria in their order.
    pub items: Vec<SheetItem>,
}

/// One criterion.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SheetItem {
    /// Its code.
    pub code: String,
    /// The text in Vietnamese.
    pub vi: String,
    /// The text in English.
    #[serde(default)]
    pub en: String,
    /// How it is answered.
    pub answer: SheetAnswer,
    /// Whether an inspection is incomplete without it.
    #[serde(default)]
    pub required: bool,
    /// Whether `not_applicable` is an answer.
    #[serde(default)]
    pub not_applicable_allowed: bool,
    /// What evidence is expected, in Vietnamese.
    #[serde(default)]
    pub evidence: Vec<String>,
}

/// How a criterion is answered.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum SheetAnswer {
    /// Đạt or chưa đạt.
    PassFail,
    /// With a measured value.
    Measured {
        /// The unit of the value.
        #[serde(default)]
        unit: String,
        /// The least that passes.
        #[serde(default)]
        min: Option<f64>,
        /// The greatest that passes.
        #[serde(default)]
        max: Option<f64>,
    },
    /// With points.
    Points {
        /// The most.
        max: f64,
    },
    /// In a way that this page does not know: asked like đạt or chưa đạt.
    #[serde(other)]
    Unknown,
}

/// What supervisors say about an inspection.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Feedback {
    /// The latest decision.
    pub decision: Option<Decided>,
    /// Comments, oldest first.
    pub comments: Vec<Remark>,
}

/// A decision.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Decided {
    /// `returned`, `approved` or `reopened`.
    pub decision: String,
    /// Whose it is.
    pub author: Author,
    /// When.
    pub decided_ms: Option<i64>,
    /// Why, about the whole.
    pub reason: String,
    /// Why, criterion by criterion: its code and the text.
    pub reasons: Vec<(String, String)>,
    /// Whether the inspection has changed since.
    pub changed_since: bool,
}

/// A comment.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Remark {
    /// The criterion's code; empty for the whole record.
    pub item: String,
    /// What is said.
    pub text: String,
    /// Whose it is.
    pub author: Author,
    /// When, by their clock.
    pub time_ms: i64,
}

/// A photo or scan that a record names.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct File {
    /// Its name.
    pub hash: ContentHash,
    /// `original` or `thumbnail`.
    pub rendition: String,
    /// How many bytes it has.
    pub bytes: u64,
    /// `waiting`, `done`, `refused`, `fetched`.
    pub state: String,
    /// How many bytes the server has, while it is on its way.
    pub sent: u64,
    /// Why it waits or was refused, in Vietnamese.
    pub reason_vi: Option<String>,
    /// And in English.
    pub reason_en: Option<String>,
}

/// Something that is missing before an inspection can be finished, or looks wrong.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Missing {
    /// What it is about: a field's path, a criterion's code, or empty.
    pub path: String,
    /// What it is, as a word.
    pub lack: Lack,
    /// Whether it has to be mended first; otherwise it is a hint.
    pub must: bool,
    /// What is missing.
    #[serde(flatten)]
    pub text: Text,
}

/// Who changed what.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct History {
    /// The changes in their order.
    pub changes: Vec<Change>,
}

/// One change of a record.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Change {
    /// When, by the author's clock; 0 in a planned inspection's first change.
    pub time_ms: i64,
    /// When the server received it; `None` while it is pending.
    pub received_ms: Option<i64>,
    /// Why, where somebody said so.
    pub reason: Option<String>,
    /// Whose it is.
    pub author: Author,
    /// What it set.
    pub fields: Vec<FieldChange>,
}

/// What one change did to one field.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct FieldChange {
    /// Which.
    pub path: Path,
    /// The value afterwards; for merging text what was inserted.
    pub after: Json,
}

/// What is not on the server, and what happened lately.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Outbox {
    /// Records with changes that wait.
    pub waiting: Vec<Listed>,
    /// Photos that wait or were refused.
    pub files: Vec<WaitingFile>,
    /// Changes that were refused.
    pub refused: Vec<Refused>,
    /// What happened lately, the newest first.
    pub events: Vec<Event>,
}

/// A photo that is not on the server.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct WaitingFile {
    /// The record that it belongs to.
    pub document: DocumentId,
    /// The file.
    #[serde(flatten)]
    pub file: File,
}

/// A change that was refused.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Refused {
    /// The record that it was for.
    pub document: DocumentId,
    /// What the record was called.
    pub title: String,
    /// The change, hexadecimal.
    pub hash: String,
    /// `sent` or `received`.
    pub direction: String,
    /// Why, in Vietnamese.
    pub vietnamese: String,
    /// Why, in English.
    pub english: String,
    /// When it was noted.
    pub noted_ms: i64,
}

/// Something that happened.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Event {
    /// When, by this device's clock.
    pub at_ms: i64,
    /// What, as a word.
    pub event: String,
    /// The details.
    pub detail: Json,
}
