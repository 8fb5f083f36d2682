//! Pictures unpacked, scaled and packed again, where the platform does not do it.

use std::io::Cursor;

use image::{
    DynamicImage, ImageFormat, ImageReader, Limits, codecs::jpeg::JpegEncoder,
    metadata::Orientation,
};
use sokiem_record::{
    limits,
    media::{self, Media, MediaType, NotAllowed, strip},
};

use super::{Facts, Prepared, guessed, within};
use crate::error::{Error, Result};

/// Memory that unpacking a picture may take: the most pixels that are allowed, at four bytes, twice.
const MOST_MEMORY: u64 = limits::MAX_PICTURE_PIXELS * 8;
const THUMBNAIL_QUALITY: u8 = 75;
const SCALED_QUALITY: u8 = 90;

/// Makes a file ready: checks its content, reads what its metadata says and takes the metadata out, scales it
/// when its longest side is above `longest_side`, and makes the thumbnail.
///
/// The pixels of a picture that is not scaled are left as the camera wrote them.
///
/// # Errors
/// [`Error::NotAllowed`] and [`Error::AttachmentTooLarge`].
pub fn prepare(bytes: &[u8], longest_side: Option<u32>) -> Result<Prepared> {
    if bytes.len() as u64 > 2 * limits::MAX_ATTACHMENT_BYTES {
        return Err(Error::AttachmentTooLarge(bytes.len()));
    }
    let Some(kind) = guessed(bytes) else {
        return Err(NotAllowed::UnknownType.into());
    };
    if kind == MediaType::Pdf {
        media::inspect(bytes)?;
        return within(Prepared {
            bytes: bytes.to_vec(),
            media_type: kind,
            size: None,
            facts: Facts::default(),
            thumbnail: None,
        });
    }
    let facts = Facts::of(bytes);
    // Phones hang films and second pictures behind a photo; without them it is the photo that was meant.
    let bare = strip::strip(bytes, kind, facts.orientation)
        .and_then(|bare| Ok((media::inspect(&bare)?, bare)));
    let (Media { media_type, size }, bare) = bare?;
    let mut picture = unpack(&bare, media_type)?;
    if let Some(orientation) = Orientation::from_exif(facts.orientation) {
        picture.apply_orientation(orientation);
    }
    let (width, height) = size.unwrap_or_default();
    let scaled = longest_side.filter(|side| *side > 0 && width.max(height) > *side);
    // PNG and WebP have no place for an orientation that every program looks at: turned for good.
    let turned = facts.orientation != 1 && media_type != MediaType::Jpeg;
    let (bytes, media_type) = match (scaled, turned) {
        (None, false) => (bare, media_type),
        (side, _) => {
            if let Some(side) = side {
                picture = picture.resize(side, side, image::imageops::FilterType::Triangle);
            }
            repack(&picture)?
        }
    };
    let thumbnail = thumbnail(&picture)?;
    let size = Some((picture.width(), picture.height()));
    within(Prepared {
        bytes,
        media_type,
        size,
        facts,
        thumbnail: Some(thumbnail),
    })
}

fn unpack(bytes: &[u8], media_type: MediaType) -> Result<DynamicImage> {
    let format = match media_type {
        MediaType::Jpeg => ImageFormat::Jpeg,
        MediaType::Png => ImageFormat::Png,
        MediaType::Webp => ImageFormat::WebP,
        MediaType::Pdf => return Err(NotAllowed::UnknownType.into()),
    };
    let mut reader = ImageReader::with_format(Cursor::new(bytes), format);
    let mut bounds = Limits::default();
    bounds.max_alloc = Some(MOST_MEMORY);
    bounds.max_image_width = Some(limits::MAX_PICTURE_SIDE);
    bounds.max_image_height = Some(limits::MAX_PICTURE_SIDE);
    reader.limits(bounds);
    reader.decode().map_err(|_| NotAllowed::Broken.into())
}

/// As a JPEG, or as a PNG where it has transparency.
fn repack(picture: &DynamicImage) -> Result<(Vec<u8>, MediaType)> {
    if picture.color().has_alpha() {
        let mut out = Cursor::new(Vec::new());
        picture
            .write_to(&mut out, ImageFormat::Png)
            .map_err(|_| NotAllowed::Broken)?;
        return Ok((out.into_inner(), MediaType::Png));
    }
    Ok((jpeg(picture, SCALED_QUALITY)?, MediaType::Jpeg))
}

fn thumbnail(picture: &DynamicImage) -> Result<Vec<u8>> {
    let side = limits::MAX_THUMBNAIL_SIDE;
    let small = if picture.width().max(picture.height()) > side {
        picture.thumbnail(side, side)
    } else {
        picture.clone()
    };
    jpeg(&small, THUMBNAIL_QUALITY)
}

fn jpeg(picture: &DynamicImage, quality: u8) -> Result<Vec<u8>> {
    let mut out = Vec::new();
    // What is transparent is paper: signatures are ink on white.
    let opaque = if picture.color().has_alpha() {
        let mut paper = image::RgbaImage::from_pixel(
            picture.width(),
            picture.height(),
            image::Rgba([255, 255, 255, 255]),
        );
        image::imageops::overlay(&mut paper, &picture.to_rgba8(), 0, 0);
        DynamicImage::ImageRgba8(paper).to_rgb8()
    } else {
        picture.to_rgb8()
    };
    JpegEncoder::new_with_quality(&mut out, quality)
        .encode_image(&opaque)
        .map_err(|_| NotAllowed::Broken)?;
    Ok(out)
}
