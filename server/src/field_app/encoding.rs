//! Which form of a file a browser gets, by what it says it can decode.

use axum::http::{HeaderMap, HeaderName, header};

use super::{File, Form};

/// The smallest form that the request allows, and its content coding.
pub(super) fn choose<'a>(file: &'a File, headers: &HeaderMap) -> (&'a Form, Option<&'static str>) {
    let forms = [("br", &file.brotli), ("gzip", &file.gzip)];
    for (coding, form) in forms {
        if let Some(form) = form
            && accepts(headers, coding)
        {
            return (form, Some(coding));
        }
    }
    (&file.plain, None)
}

/// Whether `Accept-Encoding` names a coding and does not refuse it. A `*` is not taken up: as it lies is always right.
fn accepts(headers: &HeaderMap, coding: &str) -> bool {
    entries(headers, header::ACCEPT_ENCODING).any(|entry| {
        let mut parts = entry.split(';').map(str::trim);
        let named = parts
            .next()
            .is_some_and(|name| name.eq_ignore_ascii_case(coding));
        let refused = parts.any(|part| {
            let weight = part
                .split_once('=')
                .filter(|(name, _)| name.trim().eq_ignore_ascii_case("q"));
            weight.is_some_and(|(_, weight)| weight.trim().parse().is_ok_and(|q: f32| q <= 0.0))
        });
        named && !refused
    })
}

/// Whether the browser holds exactly this already: `If-None-Match`, compared as RFC 9110 § 13.1.2 says.
pub(super) fn is_held(headers: &HeaderMap, etag: &str) -> bool {
    entries(headers, header::IF_NONE_MATCH)
        .any(|held| held == "*" || held.strip_prefix("W/").unwrap_or(held) == etag)
}

/// The entries of a header that is a list. Our own entity tags hold no comma.
fn entries(headers: &HeaderMap, name: HeaderName) -> impl Iterator<Item = &str> {
    headers
        .get_all(name)
        .into_iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .map(str::trim)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with(name: HeaderName, value: &str) -> HeaderMap {
        HeaderMap::from_iter([(name, value.parse().unwrap())])
    }

    #[test]
    fn a_coding_is_accepted_where_it_is_named_and_not_refused() {
        let accepted = |value: &str| accepts(&with(header::ACCEPT_ENCODING, value), "br");
        for yes in [
            "br",
            "gzip, deflate, BR",
            "gzip;q=1, br ; q=0.1",
            "br;q=1.000",
        ] {
            assert!(accepted(yes), "{yes}");
        }
        for no in [
            "",
            "gzip",
            "br;q=0",
            "br; q=0.000",
            "brotli",
            "*",
            "identity",
        ] {
            assert!(!accepted(no), "{no}");
        }
        assert!(!accepts(&HeaderMap::new(), "br"));
    }

    #[test]
    fn what_is_held_is_found_among_several() {
        let held = |value: &str| is_held(&with(header::IF_NONE_MATCH, value), "\"b\"");
        assert!(held("\"b\"") && held("\"a\", W/\"b\"") && held("*"));
        assert!(!held("\"a\"") && !held("b") && !held(""));
    }
}
