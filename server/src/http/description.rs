//! The OpenAPI document: what each handler says of itself, and what holds for all of them: who may call, how a problem
//! is told, and what any request may be answered with.

use axum::http::StatusCode;
use serde_json::{Map, Value, json};

use crate::{accounts::policy, http::problem};

/// The groups of operations, as their tags name them.
const TAGS: &[(&str, &str)] = &[
    ("accounts", "People: accounts, sessions, the second factor"),
    ("areas", "Areas, and moving units between them"),
    (
        "attachments",
        "Photos and scans: uploads by the tus protocol, downloads",
    ),
    ("audit", "Who did what"),
    ("device", "What devices call: signed requests, CBOR"),
    ("devices", "Enrolling, looking after and revoking devices"),
    ("operation", "Health, metrics, and this document"),
    ("pages", "Pages for people, and the forms on them"),
    (
        "records",
        "Records: reading, correcting, deciding, exporting",
    ),
    ("recovery", "What comes back after a restore"),
    ("report", "The figures of the review"),
    ("retention", "What is purged when, and what is held"),
    ("webhooks", "Other systems that are told of events"),
];

/// What takes `records::list::Filter`: forms send what was left empty, and that means the same as leaving it out.
const LISTING_RECORDS: &[&str] = &[
    "/inbox",
    "/records",
    "/api/v1/records",
    "/api/v1/records/export",
];

/// Completes what `utoipa` gathered.
pub(super) fn complete(mut api: Value) -> Value {
    let tags = TAGS
        .iter()
        .map(|(name, text)| json!({"name": name, "description": text}));
    if let Some(api) = api.as_object_mut() {
        api.insert("tags".to_owned(), tags.collect());
        let servers = json!([{"url": "/", "description": "This server"}]);
        api.insert("servers".to_owned(), servers);
    }
    if let Some(schemas) = schemas(&mut api) {
        schemas.insert("Problem".to_owned(), problem_schema());
    }
    numbers(&mut api);
    prune(&mut api);
    let paths = api.get_mut("paths").and_then(Value::as_object_mut);
    for (route, item) in paths.into_iter().flatten() {
        for (method, operation) in item.as_object_mut().into_iter().flatten() {
            if let Some(operation) = operation.as_object_mut() {
                describe(method, route, operation);
            }
        }
    }
    api
}

fn schemas(api: &mut Value) -> Option<&mut Map<String, Value>> {
    api.pointer_mut("/components/schemas")?.as_object_mut()
}

/// Says how large numbers may be that have no sign. `utoipa` calls them by the name of the signed ones.
fn numbers(schema: &mut Value) {
    if let Some(object) = schema.as_object_mut() {
        let most = match object.get("format").and_then(Value::as_str) {
            Some("int32") => u64::from(u32::MAX),
            _ => u64::MAX,
        };
        let unsigned = object.get("minimum") == Some(&json!(0)) && object.contains_key("format");
        if unsigned && !object.contains_key("maximum") {
            object.remove("format");
            object.insert("maximum".to_owned(), json!(most));
        }
    }
    match schema {
        Value::Object(object) => object.values_mut().for_each(numbers),
        Value::Array(all) => all.iter_mut().for_each(numbers),
        _ => {}
    }
}

/// Takes away schemas that nothing refers to.
fn prune(api: &mut Value) {
    loop {
        let text = api.to_string();
        let Some(schemas) = schemas(api) else {
            return;
        };
        let before = schemas.len();
        schemas.retain(|name, _| {
            name == "Problem" || text.contains(&format!("\"#/components/schemas/{name}\""))
        });
        if schemas.len() == before {
            return;
        }
    }
}

/// RFC 9457, as this server fills it.
fn problem_schema() -> Value {
    json!({
        "type": "object",
        "description": "What is wrong (RFC 9457). Some problems have members of their own besides.",
        "required": ["type", "title", "status", "detail", "detail_vi"],
        "properties": {
            "type": {"type": "string", "description": "`/problems/` and the name that the descriptions of answers use"},
            "title": {"type": "string", "description": "The kind of problem, in English"},
            "status": {"type": "integer", "description": "The HTTP status"},
            "detail": {"type": "string", "description": "What exactly is wrong, in English"},
            "detail_vi": {"type": "string", "description": "What to tell a person, in Vietnamese"},
        },
    })
}

fn describe(method: &str, route: &str, operation: &mut Map<String, Value>) {
    let mut name: Vec<&str> = route
        .split(['/', '{', '}', '.'])
        .filter(|part| !part.is_empty())
        .collect();
    // A folder is another operation than what leads to it.
    if !name.is_empty() && route.ends_with('/') {
        name.push("index");
    }
    let name = if name.is_empty() {
        "root".to_owned()
    } else {
        name.join("-")
    };
    operation.insert("operationId".to_owned(), json!(format!("{method}-{name}")));
    if LISTING_RECORDS.contains(&route) {
        allow_empty(operation);
    }
    let Some(access) = policy::described(method, route) else {
        return;
    };
    let who = access.get("who").and_then(Value::as_str);
    let who = who.unwrap_or_default().to_owned();
    operation.insert("x-access".to_owned(), access);
    let security = match who.as_str() {
        "session" if method == "get" => json!([{"session": []}, {"cookie": []}]),
        "session" => json!([{"session": []}, {"cookie": [], "csrf": []}]),
        "page" => json!([{"cookie": []}, {"session": []}]),
        "device" => json!([{"device": []}]),
        "upload" => json!([{"upload": []}]),
        _ => json!([]),
    };
    operation.insert("security".to_owned(), security);
    if who == "upload" {
        let version = json!({"name": "Tus-Resumable", "in": "header", "required": true,
            "description": "The version of the tus protocol", "schema": {"type": "string", "const": "1.0.0"}});
        let parameters = operation.entry("parameters").or_insert_with(|| json!([]));
        if let Some(parameters) = parameters.as_array_mut() {
            parameters.push(version);
        }
    }
    let has_body = operation.contains_key("requestBody");
    let has_input = operation
        .get("parameters")
        .and_then(Value::as_array)
        .is_some_and(|all| !all.is_empty());
    let responses = operation.entry("responses").or_insert_with(|| json!({}));
    let Some(responses) = responses.as_object_mut() else {
        return;
    };
    for (status, text) in any_answer(&who, has_body, has_input) {
        responses
            .entry(status.as_str())
            .or_insert_with(|| json!({"description": text}));
    }
    for (status, response) in responses {
        let Some(response) = response.as_object_mut() else {
            continue;
        };
        let description = response.get("description").and_then(Value::as_str);
        if description.is_none_or(str::is_empty) {
            let text = if who == "page" { "The page" } else { "Done" };
            response.insert("description".to_owned(), json!(text));
        }
        if status.as_str() >= "400" {
            tell(who == "page", status, response);
        }
    }
}

fn allow_empty(operation: &mut Map<String, Value>) {
    let parameters = operation
        .get_mut("parameters")
        .and_then(Value::as_array_mut);
    for parameter in parameters.into_iter().flatten() {
        let Some(parameter) = parameter.as_object_mut() else {
            continue;
        };
        let name = parameter.get("name").and_then(Value::as_str);
        if !matches!(name, Some("sort" | "format")) {
            parameter.insert("allowEmptyValue".to_owned(), json!(true));
        }
    }
}

/// What an operation may answer for reasons that are not its own.
fn any_answer(who: &str, has_body: bool, has_input: bool) -> Vec<(StatusCode, &'static str)> {
    let mut answers = vec![
        (StatusCode::REQUEST_TIMEOUT, "timed-out"),
        (StatusCode::INTERNAL_SERVER_ERROR, "internal"),
        (StatusCode::SERVICE_UNAVAILABLE, "unavailable"),
    ];
    match who {
        "session" => {
            answers.push((
                StatusCode::UNAUTHORIZED,
                "credential-missing, credential-invalid, credential-expired",
            ));
            answers.push((
                StatusCode::FORBIDDEN,
                "forbidden, password-given, second-factor-required",
            ));
        }
        "page" => {
            answers.push((StatusCode::SEE_OTHER, "Not signed in: to the page for that"));
            answers.push((StatusCode::FORBIDDEN, "forbidden"));
        }
        "device" => {
            answers.push((
                StatusCode::UNAUTHORIZED,
                "signature-missing, signature-invalid, signature-stale, signature-replayed",
            ));
            answers.push((StatusCode::FORBIDDEN, "device-revoked"));
        }
        "upload" => {
            answers.push((
                StatusCode::UNAUTHORIZED,
                "credential-missing, credential-invalid, credential-expired",
            ));
            answers.push((StatusCode::PRECONDITION_FAILED, "tus-version"));
        }
        _ => {}
    }
    if has_body || has_input {
        answers.push((StatusCode::BAD_REQUEST, "malformed-query, malformed-body"));
        answers.push((StatusCode::UNPROCESSABLE_ENTITY, "invalid"));
    }
    if has_body {
        answers.push((StatusCode::PAYLOAD_TOO_LARGE, "body-too-large"));
        answers.push((StatusCode::UNSUPPORTED_MEDIA_TYPE, "unsupported-media-type"));
    }
    answers
}

/// How a problem looks: a page for people, else a problem document.
fn tell(page: bool, status: &str, response: &mut Map<String, Value>) {
    response.entry("content").or_insert_with(|| {
        if page {
            json!({"text/html": {"schema": {"type": "string"}}})
        } else {
            json!({problem::MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}})
        }
    });
    if matches!(status, "429" | "503") {
        response.entry("headers").or_insert_with(|| {
            json!({"Retry-After": {"description": "Seconds until trying again makes sense", "schema": {"type": "integer"}}})
        });
    }
}
