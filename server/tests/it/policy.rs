//! The table of `docs/threat-model.md`, walked: every route, every caller, own and other area.

use std::collections::{BTreeMap, BTreeSet};

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use reqwest::{Method, RequestBuilder};
use serde_json::{Value, json};
use sokiem_record::{
    id::{AreaId, DocumentId, Kind},
    wire,
};

use crate::{
    attachments::{Tus, photo},
    field_app,
    harness::{PASSWORD, Phone, Town, fresh_uuid, push},
    pages::multipart,
};

/// The columns of the table after method and route.
const CALLERS: [&str; 8] = [
    "anonymous",
    "device, own area",
    "device, other area",
    "officer, own area",
    "officer, other area",
    "supervisor, own area",
    "supervisor, other area",
    "administrator",
];

/// A list with one unit.
const UNITS: &str = "Tên đơn vị,Loại hình\nChợ,cơ quan\n";

/// What a cell may say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Cell {
    /// The request reaches what it asks for, whatever else may be wrong with it.
    Yes,
    /// It is refused: 401, 403, 404, or sent to sign in.
    No,
    /// It is answered without what lies in the area.
    Hidden,
}

/// The rows of the table: method, route, cells.
fn table() -> Vec<(String, String, Vec<Cell>)> {
    let page = include_str!("../../../docs/threat-model.md");
    let head = page
        .lines()
        .find(|line| line.starts_with("| method |"))
        .unwrap();
    let columns: Vec<&str> = head
        .trim_matches('|')
        .split('|')
        .map(str::trim)
        .skip(2)
        .collect();
    assert_eq!(columns, CALLERS);
    page.lines()
        .skip_while(|line| *line != head)
        .skip(2)
        .take_while(|line| line.starts_with('|'))
        .map(|line| {
            let mut cells = line.trim_matches('|').split('|').map(str::trim);
            let method = cells.next().unwrap().to_owned();
            let route = cells.next().unwrap().trim_matches('`').to_owned();
            let cells = cells.map(|cell| match cell {
                "yes" => Cell::Yes,
                "no" => Cell::No,
                "hidden" => Cell::Hidden,
                other => panic!("{method} {route}: {other:?} is none of yes, no, hidden"),
            });
            let cells: Vec<Cell> = cells.collect();
            assert_eq!(cells.len(), CALLERS.len(), "{method} {route}");
            (method, route, cells)
        })
        .collect()
}

#[tokio::test]
async fn the_table_has_every_route_and_no_other() {
    let town = Town::new().await;
    let api = town.get("", "/api/openapi.json").await.expect(200);
    let mut served = BTreeSet::new();
    for (route, item) in api["paths"].as_object().unwrap() {
        for (method, operation) in item.as_object().unwrap() {
            assert!(
                operation["x-access"].is_object(),
                "{method} {route} has no rule"
            );
            served.insert((method.to_uppercase(), route.clone()));
        }
    }
    let table = table();
    let listed: BTreeSet<_> = table
        .iter()
        .map(|(method, route, _)| (method.clone(), route.clone()))
        .collect();
    assert_eq!(listed.len(), table.len(), "a row stands twice");
    let missing: Vec<_> = served.difference(&listed).collect();
    let extra: Vec<_> = listed.difference(&served).collect();
    assert!(
        missing.is_empty() && extra.is_empty(),
        "missing {missing:?}, extra {extra:?}"
    );
}

const UPLOADS: &str = "/api/attachments/v1/uploads";

/// What lies in one area, to be asked for.
struct Place {
    area: AreaId,
    area_name: &'static str,
    unit: DocumentId,
    inspection: DocumentId,
    /// What belongs to the unit.
    attachment: String,
    /// A change that was refused there.
    refused: String,
    phone: Phone,
    /// An officer who works there, with a device.
    officer: String,
    device: String,
    campaign: String,
    assignment: String,
    /// A criteria set that holds there.
    criteria: String,
    /// An enrolment code for the officer, with its id.
    code: (String, String),
}

struct World {
    town: Town,
    /// The area of the callers, and another one.
    places: [Place; 2],
    phone: Phone,
    tokens: BTreeMap<&'static str, &'static str>,
    /// Three of them: two are removed.
    webhooks: Vec<String>,
}

impl World {
    async fn new() -> Self {
        let town = Town::with(field_app::serve).await;
        let mut places = Vec::new();
        for (n, area) in town.communes.into_iter().enumerate() {
            places.push(place(&town, n, area).await);
        }
        let phone = town.phone("lan", &[town.communes[0]]).await;
        town.account("minh", "officer", &[town.communes[0]]).await;
        town.account("tam", "supervisor", &[town.communes[0]]).await;
        let places = places.try_into().unwrap_or_else(|_| panic!("two places"));
        let tokens = [
            ("officer", "minh"),
            ("supervisor", "tam"),
            ("administrator", "admin"),
        ]
        .into();
        let mut webhooks = Vec::new();
        for _ in 0..3 {
            let hook = json!({"url": "https://hooks.example", "events": ["change.quarantined"]});
            let made = town
                .post(&town.admin, "/api/v1/webhooks", hook)
                .await
                .expect(201);
            webhooks.push(made["webhook"]["id"].as_str().unwrap().to_owned());
        }
        Self {
            webhooks,
            town,
            places,
            phone,
            tokens,
        }
    }

    /// What became of a request of this caller about this place.
    async fn ask(&self, caller: &str, method: &str, route: &str) -> Cell {
        let other = usize::from(caller.ends_with("other area"));
        let place = &self.places[other];
        let role = caller.split(',').next().unwrap();
        if route.starts_with(UPLOADS) {
            return self.upload(place, other == 1, role, method, route).await;
        }
        let session = match self.tokens.get(role) {
            Some(login) => Some(self.session(login).await),
            None => None,
        };
        let (path, body) = self.request(place, method, route, session.as_ref());
        let method: Method = method.parse().unwrap();
        let request = match (&body, role) {
            (body, "device") => self.phone.signed(method.clone(), &path, body.bytes()),
            (body, _) => {
                let request = self.town.http.request(method.clone(), self.town.url(&path));
                match body.bytes() {
                    Some(bytes) => request.body(bytes),
                    None => request,
                }
            }
        };
        let request = body
            .with_type(request)
            .header("x-sokiem-code", &place.code.1);
        let request = match &session {
            Some((token, csrf)) if path.starts_with("/api/") => {
                request.bearer_auth(token).header("x-sokiem-csrf", csrf)
            }
            Some((token, _)) => request.header("cookie", format!("sokiem_session={token}")),
            None => request,
        };
        let response = request.send().await.unwrap();
        let status = response.status().as_u16();
        let to_sign_in = response
            .headers()
            .get("location")
            .is_some_and(|to| to == "/sign-in")
            || (response.url().path() == "/sign-in" && route != "/sign-in");
        // A form without a session, unlike one that ended it.
        let expired = response.url().query() == Some("expired=yes");
        let ends_it = matches!(
            route,
            "/sign-out" | "/account/sessions/{id}/end" | "/sign-in/code"
        );
        if matches!(status, 401 | 403 | 404) || expired || (to_sign_in && !ends_it) {
            return Cell::No;
        }
        assert!(status < 500, "{caller} {method} {route}: {status}");
        let mut response = response;
        let answer = match route {
            // A stream does not end; its first event names the areas.
            "/api/device/v1/events" => response.chunk().await.unwrap().unwrap_or_default(),
            // Nothing comes before there is news.
            "/news" => Default::default(),
            _ => response.bytes().await.unwrap(),
        };
        let shows = |thing: &[u8]| answer.windows(thing.len()).any(|window| window == thing);
        match hidden_thing(place, &method, route) {
            Some(thing) if !shows(&thing) => Cell::Hidden,
            _ => Cell::Yes,
        }
    }

    /// A request of the protocol for uploads. Devices have a token for it, and it opens their own uploads.
    async fn upload(
        &self,
        place: &Place,
        other: bool,
        role: &str,
        method: &str,
        route: &str,
    ) -> Cell {
        let own = Tus::new(&self.town, &self.phone).await;
        let theirs = Tus::new(&self.town, &place.phone).await;
        let bytes = photo(20);
        let begun = match (other, method, route) {
            (_, "POST", UPLOADS) => String::new(),
            (true, ..) => theirs.create(place.unit, &bytes).await,
            (false, ..) => own.create(place.unit, &bytes).await,
        };
        let path = if begun.is_empty() {
            UPLOADS.to_owned()
        } else {
            begun
        };
        let method: Method = method.parse().unwrap();
        let request = match (&method, route) {
            (&Method::POST, UPLOADS) => own.creation(place.unit, &bytes, "image/png"),
            (&Method::PATCH, _) => own.patching(&path, 0).body(bytes),
            (&Method::POST, _) => own
                .request(Method::POST, &path)
                .header("x-http-method-override", "DELETE"),
            _ => own.request(method.clone(), &path),
        };
        let mut request = request.build().unwrap();
        if role != "device" {
            request.headers_mut().remove("authorization");
        }
        if let Some(login) = self.tokens.get(role) {
            let (token, _) = self.session(login).await;
            let bearer = format!("Bearer {token}").parse().unwrap();
            request.headers_mut().insert("authorization", bearer);
        }
        let status = self
            .town
            .http
            .execute(request)
            .await
            .unwrap()
            .status()
            .as_u16();
        assert!(status < 500, "{role} {method} {route}: {status}");
        if matches!(status, 401 | 403 | 404) {
            Cell::No
        } else {
            Cell::Yes
        }
    }

    /// A session of its own for each request: some of them end it.
    async fn session(&self, login: &str) -> (String, String) {
        let body = json!({"login": login, "password": PASSWORD});
        let session = self
            .town
            .post("", "/api/v1/session", body)
            .await
            .expect(201);
        let text = |member: &str| session[member].as_str().unwrap().to_owned();
        (text("token"), text("csrf"))
    }

    /// A fitting request about a place.
    fn request(
        &self,
        place: &Place,
        method: &str,
        route: &str,
        session: Option<&(String, String)>,
    ) -> (String, Content) {
        let csrf = session.map(|(_, csrf)| csrf.clone()).unwrap_or_default();
        let fresh = fresh_uuid().to_string();
        let form = |fields: &[(&str, &str)]| {
            let pairs: Vec<String> = fields
                .iter()
                .map(|(name, value)| format!("{name}={value}"))
                .collect();
            Content::Form(pairs.join("&"))
        };
        let record = match route {
            "/api/v1/records/{id}/area"
            | "/api/v1/records/{id}/years"
            | "/records/{id}/join"
            | "/records/{id}/separate"
            | "/api/v1/records/{id}/join"
            | "/api/v1/records/{id}/separate"
            | "/records/{id}/years/{year}" => place.unit,
            _ => place.inspection,
        };
        let path = match route {
            route if route.contains("/records/{id}") => route
                .replace("{id}", &record.to_string())
                .replace("{finding}", &fresh)
                .replace("{year}", "2019"),
            "/assets/{name}" => "/assets/style.css".to_owned(),
            "/app/{file}" => "/app/sw.js".to_owned(),
            "/app/{folder}/{file}" => "/app/icons/icon.svg".to_owned(),
            route if route.contains("/enrolment-codes/{id}") => {
                route.replace("{id}", &place.code.0)
            }
            route if route.contains("/quarantine/{id}") => route.replace("{id}", &place.refused),
            "/admin/holds/{id}/lift" => route.replace("{id}", &place.inspection.to_string()),
            "/admin/recovery/confirm" => format!("{route}?act=approve"),
            "/api/v1/sessions/{id}" | "/account/sessions/{id}/end" => route.replace(
                "{id}",
                &session
                    .map(|session| session_name(&session.0))
                    .unwrap_or_default(),
            ),
            route if route.contains("/planning/{id}") || route.contains("/campaigns/{id}") => {
                route.replace("{id}", &place.campaign)
            }
            route if route.contains("/assignments/{id}") => {
                route.replace("{id}", &place.assignment)
            }
            "/admin/webhooks/{id}/remove" | "/api/v1/webhooks/{id}" => {
                route.replace("{id}", &self.webhooks[usize::from(method != "DELETE")])
            }
            route if route.contains("/webhooks/{id}") => route.replace("{id}", &self.webhooks[2]),
            route if route.contains("/criteria/{id}") || route.contains("/criteria-sets/{id}") => {
                route.replace("{id}", &place.criteria)
            }
            route if route.contains("/devices/{id}") => route.replace("{id}", &place.device),
            route if route.contains("/attachments/{hash}") => {
                route.replace("{hash}", &place.attachment)
            }
            route => route
                .replace("{account}", &place.officer)
                .replace("{area}", &place.area.to_string())
                .replace("{name}", "sokiem-20190805")
                .replace("{id}", &fresh),
        };
        let path = match route {
            "/records" | "/api/v1/records" => format!("{path}?kind=unit"),
            "/api/v1/records/{id}/difference" => format!("{path}?from=&to="),
            "/records/{id}/field" => format!("{path}?path=opinion"),
            "/admin/areas/{area}/merge" if method == "GET" => {
                format!("{path}?into={}", place.area)
            }
            "/report/records" | "/api/v1/report/records" => {
                format!("{path}?figure=units_in_scope&year=2019&from=2019&to=2019&part=all")
            }
            "/api/v1/records/export" => format!("{path}?format=ndjson&kind=unit"),
            "/api/v1/units/import/preview" => format!("{path}?area={}", place.area),
            "/api/v1/units/import" => format!("{path}?area={}&digest=x", place.area),
            "/api/v1/units/import/template" => format!("{path}?format=csv"),
            "/api/v1/criteria-sets/compare" | "/admin/criteria/compare" => {
                format!("{path}?before={0}&after={0}", place.criteria)
            }
            "/api/v1/report" => format!("{path}?from=2019&to=2019"),
            "/api/v1/report/export" => format!("{path}?format=csv&from=2019&to=2019"),
            _ => path,
        };
        let set = json!({"criteria": "KIEMTRA-CHUNG@1", "window_start": "2019-01-01", "window_end": "2019-12-31"});
        let content = match (method, route) {
            ("POST", "/sign-in") => form(&[("login", "nobody"), ("password", "x")]),
            ("POST", "/sign-out") => form(&[("csrf", &csrf)]),
            ("POST", "/records/{id}/settle") => form(&[
                ("path", "opinion"),
                ("value", "1"),
                ("reason", "x"),
                ("heads", ""),
                ("csrf", &csrf),
            ]),
            ("POST", "/sign-in/code") => form(&[("code", "123456")]),
            ("POST", "/account/second-factor/confirm") => form(&[("code", "x"), ("csrf", &csrf)]),
            (
                "POST",
                "/account/second-factor"
                | "/account/second-factor/remove"
                | "/account/recovery-codes",
            ) => form(&[("password", PASSWORD), ("csrf", &csrf)]),
            ("PUT", "/api/v1/session/second-factor") => Content::Json(json!({"code": "x"})),
            (
                "POST",
                "/api/v1/session/second-factor"
                | "/api/v1/session/second-factor/remove"
                | "/api/v1/session/recovery-codes",
            ) => Content::Json(json!({"password": PASSWORD})),
            ("POST", "/admin/accounts/{account}/identity") => {
                form(&[("claim", "x@example"), ("csrf", &csrf)])
            }
            ("PUT", "/api/v1/accounts/{account}/identity") => {
                Content::Json(json!({"claim": "x@example"}))
            }
            ("POST", "/admin/webhooks" | "/admin/webhooks/{id}") => form(&[
                ("url", "https%3A%2F%2Fhooks.example"),
                ("event", "record.arrived"),
                ("csrf", &csrf),
            ]),
            ("POST", "/admin/webhooks/{id}/act") => form(&[("act", "stop"), ("csrf", &csrf)]),
            ("POST", "/api/v1/webhooks") => {
                Content::Json(json!({"url": "https://hooks.example", "events": ["record.arrived"]}))
            }
            ("PATCH", "/api/v1/webhooks/{id}") => Content::Json(json!({"enabled": false})),
            ("POST", "/account/password") => {
                form(&[("old", "x"), ("new", "y"), ("again", "z"), ("csrf", &csrf)])
            }
            ("POST", "/admin/accounts") => form(&[
                ("login", &format!("x{}", fresh_uuid())),
                ("name", "x"),
                ("title", ""),
                ("role", "officer"),
                ("password", ""),
                ("area", &place.area.to_string()),
                ("csrf", &csrf),
            ]),
            ("POST", "/admin/accounts/{account}") => {
                form(&[("name", "x"), ("title", "y"), ("csrf", &csrf)])
            }
            ("POST", "/admin/accounts/{account}/areas") => {
                form(&[("area", &place.area.to_string()), ("csrf", &csrf)])
            }
            ("POST", "/planning/new") => form(&[
                ("area", &place.area.to_string()),
                ("name", "x"),
                ("year", "2020"),
                ("criteria.agency", "KIEMTRA-CHUNG@1"),
                ("csrf", &csrf),
            ]),
            ("POST", "/planning/assignments/{id}") => form(&[
                ("act", "save"),
                ("reason", "x"),
                ("heads", ""),
                ("csrf", &csrf),
            ]),
            ("PUT", "/api/v1/assignments/{id}") => {
                Content::Json(json!({"heads": [], "reason": "x"}))
            }
            ("POST", "/records/{id}/join") => form(&[
                ("into", &place.unit.to_string()),
                ("reason", "x"),
                ("heads", ""),
                ("into_heads", ""),
                ("csrf", &csrf),
            ]),
            ("POST", "/records/{id}/separate") => {
                form(&[("reason", "x"), ("heads", ""), ("csrf", &csrf)])
            }
            ("POST", "/api/v1/records/{id}/join") => Content::Json(
                json!({"into": place.unit, "reason": "x", "heads": [], "into_heads": []}),
            ),
            ("POST", "/api/v1/records/{id}/separate") => {
                Content::Json(json!({"reason": "x", "heads": []}))
            }
            ("POST", "/admin/criteria/preview") => {
                let (media_type, body) = multipart(&[("csrf", &csrf)], "a.toml", b"x");
                Content::Bytes(media_type, body)
            }
            ("POST", "/admin/criteria") => form(&[
                ("csrf", &csrf),
                ("area", &place.area.to_string()),
                ("shipped", "NONE@1"),
                ("toml", ""),
            ]),
            ("POST", "/api/v1/criteria-sets/preview") => Content::Json(json!({"toml": "x"})),
            ("POST", "/units/import/preview") => {
                let area = place.area.to_string();
                let (media_type, body) = multipart(
                    &[("csrf", &csrf), ("area", &area)],
                    "a.csv",
                    UNITS.as_bytes(),
                );
                Content::Bytes(media_type, body)
            }
            ("POST", "/units/import") => form(&[
                ("csrf", &csrf),
                ("area", &place.area.to_string()),
                ("digest", "x"),
                ("file_name", "a.csv"),
                ("file", &URL_SAFE_NO_PAD.encode(UNITS)),
            ]),
            ("POST", "/api/v1/units/import" | "/api/v1/units/import/preview") => {
                Content::Bytes("text/csv".to_owned(), UNITS.as_bytes().to_vec())
            }
            ("POST", "/planning/{id}/assign") => {
                form(&[("unit", &place.unit.to_string()), ("csrf", &csrf)])
            }
            ("POST", "/admin/areas") => form(&[
                ("name", ""),
                ("level", "commune"),
                ("parent", ""),
                ("csrf", &csrf),
            ]),
            ("POST", "/admin/areas/{area}") => {
                form(&[("name", ""), ("parent", ""), ("csrf", &csrf)])
            }
            ("POST", "/admin/areas/{area}/merge") => {
                form(&[("into", &place.area.to_string()), ("csrf", &csrf)])
            }
            ("POST", "/admin/areas/{area}/split") => {
                form(&[("into", ""), ("name", ""), ("csrf", &csrf)])
            }
            ("PUT", "/api/v1/areas/{area}") => Content::Json(json!({"name": "", "parent": null})),
            ("POST", "/api/v1/areas/{area}/merge") => Content::Json(json!({"into": place.area})),
            ("POST", "/api/v1/areas/{area}/split") => Content::Json(json!({"units": []})),
            ("POST", "/admin/audit/check") => form(&[("anchor", ""), ("csrf", &csrf)]),
            ("POST", "/admin/retention/run") => form(&[("documents", "999"), ("csrf", &csrf)]),
            ("POST", "/admin/holds") => form(&[
                ("record", &place.inspection.to_string()),
                ("reason", "x"),
                ("csrf", &csrf),
            ]),
            ("POST", "/admin/recovery") => form(&[
                ("act", "approve"),
                ("changes", "999"),
                ("documents", ""),
                ("csrf", &csrf),
            ]),
            ("POST", route) if route.starts_with("/admin/") || route.starts_with("/account/") => {
                form(&[("csrf", &csrf)])
            }
            ("POST", "/records/{id}/findings") => form(&[
                ("text", "x"),
                ("reason", "x"),
                ("heads", ""),
                ("csrf", &csrf),
            ]),
            ("POST", "/records/{id}/findings/{finding}") => form(&[
                ("state", "open"),
                ("reason", "x"),
                ("heads", ""),
                ("csrf", &csrf),
            ]),
            ("POST", "/records/{id}/years/{year}") => {
                form(&[("reason", "x"), ("heads", ""), ("csrf", &csrf)])
            }
            ("POST", "/records/{id}/decide") => {
                form(&[("decision", "approved"), ("heads", ""), ("csrf", &csrf)])
            }
            ("POST", "/records/{id}/comments") => form(&[("text", "x"), ("csrf", &csrf)]),
            ("POST", "/records/{id}/field") => form(&[
                ("path", "place"),
                ("value", "x"),
                ("reason", "x"),
                ("heads", ""),
                ("csrf", &csrf),
            ]),
            ("POST", "/api/device/v1/enrol") => Content::Json(json!({})),
            ("POST", "/api/device/v1/actors") => Content::Json(json!({"actor": "no"})),
            ("PUT", "/api/device/v1/key") => Content::Json(json!({"key": "no", "proof": "no"})),
            ("POST", "/api/device/v1/wiped") => Content::Json(json!({})),
            ("POST", "/api/device/v1/exchange") => {
                Content::Cbor(wire::encode(&self.phone.request(Vec::new())))
            }
            ("POST", "/api/device/v1/reconcile") => {
                Content::Cbor(wire::encode(&wire::ReconcileRequest {
                    v: wire::PROTOCOL_VERSION,
                    epoch: self.phone.epoch,
                    area: place.area,
                    documents: Vec::new(),
                }))
            }
            ("POST", "/api/v1/session") => Content::Json(json!({"login": 5})),
            ("POST", "/api/v1/accounts") => Content::Json(
                json!({"login": format!("x{}", fresh_uuid()), "name": "x", "role": "officer", "areas": [place.area]}),
            ),
            ("PATCH", "/api/v1/accounts/{account}") => Content::Json(json!({"title": "Cán bộ"})),
            // Too short: that is found after it was found that one may.
            ("PUT", "/api/v1/session/password") => Content::Json(json!({"old": "x", "new": "y"})),
            ("POST", "/api/v1/areas") => Content::Json(json!({"name": "", "level": "commune"})),
            ("POST", "/api/v1/records/{id}/area") => Content::Json(json!({"area": place.area})),
            ("POST", "/api/v1/enrolment-codes") => Content::Json(json!({"account": place.officer})),
            ("POST", "/api/v1/units") => Content::Json(
                json!({"area": place.area, "fields": {"name": "A", "unit_kind": "agency"}}),
            ),
            ("POST", "/api/v1/records/{id}/edits") => {
                Content::Json(json!({"heads": [], "reason": "x", "edits": []}))
            }
            ("POST", "/api/v1/records/{id}/settle") => {
                Content::Json(json!({"path": "opinion", "value": "x", "heads": [], "reason": "x"}))
            }
            ("POST", "/api/v1/records/{id}/decisions") => {
                Content::Json(json!({"decision": "approved", "heads": []}))
            }
            ("POST", "/api/v1/records/{id}/comments") => Content::Json(json!({"text": "x"})),
            ("POST", "/api/v1/criteria-sets") => {
                Content::Json(json!({"area": place.area, "shipped": "T124-CD@1"}))
            }
            ("POST", "/api/v1/campaigns") => Content::Json(
                json!({"area": place.area, "name": "Đợt", "year": 2019, "sets": {"agency": set}}),
            ),
            ("POST", "/quarantine/import") => {
                let (media_type, body) = multipart(&[("csrf", &csrf)], "a.json", b"{}");
                Content::Bytes(media_type, body)
            }
            ("POST", "/quarantine/{id}/settle") => form(&[
                ("act", "dismiss"),
                ("reason", "x"),
                ("area", ""),
                ("csrf", &csrf),
            ]),
            ("POST", "/api/v1/quarantine/import") => Content::Json(
                json!({"format": "?", "exported_ms": 0, "device": null, "changes": []}),
            ),
            ("POST", "/api/v1/quarantine/{id}/take-over") => {
                Content::Json(json!({"reason": "x", "area": null}))
            }
            ("POST", "/api/v1/quarantine/{id}/dismiss") => Content::Json(json!({"reason": "x"})),
            ("PUT", "/api/v1/records/{id}/hold") => Content::Json(json!({"reason": "x"})),
            ("POST", "/api/v1/retention/run") => Content::Json(json!({"documents": 999})),
            ("POST", "/api/v1/recovery/approve") => Content::Json(json!({"changes": 999})),
            ("POST", "/api/v1/recovery/dismiss") => {
                Content::Json(json!({"documents": [], "reason": "x"}))
            }
            ("POST", "/api/v1/assignments") => {
                Content::Json(json!({"unit": place.unit, "campaign": place.campaign}))
            }
            _ => Content::Nothing,
        };
        (path, content)
    }
}

/// What must not be in the answer when the area is another one.
fn hidden_thing(place: &Place, method: &Method, route: &str) -> Option<Vec<u8>> {
    let text = match (method.as_str(), route) {
        ("POST", "/api/device/v1/exchange") => return Some(place.unit.as_bytes().to_vec()),
        (
            "GET",
            "/records"
            | "/api/v1/records"
            | "/api/v1/records/export"
            | "/report/records"
            | "/api/v1/report/records",
        ) => place.unit.to_string(),
        ("GET", "/planning") => place.campaign.clone(),
        ("GET", "/admin/criteria" | "/api/v1/criteria-sets") => place.criteria.clone(),
        ("GET", "/quarantine" | "/api/v1/quarantine") => place.refused.clone(),
        ("GET", "/api/v1/accounts" | "/admin/accounts") => place.officer.clone(),
        ("GET", "/api/v1/devices" | "/admin/devices") => place.device.clone(),
        ("GET", "/admin/areas") => place.area_name.to_owned(),
        ("GET", "/inbox" | "/units/import" | "/api/v1/areas" | "/api/device/v1/events") => {
            place.area.to_string()
        }
        _ => return None,
    };
    Some(text.into_bytes())
}

enum Content {
    Nothing,
    Json(Value),
    Cbor(Vec<u8>),
    Form(String),
    Bytes(String, Vec<u8>),
}

impl Content {
    fn bytes(&self) -> Option<Vec<u8>> {
        match self {
            Content::Nothing => None,
            Content::Json(value) => Some(value.to_string().into_bytes()),
            Content::Cbor(bytes) => Some(bytes.clone()),
            Content::Form(text) => Some(text.clone().into_bytes()),
            Content::Bytes(_, bytes) => Some(bytes.clone()),
        }
    }

    fn with_type(&self, request: RequestBuilder) -> RequestBuilder {
        let media_type = match self {
            Content::Nothing => return request,
            Content::Json(_) => "application/json",
            Content::Cbor(_) => wire::MEDIA_TYPE,
            Content::Form(_) => "application/x-www-form-urlencoded",
            Content::Bytes(media_type, _) => media_type,
        };
        request.header("content-type", media_type)
    }
}

/// A unit with an inspection, an officer and a device in an area.
async fn place(town: &Town, n: usize, area: AreaId) -> Place {
    let mut phone = town.phone(&format!("of-{n}"), &[area]).await;
    let unit = phone.unit(area, "Đơn vị");
    let unit_id = unit.document;
    let inspection = phone.inspection(area, unit_id);
    let inspection_id = inspection.document;
    phone.sync(vec![unit, inspection]).await;
    let junk = push(unit_id, Kind::Unit, area, vec![b"no change".to_vec()]);
    phone.send(&phone.request(vec![junk])).await;
    let listed = town
        .get(&town.admin, "/api/v1/quarantine")
        .await
        .expect(200)
        .to_string();
    let refused = listed
        .split('"')
        .find(|text| text.starts_with(&format!("{}.", phone.device)));
    let refused = refused.unwrap().to_owned();
    let attachment = Tus::new(town, &phone)
        .await
        .bring(unit_id, &photo(20))
        .await;
    let accounts = town.get(&town.admin, "/api/v1/accounts").await.expect(200);
    let officer = accounts
        .as_array()
        .unwrap()
        .iter()
        .find(|account| account["login"] == format!("of-{n}"));
    let set = json!({"area": town.district, "shipped": "KIEMTRA-CHUNG@1"});
    if n == 0 {
        town.post(&town.admin, "/api/v1/criteria-sets", set)
            .await
            .expect(201);
    }
    let set = json!({"criteria": "KIEMTRA-CHUNG@1", "window_start": "2019-01-01", "window_end": "2019-12-31"});
    let campaign = json!({"area": area, "name": "Đợt", "year": 2019, "sets": {"agency": set}});
    let campaign = town
        .post(&town.admin, "/api/v1/campaigns", campaign)
        .await
        .expect(201);
    let assignment = json!({"unit": unit_id, "campaign": campaign["id"]});
    let assignment = town
        .post(&town.admin, "/api/v1/assignments", assignment)
        .await
        .expect(201);
    let own = json!({"area": area, "shipped": (["T23-NT@1", "Q510@1"][n])});
    let own = town
        .post(&town.admin, "/api/v1/criteria-sets", own)
        .await
        .expect(201);
    let officer = officer.unwrap()["id"].as_str().unwrap().to_owned();
    let code = town
        .post(
            &town.admin,
            "/api/v1/enrolment-codes",
            json!({"account": officer}),
        )
        .await
        .expect(201);
    let text = |member: &str| code[member].as_str().unwrap().to_owned();
    Place {
        area,
        area_name: ["An Điền", "Thạnh Hải"][n],
        unit: unit_id,
        inspection: inspection_id,
        code: (text("id"), text("code")),
        officer,
        device: phone.device.clone(),
        attachment: attachment.to_string(),
        refused,
        phone,
        campaign: campaign["id"].as_str().unwrap().to_owned(),
        assignment: assignment["id"].as_str().unwrap().to_owned(),
        criteria: own["id"].as_str().unwrap().to_owned(),
    }
}

#[tokio::test]
async fn every_cell_of_the_table_is_as_it_says() {
    let world = World::new().await;
    let mut wrong = Vec::new();
    let mut cells = 0;
    for (method, route, row) in table() {
        for (caller, expected) in CALLERS.into_iter().zip(row) {
            let found = world.ask(caller, &method, &route).await;
            cells += 1;
            if found != expected {
                wrong.push(format!(
                    "{method} {route}, {caller}: {found:?}, the table says {expected:?}"
                ));
            }
        }
    }
    assert!(
        wrong.is_empty(),
        "{} of {cells} cells:\n{}",
        wrong.len(),
        wrong.join("\n")
    );
    println!("{cells} cells");
}

/// What the API calls the session of a token.
fn session_name(token: &str) -> String {
    use sha2::Digest as _;
    let name = sha2::Sha256::digest(sha2::Sha256::digest(token.as_bytes()));
    name.iter()
        .take(16)
        .map(|byte| format!("{byte:02x}"))
        .collect()
}
