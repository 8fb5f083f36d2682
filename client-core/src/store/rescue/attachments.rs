//! Photos out of a damaged database: those of which every byte can be read.

use std::collections::BTreeMap;

use rusqlite::Connection;
use sokiem_record::{
    attachment::{ContentHash, Rendition},
    id::DocumentId,
    media::MediaType,
};

use super::salvage::{Salvage, blob, integer, rows, text};
use crate::{
    error::Result,
    store::{
        attachments::{self, Attached, AttachmentState},
        rescue::RescueReport,
    },
};

/// Carries attachments over. Which of them the server has is asked again; it says so at once.
pub(super) fn carry(
    source: &mut Salvage<'_>,
    fresh: &Connection,
    now_ms: i64,
    report: &mut RescueReport,
) -> Result<()> {
    if !source.has_table("attachments") {
        return Ok(());
    }
    let mut parts: BTreeMap<(Vec<u8>, i64), i64> = BTreeMap::new();
    for (number, cells) in rows(source, "attachment_parts", "hash, part", report) {
        if let (Some(hash), Some(part)) = (blob(&cells, 0), integer(&cells, 1)) {
            parts.insert((hash.to_vec(), part), number);
        }
    }
    let columns = "document, hash, rendition, media_type, bytes, state";
    for cells in rows(source, "attachments", columns, report).into_values() {
        let one = (
            blob(&cells, 0).and_then(DocumentId::from_slice),
            blob(&cells, 1).and_then(ContentHash::from_slice),
            text(&cells, 2).and_then(Rendition::from_name),
            text(&cells, 3).and_then(MediaType::from_name),
            integer(&cells, 4).and_then(|bytes| u64::try_from(bytes).ok()),
        );
        let (Some(document), Some(hash), Some(rendition), Some(media_type), Some(bytes)) = one
        else {
            continue;
        };
        let range = (hash.0.to_vec(), 0)..(hash.0.to_vec(), i64::MAX);
        let numbers: Vec<i64> = parts.range(range).map(|(_, number)| *number).collect();
        for (part, number) in numbers.into_iter().enumerate() {
            let one_row =
                format!("SELECT number, bytes FROM attachment_parts WHERE number = {number}");
            let mut found = BTreeMap::new();
            if source.read(&one_row, &mut found).is_ok()
                && let Some(bytes) = found.values().next().and_then(|cells| blob(cells, 0))
            {
                attachments::put_part(fresh, hash, part, bytes)?;
            }
        }
        let whole = usize::try_from(bytes).unwrap_or(usize::MAX);
        let read = attachments::bytes_at(fresh, hash, 0, whole.min(MOST_BYTES))?;
        if ContentHash::of(&read) == hash {
            let one = Attached {
                document,
                hash,
                rendition,
                media_type,
                bytes,
                state: if text(&cells, 5) == Some("fetched") {
                    AttachmentState::Fetched
                } else {
                    AttachmentState::Waiting
                },
                sent: 0,
                reason: None,
                reason_en: None,
                reason_vi: None,
                upload: None,
            };
            attachments::insert(fresh, &one, now_ms)?;
        } else {
            attachments::drop_bytes(fresh, hash)?;
            // What the server has is not lost, and neither is what can be fetched again.
            if matches!(text(&cells, 5), Some("waiting" | "refused")) {
                report.lose(
                    "attachment",
                    format!("not every byte of {hash} can be read"),
                );
            }
        }
    }
    Ok(())
}

/// No attachment is larger.
const MOST_BYTES: usize = 32 * 1024 * 1024;
