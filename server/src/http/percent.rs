//! Text inside the query of an address.

use crate::secret;

/// Everything but ASCII letters and digits as `%xx`.
pub(crate) fn encode(text: &str) -> String {
    text.bytes().fold(String::new(), |mut out, byte| {
        if byte.is_ascii_alphanumeric() {
            out.push(char::from(byte));
        } else {
            out.push('%');
            out.push_str(&secret::hex(&[byte]));
        }
        out
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_of_the_text_means_anything_in_an_address() {
        assert_eq!(encode("a&b=c d"), "a%26b%3dc%20d");
        assert_eq!(encode("đ"), "%c4%91");
    }
}
