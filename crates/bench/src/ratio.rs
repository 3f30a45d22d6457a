//! Two sides measured in turns, and what is said about their ratio.
//!
//! Each round gives one ratio, so that what slows the machine for seconds slows both sides of it. The median of these
//! ratios is what is judged; the ratio of the two smallest times and the lowest and highest ratio stand beside it.

use serde_json::{Value, json};

/// One value with its spread.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Spread {
    /// The middle one; the mean of the two in the middle when their number is even.
    pub median: f64,
    /// The lowest.
    pub low: f64,
    /// The highest.
    pub high: f64,
    /// The smallest of one side by the smallest of the other; the median where there are no sides.
    pub of_minima: f64,
    /// How many there are.
    pub rounds: usize,
}

impl Spread {
    /// The spread of `values`; `None` when there is none, or one that is no number.
    #[must_use]
    pub fn of(values: &[f64]) -> Option<Self> {
        let mut sorted = values.to_vec();
        if sorted.is_empty() || sorted.iter().any(|value| !value.is_finite()) {
            return None;
        }
        sorted.sort_by(f64::total_cmp);
        let middle = |at: usize| sorted.get(at).copied();
        let (half, is_even) = (sorted.len() / 2, sorted.len().is_multiple_of(2));
        let median =
            if is_even { f64::midpoint(middle(half.checked_sub(1)?)?, middle(half)?) } else { middle(half)? };
        let (low, high) = (*sorted.first()?, *sorted.last()?);
        Some(Self { median, low, high, of_minima: median, rounds: sorted.len() })
    }

    /// The spread of first by second, round by round.
    #[must_use]
    pub fn of_ratios(rounds: &[(f64, f64)]) -> Option<Self> {
        let ratios: Vec<f64> = rounds.iter().map(|(first, second)| first / second).collect();
        let least = |side: fn(&(f64, f64)) -> f64| rounds.iter().map(side).min_by(f64::total_cmp);
        let of_minima = least(|round| round.0)? / least(|round| round.1)?;
        Some(Self { of_minima, ..Self::of(&ratios)? })
    }

    /// The spread of one value.
    #[must_use]
    pub fn one(value: f64) -> Option<Self> {
        Self::of(&[value])
    }

    /// As JSON, with four significant digits.
    #[must_use]
    pub fn json(&self) -> Value {
        json!({
            "median": rounded(self.median),
            "low": rounded(self.low),
            "high": rounded(self.high),
            "of_minima": rounded(self.of_minima),
            "rounds": self.rounds,
        })
    }
}

/// The number with four significant digits.
#[must_use]
pub fn rounded(value: f64) -> f64 {
    format!("{value:.3e}").parse().unwrap_or(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_median_of_ratios_is_not_the_ratio_of_the_minima() {
        // A machine that was slowed in the second round slows both sides of it.
        let spread = Spread::of_ratios(&[(2.0, 1.0), (8.0, 4.0), (3.0, 1.0)]).unwrap();
        assert_eq!((spread.median, spread.low, spread.high, spread.rounds), (2.0, 2.0, 3.0, 3));
        assert_eq!(spread.of_minima, 2.0);
        let uneven = Spread::of_ratios(&[(2.0, 4.0), (3.0, 2.0)]).unwrap();
        assert_eq!((uneven.median, uneven.of_minima), (1.0, 1.0));
        let apart = Spread::of_ratios(&[(2.0, 4.0), (3.0, 1.0), (9.0, 3.0)]).unwrap();
        assert_eq!((apart.median, apart.of_minima), (3.0, 2.0));
    }

    #[test]
    fn what_is_no_number_gives_no_spread() {
        assert_eq!(Spread::of_ratios(&[]), None);
        assert_eq!(Spread::of_ratios(&[(1.0, 0.0)]), None);
        assert_eq!(Spread::of(&[f64::NAN]), None);
    }

    #[test]
    fn numbers_keep_four_digits() {
        assert_eq!((rounded(1.234_56), rounded(123_456.0), rounded(0.0)), (1.235, 123_500.0, 0.0));
        let spread = Spread::of_ratios(&[(1.0, 3.0)]).unwrap().json();
        assert_eq!(spread["median"], json!(0.3333));
    }
}
