//! Figures of several rounds: the middle one and how far they lie apart.

use serde::{Deserialize, Serialize};

/// The same thing measured in several rounds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Figure {
    /// The one in the middle; of an even number the mean of the two.
    pub median: f64,
    /// The smallest.
    pub least: f64,
    /// The largest.
    pub most: f64,
    /// How many.
    pub rounds: usize,
}

impl Figure {
    /// Of these values; `None` of none.
    pub fn of(values: impl IntoIterator<Item = f64>) -> Option<Self> {
        let mut values: Vec<f64> = values.into_iter().collect();
        values.sort_by(f64::total_cmp);
        Some(Self {
            median: quantile(&values, 0.5)?,
            least: *values.first()?,
            most: *values.last()?,
            rounds: values.len(),
        })
    }

    /// How many times this one is of `base`, from the medians; at least and at most by the farthest rounds.
    pub fn over(&self, base: &Self) -> Self {
        Self {
            median: self.median / base.median,
            least: self.least / base.most,
            most: self.most / base.least,
            rounds: self.rounds.min(base.rounds),
        }
    }
}

/// The value that a share of the sorted values does not exceed; between two of them where it falls between.
pub fn quantile(sorted: &[f64], share: f64) -> Option<f64> {
    #[expect(clippy::cast_precision_loss, reason = "a few million values at most")]
    let place = share * (sorted.len().checked_sub(1)? as f64);
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a place in the list"
    )]
    let (below, above) = (place.floor() as usize, place.ceil() as usize);
    let (low, high) = (sorted.get(below)?, sorted.get(above)?);
    Some(low + (high - low) * (place - place.floor()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn medians_quantiles_and_ratios_are_what_they_say() {
        let ours = Figure::of([2.0, 1.0, 3.0]).unwrap();
        assert_eq!((ours.median, ours.least, ours.most), (2.0, 1.0, 3.0));
        let theirs = Figure::of([20.0, 30.0]).unwrap();
        let ratio = theirs.over(&ours);
        assert_eq!((ratio.median, ratio.rounds), (12.5, 2));
        assert_eq!((ratio.least, ratio.most), (20.0 / 3.0, 30.0));
        let hundred: Vec<f64> = (0..=100).map(f64::from).collect();
        assert_eq!(quantile(&hundred, 0.99), Some(99.0));
        assert_eq!(Figure::of([]), None);
    }
}
