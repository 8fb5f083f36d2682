//! A picture without what its file says about its maker: position, camera, owner, software, comments, previews.
//! The pixels are not touched. Only parts that are needed to show the picture stay; whatever is not known to be
//! needed goes.
//!
//! Colour profiles go too: they name devices, and photos of phones look the same without to the eye.

use super::{Bytes, MediaType, NotAllowed, PNG, marker, scan_length};

/// The file without metadata. `orientation` is the EXIF number that stays as the only tag, where the type has a
/// place for it (JPEG) and it says anything (2 to 8).
///
/// # Errors
/// [`NotAllowed`] for a file that is not whole. PDFs are returned as they are.
pub fn strip(bytes: &[u8], media_type: MediaType, orientation: u8) -> Result<Vec<u8>, NotAllowed> {
    match media_type {
        MediaType::Jpeg => jpeg(bytes, orientation),
        MediaType::Png => png(bytes),
        MediaType::Webp => webp(bytes),
        MediaType::Pdf => Ok(bytes.to_vec()),
    }
}

fn segment(out: &mut Vec<u8>, code: u8, content: &[u8]) -> Result<(), NotAllowed> {
    let length = u16::try_from(content.len() + 2).map_err(|_| NotAllowed::Broken)?;
    out.extend_from_slice(&[0xff, code]);
    out.extend_from_slice(&length.to_be_bytes());
    out.extend_from_slice(content);
    Ok(())
}

/// The TIFF inside an EXIF segment that holds an orientation and nothing else.
fn only_orientation(orientation: u8) -> Vec<u8> {
    let mut tiff = b"Exif\0\0II\x2a\0\x08\0\0\0".to_vec();
    // One entry: tag 0x0112, type 3 (short), one value; no further directory.
    tiff.extend_from_slice(&[
        1,
        0,
        0x12,
        0x01,
        3,
        0,
        1,
        0,
        0,
        0,
        orientation,
        0,
        0,
        0,
        0,
        0,
        0,
        0,
    ]);
    tiff
}

fn jpeg(bytes: &[u8], orientation: u8) -> Result<Vec<u8>, NotAllowed> {
    let mut rest = Bytes(bytes);
    rest.take(2)?;
    let mut out = Vec::with_capacity(bytes.len());
    out.extend_from_slice(&[0xff, 0xd8]);
    if (2..=8).contains(&orientation) {
        segment(&mut out, 0xe1, &only_orientation(orientation))?;
    }
    loop {
        match marker(&mut rest)? {
            0xd9 => break,
            0x01 | 0xd0..=0xd7 => {}
            0x00 | 0xd8 => return Err(NotAllowed::Broken),
            code => {
                let length = usize::from(rest.be16()?);
                let content = rest.take(length.checked_sub(2).ok_or(NotAllowed::Broken)?)?;
                match code {
                    // Adobe's says how colours are coded; without it some pictures turn green.
                    0xee if content.starts_with(b"Adobe") => segment(&mut out, code, content)?,
                    0xe0..=0xef | 0xfe => {}
                    _ => segment(&mut out, code, content)?,
                }
                if code == 0xda {
                    let length = scan_length(&rest)?;
                    out.extend_from_slice(rest.take(length)?);
                }
            }
        }
    }
    out.extend_from_slice(&[0xff, 0xd9]);
    Ok(out)
}

fn png(bytes: &[u8]) -> Result<Vec<u8>, NotAllowed> {
    let mut rest = Bytes(bytes);
    let mut out = rest.take(PNG.len())?.to_vec();
    loop {
        let chunk = rest.0;
        let length = usize::try_from(rest.be32()?).map_err(|_| NotAllowed::Broken)?;
        let name: [u8; 4] = rest.array()?;
        rest.take(length)?;
        rest.take(4)?;
        let whole = chunk.get(..length + 12).ok_or(NotAllowed::Broken)?;
        if matches!(
            &name,
            b"IHDR" | b"PLTE" | b"tRNS" | b"sRGB" | b"gAMA" | b"cHRM" | b"IDAT" | b"IEND"
        ) {
            out.extend_from_slice(whole);
        }
        if &name == b"IEND" {
            return Ok(out);
        }
    }
}

fn webp(bytes: &[u8]) -> Result<Vec<u8>, NotAllowed> {
    let mut rest = Bytes(bytes);
    rest.take(4)?;
    let length = usize::try_from(rest.le32()?).map_err(|_| NotAllowed::Broken)?;
    let mut content = Bytes(rest.take(length)?);
    content.take(4)?;
    let mut kept = b"WEBP".to_vec();
    while !content.0.is_empty() {
        let name: [u8; 4] = content.array()?;
        let size = content.le32()?;
        let length = usize::try_from(size).map_err(|_| NotAllowed::Broken)?;
        let mut chunk = content.take(length)?.to_vec();
        if length % 2 == 1 {
            content.take(1)?;
        }
        if !matches!(&name, b"VP8X" | b"VP8 " | b"VP8L" | b"ALPH") {
            continue;
        }
        if &name == b"VP8X" {
            // Of the flags, only that there is transparency still holds.
            *chunk.first_mut().ok_or(NotAllowed::Broken)? &= 0x10;
        }
        kept.extend_from_slice(&name);
        kept.extend_from_slice(&size.to_le_bytes());
        kept.extend_from_slice(&chunk);
        kept.resize(kept.len() + length % 2, 0);
    }
    let length = u32::try_from(kept.len()).map_err(|_| NotAllowed::Broken)?;
    Ok([b"RIFF".as_slice(), &length.to_le_bytes(), &kept].concat())
}
