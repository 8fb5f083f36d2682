//! Publishing criteria sets. A published version never changes.

pub(crate) mod list;
pub(crate) mod preview;

use axum::{extract::State, http::StatusCode};
use serde::{Deserialize, Serialize};
use sokiem_record::{
    criteria::{self, CriteriaSet},
    genesis,
    id::{AreaId, Kind},
};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::{
    accounts::access::{Areas, Caller},
    app::Shared,
    audit::{self, Action, Entry},
    http::{
        body::Json,
        problem::{Cause, Problem},
    },
    records::change::expect_area,
    sync::{author, stored},
};

/// A criteria set to be published: one that ships with the server, or a file's text.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewCriteria {
    /// The area under which it holds.
    area: Uuid,
    /// `CODE@version` of a set that ships with the server.
    #[serde(default)]
    shipped: Option<String>,
    /// The text of a criteria file.
    #[serde(default)]
    toml: Option<String>,
}

impl NewCriteria {
    /// What was looked at, for an area.
    pub(crate) fn of(area: Uuid, draft: preview::Draft) -> Self {
        Self {
            area,
            shipped: draft.shipped,
            toml: draft.toml,
        }
    }
}

/// A published criteria set.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Published {
    /// Its document.
    id: Uuid,
    /// `CODE@version`.
    pub(crate) reference: String,
    /// The codes of its items, in their order.
    items: Vec<String>,
    /// Whether every criterion of its source is in it.
    complete: bool,
}

impl Published {
    fn of(set: &CriteriaSet) -> Self {
        Self {
            id: genesis::criteria_id(&set.code, set.version).0,
            reference: set.reference(),
            items: set.item_codes(),
            complete: set.complete,
        }
    }
}

/// Publish a criteria set.
#[utoipa::path(post, path = "/api/v1/criteria-sets", tag = "records", request_body = NewCriteria,
    responses((status = 201, body = Published), (status = 403, description = "forbidden"), (status = 409, description = "exists"),
        (status = 422, description = "invalid, with the member `faults`")),
    security(("session" = [])))]
pub(crate) async fn publish(
    State(app): Shared,
    caller: Caller,
    Json(body): Json<NewCriteria>,
) -> Result<(StatusCode, Json<Published>), Problem> {
    let set = chosen(&body)?;
    let area = AreaId(body.area);
    let pen = caller.pen(&app);
    let published = Published::of(&set);
    let text =
        serde_json::to_string(&set).map_err(|_| Problem::invalid("The set can't be written"))?;
    app.store
        .write(move |writing| {
            expect_area(writing, &caller, area)?;
            let id = genesis::criteria_id(&set.code, set.version);
            let fields = [
                ("code", set.code.as_str().into()),
                ("version", set.version.into()),
                ("title", set.title_vi.as_str().into()),
                ("set", text.into()),
            ];
            if !author::begin(writing, pen, area, id, Kind::Criteria, &fields, &[])? {
                return Err(Problem::new(Cause::Exists)
                    .detail("This version was published and never changes; count the version up")
                    .vietnamese("Phiên bản này đã ban hành và không bao giờ thay đổi: hãy tăng số version trong tệp."));
            }
            let entry = Entry::new(Action::CriteriaPublished).by(caller.account);
            audit::note(writing, entry.on("criteria", set.reference()).area(area))?;
            Ok(())
        })
        .await?;
    Ok((StatusCode::CREATED, Json(published)))
}

fn chosen(body: &NewCriteria) -> Result<CriteriaSet, Problem> {
    match (&body.shipped, &body.toml) {
        (Some(reference), None) => shipped(reference).ok_or_else(|| {
            Problem::invalid(format!(
                "shipped: {reference} does not ship with this server"
            ))
        }),
        (None, Some(text)) => criteria::validate("toml", text).map_err(|faults| {
            let faults: Vec<String> = faults
                .into_iter()
                .map(|fault| {
                    format!(
                        "{}: {}",
                        fault.item.as_deref().unwrap_or("-"),
                        fault.english
                    )
                })
                .collect();
            Problem::invalid("The file has faults")
                .vietnamese("Tệp có chỗ sai: hãy xem trước để biết sai ở đâu.")
                .member("faults", faults)
        }),
        _ => Err(Problem::invalid("Give either shipped or toml")),
    }
}

/// A set that ships with the server.
pub(crate) fn shipped(reference: &str) -> Option<CriteriaSet> {
    criteria::shipped()
        .ok()?
        .into_iter()
        .find(|set| set.reference() == reference)
}

/// A published set, from its document.
pub(crate) fn published(
    sql: &rusqlite::Connection,
    code: &str,
    version: u32,
) -> Result<Option<CriteriaSet>, crate::error::Error> {
    let Some(row) = stored::find(sql, genesis::criteria_id(code, version))? else {
        return Ok(None);
    };
    let text = stored::open(sql, &row)?.line("set");
    Ok(text.and_then(|text| serde_json::from_str(&text).ok()))
}

/// Every published set that holds in these areas, by code and version.
pub(crate) fn all(
    sql: &rusqlite::Connection,
    areas: &Areas,
) -> Result<Vec<CriteriaSet>, crate::error::Error> {
    let sets = list::all(sql, areas)?.into_iter();
    let mut sets: Vec<CriteriaSet> = sets.map(|one| one.set).collect();
    sets.sort_by(|one, two| (&one.code, one.version).cmp(&(&two.code, two.version)));
    Ok(sets)
}
