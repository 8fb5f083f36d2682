//! Who may call what: every route has exactly one rule, in one table, and none without a rule is reached.
//!
//! The rule says who has to call and with what least role; that is enforced here, before a handler runs. It
//! also says which areas matter; a handler asks [`crate::accounts::access::Areas`], the one place that
//! decides about areas, since only the handler knows which area its request is about. The table of
//! `docs/threat-model.md` says the same for people, and a test walks it.

use std::sync::Arc;

use axum::{
    extract::{MatchedPath, Request, State},
    http::{Method, StatusCode},
    middleware::Next,
    response::{IntoResponse, Redirect, Response},
};

use crate::{
    accounts::access::{self, Role},
    app::App,
    devices::credential::{self, Revoked},
    http::problem::{Cause, Problem},
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

struct Rule(&'static str, &'static str, Guard, Reach);

use Guard::{Device, DeviceAfterWipe, Form, Page, Public, Session};
use Reach::{Account, Any, Own, OwnAndAbove};
use Role::{Administrator, Officer, Supervisor};

/// Every route of the server.
const RULES: &[Rule] = &[
    Rule("GET", "/", Public, Any),
    Rule("GET", "/assets/style.css", Public, Any),
    Rule("GET", "/sign-in", Public, Any),
    Rule("POST", "/sign-in", Public, Any),
    Rule("POST", "/sign-out", Form(Officer), Account),
    Rule("GET", "/records", Page(Officer), OwnAndAbove),
    Rule("GET", "/records/{id}", Page(Officer), OwnAndAbove),
    Rule("POST", "/records/{id}/settle", Form(Supervisor), Own),
    Rule("GET", "/report", Page(Supervisor), OwnAndAbove),
    Rule("GET", "/healthz", Public, Any),
    Rule("GET", "/readyz", Public, Any),
    Rule("GET", "/metrics", Public, Any),
    Rule("GET", "/api/openapi.json", Public, Any),
    Rule("POST", "/api/device/v1/enrol", Public, Any),
    Rule("POST", "/api/device/v1/actors", Device, Account),
    Rule("PUT", "/api/device/v1/key", Device, Account),
    Rule("POST", "/api/device/v1/wiped", DeviceAfterWipe, Account),
    Rule("POST", "/api/device/v1/exchange", Device, Own),
    Rule("POST", "/api/device/v1/reconcile", Device, OwnAndAbove),
    Rule("GET", "/api/device/v1/events", Device, OwnAndAbove),
    Rule("POST", "/api/v1/session", Public, Any),
    Rule("GET", "/api/v1/session", Session(Officer), Account),
    Rule("DELETE", "/api/v1/session", Session(Officer), Account),
    Rule("POST", "/api/v1/accounts", Session(Administrator), Any),
    Rule("GET", "/api/v1/accounts", Session(Supervisor), Own),
    Rule(
        "PUT",
        "/api/v1/accounts/{account}/areas/{area}",
        Session(Administrator),
        Any,
    ),
    Rule(
        "DELETE",
        "/api/v1/accounts/{account}/areas/{area}",
        Session(Administrator),
        Any,
    ),
    Rule("POST", "/api/v1/areas", Session(Administrator), Any),
    Rule("GET", "/api/v1/areas", Session(Officer), OwnAndAbove),
    Rule(
        "POST",
        "/api/v1/records/{id}/area",
        Session(Supervisor),
        Own,
    ),
    Rule("POST", "/api/v1/enrolment-codes", Session(Supervisor), Own),
    Rule(
        "GET",
        "/api/v1/enrolment-codes/{id}/qr.svg",
        Session(Administrator),
        Any,
    ),
    Rule("GET", "/api/v1/devices", Session(Supervisor), Own),
    Rule("DELETE", "/api/v1/devices/{id}", Session(Supervisor), Own),
    Rule(
        "POST",
        "/api/v1/devices/{id}/wipe",
        Session(Supervisor),
        Own,
    ),
    Rule("GET", "/api/v1/records", Session(Officer), OwnAndAbove),
    Rule("GET", "/api/v1/records/{id}", Session(Officer), OwnAndAbove),
    Rule(
        "GET",
        "/api/v1/records/{id}/conflicts",
        Session(Officer),
        OwnAndAbove,
    ),
    Rule(
        "GET",
        "/api/v1/records/{id}/history",
        Session(Officer),
        OwnAndAbove,
    ),
    Rule(
        "GET",
        "/api/v1/records/{id}/difference",
        Session(Officer),
        OwnAndAbove,
    ),
    Rule("POST", "/api/v1/units", Session(Supervisor), Own),
    Rule(
        "POST",
        "/api/v1/records/{id}/edits",
        Session(Supervisor),
        Own,
    ),
    Rule(
        "POST",
        "/api/v1/records/{id}/settle",
        Session(Supervisor),
        Own,
    ),
    Rule(
        "POST",
        "/api/v1/records/{id}/decisions",
        Session(Supervisor),
        Own,
    ),
    Rule("POST", "/api/v1/criteria-sets", Session(Administrator), Any),
    Rule("POST", "/api/v1/campaigns", Session(Supervisor), Own),
    Rule("POST", "/api/v1/assignments", Session(Supervisor), Own),
    Rule(
        "GET",
        "/api/v1/quarantine",
        Session(Supervisor),
        OwnAndAbove,
    ),
    Rule("GET", "/api/v1/audit", Session(Administrator), Any),
    Rule("GET", "/api/v1/audit/verify", Session(Administrator), Any),
    Rule("GET", "/api/v1/report", Session(Supervisor), OwnAndAbove),
];

/// Lets a request through to its handler, with who calls in its extensions, or answers it.
pub(crate) async fn enforce(State(app): State<Arc<App>>, request: Request, next: Next) -> Response {
    let Some(route) = request.extensions().get::<MatchedPath>().cloned() else {
        // No handler: the answer is that there is no such thing.
        return next.run(request).await;
    };
    let guard = match guard(request.method(), route.as_str()) {
        Ok(guard) => guard,
        Err(problem) => return problem.into_response(),
    };
    match admit(&app, guard, request).await {
        Ok(request) => next.run(request).await,
        Err(problem)
            if matches!(guard, Page(_)) && problem.status() == StatusCode::UNAUTHORIZED =>
        {
            Redirect::to("/sign-in").into_response()
        }
        Err(problem) => problem.into_response(),
    }
}

/// The one rule of a route.
fn guard(method: &Method, route: &str) -> Result<Guard, Problem> {
    let method = match *method {
        Method::HEAD => Method::GET.as_str(),
        _ => method.as_str(),
    };
    let mut rules = RULES.iter().filter(|rule| rule.1 == route).peekable();
    if rules.peek().is_none() {
        tracing::error!(route, "a route without a rule was called");
        return Err(Problem::forbidden().detail("Nobody may call this"));
    }
    rules
        .find(|rule| rule.0 == method)
        .map(|rule| rule.2)
        .ok_or_else(|| Problem::new(Cause::MethodNotAllowed))
}

async fn admit(app: &Arc<App>, guard: Guard, mut request: Request) -> Result<Request, Problem> {
    let (role, csrf) = match guard {
        Public => return Ok(request),
        Device => return credential::prove(app, request, Revoked::Refuse).await,
        DeviceAfterWipe => return credential::prove(app, request, Revoked::HearAfterWipe).await,
        Session(role) => (role, access::Csrf::InHeader),
        Page(role) | Form(role) => (role, access::Csrf::Elsewhere),
    };
    let caller = access::of_request(app, request.method(), request.headers(), csrf).await?;
    caller.at_least(role)?;
    request.extensions_mut().insert(caller);
    Ok(request)
}

/// Who may call an operation, for the OpenAPI document; `None` where there is no rule.
pub(crate) fn described(method: &str, route: &str) -> Option<serde_json::Value> {
    let rule = RULES
        .iter()
        .find(|rule| rule.0.eq_ignore_ascii_case(method) && rule.1 == route)?;
    let (who, role) = match rule.2 {
        Public => ("anybody", None),
        Device | DeviceAfterWipe => ("device", None),
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
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn no_route_has_two_rules() {
        let routes: BTreeSet<_> = RULES.iter().map(|rule| (rule.0, rule.1)).collect();
        assert_eq!(routes.len(), RULES.len());
    }

    #[test]
    fn a_route_without_a_rule_is_nobodys() {
        let of =
            |method: Method, route: &str| guard(&method, route).map_err(|problem| problem.status());
        assert_eq!(of(Method::GET, "/new"), Err(StatusCode::FORBIDDEN));
        assert_eq!(
            of(Method::PUT, "/healthz"),
            Err(StatusCode::METHOD_NOT_ALLOWED)
        );
        assert_eq!(of(Method::HEAD, "/healthz"), Ok(Public));
    }
}
