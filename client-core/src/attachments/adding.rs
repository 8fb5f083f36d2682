//! A photo, scan or signature image enters the book: its bytes, its thumbnail and what the record says of it, in
//! one transaction.

use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::{Value as Json, json};
use sokiem_record::{
    attachment::{ContentHash, Rendition},
    edit::Edit,
    id::DocumentId,
    media::MediaType,
    schema::Path,
};

use super::{Facts, Prepared};
use crate::{
    book::{Book, Saved},
    error::{Error, Result},
    store::attachments::{self, Attached, AttachmentState},
};

/// Where in a record an attachment goes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Place {
    /// A new element of this evidence collection: `items/T124-CD-1B/evidence`, `findings/<id>/evidence`.
    Evidence(Path),
    /// The image of this signature: `signatures/<id>`.
    Signature(Path),
}

/// An attachment to be added.
#[derive(Clone, Debug)]
pub struct NewAttachment<'a> {
    /// Where it goes.
    pub place: Place,
    /// The file as the camera or the scanner wrote it.
    pub bytes: &'a [u8],
    /// A line about it.
    pub caption: Option<&'a str>,
    /// When it was taken, if the officer's app knows better than the file.
    pub taken_ms: Option<i64>,
    /// Where it was taken, as a `geo:` URI, if the officer's app knows better than the file.
    pub position: Option<&'a str>,
    /// Scale the picture down to this longest side, in pixels. `None` keeps it as it was taken.
    pub longest_side: Option<u32>,
}

/// What is known of an attachment besides its bytes.
#[derive(Clone, Copy, Debug)]
pub struct About<'a> {
    /// Where it goes.
    pub place: &'a Place,
    /// A line about it.
    pub caption: Option<&'a str>,
    /// When it was taken, if the officer's app knows better than the file.
    pub taken_ms: Option<i64>,
    /// Where it was taken, as a `geo:` URI, if the officer's app knows better than the file.
    pub position: Option<&'a str>,
}

/// What was added.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct AddedAttachment {
    /// The save.
    pub saved: Saved,
    /// The name of the attachment.
    pub hash: ContentHash,
    /// The name of its thumbnail.
    pub thumbnail: Option<ContentHash>,
    /// Its type.
    pub media_type: MediaType,
    /// How many bytes will be sent for it, without the thumbnail.
    pub bytes: u64,
    /// What its metadata said.
    pub facts: Facts,
}

impl Book {
    /// Adds a photo, scan or signature image to a record: checks it by content, reads time, place and camera
    /// from its metadata into the record and takes all metadata out of the file, makes a thumbnail, and keeps
    /// everything. On disk when it returns; sent when there is a network.
    ///
    /// # Errors
    /// [`Error::NotAllowed`], [`Error::AttachmentTooLarge`], and those of [`Book::edit`]; nothing was written.
    #[cfg(not(target_family = "wasm"))]
    pub fn add_attachment(
        &self,
        document: DocumentId,
        new: &NewAttachment<'_>,
    ) -> Result<AddedAttachment> {
        // Unpacking and scaling take a second on a phone; nobody waits for the book meanwhile.
        let prepared = super::prepare(new.bytes, new.longest_side)?;
        let about = About {
            place: &new.place,
            caption: new.caption,
            taken_ms: new.taken_ms,
            position: new.position,
        };
        self.add_prepared(document, &about, prepared)
    }

    /// [`Book::add_attachment`] for a file that is ready: see [`Prepared::by_platform`].
    ///
    /// # Errors
    /// Those of [`Book::edit`]; nothing was written.
    pub fn add_prepared(
        &self,
        document: DocumentId,
        new: &About<'_>,
        prepared: Prepared,
    ) -> Result<AddedAttachment> {
        let hash = ContentHash::of(&prepared.bytes);
        let thumbnail = prepared.thumbnail.as_deref().map(ContentHash::of);
        let edit = match new.place {
            Place::Evidence(collection) => {
                let keys = collection
                    .keys()
                    .map(str::to_owned)
                    .chain([hash.to_string()]);
                let path =
                    Path::new(keys).map_err(|_| Error::Unreadable("the place of a photo"))?;
                let mut fields: BTreeMap<String, Json> = BTreeMap::new();
                let mut say = |name: &str, value: Json| {
                    if !value.is_null() {
                        fields.insert(name.to_owned(), value);
                    }
                };
                let kind = if prepared.media_type == MediaType::Pdf {
                    "scan"
                } else {
                    "photo"
                };
                say("type", json!(kind));
                say("caption", json!(new.caption));
                say("taken_ms", json!(new.taken_ms.or(prepared.facts.taken_ms)));
                say(
                    "position",
                    json!(new.position.or(prepared.facts.position.as_deref())),
                );
                say("bytes", json!(prepared.bytes.len()));
                say("media_type", json!(prepared.media_type.name()));
                say("width", json!(prepared.size.map(|(width, _)| width)));
                say("height", json!(prepared.size.map(|(_, height)| height)));
                say("camera", json!(prepared.facts.camera));
                say("thumbnail", json!(thumbnail));
                Edit::Add { path, fields }
            }
            Place::Signature(element) => {
                let keys = element.keys().chain(["image"]);
                let path =
                    Path::new(keys).map_err(|_| Error::Unreadable("the place of a signature"))?;
                Edit::Set {
                    path,
                    value: json!(hash),
                }
            }
        };
        // A signature has no place for a thumbnail; it is small itself.
        let small = match new.place {
            Place::Evidence(_) => thumbnail.zip(prepared.thumbnail.as_deref()),
            Place::Signature(_) => None,
        };
        let now_ms = self.now_ms();
        let saved = self.edit_with(document, None, &[edit], None, |connection| {
            let keep = |hash, rendition, media_type, bytes: &[u8]| {
                let one = Attached {
                    document,
                    hash,
                    rendition,
                    media_type,
                    bytes: bytes.len() as u64,
                    state: AttachmentState::Waiting,
                    sent: 0,
                    reason: None,
                    reason_en: None,
                    reason_vi: None,
                    upload: None,
                };
                attachments::put_bytes(connection, hash, bytes)?;
                attachments::insert(connection, &one, now_ms)
            };
            keep(
                hash,
                Rendition::Original,
                prepared.media_type,
                &prepared.bytes,
            )?;
            match small {
                Some((hash, bytes)) => keep(hash, Rendition::Thumbnail, MediaType::Jpeg, bytes),
                None => Ok(()),
            }
        })?;
        Ok(AddedAttachment {
            saved,
            hash,
            thumbnail: small.map(|(hash, _)| hash),
            media_type: prepared.media_type,
            bytes: prepared.bytes.len() as u64,
            facts: prepared.facts,
        })
    }

    /// What belongs to a record and lies on this device or did.
    ///
    /// # Errors
    /// [`Error::Database`] when it can't be read.
    pub fn attachments(&self, document: DocumentId) -> Result<Vec<Attached>> {
        self.read(|connection| attachments::of(connection, document))
    }

    /// What is not on the server: waiting, or refused with the reason.
    ///
    /// # Errors
    /// [`Error::Database`] when it can't be read.
    pub fn unsent_attachments(&self) -> Result<Vec<Attached>> {
        self.read(attachments::unsent)
    }

    /// The bytes of an attachment, if they are all on this device; checked against its name.
    ///
    /// # Errors
    /// [`Error::Database`] when it can't be read, [`Error::Unreadable`] when they are not what they were.
    pub fn attachment_bytes(
        &self,
        document: DocumentId,
        hash: ContentHash,
    ) -> Result<Option<Vec<u8>>> {
        self.read(|connection| {
            let Some(one) = attachments::find(connection, document, hash)? else {
                return Ok(None);
            };
            let length =
                usize::try_from(one.bytes).map_err(|_| Error::Unreadable("an attachment"))?;
            let bytes = attachments::bytes_at(connection, hash, 0, length)?;
            if bytes.len() < length {
                return Ok(None);
            }
            if ContentHash::of(&bytes) != hash {
                return Err(Error::Unreadable("an attachment's bytes"));
            }
            Ok(Some(bytes))
        })
    }

    /// Takes an attachment that was refused off this device for good: somebody has looked at it or kept it elsewhere.
    /// False when there is none; what is still to be sent stays.
    ///
    /// # Errors
    /// [`Error::Database`] when it can't be written.
    pub fn dismiss_attachment(&self, document: DocumentId, hash: ContentHash) -> Result<bool> {
        self.transact(|tx, _| {
            let refused = attachments::find(tx, document, hash)?
                .is_some_and(|one| one.state == AttachmentState::Refused);
            if refused {
                attachments::remove(tx, document, hash)?;
            }
            Ok(refused)
        })
    }

    /// Frees the space of originals that the server has had for so many days; thumbnails stay, and what is freed
    /// can be fetched again. 30 days are good: for so long a server that was restored may ask for them again.
    ///
    /// # Errors
    /// [`Error::Database`] when it can't be written.
    pub fn free_attachments(&self, after_days: u32) -> Result<()> {
        let before_ms = self
            .now_ms()
            .saturating_sub(i64::from(after_days) * 86_400_000);
        self.transact(|tx, _| attachments::free(tx, before_ms))
    }
}
