//! What a person is shown where something could not be done: what is wrong, and a way on.

use askama::Template;
use axum::{
    http::{HeaderMap, HeaderValue, header},
    response::{IntoResponse, Response},
};

use super::frame::{self, Frame, Visitor};
use crate::{
    accounts::access::{Caller, Token, csrf},
    app::App,
    http::problem::{Cause, Problem},
};

/// Where a request came from.
pub(crate) struct From {
    csrf: String,
    /// A path of this server.
    before: Option<String>,
}

impl From {
    pub(crate) fn of(app: &App, headers: &HeaderMap) -> Self {
        let csrf = Token::of(app, headers).map(|token| csrf(token.text()));
        let text = |name| {
            headers
                .get(name)
                .and_then(|value: &HeaderValue| value.to_str().ok())
        };
        Self {
            csrf: csrf.unwrap_or_default(),
            before: text(header::REFERER)
                .and_then(|referrer| local_path(referrer, text(header::HOST)?)),
        }
    }
}

/// The path and query of an address of this host, fit to be led to; `None` for everything else.
fn local_path(address: &str, host: &str) -> Option<String> {
    let (_, rest) = address.split_once("://")?;
    let path = rest.strip_prefix(host)?;
    let fit = |path: &str| {
        path.starts_with('/')
            && !path.starts_with("//")
            && path
                .bytes()
                .all(|byte| byte.is_ascii_graphic() && byte != b'\\')
    };
    fit(path).then(|| path.to_owned())
}

#[derive(Template)]
#[template(path = "failed.html")]
struct Page<'a> {
    frame: Frame<'a>,
    vietnamese: &'a str,
    english: &'a str,
    before: &'a str,
    /// Whether it is certain that nothing was done.
    unchanged: bool,
}

/// The page, with the status of the problem.
pub(crate) fn page(from: From, caller: Option<Caller>, problem: &Problem) -> Response {
    let csrf = from.csrf;
    let visitor = caller.map(|caller| Visitor { caller, csrf });
    let page = frame::page(&Page {
        frame: Frame {
            visitor: visitor.as_ref(),
        },
        vietnamese: problem.text(),
        english: problem.english(),
        before: from.before.as_deref().unwrap_or("/"),
        unchanged: problem.status().is_client_error() && problem.cause() != Cause::TimedOut,
    });
    let mut response = match page {
        Ok(page) => page,
        Err(problem) => return problem.into_response(),
    };
    *response.status_mut() = problem.status();
    let told = problem.clone().into_response();
    let retry = told.headers().get(header::RETRY_AFTER).cloned();
    response
        .headers_mut()
        .extend(retry.map(|retry| (header::RETRY_AFTER, retry)));
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_paths_of_this_host_lead_back() {
        let path = |address: &str| local_path(address, "sokiem.example");
        assert_eq!(
            path("https://sokiem.example/admin/accounts?q=a"),
            Some("/admin/accounts?q=a".to_owned())
        );
        for elsewhere in [
            "https://evil.example/admin",
            "https://sokiem.example.evil/admin",
            "https://sokiem.example//evil.example",
            "https://sokiem.example/\\evil.example",
            "javascript:alert(1)",
            "https://sokiem.example@evil.example/",
            "https://sokiem.example",
        ] {
            assert_eq!(path(elsewhere), None, "{elsewhere}");
        }
    }
}
