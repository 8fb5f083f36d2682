//! How what people typed becomes text of a page. `askama.toml` names it for every template, so nobody has to think of it.

use std::fmt::{self, Write};

use askama::filters::{Escaper, Html};

use crate::export::text;

/// Markup becomes text, and characters that turn the direction of the text around them are spelt out: `[U+202E]`.
///
/// A field of a form does neither harm nor good by that: what stands there comes back when the form is sent, so there
/// `{{ text|e("field") }}` only does the former.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Spelt;

impl Escaper for Spelt {
    fn write_escaped_str<W: Write>(&self, mut dest: W, string: &str) -> fmt::Result {
        // Lines of a text area end with both characters; the one is as harmless as the other.
        for (nth, line) in string.split('\r').enumerate() {
            if nth > 0 {
                dest.write_char('\r')?;
            }
            Html.write_escaped_str(&mut dest, &text::visible(line))?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use askama::Template;

    #[derive(Template)]
    #[template(
        source = "<p title=\"{{ said }}\">{{ said }}</p><input value=\"{{ said|e(\"field\") }}\">",
        ext = "html"
    )]
    struct Page<'a> {
        said: &'a str,
    }

    #[test]
    fn markup_is_text_and_turning_characters_are_spelt_out_but_for_fields() {
        let page = Page {
            said: "<b>\u{202e}gpj",
        };
        let said = "&#60;b&#62;[U+202E]gpj";
        assert_eq!(
            page.render().unwrap(),
            format!("<p title=\"{said}\">{said}</p><input value=\"&#60;b&#62;\u{202e}gpj\">")
        );
        let lines = Page {
            said: "một\r\nhai\u{7}",
        };
        assert!(
            lines
                .to_string()
                .contains("<p title=\"một\r\nhai[U+0007]\">")
        );
    }
}
