//! How far one sample lies above another: the median of all differences (Hodges and Lehmann 1963).
//!
//! As insensitive to single outliers as a difference of medians for small samples (up to 29 % of them), with 95 % of the
//! precision of a difference of means on normal data where a difference of medians has 64 %. It is the estimate that belongs
//! to the rank-sum test.

use super::median;

/// The median of all differences of a value of `raised` and one of `base`; nothing when either is empty.
#[must_use]
pub fn shift(base: &[f64], raised: &[f64]) -> Option<f64> {
    let differences: Vec<f64> =
        raised.iter().flat_map(|high| base.iter().map(move |low| high - low)).collect();
    median::median(&differences)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::statistics::null::Seeded;

    #[test]
    fn a_shift_is_found_whatever_one_second_in_five_does() {
        assert_eq!(shift(&[1.0, 2.0, 3.0], &[11.0, 12.0, 13.0]), Some(10.0));
        assert_eq!(shift(&[1.0; 20], &[11.0, 11.0, 11.0, 11.0, 9_000.0]), Some(10.0));
        assert_eq!(shift(&[], &[1.0]), None);
        assert_eq!(shift(&[1.0], &[]), None);
    }

    #[test]
    fn it_varies_less_than_the_difference_of_medians() {
        let squares = |of: &dyn Fn(&[f64], &[f64]) -> f64| -> f64 {
            let one = |seed| {
                let mut noise = Seeded(seed);
                let base: Vec<f64> = (0..80).map(|_| noise.normal()).collect();
                let raised: Vec<f64> = (0..10).map(|_| noise.normal()).collect();
                of(&base, &raised).powi(2)
            };
            (1..=500).map(one).sum()
        };
        let medians = |base: &[f64], raised: &[f64]| {
            median::median(raised).unwrap_or_default() - median::median(base).unwrap_or_default()
        };
        let shifts = |base: &[f64], raised: &[f64]| shift(base, raised).unwrap_or_default();
        assert!(squares(&shifts) < 0.85 * squares(&medians));
    }
}
