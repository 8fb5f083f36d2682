//! Records as a file: what a list finds, as CSV, XLSX, GeoJSON or JSON. Long files are written while they are
//! sent: a few records at a time are open, however many there are.

mod columns;
mod rendered;
mod row;
mod sheets;

use std::sync::Arc;

use axum::{
    body::{Body, Bytes},
    extract::{Query, State},
    http::{HeaderName, Uri},
    response::{IntoResponse, Response},
};
use serde::Deserialize;
use sokiem_record::id::{DocumentId, Kind};
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;
use utoipa::ToSchema;

use self::{columns::Columns, rendered::Rendered, row::Row};
use crate::{
    accounts::access::{Areas, Caller},
    app::{App, Shared},
    audit::{self, Action, Entry},
    error::Error,
    export::file,
    http::problem::{Cause, Problem},
    records::list::{self, Filter},
};

/// So many records are opened in one read of the database.
const TOGETHER: usize = 50;
/// So many pieces wait for a slow reader before the next records are opened.
const WAITING: usize = 4;

/// As which file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
#[schema(as = RecordsFormat)]
pub(crate) enum Format {
    /// A table as text.
    Csv,
    /// A workbook: a sheet of records, and one for each list in them.
    Xlsx,
    /// Places for a map: RFC 7946.
    GeoJson,
    /// One array.
    Json,
    /// One object a line.
    NdJson,
}

impl Format {
    fn word(self) -> &'static str {
        match self {
            Self::Csv => "csv",
            Self::Xlsx => "xlsx",
            Self::GeoJson => "geojson",
            Self::Json => "json",
            Self::NdJson => "ndjson",
        }
    }

    fn media_type(self) -> &'static str {
        match self {
            Self::Csv => file::CSV,
            Self::Xlsx => file::XLSX,
            Self::GeoJson => "application/geo+json",
            Self::Json => "application/json",
            Self::NdJson => "application/x-ndjson",
        }
    }
}

/// As which file.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct AsFile {
    /// `csv`, `xlsx`, `geojson`, `json`, `ndjson`.
    #[param(inline)]
    format: Format,
}

/// Everything that a list finds, as a file. `after` and `limit` of the filter do not count.
#[utoipa::path(get, path = "/api/v1/records/export", tag = "records", params(AsFile, Filter),
    responses((status = 200, description = "The file: text/csv, XLSX, application/geo+json, application/json or application/x-ndjson", content(
            (String = "text/csv"), (Vec<u8> = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"),
            (Object = "application/geo+json"), (Vec<Object> = "application/json"), (String = "application/x-ndjson"))),
        (status = 400, description = "malformed-query"), (status = 403, description = "forbidden")),
    security(("session" = [])))]
pub(crate) async fn export(
    State(app): Shared,
    caller: Caller,
    uri: Uri,
) -> Result<Response, Problem> {
    let (format, filter) = asked(&uri)?;
    let kind = Kind::from_name(filter.kind());
    let entry = Entry::new(Action::RecordsExported)
        .by(caller.account)
        .detail("format", format.word())
        .detail("kind", filter.kind());
    let today = app.machine.today();
    let scope = caller.clone();
    let (areas, ids) = app
        .store
        .read(move |sql| {
            let areas = scope.areas(sql)?;
            let ids = list::ids(sql, &areas, &filter, &today)?;
            Ok::<_, Problem>((areas, ids))
        })
        .await?;
    let entry = entry.detail("records", ids.len());
    app.store
        .write(move |writing| audit::note(writing, entry))
        .await?;
    let (sender, receiver) = mpsc::channel::<Result<Bytes, Error>>(WAITING);
    let columns = Arc::new(Columns::of(kind));
    let writing = Writing {
        app,
        areas: Arc::new(areas),
        columns: Arc::clone(&columns),
        sender,
    };
    match format {
        Format::Xlsx => tokio::spawn(async move { writing.workbook(ids).await }),
        _ => tokio::spawn(async move { writing.text(format, ids).await }),
    };
    let name = format!("ho-so.{}", format.word());
    let body = Body::from_stream(ReceiverStream::new(receiver));
    let answer: ([(HeaderName, String); 4], Body) = file::answer(&name, format.media_type(), body);
    Ok(answer.into_response())
}

/// The file and the filter of a query. The filter is read as lists read it: what they know, this knows.
fn asked(uri: &Uri) -> Result<(Format, Filter), Problem> {
    let malformed = |text: String| {
        Problem::new(Cause::MalformedQuery).detail(text.chars().take(200).collect::<String>())
    };
    let pairs = uri.query().unwrap_or_default().split('&');
    let (own, rest): (Vec<&str>, Vec<&str>) = pairs
        .filter(|pair| !pair.is_empty())
        .partition(|pair| pair.starts_with("format="));
    let query = |pairs: &[&str]| -> Result<Uri, Problem> {
        let text = format!("/?{}", pairs.join("&"));
        text.parse().map_err(|_| malformed("the query".to_owned()))
    };
    let Query(file) = Query::<AsFile>::try_from_uri(&query(&own)?)
        .map_err(|error| malformed(error.body_text()))?;
    let Query(filter) = Query::<Filter>::try_from_uri(&query(&rest)?)
        .map_err(|error| malformed(error.body_text()))?;
    Ok((file.format, filter))
}

/// A file on its way.
struct Writing {
    app: Arc<App>,
    areas: Arc<Areas>,
    columns: Arc<Columns>,
    sender: mpsc::Sender<Result<Bytes, Error>>,
}

impl Writing {
    /// The next few records, those that are still there and still the caller's to read.
    async fn rows(&self, ids: &[DocumentId]) -> Result<Vec<Row>, Error> {
        let (ids, areas) = (ids.to_vec(), Arc::clone(&self.areas));
        self.app
            .store
            .read(move |sql| {
                let rows = ids.iter().map(|id| row::read(sql, &areas, *id));
                let rows: Result<Vec<Option<Row>>, Error> = rows.collect();
                Ok(rows?.into_iter().flatten().collect())
            })
            .await
    }

    /// Sends a piece. `false`: nobody reads any more.
    async fn send(&self, text: String) -> bool {
        text.is_empty() || self.sender.send(Ok(Bytes::from(text))).await.is_ok()
    }

    /// Cuts the answer off, so that nobody takes half a file for a whole one.
    async fn fail(&self, error: Error) {
        tracing::error!(%error, "an export was cut off");
        // Whoever reads may have gone.
        let _ = self.sender.send(Err(error)).await;
    }

    async fn text(self, format: Format, ids: Vec<DocumentId>) {
        let mut rendered = Rendered::new(format, Arc::clone(&self.columns));
        if !self.send(rendered.begin()).await {
            return;
        }
        for some in ids.chunks(TOGETHER) {
            match self.rows(some).await {
                Ok(rows) => {
                    let text = rows.iter().map(|row| rendered.row(row)).collect();
                    if !self.send(text).await {
                        return;
                    }
                }
                Err(error) => return self.fail(error).await,
            }
        }
        self.send(rendered.end()).await;
    }

    /// A workbook is written to a file of the system's, which goes with its handle, and sent from there.
    async fn workbook(self, ids: Vec<DocumentId>) {
        let (rows_in, rows_out) = mpsc::channel::<Vec<Row>>(1);
        let columns = Arc::clone(&self.columns);
        let sender = self.sender.clone();
        let written =
            tokio::task::spawn_blocking(move || sheets::write(&columns, rows_out, &sender));
        for some in ids.chunks(TOGETHER) {
            match self.rows(some).await {
                Ok(rows) => {
                    // The writer has failed, and says so itself.
                    if rows_in.send(rows).await.is_err() || self.sender.is_closed() {
                        break;
                    }
                }
                Err(error) => {
                    self.fail(error).await;
                    drop(written);
                    return;
                }
            }
        }
        drop(rows_in);
        match written.await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => self.fail(error).await,
            Err(_) => self.fail(Error::Panicked).await,
        }
    }
}
