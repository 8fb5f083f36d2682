//! Units from a file: the form, what would happen line by line, and doing it.
//!
//! Between preview and import nothing is kept on the server: the page carries the file, and the digest of the plan that
//! was shown, back to it.

use askama::Template;
use axum::{
    Form,
    extract::{Multipart, State},
    http::{HeaderMap, StatusCode},
    response::{IntoResponse, Redirect, Response},
};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use serde::Deserialize;
use sokiem_record::{id::Kind, labels, schema};
use utoipa::ToSchema;
use uuid::Uuid;

use super::{
    admin::areas::{self, Branch, chosen},
    frame::{self, Frame, Visitor},
    shown::Shown,
    upload::{self, Sent},
};
use crate::{
    accounts::access::by_form,
    app::Shared,
    http::{
        body::Parameters,
        problem::{Cause, Problem},
    },
    records::import::{
        MOST_BYTES, MOST_LINES,
        columns::{self, Column},
        endpoint,
        plan::{Outcome, Planned, Preview},
        too_large,
    },
};

/// What was imported last, to be told.
#[derive(Debug, Default, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct Done {
    /// How many units were made.
    made: Option<u32>,
    /// How many were there already.
    there: Option<u32>,
}

#[derive(Template)]
#[template(path = "unit_import.html")]
struct Page<'a> {
    frame: Frame<'a>,
    csrf: &'a str,
    areas: Vec<Branch>,
    columns: Vec<&'static Column>,
    done: Done,
}

impl Page<'_> {
    fn most_kib(&self) -> usize {
        MOST_BYTES / 1024
    }

    fn most_lines(&self) -> usize {
        MOST_LINES
    }
}

/// The form for a list of units.
#[utoipa::path(get, path = "/units/import", tag = "pages", params(Done),
    responses((status = 200, content_type = "text/html", body = String), (status = 303, description = "Not signed in"), (status = 403, description = "forbidden")))]
pub(crate) async fn show(
    State(app): Shared,
    visitor: Visitor,
    Parameters(done): Parameters<Done>,
) -> Result<Response, Problem> {
    let areas = areas::own(app, &visitor).await?;
    frame::page(&Page {
        frame: Frame::of(&visitor),
        csrf: &visitor.csrf,
        areas,
        columns: columns::all()
            .iter()
            .filter(|column| column.in_template)
            .collect(),
        done,
    })
}

/// The form with a file.
#[derive(ToSchema, Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(
    dead_code,
    reason = "the shape of a multipart form, for the API's description"
)]
#[schema(as = ChosenUnits)]
pub(crate) struct Chosen {
    csrf: String,
    /// The area of lines that name none; empty for none.
    area: String,
    #[schema(value_type = String, format = Binary)]
    file: Vec<u8>,
}

/// A line as the preview shows it.
struct Line {
    planned: Planned,
    kind: Shown,
    /// The other fields: label and value.
    rest: Vec<(String, Shown)>,
}

#[derive(Template)]
#[template(path = "unit_preview.html")]
struct PreviewPage<'a> {
    frame: Frame<'a>,
    csrf: &'a str,
    areas: Vec<Branch>,
    area: String,
    file_name: String,
    /// The file itself, carried on to the import.
    file: String,
    preview: Preview,
    lines: Vec<Line>,
    /// The import was asked for, and things have changed since it was previewed.
    is_stale: bool,
}

impl PreviewPage<'_> {
    fn outcome(outcome: &Outcome) -> (&'static str, &'static str) {
        match outcome {
            Outcome::New => ("mới", "new"),
            Outcome::There => ("đã có", "already there"),
            Outcome::Wrong => ("sai", "wrong"),
            Outcome::Example => ("dòng ví dụ, bỏ qua", "the example, left out"),
        }
    }

    fn examples(&self) -> usize {
        let examples = self
            .lines
            .iter()
            .filter(|line| line.planned.outcome == Outcome::Example);
        examples.count()
    }
}

/// Say what an import would do.
#[utoipa::path(post, path = "/units/import/preview", tag = "pages",
    request_body(content = Chosen, content_type = "multipart/form-data"),
    responses((status = 200, content_type = "text/html", body = String), (status = 403, description = "forbidden"),
        (status = 413, description = "body-too-large"), (status = 422, description = "invalid")))]
pub(crate) async fn preview(
    State(app): Shared,
    visitor: Visitor,
    headers: HeaderMap,
    form: Multipart,
) -> Result<Response, Problem> {
    let sent = upload::read(form, &["csrf", "area"], MOST_BYTES, too_large).await?;
    let caller = by_form(&app, &headers, sent.field("csrf")).await?;
    let area = chosen(sent.field("area"))?;
    let Sent {
        file, file_name, ..
    } = sent;
    let file = file.ok_or_else(|| {
        Problem::invalid("file: choose a file").vietnamese("Hãy chọn một tệp CSV hoặc XLSX.")
    })?;
    let preview = endpoint::previewed(&app, caller, area, file.clone()).await?;
    let areas = areas::own(app, &visitor).await?;
    page(&visitor, areas, area, file_name, &file, preview, false)
}

fn page(
    visitor: &Visitor,
    areas: Vec<Branch>,
    area: Option<Uuid>,
    file_name: String,
    file: &[u8],
    mut preview: Preview,
    is_stale: bool,
) -> Result<Response, Problem> {
    let lines = std::mem::take(&mut preview.lines);
    let page = PreviewPage {
        frame: Frame::of(visitor),
        csrf: &visitor.csrf,
        areas,
        area: area.map(|area| area.to_string()).unwrap_or_default(),
        file_name,
        file: URL_SAFE_NO_PAD.encode(file),
        preview,
        lines: lines.into_iter().map(line).collect(),
        is_stale,
    };
    let mut response = frame::page(&page)?;
    if is_stale {
        *response.status_mut() = StatusCode::CONFLICT;
    }
    Ok(response)
}

fn line(planned: Planned) -> Line {
    let shown = |name: &str| {
        let value = planned.fields.get(name)?;
        let path: schema::Path = name.parse().ok()?;
        Some(Shown::at(Kind::Unit, &path, value))
    };
    let rest = schema::fields(Kind::Unit)
        .iter()
        .filter(|(name, _)| !matches!(*name, "name" | "unit_kind"));
    let rest = rest.filter_map(|(name, _)| {
        let label = labels::name(name).map_or(*name, |(vi, _)| vi);
        Some((label.to_owned(), shown(name)?))
    });
    Line {
        rest: rest.collect(),
        kind: shown("unit_kind").unwrap_or(Shown::Nothing),
        planned,
    }
}

/// The form below a preview.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = SureOfImport)]
pub(crate) struct Sure {
    csrf: String,
    /// The area of lines that name none; empty for none.
    area: String,
    /// The digest of the preview.
    digest: String,
    /// What the file is called.
    file_name: String,
    /// The file, as the preview wrote it into the page.
    file: String,
}

/// Import what was previewed.
#[utoipa::path(post, path = "/units/import", tag = "pages",
    request_body(content = Sure, content_type = "application/x-www-form-urlencoded"),
    responses((status = 303, description = "Imported"), (status = 403, description = "forbidden"),
        (status = 409, description = "stale: a new preview", content_type = "text/html", body = String), (status = 422, description = "invalid")))]
pub(crate) async fn import(
    State(app): Shared,
    visitor: Visitor,
    headers: HeaderMap,
    Form(form): Form<Sure>,
) -> Result<Response, Problem> {
    let caller = by_form(&app, &headers, &form.csrf).await?;
    let area = chosen(&form.area)?;
    let file = URL_SAFE_NO_PAD
        .decode(&form.file)
        .map_err(|_| Problem::new(Cause::MalformedBody))?;
    let done = endpoint::carry_out(&app, caller.clone(), area, form.digest, file.clone()).await;
    match done {
        Ok(done) => {
            let to = format!(
                "/units/import?made={}&there={}",
                done.made.len(),
                done.there
            );
            Ok(Redirect::to(&to).into_response())
        }
        Err(problem) if problem.cause() == Cause::Stale => {
            let preview = endpoint::previewed(&app, caller, area, file.clone()).await?;
            let areas = areas::own(app, &visitor).await?;
            let file_name: String = form.file_name.chars().take(120).collect();
            page(&visitor, areas, area, file_name, &file, preview, true)
        }
        Err(problem) => Err(problem),
    }
}
