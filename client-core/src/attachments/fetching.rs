//! Attachments of colleagues are fetched when somebody wants to look at them, resumed where a fetch broke off,
//! and checked against their name.

use sokiem_record::{
    attachment::{ContentHash, Rendition},
    id::DocumentId,
    limits,
};

use super::AttachmentTransport;
use crate::{
    book::Book,
    error::{Error, Result},
    store::attachments::{self, Attached, AttachmentState, PART_BYTES},
};

impl Book {
    /// The bytes of an attachment that a record names: from this device, else from the server, and then kept
    /// here as long as the record is.
    ///
    /// # Errors
    /// [`Error::NoSuchDocument`], [`Error::NoSuchAttachment`] when the record does not name it, [`Error::Transport`] when it is
    /// not here and can't be fetched; what has come by then stays for the next attempt.
    pub async fn fetch_attachment<T: AttachmentTransport>(
        &self,
        transport: &T,
        document: DocumentId,
        hash: ContentHash,
    ) -> Result<Vec<u8>> {
        if let Some(bytes) = self.attachment_bytes(document, hash)? {
            return Ok(bytes);
        }
        let rendition = self.rendition(document, hash)?;
        loop {
            let held = self.read(|connection| attachments::held(connection, hash))?;
            let part = transport.fetch_bytes(hash, held, PART_BYTES as u64).await?;
            if part.total > limits::MAX_ATTACHMENT_BYTES
                || part.bytes.is_empty()
                || part.bytes.len() > PART_BYTES
                || held + part.bytes.len() as u64 > part.total
            {
                return Err(Error::Contradiction("bytes that do not fit the attachment"));
            }
            let last = held + part.bytes.len() as u64 == part.total;
            if !last && part.bytes.len() < PART_BYTES {
                return Err(Error::Contradiction("fewer bytes than were asked for"));
            }
            let one = Attached {
                document,
                hash,
                rendition,
                media_type: part.media_type,
                bytes: part.total,
                state: AttachmentState::Fetched,
                sent: 0,
                reason: None,
                reason_en: None,
                reason_vi: None,
                upload: None,
            };
            let now_ms = self.now_ms();
            self.transact(|tx, _| {
                attachments::insert(tx, &one, now_ms)?;
                let number = usize::try_from(held).unwrap_or(usize::MAX) / PART_BYTES;
                attachments::put_part(tx, hash, number, &part.bytes)
            })?;
            if last {
                break;
            }
        }
        match self.attachment_bytes(document, hash) {
            Ok(Some(bytes)) => Ok(bytes),
            Ok(None) => Err(Error::Contradiction("an attachment of another size")),
            Err(error) => {
                // Not what was asked for: nothing of it is kept.
                self.transact(|tx, _| attachments::drop_bytes(tx, hash))?;
                Err(error)
            }
        }
    }

    fn rendition(&self, document: DocumentId, hash: ContentHash) -> Result<Rendition> {
        self.references(document)?
            .into_iter()
            .find(|reference| reference.hash == hash)
            .map(|reference| reference.rendition)
            .ok_or(Error::NoSuchAttachment(hash))
    }
}
