//! One range of bytes out of a `Range` header (RFC 9110 § 14).

use std::ops::Range;

/// What a request asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Asked {
    /// Everything: no range, several ranges, or a header that says nothing known.
    Whole,
    /// These bytes.
    Part(Range<u64>),
    /// Bytes that are not there.
    NotThere,
}

/// Reads a header for something of `length` bytes. Several ranges are answered with the whole, which RFC 9110
/// allows.
pub(super) fn read(header: Option<&str>, length: u64) -> Asked {
    let Some((first, last)) = header
        .and_then(|text| text.strip_prefix("bytes="))
        .and_then(|ranges| ranges.trim().split_once('-'))
        .filter(|(_, last)| !last.contains([',', '-']))
    else {
        return Asked::Whole;
    };
    let number = |text: &str| {
        let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
        digits.then(|| text.parse::<u64>().unwrap_or(u64::MAX))
    };
    let range = match (first.trim(), last.trim()) {
        ("", "") => return Asked::Whole,
        ("", count) => match number(count) {
            Some(0) => return Asked::NotThere,
            Some(count) => length.saturating_sub(count)..length,
            None => return Asked::Whole,
        },
        (first, "") => match number(first) {
            Some(first) => first..length,
            None => return Asked::Whole,
        },
        (first, last) => match (number(first), number(last)) {
            (Some(first), Some(last)) if first <= last => first..length.min(last.saturating_add(1)),
            _ => return Asked::Whole,
        },
    };
    if range.start >= length {
        return Asked::NotThere;
    }
    Asked::Part(range)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_are_read_as_rfc_9110_says() {
        let ask = |text| read(Some(text), 100);
        assert_eq!(ask("bytes=0-9"), Asked::Part(0..10));
        assert_eq!(ask("bytes=90-"), Asked::Part(90..100));
        assert_eq!(ask("bytes=90-1000"), Asked::Part(90..100));
        assert_eq!(ask("bytes=-10"), Asked::Part(90..100));
        assert_eq!(ask("bytes=-1000"), Asked::Part(0..100));
        assert_eq!(ask("bytes=99-99"), Asked::Part(99..100));
        for nothing in [
            "bytes=100-",
            "bytes=100-200",
            "bytes=-0",
            "bytes=99999999999999999999-",
        ] {
            assert_eq!(ask(nothing), Asked::NotThere, "{nothing}");
        }
        for odd in [
            "bytes=9-0",
            "bytes=-",
            "bytes=a-b",
            "items=0-9",
            "bytes=0-1,5-6",
            "bytes=--5",
            "bytes",
        ] {
            assert_eq!(ask(odd), Asked::Whole, "{odd}");
        }
        assert_eq!(read(None, 100), Asked::Whole);
    }
}
