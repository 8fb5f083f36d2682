//! Previewing and importing a list of units over the API. Pages call the same functions.

use std::sync::Arc;

use axum::{
    body::Body,
    extract::State,
    http::{HeaderMap, StatusCode},
    response::{IntoResponse, Response},
};
use serde::{Deserialize, Serialize};
use sokiem_record::{
    id::{AreaId, DocumentId, Kind},
    schema,
};
use utoipa::ToSchema;
use uuid::Uuid;

use super::{
    MOST_BYTES,
    line::{self, List},
    plan::{self, Outcome, Planned, Preview},
    table, template, too_large,
};
use crate::{
    accounts::access::Caller,
    app::{App, Shared},
    audit::{self, Action, Entry},
    error::Error,
    export::file,
    http::{
        body::{self, Json, Parameters},
        problem::{Cause, Problem},
    },
    secret,
    store::Writing,
    sync::author::{self, Pen},
};

/// Where lines lie that name no area.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct Where {
    /// The area of lines that name none.
    #[serde(default, deserialize_with = "body::unless_empty")]
    area: Option<Uuid>,
}

/// Which plan is to be carried out.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct Asked {
    /// The area of lines that name none, as it was for the preview.
    #[serde(default, deserialize_with = "body::unless_empty")]
    area: Option<Uuid>,
    /// The digest of the preview.
    digest: String,
}

/// What an import did.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = ImportedUnits)]
pub(crate) struct Imported {
    /// The units that were made, in the order of their lines.
    pub(crate) made: Vec<Uuid>,
    /// How many were there already.
    pub(crate) there: usize,
}

/// Say what an import of this file would do, line by line. Nothing is written.
#[utoipa::path(post, path = "/api/v1/units/import/preview", tag = "records", params(Where),
    request_body(content((Vec<u8> = "text/csv"), (Vec<u8> = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"))),
    responses((status = 200, body = Preview), (status = 400, description = "malformed-body"), (status = 403, description = "forbidden"),
        (status = 413, description = "body-too-large"), (status = 415, description = "unsupported-media-type"), (status = 422, description = "invalid: the file can't be read as a list of units")),
    security(("session" = [])))]
pub(crate) async fn preview(
    State(app): Shared,
    caller: Caller,
    Parameters(query): Parameters<Where>,
    headers: HeaderMap,
    body: Body,
) -> Result<Json<Preview>, Problem> {
    let bytes = sent(&headers, body).await?;
    previewed(&app, caller, query.area, bytes).await.map(Json)
}

/// Carry out exactly the plan that was previewed: all of it or nothing.
#[utoipa::path(post, path = "/api/v1/units/import", tag = "records", params(Asked),
    request_body(content((Vec<u8> = "text/csv"), (Vec<u8> = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"))),
    responses((status = 201, body = Imported), (status = 400, description = "malformed-body"), (status = 403, description = "forbidden"),
        (status = 409, description = "stale: the import would now do something else than was previewed"),
        (status = 413, description = "body-too-large"), (status = 415, description = "unsupported-media-type"),
        (status = 422, description = "invalid: something is wrong in the file")),
    security(("session" = [])))]
pub(crate) async fn import(
    State(app): Shared,
    caller: Caller,
    Parameters(query): Parameters<Asked>,
    headers: HeaderMap,
    body: Body,
) -> Result<(StatusCode, Json<Imported>), Problem> {
    let bytes = sent(&headers, body).await?;
    let imported = carry_out(&app, caller, query.area, query.digest, bytes).await?;
    Ok((StatusCode::CREATED, Json(imported)))
}

/// Which template.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct AsFile {
    #[param(inline)]
    format: template::Format,
}

/// A template for a list of units: the heading, an example, and in a workbook what every column is.
#[utoipa::path(get, path = "/api/v1/units/import/template", tag = "records", params(AsFile),
    responses((status = 200, description = "The template", content(
        (String = "text/csv"), (Vec<u8> = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"))),
        (status = 400, description = "malformed-query"), (status = 403, description = "forbidden")),
    security(("session" = [])))]
pub(crate) async fn template(
    _: Caller,
    Parameters(query): Parameters<AsFile>,
) -> Result<Response, Problem> {
    let answer = match query.format {
        template::Format::Csv => file::answer("mau-don-vi.csv", file::CSV, template::csv()),
        template::Format::Xlsx => file::answer("mau-don-vi.xlsx", file::XLSX, template::xlsx()?),
    };
    Ok(answer.into_response())
}

/// The file in a body. What it is is seen from its bytes; the type that is sent is only kept to those that files have.
async fn sent(headers: &HeaderMap, body: Body) -> Result<Vec<u8>, Problem> {
    let known = [
        "text/csv",
        "text/plain",
        "application/octet-stream",
        "application/vnd.ms-excel",
        file::XLSX,
    ];
    let media_type = body::media_type(headers);
    if !known
        .iter()
        .any(|known| media_type.eq_ignore_ascii_case(known))
    {
        return Err(Problem::new(Cause::UnsupportedMediaType).detail(format!(
            "The content type must be text/csv or {}",
            file::XLSX
        )));
    }
    match body::read(body, MOST_BYTES).await {
        Ok(bytes) => Ok(bytes.to_vec()),
        Err(problem) if problem.cause() == Cause::BodyTooLarge => Err(too_large()),
        Err(problem) => Err(problem),
    }
}

/// Reads a file, away from the threads that serve requests.
async fn list(bytes: Vec<u8>) -> Result<List, Problem> {
    tokio::task::spawn_blocking(move || table::read(&bytes).and_then(line::read))
        .await
        .unwrap_or_else(|_| {
            tracing::error!("reading a list of units panicked");
            Err(super::refused(
                "The file can't be read",
                "Không đọc được tệp này.",
            ))
        })
}

/// What an import of a file would do.
pub(crate) async fn previewed(
    app: &Arc<App>,
    caller: Caller,
    area: Option<Uuid>,
    bytes: Vec<u8>,
) -> Result<Preview, Problem> {
    let list = list(bytes).await?;
    app.store
        .read(move |sql| plan::plan(sql, &caller, area, &list))
        .await
}

/// Imports a file, if that is still what was previewed.
pub(crate) async fn carry_out(
    app: &Arc<App>,
    caller: Caller,
    area: Option<Uuid>,
    digest: String,
    bytes: Vec<u8>,
) -> Result<Imported, Problem> {
    let of_file = secret::hex(&secret::digest(&bytes));
    let list = list(bytes).await?;
    let pen = caller.pen(app);
    app.store
        .write(move |writing| {
            let preview = plan::plan(writing.sql, &caller, area, &list)?;
            expect_as_seen(&preview, &digest)?;
            let units = preview
                .lines
                .into_iter()
                .filter(|line| line.outcome == Outcome::New);
            let made: Vec<Uuid> = units
                .map(|line| make(writing, pen, line))
                .collect::<Result<_, Problem>>()?;
            let entry = Entry::new(Action::UnitsImported).by(caller.account);
            let entry = entry.on("file", of_file).detail("made", made.len());
            audit::note(writing, entry.detail("there", preview.there))?;
            Ok(Imported {
                made,
                there: preview.there,
            })
        })
        .await
}

fn expect_as_seen(preview: &Preview, digest: &str) -> Result<(), Problem> {
    if preview.digest != digest {
        return Err(Problem::new(Cause::Stale)
            .detail("The import would now do something else than was previewed: preview it again")
            .vietnamese("Dữ liệu đã thay đổi từ lúc xem trước: hãy xem trước lại rồi nhập."));
    }
    if preview.wrong > 0 {
        return Err(Problem::invalid(format!(
            "Something is wrong in {} lines: the preview says what",
            preview.wrong
        ))
        .vietnamese(format!(
            "Có {} dòng sai: xem trước để biết sai chỗ nào.",
            preview.wrong
        )));
    }
    Ok(())
}

/// Makes the unit of a line.
fn make(writing: &Writing<'_>, pen: Pen, line: Planned) -> Result<Uuid, Problem> {
    let id = DocumentId(writing.machine.new_id()?);
    let area = line.area.map(AreaId).ok_or(Error::Unreadable("area"))?;
    let known = schema::fields(Kind::Unit).iter();
    let fields: Vec<_> = known
        .filter_map(|(name, _)| Some((*name, line.fields.get(*name)?.clone())))
        .collect();
    author::begin(writing, pen, area, id, Kind::Unit, &fields, &[])?;
    let entry = Entry::new(Action::RecordMade).by(pen.account);
    audit::note(writing, entry.on("unit", id).area(area))?;
    Ok(id.0)
}
