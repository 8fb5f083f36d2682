//! What every page shares: the frame around it, and who looks at it.

use std::sync::Arc;

use askama::Template;
use axum::{
    extract::FromRequestParts,
    http::{StatusCode, header, request::Parts},
    response::{Html, IntoResponse, Redirect, Response},
};
use jiff::tz::{TimeZone, offset};
use sokiem_record::words;

use crate::{
    accounts::access::{Caller, Token, csrf},
    app::App,
    http::problem::{Cause, Problem},
};

/// Somebody who looks at pages. Who has no session is shown the sign-in page.
pub(crate) struct Visitor {
    pub(crate) caller: Caller,
    /// What forms carry.
    pub(crate) csrf: String,
}

impl FromRequestParts<Arc<App>> for Visitor {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, app: &Arc<App>) -> Result<Self, Response> {
        let csrf = Token::of(app, &parts.headers)
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

/// What the frame of a page needs: every page's template has one as `frame`.
pub(crate) struct Frame<'a> {
    pub(crate) visitor: Option<&'a Visitor>,
}

impl<'a> Frame<'a> {
    /// The frame of a page that anybody may see.
    pub(crate) fn open() -> Self {
        Self { visitor: None }
    }

    /// The frame of a visitor's page.
    pub(crate) fn of(visitor: &'a Visitor) -> Self {
        Self {
            visitor: Some(visitor),
        }
    }
}

/// A page as an answer. Nothing on it may be kept by caches or framed, and no script runs that is not a file
/// of the server's own.
pub(crate) fn page(template: &impl Template) -> Result<Response, Problem> {
    let html = template.render().map_err(|error| {
        tracing::error!(%error, "a page was not rendered");
        Problem::new(Cause::Internal)
    })?;
    let headers = [
        (header::CACHE_CONTROL, "no-store"),
        (
            header::CONTENT_SECURITY_POLICY,
            "default-src 'none'; style-src 'self'; script-src 'self'; connect-src 'self'; img-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
        ),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::REFERRER_POLICY, "same-origin"),
    ];
    Ok((headers, Html(html)).into_response())
}

/// A time for people, by the clocks of Việt Nam, which has one time zone and no summer time.
pub(crate) fn time(milliseconds: &i64) -> String {
    let time = jiff::Timestamp::from_millisecond(*milliseconds);
    time.map_or_else(
        |_| String::new(),
        |time| {
            let local = time.to_zoned(TimeZone::fixed(offset(7)));
            local.strftime("%d/%m/%Y %H:%M").to_string()
        },
    )
}

/// A day, `YYYY-MM-DD`, as people here write it; nothing for anything else.
pub(crate) fn day(date: &str) -> String {
    words::date(date).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_read_by_the_clocks_of_viet_nam() {
        assert_eq!(time(&1_564_963_200_000), "05/08/2019 07:00");
        assert_eq!(time(&i64::MAX), "");
    }
}
