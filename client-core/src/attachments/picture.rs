//! A file as it may leave the device: of an allowed type, without metadata, with a thumbnail.

#[cfg(not(target_family = "wasm"))]
mod scaling;

use sokiem_record::{
    limits,
    media::{self, Media, MediaType, NotAllowed, strip},
};

use super::Facts;
use crate::error::{Error, Result};

#[cfg(not(target_family = "wasm"))]
pub use scaling::prepare;

/// A file that can be attached.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Prepared {
    /// Its bytes, without metadata.
    pub bytes: Vec<u8>,
    /// Its type.
    pub media_type: MediaType,
    /// Width and height in pixels as it is looked at, that is, turned upright; `None` for a PDF.
    pub size: Option<(u32, u32)>,
    /// What its metadata said.
    pub facts: Facts,
    /// A small JPEG of it; `None` for a PDF.
    pub thumbnail: Option<Vec<u8>>,
}

impl Prepared {
    /// What a platform has made ready that unpacks and scales pictures itself, as browsers do. `original` is the file
    /// as the camera or the scanner wrote it, for what its metadata says; `file` is what is to be sent, upright, and
    /// `thumbnail` a small JPEG of it; a PDF has none. The platform is not taken at its word: type, size and metadata
    /// are looked at here.
    ///
    /// # Errors
    /// [`Error::NotAllowed`] and [`Error::AttachmentTooLarge`].
    pub fn by_platform(original: &[u8], file: &[u8], thumbnail: Option<&[u8]>) -> Result<Self> {
        let kind = guessed(file).ok_or(NotAllowed::UnknownType)?;
        let (facts, bytes) = match kind {
            MediaType::Pdf => (Facts::default(), file.to_vec()),
            kind => (Facts::of(original), strip::strip(file, kind, 1)?),
        };
        let Media { media_type, size } = media::inspect(&bytes)?;
        let small = thumbnail.map(|thumbnail| -> Result<Vec<u8>> {
            let bare = strip::strip(thumbnail, MediaType::Jpeg, 1)?;
            let Media { media_type, size } = media::inspect(&bare)?;
            let fits =
                size.is_some_and(|(width, height)| width.max(height) <= limits::MAX_THUMBNAIL_SIDE);
            match (media_type, fits) {
                (MediaType::Jpeg, true) => Ok(bare),
                _ => Err(NotAllowed::Broken.into()),
            }
        });
        within(Self {
            bytes,
            media_type,
            size,
            facts,
            thumbnail: small.transpose()?,
        })
    }
}

fn within(prepared: Prepared) -> Result<Prepared> {
    if prepared.bytes.len() as u64 > limits::MAX_ATTACHMENT_BYTES {
        return Err(Error::AttachmentTooLarge(prepared.bytes.len()));
    }
    Ok(prepared)
}

/// What a file seems to be; whether it is whole is looked at after what hangs behind it is gone.
fn guessed(bytes: &[u8]) -> Option<MediaType> {
    match media::inspect(bytes) {
        Ok(media) => Some(media.media_type),
        Err(_) if bytes.starts_with(&[0xff, 0xd8, 0xff]) => Some(MediaType::Jpeg),
        Err(_) if bytes.starts_with(b"\x89PNG") => Some(MediaType::Png),
        Err(_) if bytes.get(8..12) == Some(b"WEBP") => Some(MediaType::Webp),
        Err(_) if bytes.starts_with(b"%PDF-") => Some(MediaType::Pdf),
        Err(_) => None,
    }
}
