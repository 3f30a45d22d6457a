//! Objectives with budgets over their own window, and burn rates over several windows (AG-15, AG-39, W-14).
//!
//! A budget is of the requests in the objective's window (30 days unless declared), not of those since a start. The burn
//! rate of a window is its share of bad requests over the share that is allowed: at 1 the budget lasts exactly as long as the
//! window. A pair burns when its long window shows that it matters and its short one that it goes on (Beyer et
//! al., The Site Reliability Workbook, 2018, chapter 5). A latency objective counts requests over its threshold, which are
//! estimated from quantiles, see `latency`. What part of the window has data is told: a budget of an hour is one of an hour.

use serde::Deserialize;
use telemetry::Window;
use telemetry::time::UnixNanos;

use super::Part;
use super::declared::Slo;
use super::figures;
use super::latency::{self, Over};

/// Days that are asked for in parts; what is older is one part.
const PARTS_DAYS_MAX: i64 = 35;
/// Share of requests that must be good unless declared.
const TARGET: f64 = 0.999;

/// What makes a request good.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SloKind {
    /// It did not fail.
    Availability,
    /// It did not fail; the same, counted as errors.
    ErrorRate,
    /// It was fast enough; half of them must be.
    LatencyP50,
    /// It was fast enough; 99 of 100 must be.
    LatencyP99,
}

impl SloKind {
    /// The name in answers.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Availability => "availability",
            Self::ErrorRate => "error_rate",
            Self::LatencyP50 => "latency_p50",
            Self::LatencyP99 => "latency_p99",
        }
    }

    /// Whether it is about latency.
    #[must_use]
    pub fn is_latency(self) -> bool {
        matches!(self, Self::LatencyP50 | Self::LatencyP99)
    }

    fn target(self) -> f64 {
        match self {
            Self::Availability | Self::ErrorRate => TARGET,
            Self::LatencyP50 => 0.5,
            Self::LatencyP99 => 0.99,
        }
    }
}

/// One pair of windows with the burn rate that is too much in both.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct BurnRule {
    /// Burn rate from which it burns.
    pub factor: f64,
    /// The long window, seconds.
    pub long_seconds: i64,
    /// The short window, seconds.
    pub short_seconds: i64,
}

/// The pairs: two hundredths of a month's budget in an hour, five in six hours, ten in three days.
pub const BURN_RULES: [BurnRule; 3] = [
    BurnRule { factor: 14.4, long_seconds: 3_600, short_seconds: 300 },
    BurnRule { factor: 6.0, long_seconds: 21_600, short_seconds: 1_800 },
    BurnRule { factor: 1.0, long_seconds: 259_200, short_seconds: 21_600 },
];

/// How an objective stands (AG-15).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Standing {
    /// There were no requests.
    NoData,
    /// More than half of the budget is left.
    Healthy,
    /// At most half.
    AtRisk,
    /// At most a quarter.
    Warning,
    /// At most a tenth.
    Violated,
}

impl Standing {
    /// The name in answers.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::NoData => "no_data",
            Self::Healthy => "healthy",
            Self::AtRisk => "at_risk",
            Self::Warning => "warning",
            Self::Violated => "violated",
        }
    }

    fn of(budget_left: Option<f64>) -> Self {
        match budget_left {
            None => Self::NoData,
            Some(left) if left <= 0.10 => Self::Violated,
            Some(left) if left <= 0.25 => Self::Warning,
            Some(left) if left <= 0.50 => Self::AtRisk,
            Some(_) => Self::Healthy,
        }
    }
}

/// The burn rates of one pair of windows.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Burn {
    /// Which pair.
    pub rule: BurnRule,
    /// Burn rate of the long window; nothing without requests.
    pub long: Option<f64>,
    /// Burn rate of the short window.
    pub short: Option<f64>,
    /// Whether both are too high, with requests enough.
    pub is_burning: bool,
}

/// How an objective stands.
#[derive(Debug, Clone, PartialEq)]
pub struct SloState {
    /// Its name.
    pub name: String,
    /// The operation, if not the whole service.
    pub operation: Option<String>,
    /// What makes a request good.
    pub kind: SloKind,
    /// Share of requests that must be good.
    pub target: f64,
    /// Latency up to which a request is good, milliseconds.
    pub threshold_ms: Option<f64>,
    /// The latency of which the objective speaks, as measured over the part of the window with data, milliseconds.
    pub measured_ms: Option<f64>,
    /// Its window.
    pub window: Window,
    /// Seconds of it from the first part with requests to its end.
    pub covered_seconds: f64,
    /// Requests.
    pub total: u64,
    /// Bad ones; with bounds where they are estimated.
    pub bad: Over,
    /// Share of good requests, 0 to 1; nothing without requests.
    pub actual: Option<f64>,
    /// Share of the budget that is left, 0 to 1; nothing without requests.
    pub budget_left: Option<f64>,
    /// Share of bad requests over the allowed share, for the whole window.
    pub burn_rate: Option<f64>,
    /// Burn rates of the pairs of windows.
    pub burns: Vec<Burn>,
    /// How it stands.
    pub standing: Standing,
}

/// Up to which age parts are how long, in seconds. Where requests are alike in a part, its quantiles tell best how many were slow;
/// and a part is the unit in which it is told how much of the window has data.
const FINER: [(i64, i64); 4] = [(3_600, 300), (21_600, 1_800), (259_200, 21_600), (i64::MAX, 86_400)];

/// The parts of an objective's window whose ends are those of all burn windows, earliest first: ask `health` once for each.
/// There are at most some seventy in a month.
#[must_use]
pub fn parts(slo: &Slo, now: UnixNanos) -> Vec<Window> {
    let window = i64::from(slo.window_days).saturating_mul(86_400);
    let mut ages: Vec<i64> = BURN_RULES
        .iter()
        .flat_map(|rule| [rule.long_seconds, rule.short_seconds])
        .chain([0, window])
        .collect();
    let mut age = 0;
    while age < window.min(PARTS_DAYS_MAX * 86_400) {
        age += FINER.iter().find(|(until, _)| age < *until).map_or(86_400, |(_, step)| *step);
        ages.push(age);
    }
    ages.retain(|age| *age <= window);
    ages.sort_unstable_by(|a, b| b.cmp(a));
    ages.dedup();
    let edges = ages.iter().zip(ages.iter().skip(1));
    edges.map(|(from, to)| Window::new(now.plus_seconds(-from), now.plus_seconds(-to))).collect()
}

/// How an objective of `service` stands at `now`, from the answers for its [`parts`] or finer ones.
#[must_use]
pub fn state(slo: &Slo, service: &str, parts: &[Part<'_>], now: UnixNanos, requests_min: u64) -> SloState {
    let target = slo.target.unwrap_or(slo.kind.target());
    let window = Window::new(now.plus_seconds(-i64::from(slo.window_days).saturating_mul(86_400)), now);
    let slices = slices(slo, service, parts, window);
    // A slice that reaches into a window from before it cannot be told apart: that window is then not known.
    let within = |seconds: i64| {
        let from = now.plus_seconds(-seconds);
        let is_cut = slices.iter().any(|slice| slice.window.from < from && from < slice.window.to);
        if is_cut { (0, Over::default()) } else { count(&slices, from) }
    };
    let (total, bad) = count(&slices, window.from);
    let allowed = (1.0 - target).max(f64::MIN_POSITIVE);
    let burn_of = |(total, bad): (u64, Over)| (total > 0).then(|| bad.estimate / total as f64 / allowed);
    let burns = BURN_RULES
        .iter()
        .filter(|rule| rule.long_seconds <= i64::from(slo.window_days) * 86_400)
        .map(|rule| {
            let (long, short) = (within(rule.long_seconds), within(rule.short_seconds));
            // 1 - 0.999 is a hair more than a thousandth: the bound itself must count.
            let is_over = |counted| burn_of(counted).is_some_and(|burn| burn >= rule.factor * (1.0 - 1e-9));
            let is_burning = long.0 >= requests_min && is_over(long) && is_over(short);
            Burn { rule: *rule, long: burn_of(long), short: burn_of(short), is_burning }
        });
    let burns = burns.collect();
    let burn_rate = burn_of((total, bad));
    // Rounding must not turn nine tenths of a budget into a little less: what is left has twelve digits.
    let budget_left = burn_rate.map(|burn| (libm::round((1.0 - burn) * 1e12) / 1e12).clamp(0.0, 1.0));
    let first = slices.iter().find(|slice| slice.total > 0).map(|slice| slice.window.from);
    SloState {
        name: slo.name.clone(),
        operation: slo.operation.clone(),
        kind: slo.kind,
        target,
        threshold_ms: slo.threshold.map(super::declared::Latency::ms),
        measured_ms: measured(slo, service, parts, window),
        window,
        covered_seconds: first.map_or(0.0, |from| Window::new(from, now).seconds()),
        total,
        bad,
        actual: (total > 0).then(|| 1.0 - bad.estimate / total as f64),
        budget_left,
        burn_rate,
        burns,
        standing: Standing::of(budget_left),
    }
}

/// What one part counts.
struct Slice {
    window: Window,
    total: u64,
    bad: Over,
}

/// The parts inside `window`, earliest first.
fn slices(slo: &Slo, service: &str, parts: &[Part<'_>], window: Window) -> Vec<Slice> {
    let inside = parts.iter().filter(|(part, _)| window.from <= part.from && part.to <= window.to);
    let mut slices: Vec<Slice> = inside
        .map(|(part, rows)| {
            let mut slice = Slice { window: *part, total: 0, bad: Over::default() };
            let of_slo = rows.iter().filter(|row| {
                row.subject.service == service
                    && slo.operation.as_ref().is_none_or(|operation| *operation == row.subject.operation)
            });
            for row in of_slo {
                slice.total += row.count;
                slice.bad = slice.bad.plus(match slo.threshold.filter(|_| slo.kind.is_latency()) {
                    Some(threshold) => latency::over(row, threshold.ms()),
                    None => Over::exactly(row.errors),
                });
            }
            slice
        })
        .collect();
    slices.sort_by_key(|slice| slice.window);
    slices
}

/// Requests and bad ones in the slices from `from` on.
fn count(slices: &[Slice], from: UnixNanos) -> (u64, Over) {
    let inside = slices.iter().filter(|slice| slice.window.from >= from);
    inside.fold((0, Over::default()), |(total, bad), slice| (total + slice.total, bad.plus(slice.bad)))
}

fn measured(slo: &Slo, service: &str, parts: &[Part<'_>], window: Window) -> Option<f64> {
    let (mut sum, mut count) = (0.0, 0);
    for (_, rows) in parts.iter().filter(|(part, _)| window.from <= part.from && part.to <= window.to) {
        let figures = figures::of_operation(rows, service, slo.operation.as_deref());
        let quantile = if slo.kind == SloKind::LatencyP50 { figures.p50_ms } else { figures.p99_ms };
        sum += quantile * figures.count as f64;
        count += figures.count;
    }
    (slo.kind.is_latency() && count > 0).then(|| sum / count as f64)
}

#[cfg(test)]
pub(crate) mod tests_support {
    //! States that the tests of others plant.
    use super::*;

    pub(crate) fn with_budget(name: &str, budget_left: Option<f64>) -> SloState {
        let window = crate::health::planted::window(0, 86_400 * 30);
        SloState {
            name: name.into(),
            operation: None,
            kind: SloKind::Availability,
            target: TARGET,
            threshold_ms: None,
            measured_ms: None,
            window,
            covered_seconds: window.seconds(),
            total: budget_left.map_or(0, |_| 1_000),
            bad: Over::default(),
            actual: budget_left.map(|_| 1.0),
            budget_left,
            burn_rate: budget_left.map(|left| 1.0 - left),
            burns: Vec::new(),
            standing: Standing::of(budget_left),
        }
    }
}

#[cfg(test)]
mod tests;
