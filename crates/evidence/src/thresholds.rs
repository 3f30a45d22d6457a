//! The few numbers that decide what counts as evidence, in one place, each with its source and its range.
//!
//! They can be varied, so that what a score owes to each of them can be measured (`eval holdout`); nothing else
//! does. Numbers that follow from a definition (a unit, a floor of a logarithm, the points of a window) stand beside
//! what they belong to.

use std::fmt;

/// The numbers. `Default` is what the engine uses.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Thresholds {
    /// False discovery rate up to which spans and ways are said to take longer, and errors to begin somewhere.
    pub contrast_q_max: f64,
    /// Growth from which that is more than trifling.
    pub contrast_growth_min: f64,
    /// Share of the whole excess that a cause must explain: more than all others together could.
    pub share_min: f64,
    /// Share that each of two causes must explain.
    pub part_min: f64,
    /// How many times as far from its median as the 95 % quantile of its history a service has moved; on log-normal
    /// history two are 3.3 standard deviations, one in two thousand. Where the tail is known to be heavier it counts.
    pub metric_fence: f64,
    /// Growth below which a moved service pages nobody.
    pub metric_growth_min: f64,
    /// Chance at which failures, and latencies beyond a heavy tail, are more than the history shows: what the fence is
    /// on log-normal history.
    pub moved_p_max: f64,
    /// Share from which an event follows another one always, but for what cuts traces.
    pub law_min: f64,
    /// False discovery rate up to which an alert that names nothing is answered with a claim.
    pub claim_q_max: f64,
    /// Chance below which a break or a usage is listed at all.
    pub listed_p_max: f64,
    /// Share of the evidence that a candidate must have itself to explain another one.
    pub explaining_min: f64,
    /// Growth beyond its largest value from which a resource is used more than it has been good for.
    pub saturation_growth_min: f64,
    /// Share of a known limit from which a single point counts: in the simplest queue requests wait four times as long
    /// as they are served from there on (M/M/1, Kleinrock 1975).
    pub near_limit: f64,
    /// Floor of a resource as a share of the largest value of its siblings.
    pub floor_of_siblings: f64,
    /// Growth of the delay from which a way is late.
    pub late_growth_min: f64,
    /// Match from which a change is named: an effect that brings a telling failure about under ordinary load (0.7), in
    /// the failing service, with a little in common.
    pub named_min: f64,
    /// The same when something seen explains the failure without any change.
    pub named_min_explained: f64,
    /// Lead of the best change over the next one below which both are left open.
    pub lead_min: f64,
    /// What it is worth that a change does nothing known but changes the very words that fail.
    pub subject_only: f64,
    /// Growth of a log template's rate that is more than busy minutes bring: a Poisson count of 3 is below 9 in 99.6 %.
    pub template_growth_min: f64,
    /// Widths of its good range by which a series has left it.
    pub ranges_beyond: f64,
}

impl Default for Thresholds {
    fn default() -> Self {
        Self {
            contrast_q_max: 0.01,
            contrast_growth_min: 1.25,
            share_min: 0.5,
            part_min: 0.15,
            metric_fence: 2.0,
            metric_growth_min: 1.1,
            moved_p_max: 0.0005,
            law_min: 0.9,
            claim_q_max: 0.05,
            listed_p_max: 0.05,
            explaining_min: 0.5,
            saturation_growth_min: 1.25,
            near_limit: 0.8,
            floor_of_siblings: 0.1,
            late_growth_min: 2.0,
            named_min: 0.4,
            named_min_explained: 0.75,
            lead_min: 1.1,
            subject_only: 0.6,
            template_growth_min: 3.0,
            ranges_beyond: 1.0,
        }
    }
}

/// How a threshold is moved: by which transform a factor acts on it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scale {
    /// The value itself, above zero.
    Plain,
    /// A ratio above one: its logarithm.
    Ratio,
    /// A share near one: what is missing to one.
    Complement,
    /// A probability or a share: the value, never above one.
    Share,
}

/// One threshold by its name.
#[derive(Clone, Copy)]
pub struct Threshold {
    /// Its name, which is that of the field.
    pub name: &'static str,
    /// How a factor acts on it.
    pub scale: Scale,
    /// The questions whose answers it is held against: where none of them says anything, it decides nothing.
    pub questions: &'static [&'static str],
    get: fn(&Thresholds) -> f64,
    set: fn(&mut Thresholds) -> &mut f64,
}

impl fmt::Debug for Threshold {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Threshold").field("name", &self.name).finish_non_exhaustive()
    }
}

impl Threshold {
    /// Its value in `thresholds`.
    #[must_use]
    pub fn of(&self, thresholds: &Thresholds) -> f64 {
        (self.get)(thresholds)
    }

    /// `thresholds` with this value.
    #[must_use]
    pub fn with(&self, thresholds: &Thresholds, value: f64) -> Thresholds {
        let mut changed = *thresholds;
        *(self.set)(&mut changed) = value;
        changed
    }

    /// The default moved by `factor`, kept within what the number can mean.
    #[must_use]
    pub fn moved(&self, factor: f64) -> f64 {
        let value = self.of(&Thresholds::default());
        if factor == 1.0 {
            return value;
        }
        match self.scale {
            Scale::Plain => value * factor,
            Scale::Ratio => libm::exp(libm::log(value) * factor),
            Scale::Complement => 1.0 - ((1.0 - value) * factor).min(1.0),
            Scale::Share => (value * factor).min(1.0),
        }
    }
}

macro_rules! listed {
    ($($name:ident: $scale:ident of $questions:expr),+ $(,)?) => {
        &[$(Threshold {
            name: stringify!($name),
            scale: Scale::$scale,
            questions: $questions,
            get: |thresholds| thresholds.$name,
            set: |thresholds| &mut thresholds.$name,
        }),+]
    };
}

/// Spans and ways in two windows.
const CONTRASTS: &[&str] = &["self_time", "edges"];
/// Requests of services, and who calls whom.
const GRAPH: &[&str] = &["topology"];
/// Everything, when an alert names nothing.
const WHOLE: &[&str] = &["paths", "edges", "series_change"];
/// What changes do, and what fails.
const CHANGES: &[&str] = &["log_templates"];

/// Every threshold, in the order of the fields.
#[must_use]
pub fn all() -> &'static [Threshold] {
    listed![
        contrast_q_max: Share of CONTRASTS,
        contrast_growth_min: Ratio of CONTRASTS,
        share_min: Share of &["self_time", "edges", "topology"],
        part_min: Share of CONTRASTS,
        metric_fence: Plain of GRAPH,
        metric_growth_min: Ratio of GRAPH,
        moved_p_max: Share of GRAPH,
        law_min: Complement of &["paths"],
        claim_q_max: Share of WHOLE,
        listed_p_max: Share of WHOLE,
        explaining_min: Share of &["paths"],
        saturation_growth_min: Ratio of &["series_change"],
        near_limit: Complement of &["series_change"],
        floor_of_siblings: Plain of &["series_change"],
        late_growth_min: Ratio of &["edges"],
        named_min: Share of CHANGES,
        named_min_explained: Share of CHANGES,
        lead_min: Ratio of CHANGES,
        subject_only: Share of CHANGES,
        template_growth_min: Ratio of CHANGES,
        ranges_beyond: Plain of CHANGES,
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_threshold_moves_alone_and_stays_what_it_can_mean() {
        let default = Thresholds::default();
        for threshold in all() {
            assert_eq!(threshold.with(&default, threshold.moved(1.0)), default, "{threshold:?}");
            for factor in [0.5, 0.7, 1.4, 2.0] {
                let value = threshold.moved(factor);
                let changed = threshold.with(&default, value);
                assert_ne!(changed, default, "{threshold:?} at {factor}");
                assert_eq!(threshold.of(&changed), value);
                let others = all().iter().filter(|other| other.name != threshold.name);
                assert!(others.clone().all(|other| other.of(&changed) == other.of(&default)));
                let is_valid = match threshold.scale {
                    Scale::Plain => value > 0.0,
                    Scale::Ratio => value > 1.0,
                    Scale::Complement | Scale::Share => value > 0.0 && value <= 1.0,
                };
                assert!(is_valid, "{threshold:?} at {factor} is {value}");
            }
        }
    }

    #[test]
    fn a_ratio_moves_by_its_logarithm_and_a_share_near_one_by_what_is_missing() {
        let named = |name: &str| all().iter().find(|threshold| threshold.name == name).unwrap();
        assert!((named("late_growth_min").moved(2.0) - 4.0).abs() < 1e-12);
        assert!((named("law_min").moved(2.0) - 0.8).abs() < 1e-12);
        assert_eq!(named("share_min").moved(2.0), 1.0);
    }
}
