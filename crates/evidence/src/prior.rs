//! The prior score of a change: how much it is worth looking at, by its lead and its kind, before anything was measured.
//!
//! A score and no probability: it orders what to look at first and never blames anything. Steps of the lead and weights of
//! the kinds are those of AgentTel's change correlation, which uses them as a confidence; most recent deployments are innocent, so
//! what decides is the mechanism and the contrast of versions (measure 9). A change after the onset scores 0.

/// Seconds before the onset in which a change is looked at at all.
pub const WINDOW_SECONDS: f64 = 900.0;

/// Changes looked at, the latest first.
pub const CHANGES_MAX: usize = 200;

/// What was changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// A new version runs.
    Deployment,
    /// A setting.
    Config,
    /// The version of something depended upon.
    DependencyUpdate,
    /// A feature flag.
    FeatureFlag,
    /// The number of instances.
    Scaling,
}

impl Kind {
    fn weight(self) -> f64 {
        match self {
            Self::Deployment => 1.0,
            Self::Config => 0.9,
            Self::DependencyUpdate => 0.85,
            Self::FeatureFlag => 0.8,
            Self::Scaling => 0.7,
        }
    }
}

/// The prior score, 0 to 1, of a change that was made `seconds_before` the onset (negative: after it).
#[must_use]
pub fn score(kind: Kind, seconds_before: f64) -> f64 {
    let by_lead = match seconds_before {
        lead if !(0.0..=WINDOW_SECONDS).contains(&lead) => 0.0,
        lead if lead < 60.0 => 0.95,
        lead if lead < 300.0 => 0.80,
        lead if lead < 600.0 => 0.60,
        _ => 0.40,
    };
    by_lead * kind.weight()
}

#[cfg(test)]
mod tests {
    use super::*;

    // covers: AG-35
    #[test]
    fn scores_fall_with_the_lead_and_by_kind() {
        let of = |seconds| score(Kind::Deployment, seconds);
        assert_eq!(
            [of(0.0), of(59.0), of(60.0), of(300.0), of(600.0), of(900.0)],
            [0.95, 0.95, 0.8, 0.6, 0.4, 0.4]
        );
        let kinds =
            [Kind::Deployment, Kind::Config, Kind::DependencyUpdate, Kind::FeatureFlag, Kind::Scaling];
        let scores = kinds.map(|kind| score(kind, 10.0));
        assert!(scores.windows(2).all(|pair| pair[0] > pair[1]), "{scores:?}");
        assert!((score(Kind::Config, 400.0) - 0.54).abs() < 1e-12);
    }

    // covers: AG-35
    #[test]
    fn a_change_after_the_onset_or_long_before_it_scores_nothing() {
        assert_eq!([score(Kind::Deployment, -0.001), score(Kind::Deployment, 900.1)], [0.0, 0.0]);
        assert_eq!(score(Kind::Config, f64::NAN), 0.0);
    }
}
