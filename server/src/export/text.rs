//! What people typed, on its way into a file that another program opens. Nothing is left out: what could
//! act instead of being read is spelt out.

use std::{borrow::Cow, fmt::Write as _};

/// Whether a character acts on the text around it, or on a terminal, instead of being read.
fn acts(character: char) -> bool {
    let direction = matches!(character,
        '\u{061c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    direction || (character.is_control() && !matches!(character, '\n' | '\t'))
}

/// Text with the characters that turn its direction, and control characters, spelt out: `[U+202E]`.
pub(crate) fn visible(text: &str) -> Cow<'_, str> {
    if !text.contains(acts) {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len());
    for character in text.chars() {
        if acts(character) {
            // Writing to a string does not fail.
            let _ = write!(out, "[U+{:04X}]", u32::from(character));
        } else {
            out.push(character);
        }
    }
    Cow::Owned(out)
}

/// Text as a cell of a CSV file, where a program would take what begins like this for a formula: such text
/// gets an apostrophe before it, which spreadsheets read as "this is text".
pub(crate) fn cell(text: &str) -> Cow<'_, str> {
    let begins = text.starts_with([
        '=', '+', '-', '@', '\t', '\r', '\n', '\u{ff1d}', '\u{ff0b}', '\u{ff0d}', '\u{ff20}',
    ]);
    if begins {
        Cow::Owned(format!("'{}", visible(text)))
    } else {
        visible(text)
    }
}

/// JSON text with the characters that turn direction as escapes: the values stay what they are.
pub(crate) fn json(text: String) -> String {
    if !text.contains(acts) {
        return text;
    }
    let mut out = String::with_capacity(text.len());
    for character in text.chars() {
        if acts(character) && u32::from(character) > 0x7f {
            let _ = write!(out, "\\u{:04x}", u32::from(character));
        } else {
            out.push(character);
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_turns_direction_is_spelt_out_and_nothing_is_lost() {
        assert_eq!(visible("Trường \u{202e}gpj.exe"), "Trường [U+202E]gpj.exe");
        assert_eq!(visible("một\nhai\u{7}"), "một\nhai[U+0007]");
        assert!(matches!(visible("Chợ Đại Điền"), Cow::Borrowed(_)));
    }

    #[test]
    fn text_that_begins_like_a_formula_is_text() {
        for formula in ["=cmd()", "+1", "-1", "@x", "\tx", "\rx", "＝1"] {
            assert!(cell(formula).starts_with('\''), "{formula}");
        }
        assert_eq!(cell("\r=1"), "'[U+000D]=1");
        assert_eq!(cell("1=1"), "1=1");
    }

    #[test]
    fn json_keeps_its_value_without_turning_direction() {
        let text = serde_json::to_string("a\u{202e}b\u{1}\u{85}").unwrap_or_default();
        let written = json(text);
        assert!(written.is_ascii());
        assert_eq!(
            serde_json::from_str::<String>(&written).ok().as_deref(),
            Some("a\u{202e}b\u{1}\u{85}")
        );
    }
}
