//! The regimes under which units are recognised in a year, and which units they leave out: data with a
//! citation. What follows is a hint for the person who decides; nothing is ever written because of it.

use serde::Deserialize;

use crate::{
    criteria::Citation,
    typed::{Unit, UnitKind},
};

/// A regime.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Regime {
    /// As records name it: `TT 124/2021/TT-BCA`.
    pub name: String,
    /// First day on which it is in force, `YYYY-MM-DD`.
    pub valid_from: String,
    /// Last day on which it is in force; open where absent.
    #[serde(default)]
    pub valid_to: Option<String>,
    /// Where this was read, and how sure we are.
    pub citation: Citation,
    /// Which units it leaves out; absent where that was not read.
    #[serde(default)]
    pub leaves_out: Option<LeavesOut>,
}

/// Which units a regime leaves out.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LeavesOut {
    /// Units of the armed forces.
    pub armed_forces: bool,
    /// Enterprises of these sizes, as the schema names them.
    pub enterprise_sizes: Vec<String>,
    /// Schools of these levels, as the schema names them.
    pub school_levels: Vec<String>,
}

/// What a regime says about a unit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It leaves the unit out, because of this field of the unit.
    LeftOut(&'static str),
    /// Nothing that was recorded leaves the unit out.
    Covered,
    /// It can't be told: this field of the unit is not recorded, or (`None`) the rule was not read.
    NotKnown(Option<&'static str>),
}

#[derive(Deserialize)]
struct File {
    regimes: Vec<Regime>,
}

/// The regimes that ship with this build, the oldest first.
///
/// # Errors
/// A fault of the file; a test excludes it.
pub fn shipped() -> Result<Vec<Regime>, toml::de::Error> {
    let file: File = toml::from_str(include_str!("../regimes/recognition.toml"))?;
    Ok(file.regimes)
}

impl Regime {
    /// Whether it is in force on a day, `YYYY-MM-DD`.
    pub fn in_force(&self, day: &str) -> bool {
        let over = self.valid_to.as_deref().is_some_and(|last| day > last);
        self.valid_from.as_str() <= day && !over
    }

    /// What it says about a unit as it is recorded.
    pub fn verdict(&self, unit: &Unit) -> Verdict {
        let Some(rule) = &self.leaves_out else {
            return Verdict::NotKnown(None);
        };
        if rule.armed_forces && unit.armed_forces == Some(true) {
            return Verdict::LeftOut("armed_forces");
        }
        let (field, recorded, out) = match unit.unit_kind {
            None => return Verdict::NotKnown(Some("unit_kind")),
            Some(UnitKind::Agency) => return Verdict::Covered,
            Some(UnitKind::Enterprise) => (
                "enterprise_size",
                &unit.enterprise_size,
                &rule.enterprise_sizes,
            ),
            Some(UnitKind::School) => ("school_level", &unit.school_level, &rule.school_levels),
        };
        match recorded {
            None => Verdict::NotKnown(Some(field)),
            Some(word) if out.contains(word) => Verdict::LeftOut(field),
            Some(_) => Verdict::Covered,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::schema::{self, FieldType, Place};

    fn of(name: &str) -> Regime {
        let mut regimes = shipped().unwrap().into_iter();
        regimes.find(|regime| regime.name == name).unwrap()
    }

    #[test]
    fn every_word_of_the_file_is_one_of_the_schema() {
        for regime in shipped().unwrap() {
            let rule = regime.leaves_out.into_iter();
            for rule in rule {
                for (field, words) in [
                    ("enterprise_size", rule.enterprise_sizes),
                    ("school_level", rule.school_levels),
                ] {
                    let place = schema::place(crate::id::Kind::Unit, &field.parse().unwrap());
                    let Some(Place::Field(FieldType::Choice(known))) = place else {
                        panic!("{field}");
                    };
                    assert!(words.iter().all(|word| known.contains(&word.as_str())));
                }
            }
        }
    }

    #[test]
    fn a_regime_says_who_is_left_out_and_what_it_does_not_know() {
        let regime = of("TT 124/2021/TT-BCA");
        let unit = |kind, size: Option<&str>, level: Option<&str>| Unit {
            unit_kind: Some(kind),
            enterprise_size: size.map(str::to_owned),
            school_level: level.map(str::to_owned),
            ..Unit::default()
        };
        let small = unit(UnitKind::Enterprise, Some("small"), None);
        assert_eq!(regime.verdict(&small), Verdict::LeftOut("enterprise_size"));
        let large = unit(UnitKind::Enterprise, Some("large"), None);
        assert_eq!(regime.verdict(&large), Verdict::Covered);
        let primary = unit(UnitKind::School, None, Some("primary"));
        assert_eq!(regime.verdict(&primary), Verdict::LeftOut("school_level"));
        let some_school = unit(UnitKind::School, None, None);
        assert_eq!(
            regime.verdict(&some_school),
            Verdict::NotKnown(Some("school_level"))
        );
        let barracks = Unit {
            armed_forces: Some(true),
            ..unit(UnitKind::Agency, None, None)
        };
        assert_eq!(regime.verdict(&barracks), Verdict::LeftOut("armed_forces"));
        assert_eq!(
            of("TT 23/2012/TT-BCA").verdict(&large),
            Verdict::NotKnown(None),
            "what was not read is not made up"
        );
    }

    #[test]
    fn regimes_follow_each_other_without_a_gap() {
        let in_force = |day: &str| -> Vec<String> {
            let regimes = shipped().unwrap().into_iter();
            regimes
                .filter(|regime| regime.in_force(day))
                .map(|regime| regime.name)
                .collect()
        };
        assert_eq!(in_force("2022-02-09"), ["TT 23/2012/TT-BCA"]);
        assert_eq!(in_force("2022-02-10"), ["TT 124/2021/TT-BCA"]);
        assert!(in_force("2012-06-17").is_empty());
    }
}
