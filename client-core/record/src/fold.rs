//! Text in one form: composed for storing, folded for searching.

use unicode_normalization::{UnicodeNormalization, char::is_combining_mark};

/// The text in Unicode's composed form (NFC), the form in which everything is stored.
pub fn nfc(text: &str) -> String {
    text.nfc().collect()
}

/// The text as search sees it.
pub fn fold(text: &str) -> String {
    let plain: String = text
        .nfd()
        .filter(|c| !is_combining_mark(*c))
        .map(|c| if matches!(c, 'đ' | 'Đ') { 'd' } else { c })
        .flat_map(char::to_lowercase)
        .map(|c| if c.is_alphanumeric() { c } else { ' ' })
        .collect();
    plain.split_whitespace().collect::<Vec<_>>().join(" ")
}
