//! Making and listing areas.

use axum::{extract::State, http::StatusCode};
use rusqlite::{Connection, OptionalExtension, params};
use serde::{Deserialize, Serialize};
use serde_json::Value as Json_;
use sokiem_record::{
    fingerprint::Fingerprint,
    genesis,
    id::{AccountId, AreaId, Kind},
};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::{
    accounts::{access::Caller, grant},
    app::Shared,
    audit::{self, Action, Entry},
    error::Error,
    http::{body::Json, problem::Problem},
    store::{Writing, id},
    sync::{
        author::{self, Pen},
        poke::Poke,
        scope,
    },
};

/// What an area is in the hierarchy.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Level {
    /// Tỉnh.
    Province,
    /// Huyện, until it was abolished in 2025.
    District,
    /// Xã.
    Commune,
}

impl Level {
    /// The level of this name.
    pub(super) fn named(name: &str) -> Option<Self> {
        [Level::Province, Level::District, Level::Commune]
            .into_iter()
            .find(|level| level.name() == name)
    }

    fn name(self) -> &'static str {
        match self {
            Level::Province => "province",
            Level::District => "district",
            Level::Commune => "commune",
        }
    }
}

/// An area to be made.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewArea {
    /// What it is called.
    pub(crate) name: String,
    /// What it is.
    pub(crate) level: Level,
    /// The area above it.
    #[serde(default)]
    pub(crate) parent: Option<Uuid>,
}

/// An area.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Area {
    /// Its id; also the id of the document that holds its roster.
    pub(crate) id: Uuid,
    /// What it is called.
    pub(crate) name: String,
    /// What it is.
    pub(crate) level: String,
    /// The area above it.
    pub(crate) parent: Option<Uuid>,
    /// The area that it has become part of.
    pub(crate) merged_into: Option<Uuid>,
    /// How many rows its log has.
    pub(crate) last_seq: u64,
    /// How many records lie in it.
    pub(crate) documents: u64,
}

/// Make an area.
#[utoipa::path(post, path = "/api/v1/areas", tag = "areas", request_body = NewArea,
    responses((status = 201, body = Area), (status = 403, description = "forbidden"), (status = 422, description = "invalid")),
    security(("session" = [])))]
pub(crate) async fn create(
    State(app): Shared,
    caller: Caller,
    Json(body): Json<NewArea>,
) -> Result<(StatusCode, Json<Area>), Problem> {
    expect_name(&body.name)?;
    let pen = caller.pen(&app);
    let area = app
        .store
        .write(move |writing| make(writing, pen, body))
        .await?;
    Ok((StatusCode::CREATED, Json(area)))
}

/// Refuses a name that is none.
pub(super) fn expect_name(name: &str) -> Result<(), Problem> {
    if name.trim().is_empty() || name.chars().count() > 200 {
        return Err(Problem::invalid("name: 1 to 200 characters")
            .vietnamese("Cần tên địa bàn, dài không quá 200 ký tự."));
    }
    Ok(())
}

/// Makes an area.
pub(super) fn make(writing: &Writing<'_>, pen: Pen, body: NewArea) -> Result<Area, Problem> {
    let area = AreaId(writing.machine.new_id()?);
    let parent = body.parent.map(AreaId);
    if let Some(parent) = parent {
        expect_standing(writing.sql, parent)?;
    }
    writing.sql.execute(
        "INSERT INTO areas (id, name, level, parent, fingerprint) VALUES (?1, ?2, ?3, ?4, ?5)",
        params![
            area.as_bytes().as_slice(),
            body.name,
            body.level.name(),
            parent.map(|parent| parent.as_bytes().to_vec()),
            Fingerprint::default().as_bytes().as_slice()
        ],
    )?;
    let mut fields = vec![
        ("name", Json_::from(body.name.as_str())),
        ("level", body.level.name().into()),
    ];
    if let Some(parent) = parent {
        fields.push(("parent", parent.to_string().into()));
    }
    author::begin(
        writing,
        pen,
        area,
        genesis::area_document_id(area),
        Kind::Area,
        &fields,
        &[],
    )?;
    // Whoever writes here is to be nameable here.
    grant::enter(writing, pen, pen.account, area, true)?;
    let accounts: Vec<AccountId> = scope::accounts_over(writing.sql, area)?;
    for account in accounts {
        writing.poke(Poke::Scope(account));
    }
    let entry = Entry::new(Action::AreaMade).by(pen.account);
    audit::note(writing, entry.on("area", area).area(area))?;
    let level = body.level.name().to_owned();
    Ok(Area {
        id: area.0,
        name: body.name,
        level,
        parent: body.parent,
        merged_into: None,
        last_seq: 2,
        documents: 1,
    })
}

/// Refuses an area that does not exist or has become part of another.
pub(crate) fn expect_standing(sql: &Connection, area: AreaId) -> Result<(), Problem> {
    match merged_into(sql, area)? {
        Some(None) => Ok(()),
        Some(Some(_)) => Err(Problem::invalid("area: it has become part of another area")
            .vietnamese("Địa bàn này đã sáp nhập vào địa bàn khác.")),
        None => Err(Problem::invalid("area: there is no such area")),
    }
}

/// What an area has become part of, if anything; `None` where there is no such area.
pub(crate) fn merged_into(sql: &Connection, area: AreaId) -> Result<Option<Option<AreaId>>, Error> {
    Ok(sql
        .prepare_cached("SELECT merged_into FROM areas WHERE id = ?1")?
        .query_row([area.as_bytes().as_slice()], |row| id::optional_id(row, 0))
        .optional()?)
}

/// The area in which what is meant for this one lies today: the one that it has become part of, if any.
pub(crate) fn today(sql: &Connection, area: AreaId) -> Result<AreaId, Error> {
    let mut found = area;
    // Nothing is merged into what lies in it, so this ends.
    while let Some(Some(next)) = merged_into(sql, found)? {
        found = next;
    }
    Ok(found)
}

/// Whether there is such an area.
pub(crate) fn exists(sql: &Connection, area: AreaId) -> Result<bool, Error> {
    Ok(sql
        .prepare_cached("SELECT 1 FROM areas WHERE id = ?1")?
        .exists([area.as_bytes().as_slice()])?)
}

/// List the areas that you may see.
#[utoipa::path(get, path = "/api/v1/areas", tag = "areas", responses((status = 200, body = Vec<Area>)),
    security(("session" = [])))]
pub(crate) async fn list(State(app): Shared, caller: Caller) -> Result<Json<Vec<Area>>, Problem> {
    app.store
        .read(move |sql| {
            let mine = caller.areas(sql)?;
            let mut statement = sql.prepare_cached(
                "SELECT id, name, level, parent, merged_into, last_seq,
                        (SELECT count(*) FROM documents WHERE area = areas.id)
                   FROM areas ORDER BY name, id",
            )?;
            let rows = statement.query_map([], |row| {
                Ok(Area {
                    id: id::id::<AreaId>(row, 0)?.0,
                    name: row.get(1)?,
                    level: row.get(2)?,
                    parent: id::optional_id::<AreaId>(row, 3)?.map(|parent| parent.0),
                    merged_into: id::optional_id::<AreaId>(row, 4)?.map(|area| area.0),
                    last_seq: row.get(5)?,
                    documents: row.get(6)?,
                })
            })?;
            let areas: Vec<Area> = rows.collect::<Result<_, _>>().map_err(Error::from)?;
            Ok(Json(
                areas
                    .into_iter()
                    .filter(|area| mine.readable(AreaId(area.id)))
                    .collect(),
            ))
        })
        .await
}
