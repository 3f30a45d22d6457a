//! The series among many that changed, and when: `evidence::change_kind` says of each what it went through, and what is listed
//! is corrected for all that were looked at.

use evidence::change_kind::{self, ChangeKind, Shape};
use evidence::statistics::{false_discovery, median};
use telemetry::UnixNanos;

/// A series that changed, as it is shown.
#[derive(Debug, Clone, serde::Serialize, schemars::JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Changed {
    /// Of what: a group, a pattern.
    pub(crate) group: String,
    /// Of which figure.
    pub(crate) figure: String,
    /// `spike`, `dip`, `step_change`, `trend_change`, `distribution_change` or `non_stationary`.
    #[serde(rename = "type")]
    pub(crate) kind: &'static str,
    /// When the first bucket that is not as before begins.
    pub(crate) at: Option<String>,
    pub(crate) p_value: telemetry::number::Num,
    /// Share of false ones among all that are listed down to here.
    pub(crate) q_value: telemetry::number::Num,
    /// Mean before and from there on.
    pub(crate) before: Option<telemetry::number::Num>,
    pub(crate) after: Option<telemetry::number::Num>,
}

/// A series with its name.
pub(crate) struct Named {
    pub(crate) group: String,
    pub(crate) figure: String,
    pub(crate) values: Vec<f64>,
}

/// Whether it went through any change.
fn is_one(shape: &Shape) -> bool {
    !matches!(shape.kind, ChangeKind::Stationary | ChangeKind::Indeterminable)
}

/// False discovery rate up to which a change is listed.
const Q_MAX: f64 = 0.05;

/// The series that changed, the surest first, and how many series could not be judged.
pub(crate) fn among(series: Vec<Named>, start: impl Fn(usize) -> UnixNanos) -> (Vec<Changed>, usize) {
    let changes: Vec<Shape> = series.iter().map(|series| change_kind::of(&series.values)).collect();
    let p_values: Vec<f64> = changes.iter().map(|change| change.p_value).collect();
    let q_values = false_discovery::q_values(&p_values);
    let unknown = changes.iter().filter(|change| change.kind == ChangeKind::Indeterminable).count();
    let num = telemetry::number::Num::new;
    let mut rows: Vec<Changed> = series
        .into_iter()
        .zip(changes)
        .zip(q_values)
        .filter(|((_, change), q_value)| is_one(change) && *q_value <= Q_MAX)
        .map(|((series, change), q_value)| {
            let halves = change.at.and_then(|place| series.values.split_at_checked(place));
            Changed {
                kind: change.kind.name(),
                at: change.at.map(|place| start(place).rfc3339()),
                p_value: num(change.p_value),
                q_value: num(q_value),
                before: halves.map(|(before, _)| num(median::mean(before))),
                after: halves.map(|(_, after)| num(median::mean(after))),
                group: series.group,
                figure: series.figure,
            }
        })
        .collect();
    rows.sort_by(|one, other| {
        let key = |row: &Changed| (row.p_value.get(), row.group.clone(), row.figure.clone());
        key(one).partial_cmp(&key(other)).unwrap_or(std::cmp::Ordering::Equal)
    });
    (rows, unknown)
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Noise(u64);

    impl Noise {
        /// Nearly normal around zero with deviation one: twelve uniform draws.
        fn next(&mut self) -> f64 {
            let mut sum = -6.0;
            for _ in 0..12 {
                self.0 =
                    self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
                sum += (self.0 >> 11) as f64 / (1_u64 << 53) as f64;
            }
            sum
        }
    }

    // covers: EL-11, W-02
    #[test]
    fn among_a_thousand_series_without_a_change_hardly_one_is_listed() {
        let series = (1..=1000).map(|seed| {
            let mut noise = Noise(seed * 7919);
            let values = (0..60).map(|_| 100.0 + 5.0 * noise.next()).collect();
            Named { group: seed.to_string(), figure: String::new(), values }
        });
        let (rows, unknown) = among(series.collect(), |_| UnixNanos(0));
        assert_eq!(unknown, 0);
        assert!(rows.len() <= 2, "{} of 1000", rows.len());
    }
}
