//! The frame of every page, and who looks at it.

use std::sync::Arc;

use axum::{
    extract::FromRequestParts,
    http::{StatusCode, header, request::Parts},
    response::{Html, IntoResponse, Redirect, Response},
};
use jiff::tz::{TimeZone, offset};
use serde_json::Value;
use sokiem_record::words;

use crate::{
    accounts::access::{Caller, Token, csrf},
    app::App,
};

const STYLE: &str = "body{font:1rem/1.55 system-ui,sans-serif;max-width:70rem;margin:0 auto;padding:0 1rem 3rem;color:#1b1b1b}\
nav{border-bottom:1px solid #ccc;padding:.8rem 0;margin-bottom:1rem}nav a{margin-right:1.2rem}\
small,.en{color:#555}table{border-collapse:collapse;width:100%}th,td{border:1px solid #d5d5d5;padding:.3rem .5rem;text-align:left;vertical-align:top}\
td.n{text-align:right}.clash{background:#fff4d6}.none{color:#8a8a8a}input,button,select{font:inherit;padding:.3rem .5rem}code{background:#f2f2f2;padding:.1em .3em}";

/// Somebody who looks at pages. Who has no session is shown the sign-in page.
pub(crate) struct Visitor {
    pub(crate) caller: Caller,
    /// What forms carry.
    pub(crate) csrf: String,
}

impl FromRequestParts<Arc<App>> for Visitor {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, app: &Arc<App>) -> Result<Self, Response> {
        let csrf = Token::of(&parts.headers)
            .map(|token| csrf(token.text()))
            .unwrap_or_default();
        match Caller::from_request_parts(parts, app).await {
            Ok(caller) => Ok(Self { caller, csrf }),
            Err(problem) if problem.status() == StatusCode::UNAUTHORIZED => {
                Err(Redirect::to("/sign-in").into_response())
            }
            Err(problem) => Err(problem.into_response()),
        }
    }
}

/// A page in its frame. Nothing on it may be kept by caches, framed, or run as a script.
pub(crate) fn page(title: &str, visitor: Option<&Visitor>, body: &str) -> Response {
    let nav = visitor.map_or_else(String::new, |visitor| {
        format!(
            "<nav><a href=\"/records?kind=inspection\">Biên bản <small lang=\"en\">Inspections</small></a>\
             <a href=\"/records?kind=unit&amp;sort=title\">Đơn vị <small lang=\"en\">Units</small></a>\
             <a href=\"/records?has_conflicts=true\">Còn khác nhau <small lang=\"en\">Differences</small></a>\
             <a href=\"/report\">Báo cáo <small lang=\"en\">Report</small></a>\
             <form method=\"post\" action=\"/sign-out\" style=\"display:inline\">\
             <input type=\"hidden\" name=\"csrf\" value=\"{}\"><button>{} · Thoát <small lang=\"en\">Sign out</small></button></form></nav>",
            visitor.csrf,
            escaped(&visitor.caller.name)
        )
    });
    let title = escaped(title);
    let html = format!(
        "<!doctype html>\n<html lang=\"vi\"><head><meta charset=\"utf-8\">\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\"><title>{title}</title>\
         <style>{STYLE}</style></head><body>{nav}<h1>{title}</h1>{body}</body></html>\n"
    );
    let headers = [
        (header::CACHE_CONTROL, "no-store"),
        (
            header::CONTENT_SECURITY_POLICY,
            "default-src 'none'; style-src 'unsafe-inline'; form-action 'self'; frame-ancestors 'none'",
        ),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::REFERRER_POLICY, "same-origin"),
    ];
    (headers, Html(html)).into_response()
}

/// Text for HTML.
pub(crate) fn escaped(text: &str) -> String {
    text.chars()
        .fold(String::with_capacity(text.len()), |mut out, letter| {
            match letter {
                '&' => out.push_str("&amp;"),
                '<' => out.push_str("&lt;"),
                '>' => out.push_str("&gt;"),
                '"' => out.push_str("&quot;"),
                '\'' => out.push_str("&#39;"),
                other => out.push(other),
            }
            out
        })
}

/// A JSON value as a person reads it, for HTML.
pub(crate) fn shown(value: &Value) -> String {
    match value {
        Value::Null => "<span class=\"none\">–</span>".to_owned(),
        Value::Bool(true) => "có".to_owned(),
        Value::Bool(false) => "không".to_owned(),
        Value::String(text) => word(text),
        other => escaped(&other.to_string()),
    }
}

/// A text as a person reads it, for HTML: words of the schema by their names, dates day first.
pub(crate) fn word(text: &str) -> String {
    match (words::names(text), words::date(text)) {
        (Some((vi, en)), _) => format!("{vi} <small lang=\"en\">{en}</small>"),
        (None, Some(date)) => date,
        (None, None) => escaped(text),
    }
}

/// A time for people, by the clocks of Việt Nam, which has one time zone and no summer time.
pub(crate) fn time(milliseconds: &Value) -> String {
    let time = milliseconds
        .as_i64()
        .and_then(|ms| jiff::Timestamp::from_millisecond(ms).ok());
    time.map_or_else(String::new, |time| {
        let local = time.to_zoned(TimeZone::fixed(offset(7)));
        local.strftime("%d/%m/%Y %H:%M").to_string()
    })
}

/// A field of a JSON object, as text; empty where there is none.
pub(crate) fn text<'a>(value: &'a Value, field: &str) -> &'a str {
    value.get(field).and_then(Value::as_str).unwrap_or_default()
}

/// The elements of a field that is a list.
pub(crate) fn items<'a>(value: &'a Value, field: &str) -> impl Iterator<Item = &'a Value> {
    value
        .get(field)
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_people_typed_is_never_markup() {
        assert_eq!(escaped("<script>'\"&"), "&lt;script&gt;&#39;&quot;&amp;");
        assert_eq!(
            shown(&serde_json::json!({"a": "<b>"})),
            "{&quot;a&quot;:&quot;&lt;b&gt;&quot;}"
        );
    }
}
