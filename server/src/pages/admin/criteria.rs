//! Criteria sets: which are published, how one reads, how two differ, and publishing another.

use std::sync::Arc;

use askama::Template;
use axum::{
    Form,
    extract::{Multipart, Path, State},
    http::HeaderMap,
    response::{IntoResponse, Redirect, Response},
};
use serde::Deserialize;
use sokiem_record::{
    criteria::{self, AnswerType, CriteriaSet, Item, Purpose, Stands, Window},
    words,
};
use utoipa::ToSchema;
use uuid::Uuid;

use super::{
    Place,
    areas::{self, Branch, chosen},
};
use crate::{
    accounts::access::by_form,
    app::{App, Shared},
    http::{
        body::{Json, Parameters},
        problem::{Cause, Problem},
    },
    pages::{
        frame::{self, Frame, Visitor},
        upload,
    },
    records::criteria::{
        self as sets,
        list::{self, Compared, Listed, One, Two},
        preview::{self, Draft, Preview, Standing},
    },
};

const PATH: &str = "/admin/criteria";
/// Largest criteria file, in bytes. The set inside of it has 20,000 characters at most.
const MOST_BYTES: usize = 256 * 1024;

type Both = (&'static str, &'static str);

/// What a word of criteria sets is called.
fn word(word: &str) -> Both {
    match word {
        "recognition" => ("xét công nhận", "recognition"),
        "classification" => ("chấm điểm phân loại", "classification"),
        "inspection" => ("kiểm tra", "inspection"),
        "read" => ("đã đọc văn bản", "read in the text"),
        "partial" => ("chỉ đọc một phần", "read in part"),
        "press" => ("theo báo chí", "according to the press"),
        "unsure" => ("chưa kiểm chứng", "not verified"),
        "own" => (
            "của hệ thống này, không phải văn bản pháp luật",
            "our own, no legal text",
        ),
        "november_to_november" => ("từ 30/11 năm trước đến 30/11", "30 November to 30 November"),
        "school_year" => ("theo năm học", "by school year"),
        "campaign" => ("do đợt kiểm tra nêu", "stated by the campaign"),
        other => words::names(other).unwrap_or(("", "")),
    }
}

fn purpose(set: &CriteriaSet) -> Both {
    word(match set.purpose {
        Purpose::Recognition => "recognition",
        Purpose::Classification => "classification",
        Purpose::Inspection => "inspection",
    })
}

fn window(set: &CriteriaSet) -> Both {
    word(match set.window {
        Window::NovemberToNovember => "november_to_november",
        Window::SchoolYear => "school_year",
        Window::Campaign => "campaign",
    })
}

/// How sure we are of an item.
fn verified(item: &Item) -> Both {
    word(list::verification(item))
}

fn is_doubtful(item: &Item) -> bool {
    !matches!(list::verification(item), "read" | "own")
}

fn kinds(set: &CriteriaSet) -> Vec<Both> {
    set.unit_kinds
        .iter()
        .map(|kind| word(kind.name()))
        .collect()
}

/// How an item is answered.
fn answer(item: &Item) -> (String, String) {
    let number = |number: &f64| number.to_string().replace('.', ",");
    match &item.answer {
        AnswerType::PassFail => ("đạt / chưa đạt".into(), "pass / fail".into()),
        AnswerType::Measured { unit, min, max } => {
            let limits = |from: &str, to: &str| {
                let from = min
                    .as_ref()
                    .map(|min| format!("{from} {} {unit}", number(min)));
                let to = max
                    .as_ref()
                    .map(|max| format!("{to} {} {unit}", number(max)));
                from.into_iter().chain(to).collect::<Vec<_>>().join(" ")
            };
            (
                format!("đạt / chưa đạt, đo được {}", limits("từ", "đến")),
                format!("pass / fail, measured {}", limits("from", "to")),
            )
        }
        AnswerType::Points { max } => (
            format!("điểm, từ 0 đến {}", number(max)),
            format!("points, from 0 to {}", number(max)),
        ),
    }
}

/// When an item is asked, where that depends on another.
fn asked_when(item: &Item) -> Option<(String, String)> {
    let condition = item.asked_when.as_ref()?;
    let answers = condition.answer.iter().map(|answer| word(answer));
    let (vi, en): (Vec<_>, Vec<_>) = answers.unzip();
    let other = &condition.item;
    Some((
        format!("{other} có kết quả “{}”", vi.join("” hoặc “")),
        format!("{other} is “{}”", en.join("” or “")),
    ))
}

/// What a field of a criteria file is called.
fn field(name: &str) -> Both {
    match name {
        "vi" => ("nội dung tiếng Việt", "Vietnamese text"),
        "en" => ("nội dung tiếng Anh", "English text"),
        "required" => ("bắt buộc", "required"),
        "not_applicable_allowed" => ("cho phép không áp dụng", "n/a allowed"),
        "asked_when.item" => ("chỉ hỏi khi tiêu chí", "asked only when the item"),
        "asked_when.answer" => ("có kết quả", "has the answer"),
        "evidence" => ("minh chứng", "evidence"),
        "citation.source" => ("nguồn", "source"),
        "citation.verification" => ("mức kiểm chứng", "verification"),
        "citation.note" => ("ghi chú về nguồn", "note on the source"),
        "answer.type" => ("cách trả lời", "answer"),
        "answer.unit" => ("đơn vị đo", "unit of measure"),
        "answer.min" => ("ít nhất", "at least"),
        "answer.max" => ("nhiều nhất", "at most"),
        "title_vi" => ("tên tiếng Việt", "Vietnamese title"),
        "title_en" => ("tên tiếng Anh", "English title"),
        "regime" => ("quy định", "regime"),
        "purpose" => ("mục đích", "purpose"),
        "unit_kinds" => ("loại hình đơn vị", "kinds of unit"),
        "valid_from" => ("hiệu lực từ", "valid from"),
        "valid_to" => ("hiệu lực đến", "valid to"),
        "window" => ("kỳ đánh giá", "window"),
        "complete" => ("đầy đủ", "complete"),
        "note" => ("ghi chú", "note"),
        _ => ("", ""),
    }
}

/// A set that ships with the server and is not published.
struct Shipped {
    reference: String,
    title_vi: String,
    title_en: String,
}

#[derive(Template)]
#[template(path = "admin/criteria.html")]
struct ListPage<'a> {
    frame: Frame<'a>,
    place: Place<'a>,
    sets: Vec<Listed>,
    shipped: Vec<Shipped>,
    /// What was published just now.
    published: Option<String>,
}

/// What was done last.
#[derive(Debug, Default, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct Done {
    /// The set that was published.
    published: Option<String>,
}

/// Criteria sets as a page.
#[utoipa::path(get, path = "/admin/criteria", tag = "pages", params(Done),
    responses((status = 200, content_type = "text/html", body = String), (status = 303, description = "Not signed in"), (status = 403, description = "forbidden")))]
pub(crate) async fn show_all(
    State(app): Shared,
    visitor: Visitor,
    Parameters(done): Parameters<Done>,
) -> Result<Response, Problem> {
    let Json(sets) = list::list(State(app), visitor.caller.clone()).await?;
    let place = Place::new(&visitor, PATH);
    let shipped = if place.all() {
        not_published(&sets)
    } else {
        Vec::new()
    };
    frame::page(&ListPage {
        frame: Frame::of(&visitor),
        place,
        published: done
            .published
            .filter(|reference| sets.iter().any(|set| set.reference == *reference)),
        sets,
        shipped,
    })
}

fn not_published(sets: &[Listed]) -> Vec<Shipped> {
    let shipped = criteria::shipped().unwrap_or_default().into_iter();
    let left = shipped.filter(|one| sets.iter().all(|set| set.reference != one.reference()));
    left.map(|set| Shipped {
        reference: set.reference(),
        title_vi: set.title_vi,
        title_en: set.title_en,
    })
    .collect()
}

#[derive(Template)]
#[template(path = "admin/criteria_set.html")]
struct SetPage<'a> {
    frame: Frame<'a>,
    place: Place<'a>,
    listed: Listed,
    set: CriteriaSet,
    /// The other versions of this code, to compare with.
    others: Vec<Listed>,
}

/// One criteria set, as officers see it.
#[utoipa::path(get, path = "/admin/criteria/{id}", tag = "pages", params(("id" = Uuid, Path, description = "Its document")),
    responses((status = 200, content_type = "text/html", body = String), (status = 303, description = "Not signed in"), (status = 403, description = "forbidden"), (status = 404, description = "not-found")))]
pub(crate) async fn show(
    State(app): Shared,
    visitor: Visitor,
    Path(id): Path<Uuid>,
) -> Result<Response, Problem> {
    let caller = || visitor.caller.clone();
    let Json(One { listed, set }) = list::get(State(app.clone()), caller(), Path(id)).await?;
    let Json(all) = list::list(State(app), caller()).await?;
    let others = all
        .into_iter()
        .filter(|one| one.code == listed.code && one.id != listed.id);
    frame::page(&SetPage {
        frame: Frame::of(&visitor),
        place: Place::new(&visitor, PATH),
        others: others.collect(),
        listed,
        set,
    })
}

#[derive(Template)]
#[template(path = "admin/criteria_compare.html")]
struct ComparePage<'a> {
    frame: Frame<'a>,
    place: Place<'a>,
    compared: Compared,
}

/// Two criteria sets, word by word.
#[utoipa::path(get, path = "/admin/criteria/compare", tag = "pages", params(Two),
    responses((status = 200, content_type = "text/html", body = String), (status = 303, description = "Not signed in"), (status = 403, description = "forbidden"), (status = 404, description = "not-found")))]
pub(crate) async fn compare(
    State(app): Shared,
    visitor: Visitor,
    two: Parameters<Two>,
) -> Result<Response, Problem> {
    let Json(compared) = list::compare_two(State(app), visitor.caller.clone(), two).await?;
    frame::page(&ComparePage {
        frame: Frame::of(&visitor),
        place: Place::new(&visitor, PATH),
        compared,
    })
}

/// The form with a file, or with the name of a set that ships with the server.
#[derive(ToSchema, Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(
    dead_code,
    reason = "the shape of a multipart form, for the API's description"
)]
#[schema(as = ChosenCriteria)]
pub(crate) struct Chosen {
    csrf: String,
    /// `CODE@version` of a set that ships with the server; empty for a file.
    shipped: String,
    #[schema(value_type = String, format = Binary)]
    file: Vec<u8>,
}

#[derive(Template)]
#[template(path = "admin/criteria_preview.html")]
struct PreviewPage<'a> {
    frame: Frame<'a>,
    place: Place<'a>,
    preview: Preview,
    /// The reference of a shipped set, or the text of a file, carried on to publishing.
    shipped: String,
    toml: String,
    file_name: String,
    areas: Vec<Branch>,
}

impl PreviewPage<'_> {
    fn is(&self, standing: &str) -> bool {
        self.preview.standing
            == match standing {
                "new" => Some(Standing::New),
                "published" => Some(Standing::Published),
                _ => Some(Standing::Taken),
            }
    }
}

fn too_large() -> Problem {
    Problem::new(Cause::BodyTooLarge)
        .detail(format!("The file is larger than {} KiB", MOST_BYTES / 1024))
        .vietnamese(format!("Tệp lớn hơn {} KB.", MOST_BYTES / 1024))
}

/// How a criteria file reads, what is wrong in it, and how it differs from what is published.
#[utoipa::path(post, path = "/admin/criteria/preview", tag = "pages",
    request_body(content = Chosen, content_type = "multipart/form-data"),
    responses((status = 200, content_type = "text/html", body = String), (status = 403, description = "forbidden"),
        (status = 413, description = "body-too-large"), (status = 422, description = "invalid")))]
pub(crate) async fn preview(
    State(app): Shared,
    visitor: Visitor,
    headers: HeaderMap,
    form: Multipart,
) -> Result<Response, Problem> {
    let sent = upload::read(form, &["csrf", "shipped"], MOST_BYTES, too_large).await?;
    by_form(&app, &headers, sent.field("csrf")).await?;
    let shipped = sent.field("shipped").to_owned();
    let toml = match sent.file {
        Some(bytes) if shipped.is_empty() => text(bytes)?,
        None if shipped.is_empty() => {
            return Err(
                Problem::invalid("file: choose a file").vietnamese("Hãy chọn một tệp TOML.")
            );
        }
        _ => String::new(),
    };
    page(app, &visitor, shipped, toml, sent.file_name).await
}

fn text(bytes: Vec<u8>) -> Result<String, Problem> {
    let text = String::from_utf8(bytes).map_err(|_| {
        Problem::invalid("The file is not in UTF-8")
            .vietnamese("Tệp không phải UTF-8: hãy lưu lại dạng UTF-8 rồi chọn lại.")
    })?;
    // Windows' line ends are no part of a text, and a form would send them back otherwise than they came.
    Ok(text.trim_start_matches('\u{feff}').replace("\r\n", "\n"))
}

async fn page(
    app: Arc<App>,
    visitor: &Visitor,
    shipped: String,
    toml: String,
    file_name: String,
) -> Result<Response, Problem> {
    let draft = draft(&shipped, &toml);
    let Json(preview) =
        preview::preview(State(app.clone()), visitor.caller.clone(), Json(draft)).await?;
    frame::page(&PreviewPage {
        frame: Frame::of(visitor),
        place: Place::new(visitor, PATH),
        preview,
        shipped,
        toml,
        file_name,
        areas: areas::own(app, visitor).await?,
    })
}

fn draft(shipped: &str, toml: &str) -> Draft {
    let is_shipped = !shipped.is_empty();
    Draft {
        shipped: is_shipped.then(|| shipped.to_owned()),
        toml: (!is_shipped).then(|| toml.to_owned()),
    }
}

/// The form below a preview.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Publish {
    csrf: String,
    /// The area under which it holds.
    area: String,
    /// `CODE@version` of a set that ships with the server; empty for a file.
    shipped: String,
    /// The text of a criteria file.
    toml: String,
}

/// Publish a criteria set by form.
#[utoipa::path(post, path = "/admin/criteria", tag = "pages",
    request_body(content = Publish, content_type = "application/x-www-form-urlencoded"),
    responses((status = 303, description = "Published"), (status = 403, description = "forbidden"), (status = 409, description = "exists"), (status = 422, description = "invalid")))]
pub(crate) async fn publish(
    State(app): Shared,
    headers: HeaderMap,
    Form(form): Form<Publish>,
) -> Result<Response, Problem> {
    let caller = by_form(&app, &headers, &form.csrf).await?;
    let area = chosen(&form.area)?.ok_or_else(|| {
        Problem::invalid("area: choose one")
            .vietnamese("Hãy chọn địa bàn mà bộ tiêu chí có hiệu lực.")
    })?;
    let draft = draft(&form.shipped, &form.toml.replace("\r\n", "\n"));
    let published =
        sets::publish(State(app), caller, Json(sets::NewCriteria::of(area, draft))).await?;
    let (_, Json(published)) = published;
    let to = crate::http::query::percent(&published.reference);
    Ok(Redirect::to(&format!("{PATH}?published={to}")).into_response())
}
