//! Texts in both languages, and how dates, times and sizes are written.
//!
//! A text stands where it is used, as a pair: Vietnamese, then English. Which one is shown is one switch for the
//! whole app; when it turns, the app is drawn anew.

pub(crate) mod errors;

use std::cell::Cell;

use js_sys::Date;
use leptos::prelude::document;
use sokiem_record::{labels, words};
use sokiem_web_messages::session::Text;
use wasm_bindgen::JsValue;

use crate::browser;

thread_local! {
    static ENGLISH: Cell<bool> = const { Cell::new(false) };
}

/// Where the choice of the language is kept.
const KEPT: &str = "sokiem.language";

/// Reads the language that was chosen the last time. Vietnamese, where none was.
pub(crate) fn restore() {
    set_english(browser::kept(KEPT).as_deref() == Some("en"));
}

/// Whether English is shown.
pub(crate) fn is_english() -> bool {
    ENGLISH.get()
}

/// Chooses the language. What is on the screen is not drawn anew by this.
pub(crate) fn set_english(english: bool) {
    ENGLISH.set(english);
    let code = if english { "en" } else { "vi" };
    browser::keep(KEPT, code);
    if let Some(root) = document().document_element() {
        let _ = root.set_attribute("lang", code);
    }
}

/// Vietnamese or English, whichever is shown.
pub(crate) fn t(vietnamese: &'static str, english: &'static str) -> &'static str {
    if is_english() { english } else { vietnamese }
}

/// The same of a text that came from the worker.
pub(crate) fn of(text: &Text) -> String {
    if is_english() {
        text.en.clone()
    } else {
        text.vi.clone()
    }
}

/// What a word of the schema, or the name of a field, is called. What nobody knows is shown as it is.
pub(crate) fn word(key: &str) -> String {
    let found = words::names(key).or_else(|| labels::name(key));
    found.map_or_else(|| key.to_owned(), |(vi, en)| t(vi, en).to_owned())
}

/// [`word`] as the beginning of a sentence.
pub(crate) fn title(key: &str) -> String {
    capital(&word(key))
}

/// What a field of a record is called, with the collection that it lies in.
pub(crate) fn label(path: &sokiem_record::schema::Path) -> String {
    let label = labels::label(path);
    capital(if is_english() { &label.en } else { &label.vi })
}

/// With a capital at its beginning.
pub(crate) fn capital(text: &str) -> String {
    let mut letters = text.chars();
    match letters.next() {
        Some(first) => first.to_uppercase().chain(letters).collect(),
        None => String::new(),
    }
}

/// `YYYY-MM-DD` as `dd/mm/yyyy`; anything else as it is.
pub(crate) fn date(day: &str) -> String {
    words::date(day).unwrap_or_else(|| day.to_owned())
}

/// Milliseconds since 1970 in this device's time zone: `HH:MM dd/mm/yyyy`.
#[expect(
    clippy::cast_precision_loss,
    reason = "milliseconds of our time fit in 53 bits"
)]
pub(crate) fn moment(ms: i64) -> String {
    let date = Date::new(&JsValue::from_f64(ms as f64));
    format!(
        "{:02}:{:02} {:02}/{:02}/{}",
        date.get_hours(),
        date.get_minutes(),
        date.get_date(),
        date.get_month() + 1,
        date.get_full_year()
    )
}

/// The day of the week of `YYYY-MM-DD`.
pub(crate) fn weekday(day: &str) -> Option<&'static str> {
    words::date(day)?;
    // A day alone is read as midnight in Greenwich.
    Some(match Date::new(&JsValue::from_str(day)).get_utc_day() {
        0 => t("Chủ nhật", "Sunday"),
        1 => t("Thứ Hai", "Monday"),
        2 => t("Thứ Ba", "Tuesday"),
        3 => t("Thứ Tư", "Wednesday"),
        4 => t("Thứ Năm", "Thursday"),
        5 => t("Thứ Sáu", "Friday"),
        _ => t("Thứ Bảy", "Saturday"),
    })
}

/// Today on this device plus so many days, as `YYYY-MM-DD`.
pub(crate) fn day_from_now(days: u32) -> String {
    let date = Date::new_0();
    date.set_date(date.get_date() + days);
    format!(
        "{:04}-{:02}-{:02}",
        date.get_full_year(),
        date.get_month() + 1,
        date.get_date()
    )
}

/// How many bytes, in a unit that a person reads.
pub(crate) fn size(bytes: u64) -> String {
    match bytes {
        0..1_000 => format!("{bytes} B"),
        1_000..1_000_000 => format!("{} KB", bytes / 1_000),
        _ => {
            let tenths = bytes / 100_000;
            let comma = t(",", ".");
            format!("{}{comma}{} MB", tenths / 10, tenths % 10)
        }
    }
}

/// A number as people here write it: with a decimal comma in Vietnamese.
pub(crate) fn number(value: f64) -> String {
    let text = String::from(
        js_sys::Number::from(value)
            .to_string_with_radix(10)
            .unwrap_or_default(),
    );
    if is_english() {
        text
    } else {
        text.replace('.', ",")
    }
}

/// How far away, in metres, in a unit that a person reads.
pub(crate) fn distance(metres: u32) -> String {
    if metres < 1_000 {
        return format!("{metres} m");
    }
    let comma = t(",", ".");
    format!("{}{comma}{} km", metres / 1_000, metres % 1_000 / 100)
}
