//! The officer's pages.
#![cfg(target_family = "wasm")]

use leptos::prelude::*;
use wasm_bindgen::prelude::wasm_bindgen;

/// Puts the pages into the document.
#[wasm_bindgen(start)]
pub fn start() {
    mount_to_body(|| view! { <p>"Sổ Kiểm"</p> });
}
