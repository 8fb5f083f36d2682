//! What an import would do: line by line, against what is there already.

use std::collections::{BTreeSet, HashMap};

use rusqlite::{Connection, params};
use serde::Serialize;
use serde_json::{Map, Value};
use sokiem_record::{
    fold::fold,
    id::{AreaId, DocumentId, Kind},
};
use utoipa::ToSchema;
use uuid::Uuid;

use super::{
    line::{Fault, Line, List},
    places::Places,
};
use crate::{
    accounts::access::{Areas, Caller},
    areas::area,
    error::Error,
    http::problem::{Cause, Problem},
    secret,
    store::id,
    sync::stored,
};

/// What becomes of a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Outcome {
    /// It becomes a new unit.
    New,
    /// The unit is there already; it stays as it is.
    There,
    /// Something is wrong; nothing of the file is imported until it is right.
    Wrong,
    /// The template's example; it is left out.
    Example,
}

/// A line of the file, and what becomes of it.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Planned {
    /// Its line in a text, its row in a workbook, from 1.
    pub(crate) line: u32,
    /// The unit's name, as far as it can be shown.
    pub(crate) name: String,
    /// The area that it lies in.
    pub(crate) area: Option<Uuid>,
    /// What that area is called.
    pub(crate) area_name: Option<String>,
    /// What becomes of it.
    pub(crate) outcome: Outcome,
    /// The unit that is there already.
    pub(crate) unit: Option<Uuid>,
    /// The fields of a new unit.
    #[schema(value_type = Object)]
    pub(crate) fields: Map<String, Value>,
    /// What is wrong.
    pub(crate) faults: Vec<Fault>,
    /// What somebody should look at, though nothing is wrong.
    pub(crate) notices: Vec<Fault>,
}

/// What an import would do.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = ImportPreview)]
pub(crate) struct Preview {
    /// Names exactly this plan; an import asks for it.
    pub(crate) digest: String,
    /// The sheet that was read.
    pub(crate) sheet: Option<String>,
    /// Headings that are not known; what stands below them is not imported.
    pub(crate) ignored: Vec<String>,
    /// How many lines become a new unit.
    pub(crate) new: usize,
    /// How many are there already.
    pub(crate) there: usize,
    /// In how many something is wrong.
    pub(crate) wrong: usize,
    /// Each line.
    pub(crate) lines: Vec<Planned>,
}

impl Preview {
    /// Whether there is anything to import, and nothing against it.
    pub(crate) fn is_ready(&self) -> bool {
        self.wrong == 0 && self.new > 0
    }
}

/// The area for lines that name none: one that the caller may write.
fn expect_own(
    sql: &Connection,
    mine: &Areas,
    default: Option<Uuid>,
) -> Result<Option<AreaId>, Problem> {
    let Some(default) = default.map(AreaId) else {
        return Ok(None);
    };
    mine.expect_writable(default)?;
    area::expect_standing(sql, default)?;
    Ok(Some(default))
}

/// Plans an import of a list by a caller. `default` is the area of lines that name none.
pub(super) fn plan(
    sql: &Connection,
    caller: &Caller,
    default: Option<Uuid>,
    list: &List,
) -> Result<Preview, Problem> {
    let mine = caller.areas(sql)?;
    let default = expect_own(sql, &mine, default)?;
    let mut planning = Planning {
        sql,
        places: Places::of(sql, &mine)?,
        mine,
        default,
        there: HashMap::new(),
        seen: HashMap::new(),
    };
    let lines: Vec<Planned> = list
        .lines
        .iter()
        .map(|line| planning.line(line))
        .collect::<Result<_, Error>>()?;
    let count = |outcome| lines.iter().filter(|line| line.outcome == outcome).count();
    Ok(Preview {
        digest: digest(&lines)?,
        sheet: list.sheet.clone(),
        ignored: list.ignored.clone(),
        new: count(Outcome::New),
        there: count(Outcome::There),
        wrong: count(Outcome::Wrong),
        lines,
    })
}

/// What names a plan: another line, value, area or outcome has another digest.
fn digest(lines: &[Planned]) -> Result<String, Problem> {
    let text = serde_json::to_vec(lines).map_err(|error| {
        tracing::error!(%error, "a plan can't be written");
        Problem::new(Cause::Internal)
    })?;
    Ok(secret::hex(&secret::digest(&text)))
}

struct Planning<'a> {
    sql: &'a Connection,
    places: Places,
    mine: Areas,
    default: Option<AreaId>,
    /// The units of the areas that were asked about, by folded name.
    there: HashMap<AreaId, HashMap<String, DocumentId>>,
    /// The lines before, by area and folded name.
    seen: HashMap<(AreaId, String), u32>,
}

impl Planning<'_> {
    fn line(&mut self, line: &Line) -> Result<Planned, Error> {
        let mut planned = Planned {
            line: line.number,
            name: line.name.clone(),
            area: None,
            area_name: None,
            outcome: Outcome::New,
            unit: None,
            fields: Map::new(),
            faults: line.faults.clone(),
            notices: Vec::new(),
        };
        if line.is_example {
            planned.outcome = Outcome::Example;
            planned.faults.clear();
            return Ok(planned);
        }
        if let Some(id) = line.id {
            self.by_id(id, &mut planned)?;
        } else if let Some(area) = self.area(line, &mut planned) {
            planned.area = Some(area.0);
            planned.area_name = Some(self.places.name(area).to_owned());
            let name = line.fields.get("name").and_then(Value::as_str);
            if let Some(name) = name {
                self.by_name(area, name, &mut planned)?;
            }
        }
        if !planned.faults.is_empty() {
            planned.outcome = Outcome::Wrong;
            planned.unit = None;
        }
        if planned.outcome == Outcome::New {
            let fields = line.fields.iter();
            planned.fields = fields
                .map(|(name, value)| ((*name).to_owned(), value.clone()))
                .collect();
        }
        Ok(planned)
    }

    fn area(&self, line: &Line, planned: &mut Planned) -> Option<AreaId> {
        let Some(text) = &line.area else {
            if self.default.is_none() {
                planned.faults.push(Fault::of_line(
                    "chưa có địa bàn: hãy ghi ở cột Địa bàn, hoặc chọn một địa bàn chung cho cả tệp",
                    "no area: write it in the column Area, or choose one for the whole file",
                ));
            }
            return self.default;
        };
        let brief: String = text.chars().take(60).collect();
        match self.places.find(text) {
            Ok(found) => {
                if found.by_former_name {
                    let now = self.places.name(found.area);
                    planned.notices.push(Fault::of_line(
                        format!("“{brief}” nay là một phần của {now}"),
                        format!("“{brief}” has become part of {now}"),
                    ));
                }
                Some(found.area)
            }
            Err((vietnamese, english)) => {
                let wrong = (
                    format!("“{brief}” {vietnamese}"),
                    format!("“{brief}” {english}"),
                );
                planned.faults.push(Fault::of("Địa bàn", wrong));
                None
            }
        }
    }

    /// A line that names a record.
    fn by_id(&self, unit: DocumentId, planned: &mut Planned) -> Result<(), Error> {
        let row = stored::find(self.sql, unit)?;
        match row.filter(|row| row.kind == Kind::Unit && self.mine.readable(row.area)) {
            Some(row) => {
                planned.area = Some(row.area.0);
                planned.area_name = Some(self.places.name(row.area).to_owned());
                planned.outcome = Outcome::There;
                planned.unit = Some(unit.0);
            }
            None => planned.faults.push(Fault::of_line(
                "không có đơn vị nào mang mã hồ sơ này; đơn vị mới thì để trống mã",
                "no unit has this record id; leave it empty for a new unit",
            )),
        }
        Ok(())
    }

    fn by_name(&mut self, area: AreaId, name: &str, planned: &mut Planned) -> Result<(), Error> {
        let folded = fold(name);
        if !self.there.contains_key(&area) {
            self.there.insert(area, units(self.sql, area)?);
        }
        let there = self.there.get(&area).and_then(|units| units.get(&folded));
        if let Some(unit) = there {
            planned.outcome = Outcome::There;
            planned.unit = Some(unit.0);
            return Ok(());
        }
        if let Some(line) = self.seen.get(&(area, folded.clone())) {
            planned.faults.push(Fault::of_line(
                format!("trùng tên và địa bàn với dòng {line}"),
                format!("has the name and the area of line {line}"),
            ));
            return Ok(());
        }
        self.seen.insert((area, folded), planned.line);
        let elsewhere = self.elsewhere(area, name)?;
        if !elsewhere.is_empty() {
            let names: Vec<String> = elsewhere.into_iter().collect();
            planned.notices.push(Fault::of_line(
                format!("đã có đơn vị cùng tên ở địa bàn khác: {}", names.join(", ")),
                format!(
                    "a unit of this name is in another area: {}",
                    names.join(", ")
                ),
            ));
        }
        Ok(())
    }

    /// The other areas that the caller may read in which a unit has exactly this name.
    fn elsewhere(&self, area: AreaId, name: &str) -> Result<BTreeSet<String>, Error> {
        let mut statement = self.sql.prepare_cached(
            "SELECT area FROM documents WHERE kind = 'unit' AND title = ?1 AND area <> ?2 AND state <> 'joined' LIMIT 20",
        )?;
        let rows = statement.query_map(params![name, area.as_bytes().as_slice()], |row| {
            id::id::<AreaId>(row, 0)
        })?;
        let mut names = BTreeSet::new();
        for other in rows {
            let other = other?;
            if self.mine.readable(other) {
                names.insert(self.places.name(other).to_owned());
            }
        }
        Ok(names)
    }
}

/// The units of an area by folded name. Where several have one name, the oldest that is not joined into another.
fn units(sql: &Connection, area: AreaId) -> Result<HashMap<String, DocumentId>, Error> {
    let mut statement = sql.prepare_cached(
        "SELECT id, title FROM documents WHERE area = ?1 AND kind = 'unit' ORDER BY state = 'joined', id",
    )?;
    let rows = statement.query_map([area.as_bytes().as_slice()], |row| {
        Ok((id::id(row, 0)?, row.get::<_, String>(1)?))
    })?;
    let mut units = HashMap::new();
    for row in rows {
        let (id, name) = row?;
        units.entry(fold(&name)).or_insert(id);
    }
    Ok(units)
}
