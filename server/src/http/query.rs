//! Texts inside of addresses.

/// A text as it stands inside of a query: everything but letters, digits and `-._~` as `%XX`.
pub(crate) fn percent(text: &str) -> String {
    text.bytes()
        .map(|byte| match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => {
                char::from(byte).to_string()
            }
            other => format!("%{other:02X}"),
        })
        .collect()
}

#[cfg(test)]
mod tests {
    #[test]
    fn nothing_in_a_text_ends_the_parameter_that_it_stands_in() {
        assert_eq!(
            super::percent("a&b=\"đ\" #-._~"),
            "a%26b%3D%22%C4%91%22%20%23-._~"
        );
    }
}
