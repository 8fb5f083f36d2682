//! The records behind a figure: which units it counts with how much, which have 0, which have no data.

use axum::extract::State;
use rusqlite::{Connection, OptionalExtension};
use serde::{Deserialize, Serialize};
use sokiem_record::id::{AreaId, DocumentId};
use utoipa::ToSchema;
use uuid::Uuid;

use super::{
    answer::AreaName,
    endpoint::{Scope, area_names},
    facts::{Class, UnitFacts},
    figure::Figure,
    gather,
    measure::{Measure, PeriodMeasure, Share},
    question::{Asked, KindAsked, Question},
};
use crate::{
    accounts::access::{Areas, Caller},
    app::Shared,
    audit::{Action, Entry, reads},
    http::{
        body::{Json, Parameters},
        percent,
        problem::Problem,
    },
    store::id,
};

/// The name of the figures that count labels of classification.
pub(super) const CLASS: &str = "class";

/// Which units to list.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = ReportPart)]
pub(crate) enum Part {
    /// Those that the number counts.
    #[default]
    Counted,
    /// Those about which it is recorded that they add nothing.
    Zero,
    /// Those about which nobody recorded it.
    NoData,
    /// All that were asked about: the denominator.
    All,
}

impl Part {
    /// All, in the order of the page.
    pub(crate) const ALL: [Self; 4] = [Self::Counted, Self::Zero, Self::NoData, Self::All];

    /// The word in addresses.
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::Counted => "counted",
            Self::Zero => "zero",
            Self::NoData => "no_data",
            Self::All => "all",
        }
    }

    /// What people read.
    pub(crate) fn names(self) -> (&'static str, &'static str) {
        match self {
            Self::Counted => ("Được tính", "Counted"),
            Self::Zero => ("Bằng 0", "Zero"),
            Self::NoData => ("Không có số liệu", "No data"),
            Self::All => ("Tất cả", "All"),
        }
    }

    fn has(self, share: Share) -> bool {
        match (self, share) {
            (_, Share::NotAsked) => false,
            (Self::All, _) => true,
            (Self::Counted, Share::Number(number)) => number > 0,
            (Self::Zero, Share::Number(number)) => number == 0,
            (Self::NoData, share) => share == Share::NoData,
            (Self::Counted | Self::Zero, Share::NoData) => false,
        }
    }
}

/// Which figure. The addresses that the report gives say all of it.
#[derive(Clone, Debug, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct FigureAsked {
    /// The name of the figure in the report, or `class`.
    pub(crate) figure: String,
    /// First year of the report.
    pub(crate) from: i32,
    /// Last year of the report.
    pub(crate) to: i32,
    /// The year, for a figure of one year.
    pub(crate) year: Option<i32>,
    /// Only this area and what lies below it.
    pub(crate) area: Option<Uuid>,
    /// Only this area itself: a row of the report by areas.
    pub(crate) within: Option<Uuid>,
    /// Only units of this kind.
    #[param(inline)]
    pub(crate) kind: Option<KindAsked>,
    /// The label, for `class`.
    pub(crate) class: Option<String>,
    /// The scheme of the label.
    pub(crate) scheme: Option<String>,
    /// The day on which deadlines are judged.
    pub(crate) as_of: Option<String>,
    /// `counted` (where absent), `zero`, `no_data`, `all`.
    #[serde(default)]
    #[param(inline)]
    pub(crate) part: Part,
    /// `next` of the page before.
    pub(crate) after: Option<Uuid>,
    /// How many units; 100 where absent.
    pub(crate) limit: Option<u32>,
}

/// The query that lists the records behind a figure.
pub(super) fn query(
    question: &Question,
    figure: &str,
    year: Option<i32>,
    row: Option<(Option<AreaId>, KindAsked)>,
    class: Option<&Class>,
) -> String {
    let (within, kind) = row.map_or((None, question.kind), |(area, kind)| (area, Some(kind)));
    let mut query = format!("figure={figure}&from={}&to={}", question.from, question.to);
    query.extend(year.map(|year| format!("&year={year}")));
    query.extend(question.area.map(|area| format!("&area={area}")));
    query.extend(within.map(|area| format!("&within={area}")));
    query.extend(kind.map(|kind| format!("&kind={}", kind.word())));
    if let Some(class) = class {
        query.push_str("&class=");
        query.push_str(&percent::encode(&class.label));
        let scheme = class.scheme.as_deref();
        query.extend(scheme.map(|scheme| format!("&scheme={}", percent::encode(scheme))));
    }
    query.push_str("&as_of=");
    query.push_str(&question.as_of);
    query
}

/// A figure that was found by its name.
#[derive(Clone, Debug)]
enum Named {
    Year(Measure, i32),
    Period(PeriodMeasure),
    Class(Class, i32),
}

impl Named {
    fn of(asked: &FigureAsked) -> Result<Self, Problem> {
        let year = || {
            let year = asked.year;
            year.filter(|year| (asked.from..=asked.to).contains(year))
                .ok_or_else(|| Problem::invalid("year: one from `from` to `to`"))
        };
        if asked.figure == CLASS {
            let label = asked.class.clone();
            let class = Class {
                label: label.ok_or_else(|| Problem::invalid("class: a label"))?,
                scheme: asked.scheme.clone(),
            };
            return Ok(Self::Class(class, year()?));
        }
        match (
            Measure::from_name(&asked.figure),
            PeriodMeasure::from_name(&asked.figure),
        ) {
            (Some(measure), _) => Ok(Self::Year(measure, year()?)),
            (None, Some(measure)) => Ok(Self::Period(measure)),
            (None, None) => Err(Problem::invalid("figure: there is none of this name")),
        }
    }

    fn share(&self, facts: &UnitFacts, question: &Question) -> Share {
        match self {
            Self::Year(measure, year) => measure.of(facts, *year, &question.as_of),
            Self::Period(measure) => measure.of(facts, question.from, question.to),
            Self::Class(class, year) => {
                if !facts.exists_in(*year) || facts.in_scope(*year) != Some(true) {
                    return Share::NotAsked;
                }
                let recorded = facts.year(*year).and_then(|year| year.class.as_ref());
                recorded.map_or(Share::NoData, |one| Share::Number(u64::from(one == class)))
            }
        }
    }

    /// The inspections that the number of a unit comes from.
    fn inspections(&self, facts: &UnitFacts, as_of: &str) -> Vec<Uuid> {
        let Self::Year(measure, year) = self else {
            return Vec::new();
        };
        if !measure.counts_inspections() {
            return Vec::new();
        }
        let counts = facts.finished(*year).filter(|one| match measure {
            Measure::Incidents => one.incidents > 0,
            Measure::FindingsOpened => one.findings_opened > 0,
            Measure::FindingsClosed => one.findings_closed > 0,
            Measure::FindingsOverdue => one.overdue(as_of) > 0,
            _ => true,
        });
        counts.map(|one| one.id).collect()
    }

    fn names(&self) -> (String, String) {
        let own = |(vi, en): (&str, &str)| (vi.to_owned(), en.to_owned());
        match self {
            Self::Year(measure, _) => own(measure.names()),
            Self::Period(measure) => own(measure.names()),
            Self::Class(class, _) => {
                let scheme = class.scheme.as_deref();
                let scheme = scheme.map(|scheme| format!(" ({scheme})"));
                let label = format!("{}{}", class.label, scheme.unwrap_or_default());
                (format!("Xếp loại {label}"), format!("Classed {label}"))
            }
        }
    }
}

/// A page of the records behind a figure.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Behind {
    /// What the figure is called.
    pub(crate) name: String,
    /// The same in English.
    pub(crate) name_en: String,
    /// The figure itself.
    pub(crate) figure: Figure,
    /// How many units add nothing.
    pub(crate) zero: u64,
    /// Which units are listed.
    pub(crate) part: Part,
    /// The day on which deadlines were judged.
    pub(crate) as_of: String,
    /// The area, where only one was asked about.
    pub(crate) area: Option<AreaName>,
    /// The units.
    pub(crate) units: Vec<Counted>,
    /// Give as `after` for the next page; null at the end.
    pub(crate) next: Option<Uuid>,
}

/// A unit and what it contributes.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Counted {
    /// The unit.
    pub(crate) unit: Uuid,
    /// What it is called.
    pub(crate) title: String,
    /// What it is.
    pub(crate) kind: KindAsked,
    /// Where it lies.
    pub(crate) area: AreaName,
    /// What it contributes; `null` where there is no data.
    pub(crate) number: Option<u64>,
    /// The inspections that the number comes from.
    pub(crate) inspections: Vec<Source>,
    /// How many more of them lie in areas that the caller may not read.
    pub(crate) elsewhere: usize,
}

/// An inspection that a number comes from.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Source {
    /// The inspection.
    pub(crate) id: Uuid,
    /// What it is called.
    pub(crate) title: String,
    /// Its day.
    pub(crate) date: Option<String>,
}

/// List the records behind a figure of the report.
#[utoipa::path(get, path = "/api/v1/report/records", tag = "report", params(FigureAsked),
    responses((status = 200, body = Behind), (status = 400, description = "malformed-query"), (status = 403, description = "forbidden"),
        (status = 404, description = "not-found"), (status = 422, description = "invalid")),
    security(("session" = [])))]
pub(crate) async fn list(
    State(app): Shared,
    caller: Caller,
    Parameters(asked): Parameters<FigureAsked>,
) -> Result<Json<Behind>, Problem> {
    let named = Named::of(&asked)?;
    let limit = asked.limit.unwrap_or(100).clamp(1, app.config.limits.page) as usize;
    let report = Asked {
        from: asked.from,
        to: asked.to,
        area: asked.area,
        kind: asked.kind,
        by_area: false,
        as_of: asked.as_of.clone(),
    };
    let question = report.question(|| app.machine.today())?;
    let account = caller.account;
    let entry = Entry::new(Action::ReportRead).detail("figure", asked.figure.clone());
    let entry = question.area.into_iter().fold(entry, Entry::area);
    let answer = app
        .store
        .read(move |sql| {
            let scope = Scope::of(sql, &caller, question.area)?;
            behind(sql, &scope, &question, &named, &asked, limit)
        })
        .await?;
    reads::looked(&app, account, entry);
    Ok(Json(answer))
}

/// A unit of the page, before its records are looked up.
struct Found {
    unit: Uuid,
    kind: KindAsked,
    area: AreaId,
    share: Share,
    inspections: Vec<Uuid>,
}

fn behind(
    sql: &Connection,
    scope: &Scope,
    question: &Question,
    named: &Named,
    asked: &FigureAsked,
    limit: usize,
) -> Result<Behind, Problem> {
    let within = asked.within.map(AreaId);
    let mut figure = Figure::default();
    let (mut zero, mut more) = (0, false);
    let mut found: Vec<Found> = Vec::new();
    gather::each(
        sql,
        (question.from, question.to),
        |area| scope.has(area) && within.is_none_or(|within| within == area),
        |facts| {
            if !question.is_about(facts) {
                return;
            }
            let share = named.share(facts, question);
            figure.add(share);
            zero += u64::from(share == Share::Number(0));
            let fits = asked.part.has(share) && asked.after.is_none_or(|after| facts.id > after);
            if fits && found.len() < limit {
                found.push(Found {
                    unit: facts.id,
                    kind: KindAsked::of(facts.kind),
                    area: facts.area,
                    share,
                    inspections: named.inspections(facts, &question.as_of),
                });
            } else {
                more |= fits;
            }
        },
    )?;
    let names = area_names(sql)?;
    let name = |area: Uuid| AreaName {
        id: area,
        name: names.get(&area).cloned().unwrap_or_default(),
    };
    let next = more.then(|| found.last().map(|last| last.unit)).flatten();
    let mut units = Vec::new();
    for one in found {
        let (inspections, elsewhere) = sources(sql, &scope.areas, &one.inspections)?;
        let title = record(sql, one.unit)?.map(|(_, title, _)| title);
        units.push(Counted {
            unit: one.unit,
            title: title.unwrap_or_default(),
            kind: one.kind,
            area: name(one.area.0),
            number: match one.share {
                Share::Number(number) => Some(number),
                Share::NoData | Share::NotAsked => None,
            },
            inspections,
            elsewhere,
        });
    }
    let (name_vi, name_en) = named.names();
    let row = asked.kind.map(|kind| (within, kind));
    let (year, class) = match named {
        Named::Year(_, year) => (Some(*year), None),
        Named::Period(_) => (None, None),
        Named::Class(class, year) => (Some(*year), Some(class)),
    };
    figure.query = query(question, &asked.figure, year, row, class);
    Ok(Behind {
        name: name_vi,
        name_en,
        figure,
        zero,
        part: asked.part,
        as_of: question.as_of.clone(),
        area: asked.within.or(asked.area).map(name),
        units,
        next,
    })
}

fn sources(
    sql: &Connection,
    areas: &Areas,
    inspections: &[Uuid],
) -> Result<(Vec<Source>, usize), Problem> {
    let (mut sources, mut elsewhere) = (Vec::new(), 0);
    for inspection in inspections {
        match record(sql, *inspection)? {
            Some((area, title, date)) if areas.readable(area) => sources.push(Source {
                id: *inspection,
                title,
                date,
            }),
            _ => elsewhere += 1,
        }
    }
    Ok((sources, elsewhere))
}

/// Where a record lies, what it is called, its day.
fn record(
    sql: &Connection,
    record: Uuid,
) -> Result<Option<(AreaId, String, Option<String>)>, Problem> {
    let mut statement =
        sql.prepare_cached("SELECT area, title, date FROM documents WHERE id = ?1")?;
    let key = DocumentId(record);
    let row = statement.query_row([key.as_bytes().as_slice()], |row| {
        Ok((id::id(row, 0)?, row.get(1)?, row.get(2)?))
    });
    Ok(row.optional()?)
}
