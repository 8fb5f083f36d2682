//! Text in one form: composed for storing, folded for searching.
//!
//! Officers type Vietnamese with and without accents, and phones disagree about composing them. What
//! is stored is NFC; what is searched is folded, on both sides of the comparison.

use unicode_normalization::{
    IsNormalized, UnicodeNormalization, char::is_combining_mark, is_nfc_quick,
};

/// The text in Unicode's composed form (NFC), the form in which everything is stored.
pub fn nfc(text: &str) -> String {
    // Nearly always: what keyboards send is composed.
    if text.is_ascii() || is_nfc_quick(text.chars()) == IsNormalized::Yes {
        return text.to_owned();
    }
    text.nfc().collect()
}

/// The text as search sees it: decomposed and without marks, đ as d, lower case, and single spaces
/// in place of everything that is neither letter nor digit.
///
/// ```
/// use sokiem_record::fold::fold;
///
/// assert_eq!(fold("Trường Tiểu học Thạnh Phú Đông"), "truong tieu hoc thanh phu dong");
/// ```
pub fn fold(text: &str) -> String {
    let plain: String = text
        .nfd()
        .filter(|c| !is_combining_mark(*c))
        .map(|c| if matches!(c, 'đ' | 'Đ') { 'd' } else { c })
        .flat_map(char::to_lowercase)
        // Some capitals have a mark only once they are lower case: İ.
        .filter(|c| !is_combining_mark(*c))
        .map(|c| if c.is_alphanumeric() { c } else { ' ' })
        .collect();
    plain.split_whitespace().collect::<Vec<_>>().join(" ")
}
