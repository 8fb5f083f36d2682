//! Lists of records, with search.

use axum::{extract::State, response::Response};
use serde_json::Value;

use super::layout::{Visitor, escaped, items, page, text, word};
use crate::{
    app::Shared,
    http::{
        body::{Json, Parameters},
        problem::{Cause, Problem},
    },
    records::list::{Filter, list},
};

/// A list of records as a page.
#[utoipa::path(get, path = "/records", tag = "pages", params(Filter),
    responses((status = 200, content_type = "text/html", body = String), (status = 303, description = "Not signed in")))]
pub(crate) async fn show(
    State(app): Shared,
    visitor: Visitor,
    Parameters(filter): Parameters<Filter>,
) -> Result<Response, Problem> {
    let query = filter.query();
    let words = escaped(filter.words());
    let kind = escaped(filter.kind());
    let Json(answer) = list(State(app), visitor.caller.clone(), Parameters(filter)).await?;
    let answer = serde_json::to_value(answer).map_err(|_| Problem::new(Cause::Internal))?;
    let rows: String = items(&answer, "records").map(row).collect();
    let next = answer.get("next").and_then(Value::as_str).map_or_else(String::new, |next| {
        format!("<p><a href=\"/records?{query}after={next}\">Trang sau <small lang=\"en\">Next page</small></a></p>")
    });
    let body = format!(
        "<form method=\"get\" action=\"/records\"><input type=\"hidden\" name=\"kind\" value=\"{kind}\">\
         <input name=\"q\" value=\"{words}\" placeholder=\"Tìm, có dấu hoặc không dấu\"> <button>Tìm <small lang=\"en\">Search</small></button></form>\
         <p></p><table><tr><th>Tên <small lang=\"en\">Name</small></th><th>Ngày <small lang=\"en\">Day</small></th>\
         <th>Tình trạng <small lang=\"en\">State</small></th><th>Quyết định <small lang=\"en\">Decision</small></th>\
         <th>Khác nhau <small lang=\"en\">Differences</small></th></tr>{rows}</table>{next}"
    );
    Ok(page("Hồ sơ", Some(&visitor), &body))
}

fn row(record: &Value) -> String {
    let id = text(record, "id");
    let names = [text(record, "title"), text(record, "subject_title")];
    let name = names
        .into_iter()
        .filter(|name| !name.is_empty())
        .collect::<Vec<_>>()
        .join(" · ");
    let name = if name.is_empty() { id } else { name.as_str() };
    let conflicts = record.get("conflicts").and_then(Value::as_u64).unwrap_or(0);
    let (class, conflicts) = if conflicts > 0 {
        (" class=\"clash\"", conflicts.to_string())
    } else {
        ("", String::new())
    };
    format!(
        "<tr{class}><td><a href=\"/records/{id}\">{}</a> <small>{}</small></td><td>{}</td><td>{}</td><td>{}</td><td class=\"n\">{conflicts}</td></tr>",
        escaped(name),
        word(text(record, "kind")),
        word(text(record, "date")),
        word(text(record, "state")),
        word(text(record, "review"))
    )
}
