//! The minutes of an inspection on A4, and what the printed version is worth.

use std::collections::BTreeSet;

use askama::Template;
use axum::{
    extract::{Path, State},
    response::Response,
};
use jiff::{
    Timestamp,
    tz::{TimeZone, offset},
};
use serde_json::Value;
use sokiem_record::{typed::Answer, words};
use uuid::Uuid;

use super::{
    frame::{self, Visitor},
    shown::Shown,
};
use crate::{
    app::Shared,
    attachments::listing::{self, Arrival},
    export::text,
    http::{
        body::{Json, Parameters},
        problem::Problem,
    },
    records::minutes::{self, Content, Evidence, Item, Minutes, Signer, Version},
};

#[derive(Template)]
#[template(path = "minutes.html")]
struct Page<'a> {
    minutes: &'a Minutes,
    content: &'a Content,
    /// Drawn signatures that have arrived.
    images: BTreeSet<String>,
}

/// The minutes of an inspection as they are printed.
#[utoipa::path(get, path = "/records/{id}/minutes", tag = "pages", params(("id" = Uuid, Path, description = "The inspection"), Version),
    responses((status = 200, content_type = "text/html", body = String), (status = 303, description = "Not signed in"), (status = 404, description = "not-found"),
        (status = 422, description = "invalid: no such version")))]
pub(crate) async fn show(
    State(app): Shared,
    visitor: Visitor,
    Path(id): Path<Uuid>,
    Parameters(version): Parameters<Version>,
) -> Result<Response, Problem> {
    let caller = visitor.caller;
    let Json(minutes) = minutes::get(
        State(app.clone()),
        caller.clone(),
        Path(id),
        Parameters(version),
    )
    .await?;
    let Json(attached) = listing::list(State(app), caller, Path(id)).await?;
    let arrived = attached
        .into_iter()
        .filter(|one| one.state == Arrival::Arrived);
    frame::page(&Page {
        content: &minutes.content,
        minutes: &minutes,
        images: arrived.map(|one| one.hash).collect(),
    })
}

impl Page<'_> {
    /// Whether a drawn signature can be shown.
    fn drawn(&self, signer: &Signer) -> bool {
        let image = signer.image.as_ref();
        image.is_some_and(|image| self.images.contains(image))
    }

    /// Who signs for a side: those who did, or an empty place to sign.
    fn signers(&self, role: &str) -> Vec<&Signer> {
        let signers = self.content.signers.iter();
        signers.filter(|signer| signer.role == role).collect()
    }

    /// How often an answer was given.
    fn count(&self, answer: Answer) -> usize {
        let items = self.content.items.iter();
        items
            .filter(|item| item.disputed.is_empty() && item.answer == Some(answer))
            .count()
    }

    /// Criteria without an answer, or with several.
    fn open(&self) -> usize {
        let items = self.content.items.iter();
        items
            .filter(|item| item.answer.is_none() || !item.disputed.is_empty())
            .count()
    }
}

impl Item {
    /// The four columns of answers, with a cross where one was given. Of disputed answers each has a mark.
    fn columns(&self) -> [&'static str; 4] {
        let answers = [
            Answer::Pass,
            Answer::Fail,
            Answer::NotApplicable,
            Answer::NotChecked,
        ];
        answers.map(|answer| {
            if self.disputed.contains(&answer) {
                "?"
            } else if self.disputed.is_empty() && self.answer == Some(answer) {
                "x"
            } else {
                ""
            }
        })
    }
}

/// A time as the minutes say it: `08 giờ 05 phút, ngày 05/08/2019`.
fn clock(milliseconds: &i64) -> String {
    let time = Timestamp::from_millisecond(*milliseconds);
    time.map_or_else(
        |_| String::new(),
        |time| {
            let local = time.to_zoned(TimeZone::fixed(offset(7)));
            local.strftime("%H giờ %M phút, ngày %d/%m/%Y").to_string()
        },
    )
}

/// A date as people write it.
fn day(date: &str) -> String {
    words::date(date).unwrap_or_else(|| text::visible(date).into_owned())
}

/// An answer by its Vietnamese name.
fn answer(answer: &Answer) -> &'static str {
    match answer {
        Answer::Pass => "đạt",
        Answer::Fail => "chưa đạt",
        Answer::NotApplicable => "không áp dụng",
        Answer::NotChecked => "chưa kiểm tra",
    }
}

/// A word of the schema by its Vietnamese name.
fn word(word: &str) -> String {
    words::names(word).map_or_else(|| text::visible(word).into_owned(), |(vi, _)| vi.to_owned())
}

/// A value of a record in words.
fn said(value: &Value) -> String {
    match Shown::of(value) {
        Shown::Nothing => "(trống)".to_owned(),
        Shown::Text(said) => text::visible(&said).into_owned(),
        Shown::Word(vi, _) => vi.to_owned(),
    }
}

/// Where and when a photo was taken.
fn evidence(one: &Evidence) -> String {
    let mut parts = vec![word(if one.kind.is_empty() {
        "photo"
    } else {
        &one.kind
    })];
    parts.extend(
        Some(&one.caption)
            .filter(|text| !text.is_empty())
            .map(|text| format!("“{}”", text::visible(text))),
    );
    parts.extend(one.taken_ms.as_ref().map(frame::time));
    parts.extend(one.position.as_deref().map(place));
    parts.join(", ")
}

/// A `geo:` address without its scheme.
fn place(position: &str) -> String {
    let bare = position.strip_prefix("geo:").unwrap_or(position);
    let bare = bare.split(';').next().unwrap_or(bare);
    text::visible(&bare.replace(',', ", ")).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_and_places_read_as_minutes_write_them() {
        assert_eq!(clock(&1_564_963_500_000), "07 giờ 05 phút, ngày 05/08/2019");
        assert_eq!(place("geo:9.95,106.53;u=12"), "9.95, 106.53");
        assert_eq!(day("2019-08-05"), "05/08/2019");
        assert_eq!(said(&Value::Null), "(trống)");
    }
}
