//! The areas that a list of units may name, by what people call them.

use std::collections::HashMap;

use rusqlite::Connection;
use sokiem_record::{fold::fold, id::AreaId};

use super::cell::Wrong;
use crate::{accounts::access::Areas, error::Error, store::id};

/// Areas by their names.
pub(super) struct Places {
    all: HashMap<AreaId, Place>,
    /// The ones that the caller may write, by their names as [`bare`] has them.
    own: HashMap<String, Vec<AreaId>>,
}

struct Place {
    name: String,
    parent: Option<AreaId>,
    /// What it has become part of.
    merged_into: Option<AreaId>,
}

/// The area that a text names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Found {
    pub(super) area: AreaId,
    /// The text names one that has become part of it.
    pub(super) by_former_name: bool,
}

impl Places {
    pub(super) fn of(sql: &Connection, areas: &Areas) -> Result<Self, Error> {
        let mut statement =
            sql.prepare_cached("SELECT id, name, parent, merged_into FROM areas ORDER BY id")?;
        let rows = statement.query_map([], |row| {
            let place = Place {
                name: row.get(1)?,
                parent: id::optional_id(row, 2)?,
                merged_into: id::optional_id(row, 3)?,
            };
            Ok((id::id::<AreaId>(row, 0)?, place))
        })?;
        let all: HashMap<AreaId, Place> = rows.collect::<Result<_, _>>()?;
        let mut own: HashMap<String, Vec<AreaId>> = HashMap::new();
        for (area, place) in all.iter().filter(|(area, _)| areas.writable(**area)) {
            own.entry(bare(&place.name)).or_default().push(*area);
        }
        Ok(Self { all, own })
    }

    /// The area in which what is meant for this one lies today.
    fn today(&self, area: AreaId) -> AreaId {
        let mut found = area;
        for _ in 0..self.all.len() {
            match self.all.get(&found).and_then(|place| place.merged_into) {
                Some(next) => found = next,
                None => break,
            }
        }
        found
    }

    /// What an area is called.
    pub(super) fn name(&self, area: AreaId) -> &str {
        self.all.get(&area).map_or("", |place| &place.name)
    }

    /// The one of the caller's areas that a text names: `An Điền`, `xã An Điền`, `Thạnh Phú / An Điền`. One that has
    /// become part of another is that other one; lists are older than mergers.
    pub(super) fn find(&self, text: &str) -> Result<Found, Wrong> {
        let mut steps: Vec<String> = text.split(['/', '>']).map(bare).collect();
        let last = steps.pop().unwrap_or_default();
        let named = self.own.get(&last).map_or(&[][..], Vec::as_slice);
        let named = named
            .iter()
            .copied()
            .filter(|area| self.lies_below(*area, &steps));
        let (standing, gone): (Vec<AreaId>, Vec<AreaId>) =
            named.partition(|area| self.today(*area) == *area);
        let by_former_name = standing.is_empty();
        let mut found = if by_former_name {
            gone.into_iter().map(|area| self.today(area)).collect()
        } else {
            standing
        };
        found.sort_unstable();
        found.dedup();
        match found.as_slice() {
            [area] => Ok(Found {
                area: *area,
                by_former_name,
            }),
            [] => Err((
                "không có trong các địa bàn của bạn".into(),
                "is not one of your areas".into(),
            )),
            _ => Err((
                "có nhiều địa bàn cùng tên: hãy ghi cả cấp trên, ví dụ Thạnh Phú / An Điền".into(),
                "is what several areas are called: write the one above it too, such as Thạnh Phú / An Điền".into(),
            )),
        }
    }

    /// Whether areas of these names lie above, the nearest last.
    fn lies_below(&self, area: AreaId, names: &[String]) -> bool {
        let mut names = names.iter().rev().peekable();
        let mut above = self.all.get(&area).and_then(|place| place.parent);
        // A tree is not deeper than it has areas, whatever the rows say.
        for _ in 0..self.all.len() {
            let (Some(wanted), Some(place)) =
                (names.peek(), above.and_then(|area| self.all.get(&area)))
            else {
                break;
            };
            if bare(&place.name) == **wanted {
                names.next();
            }
            above = place.parent;
        }
        names.peek().is_none()
    }
}

/// A name without accents and without the word for what it is: `xã An Điền` and `An Điền` are one.
fn bare(name: &str) -> String {
    let folded = fold(name);
    let levels = [
        "xa ",
        "phuong ",
        "thi tran ",
        "dac khu ",
        "huyen ",
        "thi xa ",
        "thanh pho ",
        "tinh ",
    ];
    let rest = levels.iter().find_map(|level| folded.strip_prefix(level));
    // An area that is called by a number only, phường 3, keeps its word.
    match rest {
        Some(rest) if !rest.bytes().all(|byte| byte.is_ascii_digit()) => rest.to_owned(),
        _ => folded,
    }
}

#[cfg(test)]
mod tests {
    use sokiem_record::id::AreaId;

    use super::*;

    fn places(rows: &[(u128, &str, Option<u128>)]) -> Places {
        let area = |n: u128| AreaId(uuid::Uuid::from_u128(n));
        let mut own: HashMap<String, Vec<AreaId>> = HashMap::new();
        for (n, name, _) in rows {
            own.entry(bare(name)).or_default().push(area(*n));
        }
        let place = |(n, name, parent): &(u128, &str, Option<u128>)| {
            let place = Place {
                name: (*name).to_owned(),
                parent: parent.map(area),
                merged_into: None,
            };
            (area(*n), place)
        };
        Places {
            all: rows.iter().map(place).collect(),
            own,
        }
    }

    #[test]
    fn areas_are_found_by_what_people_call_them() {
        let places = places(&[
            (1, "Thạnh Phú", None),
            (2, "Xã An Điền", Some(1)),
            (3, "Thị trấn Thạnh Phú", Some(1)),
            (4, "Ba Tri", None),
            (5, "An Điền", Some(4)),
            (6, "Phường 3", Some(4)),
        ]);
        let found = |text: &str| {
            places
                .find(text)
                .map(|found| found.area.0.as_u128())
                .map_err(|wrong| wrong.1)
        };
        assert_eq!(found("Thạnh Phú / An Điền"), Ok(2));
        assert_eq!(found("ba tri > xa an dien"), Ok(5));
        assert_eq!(found("phường 3"), Ok(6));
        assert!(found("An Điền").unwrap_err().starts_with("is what several"));
        assert!(found("Thạnh Hải").unwrap_err().starts_with("is not one"));
        assert!(found("Ba Tri / Thạnh Phú").is_err() && found("").is_err() && found("3").is_err());
        // The town and its district have one name.
        assert!(found("Thạnh Phú").is_err());
        assert_eq!(found("Thạnh Phú / Thạnh Phú"), Ok(3));
    }
}
