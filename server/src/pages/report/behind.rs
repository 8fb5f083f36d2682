//! The records behind a figure, as a page.

use askama::Template;
use axum::{extract::State, response::Response};

use super::super::{
    frame::{self, Frame, Visitor},
    shown::Shown,
};
use crate::{
    app::Shared,
    export::text,
    http::{
        body::{Json, Parameters},
        problem::Problem,
    },
    report::behind::{self, Behind, FigureAsked, Part},
};

#[derive(Template)]
#[template(path = "report_records.html")]
struct Page<'a> {
    frame: Frame<'a>,
    behind: &'a Behind,
    asked: &'a FigureAsked,
    /// The query of the report that the figure stands in.
    report: String,
}

/// The records behind a figure of the report, as a page.
#[utoipa::path(get, path = "/report/records", tag = "pages", params(FigureAsked),
    responses((status = 200, content_type = "text/html", body = String), (status = 303, description = "Not signed in"), (status = 403, description = "forbidden"),
        (status = 404, description = "not-found"), (status = 422, description = "invalid")))]
pub(crate) async fn records(
    State(app): Shared,
    visitor: Visitor,
    Parameters(asked): Parameters<FigureAsked>,
) -> Result<Response, Problem> {
    let caller = visitor.caller.clone();
    let Json(behind) = behind::list(State(app), caller, Parameters(asked.clone())).await?;
    let mut report = format!("from={}&to={}", asked.from, asked.to);
    report.extend(asked.area.map(|area| format!("&area={area}")));
    if asked.within.is_some() {
        report.push_str("&by_area=true");
    }
    report.push_str("&as_of=");
    report.push_str(&behind.as_of);
    frame::page(&Page {
        frame: Frame::of(&visitor),
        behind: &behind,
        asked: &asked,
        report,
    })
}

impl Behind {
    /// How many units a part has.
    fn units(&self, part: &Part) -> u64 {
        let figure = &self.figure;
        match part {
            Part::Counted => figure.of - figure.no_data - self.zero,
            Part::Zero => self.zero,
            Part::NoData => figure.no_data,
            Part::All => figure.of,
        }
    }

    /// The same figure with another part, or another page.
    fn query(&self, part: &Part) -> String {
        format!("{}&part={}", self.figure.query, part.word())
    }
}
