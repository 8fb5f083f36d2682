//! Lists and search over the projection table: no document is loaded for either.

use rusqlite::{Connection, ToSql, params_from_iter};
use serde::Serialize;
use sokiem_record::{
    fold::fold,
    genesis::planned_inspection_id,
    id::{AccountId, AreaId, DocumentId, Kind},
    position::Position,
};

use crate::{
    book::Book,
    error::{Error, Result},
};

/// What to list. Everything that is stated has to hold.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Query {
    /// Of this kind.
    pub kind: Option<Kind>,
    /// In this area.
    pub area: Option<AreaId>,
    /// About this document: an inspection's or assignment's unit, a review's inspection.
    pub subject: Option<DocumentId>,
    /// Of this campaign.
    pub campaign: Option<DocumentId>,
    /// In this state: see [`sokiem_record::summary::Summary::state`].
    pub state: Option<String>,
    /// Each of these words begins a word of the record or of what it is about. Accents do not matter, đ is d.
    pub text: Option<String>,
    /// Only where people differ.
    pub conflicts_only: bool,
    /// Only what is not all on the server yet.
    pub pending_only: bool,
    /// Only with an open finding whose deadline lies before this day, `YYYY-MM-DD`.
    pub overdue_on: Option<String>,
    /// The nearest to here first, in place of the order by date; what has no position last.
    pub near: Option<Position>,
    /// At most so many; `None` for all.
    pub limit: Option<u32>,
    /// Leave out so many from the front.
    pub offset: u32,
}

/// One row of a list.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Listed {
    /// The document.
    pub document: DocumentId,
    /// Its kind.
    pub kind: Kind,
    /// The area that it lies in.
    pub area: AreaId,
    /// What a person calls it; for what has no name, what it is about.
    pub title: String,
    /// What it is about.
    pub subject: Option<DocumentId>,
    /// What that is called.
    pub subject_title: Option<String>,
    /// The campaign that it belongs to.
    pub campaign: Option<DocumentId>,
    /// Where it stands.
    pub state: String,
    /// The day that it is sorted by.
    pub date: Option<String>,
    /// The earliest deadline among an inspection's open findings.
    pub deadline: Option<String>,
    /// In how many fields people differ.
    pub conflicts: u32,
    /// Whether something of it is not on the server yet.
    pub pending: bool,
    /// How far from [`Query::near`] the unit lies, or the unit that it is about, in metres; `None` where nothing was
    /// asked or no position is known.
    pub distance_m: Option<u32>,
}

/// A unit that is to be inspected.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Assigned {
    /// The assignment.
    pub assignment: DocumentId,
    /// The unit.
    pub unit: DocumentId,
    /// The unit's name.
    pub unit_title: String,
    /// The campaign.
    pub campaign: DocumentId,
    /// Until when, `YYYY-MM-DD`.
    pub due: Option<String>,
    /// The inspection that this is fulfilled by, whether it was begun or not.
    pub inspection: DocumentId,
    /// Where that stands: `None` when it was not begun on this device.
    pub inspection_state: Option<String>,
    /// Whether it is late.
    pub overdue: bool,
}

const SELECT: &str = "SELECT p.document, p.kind, p.area, p.title, p.subject, s.title, p.campaign, p.state, p.date,
        p.deadline, p.conflicts, d.heads <> d.acked_heads,
        coalesce(p.latitude_microdegrees, s.latitude_microdegrees) AS latitude,
        coalesce(p.longitude_microdegrees, s.longitude_microdegrees) AS longitude
    FROM projection p JOIN documents d USING (document) LEFT JOIN projection s ON s.document = p.subject
    WHERE 1";

impl Book {
    /// Lists records: by distance where that is asked, else by date where they have one, the newest first, then by name.
    ///
    /// # Errors
    /// [`Error::Database`] when it can't be read.
    pub fn list(&self, query: &Query) -> Result<Vec<Listed>> {
        self.read(|connection| list(connection, query))
    }

    /// Searches everything on this device: see [`Query::text`].
    ///
    /// # Errors
    /// [`Error::Database`] when it can't be read.
    pub fn search(&self, text: &str, limit: u32) -> Result<Vec<Listed>> {
        self.list(&Query {
            text: Some(text.to_owned()),
            limit: Some(limit),
            ..Query::default()
        })
    }

    /// What is assigned: to this account, or to anybody; the earliest first. `today` is `YYYY-MM-DD`.
    ///
    /// # Errors
    /// [`Error::Database`] when it can't be read.
    pub fn assigned(&self, account: Option<AccountId>, today: &str) -> Result<Vec<Assigned>> {
        let sql = "SELECT a.document, a.subject, u.title, a.campaign, a.date
            FROM projection a LEFT JOIN projection u ON u.document = a.subject
            WHERE a.kind = 'assignment' AND a.state = 'assigned' AND a.subject IS NOT NULL AND a.campaign IS NOT NULL
              AND (?1 IS NULL OR instr(a.people, ?1) > 0)
            ORDER BY a.date IS NULL, a.date, u.title";
        let who = account.map(|account| format!(" {account} "));
        self.read(|connection| {
            let mut statement = connection.prepare_cached(sql)?;
            let mut state_of =
                connection.prepare_cached("SELECT state FROM projection WHERE document = ?1")?;
            let mut rows = statement.query([who])?;
            let mut assigned = Vec::new();
            while let Some(row) = rows.next()? {
                let (unit, campaign) = (id(row, 1)?, id(row, 3)?);
                let inspection = planned_inspection_id(unit, campaign);
                let mut states = state_of.query([inspection.as_bytes().as_slice()])?;
                let inspection_state: Option<String> =
                    states.next()?.map(|row| row.get(0)).transpose()?;
                let due: Option<String> = row.get(4)?;
                let finished = inspection_state.as_deref() == Some("finished");
                assigned.push(Assigned {
                    assignment: id(row, 0)?,
                    unit,
                    unit_title: row.get::<_, Option<String>>(2)?.unwrap_or_default(),
                    campaign,
                    overdue: !finished && due.as_deref().is_some_and(|due| due < today),
                    due,
                    inspection,
                    inspection_state,
                });
            }
            Ok(assigned)
        })
    }
}

/// [`Book::list`], also within a transaction.
pub(crate) fn list(connection: &Connection, query: &Query) -> Result<Vec<Listed>> {
    let (sql, values) = compose(query);
    let mut statement = connection.prepare_cached(&sql)?;
    let mut rows = statement.query(params_from_iter(values.iter()))?;
    let mut listed = Vec::new();
    while let Some(row) = rows.next()? {
        listed.push(read(row, query.near)?);
    }
    Ok(listed)
}

fn compose(query: &Query) -> (String, Vec<Box<dyn ToSql>>) {
    let mut sql = SELECT.to_owned();
    let mut values: Vec<Box<dyn ToSql>> = Vec::new();
    let mut also = |condition: &str, value: Box<dyn ToSql>| {
        sql.push_str(condition);
        values.push(value);
    };
    if let Some(kind) = query.kind {
        also(" AND p.kind = ?", Box::new(kind.name()));
    }
    if let Some(area) = query.area {
        also(" AND p.area = ?", Box::new(area.as_bytes().to_vec()));
    }
    if let Some(subject) = query.subject {
        also(" AND p.subject = ?", Box::new(subject.as_bytes().to_vec()));
    }
    if let Some(campaign) = query.campaign {
        also(
            " AND p.campaign = ?",
            Box::new(campaign.as_bytes().to_vec()),
        );
    }
    if let Some(state) = &query.state {
        also(" AND p.state = ?", Box::new(state.clone()));
    }
    if let Some(day) = &query.overdue_on {
        also(" AND p.deadline < ?", Box::new(day.clone()));
    }
    for word in query
        .text
        .as_deref()
        .map(fold)
        .unwrap_or_default()
        .split(' ')
        .filter(|word| !word.is_empty())
    {
        let word = format!(" {word}");
        also(" AND (instr(p.search, ?) > 0", Box::new(word.clone()));
        also(" OR instr(s.search, ?) > 0)", Box::new(word));
    }
    if query.conflicts_only {
        sql.push_str(" AND p.conflicts > 0");
    }
    if query.pending_only {
        sql.push_str(" AND d.heads <> d.acked_heads");
    }
    sql.push_str(" ORDER BY ");
    if let Some(near) = query.near {
        // The square of `Position::distance_m`, but for a factor: SQLite has no functions for more, nor need of them.
        sql.push_str(
            "latitude IS NULL, (latitude - ?) * (latitude - ?)
                + ((longitude - ?) * ?) * ((longitude - ?) * ?), ",
        );
        let (north, east) = (near.latitude_microdegrees, near.longitude_microdegrees);
        values.push(Box::new(north));
        values.push(Box::new(north));
        for _ in 0..2 {
            values.push(Box::new(east));
            values.push(Box::new(near.narrowing()));
        }
    }
    sql.push_str("p.date IS NULL, p.date DESC, p.title, p.document LIMIT ? OFFSET ?");
    values.push(Box::new(query.limit.map_or(-1, i64::from)));
    values.push(Box::new(query.offset));
    (sql, values)
}

fn id(row: &rusqlite::Row<'_>, column: usize) -> Result<DocumentId> {
    let bytes = row.get_ref(column)?;
    bytes
        .as_blob()
        .ok()
        .and_then(DocumentId::from_slice)
        .ok_or(Error::Unreadable("an id in a list"))
}

fn maybe_id(row: &rusqlite::Row<'_>, column: usize) -> Result<Option<DocumentId>> {
    let bytes = row.get_ref(column)?;
    Ok(bytes.as_blob().ok().and_then(DocumentId::from_slice))
}

/// How far the row's position, in these two columns, lies from here.
fn distance_m(
    row: &rusqlite::Row<'_>,
    column: usize,
    near: Option<Position>,
) -> Result<Option<u32>> {
    let latitude: Option<i32> = row.get(column)?;
    let longitude: Option<i32> = row.get(column + 1)?;
    Ok(near
        .zip(latitude.zip(longitude))
        .map(|(near, (latitude, longitude))| {
            near.distance_m(Position {
                latitude_microdegrees: latitude,
                longitude_microdegrees: longitude,
            })
        }))
}

fn read(row: &rusqlite::Row<'_>, near: Option<Position>) -> Result<Listed> {
    let kind = row.get_ref(1)?.as_str().ok().and_then(Kind::from_name);
    let title: String = row.get(3)?;
    let subject_title: Option<String> = row.get(5)?;
    Ok(Listed {
        document: id(row, 0)?,
        kind: kind.ok_or(Error::Unreadable("a kind in a list"))?,
        area: AreaId(id(row, 2)?.0),
        title: if title.is_empty() {
            subject_title.clone().unwrap_or_default()
        } else {
            title
        },
        subject: maybe_id(row, 4)?,
        subject_title,
        campaign: maybe_id(row, 6)?,
        state: row.get(7)?,
        date: row.get(8)?,
        deadline: row.get(9)?,
        conflicts: row.get(10)?,
        pending: row.get(11)?,
        distance_m: distance_m(row, 12, near)?,
    })
}
