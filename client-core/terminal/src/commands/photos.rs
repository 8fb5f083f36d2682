//! Photos and scans: added, listed, written out.

use std::path::Path;

use serde_json::json;
use sokiem_client_core::{
    Book,
    attachments::{Attached, AttachmentState, NewAttachment, Place},
};
use sokiem_record::{attachment::ContentHash, id::DocumentId};

use crate::{
    arguments::{Language, Photo},
    failure::Failure,
    output::{self, Output},
    session,
};

/// Carries a command about photos out.
pub(crate) fn run(book: &Book, output: &Output, photo: &Photo) -> Result<(), Failure> {
    match photo {
        Photo::Add {
            record,
            place,
            file,
            caption,
            longest_side,
        } => add(
            book,
            output,
            *record,
            place,
            file,
            caption.as_deref(),
            *longest_side,
        ),
        Photo::List { record } => list(book, output, *record),
        Photo::Get { record, hash, file } => get(book, output, *record, *hash, file),
        Photo::Dismiss { record, hash } => dismiss(book, output, *record, *hash),
    }
}

fn file_failed(file: &Path, error: &std::io::Error) -> Failure {
    Failure::new(
        1,
        format!("{}: không đọc hoặc ghi được tệp", file.display()),
        format!("{}: {error}", file.display()),
    )
}

/// `items/KTC-01` means its evidence; `signatures/<id>` its image.
fn place_of(text: &str) -> Result<Place, Failure> {
    let wrong = |_| Failure::no_such_field(text);
    if text.starts_with("signatures/") {
        return Ok(Place::Signature(text.parse().map_err(wrong)?));
    }
    let collection = if text.ends_with("/evidence") {
        text.to_owned()
    } else {
        format!("{text}/evidence")
    };
    Ok(Place::Evidence(collection.parse().map_err(wrong)?))
}

fn add(
    book: &Book,
    output: &Output,
    record: DocumentId,
    place: &str,
    file: &Path,
    caption: Option<&str>,
    longest_side: Option<u32>,
) -> Result<(), Failure> {
    let bytes = std::fs::read(file).map_err(|error| file_failed(file, &error))?;
    let new = NewAttachment {
        place: place_of(place)?,
        bytes: &bytes,
        caption,
        taken_ms: None,
        position: None,
        longest_side,
    };
    let added = book.add_attachment(record, &new)?;
    output.result(&added, |language| {
        let mut lines = vec![format!(
            "{} {} ({} KiB)",
            language.say("đã thêm", "added"),
            added.hash,
            added.bytes.div_ceil(1024)
        )];
        if let Some(taken_ms) = added.facts.taken_ms {
            let said = language.say("chụp lúc", "taken at");
            lines.push(format!("{said} {}", output::time(taken_ms)));
        }
        lines.extend(added.facts.position.clone());
        lines.extend(added.facts.camera.clone());
        lines
    })
}

fn list(book: &Book, output: &Output, record: Option<DocumentId>) -> Result<(), Failure> {
    let found = match record {
        Some(record) => book.attachments(record)?,
        None => book.unsent_attachments()?,
    };
    output.result(&found, |language| {
        found.iter().map(|one| line(one, language)).collect()
    })
}

fn line(one: &Attached, language: Language) -> String {
    let state = match one.state {
        AttachmentState::Waiting => language.say("chờ gửi", "waiting"),
        AttachmentState::Done => language.say("đã gửi", "sent"),
        AttachmentState::Refused => language.say("bị từ chối", "refused"),
        AttachmentState::Fetched => language.say("đã tải về", "fetched"),
    };
    let said = match language {
        Language::Vi => one.reason_vi.as_deref().or(one.reason_en.as_deref()),
        Language::En => one.reason_en.as_deref(),
    };
    let reason = said.map(|said| format!(" – {said}")).unwrap_or_default();
    format!(
        "{}  {}  {}  {state} {}/{} KiB{reason}",
        one.document,
        one.hash,
        one.media_type.name(),
        one.sent.div_ceil(1024),
        one.bytes.div_ceil(1024)
    )
}

fn get(
    book: &Book,
    output: &Output,
    record: DocumentId,
    hash: ContentHash,
    file: &Path,
) -> Result<(), Failure> {
    let bytes = match book.attachment_bytes(record, hash)? {
        Some(bytes) => bytes,
        None => {
            let (_, transport) = session::server(book)?;
            session::block_on(book.fetch_attachment(&transport, record, hash))??
        }
    };
    std::fs::write(file, &bytes).map_err(|error| file_failed(file, &error))?;
    output.result(&json!({"bytes": bytes.len()}), |language| {
        vec![format!(
            "{} {}",
            language.say("đã ghi", "wrote"),
            file.display()
        )]
    })
}

fn dismiss(
    book: &Book,
    output: &Output,
    record: DocumentId,
    hash: ContentHash,
) -> Result<(), Failure> {
    if !book.dismiss_attachment(record, hash)? {
        return Err(Failure::not_found(hash));
    }
    output.result(&json!({"dismissed": hash}), |language| {
        vec![language.say("đã bỏ", "dismissed").to_owned()]
    })
}
