//! The review report as a page: figures with their denominators, charts, and the way to the records behind.

mod behind;
mod chart;
mod print;

pub(crate) use behind::{__path_records, records};
pub(crate) use print::{__path_print, print};

use askama::Template;
use axum::{extract::State, response::Response};
use serde::Deserialize;
use sokiem_record::is_date;
use uuid::Uuid;

use self::chart::Chart;
use super::frame::{self, Frame, Visitor};
use crate::{
    app::{App, Shared},
    export::text,
    http::{
        body::{Json, Parameters},
        problem::Problem,
    },
    report::{
        answer::{Report, Row},
        endpoint::{self, Choice},
        export::windows,
        measure::Measure,
        question::{Asked, KindAsked},
    },
};

#[derive(Template)]
#[template(path = "report.html")]
struct Page<'a> {
    frame: Frame<'a>,
    report: &'a Report,
    charts: Vec<Chart>,
    asked: &'a Asked,
    /// The query of this report, for its other forms.
    query: &'a str,
    areas: &'a [Choice],
    /// What of the form could not be read.
    wrong: Option<(&'static str, &'static str)>,
}

impl Page<'_> {
    fn is_area(&self, area: &Choice) -> bool {
        self.asked.area == Some(area.id)
    }

    fn is_kind(&self, kind: &KindAsked) -> bool {
        self.asked.kind == Some(*kind)
    }
}

/// What the form asks for. Whatever is left empty is chosen by the server.
#[derive(Debug, Default, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct Wanted {
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
}

const WRONG: (&str, &str) = (
    "Có ô nhập chưa đúng nên được bỏ qua: năm là bốn chữ số, năm đầu không sau năm cuối, nhiều nhất 50 năm.",
    "Something in the form could not be read and was left out: years have four digits, in order, at most 50 of them.",
);

impl Wanted {
    /// What is asked for, and whether all of the form could be read.
    fn asked(&self, app: &App) -> (Asked, bool) {
        fn given(text: &Option<String>) -> Option<&str> {
            text.as_deref()
                .map(str::trim)
                .filter(|text| !text.is_empty())
        }
        fn read<T: std::str::FromStr>(text: &Option<String>, right: &mut bool) -> Option<T> {
            let parsed = given(text)?.parse().ok();
            *right &= parsed.is_some();
            parsed
        }
        let today = app.machine.today();
        let this_year: i32 = today
            .get(..4)
            .and_then(|year| year.parse().ok())
            .unwrap_or(2026);
        let mut right = true;
        let to = read(&self.to, &mut right).unwrap_or(this_year);
        let from = read(&self.from, &mut right).unwrap_or(to - 5);
        let kind = given(&self.kind);
        let as_of = given(&self.as_of).filter(|day| is_date(day));
        right &= given(&self.as_of).is_some() == as_of.is_some();
        let mut asked = Asked {
            from,
            to,
            area: read::<Uuid>(&self.area, &mut right),
            kind: kind.and_then(KindAsked::from_word),
            by_area: self.by_area.as_deref() == Some("true"),
            as_of: as_of.map(str::to_owned),
        };
        right &= kind.is_some() == asked.kind.is_some();
        if asked.question(String::new).is_err() {
            (asked.from, asked.to, right) = (this_year - 5, this_year, false);
        }
        (asked, right)
    }
}

/// The review report as a page.
#[utoipa::path(get, path = "/report", tag = "pages", params(Wanted),
    responses((status = 200, content_type = "text/html", body = String), (status = 303, description = "Not signed in"), (status = 403, description = "forbidden"), (status = 404, description = "not-found: the area")))]
pub(crate) async fn show(
    State(app): Shared,
    visitor: Visitor,
    Parameters(wanted): Parameters<Wanted>,
) -> Result<Response, Problem> {
    let (asked, right) = wanted.asked(&app);
    let query = asked.question(|| app.machine.today())?.query();
    let areas = endpoint::choices(&app, &visitor.caller).await?;
    let caller = visitor.caller.clone();
    let Json(report) = endpoint::get(State(app), caller, Parameters(asked.clone())).await?;
    frame::page(&Page {
        frame: Frame::of(&visitor),
        charts: chart::charts(&report),
        report: &report,
        asked: &asked,
        query: &query,
        areas: &areas,
        wrong: (!right).then_some(WRONG),
    })
}

impl Row {
    /// What a row is about, where it is no total.
    fn kind(&self) -> (&'static str, &'static str) {
        self.unit_kind.map_or(("", ""), KindAsked::names)
    }

    /// The windows of the row, in words.
    fn windows(&self) -> String {
        windows(&self.windows)
    }
}
