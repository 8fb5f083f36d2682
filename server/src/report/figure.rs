//! One figure of the report: a number that can be questioned.

use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

/// A number, what it is a part of, and the records that it was counted from.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, ToSchema)]
pub(crate) struct Figure {
    /// The number; `null` when no unit has data about it.
    pub(crate) value: Option<u64>,
    /// How many units were asked about: the denominator.
    pub(crate) of: u64,
    /// How many of them have no data about it.
    pub(crate) no_data: u64,
    /// The records that made the number: ids of units or inspections.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) records: Vec<Uuid>,
}

impl Figure {
    /// Counts the units about which something is so. `None` is no data.
    pub(crate) fn count(units: impl IntoIterator<Item = (Uuid, Option<bool>)>) -> Self {
        Self::sum(
            units
                .into_iter()
                .map(|(unit, so)| (vec![unit], so.map(u64::from))),
        )
    }

    /// Adds up a number of each unit. `None` is no data. A unit's records are kept when its number is not 0.
    pub(crate) fn sum(units: impl IntoIterator<Item = (Vec<Uuid>, Option<u64>)>) -> Self {
        let mut figure = Self::default();
        for (records, number) in units {
            figure.of += 1;
            match number {
                None => figure.no_data += 1,
                Some(number) => {
                    figure.value = Some(figure.value.unwrap_or(0).saturating_add(number));
                    if number > 0 {
                        figure.records.extend(records);
                    }
                }
            }
        }
        figure
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(n: u128) -> Uuid {
        Uuid::from_u128(n)
    }

    #[test]
    fn no_data_and_zero_are_different() {
        let nobody_knows = Figure::count([(id(1), None), (id(2), None)]);
        assert_eq!(
            (nobody_knows.value, nobody_knows.of, nobody_knows.no_data),
            (None, 2, 2)
        );
        let none = Figure::count([(id(1), Some(false)), (id(2), None)]);
        assert_eq!((none.value, none.of, none.no_data), (Some(0), 2, 1));
        assert!(none.records.is_empty());
        assert_eq!(Figure::count([]).value, None);
    }

    #[test]
    fn a_sum_names_the_records_that_it_came_from() {
        let sum = Figure::sum([
            (vec![id(1)], Some(2)),
            (vec![id(2)], Some(0)),
            (vec![id(3), id(4)], Some(5)),
        ]);
        assert_eq!(
            (sum.value, sum.records),
            (Some(7), vec![id(1), id(3), id(4)])
        );
    }
}
