//! Incidents of the past as signatures, read from their reports.
//!
//! A report says where it was seen and which figure was wrong; of its errors it tells no kind, and that is left unknown.

use evidence::health::similar::{PastIncident, Signature};
use evidence::patterns::Pattern;
use incident::{AlertSignal, Report};

use telemetry::UnixNanos;

use crate::installation::IncidentRow;
use crate::tool::Context;

/// Reports that are looked at: each is made from its journal.
const REPORTS_MAX: usize = 30;

/// The newest incidents that have a report.
pub(super) fn reports(context: &Context) -> Vec<Report> {
    let listed = context.installation.incidents(REPORTS_MAX).unwrap_or_default();
    listed.rows.iter().filter_map(|row| context.installation.report(&row.incident).ok()).collect()
}

/// The incidents with a cause that are past when one that began at `onset` is looked at, as what is compared. One that still
/// runs, or that was opened since then, is most likely the same trouble: it would only be found to be like itself.
pub(super) fn signatures(context: &Context, onset: UnixNanos) -> Vec<PastIncident> {
    let listed = context.installation.incidents(REPORTS_MAX).unwrap_or_default();
    let is_past = |row: &&IncidentRow| row.status != "running" && row.opened_at < onset;
    let reports = listed.rows.iter().filter(is_past);
    reports
        .filter_map(|row| context.installation.report(&row.incident).ok())
        .filter_map(|report| signature(&report))
        .collect()
}

fn signature(report: &Report) -> Option<PastIncident> {
    let cause = report.root_cause.as_ref()?;
    let symptom = report.diagnosis.symptoms.first()?;
    let pattern = |signal: AlertSignal| match signal {
        AlertSignal::Latency => Some(Pattern::LatencyDegradation),
        AlertSignal::Errors => Some(Pattern::ErrorRateSpike),
        AlertSignal::Throughput => None,
    };
    let patterns = report.diagnosis.symptoms.iter().filter(|one| one.service == symptom.service);
    let fix = report.resolution.as_ref().and_then(|resolution| resolution.actions.first());
    Some(PastIncident {
        id: report.incident.clone(),
        signature: Signature {
            service: symptom.service.clone(),
            operation: symptom.operation.clone(),
            error: None,
            patterns: patterns.filter_map(|one| pattern(one.signal)).collect(),
        },
        cause: cause.statement.clone(),
        fix: fix.map(|action| action.spec.clone()).unwrap_or_default(),
    })
}
