//! Taking candidates out one at a time: how much of the extra time would remain, had this one behaved as before?
//!
//! Excesses are exclusive times, so they add up and taking one out leaves the others as they are. A candidate clears the
//! symptom when at most half of the extra time remains: then all others together explain less than it does. Calls that
//! run side by side count each with its whole time; what remains is then overestimated, never underestimated.
//!
//! There is no chance in it: a null window has no excess, and nothing that clears one (stated rate 0).

use super::Measure;

/// This measure.
pub const MEASURE: Measure = Measure {
    name: "counterfactual",
    finds: "what would remain of the extra time if one candidate behaved as before",
    questions: &["self_time"],
};

/// Share of the extra time that may remain when the true cause is taken out.
pub const REMAINING_MAX: f64 = 0.5;

/// What taking one candidate out does.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Removal {
    /// Extra milliseconds that go with it.
    pub removed_ms: f64,
    /// Extra milliseconds that remain.
    pub remaining_ms: f64,
    /// The same as a share of the whole, 0 to 1; 1 when there is no extra time.
    pub remaining_share: f64,
}

impl Removal {
    /// Whether the symptom would be gone, or be less than half of what it is.
    #[must_use]
    pub fn is_clearing(&self) -> bool {
        self.removed_ms > 0.0 && self.remaining_share <= REMAINING_MAX
    }
}

/// What remains of `whole_ms` of extra time without the `own_ms` of one candidate. Negative and missing figures count
/// as nothing.
#[must_use]
pub fn removal(own_ms: f64, whole_ms: f64) -> Removal {
    let whole_ms = if whole_ms.is_finite() { whole_ms.max(0.0) } else { 0.0 };
    let removed_ms = if own_ms.is_finite() { own_ms.clamp(0.0, whole_ms) } else { 0.0 };
    let remaining_ms = whole_ms - removed_ms;
    let remaining_share = if whole_ms > 0.0 { remaining_ms / whole_ms } else { 1.0 };
    Removal { removed_ms, remaining_ms, remaining_share }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::statistics::null::Seeded;

    // covers: PB-45
    #[test]
    fn taking_the_true_cause_out_clears_the_symptom_and_taking_others_out_does_not() {
        for seed in 1..=1_000 {
            let mut noise = Seeded(seed);
            let bystanders: Vec<f64> = (0..20).map(|_| noise.latency(2.0, 0.5)).collect();
            let others: f64 = bystanders.iter().sum();
            let cause = others * (1.1 + noise.uniform());
            let whole = others + cause;
            assert!(removal(cause, whole).is_clearing(), "seed {seed}");
            assert!(bystanders.iter().all(|own| !removal(*own, whole).is_clearing()), "seed {seed}");
        }
    }

    #[test]
    fn without_extra_time_nothing_clears_anything() {
        for (own, whole) in [(0.0, 0.0), (5.0, 0.0), (-5.0, 10.0), (f64::NAN, 10.0), (5.0, f64::NAN)] {
            let removal = removal(own, whole);
            assert!(
                !removal.is_clearing() && removal.remaining_share == 1.0,
                "{own} of {whole}: {removal:?}"
            );
        }
        assert_eq!(removal(20.0, 10.0).remaining_ms, 0.0, "no more than all");
    }
}
