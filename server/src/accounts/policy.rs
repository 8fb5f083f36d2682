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

struct Rule(&'static str, &'static str, Guard, Reach);

use Guard::{Device, DeviceAfterWipe, Form, Page, Public, Session, Upload};
use Reach::{Account, Any, Own, OwnAndAbove};
use Role::{Administrator, Officer, Supervisor};

/// Every route of the server.
const RULES: &[Rule] = &[
    Rule("GET", "/", Public, Any),
    Rule("GET", "/assets/{name}", Public, Any),
    Rule("GET", "/sign-in", Public, Any),
    Rule("POST", "/sign-in", Public, Any),
    Rule("POST", "/sign-out", Form(Officer), Account),
    Rule("GET", "/inbox", Page(Supervisor), OwnAndAbove),
    Rule("GET", "/news", Page(Officer), OwnAndAbove),
    Rule("GET", "/planning", Page(Supervisor), OwnAndAbove),
    Rule("GET", "/planning/{id}", Page(Supervisor), OwnAndAbove),
    Rule("POST", "/planning/{id}/assign", Form(Supervisor), Own),
    Rule("GET", "/records", Page(Officer), OwnAndAbove),
    Rule("GET", "/records/{id}", Page(Officer), OwnAndAbove),
    Rule("POST", "/records/{id}/settle", Form(Supervisor), Own),
    Rule("POST", "/records/{id}/decide", Form(Supervisor), Own),
    Rule("POST", "/records/{id}/comments", Form(Supervisor), Own),
    Rule("POST", "/records/{id}/findings", Form(Supervisor), Own),
    Rule(
        "POST",
        "/records/{id}/findings/{finding}",
        Form(Supervisor),
        Own,
    ),
    Rule(
        "GET",
        "/records/{id}/years/{year}",
        Page(Officer),
        OwnAndAbove,
    ),
    Rule("POST", "/records/{id}/years/{year}", Form(Supervisor), Own),
    Rule(
        "GET",
        "/api/v1/records/{id}/years",
        Session(Officer),
        OwnAndAbove,
    ),
    Rule("GET", "/records/{id}/field", Page(Supervisor), OwnAndAbove),
    Rule("POST", "/records/{id}/field", Form(Supervisor), Own),
    Rule("GET", "/records/{id}/minutes", Page(Officer), OwnAndAbove),
    Rule(
        "GET",
        "/records/{id}/minutes/code.svg",
        Page(Officer),
        OwnAndAbove,
    ),
    Rule(
        "GET",
        "/api/v1/records/{id}/minutes",
        Session(Officer),
        OwnAndAbove,
    ),
    Rule("GET", "/report", Page(Supervisor), OwnAndAbove),
    Rule("GET", "/account", Page(Officer), Account),
    Rule("POST", "/account/password", Form(Officer), Account),
    Rule("POST", "/account/sessions/{id}/end", Form(Officer), Account),
    Rule("GET", "/admin", Page(Supervisor), Own),
    Rule("GET", "/admin/accounts", Page(Supervisor), Own),
    Rule("POST", "/admin/accounts", Form(Supervisor), Own),
    Rule("GET", "/admin/accounts/new", Page(Supervisor), Own),
    Rule("GET", "/admin/accounts/{account}", Page(Supervisor), Own),
    Rule("POST", "/admin/accounts/{account}", Form(Supervisor), Own),
    Rule(
        "GET",
        "/admin/accounts/{account}/close",
        Page(Supervisor),
        Own,
    ),
    Rule(
        "POST",
        "/admin/accounts/{account}/close",
        Form(Supervisor),
        Own,
    ),
    Rule(
        "POST",
        "/admin/accounts/{account}/open",
        Form(Supervisor),
        Own,
    ),
    Rule(
        "GET",
        "/admin/accounts/{account}/password",
        Page(Administrator),
        Any,
    ),
    Rule(
        "POST",
        "/admin/accounts/{account}/password",
        Form(Administrator),
        Any,
    ),
    Rule(
        "POST",
        "/admin/accounts/{account}/areas",
        Form(Administrator),
        Any,
    ),
    Rule(
        "GET",
        "/admin/accounts/{account}/areas/{area}/take",
        Page(Administrator),
        Any,
    ),
    Rule(
        "POST",
        "/admin/accounts/{account}/areas/{area}/take",
        Form(Administrator),
        Any,
    ),
    Rule(
        "POST",
        "/admin/accounts/{account}/code",
        Form(Supervisor),
        Own,
    ),
    Rule("GET", "/admin/areas", Page(Supervisor), OwnAndAbove),
    Rule("POST", "/admin/areas", Form(Administrator), Any),
    Rule("GET", "/admin/devices", Page(Supervisor), Own),
    Rule("GET", "/admin/devices/{id}", Page(Supervisor), Own),
    Rule("GET", "/admin/devices/{id}/revoke", Page(Supervisor), Own),
    Rule("POST", "/admin/devices/{id}/revoke", Form(Supervisor), Own),
    Rule("GET", "/admin/devices/{id}/wipe", Page(Supervisor), Own),
    Rule("POST", "/admin/devices/{id}/wipe", Form(Supervisor), Own),
    Rule("GET", "/admin/audit", Page(Administrator), Any),
    Rule("POST", "/admin/audit/check", Form(Administrator), Any),
    Rule("GET", "/admin/backups", Page(Administrator), Any),
    Rule(
        "POST",
        "/admin/backups/{name}/check",
        Form(Administrator),
        Any,
    ),
    Rule("GET", "/admin/retention", Page(Administrator), Any),
    Rule("GET", "/admin/retention/run", Page(Administrator), Any),
    Rule("POST", "/admin/retention/run", Form(Administrator), Any),
    Rule("POST", "/admin/holds", Form(Administrator), Any),
    Rule("GET", "/admin/holds/{id}/lift", Page(Administrator), Any),
    Rule("POST", "/admin/holds/{id}/lift", Form(Administrator), Any),
    Rule("GET", "/admin/recovery", Page(Administrator), Any),
    Rule("GET", "/admin/recovery/confirm", Page(Administrator), Any),
    Rule("POST", "/admin/recovery", Form(Administrator), Any),
    Rule("GET", "/api/v1/backups", Session(Administrator), Any),
    Rule(
        "POST",
        "/api/v1/backups/{name}/check",
        Session(Administrator),
        Any,
    ),
    Rule(
        "GET",
        "/api/v1/retention/rules",
        Session(Administrator),
        Any,
    ),
    Rule("GET", "/sign-in/code", Public, Any),
    Rule("POST", "/sign-in/code", Public, Any),
    Rule("POST", "/account/second-factor", Form(Officer), Account),
    Rule(
        "POST",
        "/account/second-factor/confirm",
        Form(Officer),
        Account,
    ),
    Rule(
        "GET",
        "/account/second-factor/remove",
        Page(Officer),
        Account,
    ),
    Rule(
        "POST",
        "/account/second-factor/remove",
        Form(Officer),
        Account,
    ),
    Rule("POST", "/account/recovery-codes", Form(Officer), Account),
    Rule(
        "GET",
        "/admin/accounts/{account}/second-factor",
        Page(Administrator),
        Any,
    ),
    Rule(
        "POST",
        "/admin/accounts/{account}/second-factor",
        Form(Administrator),
        Any,
    ),
    Rule(
        "GET",
        "/api/v1/session/second-factor",
        Session(Officer),
        Account,
    ),
    Rule(
        "POST",
        "/api/v1/session/second-factor",
        Session(Officer),
        Account,
    ),
    Rule(
        "PUT",
        "/api/v1/session/second-factor",
        Session(Officer),
        Account,
    ),
    Rule(
        "POST",
        "/api/v1/session/second-factor/remove",
        Session(Officer),
        Account,
    ),
    Rule(
        "POST",
        "/api/v1/session/recovery-codes",
        Session(Officer),
        Account,
    ),
    Rule(
        "DELETE",
        "/api/v1/accounts/{account}/second-factor",
        Session(Administrator),
        Any,
    ),
    Rule("GET", "/report/records", Page(Supervisor), OwnAndAbove),
    Rule("GET", "/report/print", Page(Supervisor), OwnAndAbove),
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
    Rule("POST", "/api/v1/accounts", Session(Supervisor), Own),
    Rule(
        "PATCH",
        "/api/v1/accounts/{account}",
        Session(Supervisor),
        Own,
    ),
    Rule(
        "POST",
        "/api/v1/accounts/{account}/password",
        Session(Administrator),
        Any,
    ),
    Rule("PUT", "/api/v1/session/password", Session(Officer), Account),
    Rule("GET", "/api/v1/sessions", Session(Officer), Account),
    Rule("DELETE", "/api/v1/sessions/{id}", Session(Officer), Account),
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
    Rule("POST", "/api/device/v1/attachments/token", Device, Account),
    Rule(
        "GET",
        "/api/device/v1/attachments/{hash}",
        Device,
        OwnAndAbove,
    ),
    Rule("OPTIONS", "/api/attachments/v1/uploads", Public, Any),
    Rule("POST", "/api/attachments/v1/uploads", Upload, Own),
    Rule("HEAD", "/api/attachments/v1/uploads/{id}", Upload, Account),
    Rule("PATCH", "/api/attachments/v1/uploads/{id}", Upload, Account),
    Rule(
        "DELETE",
        "/api/attachments/v1/uploads/{id}",
        Upload,
        Account,
    ),
    Rule("POST", "/api/attachments/v1/uploads/{id}", Upload, Account),
    Rule(
        "GET",
        "/api/v1/attachments/{hash}",
        Session(Officer),
        OwnAndAbove,
    ),
    Rule(
        "GET",
        "/api/v1/records/{id}/attachments",
        Session(Officer),
        OwnAndAbove,
    ),
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
    Rule("GET", "/api/v1/inbox", Session(Supervisor), OwnAndAbove),
    Rule("GET", "/api/v1/records", Session(Officer), OwnAndAbove),
    Rule(
        "GET",
        "/api/v1/records/export",
        Session(Supervisor),
        OwnAndAbove,
    ),
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
    Rule(
        "GET",
        "/api/v1/records/{id}/decisions",
        Session(Officer),
        OwnAndAbove,
    ),
    Rule(
        "GET",
        "/api/v1/records/{id}/attribution",
        Session(Officer),
        OwnAndAbove,
    ),
    Rule(
        "GET",
        "/api/v1/records/{id}/comments",
        Session(Officer),
        OwnAndAbove,
    ),
    Rule(
        "POST",
        "/api/v1/records/{id}/comments",
        Session(Supervisor),
        Own,
    ),
    Rule("POST", "/api/v1/criteria-sets", Session(Administrator), Any),
    Rule("POST", "/api/v1/campaigns", Session(Supervisor), Own),
    Rule(
        "GET",
        "/api/v1/campaigns/{id}/progress",
        Session(Supervisor),
        OwnAndAbove,
    ),
    Rule("POST", "/api/v1/assignments", Session(Supervisor), Own),
    Rule(
        "GET",
        "/api/v1/records/{id}/verify",
        Session(Officer),
        OwnAndAbove,
    ),
    Rule("GET", "/api/v1/server-key", Public, Any),
    Rule(
        "PUT",
        "/api/v1/records/{id}/hold",
        Session(Administrator),
        Any,
    ),
    Rule(
        "DELETE",
        "/api/v1/records/{id}/hold",
        Session(Administrator),
        Any,
    ),
    Rule("GET", "/api/v1/holds", Session(Administrator), Any),
    Rule("GET", "/api/v1/recovery", Session(Administrator), Any),
    Rule(
        "POST",
        "/api/v1/recovery/approve",
        Session(Administrator),
        Any,
    ),
    Rule(
        "POST",
        "/api/v1/recovery/dismiss",
        Session(Administrator),
        Any,
    ),
    Rule(
        "GET",
        "/api/v1/retention/preview",
        Session(Administrator),
        Any,
    ),
    Rule("POST", "/api/v1/retention/run", Session(Administrator), Any),
    Rule("GET", "/api/v1/retention/runs", Session(Administrator), Any),
    Rule("GET", "/quarantine", Page(Supervisor), OwnAndAbove),
    Rule("GET", "/quarantine/{id}", Page(Supervisor), OwnAndAbove),
    Rule("POST", "/quarantine/{id}/settle", Form(Supervisor), Own),
    Rule(
        "GET",
        "/api/v1/quarantine/{id}",
        Session(Supervisor),
        OwnAndAbove,
    ),
    Rule(
        "POST",
        "/api/v1/quarantine/import",
        Session(Supervisor),
        Any,
    ),
    Rule(
        "POST",
        "/api/v1/quarantine/{id}/take-over",
        Session(Supervisor),
        Own,
    ),
    Rule(
        "POST",
        "/api/v1/quarantine/{id}/dismiss",
        Session(Supervisor),
        Own,
    ),
    Rule(
        "GET",
        "/api/v1/quarantine",
        Session(Supervisor),
        OwnAndAbove,
    ),
    Rule("GET", "/api/v1/audit", Session(Administrator), Any),
    Rule("GET", "/api/v1/audit/verify", Session(Administrator), Any),
    Rule("GET", "/api/v1/report", Session(Supervisor), OwnAndAbove),
    Rule(
        "GET",
        "/api/v1/report/records",
        Session(Supervisor),
        OwnAndAbove,
    ),
    Rule(
        "GET",
        "/api/v1/report/export",
        Session(Supervisor),
        OwnAndAbove,
    ),
];

/// Lets a request through to its handler, with who calls in its extensions, or answers it.
pub(crate) async fn enforce(State(app): State<Arc<App>>, request: Request, next: Next) -> Response {
    let Some(route) = request.extensions().get::<MatchedPath>().cloned() else {
        // No handler: the answer is that there is no such thing.
        return next.run(request).await;
    };
    let rule = match rule(request.method(), route.as_str()) {
        Ok(rule) => rule,
        Err(problem) => return problem.into_response(),
    };
    let is_page = matches!(rule.2, Page(_) | Form(_));
    let from = is_page.then(|| failed::From::of(&app, request.headers()));
    let (visitor, response) = match admit(&app, rule, request).await {
        Ok(request) => {
            let visitor = Visitor::of(&request);
            (visitor, next.run(request).await)
        }
        Err(Turned(visitor, problem)) => (visitor, problem.into_response()),
    };
    let problem = problem::of(&response);
    if let Some(problem) = &problem {
        note_refusal(&app, rule, &visitor, problem);
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
        (Some(from), Some(problem)) => failed::page(from, visitor.person(), &problem),
        _ => response,
    }
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
enum Visitor {
    Nobody,
    Person(Caller),
    Device(AccountId, DeviceId),
}

impl Visitor {
    /// Whoever was let in.
    fn of(request: &Request) -> Self {
        let extensions = request.extensions();
        let person = extensions.get::<Caller>().cloned().map(Visitor::Person);
        let device = || {
            let caller = extensions.get::<DeviceCaller>()?;
            Some(Visitor::Device(caller.account, caller.device))
        };
        person.or_else(device).unwrap_or(Visitor::Nobody)
    }

    fn person(self) -> Option<Caller> {
        match self {
            Visitor::Person(caller) => Some(caller),
            Visitor::Nobody | Visitor::Device(..) => None,
        }
    }
}

/// Somebody who was not let in, and why.
struct Turned(Visitor, Problem);

impl From<Problem> for Turned {
    fn from(problem: Problem) -> Self {
        Turned(Visitor::Nobody, problem)
    }
}

/// Notes that a known person or device was refused what it may not do. Nobody fills the log with that: beyond the
/// attempts that are allowed in a while it is only counted.
fn note_refusal(app: &Arc<App>, rule: &Rule, visitor: &Visitor, problem: &Problem) {
    let (account, entry) = match visitor {
        Visitor::Nobody => return,
        Visitor::Person(caller) => (caller.account, Entry::new(Action::AccessRefused)),
        Visitor::Device(account, device) => {
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
        return Err(Turned(Visitor::Person(caller), problem));
    }
    request.extensions_mut().insert(caller);
    Ok(request)
}

fn expect_allowed(app: &App, caller: &Caller, role: Role, reach: Reach) -> Result<(), Problem> {
    caller.at_least(role)?;
    if caller.must_choose_password && reach != Account {
        return Err(Problem::new(Cause::PasswordGiven));
    }
    let required = app.config.second_factor.required_for.contains(&caller.role);
    if required && !caller.has_second_factor && reach != Account {
        return Err(Problem::new(Cause::SecondFactorRequired));
    }
    Ok(())
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
    use std::collections::BTreeSet;

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
