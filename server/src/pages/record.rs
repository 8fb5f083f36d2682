//! One record: what it says and who wrote it, where people differ, what happened, what is decided.

pub(crate) mod comment;
pub(crate) mod decide;
mod field;
pub(crate) mod finding;
pub(crate) mod input;
mod inspection;
pub(crate) mod join;
mod photo;
pub(crate) mod settle;
mod timeline;
mod unit;
pub(crate) mod year;

use askama::Template;
use axum::{
    extract::{Path, State},
    response::Response,
};
use sokiem_record::{history::FieldChange, id::Kind};
use uuid::Uuid;

use self::{
    field::{Field, Fields},
    input::Sort,
    inspection::Minutes,
    timeline::{Change, Step, Then, changes, steps, then},
    unit::Sections,
};
use super::{
    frame::{self, Frame, Visitor},
    shown::Shown,
};
use crate::{
    app::Shared,
    http::{body::Parameters, problem::Problem},
    records::{at::At, reading::Reading},
};

#[derive(Template)]
#[template(path = "record.html")]
struct Page<'a> {
    frame: Frame<'a>,
    csrf: &'a str,
    title: String,
    reading: &'a Reading,
    /// The state that is shown, for forms.
    heads: String,
    /// Where an earlier state lies in the history.
    then: Option<Then<'a>>,
    form: Form<'a>,
    rest: Vec<Field<'a>>,
    /// What has changed since the latest decision.
    since: Vec<Change>,
    /// How many fields more.
    since_more: usize,
    steps: Vec<Step<'a>>,
    /// How many steps there are beside those listed.
    earlier: usize,
}

/// The sections of a kind of record.
enum Form<'a> {
    Inspection(Minutes<'a>),
    Unit(Sections<'a>),
    /// Kinds that only the server writes: every field is in the rest.
    Other,
}

impl Page<'_> {
    /// This year and the one before, where the unit says nothing about them yet.
    fn open_years(&self) -> Vec<String> {
        let now: Option<u32> = self
            .reading
            .today
            .get(..4)
            .and_then(|year| year.parse().ok());
        let years = now.into_iter().flat_map(|now| [now, now.saturating_sub(1)]);
        let recorded = |year: &String| match &self.form {
            Form::Unit(unit) => unit.years.iter().any(|(known, _)| known == year),
            _ => true,
        };
        years
            .map(|year| year.to_string())
            .filter(|year| !recorded(year))
            .collect()
    }

    /// What a change did to a field, for people.
    fn change(&self, change: &FieldChange) -> Change {
        Change::of(self.reading, change)
    }

    /// Whether there are fields that no section has.
    fn has_rest(&self) -> bool {
        self.rest.iter().any(|field| field.clash.is_none())
    }

    /// Whether the visitor may change the record here.
    fn writes(&self) -> bool {
        self.reading.writable && self.then.is_none()
    }
}

/// Most steps of the history that the page lists.
const MOST_STEPS: usize = 200;

/// One record as a page, as it is or as it was.
#[utoipa::path(get, path = "/records/{id}", tag = "pages", params(("id" = Uuid, Path, description = "The record"), At),
    responses((status = 200, content_type = "text/html", body = String), (status = 303, description = "Not signed in"),
        (status = 404, description = "not-found"), (status = 422, description = "invalid: not a state of this record")))]
pub(crate) async fn show(
    State(app): Shared,
    visitor: Visitor,
    Path(id): Path<Uuid>,
    Parameters(at): Parameters<At>,
) -> Result<Response, Problem> {
    let reading = Reading::of(&app, &visitor.caller, id, at).await?;
    let then = then(&reading);
    let fields = Fields::of(&reading, then.as_ref().map(|then| then.step));
    let form = match reading.kind {
        Kind::Inspection => Form::Inspection(Minutes::of(&fields)),
        Kind::Unit => Form::Unit(Sections::of(&fields)),
        _ => Form::Other,
    };
    let review = reading.record.review.as_ref();
    let difference = review.map_or(&[][..], |review| &review.difference);
    let (since, since_more) = changes(&reading, difference);
    let mut steps = steps(&reading);
    let earlier = steps.len().saturating_sub(MOST_STEPS);
    steps.truncate(MOST_STEPS);
    frame::page(&Page {
        frame: Frame::of(&visitor),
        csrf: &visitor.csrf,
        title: reading.title(),
        heads: reading.record.heads.join(" "),
        form,
        rest: fields.rest(),
        since,
        since_more,
        steps,
        earlier,
        then,
        reading: &reading,
    })
}

/// Where a field is on the page.
pub(super) fn at(path: impl AsRef<str>) -> String {
    field::anchor(path.as_ref())
}
