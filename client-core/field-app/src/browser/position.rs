//! Where this device is, when its owner lets the page know.

use js_sys::{Number, Promise};
use leptos::prelude::window;
use wasm_bindgen::{JsCast, JsValue, closure::Closure};
use wasm_bindgen_futures::JsFuture;
use web_sys::{Position, PositionOptions};

use crate::words::t;

/// Where the device was.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Fix {
    /// Degrees north.
    pub(crate) latitude: f64,
    /// Degrees east.
    pub(crate) longitude: f64,
    /// How far off it may be, in metres.
    pub(crate) accuracy_m: f64,
    /// When, in milliseconds since 1970.
    pub(crate) at_ms: f64,
}

impl Fix {
    /// As records hold it, RFC 5870. Six decimals are ten centimetres.
    pub(crate) fn uri(&self) -> String {
        let latitude = fixed(self.latitude, 6);
        let longitude = fixed(self.longitude, 6);
        format!("geo:{latitude},{longitude};u={}", fixed(self.accuracy_m, 0))
    }
}

fn fixed(number: f64, decimals: u8) -> String {
    Number::from(number)
        .to_fixed(decimals)
        .map_or_else(|_| String::new(), String::from)
}

/// Latitude, longitude and how far off, as text, of a position in a record.
pub(crate) fn parts(uri: &str) -> Option<(&str, &str, Option<&str>)> {
    let rest = uri.strip_prefix("geo:")?;
    let (place, off) = match rest.split_once(";u=") {
        Some((place, off)) => (place, Some(off)),
        None => (rest, None),
    };
    let (latitude, longitude) = place.split_once(',')?;
    Some((latitude, longitude, off))
}

/// Why there is no position.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum NoFix {
    /// The person, or the browser, said no.
    Denied,
    /// There was none, or none in time.
    Unknown,
}

impl NoFix {
    /// What to tell a person.
    pub(crate) fn words(self) -> &'static str {
        match self {
            NoFix::Denied => t(
                "Chưa được phép xem vị trí. Hãy cho phép trong cài đặt của trình duyệt.",
                "Not allowed to see the position. Allow it in the browser's settings.",
            ),
            NoFix::Unknown => t(
                "Chưa bắt được vị trí. Hãy ra chỗ thoáng rồi thử lại.",
                "No position yet. Go into the open and try again.",
            ),
        }
    }
}

/// Asks where the device is. A position that is at most so old will do.
pub(crate) async fn ask(wait_ms: u32, max_age_ms: u32) -> Result<Fix, NoFix> {
    let geolocation = window()
        .navigator()
        .geolocation()
        .map_err(|_| NoFix::Unknown)?;
    let options = PositionOptions::new();
    options.set_enable_high_accuracy(true);
    options.set_timeout(wait_ms);
    options.set_maximum_age(max_age_ms);
    let mut begin = |resolve: js_sys::Function, reject: js_sys::Function| {
        // The browser calls one of the two; the other is small.
        let found = Closure::once_into_js(move |position: JsValue| {
            let _ = resolve.call1(&JsValue::NULL, &position);
        });
        let failed = Closure::once_into_js(move |error: JsValue| {
            let _ = reject.call1(&JsValue::NULL, &error);
        });
        let _ = geolocation.get_current_position_with_error_callback_and_options(
            found.unchecked_ref(),
            Some(failed.unchecked_ref()),
            &options,
        );
    };
    match JsFuture::from(Promise::new(&mut begin)).await {
        Ok(position) => {
            let coordinates = position.unchecked_into::<Position>().coords();
            Ok(Fix {
                latitude: coordinates.latitude(),
                longitude: coordinates.longitude(),
                accuracy_m: coordinates.accuracy(),
                at_ms: super::now_ms(),
            })
        }
        Err(error) => {
            let code = js_sys::Reflect::get(&error, &JsValue::from_str("code")).ok();
            let denied = code.and_then(|code| code.as_f64()) == Some(1.0);
            Err(if denied {
                NoFix::Denied
            } else {
                NoFix::Unknown
            })
        }
    }
}
