//! Control of the false discovery rate over a family of tests: Benjamini and Hochberg (1995), step-up.
//!
//! Valid under independence and positive regression dependence, which is what services on one call graph show:
//! a slow callee raises its callers, never lowers them.

/// The q-value of each p-value, in the order given.
#[must_use]
pub fn q_values(p_values: &[f64]) -> Vec<f64> {
    let mut order: Vec<usize> = (0..p_values.len()).collect();
    let p_at = |place: usize| p_values.get(place).copied().unwrap_or(1.0);
    order.sort_by(|left, right| p_at(*left).total_cmp(&p_at(*right)));
    let (mut q_values, mut smallest) = (vec![1.0; p_values.len()], 1.0_f64);
    for (rank, place) in order.iter().enumerate().rev() {
        smallest = smallest.min(p_at(*place) * p_values.len() as f64 / (rank + 1) as f64);
        if let Some(q_value) = q_values.get_mut(*place) {
            *q_value = smallest;
        }
    }
    q_values
}

/// Minus the decimal logarithm of a p-value: how sure, on a scale on which evidence can be compared.
#[must_use]
pub fn strength(p_value: f64) -> f64 {
    -libm::log10(p_value.max(f64::MIN_POSITIVE))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_textbook_family_gives_the_textbook_values() {
        let q = q_values(&[0.04, 0.01, 0.03, 0.5]);
        assert!((q[1] - 0.04).abs() < 1e-12);
        assert!((q[0] - 0.16 / 3.0).abs() < 1e-12);
        assert!((q[3] - 0.5).abs() < 1e-12);
        assert!(q_values(&[]).is_empty());
        assert!((strength(0.001) - 3.0).abs() < 1e-12 && strength(0.0).is_finite());
    }
}
