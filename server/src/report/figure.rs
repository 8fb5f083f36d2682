//! One figure of the report: a number that can be questioned.

use serde::{Serialize, Serializer};
use utoipa::ToSchema;

use super::measure::Share;

/// A number, what it is a part of, and where the records are that it was counted from.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, ToSchema)]
pub(crate) struct Figure {
    /// The number; `null` when no unit has data about it.
    pub(crate) value: Option<u64>,
    /// How many units were asked about: the denominator.
    pub(crate) of: u64,
    /// How many of them have no data about it.
    pub(crate) no_data: u64,
    /// The address that lists the records behind the number.
    #[serde(rename = "records", serialize_with = "address")]
    #[schema(value_type = String)]
    pub(crate) query: String,
}

fn address<S: Serializer>(query: &str, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&format!("/api/v1/report/records?{query}"))
}

impl Figure {
    /// Counts what a unit contributes.
    pub(super) fn add(&mut self, share: Share) {
        match share {
            Share::NotAsked => {}
            Share::NoData => {
                self.of += 1;
                self.no_data += 1;
            }
            Share::Number(number) => {
                self.of += 1;
                self.value = Some(self.value.unwrap_or(0).saturating_add(number));
            }
        }
    }

    /// Adds another group of units to this one.
    pub(super) fn merge(&mut self, other: &Self) {
        self.of += other.of;
        self.no_data += other.no_data;
        self.value = match (self.value, other.value) {
            (Some(one), Some(two)) => Some(one.saturating_add(two)),
            (one, two) => one.or(two),
        };
    }

    /// The page that lists the records behind it.
    pub(crate) fn page(&self) -> String {
        format!("/report/records?{}", self.query)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sum(shares: &[Share]) -> (Option<u64>, u64, u64) {
        let mut figure = Figure::default();
        shares.iter().for_each(|share| figure.add(*share));
        (figure.value, figure.of, figure.no_data)
    }

    #[test]
    fn no_data_and_zero_are_different() {
        use Share::{NoData, NotAsked, Number};
        assert_eq!(sum(&[NoData, NoData]), (None, 2, 2));
        assert_eq!(sum(&[Number(0), NoData]), (Some(0), 2, 1));
        assert_eq!(sum(&[NotAsked, Number(7), Number(5)]), (Some(12), 2, 0));
        assert_eq!(sum(&[]), (None, 0, 0));
    }

    #[test]
    fn groups_add_up_as_their_units_do() {
        let mut all = Figure::default();
        for group in [
            &[Share::NoData][..],
            &[Share::Number(0)],
            &[Share::Number(3)],
        ] {
            let mut one = Figure::default();
            group.iter().for_each(|share| one.add(*share));
            all.merge(&one);
        }
        assert_eq!((all.value, all.of, all.no_data), (Some(3), 3, 1));
    }
}
