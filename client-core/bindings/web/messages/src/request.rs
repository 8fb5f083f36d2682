//! What a page can ask for.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value as Json;
use sokiem_record::{
    attachment::ContentHash,
    edit::Edit,
    id::{AreaId, DocumentId},
};
use uuid::Uuid;

/// One request. Those that write say with `operation` which deed they are: asked again, because the tab that was to answer
/// has gone, the same deed is done once.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "ask", rename_all = "snake_case")]
pub enum Request {
    /// How things stand: is there a book, is it locked.
    Session,
    /// Begins a book under this PIN.
    Begin {
        /// At least six characters.
        pin: String,
    },
    /// Opens the book.
    Unlock {
        /// As the officer typed it.
        pin: String,
    },
    /// Closes the book until somebody knows the PIN.
    Lock,
    /// Puts the book under another PIN.
    ChangePin {
        /// The PIN so far.
        from: String,
        /// The PIN from now on.
        to: String,
    },
    /// Makes this installation an officer's device. Needs the network.
    Enrol {
        /// The one-time code.
        code: String,
        /// What to call the device.
        device_name: String,
    },
    /// The state of the synchronisation, and whose device this is.
    Status,
    /// What is to be done: assigned, begun, returned, overdue.
    Today,
    /// Units.
    Units(UnitQuery),
    /// One unit with its past inspections and the campaigns that it may be inspected in.
    Unit {
        /// Which.
        unit: DocumentId,
    },
    /// Everything that the page of one inspection shows.
    Inspection {
        /// Which.
        inspection: DocumentId,
    },
    /// Any record with what is live in it: after a save that others may have crossed.
    Record {
        /// Which.
        document: DocumentId,
    },
    /// Who changed what, in order.
    History {
        /// Of which record.
        document: DocumentId,
    },
    /// What is not on the server: changes, photos, refusals, and what happened lately.
    Outbox,
    /// What an officer can choose for a visit that nobody planned.
    CriteriaSets,
    /// Changes a record.
    Edit {
        /// Which deed this is.
        operation: Uuid,
        /// Which record.
        document: DocumentId,
        /// The state that the officer saw; hexadecimal. Nothing for the state as it is.
        #[serde(default)]
        base: Option<Vec<String>>,
        /// The steps: all or none.
        edits: Vec<Edit>,
        /// Why, where the officer said so.
        #[serde(default)]
        reason: Option<String>,
    },
    /// Begins a unit that nobody has registered.
    CreateUnit {
        /// Which deed this is.
        operation: Uuid,
        /// Where it lies.
        area: AreaId,
        /// Its fields.
        fields: BTreeMap<String, Json>,
    },
    /// Opens the planned inspection of a unit.
    OpenPlanned {
        /// Which deed this is.
        operation: Uuid,
        /// Of which unit.
        unit: DocumentId,
        /// In which campaign.
        campaign: DocumentId,
    },
    /// Begins an inspection that nobody planned.
    OpenUnplanned {
        /// Which deed this is.
        operation: Uuid,
        /// Of which unit.
        unit: DocumentId,
        /// The criteria set's code.
        criteria_code: String,
        /// And version.
        criteria_version: u32,
    },
    /// Takes last time's answers over where there are none yet.
    CopyLast {
        /// Which deed this is.
        operation: Uuid,
        /// Into which inspection.
        inspection: DocumentId,
    },
    /// Adds a photo, a scan or the picture of a signature; the file comes as bytes beside the request.
    AddFile {
        /// Which deed this is.
        operation: Uuid,
        /// To which record.
        document: DocumentId,
        /// `items/<code>/evidence`, `findings/<id>/evidence` or `signatures/<id>`.
        place: String,
        /// A line about it.
        #[serde(default)]
        caption: Option<String>,
        /// Where it was taken, as a `geo:` URI.
        #[serde(default)]
        position: Option<String>,
    },
    /// The bytes of a photo, from here or, where it is not here, from the server.
    File {
        /// Of which record.
        document: DocumentId,
        /// Which.
        hash: ContentHash,
    },
    /// Says that the visit is complete; the device signs that.
    Finish {
        /// Which deed this is.
        operation: Uuid,
        /// Which inspection.
        inspection: DocumentId,
    },
    /// Takes a refused change off the device.
    DismissChange {
        /// Of which record.
        document: DocumentId,
        /// Which change, hexadecimal.
        change: String,
    },
    /// Takes a refused photo off the device.
    DismissFile {
        /// Of which record.
        document: DocumentId,
        /// Which.
        hash: ContentHash,
    },
    /// Synchronise now.
    Sync,
    /// The page heard that there is, or is no, network.
    Online {
        /// Whether there is.
        online: bool,
    },
    /// The page came to the front, or went away from it.
    Visible {
        /// Whether it is in front.
        visible: bool,
    },
    /// Everything on this device as one file; the bytes come beside the answer.
    Export,
}

/// Which units to list.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct UnitQuery {
    /// Each word begins a word of the unit; accents do not matter.
    pub text: String,
    /// In this area.
    pub area: Option<AreaId>,
    /// The nearest to this latitude and longitude first.
    pub near: Option<(f64, f64)>,
    /// At most so many.
    pub limit: u32,
    /// After so many.
    pub offset: u32,
}
