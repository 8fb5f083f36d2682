//! One area: its name and place in the tree, becoming part of another one, and splitting off.

use askama::Template;
use axum::{
    Form,
    extract::{Path, State},
    http::HeaderMap,
    response::{IntoResponse, Redirect, Response},
};
use rusqlite::params;
use serde::Deserialize;
use sokiem_record::id::DocumentId;
use utoipa::ToSchema;
use uuid::Uuid;

use super::{
    Place,
    areas::{self, Branch},
};
use crate::{
    accounts::access::by_form,
    app::Shared,
    areas::{
        area::{self, Area},
        merging::{self, Merge, Split},
        placing::{self, AreaChange},
    },
    error::Error,
    http::{
        body::{Json, Parameters},
        problem::Problem,
    },
    pages::{
        choices::Choice,
        confirm::Confirm,
        frame::{self, Frame, Visitor},
    },
    store::id,
};

/// Units that are shown at a time.
const SHOWN: usize = 500;

#[derive(Template)]
#[template(path = "admin/area.html")]
struct Page<'a> {
    frame: Frame<'a>,
    place: Place<'a>,
    area: Area,
    /// The other areas, as a tree.
    others: Vec<Branch>,
    units: Vec<Choice>,
    /// There are more units than are shown at a time.
    more: bool,
}

/// One area as a page.
#[utoipa::path(get, path = "/admin/areas/{area}", tag = "pages", params(("area" = Uuid, Path, description = "The area")),
    responses((status = 200, content_type = "text/html", body = String), (status = 303, description = "Not signed in"),
        (status = 403, description = "forbidden"), (status = 404, description = "not-found")))]
pub(crate) async fn show(
    State(app): Shared,
    visitor: Visitor,
    Path(id): Path<Uuid>,
) -> Result<Response, Problem> {
    let Json(all) = area::list(State(app.clone()), visitor.caller.clone()).await?;
    let area = all.into_iter().find(|area| area.id == id);
    let area = area.ok_or_else(Problem::not_found)?;
    let mut others = areas::own(app.clone(), &visitor).await?;
    others.retain(|branch| branch.area.id != id);
    let mut units = app
        .store
        .read(move |sql| {
            let mut statement = sql.prepare_cached(
                "SELECT id, title FROM documents WHERE area = ?1 AND kind = 'unit' ORDER BY title, id LIMIT ?2",
            )?;
            let rows = statement.query_map(params![id.as_bytes().as_slice(), SHOWN + 1], |row| {
                Ok(Choice {
                    value: id::id::<DocumentId>(row, 0)?.0.to_string(),
                    name: row.get(1)?,
                    chosen: false,
                })
            })?;
            Ok::<_, Error>(rows.collect::<Result<Vec<_>, _>>()?)
        })
        .await?;
    let more = units.len() > SHOWN;
    units.truncate(SHOWN);
    frame::page(&Page {
        frame: Frame::of(&visitor),
        place: Place::new(&visitor, "/admin/areas"),
        area,
        others,
        units,
        more,
    })
}

/// The form that renames an area or puts it elsewhere.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = AreaChangeForm)]
pub(crate) struct ChangeForm {
    name: String,
    /// Empty for none.
    parent: String,
    csrf: String,
}

/// Change an area by form.
#[utoipa::path(post, path = "/admin/areas/{area}", tag = "pages", params(("area" = Uuid, Path, description = "The area")),
    request_body(content = ChangeForm, content_type = "application/x-www-form-urlencoded"),
    responses((status = 303, description = "Changed"), (status = 403, description = "forbidden"), (status = 404, description = "not-found"), (status = 422, description = "invalid")))]
pub(crate) async fn change(
    State(app): Shared,
    headers: HeaderMap,
    Path(id): Path<Uuid>,
    Form(form): Form<ChangeForm>,
) -> Result<Response, Problem> {
    let caller = by_form(&app, &headers, &form.csrf).await?;
    let body = AreaChange {
        name: form.name,
        parent: areas::chosen(&form.parent)?,
    };
    placing::change(State(app), caller, Path(id), Json(body)).await?;
    Ok(to_page(id))
}

/// The form that merges an area into another one.
#[derive(Deserialize, ToSchema, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct Wanted {
    /// The area that stays.
    into: Uuid,
}

/// Ask before an area becomes part of another.
#[utoipa::path(get, path = "/admin/areas/{area}/merge", tag = "pages", params(("area" = Uuid, Path, description = "The area"), Wanted),
    responses((status = 200, content_type = "text/html", body = String), (status = 303, description = "Not signed in"),
        (status = 403, description = "forbidden"), (status = 404, description = "not-found")))]
pub(crate) async fn ask_merge(
    State(app): Shared,
    visitor: Visitor,
    Path(id): Path<Uuid>,
    Parameters(wanted): Parameters<Wanted>,
) -> Result<Response, Problem> {
    let Json(all) = area::list(State(app), visitor.caller.clone()).await?;
    let find = |id: Uuid| {
        let area = all.iter().find(|area| area.id == id);
        area.ok_or_else(Problem::not_found)
    };
    let (from, into) = (find(id)?, find(wanted.into)?);
    Confirm::new(
        &visitor,
        ("Sáp nhập địa bàn?", "Merge the area?"),
        format!("/admin/areas/{id}/merge"),
    )
    .about(format!(
        "{} ({}) → {}",
        from.name, from.documents, into.name
    ))
    .happens(
        "Mọi đơn vị, biên bản, đợt kiểm tra và địa bàn bên dưới chuyển sang địa bàn kia, lịch sử giữ nguyên.",
        "Every unit, inspection, campaign and area below goes to the other one, with its history.",
    )
    .happens(
        "Ai đang phụ trách địa bàn này thì được giao thêm địa bàn kia.",
        "Whoever has this area is given the other one too.",
    )
    .happens(
        "Cán bộ đang ở nơi không có mạng không mất gì: những gì họ gửi về sau được xếp vào địa bàn kia.",
        "Officers without a network lose nothing: what they send later is filed in the other area.",
    )
    .happens(
        "Không có nút hoàn tác: muốn tách ra phải chuyển từng đơn vị.",
        "There is no undo: to take it apart again, units have to be moved.",
    )
    .field("into", wanted.into.to_string())
    .button("Sáp nhập", "Merge it")
    .back(format!("/admin/areas/{id}"))
    .page()
}

/// The form that merges an area, once it is certain.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct MergeForm {
    /// The area that stays.
    into: Uuid,
    csrf: String,
}

/// Merge an area by form.
#[utoipa::path(post, path = "/admin/areas/{area}/merge", tag = "pages", params(("area" = Uuid, Path, description = "The area")),
    request_body(content = MergeForm, content_type = "application/x-www-form-urlencoded"),
    responses((status = 303, description = "Merged: to the area that stays"), (status = 403, description = "forbidden"), (status = 404, description = "not-found"), (status = 422, description = "invalid")))]
pub(crate) async fn merge(
    State(app): Shared,
    headers: HeaderMap,
    Path(id): Path<Uuid>,
    Form(form): Form<MergeForm>,
) -> Result<Response, Problem> {
    let caller = by_form(&app, &headers, &form.csrf).await?;
    let body = Merge { into: form.into };
    let Json(moved) = merging::merge(State(app), caller, Path(id), Json(body)).await?;
    Ok(to_page(moved.area))
}

/// The form that moves units elsewhere.
#[derive(Default, ToSchema)]
pub(crate) struct SplitForm {
    /// The units; the field may stand more than once.
    unit: Vec<Uuid>,
    /// An area that there is, or empty.
    into: String,
    /// What a new area is called, or empty.
    name: String,
    csrf: String,
}

impl SplitForm {
    fn read(pairs: Vec<(String, String)>) -> Result<Self, Problem> {
        let mut form = Self::default();
        for (name, value) in pairs {
            match name.as_str() {
                "unit" => form
                    .unit
                    .push(value.parse().map_err(|_| Problem::invalid("unit: an id"))?),
                "into" => form.into = value,
                "name" => form.name = value,
                "csrf" => form.csrf = value,
                _ => return Err(Problem::invalid("there is no such field")),
            }
        }
        Ok(form)
    }
}

/// Split units off by form.
#[utoipa::path(post, path = "/admin/areas/{area}/split", tag = "pages", params(("area" = Uuid, Path, description = "The area")),
    request_body(content = SplitForm, content_type = "application/x-www-form-urlencoded"),
    responses((status = 303, description = "Moved: to the area that they lie in now"), (status = 403, description = "forbidden"), (status = 404, description = "not-found"), (status = 422, description = "invalid")))]
pub(crate) async fn split(
    State(app): Shared,
    headers: HeaderMap,
    Path(id): Path<Uuid>,
    Form(pairs): Form<Vec<(String, String)>>,
) -> Result<Response, Problem> {
    let form = SplitForm::read(pairs)?;
    let caller = by_form(&app, &headers, &form.csrf).await?;
    let body = Split {
        units: form.unit,
        into: areas::chosen(&form.into)?,
        name: Some(form.name).filter(|name| !name.trim().is_empty()),
    };
    let Json(moved) = merging::split(State(app), caller, Path(id), Json(body)).await?;
    Ok(to_page(moved.area))
}

fn to_page(area: Uuid) -> Response {
    Redirect::to(&format!("/admin/areas/{area}")).into_response()
}
