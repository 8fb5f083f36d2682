//! Every request with the type of its answer.

use std::{collections::BTreeMap, marker::PhantomData};

use serde_json::Value as Json;
use sokiem_record::{
    attachment::ContentHash,
    edit::Edit,
    id::{AreaId, DocumentId},
};
use uuid::Uuid;

use crate::{
    answer::{
        AddedFile, History, Inspection, Outbox, Record, Saved, SetChoice, Today, UnitPage, Units,
    },
    request::{Request, UnitQuery},
    session::{Session, Standing},
};

/// A request, and what its answer is read as.
#[derive(Clone, Debug, PartialEq)]
pub struct Ask<A> {
    /// The request.
    pub request: Request,
    answer: PhantomData<fn() -> A>,
}

impl<A> Ask<A> {
    fn of(request: Request) -> Self {
        Self {
            request,
            answer: PhantomData,
        }
    }
}

/// [`Request::Session`].
pub fn session() -> Ask<Session> {
    Ask::of(Request::Session)
}

/// [`Request::Begin`].
pub fn begin(pin: String) -> Ask<Session> {
    Ask::of(Request::Begin { pin })
}

/// [`Request::Unlock`].
pub fn unlock(pin: String) -> Ask<Session> {
    Ask::of(Request::Unlock { pin })
}

/// [`Request::Lock`].
pub fn lock() -> Ask<Session> {
    Ask::of(Request::Lock)
}

/// [`Request::ChangePin`].
pub fn change_pin(from: String, to: String) -> Ask<Session> {
    Ask::of(Request::ChangePin { from, to })
}

/// [`Request::Enrol`].
pub fn enrol(code: String, device_name: String) -> Ask<Standing> {
    Ask::of(Request::Enrol { code, device_name })
}

/// [`Request::Status`].
pub fn status() -> Ask<Standing> {
    Ask::of(Request::Status)
}

/// [`Request::Today`].
pub fn today() -> Ask<Today> {
    Ask::of(Request::Today)
}

/// [`Request::Units`].
pub fn units(query: UnitQuery) -> Ask<Units> {
    Ask::of(Request::Units(query))
}

/// [`Request::Unit`].
pub fn unit(unit: DocumentId) -> Ask<UnitPage> {
    Ask::of(Request::Unit { unit })
}

/// [`Request::Inspection`].
pub fn inspection(inspection: DocumentId) -> Ask<Inspection> {
    Ask::of(Request::Inspection { inspection })
}

/// [`Request::Record`].
pub fn record(document: DocumentId) -> Ask<Record> {
    Ask::of(Request::Record { document })
}

/// [`Request::History`].
pub fn history(document: DocumentId) -> Ask<History> {
    Ask::of(Request::History { document })
}

/// [`Request::Outbox`].
pub fn outbox() -> Ask<Outbox> {
    Ask::of(Request::Outbox)
}

/// [`Request::CriteriaSets`].
pub fn criteria_sets() -> Ask<Vec<SetChoice>> {
    Ask::of(Request::CriteriaSets)
}

/// [`Request::Edit`].
pub fn edit(
    operation: Uuid,
    document: DocumentId,
    base: Option<Vec<String>>,
    edits: Vec<Edit>,
    reason: Option<String>,
) -> Ask<Saved> {
    Ask::of(Request::Edit {
        operation,
        document,
        base,
        edits,
        reason,
    })
}

/// [`Request::CreateUnit`].
pub fn create_unit(operation: Uuid, area: AreaId, fields: BTreeMap<String, Json>) -> Ask<Saved> {
    Ask::of(Request::CreateUnit {
        operation,
        area,
        fields,
    })
}

/// [`Request::OpenPlanned`].
pub fn open_planned(operation: Uuid, unit: DocumentId, campaign: DocumentId) -> Ask<Saved> {
    Ask::of(Request::OpenPlanned {
        operation,
        unit,
        campaign,
    })
}

/// [`Request::OpenUnplanned`].
pub fn open_unplanned(
    operation: Uuid,
    unit: DocumentId,
    criteria_code: String,
    criteria_version: u32,
) -> Ask<Saved> {
    Ask::of(Request::OpenUnplanned {
        operation,
        unit,
        criteria_code,
        criteria_version,
    })
}

/// [`Request::CopyLast`].
pub fn copy_last(operation: Uuid, inspection: DocumentId) -> Ask<Saved> {
    Ask::of(Request::CopyLast {
        operation,
        inspection,
    })
}

/// [`Request::AddFile`]; the file's bytes are sent beside it.
pub fn add_file(
    operation: Uuid,
    document: DocumentId,
    place: String,
    caption: Option<String>,
    position: Option<String>,
) -> Ask<AddedFile> {
    Ask::of(Request::AddFile {
        operation,
        document,
        place,
        caption,
        position,
    })
}

/// [`Request::File`]; the bytes come beside the answer, which is the media type.
pub fn file(document: DocumentId, hash: ContentHash) -> Ask<String> {
    Ask::of(Request::File { document, hash })
}

/// [`Request::Finish`].
pub fn finish(operation: Uuid, inspection: DocumentId) -> Ask<Saved> {
    Ask::of(Request::Finish {
        operation,
        inspection,
    })
}

/// [`Request::DismissChange`]; whether there was such a change.
pub fn dismiss_change(document: DocumentId, change: String) -> Ask<bool> {
    Ask::of(Request::DismissChange { document, change })
}

/// [`Request::DismissFile`]; whether there was such a refused photo.
pub fn dismiss_file(document: DocumentId, hash: ContentHash) -> Ask<bool> {
    Ask::of(Request::DismissFile { document, hash })
}

/// [`Request::Sync`]; how it ended is in the notices.
pub fn sync() -> Ask<()> {
    Ask::of(Request::Sync)
}

/// [`Request::Online`].
pub fn online(online: bool) -> Ask<()> {
    Ask::of(Request::Online { online })
}

/// [`Request::Visible`].
pub fn visible(visible: bool) -> Ask<()> {
    Ask::of(Request::Visible { visible })
}

/// [`Request::Export`]; the bytes come beside the answer, which is a name for the file.
pub fn export() -> Ask<String> {
    Ask::of(Request::Export)
}
