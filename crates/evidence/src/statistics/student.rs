//! Quantiles of Student's t distribution, by bisection of its distribution function.
//!
//! The distribution function is the regularised incomplete beta function, evaluated by the continued fraction of
//! Press et al., Numerical Recipes, section 6.4.

/// The value that a t-distributed figure with `degrees` of freedom exceeds with probability `tail` (0 < tail < 0.5).
#[must_use]
pub fn upper_quantile(tail: f64, degrees: f64) -> f64 {
    let (mut low, mut high) = (0.0, 1e4);
    for _ in 0..200 {
        let middle = 0.5 * (low + high);
        if upper_tail(middle, degrees) > tail { low = middle } else { high = middle }
    }
    0.5 * (low + high)
}

/// Probability that a t-distributed figure exceeds `t` (not below zero).
#[must_use]
pub fn upper_tail(t: f64, degrees: f64) -> f64 {
    0.5 * regularised_beta(degrees / (degrees + t * t), 0.5 * degrees, 0.5)
}

fn regularised_beta(x: f64, a: f64, b: f64) -> f64 {
    if x <= 0.0 || x >= 1.0 {
        return x.clamp(0.0, 1.0);
    }
    let ln_front =
        libm::lgamma(a + b) - libm::lgamma(a) - libm::lgamma(b) + a * libm::log(x) + b * libm::log(1.0 - x);
    let front = libm::exp(ln_front);
    if x < (a + 1.0) / (a + b + 2.0) {
        front * continued_fraction(x, a, b) / a
    } else {
        1.0 - front * continued_fraction(1.0 - x, b, a) / b
    }
}

fn continued_fraction(x: f64, a: f64, b: f64) -> f64 {
    let away_from_zero = |value: f64| if value.abs() < 1e-300 { 1e-300 } else { value };
    let mut c = 1.0;
    let mut d = 1.0 / away_from_zero(1.0 - (a + b) * x / (a + 1.0));
    let mut result = d;
    for step in 1..300 {
        let m = f64::from(step);
        let even = m * (b - m) * x / ((a + 2.0 * m - 1.0) * (a + 2.0 * m));
        d = 1.0 / away_from_zero(1.0 + even * d);
        c = away_from_zero(1.0 + even / c);
        result *= d * c;
        let odd = -(a + m) * (a + b + m) * x / ((a + 2.0 * m) * (a + 2.0 * m + 1.0));
        d = 1.0 / away_from_zero(1.0 + odd * d);
        c = away_from_zero(1.0 + odd / c);
        let change = d * c;
        result *= change;
        if (change - 1.0).abs() < 1e-15 {
            break;
        }
    }
    result
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_agree_with_the_published_table() {
        for (tail, degrees, expected) in
            [(0.025, 1.0, 12.7062), (0.025, 10.0, 2.228_14), (0.005, 30.0, 2.750), (0.025, 1e6, 1.959_97)]
        {
            assert!((upper_quantile(tail, degrees) - expected).abs() < 1e-3, "{tail} {degrees}");
        }
    }
}
