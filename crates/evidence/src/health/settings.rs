//! The bounds of the health layer, each with the default of the specification; an operator may declare others.
//!
//! Where the sources of a default differ, the documented one stands here and not that of the code beside it (C-03).

use serde::Deserialize;

/// The bounds. Rates and shares are 0 to 1.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct Settings {
    /// Failure rate above which an operation is critical (AG-30).
    pub critical_failure_rate: f64,
    /// Failure rate above which an operation is degraded (AG-30).
    pub degraded_failure_rate: f64,
    /// Requests below which an operation is not judged by its failure rate (AG-30).
    pub requests_min: u64,
    /// Failure rate above which a dependency degrades its caller (AG-30).
    pub dependency_failure_rate: f64,
    /// Calls below which a dependency is not judged (AG-30).
    pub calls_min: u64,
    /// Share of an error budget below which a service is critical (AG-30).
    pub critical_budget: f64,
    /// Share of an error budget below which a service is degraded (AG-30).
    pub degraded_budget: f64,
    /// Ratio to the baseline above which a median latency is elevated (AG-31).
    pub elevated_ratio: f64,
    /// Ratio to the baseline above which it is critical (AG-31).
    pub critical_ratio: f64,
    /// Standard deviations from which a figure is anomalous (AG-33).
    pub anomaly_z: f64,
    /// Failure rate above which an incident is of high severity (AG-32).
    pub high_failure_rate: f64,
    /// Days that a rolling baseline looks back (AG-38).
    pub rolling_days: u32,
    /// Requests below which a rolling baseline is none (AG-38).
    pub baseline_requests_min: u64,
    /// Requests from which a rolling baseline is of medium confidence (AG-38).
    pub medium_confidence_from: u64,
    /// Requests from which a rolling baseline is of high confidence (AG-38).
    pub high_confidence_from: u64,
    /// Median latency of the default baseline, milliseconds (AG-38).
    pub default_p50_ms: f64,
    /// 99th percentile of the default baseline, milliseconds (AG-38).
    pub default_p99_ms: f64,
    /// Failure rate of the default baseline (AG-38).
    pub default_failure_rate: f64,
    /// Change over a window, as a share of its start, below which nothing rises or falls. AG-37 takes a tenth of the mean a sample;
    /// the example beside it calls eight percent over the window falling.
    pub trend_change_min: f64,
    /// Chance up to which one of the four trends of an operation is told; four make one in a hundred.
    pub trend_p_max: f64,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            critical_failure_rate: 0.10,
            degraded_failure_rate: 0.01,
            requests_min: 100,
            dependency_failure_rate: 0.50,
            calls_min: 10,
            critical_budget: 0.10,
            degraded_budget: 0.50,
            elevated_ratio: 2.0,
            critical_ratio: 5.0,
            anomaly_z: 3.0,
            high_failure_rate: 0.10,
            rolling_days: 7,
            baseline_requests_min: 10,
            medium_confidence_from: 30,
            high_confidence_from: 200,
            default_p50_ms: 100.0,
            default_p99_ms: 500.0,
            default_failure_rate: 0.01,
            trend_change_min: 0.05,
            trend_p_max: 0.0025,
        }
    }
}
