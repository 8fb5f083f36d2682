//! What the browser gives: what it keeps for the page, chance, files.

pub(crate) mod position;

use js_sys::{Array, ArrayBuffer, Date, Uint8Array};
use leptos::prelude::{document, window};
use sokiem_web_messages::Failure;
use uuid::{Builder, Uuid};
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::JsFuture;
use web_sys::{Blob, BlobPropertyBag, HtmlAnchorElement, Url};

use crate::erased::after;

/// What was kept on this device under a name. Settings of the screen only: nothing of a record.
pub(crate) fn kept(name: &str) -> Option<String> {
    window()
        .local_storage()
        .ok()
        .flatten()?
        .get_item(name)
        .ok()
        .flatten()
}

/// Keeps a setting. A browser that keeps nothing shows the usual one the next time.
pub(crate) fn keep(name: &str, value: &str) {
    if let Ok(Some(storage)) = window().local_storage() {
        let _ = storage.set_item(name, value);
    }
}

/// Milliseconds since 1970.
pub(crate) fn now_ms() -> f64 {
    Date::now()
}

fn chance<const N: usize>() -> [u8; N] {
    let mut bytes = [0; N];
    // Only a page without a secure context has no randomness, and there the book can't be opened either.
    if let Ok(crypto) = window().crypto() {
        let _ = crypto.get_random_values_with_u8_array(&mut bytes);
    }
    bytes
}

/// The name of a deed: asked for twice, it is done once.
pub(crate) fn fresh_operation() -> Uuid {
    Builder::from_random_bytes(chance()).into_uuid()
}

/// The key of a new element. Those of one device are in the order in which they were added.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "milliseconds of our time are whole, positive and fit in 48 bits"
)]
pub(crate) fn fresh_key() -> Uuid {
    Builder::from_unix_timestamp_millis(now_ms() as u64, &chance()).into_uuid()
}

/// The bytes of a file that somebody chose.
pub(crate) async fn bytes_of(blob: &Blob) -> Result<ArrayBuffer, Failure> {
    JsFuture::from(blob.array_buffer())
        .await
        .ok()
        .and_then(|bytes| bytes.dyn_into().ok())
        .ok_or_else(|| {
            Failure::new(
                "file",
                "Không đọc được tệp này. Hãy chụp lại hoặc chọn tệp khác.",
                "This file can't be read. Take the photo again, or choose another file.",
            )
        })
}

/// Whether a buffer holds anything.
pub(crate) fn is_empty(bytes: &ArrayBuffer) -> bool {
    Uint8Array::new(bytes).length() == 0
}

/// An address for bytes, to show or to download. It holds the memory until it is given back.
pub(crate) fn address_of(bytes: &ArrayBuffer, media_type: &str) -> Option<String> {
    let options = BlobPropertyBag::new();
    options.set_type(media_type);
    let blob =
        Blob::new_with_buffer_source_sequence_and_options(&Array::of1(bytes), &options).ok()?;
    Url::create_object_url_with_blob(&blob).ok()
}

/// Gives an address back.
pub(crate) fn forget(address: &str) {
    let _ = Url::revoke_object_url(address);
}

/// Hands bytes to the person as a file.
pub(crate) fn download(name: &str, bytes: &ArrayBuffer) -> bool {
    let Some(address) = address_of(bytes, "application/octet-stream") else {
        return false;
    };
    let link = document()
        .create_element("a")
        .ok()
        .and_then(|element| element.dyn_into::<HtmlAnchorElement>().ok());
    let Some(link) = link else { return false };
    link.set_href(&address);
    link.set_download(name);
    link.click();
    // The browser reads it after the click, some only once the person has chosen a folder.
    after(60_000, move || forget(&address));
    true
}

/// Whether the browser has something of this name in its window.
pub(crate) fn has(name: &str) -> bool {
    js_sys::Reflect::has(&window(), &JsValue::from_str(name)).unwrap_or(false)
}
