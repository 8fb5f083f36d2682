//! Photos, unpacked and scaled by the browser: it knows every format that its camera writes, and does it faster.

use js_sys::{Array, Uint8Array};
use sokiem_client_core::attachments::Prepared;
use sokiem_record::limits;
use sokiem_web_messages::Failure;
use wasm_bindgen::{JsCast as _, JsValue};
use wasm_bindgen_futures::JsFuture;
use web_sys::{
    Blob, ImageBitmap, ImageEncodeOptions, OffscreenCanvas, OffscreenCanvasRenderingContext2d,
};

use crate::{failure, platform::scope};

/// The longest side of a photo that is sent, in pixels: a page of a register stays readable.
const LONGEST_SIDE: u32 = 2_048;
const QUALITY: f64 = 0.85;
const THUMBNAIL_QUALITY: f64 = 0.75;

/// Makes a photo or scan ready to be attached. Signatures, drawn by the app itself, are taken as they are.
///
/// # Errors
/// What to tell the officer; the file is not attached.
pub(crate) async fn prepare(file: &[u8], is_signature: bool) -> Result<Prepared, Failure> {
    let prepared = if is_signature || file.starts_with(b"%PDF-") {
        Prepared::by_platform(file, file, None)
    } else {
        let (photo, thumbnail) = scaled(file).await.map_err(|_| {
            Failure::new(
                "not-a-picture",
                "Không đọc được ảnh này. Hãy chụp lại.",
                "This picture can't be read. Take it again.",
            )
        })?;
        Prepared::by_platform(file, &photo, Some(&thumbnail))
    };
    prepared.map_err(|error| failure::of(&error))
}

async fn scaled(file: &[u8]) -> Result<(Vec<u8>, Vec<u8>), JsValue> {
    let blob = Blob::new_with_u8_array_sequence(&Array::of1(&Uint8Array::from(file)))?;
    // Turned upright, as every browser does by default.
    let unpacked = scope().create_image_bitmap_with_blob(&blob)?;
    let bitmap: ImageBitmap = JsFuture::from(unpacked).await?.unchecked_into();
    let photo = drawn(&bitmap, LONGEST_SIDE, QUALITY).await?;
    let thumbnail = drawn(&bitmap, limits::MAX_THUMBNAIL_SIDE, THUMBNAIL_QUALITY).await?;
    bitmap.close();
    Ok((photo, thumbnail))
}

/// The picture as a JPEG whose longest side has at most so many pixels.
async fn drawn(bitmap: &ImageBitmap, most: u32, quality: f64) -> Result<Vec<u8>, JsValue> {
    let (width, height) = fitted(bitmap.width(), bitmap.height(), most);
    let canvas = OffscreenCanvas::new(width, height)?;
    let context: OffscreenCanvasRenderingContext2d = canvas
        .get_context("2d")?
        .ok_or(JsValue::NULL)?
        .unchecked_into();
    // What is transparent is paper.
    context.set_fill_style_str("#fff");
    context.fill_rect(0.0, 0.0, width.into(), height.into());
    context.draw_image_with_image_bitmap_and_dw_and_dh(
        bitmap,
        0.0,
        0.0,
        width.into(),
        height.into(),
    )?;
    let options = ImageEncodeOptions::new();
    options.set_type("image/jpeg");
    options.set_quality(quality);
    let made = canvas.convert_to_blob_with_options(&options)?;
    let blob: Blob = JsFuture::from(made).await?.unchecked_into();
    let buffer = JsFuture::from(blob.array_buffer()).await?;
    Ok(Uint8Array::new(&buffer).to_vec())
}

fn fitted(width: u32, height: u32, most: u32) -> (u32, u32) {
    let longest = width.max(height).max(1);
    if longest <= most {
        return (width.max(1), height.max(1));
    }
    let side = |side: u32| {
        let fitted = u64::from(side) * u64::from(most) / u64::from(longest);
        u32::try_from(fitted).unwrap_or(most).max(1)
    };
    (side(width), side(height))
}
