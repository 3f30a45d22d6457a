//! Measure 4: resources that are used more than they have been.
//!
//! Per service, instance and metric, the level of the bad window is held against the series' own *largest* value and
//! its normal level, as the logarithm of the ratio, in natural units. Both are medians over parts of the history: a part
//! that was an incident itself is outvoted. A floor is added to both: growth from next to nothing is no saturation.
//! Where the unit tells the limit (a share), the floor is a twentieth of it; else a tenth of the largest value that any
//! sibling had. The level of the bad window leaves its largest point out, because one point is a burst (a registry that
//! refreshes), not a level - unless it stands near a known limit, which no burst of an averaged figure reaches by
//! chance; then it is one of as many tries as there are points.
//!
//! The p-value extrapolates the series' own tail: logarithms beyond the largest of `n` values are taken to fall off
//! exponentially (the tail of a power law, Hill 1975) at the rate at which the largest value stands
//! out of the normal level (the mean excess of the largest of `n` exponential values is about the logarithm of `n`,
//! Gumbel 1958). Points that hang together (load swings for minutes) hold fewer extremes than their number says, while the
//! means of the parts differ by more; where they do, over all series of a metric, the tail is taken to be as much thicker. A
//! raw z-score would be infinite for flat counters. The false discovery rate is controlled over all
//! series; stated rate: 0.05 for one false claim in a null window, up to a correlation of 0.8 from point to point (with 0.9
//! it is twice that: then a part of the history is one swing).
//!
//! Hosts are left out: what is busy there concerns all who share it, and is no property of a service.

use std::collections::BTreeMap;

use telemetry::answer::{SeriesFigures, SeriesRow};

use super::Measure;
use crate::Thresholds;
use crate::statistics::false_discovery;

/// This measure.
pub const MEASURE: Measure = Measure {
    name: "saturation",
    finds: "resources of an instance that are used more than they have ever been lately",
    questions: &["series_change"],
};

/// Words in the names of metrics that measure a resource which can be used up.
const RESOURCES: [&str; 12] = [
    "connection",
    "cpu",
    "descriptor",
    "disk",
    "filesystem",
    "heap",
    "memory",
    "network",
    "pool",
    "queue",
    "socket",
    "thread",
];
/// Beginnings of names of metrics of a whole host.
const HOSTS: [&str; 3] = ["host", "node", "system."];
/// Points that make a part of the history.
const HISTORY_MIN: u64 = 5;
/// Points in the bad window, the largest of which is left out.
const POINTS_MIN: u64 = 2;
/// Floor as a share of the limit, where it is known.
const FLOOR_OF_LIMIT: f64 = 0.05;
/// Least spread of a logarithm: a flat series is known to a twentieth.
const SPREAD_MIN: f64 = 0.05;

/// How much one resource of one instance is used.
#[derive(Debug, Clone, PartialEq)]
pub struct Usage {
    /// `service.name`.
    pub service: String,
    /// `service.instance.id`, empty when not told.
    pub instance: String,
    /// The metric's name.
    pub metric: String,
    /// Its unit.
    pub unit: String,
    /// The mean of the history.
    pub normal: f64,
    /// The largest value of the history.
    pub most: f64,
    /// The level of the bad window: its mean without the largest value, or that value when it is near the limit.
    pub now: f64,
    /// The largest value of the bad window.
    pub peak: f64,
    /// Natural logarithm of `now` over `most`, both with the floor.
    pub growth: f64,
    /// Probability by the tail of the series' own history.
    pub p_value: f64,
    /// False discovery rate at which it is claimed.
    pub q_value: f64,
    is_claimed: bool,
    is_large: bool,
}

impl Usage {
    /// Whether it is claimed that the resource is used more than it has been: q <= 0.05, and by a quarter.
    #[must_use]
    pub fn is_raised(&self) -> bool {
        self.is_claimed && self.is_large
    }

    /// Whether it grew by at least a quarter beyond its largest value.
    #[must_use]
    pub fn is_large(&self) -> bool {
        self.is_large
    }

    /// The limit, when the unit tells it.
    #[must_use]
    pub fn limit(&self) -> Option<f64> {
        limit(&self.metric, &self.unit)
    }

    /// The metric with its unit, as people write it.
    #[must_use]
    pub fn name(&self) -> String {
        if self.unit.is_empty() { self.metric.clone() } else { format!("{}({})", self.metric, self.unit) }
    }
}

/// A series by its names.
type Key<'a> = (&'a str, &'a str, &'a str, &'a str, &'a str, &'a [(String, String)]);

/// One series with the parts of its history.
#[derive(Debug)]
struct History<'a> {
    row: &'a SeriesRow,
    /// The median of the parts' largest values.
    most: f64,
    /// The median of their means.
    normal: f64,
    /// The median of their numbers of points.
    points: f64,
    /// The two smallest of their means.
    lowest: (f64, f64),
}

/// Every resource that the windows tell of, the surest saturation first; of equally sure ones that whose limit is
/// known. Each of `parts` holds the same bad window against one part of the history.
#[must_use]
pub fn usages(parts: &[&[SeriesRow]], thresholds: &Thresholds) -> Vec<Usage> {
    usages_of(parts, thresholds, &|row| is_resource(&row.metric))
}

/// The same of every series that `is_meant`, whatever it measures.
pub(super) fn usages_of(
    parts: &[&[SeriesRow]],
    thresholds: &Thresholds,
    is_meant: &dyn Fn(&SeriesRow) -> bool,
) -> Vec<Usage> {
    let mut series: BTreeMap<Key<'_>, Vec<&SeriesRow>> = BTreeMap::new();
    for row in parts.iter().copied().flatten().filter(|row| is_usable(row) && is_meant(row)) {
        let key: Key<'_> =
            (&row.service, &row.instance, &row.version, &row.metric, &row.unit, &row.attributes);
        series.entry(key).or_default().push(row);
    }
    let histories: Vec<History<'_>> = series.values().filter_map(|rows| history(rows)).collect();
    let mut families: BTreeMap<&str, Vec<&History<'_>>> = BTreeMap::new();
    for one in &histories {
        families.entry(&one.row.metric).or_default().push(one);
    }
    let siblings: BTreeMap<&str, Siblings> =
        families.iter().map(|(metric, family)| (*metric, Siblings::of(family, thresholds))).collect();
    let of = |one: &History<'_>| siblings.get(one.row.metric.as_str()).copied().unwrap_or_default();
    let mut found: Vec<Usage> = histories.iter().filter_map(|one| usage(one, of(one), thresholds)).collect();
    let p_values: Vec<f64> = found.iter().map(|one| one.p_value).collect();
    for (one, q_value) in found.iter_mut().zip(false_discovery::q_values(&p_values)) {
        one.q_value = q_value;
        one.is_claimed = q_value <= thresholds.claim_q_max;
    }
    found.sort_by(|a, b| a.p_value.total_cmp(&b.p_value).then_with(|| a.order().cmp(&b.order())));
    found
}

fn history<'a>(rows: &[&'a SeriesRow]) -> Option<History<'a>> {
    let sorted = |figure: fn(&SeriesFigures) -> f64| {
        let mut values: Vec<f64> = rows.iter().map(|row| figure(&row.good)).collect();
        values.sort_by(f64::total_cmp);
        values
    };
    // The lower one of two in the middle: half of the history may have been incidents.
    let of = |figure| sorted(figure).get((rows.len() - 1) / 2).copied();
    let means = sorted(|good| good.mean.get());
    let lowest = *means.first()?;
    Some(History {
        row: rows.first()?,
        most: of(|good| good.max.get())?,
        normal: of(|good| good.mean.get())?,
        points: of(|good| good.n as f64)?,
        lowest: (lowest, means.get(1).copied().unwrap_or(lowest)),
    })
}

/// What the series of one metric have in common.
#[derive(Debug, Clone, Copy, Default)]
struct Siblings {
    /// The largest value of their histories.
    most: f64,
    /// How many times as far as the tails say the means of their parts differ; one at least.
    thickness: f64,
}

/// Expected distance of the two smallest of four standard normal values (Harter 1961).
const LOWEST_APART: f64 = 0.73;

impl Siblings {
    fn of(family: &[&History<'_>], thresholds: &Thresholds) -> Self {
        let most = family.iter().map(|one| one.most).fold(0.0, f64::max);
        let floors = family.iter().filter_map(|one| Some((one, floor(one.row, most, thresholds)?)));
        // Whatever happened in half of the history, the two smallest means are its usual ones.
        let (mut apart, mut tails) = (0.0, 0.0);
        for (one, floor) in floors {
            let log = |value: f64| libm::log(value.max(0.0) + floor);
            apart += (log(one.lowest.1) - log(one.lowest.0)) / LOWEST_APART;
            tails += one.tail(floor);
        }
        Self { most, thickness: if tails > 0.0 { (apart / tails).max(1.0) } else { 1.0 } }
    }
}

impl History<'_> {
    /// The rate at which logarithms beyond the largest value fall off.
    fn tail(&self, floor: f64) -> f64 {
        let log = |value: f64| libm::log(value.max(0.0) + floor);
        ((log(self.most) - log(self.normal)) / libm::log(self.points)).max(SPREAD_MIN)
    }
}

/// What is added to values, so that growth from next to nothing is none; nothing where nobody uses any.
fn floor(row: &SeriesRow, siblings: f64, thresholds: &Thresholds) -> Option<f64> {
    let limit = limit(&row.metric, &row.unit);
    let floor = limit.map_or(thresholds.floor_of_siblings * siblings, |limit| FLOOR_OF_LIMIT * limit);
    (floor > 0.0).then_some(floor)
}

impl Usage {
    fn order(&self) -> (bool, &str, &str, &str) {
        (self.limit().is_none(), &self.service, &self.instance, &self.metric)
    }
}

fn is_resource(metric: &str) -> bool {
    let name = metric.to_ascii_lowercase();
    RESOURCES.iter().any(|word| name.contains(word))
}

fn is_usable(row: &SeriesRow) -> bool {
    let name = row.metric.to_ascii_lowercase();
    !HOSTS.iter().any(|host| name.starts_with(host))
        && row.good.n >= HISTORY_MIN
        && row.bad.n >= POINTS_MIN
        && row.good.min.get() >= 0.0
}

fn limit(metric: &str, unit: &str) -> Option<f64> {
    if unit == "%" || metric.contains('%') {
        Some(100.0)
    } else {
        (unit == "1" && metric.ends_with("utilization")).then_some(1.0)
    }
}

fn usage(one: &History<'_>, siblings: Siblings, thresholds: &Thresholds) -> Option<Usage> {
    let row = one.row;
    let limit = limit(&row.metric, &row.unit);
    let floor = floor(row, siblings.most, thresholds)?;
    let log = |value: f64| libm::log(value.max(0.0) + floor);
    let (normal, most, points) = (one.normal, one.most, one.points);
    let peak = row.bad.max.get();
    let is_near_limit = limit.is_some_and(|limit| peak >= thresholds.near_limit * limit);
    let (now, tries) = if is_near_limit { (peak, row.bad.n as f64) } else { (level(row.bad), 1.0) };
    let growth = log(now) - log(most);
    let spread = one.tail(floor) * siblings.thickness;
    // As many independent points as make the means of the parts differ so (their variance falls with the number).
    let independent = points / (siblings.thickness * siblings.thickness).max(1.0);
    let beyond = if growth > 0.0 { libm::exp(-growth / spread) / (independent + 1.0) } else { 1.0 };
    Some(Usage {
        service: row.service.clone(),
        instance: row.instance.clone(),
        metric: row.metric.clone(),
        unit: row.unit.clone(),
        normal,
        most,
        now,
        peak,
        growth,
        p_value: (beyond * tries).min(1.0),
        q_value: 1.0,
        is_claimed: false,
        is_large: growth >= libm::log(thresholds.saturation_growth_min),
    })
}

/// The mean without the largest point.
fn level(figures: SeriesFigures) -> f64 {
    let points = figures.n as f64;
    (points * figures.mean.get() - figures.max.get()) / (points - 1.0)
}

#[cfg(test)]
mod tests {
    use telemetry::answer::SeriesKind;

    use super::*;
    use crate::statistics::null::{Seeded, false_alarm_rate};

    fn usages(parts: &[&[SeriesRow]]) -> Vec<Usage> {
        super::usages(parts, &Thresholds::default())
    }

    fn row(service: &str, metric: &str, unit: &str, good: &[f64], bad: &[f64]) -> SeriesRow {
        SeriesRow {
            service: service.into(),
            instance: format!("{service}-1"),
            version: String::new(),
            metric: metric.into(),
            unit: unit.into(),
            attributes: Vec::new(),
            kind: SeriesKind::Gauge,
            good: SeriesFigures::of(good),
            bad: SeriesFigures::of(bad),
        }
    }

    const QUIET: [f64; 12] = [4.0, 5.0, 6.0, 4.0, 5.0, 9.0, 4.0, 6.0, 5.0, 4.0, 5.0, 6.0];

    #[test]
    fn a_processor_in_full_use_is_found_and_its_siblings_are_not() {
        let rows = [
            row("a", "CpuUsageRate", "%", &QUIET, &[5.0, 99.0, 100.0, 98.0]),
            row("b", "CpuUsageRate", "%", &QUIET, &[5.0, 6.0, 7.0, 5.0]),
            row("a", "latency", "s", &QUIET, &[5.0, 99.0, 100.0, 98.0]),
            row("a", "NodeCpuUsageRate", "%", &QUIET, &[5.0, 99.0, 100.0, 98.0]),
        ];
        let found = usages(&[&rows]);
        assert_eq!(found.len(), 2, "no latency, no host: {found:?}");
        assert!(found[0].is_raised() && found[0].service == "a" && found[0].name() == "CpuUsageRate(%)");
        assert_eq!((found[0].now, found[0].peak), (100.0, 100.0), "near the limit, the point counts");
        assert!(!found[1].is_raised());
    }

    #[test]
    fn a_burst_of_one_point_and_growth_from_nothing_are_no_saturation() {
        let flat = [0.0; 30];
        let rows = [
            row("a", "network.io", "By", &QUIET, &[5.0, 400.0, 6.0, 5.0]),
            row("b", "memory.usage", "By", &flat, &[1.0, 1.0, 1.0]),
            row("c", "memory.usage", "By", &[1000.0; 30], &[1001.0, 1002.0, 1003.0]),
            row("d", "cpu.utilization", "1", &[0.002; 30], &[0.008, 0.008, 0.008]),
        ];
        let found = usages(&[&rows]);
        assert_eq!(found.len(), 4);
        assert!(found.iter().all(|one| !one.is_raised()), "{found:?}");
    }

    #[test]
    fn without_a_history_or_without_points_nothing_is_said() {
        let none = |row: SeriesRow| usages(&[&[row]]).is_empty();
        assert!(none(row("a", "cpu", "%", &QUIET[..4], &[99.0, 99.0])));
        assert!(none(row("a", "cpu", "%", &QUIET, &[99.0])));
        assert!(none(row("a", "cpu", "m", &[0.0; 12], &[0.0, 0.0])), "nobody uses any");
        assert!(usages(&[]).is_empty());
    }

    #[test]
    fn a_part_of_the_history_that_was_an_incident_itself_is_outvoted() {
        let part = |good: &[f64]| vec![row("a", "cpu.usage", "m", good, &[95.0, 97.0, 99.0])];
        let (quiet, busy) = (part(&QUIET), part(&[5.0, 90.0, 100.0, 95.0, 5.0]));
        let found = usages(&[&quiet, &busy, &quiet, &busy]);
        assert!(found.len() == 1 && found[0].is_raised(), "{found:?}");
        assert!((found[0].most, found[0].now) == (9.0, 96.0));
        assert!(!usages(&[&busy, &busy, &quiet])[0].is_raised(), "so it is most of the time");
    }

    #[test]
    fn series_that_vary_by_chance_stay_below_the_stated_rate() {
        for spread in [0.1, 0.5, 1.0] {
            let rate = false_alarm_rate(500, |seed| {
                let mut noise = Seeded(seed);
                let mut points = |count: usize, centre: f64| -> Vec<f64> {
                    (0..count).map(|_| noise.latency(centre, spread)).collect()
                };
                let mut parts: [Vec<SeriesRow>; 4] = Default::default();
                for at in 0..40 {
                    let (service, centre) = (format!("s{at}"), 1.0 + f64::from(at));
                    let bad = points(5, centre);
                    for part in &mut parts {
                        part.push(row(&service, "cpu", "m", &points(15, centre), &bad));
                    }
                }
                let parts: Vec<&[SeriesRow]> = parts.iter().map(Vec::as_slice).collect();
                usages(&parts).iter().any(Usage::is_raised)
            });
            assert!(rate <= 0.05, "stated 0.05, measured {rate} at a spread of {spread}");
        }
    }

    /// Use that swings for many points, as load does: the four parts of one history and the window after it are one series.
    #[test]
    fn series_that_hang_together_from_point_to_point_stay_below_the_stated_rate() {
        for (phi, spread) in [(0.5, 0.3), (0.8, 0.3)] {
            let rate = false_alarm_rate(500, |seed| {
                let mut parts: [Vec<SeriesRow>; 4] = Default::default();
                for at in 0..40 {
                    let swings = Seeded(seed * 64 + at).autocorrelated(phi, 65);
                    let values: Vec<f64> = swings.iter().map(|one| 10.0 * libm::exp(spread * one)).collect();
                    let (history, bad) = values.split_at(60);
                    for (part, good) in parts.iter_mut().zip(history.chunks(15)) {
                        part.push(row(&format!("s{at}"), "cpu", "m", good, bad));
                    }
                }
                let parts: Vec<&[SeriesRow]> = parts.iter().map(Vec::as_slice).collect();
                usages(&parts).iter().any(Usage::is_raised)
            });
            assert!(rate <= 0.05, "stated 0.05, measured {rate} at {phi} and a spread of {spread}");
        }
    }
}
