//! What the core asks of a platform, from the browser: clock, randomness, timer.

use std::future::Future;

use js_sys::{Date, Promise, Uint8Array};
use sokiem_client_core::{
    Error, Result,
    platform::{Clock, Random, Timer},
};
use wasm_bindgen::{JsCast as _, JsValue};
use wasm_bindgen_futures::JsFuture;
use web_sys::DedicatedWorkerGlobalScope;

/// The worker itself.
pub(crate) fn scope() -> DedicatedWorkerGlobalScope {
    js_sys::global().unchecked_into()
}

/// The browser's clock.
#[derive(Clone, Copy, Debug)]
pub(crate) struct BrowserClock;

impl Clock for BrowserClock {
    #[expect(
        clippy::cast_possible_truncation,
        reason = "milliseconds since 1970 are whole and far below 2^53"
    )]
    fn now_ms(&self) -> i64 {
        Date::now() as i64
    }
}

/// The browser's randomness.
#[derive(Clone, Copy, Debug)]
pub(crate) struct BrowserRandom;

impl Random for BrowserRandom {
    fn fill(&self, bytes: &mut [u8]) -> Result<()> {
        let none = |_| Error::Random("crypto.getRandomValues failed".to_owned());
        let length =
            u32::try_from(bytes.len()).map_err(|error| Error::Random(error.to_string()))?;
        let drawn = Uint8Array::new_with_length(length);
        let crypto = scope().crypto().map_err(none)?;
        crypto
            .get_random_values_with_array_buffer_view(&drawn)
            .map_err(none)?;
        drawn.copy_to(bytes);
        Ok(())
    }
}

/// The worker's timer.
#[derive(Clone, Copy, Debug)]
pub(crate) struct BrowserTimer;

/// The longest that `setTimeout` takes.
const MOST_MS: u64 = i32::MAX as u64;

impl Timer for BrowserTimer {
    fn sleep(&self, ms: u64) -> impl Future<Output = ()> {
        let ms = i32::try_from(ms.min(MOST_MS)).unwrap_or(i32::MAX);
        async move {
            let promise = Promise::new(&mut |done, _| {
                // A worker without timers would only go on too early.
                let _ = scope().set_timeout_with_callback_and_timeout_and_arguments_0(&done, ms);
            });
            let _ = JsFuture::from(promise).await;
        }
    }
}

/// Today by this device's clock and time zone, `YYYY-MM-DD`.
pub(crate) fn today() -> String {
    let now = Date::new_0();
    format!(
        "{:04}-{:02}-{:02}",
        now.get_full_year(),
        now.get_month() + 1,
        now.get_date()
    )
}

/// What an exception says.
pub(crate) fn words(error: &JsValue) -> String {
    let text = |name: &str| {
        js_sys::Reflect::get(error, &name.into())
            .ok()
            .and_then(|value| value.as_string())
    };
    match (text("name"), text("message")) {
        (Some(name), Some(message)) => format!("{name}: {message}"),
        _ => error.as_string().unwrap_or_default(),
    }
}

/// Whether an exception has this name.
pub(crate) fn is(error: &JsValue, name: &str) -> bool {
    js_sys::Reflect::get(error, &"name".into())
        .ok()
        .and_then(|value| value.as_string())
        .as_deref()
        == Some(name)
}
