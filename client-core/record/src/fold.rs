//! Text in one form: composed for storing, folded for searching.
//!
//! Officers type Vietnamese with and without accents, and phones disagree about composing them. What
//! is stored is NFC; what is searched is folded, on both sides of the comparison.

use unicode_normalization::{UnicodeNormalization, char::is_combining_mark};

/// The text in Unicode's composed form (NFC), the form in which everything is stored.
pub fn nfc(text: &str) -> String {
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

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn accents_case_and_punctuation_do_not_matter() {
        for (text, folded) in [
            (
                "Trường Tiểu học Thạnh Phú Đông",
                "truong tieu hoc thanh phu dong",
            ),
            (
                "ĐƯỜNG  số 30/4,\tấp «Thạnh Lợi»!",
                "duong so 30 4 ap thanh loi",
            ),
            (
                "  Công ty TNHH-MTV   Cửu Long ",
                "cong ty tnhh mtv cuu long",
            ),
            ("ỗ ữ ậ ẵ ợ ỹ ẻ Ỗ Ữ Ậ Ẵ Ợ Ỹ Ẻ", "o u a a o y e o u a a o y e"),
            ("", ""),
            ("…—!", ""),
        ] {
            assert_eq!(fold(text), folded);
        }
    }

    #[test]
    fn composed_and_decomposed_text_fold_alike_and_store_alike() {
        let composed = "Thạnh Phú Đông";
        let decomposed: String = composed.nfd().collect();
        assert_ne!(composed, decomposed);
        assert_eq!(fold(composed), fold(&decomposed));
        assert_eq!(nfc(&decomposed), composed);
    }

    proptest! {
        #[test]
        fn folding_twice_changes_nothing(text in any::<String>()) {
            let once = fold(&text);
            prop_assert_eq!(fold(&once), once.clone());
            prop_assert!(!once.contains("  ") && once.trim() == once);
        }
    }
}
