//! The minutes (biên bản) of an inspection as they are printed: what the record says at one version, what that
//! version is worth, and a code that leads from the paper back to it.
//!
//! Nothing is decided for people here: where they differ every value is printed and said to be unsettled,
//! and what nobody recorded stays open, to be written by hand.

mod content;
mod paper;
mod version;

use std::sync::Arc;

use axum::{
    extract::{Path, State},
    http::header,
    response::{IntoResponse, Response},
};
use qrcode::{EcLevel, QrCode, render::svg};
use rusqlite::Connection;
use serde::{Deserialize, Serialize};
use sokiem_record::id::{DocumentId, Kind};
use utoipa::ToSchema;
use uuid::Uuid;

pub(crate) use content::{Content, Evidence, Item, Signer};
pub(crate) use paper::Paper;

use crate::{
    accounts::access::Caller,
    app::{App, Shared},
    audit::reads,
    http::{
        body::{Json, Parameters},
        problem::{Cause, Problem},
    },
    records::{heads, record},
};

/// The minutes of an inspection at one version.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Minutes {
    /// The inspection.
    pub(crate) id: Uuid,
    /// The version: the heads of its state.
    pub(crate) heads: Vec<String>,
    /// Whether it is the newest version.
    pub(crate) newest: bool,
    /// The version in short, as it stands on the paper.
    pub(crate) short: String,
    /// The address that the code on the paper holds.
    pub(crate) address: String,
    /// What the version is worth.
    pub(crate) paper: Paper,
    /// What it says.
    pub(crate) content: Content,
}

/// Which version.
#[derive(Clone, Debug, Default, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct Version {
    /// The heads of a version, whole or their first characters, joined by commas; empty for the newest.
    #[serde(default)]
    pub(crate) at: String,
}

/// Read the minutes of an inspection.
#[utoipa::path(get, path = "/api/v1/records/{id}/minutes", tag = "records", params(("id" = Uuid, Path, description = "The inspection"), Version),
    responses((status = 200, body = Minutes), (status = 404, description = "not-found: no such inspection"), (status = 422, description = "invalid: no such version")),
    security(("session" = [])))]
pub(crate) async fn get(
    State(app): Shared,
    caller: Caller,
    Path(id): Path<Uuid>,
    Parameters(version): Parameters<Version>,
) -> Result<Json<Minutes>, Problem> {
    let account = caller.account;
    let public_url = app.public_url.clone();
    let (area, minutes) = app
        .store
        .read(move |sql| {
            let row = record::find(sql, &caller, DocumentId(id))?;
            let minutes = read(sql, &caller, DocumentId(id), &version, &public_url)?;
            Ok::<_, Problem>((row.area, minutes))
        })
        .await?;
    reads::looked_at_record(&app, account, id, area, "minutes");
    Ok(Json(minutes))
}

fn read(
    sql: &Connection,
    caller: &Caller,
    id: DocumentId,
    asked: &Version,
    public_url: &str,
) -> Result<Minutes, Problem> {
    let (row, now) = record::open(sql, caller, id)?;
    if row.kind != Kind::Inspection {
        return Err(Problem::not_found().detail("Only inspections have minutes"));
    }
    let wanted = version::find(&now, &asked.at)?;
    let unknown = || Problem::invalid("at: not a version of this record");
    let then = match wanted == now.heads() {
        true => None,
        false => Some(
            now.at(&wanted)
                .filter(|then| then.heads() == wanted)
                .ok_or_else(unknown)?,
        ),
    };
    let document = then.as_ref().unwrap_or(&now);
    let short = version::short(&now, &wanted);
    Ok(Minutes {
        id: id.0,
        heads: heads::texts(&wanted),
        newest: then.is_none(),
        address: format!("{public_url}/records/{}/minutes?at={short}", id.0),
        short,
        paper: paper::of(sql, &row, &now, document)?,
        content: content::of(sql, caller, document)?,
    })
}

/// The code on the printed minutes: the address of this version as a QR code.
#[utoipa::path(get, path = "/records/{id}/minutes/code.svg", tag = "pages", params(("id" = Uuid, Path, description = "The inspection"), Version),
    responses((status = 200, content_type = "image/svg+xml", body = String), (status = 303, description = "Not signed in"), (status = 404, description = "not-found"),
        (status = 422, description = "invalid: no such version")))]
pub(crate) async fn code(
    State(app): Shared,
    caller: Caller,
    Path(id): Path<Uuid>,
    Parameters(version): Parameters<Version>,
) -> Result<Response, Problem> {
    let address = address(&app, caller, id, version).await?;
    let code = QrCode::with_error_correction_level(address.as_bytes(), EcLevel::M);
    let code = code.map_err(|error| {
        tracing::error!(%error, "no QR code");
        Problem::new(Cause::Internal)
    })?;
    let drawing = code
        .render::<svg::Color<'_>>()
        .min_dimensions(160, 160)
        .build();
    let headers = [
        (header::CONTENT_TYPE, "image/svg+xml"),
        (header::CACHE_CONTROL, "no-store"),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    ];
    Ok((headers, drawing).into_response())
}

async fn address(
    app: &Arc<App>,
    caller: Caller,
    id: Uuid,
    asked: Version,
) -> Result<String, Problem> {
    let short = app
        .store
        .read(move |sql| {
            let (row, now) = record::open(sql, &caller, DocumentId(id))?;
            if row.kind != Kind::Inspection {
                return Err(Problem::not_found());
            }
            let wanted = version::find(&now, &asked.at)?;
            Ok(version::short(&now, &wanted))
        })
        .await?;
    Ok(format!(
        "{}/records/{id}/minutes?at={short}",
        app.public_url
    ))
}
