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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn search_sees_neither_accents_nor_case_nor_punctuation() {
        assert_eq!(
            fold("Trường Tiểu học Thạnh Phú Đông"),
            "truong tieu hoc thanh phu dong"
        );
        assert_eq!(
            fold("  UBND  xã  An-Thuận (ấp 2) "),
            "ubnd xa an thuan ap 2"
        );
        assert_eq!(fold("ĐƯỜNG 30/4"), "duong 30 4");
        assert_eq!(fold(""), "");
    }

    #[test]
    fn composed_and_decomposed_text_fold_alike() {
        let text = "Nguyễn Thị Ngọc Ánh, ấp Giồng Luông";
        let decomposed: String = text.nfd().collect();
        assert_ne!(text, decomposed);
        assert_eq!(fold(text), fold(&decomposed));
        assert_eq!(nfc(&decomposed), text);
    }
}
