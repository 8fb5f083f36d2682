//! What lists may be narrowed to: the areas, campaigns and officers that a visitor sees.

use rusqlite::Connection;
use sokiem_record::{
    id::{AccountId, AreaId, DocumentId},
    schema::UNIT_KINDS,
    words,
};
use uuid::Uuid;

use crate::{
    accounts::access::{Areas, Caller},
    app::App,
    error::Error,
    http::problem::Problem,
    records::list::Filter,
    store::id,
};

/// One thing to choose.
pub(crate) struct Choice {
    pub(crate) value: String,
    pub(crate) name: String,
    pub(crate) chosen: bool,
}

/// What a list may be narrowed to, with what is chosen.
pub(crate) struct Choices {
    pub(crate) words: String,
    pub(crate) areas: Vec<Choice>,
    pub(crate) campaigns: Vec<Choice>,
    pub(crate) officers: Vec<Choice>,
    pub(crate) unit_kinds: Vec<Choice>,
    /// How far its officers are; empty in a list of units.
    pub(crate) states: Vec<Choice>,
    /// What was decided last; empty in a list of units.
    pub(crate) reviews: Vec<Choice>,
}

/// How far the officers are with an inspection.
const STATES: &[&str] = &["draft", "finished"];
/// What was decided last about an inspection.
const REVIEWS: &[&str] = &[NONE, "returned", "approved", "reopened"];
/// That nothing was.
const NONE: &str = "none";

impl Choices {
    /// What a visitor may choose.
    pub(crate) async fn of(app: &App, caller: &Caller, filter: &Filter) -> Result<Self, Problem> {
        let (caller, filter) = (caller.clone(), filter.clone());
        app.store
            .read(move |sql| {
                let areas = caller.areas(sql)?;
                Ok(Self {
                    words: filter.words().to_owned(),
                    campaigns: choices(campaigns(sql, &areas)?, filter.campaign),
                    officers: choices(officers(sql, &caller)?, filter.officer),
                    areas: choices(self::areas(sql, &areas)?, filter.area),
                    unit_kinds: of_words(UNIT_KINDS, filter.unit_kind.as_deref()),
                    states: of_words(of_inspections(&filter, STATES), filter.state.as_deref()),
                    reviews: of_words(of_inspections(&filter, REVIEWS), filter.review.as_deref()),
                })
            })
            .await
    }

    /// Whether anything is chosen but words.
    pub(crate) fn narrowed(&self) -> bool {
        let lists = [
            &self.areas,
            &self.campaigns,
            &self.officers,
            &self.unit_kinds,
            &self.states,
            &self.reviews,
        ];
        lists.into_iter().flatten().any(|choice| choice.chosen)
    }
}

fn choices(named: Vec<(Uuid, String)>, chosen: Option<Uuid>) -> Vec<Choice> {
    let choice = |(id, name): (Uuid, String)| Choice {
        value: id.to_string(),
        name,
        chosen: chosen == Some(id),
    };
    named.into_iter().map(choice).collect()
}

fn of_words(all: &[&'static str], chosen: Option<&str>) -> Vec<Choice> {
    let name = |word: &'static str| match word {
        NONE => "chưa có quyết định",
        word => words::names(word).map_or(word, |(vi, _)| vi),
    };
    let choice = |word: &&'static str| Choice {
        value: (*word).to_owned(),
        name: name(word).to_owned(),
        chosen: chosen == Some(*word),
    };
    all.iter().map(choice).collect()
}

/// What only inspections have, where a list may hold some.
fn of_inspections(filter: &Filter, words: &'static [&'static str]) -> &'static [&'static str] {
    match filter.kind() {
        "" | "inspection" => words,
        _ => &[],
    }
}

/// The visitor's areas, those within others behind them and set off.
fn areas(sql: &Connection, areas: &Areas) -> Result<Vec<(Uuid, String)>, Error> {
    let mut statement = sql.prepare_cached(
        "WITH RECURSIVE tree (id, name, depth, place) AS
           (SELECT id, name, 0, name FROM areas WHERE parent IS NULL AND merged_into IS NULL
            UNION ALL
            SELECT areas.id, areas.name, depth + 1, place || char(1) || areas.name
              FROM areas JOIN tree ON areas.parent = tree.id WHERE merged_into IS NULL)
         SELECT id, name, depth FROM tree ORDER BY place, id",
    )?;
    let rows = statement.query_map([], |row| {
        Ok((
            id::id::<AreaId>(row, 0)?,
            row.get::<_, String>(1)?,
            row.get::<_, usize>(2)?,
        ))
    })?;
    let mut found = Vec::new();
    for row in rows {
        let (area, name, depth) = row?;
        if areas.readable(area) {
            found.push((area.0, format!("{}{name}", "\u{2003}".repeat(depth))));
        }
    }
    Ok(found)
}

pub(crate) fn campaigns(sql: &Connection, areas: &Areas) -> Result<Vec<(Uuid, String)>, Error> {
    let mut statement = sql.prepare_cached(
        "SELECT id, area, title FROM documents WHERE kind = 'campaign' ORDER BY date DESC, title, id",
    )?;
    let rows = statement.query_map([], |row| {
        Ok((
            id::id::<DocumentId>(row, 0)?.0,
            id::id::<AreaId>(row, 1)?,
            row.get(2)?,
        ))
    })?;
    let all: Vec<(Uuid, AreaId, String)> = rows.collect::<Result<_, _>>()?;
    Ok(all
        .into_iter()
        .filter(|(_, area, _)| areas.readable(*area))
        .map(|(id, _, title)| (id, title))
        .collect())
}

/// Who records in the visitor's areas: oneself, and whom one administrates.
fn officers(sql: &Connection, caller: &Caller) -> Result<Vec<(Uuid, String)>, Error> {
    let mut statement = sql
        .prepare_cached("SELECT id, name FROM accounts WHERE role = 'officer' ORDER BY name, id")?;
    let all: Vec<(AccountId, String)> = statement
        .query_map([], |row| Ok((id::id(row, 0)?, row.get(1)?)))?
        .collect::<Result<_, _>>()?;
    let mut found = Vec::new();
    for (account, name) in all {
        if account == caller.account || caller.administrates(sql, account)? {
            found.push((account.0, name));
        }
    }
    Ok(found)
}
