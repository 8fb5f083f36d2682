//! Who may call what: every route has exactly one rule, in one table, and none without a rule is reached.
//!
//! The rule says who has to call and with what least role; that is enforced here, before a handler runs. It
//! also says which areas matter; a handler asks [`crate::accounts::access::Areas`], the one place that
//! decides about areas, since only the handler knows which area its request is about. The table is [`rules`];
//! that of `docs/threat-model.md` says the same for people, and a test walks it.

mod rules;

use std::{collections::BTreeSet, sync::Arc};

use axum::{
    extract::{MatchedPath, Request, State},
    http::{HeaderValue, Method, StatusCode, header},
    middleware::Next,
    response::{IntoResponse, Redirect, Response},
};
use sokiem_record::id::{AccountId, DeviceId};

use crate::{
    accounts::access::{self, Caller, Role},
    app::App,
    audit::{Action, Entry, reads},
    devices::credential::{self, DeviceCaller, Revoked},
    http::problem::{self, Cause, Problem},
    pages::failed,
};

/// Who has to call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Guard {
    /// Anybody.
    Public,
    /// An enrolled device, by its signature.
    Device,
    /// A device that confirms that it erases itself, even for the second time.
    DeviceAfterWipe,
    /// A device, by the token for uploads that it got for a signed request. The handler's extractor looks at it
    /// (`attachments::token`).
    Upload,
    /// Somebody who is signed in, with this role at least. By cookie only with the CSRF header.
    Session(Role),
    /// The same on a page: who is not signed in is sent to sign in.
    Page(Role),
    /// The same for a page's form, which carries the CSRF text itself (`access::by_form`).
    Form(Role),
}

/// Which areas a request may be about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Reach {
    /// No area matters.
    Any,
    /// What the caller may write: the areas granted and everything below them.
    Own,
    /// What the caller may read: those and the areas above them.
    OwnAndAbove,
    /// The caller's own account or device, and nothing else.
    Account,
}

/// Method, route, who has to call, and which areas matter.
struct Rule(&'static str, &'static str, Guard, Reach);

use Guard::{Device, DeviceAfterWipe, Form, Page, Public, Session, Upload};
use Reach::{Account, Any, Own, OwnAndAbove};
use rules::RULES;

/// Lets a request through to its handler, with who calls in its extensions, or answers it.
pub(crate) async fn enforce(State(app): State<Arc<App>>, request: Request, next: Next) -> Response {
    let Some(route) = request.extensions().get::<MatchedPath>().cloned() else {
        // No handler: the answer is that there is no such thing.
        if is_looked_at(&request) {
            let from = failed::From::of(&app, request.headers());
            return failed::page(from, None, &Problem::new(Cause::NotFound));
        }
        return next.run(request).await;
    };
    let rule = match rule(request.method(), route.as_str()) {
        Ok(rule) => rule,
        Err(problem) => return refused(&problem, route.as_str()),
    };
    let is_page = matches!(rule.2, Page(_) | Form(_));
    let from = is_page.then(|| failed::From::of(&app, request.headers()));
    let (party, response) = match admit(&app, rule, request).await {
        Ok(request) => {
            let party = Party::of(&request);
            (party, next.run(request).await)
        }
        Err(Turned(party, problem)) => (party, problem.into_response()),
    };
    let problem = problem::of(&response);
    if let Some(problem) = &problem {
        note_refusal(&app, rule, &party, problem);
    }
    match (from, problem) {
        (Some(_), Some(problem)) if problem.status() == StatusCode::UNAUTHORIZED => {
            let lost_work = matches!(rule.2, Form(_));
            Redirect::to(if lost_work {
                "/sign-in?expired=yes"
            } else {
                "/sign-in"
            })
            .into_response()
        }
        (Some(_), Some(problem))
            if matches!(
                problem.cause(),
                Cause::PasswordGiven | Cause::SecondFactorRequired
            ) =>
        {
            Redirect::to("/account").into_response()
        }
        (Some(from), Some(problem)) => failed::page(from, party.person(), &problem),
        _ => response,
    }
}

/// Whether a person waits for a page, who has followed an old link or mistyped an address.
fn is_looked_at(request: &Request) -> bool {
    let accept = request.headers().get(header::ACCEPT);
    let takes_pages = accept.is_some_and(|types| {
        let types = types.to_str().unwrap_or_default();
        types
            .split(',')
            .any(|one| one.trim().starts_with("text/html"))
    });
    takes_pages && request.method() == Method::GET && !request.uri().path().starts_with("/api/")
}

/// The answer to a method or a route that there is no rule for.
fn refused(problem: &Problem, route: &str) -> Response {
    let mut response = problem.clone().into_response();
    if problem.cause() == Cause::MethodNotAllowed {
        let rules = RULES.iter().filter(|rule| rule.1 == route);
        let methods = rules.flat_map(|rule| match rule.0 {
            "GET" => vec!["GET", "HEAD"],
            method => vec![method],
        });
        let methods: BTreeSet<&str> = methods.collect();
        let methods: Vec<&str> = methods.into_iter().collect();
        let allowed = HeaderValue::from_str(&methods.join(", "));
        response
            .headers_mut()
            .extend(allowed.map(|allowed| (header::ALLOW, allowed)));
    }
    response
}

/// The one rule of a route.
fn rule(method: &Method, route: &str) -> Result<&'static Rule, Problem> {
    let rules: Vec<&'static Rule> = RULES.iter().filter(|rule| rule.1 == route).collect();
    if rules.is_empty() {
        tracing::error!(route, "a route without a rule was called");
        return Err(Problem::forbidden().detail("Nobody may call this"));
    }
    let of = |method: &Method| rules.iter().find(|rule| rule.0 == method.as_str());
    // What answers GET answers HEAD, unless that has a rule of its own.
    let head = (*method == Method::HEAD).then_some(Method::GET);
    of(method)
        .or_else(|| of(&head?))
        .copied()
        .ok_or_else(|| Problem::new(Cause::MethodNotAllowed))
}

/// Who calls, as far as that is known.
enum Party {
    Nobody,
    Person(Caller),
    Device(AccountId, DeviceId),
}

impl Party {
    /// Whoever was let in.
    fn of(request: &Request) -> Self {
        let extensions = request.extensions();
        let person = extensions.get::<Caller>().cloned().map(Party::Person);
        let device = || {
            let caller = extensions.get::<DeviceCaller>()?;
            Some(Party::Device(caller.account, caller.device))
        };
        person.or_else(device).unwrap_or(Party::Nobody)
    }

    fn person(self) -> Option<Caller> {
        match self {
            Party::Person(caller) => Some(caller),
            Party::Nobody | Party::Device(..) => None,
        }
    }
}

/// Somebody who was not let in, and why.
struct Turned(Party, Problem);

impl From<Problem> for Turned {
    fn from(problem: Problem) -> Self {
        Turned(Party::Nobody, problem)
    }
}

/// Notes that a known person or device was refused what it may not do. Nobody fills the log with that: beyond the
/// attempts that are allowed in a while it is only counted.
fn note_refusal(app: &Arc<App>, rule: &Rule, party: &Party, problem: &Problem) {
    let (account, entry) = match party {
        Party::Nobody => return,
        Party::Person(caller) => (caller.account, Entry::new(Action::AccessRefused)),
        Party::Device(account, device) => {
            let entry = Entry::new(Action::AccessRefused).with_device(*device);
            (*account, entry)
        }
    };
    let counted = || {
        let now_ms = app.machine.now_ms();
        app.attempts
            .count(&format!("refusals of {account}"), now_ms)
    };
    if problem.cause() == Cause::Forbidden && counted().is_ok() {
        let entry = entry.refused().detail("method", rule.0);
        reads::looked(app, account, entry.detail("route", rule.1));
    }
}

async fn admit(app: &Arc<App>, rule: &Rule, mut request: Request) -> Result<Request, Turned> {
    let (role, csrf) = match rule.2 {
        Public | Upload => return Ok(request),
        Device => return Ok(credential::prove(app, request, Revoked::Refuse).await?),
        DeviceAfterWipe => {
            return Ok(credential::prove(app, request, Revoked::HearAfterWipe).await?);
        }
        Session(role) => (role, access::Csrf::InHeader),
        Page(role) | Form(role) => (role, access::Csrf::Elsewhere),
    };
    let caller = access::of_request(app, request.method(), request.headers(), csrf).await?;
    if let Err(problem) = expect_allowed(app, &caller, role, rule.3) {
        return Err(Turned(Party::Person(caller), problem));
    }
    request.extensions_mut().insert(caller);
    Ok(request)
}

fn expect_allowed(app: &App, caller: &Caller, role: Role, reach: Reach) -> Result<(), Problem> {
    caller.at_least(role)?;
    // Who came from the provider may never have heard the password that an administrator gave; it ends by itself.
    if caller.must_choose_password && !caller.by_provider && reach != Account {
        return Err(Problem::new(Cause::PasswordGiven));
    }
    if needs_second_factor(app, caller) && !caller.has_second_factor && reach != Account {
        return Err(Problem::new(Cause::SecondFactorRequired));
    }
    Ok(())
}

/// Whether somebody has to have a second factor of ours: their role does, and no identity provider asked for another.
pub(crate) fn needs_second_factor(app: &App, caller: &Caller) -> bool {
    let oidc = app.config.oidc.as_ref();
    let asked = caller.by_provider && oidc.is_some_and(|oidc| oidc.asks_for_second_factor);
    !asked && app.config.second_factor.required_for.contains(&caller.role)
}

/// Who may call an operation, for the OpenAPI document; `None` where there is no rule.
pub(crate) fn described(method: &str, route: &str) -> Option<serde_json::Value> {
    let rule = RULES
        .iter()
        .find(|rule| rule.0.eq_ignore_ascii_case(method) && rule.1 == route)?;
    let (who, role) = match rule.2 {
        Public => ("anybody", None),
        Device | DeviceAfterWipe => ("device", None),
        Upload => ("upload", None),
        Session(role) => ("session", Some(role)),
        Page(role) | Form(role) => ("page", Some(role)),
    };
    let areas = match rule.3 {
        Any => "any",
        Own => "own",
        OwnAndAbove => "own-and-above",
        Account => "account",
    };
    Some(serde_json::json!({"who": who, "role": role, "areas": areas}))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_route_has_two_rules() {
        let routes: BTreeSet<_> = RULES.iter().map(|rule| (rule.0, rule.1)).collect();
        assert_eq!(routes.len(), RULES.len());
    }

    #[test]
    fn a_route_without_a_rule_is_nobodys() {
        let of = |method: Method, route: &str| {
            rule(&method, route)
                .map(|rule| rule.2)
                .map_err(|problem| problem.status())
        };
        assert_eq!(of(Method::GET, "/new"), Err(StatusCode::FORBIDDEN));
        assert_eq!(
            of(Method::PUT, "/healthz"),
            Err(StatusCode::METHOD_NOT_ALLOWED)
        );
        assert_eq!(of(Method::HEAD, "/healthz"), Ok(Public));
    }
}
