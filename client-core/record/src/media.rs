//! What a file is by its content: type, size of the picture, and that it ends where its format says.
//! Only the framing is read, never the pixels, so a picture that would unpack to gigabytes costs nothing here.
//!
//! Bytes behind the end of a picture are refused: that is where an archive or a page hides in a file that is
//! a picture as well.

pub mod strip;

use serde::{Deserialize, Serialize};

use crate::limits;

/// A type of file that may be attached.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum MediaType {
    /// A photo.
    #[serde(rename = "image/jpeg")]
    Jpeg,
    /// A drawing: signatures.
    #[serde(rename = "image/png")]
    Png,
    /// A photo.
    #[serde(rename = "image/webp")]
    Webp,
    /// A scan of papers.
    #[serde(rename = "application/pdf")]
    Pdf,
}

impl MediaType {
    /// Every type that is allowed.
    pub const ALL: [Self; 4] = [Self::Jpeg, Self::Png, Self::Webp, Self::Pdf];

    /// The name in SQL, on the wire and in records.
    pub fn name(self) -> &'static str {
        match self {
            MediaType::Jpeg => "image/jpeg",
            MediaType::Png => "image/png",
            MediaType::Webp => "image/webp",
            MediaType::Pdf => "application/pdf",
        }
    }

    /// The type of that name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|known| known.name() == name)
    }

    /// What the name of such a file ends in.
    pub fn extension(self) -> &'static str {
        match self {
            MediaType::Jpeg => "jpg",
            MediaType::Png => "png",
            MediaType::Webp => "webp",
            MediaType::Pdf => "pdf",
        }
    }
}

/// What a file is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Media {
    /// Its type.
    pub media_type: MediaType,
    /// Width and height of a picture, in pixels as stored (before any orientation); `None` for a PDF.
    pub size: Option<(u32, u32)>,
}

/// Why a file may not be attached.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotAllowed {
    /// It is none of the allowed types.
    #[error("the content is no JPEG, PNG, WebP or PDF")]
    UnknownType,
    /// It begins like one and is not whole.
    #[error("the file is broken or cut off")]
    Broken,
    /// Something follows the end of the picture.
    #[error("something follows the end of the file's content")]
    BytesBehind,
    /// The picture has no pixels, or more than anybody's camera takes.
    #[error("the picture is {0} × {1} pixels")]
    Pixels(u32, u32),
}

/// Reads what a file is from its framing.
///
/// # Errors
/// [`NotAllowed`].
pub fn inspect(bytes: &[u8]) -> Result<Media, NotAllowed> {
    let (media_type, size) = if bytes.starts_with(&[0xff, 0xd8, 0xff]) {
        (MediaType::Jpeg, Some(jpeg(bytes)?))
    } else if bytes.starts_with(PNG) {
        (MediaType::Png, Some(png(bytes)?))
    } else if bytes.starts_with(b"RIFF") && bytes.get(8..12) == Some(b"WEBP") {
        (MediaType::Webp, Some(webp(bytes)?))
    } else if bytes.starts_with(b"%PDF-1.") || bytes.starts_with(b"%PDF-2.") {
        pdf(bytes)?;
        (MediaType::Pdf, None)
    } else {
        return Err(NotAllowed::UnknownType);
    };
    if let Some((width, height)) = size {
        let pixels = u64::from(width) * u64::from(height);
        let side = width.max(height);
        if pixels == 0 || pixels > limits::MAX_PICTURE_PIXELS || side > limits::MAX_PICTURE_SIDE {
            return Err(NotAllowed::Pixels(width, height));
        }
    }
    Ok(Media { media_type, size })
}

const PNG: &[u8] = &[0x89, b'P', b'N', b'G', 0x0d, 0x0a, 0x1a, 0x0a];

/// Reads numbers from a slice; what is not there is [`NotAllowed::Broken`].
struct Bytes<'a>(&'a [u8]);

impl<'a> Bytes<'a> {
    fn take(&mut self, count: usize) -> Result<&'a [u8], NotAllowed> {
        let (taken, rest) = self.0.split_at_checked(count).ok_or(NotAllowed::Broken)?;
        self.0 = rest;
        Ok(taken)
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], NotAllowed> {
        self.take(N)?.try_into().map_err(|_| NotAllowed::Broken)
    }

    fn byte(&mut self) -> Result<u8, NotAllowed> {
        self.array::<1>().map(|[byte]| byte)
    }

    fn be16(&mut self) -> Result<u16, NotAllowed> {
        self.array().map(u16::from_be_bytes)
    }

    fn be32(&mut self) -> Result<u32, NotAllowed> {
        self.array().map(u32::from_be_bytes)
    }

    fn le32(&mut self) -> Result<u32, NotAllowed> {
        self.array().map(u32::from_le_bytes)
    }

    /// Three bytes, the least first.
    fn le24(&mut self) -> Result<u32, NotAllowed> {
        self.array()
            .map(|[a, b, c]: [u8; 3]| u32::from_le_bytes([a, b, c, 0]))
    }

    fn end(&self) -> Result<(), NotAllowed> {
        if self.0.is_empty() {
            Ok(())
        } else {
            Err(NotAllowed::BytesBehind)
        }
    }
}

/// Segments up to the end of the image; compressed data is skipped to the next marker.
fn jpeg(bytes: &[u8]) -> Result<(u32, u32), NotAllowed> {
    let mut rest = Bytes(bytes);
    rest.take(2)?;
    let mut size = None;
    let mut scanned = false;
    loop {
        match marker(&mut rest)? {
            0xd9 => break,
            // Markers without content.
            0x01 | 0xd0..=0xd7 => {}
            0x00 | 0xd8 => return Err(NotAllowed::Broken),
            code => {
                let length = usize::from(rest.be16()?);
                let mut segment =
                    Bytes(rest.take(length.checked_sub(2).ok_or(NotAllowed::Broken)?)?);
                if matches!(code, 0xc0..=0xcf) && !matches!(code, 0xc4 | 0xc8 | 0xcc) {
                    segment.take(1)?;
                    let (height, width) = (segment.be16()?, segment.be16()?);
                    if size
                        .replace((u32::from(width), u32::from(height)))
                        .is_some()
                    {
                        return Err(NotAllowed::Broken);
                    }
                }
                if code == 0xda {
                    scanned = true;
                    let length = scan_length(&rest)?;
                    rest.take(length)?;
                }
            }
        }
    }
    rest.end()?;
    size.filter(|_| scanned).ok_or(NotAllowed::Broken)
}

fn marker(rest: &mut Bytes<'_>) -> Result<u8, NotAllowed> {
    if rest.byte()? != 0xff {
        return Err(NotAllowed::Broken);
    }
    loop {
        match rest.byte()? {
            // Fill bytes.
            0xff => {}
            code => return Ok(code),
        }
    }
}

/// Bytes of compressed data up to a marker that is neither a stuffed byte nor a restart.
fn scan_length(rest: &Bytes<'_>) -> Result<usize, NotAllowed> {
    let mut from = 0;
    loop {
        let tail = rest.0.get(from..).ok_or(NotAllowed::Broken)?;
        let found = tail.iter().position(|byte| *byte == 0xff);
        let at = from + found.ok_or(NotAllowed::Broken)?;
        match rest.0.get(at + 1) {
            None => return Err(NotAllowed::Broken),
            Some(0x00 | 0xd0..=0xd7) => from = at + 2,
            Some(0xff) => from = at + 1,
            Some(_) => return Ok(at),
        }
    }
}

fn png(bytes: &[u8]) -> Result<(u32, u32), NotAllowed> {
    let mut rest = Bytes(bytes);
    rest.take(PNG.len())?;
    let mut size = None;
    loop {
        let length = usize::try_from(rest.be32()?).map_err(|_| NotAllowed::Broken)?;
        let name: [u8; 4] = rest.array()?;
        let mut content = Bytes(rest.take(length)?);
        rest.take(4)?;
        match (&name, size) {
            (b"IHDR", None) => size = Some((content.be32()?, content.be32()?)),
            (b"IHDR", Some(_)) | (_, None) => return Err(NotAllowed::Broken),
            (b"IEND", Some(size)) => {
                rest.end()?;
                return Ok(size);
            }
            _ => {}
        }
    }
}

fn webp(bytes: &[u8]) -> Result<(u32, u32), NotAllowed> {
    let mut rest = Bytes(bytes);
    rest.take(4)?;
    let length = usize::try_from(rest.le32()?).map_err(|_| NotAllowed::Broken)?;
    let mut content = Bytes(rest.take(length)?);
    rest.end()?;
    content.take(4)?;
    let mut size: Option<(u32, u32)> = None;
    let mut picture = false;
    while !content.0.is_empty() {
        let name: [u8; 4] = content.array()?;
        let length = usize::try_from(content.le32()?).map_err(|_| NotAllowed::Broken)?;
        let mut chunk = Bytes(content.take(length)?);
        if length % 2 == 1 {
            content.take(1)?;
        }
        let found = match &name {
            b"VP8X" => {
                chunk.take(4)?;
                Some((chunk.le24()? + 1, chunk.le24()? + 1))
            }
            b"VP8L" => {
                picture = true;
                chunk.take(1)?;
                let bits = chunk.le32()?;
                Some(((bits & 0x3fff) + 1, ((bits >> 14) & 0x3fff) + 1))
            }
            b"VP8 " => {
                picture = true;
                chunk.take(6)?;
                let [a, b, c, d] = chunk.array()?;
                let side = |low, high| u32::from(u16::from_le_bytes([low, high]) & 0x3fff);
                Some((side(a, b), side(c, d)))
            }
            // No moving pictures: they are no evidence that a person can look at in print.
            b"ANIM" | b"ANMF" => return Err(NotAllowed::UnknownType),
            _ => None,
        };
        if let Some((width, height)) = found {
            let (w, h) = size.unwrap_or_default();
            size = Some((w.max(width), h.max(height)));
        }
    }
    size.filter(|_| picture).ok_or(NotAllowed::Broken)
}

/// A PDF ends in `%%EOF`; readers allow white space behind it, and so does this.
fn pdf(bytes: &[u8]) -> Result<(), NotAllowed> {
    const END: &[u8] = b"%%EOF";
    let tail = bytes
        .get(bytes.len().saturating_sub(1024)..)
        .unwrap_or_default();
    let at = tail
        .windows(END.len())
        .rposition(|window| window == END)
        .ok_or(NotAllowed::Broken)?;
    let behind = tail.get(at + END.len()..).unwrap_or_default();
    if behind.iter().all(u8::is_ascii_whitespace) {
        Ok(())
    } else {
        Err(NotAllowed::BytesBehind)
    }
}
