//! A family of one-sided tests against the distribution of its largest statistic: single-step max-T (Westfall and
//! Young 1993) by flipping the signs of score contributions, one cluster at a time (Hemerik, Goeman and Finos 2020).
//!
//! Each member of the family has one contribution of each cluster (a block of time): what was seen beyond what was
//! expected. Without an effect a contribution is as likely on either side of zero, and clusters are independent of each
//! other, whatever happens inside them; flipping a cluster for all members at once keeps what binds the members to each
//! other. No chance is used: with few clusters every pattern of signs is counted; with more, a fixed sequence of patterns, in
//! which the sign of cluster `c` in pattern `k` is a bit of the splitmix64 hash of `k` (Steele, Lea and Flood 2014).

/// Clusters up to which all patterns of signs are counted.
const EXACT_CLUSTERS_MAX: usize = 11;
/// Patterns of the fixed sequence.
const PATTERNS: u64 = 1_023;
/// Clusters at most, one bit each; further ones are folded into the ones before.
const CLUSTERS_MAX: usize = 64;

/// The adjusted p-value of each member: the share of sign patterns, its own among them, under which the largest
/// statistic of the family reaches the member's. Members are rows of equal length.
#[must_use]
pub fn adjusted(family: &[Vec<f64>]) -> Vec<f64> {
    let members: Vec<Vec<f64>> = family.iter().map(|member| standardised(member)).collect();
    let clusters = members.iter().map(Vec::len).max().unwrap_or(0).min(CLUSTERS_MAX);
    let seen: Vec<f64> = members.iter().map(|member| statistic(member, 0)).collect();
    let is_exact = clusters <= EXACT_CLUSTERS_MAX;
    let patterns = if is_exact { 1_u64 << clusters } else { PATTERNS + 1 };
    let mut reached = vec![0_u64; seen.len()];
    for pattern in 0..patterns {
        let signs = if is_exact || pattern == 0 { pattern } else { hash(pattern) };
        let largest = members.iter().map(|member| statistic(member, signs)).fold(f64::NEG_INFINITY, f64::max);
        for (count, own) in reached.iter_mut().zip(&seen) {
            // Rounding must not tell a pattern from itself.
            *count += u64::from(largest >= own - 1e-9);
        }
    }
    reached.iter().map(|count| *count as f64 / patterns as f64).collect()
}

/// Contributions by the root of their sum of squares, which no flip changes; zeros when there are none.
fn standardised(member: &[f64]) -> Vec<f64> {
    let scale = libm::sqrt(member.iter().map(|one| one * one).sum());
    if scale <= 0.0 { vec![0.0; member.len()] } else { member.iter().map(|one| one / scale).collect() }
}

fn statistic(member: &[f64], signs: u64) -> f64 {
    let signed = |(cluster, one): (usize, &f64)| {
        if signs >> (cluster % CLUSTERS_MAX) & 1 == 1 { -one } else { *one }
    };
    member.iter().enumerate().map(signed).sum()
}

/// The finaliser of splitmix64 on the counter.
fn hash(counter: u64) -> u64 {
    let mut z = counter.wrapping_mul(0x9E37_79B9_7F4A_7C15);
    z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    z ^ (z >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::statistics::null::{Seeded, false_alarm_rate};

    #[test]
    fn five_clusters_that_agree_are_one_pattern_of_thirty_two() {
        let p = adjusted(&[vec![1.0; 5]]);
        assert!((p[0] - 1.0 / 32.0).abs() < 1e-12);
        assert!(adjusted(&[vec![1.0; 20]])[0] < 0.001);
        assert_eq!(adjusted(&[vec![0.0; 5]]), [1.0]);
        assert!(adjusted(&[]).is_empty());
    }

    #[test]
    fn one_event_however_large_is_no_regularity() {
        let mut member = vec![0.1, -0.1, 0.1, -0.1, 0.1, -0.1, 0.1, -0.1];
        member[3] = 1_000.0;
        assert!(adjusted(&[member])[0] > 0.2);
    }

    #[test]
    fn members_that_are_one_and_the_same_cost_nothing() {
        let member: Vec<f64> = (0..16).map(|at| if at % 5 == 0 { -0.2 } else { 1.0 }).collect();
        let alone = adjusted(std::slice::from_ref(&member));
        let many = adjusted(&vec![member; 50]);
        assert_eq!(alone[0], many[49]);
    }

    /// Ten members that hang on each other, clusters of unequal weight: one false claim in twenty families.
    #[test]
    fn a_family_without_effect_stays_at_the_stated_rate() {
        for clusters in [8, 24] {
            let rate = false_alarm_rate(400, |seed| {
                let mut noise = Seeded(seed);
                let shared: Vec<f64> = (0..clusters).map(|_| noise.normal()).collect();
                let weights: Vec<f64> = (0..clusters).map(|_| noise.latency(1.0, 0.7)).collect();
                let family: Vec<Vec<f64>> = (0..10)
                    .map(|_| {
                        let own = shared.iter().zip(&weights);
                        own.map(|(shared, weight)| weight * (shared + noise.normal())).collect()
                    })
                    .collect();
                adjusted(&family).iter().any(|p| *p <= 0.05)
            });
            assert!(rate <= 0.075, "stated 0.05, measured {rate} with {clusters} clusters");
            assert!(rate >= 0.01, "it would not find anything: {rate}");
        }
    }
}
