//! How far an incident reaches and whom to call, and which operations cost most by self time.
//!
//! Bounds are those of the products whose rows of the specification these answer (AgentTel's impact, Elastic's latency
//! bottlenecks); self time instead of duration, so that a caller is not a bottleneck because of its callee. No test is
//! made: these describe what is, they claim no cause. The coming tools ask for them.

use std::collections::BTreeMap;

use telemetry::SpanKind;
use telemetry::answer::SelfTimeRow;

/// Affected operations above which a whole service is meant.
const OPERATIONS_MAX: usize = 3;
/// Failure rate from which a dependency counts as affected.
const FAILURE_RATE_MIN: f64 = 0.10;
/// Groups looked at, calls of dependencies looked at, and rows given.
const GROUPS_MAX: usize = 50;
const DEPENDENCIES_MAX: usize = 25;
const ROWS_MAX: usize = 10;

/// How much of a service is affected.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Extent {
    /// Some operations.
    OperationSpecific,
    /// More than three.
    ServiceWide,
}

/// What is known of an affected service.
#[derive(Debug, Clone, Copy, Default)]
pub struct Affected<'a> {
    /// Operations with a symptom.
    pub operations: usize,
    /// Dependencies with their failure rate, 0 to 1.
    pub dependencies: &'a [(&'a str, f64)],
    /// Services that call it: none means that users do.
    pub callers: usize,
    /// The tier that its operator gave it.
    pub tier: &'a str,
    /// The escalation that its operator configured.
    pub escalation: Option<&'a str>,
}

/// The impact of an incident on one service.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Impact {
    /// How much of it.
    pub extent: Extent,
    /// Whether nobody but users calls it.
    pub is_user_facing: bool,
    /// Dependencies of which more than a tenth of the calls fail, sorted.
    pub affected_dependencies: Vec<String>,
    /// What to do about it: what is configured, else `page_oncall` for the tier `critical`, else `notify_team`.
    pub escalation: String,
}

/// The impact on a service.
#[must_use]
pub fn of(affected: &Affected<'_>) -> Impact {
    let mut affected_dependencies: Vec<String> = affected
        .dependencies
        .iter()
        .filter(|(_, rate)| *rate > FAILURE_RATE_MIN)
        .map(|(name, _)| (*name).to_owned())
        .collect();
    affected_dependencies.sort();
    affected_dependencies.dedup();
    let by_tier = if affected.tier == "critical" { "page_oncall" } else { "notify_team" };
    Impact {
        extent: if affected.operations > OPERATIONS_MAX {
            Extent::ServiceWide
        } else {
            Extent::OperationSpecific
        },
        is_user_facing: affected.callers == 0,
        affected_dependencies,
        escalation: affected.escalation.unwrap_or(by_tier).to_owned(),
    }
}

/// How bad a bottleneck is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// Not worth a word.
    None,
    /// Worth knowing.
    Info,
    /// Worth looking at.
    Warning,
    /// Worth acting.
    Critical,
}

/// One operation or call by the time it takes itself.
#[derive(Debug, Clone, PartialEq)]
pub struct Bottleneck {
    /// `service.name`.
    pub service: String,
    /// Span name.
    pub operation: String,
    /// What is called, empty for own work.
    pub resource: String,
    /// Spans.
    pub count: u64,
    /// Mean self time, milliseconds.
    pub mean_ms: f64,
    /// Share of the self time of all rows, percent.
    pub impact_percent: f64,
    /// How bad.
    pub severity: Severity,
}

/// The ten operations with the largest share of all self time, largest first; those without severity are left out.
#[must_use]
pub fn bottlenecks(rows: &[SelfTimeRow]) -> Vec<Bottleneck> {
    let mut groups: BTreeMap<(&str, &str, &str), (u64, f64)> = BTreeMap::new();
    for row in rows {
        let resource = if is_call(row) { row.resource.as_str() } else { "" };
        let key = (row.subject.service.as_str(), row.subject.operation.as_str(), resource);
        let group = groups.entry(key).or_default();
        group.0 += row.count;
        group.1 += row.sum_ns.max(0) as f64 / 1e6;
    }
    let whole: f64 = groups.values().map(|(_, sum_ms)| sum_ms).sum();
    let mut found: Vec<Bottleneck> = groups
        .into_iter()
        .map(|((service, operation, resource), (count, sum_ms))| {
            let mean_ms = sum_ms / count.max(1) as f64;
            let impact_percent = if whole > 0.0 { 100.0 * sum_ms / whole } else { 0.0 };
            Bottleneck {
                service: service.to_owned(),
                operation: operation.to_owned(),
                resource: resource.to_owned(),
                count,
                mean_ms,
                impact_percent,
                severity: severity(mean_ms, impact_percent, resource),
            }
        })
        .collect();
    found.sort_by(|a, b| {
        let name = |one: &Bottleneck| (one.service.clone(), one.operation.clone(), one.resource.clone());
        b.impact_percent.total_cmp(&a.impact_percent).then_with(|| name(a).cmp(&name(b)))
    });
    let own = found.iter().filter(|one| one.resource.is_empty()).take(GROUPS_MAX);
    let calls = found.iter().filter(|one| !one.resource.is_empty()).take(DEPENDENCIES_MAX);
    let mut kept: Vec<Bottleneck> =
        own.chain(calls).filter(|one| one.severity > Severity::None).cloned().collect();
    kept.sort_by(|a, b| b.impact_percent.total_cmp(&a.impact_percent));
    kept.truncate(ROWS_MAX);
    kept
}

fn is_call(row: &SelfTimeRow) -> bool {
    matches!(row.kind, SpanKind::Client | SpanKind::Producer)
}

/// Seconds of own work, seconds of a call, percent of all: any of them is enough.
fn severity(mean_ms: f64, impact_percent: f64, resource: &str) -> Severity {
    let bounds = |own_ms: f64, call_ms: f64, percent: f64| {
        mean_ms > if resource.is_empty() { own_ms } else { call_ms } || impact_percent > percent
    };
    if bounds(5_000.0, 2_000.0, 20.0) {
        Severity::Critical
    } else if bounds(2_000.0, 1_000.0, 10.0) {
        Severity::Warning
    } else if bounds(1_000.0, 500.0, 5.0) {
        Severity::Info
    } else {
        Severity::None
    }
}

#[cfg(test)]
mod tests {
    use telemetry::answer::Subject;

    use super::*;

    // covers: AG-34
    #[test]
    fn three_operations_are_some_and_four_are_the_service() {
        let with = |operations| of(&Affected { operations, ..Affected::default() }).extent;
        assert_eq!([with(3), with(4)], [Extent::OperationSpecific, Extent::ServiceWide]);
    }

    // covers: AG-34
    #[test]
    fn what_is_configured_wins_over_the_tier() {
        let dependencies = [("db", 0.11), ("cache", 0.10), ("api", 0.5)];
        let critical =
            Affected { operations: 1, dependencies: &dependencies, tier: "critical", ..Affected::default() };
        let impact = of(&critical);
        assert_eq!((impact.escalation.as_str(), impact.is_user_facing), ("page_oncall", true));
        assert_eq!(impact.affected_dependencies, ["api", "db"]);
        let configured = of(&Affected { escalation: Some("ask_the_owner"), callers: 2, ..critical });
        assert_eq!((configured.escalation.as_str(), configured.is_user_facing), ("ask_the_owner", false));
        assert_eq!(of(&Affected::default()).escalation, "notify_team");
    }

    fn row(operation: &str, kind: SpanKind, resource: &str, count: u64, self_ms: i64) -> SelfTimeRow {
        SelfTimeRow {
            subject: Subject {
                service: "a".into(),
                operation: operation.into(),
                instance: String::new(),
                version: String::new(),
            },
            entry: String::new(),
            lead_ns: 0,
            kind,
            resource: resource.into(),
            database: String::new(),
            count,
            error_origins: 0,
            errors: 0,
            sum_ns: count as i64 * self_ms * 1_000_000,
            p50_ns: 0,
            p95_ns: 0,
            blocks: Vec::new(),
        }
    }

    // covers: EL-21
    #[test]
    fn the_callee_is_the_bottleneck_and_not_the_caller_that_waits_for_it() {
        // The caller's spans last for seconds; of themselves they take 30 ms.
        let rows = [
            row("GET /", SpanKind::Server, "", 100, 30),
            row("SELECT", SpanKind::Client, "pg", 100, 2_400),
            row("GET /health", SpanKind::Server, "", 1_000, 1),
        ];
        let found = bottlenecks(&rows);
        assert_eq!(found.len(), 1, "{found:?}");
        assert_eq!((found[0].operation.as_str(), found[0].severity), ("SELECT", Severity::Critical));
        assert!((found[0].impact_percent - 98.4).abs() < 0.1 && (found[0].mean_ms - 2_400.0).abs() < 1e-9);
    }

    // covers: EL-21
    #[test]
    fn bounds_of_calls_are_lower_and_what_is_small_is_left_out() {
        assert_eq!(severity(1_500.0, 1.0, "db"), Severity::Warning);
        assert_eq!(severity(1_500.0, 1.0, ""), Severity::Info);
        assert_eq!(severity(10.0, 5.0, ""), Severity::None);
        assert!(bottlenecks(&[]).is_empty());
        let many: Vec<SelfTimeRow> =
            (0..40).map(|at| row(&format!("op{at}"), SpanKind::Server, "", 1, 6_000)).collect();
        assert_eq!(bottlenecks(&many).len(), 10);
    }
}
