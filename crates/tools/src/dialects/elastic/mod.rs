//! The tools of Elastic's observability agent, by their names and the names of their arguments, over our questions.
//!
//! Reading order: [`fields`] and [`kql`] (the filter), [`names`], then a file for each tool. What the questions cannot
//! answer is an empty answer with a gap; a field that rows do not carry is refused with those that they do.

mod anomaly_jobs;
mod bottlenecks;
mod changed;
mod changes;
mod correlated_logs;
mod correlations;
mod documents;
pub mod fields;
mod hosts;
mod index_info;
mod kibana;
pub mod kql;
mod log_groups;
mod log_rate;
mod logs;
pub mod names;
mod runtime;
mod services;
mod topology;
mod trace_metrics;
mod traces;

use std::sync::Arc;

use crate::dialects::Dialect;
use crate::tool::{Tool, registered};

/// The dialect.
pub const DIALECT: Dialect = Dialect {
    name: "elastic",
    what: "the tools of Elastic's observability agent, by their names",
    tools,
    many_required: &["run_log_rate_analysis"],
};

/// The tools, in the order in which an investigation uses them.
pub(crate) fn tools() -> Vec<Arc<dyn Tool>> {
    vec![
        registered::<kibana::GetAlerts>(),
        registered::<services::GetServices>(),
        registered::<hosts::GetHosts>(),
        registered::<trace_metrics::GetTraceMetrics>(),
        registered::<trace_metrics::GetTraceMetricsTimeseries>(),
        registered::<topology::GetServiceTopology>(),
        registered::<topology::GetDownstreamDependencies>(),
        registered::<log_rate::RunLogRateAnalysis>(),
        registered::<changed::GetLogChangePoints>(),
        registered::<changed::GetTraceChangePoints>(),
        registered::<changed::GetMetricChangePoints>(),
        registered::<changes::GetChangeEvents>(),
        registered::<correlated_logs::GetCorrelatedLogs>(),
        registered::<correlations::GetApmCorrelations>(),
        registered::<bottlenecks::AnalyzeLatencyBottlenecks>(),
        registered::<log_groups::GetLogGroups>(),
        registered::<logs::GetLogs>(),
        registered::<traces::GetTraces>(),
        registered::<runtime::GetRuntimeMetrics>(),
        registered::<anomaly_jobs::GetAnomalyDetectionJobs>(),
        registered::<index_info::GetIndexInfo>(),
        registered::<documents::ListIndices>(),
        registered::<documents::GetIndexMapping>(),
        registered::<documents::GetDocumentById>(),
        registered::<documents::ProductDocumentation>(),
    ]
}
