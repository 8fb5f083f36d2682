//! The review report on A4, to be signed and sent.

use askama::Template;
use axum::{extract::State, response::Response};
use serde::Deserialize;

use super::super::frame::{self, Visitor};
use super::{
    Wanted,
    chart::{self, Chart},
};
use crate::{
    app::Shared,
    export::text,
    http::{
        body::{Json, Parameters},
        problem::Problem,
    },
    report::{answer::Report, endpoint, measure::Measure},
};

#[derive(Template)]
#[template(path = "report_print.html")]
struct Page<'a> {
    report: &'a Report,
    charts: Vec<Chart>,
    head: &'a Head,
    /// The query of the report, without its heading.
    query: &'a str,
    today: String,
}

/// The report that is printed, and what stands above and below it. What is left empty leaves a line to write on.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct Head {
    /// First year; five years back where it is left out.
    from: Option<String>,
    /// Last year; this one where it is left out.
    to: Option<String>,
    /// Only this area and what lies below it.
    area: Option<String>,
    /// Only units of this kind.
    kind: Option<String>,
    /// A row for each area.
    by_area: Option<String>,
    /// The day on which deadlines are judged, `YYYY-MM-DD`; today where it is left out.
    as_of: Option<String>,
    /// The body above the one that reports.
    #[serde(default)]
    above: String,
    /// The body that reports.
    #[serde(default)]
    body: String,
    /// The number of the report.
    #[serde(default)]
    number: String,
    /// Where it is signed.
    #[serde(default)]
    place: String,
    /// In which office it is signed.
    #[serde(default)]
    office: String,
    /// Who signs it.
    #[serde(default)]
    signer: String,
}

impl Head {
    fn wanted(&self) -> Wanted {
        Wanted {
            from: self.from.clone(),
            to: self.to.clone(),
            area: self.area.clone(),
            kind: self.kind.clone(),
            by_area: self.by_area.clone(),
            as_of: self.as_of.clone(),
        }
    }
}

/// The review report as it is printed.
#[utoipa::path(get, path = "/report/print", tag = "pages", params(Head),
    responses((status = 200, content_type = "text/html", body = String), (status = 303, description = "Not signed in"), (status = 403, description = "forbidden"), (status = 404, description = "not-found: the area")))]
pub(crate) async fn print(
    State(app): Shared,
    visitor: Visitor,
    Parameters(head): Parameters<Head>,
) -> Result<Response, Problem> {
    let (asked, _) = head.wanted().asked(&app);
    let query = asked.question(|| app.machine.today())?.query();
    let today = app.machine.today();
    let Json(report) = endpoint::get(State(app), visitor.caller, Parameters(asked)).await?;
    frame::page(&Page {
        charts: chart::charts(&report),
        report: &report,
        head: &head,
        query: &query,
        today,
    })
}
