//! What is asked of the report, and the addresses that ask it.

use serde::{Deserialize, Serialize};
use sokiem_record::{id::AreaId, is_date, typed::UnitKind};
use utoipa::ToSchema;
use uuid::Uuid;

use super::facts::UnitFacts;
use crate::http::problem::Problem;

/// Longest period, in years.
const MOST_YEARS: i32 = 50;

/// Which kind of unit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum KindAsked {
    /// Cơ quan.
    Agency,
    /// Doanh nghiệp.
    Enterprise,
    /// Nhà trường.
    School,
    /// Units whose kind nobody recorded.
    Unrecorded,
}

impl KindAsked {
    /// All, in the order of the report.
    pub(crate) const ALL: [Self; 4] = [
        Self::Agency,
        Self::Enterprise,
        Self::School,
        Self::Unrecorded,
    ];

    /// The kind of a unit.
    pub(crate) fn of(kind: Option<UnitKind>) -> Self {
        match kind {
            Some(UnitKind::Agency) => Self::Agency,
            Some(UnitKind::Enterprise) => Self::Enterprise,
            Some(UnitKind::School) => Self::School,
            None => Self::Unrecorded,
        }
    }

    /// The word in addresses.
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::Agency => "agency",
            Self::Enterprise => "enterprise",
            Self::School => "school",
            Self::Unrecorded => "unrecorded",
        }
    }

    /// The one of that word.
    pub(crate) fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.word() == word)
    }

    /// What people read.
    pub(crate) fn names(self) -> (&'static str, &'static str) {
        match self {
            Self::Agency => ("Cơ quan", "Agencies"),
            Self::Enterprise => ("Doanh nghiệp", "Enterprises"),
            Self::School => ("Nhà trường", "Schools"),
            Self::Unrecorded => ("Chưa ghi loại hình", "Kind not recorded"),
        }
    }
}

/// What is asked for.
#[derive(Clone, Debug, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct Asked {
    /// First year.
    pub(crate) from: i32,
    /// Last year.
    pub(crate) to: i32,
    /// Only this area and what lies below it.
    pub(crate) area: Option<Uuid>,
    /// Only units of this kind.
    #[param(inline)]
    pub(crate) kind: Option<KindAsked>,
    /// A row for each area.
    #[serde(default)]
    pub(crate) by_area: bool,
    /// The day on which deadlines are judged, `YYYY-MM-DD`; today where it is left out.
    pub(crate) as_of: Option<String>,
}

/// What the figures are computed for.
#[derive(Clone, Debug)]
pub(crate) struct Question {
    pub(crate) from: i32,
    pub(crate) to: i32,
    /// The day on which deadlines are judged, `YYYY-MM-DD`.
    pub(crate) as_of: String,
    pub(crate) by_area: bool,
    pub(crate) area: Option<AreaId>,
    pub(crate) kind: Option<KindAsked>,
}

impl Asked {
    /// The question, once it can be answered.
    pub(crate) fn question(&self, today: impl FnOnce() -> String) -> Result<Question, Problem> {
        let (from, to) = (self.from, self.to);
        if from < 1 || to > 9999 || to < from || to - from >= MOST_YEARS {
            return Err(Problem::invalid(format!(
                "from, to: years, at most {MOST_YEARS} of them, in order"
            )));
        }
        if self.as_of.as_deref().is_some_and(|day| !is_date(day)) {
            return Err(Problem::invalid("as_of: a date YYYY-MM-DD"));
        }
        Ok(Question {
            from,
            to,
            as_of: self.as_of.clone().unwrap_or_else(today),
            by_area: self.by_area,
            area: self.area.map(AreaId),
            kind: self.kind,
        })
    }
}

impl Question {
    /// Whether a unit is one of those that are asked about.
    pub(super) fn is_about(&self, facts: &UnitFacts) -> bool {
        // A record that was joined into another is not a second unit.
        !facts.joined
            && self
                .kind
                .is_none_or(|kind| kind == KindAsked::of(facts.kind))
    }

    /// The same question as the query of an address.
    pub(crate) fn query(&self) -> String {
        let mut query = format!("from={}&to={}", self.from, self.to);
        query.extend(self.area.map(|area| format!("&area={area}")));
        query.extend(self.kind.map(|kind| format!("&kind={}", kind.word())));
        if self.by_area {
            query.push_str("&by_area=true");
        }
        query.push_str("&as_of=");
        query.push_str(&self.as_of);
        query
    }
}
