//! Who wrote each value and each part of a merged text.

use std::collections::BTreeMap;

use axum::extract::{Path, State};
use rusqlite::Connection;
use serde::Serialize;
use sokiem_record::{document::Document, id::DocumentId, reading::Provenance};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::{
    accounts::access::Caller,
    app::Shared,
    audit::reads,
    error::Error,
    http::{
        body::{Json, Parameters},
        problem::Problem,
    },
    records::{
        at::At,
        heads,
        names::Writer,
        record::{self, Alternative},
        said::Said,
    },
};

/// Who wrote what a record says.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Attribution {
    /// The state that is told about.
    pub(crate) heads: Vec<String>,
    /// By path: every single-valued field that somebody set, with its live values, the one that is shown first.
    pub(crate) values: BTreeMap<String, Vec<Alternative>>,
    /// By path: every merging text that is not empty, part by part.
    pub(crate) texts: BTreeMap<String, Vec<Part>>,
    /// By path: every element of a collection, with who added it.
    pub(crate) elements: BTreeMap<String, Written>,
}

/// A stretch of a merging text that one change wrote.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = TextPart)]
pub(crate) struct Part {
    /// The characters.
    pub(crate) text: String,
    /// Who wrote them.
    #[serde(flatten)]
    pub(crate) written: Written,
}

/// Who wrote something, and when.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(crate) struct Written {
    /// The change that wrote it.
    pub(crate) hash: String,
    /// Who.
    pub(crate) by: Writer,
    /// When by their clock.
    pub(crate) time_ms: i64,
    /// When the server received it.
    pub(crate) received_ms: Option<i64>,
    /// Why, where somebody said so.
    pub(crate) reason: Option<String>,
}

/// Who wrote each value and each part of a merged text.
#[utoipa::path(get, path = "/api/v1/records/{id}/attribution", tag = "records",
    params(("id" = Uuid, Path, description = "The record"), At),
    responses((status = 200, body = Attribution), (status = 404, description = "not-found"), (status = 422, description = "invalid: not a state of this record")),
    security(("session" = [])))]
pub(crate) async fn get(
    State(app): Shared,
    caller: Caller,
    Path(id): Path<Uuid>,
    Parameters(at): Parameters<At>,
) -> Result<Json<Attribution>, Problem> {
    let account = caller.account;
    let (area, attribution) = app
        .store
        .read(move |sql| {
            let (row, document) = record::open(sql, &caller, DocumentId(id))?;
            let then = at.of(&document)?;
            let said = attribute(sql, then.as_ref().unwrap_or(&document))?;
            Ok::<_, Problem>((row.area, said))
        })
        .await?;
    reads::looked_at_record(&app, account, id, area, "attribution");
    Ok(Json(attribution))
}

/// Who wrote what a document says.
pub(crate) fn attribute(sql: &Connection, document: &Document) -> Result<Attribution, Error> {
    let said = Said::of(sql, document.id())?;
    let found = document.attribution();
    let written = |by: Provenance| Written {
        hash: by.hash.to_string(),
        by: said.names.writer(by.actor),
        time_ms: by.time_ms,
        received_ms: said.received_ms.get(&by.hash).copied(),
        reason: by.reason,
    };
    let values = found.values.into_iter();
    let texts = found.texts.into_iter();
    let elements = found.elements.into_iter();
    Ok(Attribution {
        heads: heads::texts(&document.heads()),
        values: values
            .map(|(path, live)| (path.to_string(), said.alternatives(live)))
            .collect(),
        texts: texts
            .map(|(path, parts)| {
                let parts = parts.into_iter().map(|part| Part {
                    text: part.text,
                    written: written(part.provenance),
                });
                (path.to_string(), parts.collect())
            })
            .collect(),
        elements: elements
            .map(|(path, by)| (path.to_string(), written(by)))
            .collect(),
    })
}
