//! One record: what it says, where people differ, what happened.

use axum::{
    Form,
    extract::{Path, State},
    http::HeaderMap,
    response::{IntoResponse, Redirect, Response},
};
use serde::Deserialize;
use serde_json::{Value, json};
use sokiem_record::words;
use utoipa::ToSchema;
use uuid::Uuid;

use super::layout::{Visitor, escaped, items, page, shown, text, time, word};
use crate::{
    accounts::access::{Role, by_form},
    app::Shared,
    http::{
        body::Json,
        problem::{Cause, Problem},
    },
    records::{change, record},
};

/// One record as a page.
#[utoipa::path(get, path = "/records/{id}", tag = "pages", params(("id" = Uuid, Path, description = "The record")),
    responses((status = 200, content_type = "text/html", body = String), (status = 303, description = "Not signed in"), (status = 404, description = "not-found")))]
pub(crate) async fn show(
    State(app): Shared,
    visitor: Visitor,
    Path(id): Path<Uuid>,
) -> Result<Response, Problem> {
    let caller = &visitor.caller;
    let Json(answer) = record::get(State(app.clone()), caller.clone(), Path(id)).await?;
    let Json(conflicts) = record::conflicts(State(app.clone()), caller.clone(), Path(id)).await?;
    let Json(history) = record::history(State(app), caller.clone(), Path(id)).await?;
    let internal = |_| Problem::new(Cause::Internal);
    let answer = serde_json::to_value(answer).map_err(internal)?;
    let conflicts = serde_json::to_value(conflicts).map_err(internal)?;
    let history = serde_json::to_value(history).map_err(internal)?;
    let heads: Vec<&str> = items(&answer, "heads").filter_map(Value::as_str).collect();
    let fields = answer.get("fields").unwrap_or(&Value::Null);
    let title = [
        text(fields, "name"),
        text(fields, "number"),
        words::names(text(&answer, "kind")).map_or("", |(vi, _)| vi),
    ];
    let title = title
        .into_iter()
        .find(|title| !title.is_empty())
        .unwrap_or_default();
    let mut body = review(&answer);
    for conflict in conflicts.as_array().into_iter().flatten() {
        body.push_str(&difference(id, conflict, &heads.join(" "), &visitor));
    }
    body.push_str("<h2>Nội dung <small lang=\"en\">Content</small></h2><table>");
    leaves("", fields, &mut body);
    body.push_str("</table><h2>Lịch sử <small lang=\"en\">History</small></h2><table>");
    for entry in history.as_array().into_iter().flatten() {
        body.push_str(&change_row(entry));
    }
    body.push_str("</table>");
    Ok(page(title, Some(&visitor), &body))
}

fn review(answer: &Value) -> String {
    let Some(review) = answer.get("review").filter(|review| !review.is_null()) else {
        return String::new();
    };
    let changed = if review.get("changed_since") == Some(&Value::Bool(true)) {
        " <strong class=\"clash\">Có thay đổi sau quyết định <small lang=\"en\">changed since</small></strong>"
    } else {
        ""
    };
    format!(
        "<p>Quyết định <small lang=\"en\">Decision</small>: <strong>{}</strong> {} {}{changed}</p>",
        word(text(review, "decision")),
        time(review.get("decided_ms").unwrap_or(&Value::Null)),
        escaped(text(review, "reason"))
    )
}

fn who(said: &Value) -> String {
    let by = said.get("by").unwrap_or(&Value::Null);
    let name = if by.get("planned") == Some(&Value::Bool(true)) {
        "kế hoạch"
    } else {
        text(by, "name")
    };
    format!(
        "{} <small>{} {}</small>",
        escaped(name),
        escaped(text(by, "device_name")),
        time(said.get("time_ms").unwrap_or(&Value::Null))
    )
}

/// A field in which people differ, with a form for those who may settle.
fn difference(id: Uuid, conflict: &Value, heads: &str, visitor: &Visitor) -> String {
    let path = escaped(text(conflict, "path"));
    let settles = visitor.caller.role >= Role::Supervisor;
    let choices: String = items(conflict, "alternatives")
        .map(|said| {
            let value = said.get("value").unwrap_or(&Value::Null);
            let radio = if settles {
                format!(
                    "<input type=\"radio\" name=\"value\" value=\"{}\" required> ",
                    escaped(&value.to_string())
                )
            } else {
                String::new()
            };
            format!(
                "<li><label>{radio}<strong>{}</strong> — {}</label></li>",
                shown(value),
                who(said)
            )
        })
        .collect();
    let decide = if settles {
        "<input name=\"reason\" required size=\"50\" placeholder=\"Lý do\"> <button>Chọn giá trị này <small lang=\"en\">Settle</small></button>"
    } else {
        ""
    };
    format!(
        "<form method=\"post\" action=\"/records/{id}/settle\" class=\"clash\"><h3>Khác nhau: {path}</h3><ul>{choices}</ul>\
         <input type=\"hidden\" name=\"path\" value=\"{path}\"><input type=\"hidden\" name=\"heads\" value=\"{heads}\">\
         <input type=\"hidden\" name=\"csrf\" value=\"{}\">{decide}</form>",
        visitor.csrf
    )
}

/// Every value of the record with its path.
fn leaves(path: &str, value: &Value, out: &mut String) {
    match value {
        Value::Object(fields) => {
            for (name, value) in fields {
                let path = if path.is_empty() {
                    name.clone()
                } else {
                    format!("{path}/{name}")
                };
                leaves(&path, value, out);
            }
        }
        Value::Null => {}
        Value::String(text) if text.is_empty() => {}
        value => out.push_str(&format!(
            "<tr><td><code>{}</code></td><td>{}</td></tr>",
            escaped(path),
            shown(value)
        )),
    }
}

fn change_row(entry: &Value) -> String {
    let fields: String = items(entry, "fields")
        .map(|field| {
            let after = shown(field.get("after").unwrap_or(&Value::Null));
            format!(
                "<code>{}</code> → {after}<br>",
                escaped(text(field, "path"))
            )
        })
        .collect();
    let received = time(entry.get("received_ms").unwrap_or(&Value::Null));
    format!(
        "<tr><td>{}<br><small>máy chủ nhận {received}</small></td><td>{fields}<em>{}</em></td></tr>",
        who(entry),
        escaped(text(entry, "reason"))
    )
}

/// The form that settles a difference.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Settlement {
    path: String,
    /// JSON.
    value: String,
    reason: String,
    /// The heads that were shown, joined by spaces.
    heads: String,
    csrf: String,
}

/// Settle a difference by form.
#[utoipa::path(post, path = "/records/{id}/settle", tag = "pages", params(("id" = Uuid, Path, description = "The record")),
    request_body(content = Settlement, content_type = "application/x-www-form-urlencoded"),
    responses((status = 303, description = "Settled: to the record"), (status = 409, description = "stale"), (status = 422, description = "invalid")))]
pub(crate) async fn settle(
    State(app): Shared,
    headers: HeaderMap,
    Path(id): Path<Uuid>,
    Form(form): Form<Settlement>,
) -> Result<Response, Problem> {
    let caller = by_form(&app, &headers, &form.csrf).await?;
    let value: Value =
        serde_json::from_str(&form.value).map_err(|_| Problem::invalid("value: JSON"))?;
    let heads: Vec<&str> = form.heads.split_whitespace().collect();
    let body = json!({"path": form.path, "value": value, "reason": form.reason, "heads": heads});
    let body = serde_json::from_value(body).map_err(|_| Problem::new(Cause::Internal))?;
    change::settle(State(app), caller, Path(id), Json(body)).await?;
    Ok(Redirect::to(&format!("/records/{id}")).into_response())
}
