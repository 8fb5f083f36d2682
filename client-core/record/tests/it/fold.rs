//! Folding for search, and the one stored form.

use proptest::prelude::*;
use sokiem_record::fold::{fold, nfc};

use crate::support::config;

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
    let decomposed = "Tha\u{323}nh Phu\u{301} \u{110}o\u{302}ng";
    assert_ne!(composed, decomposed);
    assert_eq!(fold(composed), fold(decomposed));
    assert_eq!(nfc(decomposed), composed);
}

proptest! {
    #![proptest_config(config(256))]

    #[test]
    fn folding_twice_changes_nothing(text in any::<String>()) {
        let once = fold(&text);
        prop_assert_eq!(fold(&once), once.clone());
        prop_assert!(!once.contains("  ") && once.trim() == once);
    }
}
