//! Whom an incident reaches: which operations, dependencies and callers, whether users notice, and whom to call (AG-34).
//!
//! The rules are those of `impact`; here they meet the tables and what was declared. An operation is affected when it is degraded
//! or worse, or when its latency is elevated.

use std::collections::BTreeSet;

use telemetry::answer::EdgeRow;

use super::declared::{Consumption, Declared, Escalation, Tier};
use super::deviation::Deviation;
use super::service::{ServiceHealth, Status};
use crate::impact::{self, Affected, Impact};

/// Whom an incident reaches.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reach {
    /// Extent, escalation and affected dependencies.
    pub impact: Impact,
    /// Affected operations, sorted.
    pub operations: Vec<String>,
    /// Services that call it, by what calls say and what was declared, sorted.
    pub consumers: Vec<String>,
}

/// Who calls, and what of the callers is known.
#[derive(Debug, Clone, Copy)]
pub struct Callers<'a> {
    /// Calls between services.
    pub edges: &'a [EdgeRow],
    /// Services that serve requests themselves. A caller that does not is where users are: a browser, an app.
    pub serving: &'a [String],
}

/// Whom an incident of `operation` reaches; with no operation, of the whole service.
#[must_use]
pub fn of(
    health: &ServiceHealth,
    operation: Option<&str>,
    callers: &Callers<'_>,
    declared: &Declared,
) -> Reach {
    let service = declared.service(&health.service);
    let mut operations: Vec<String> = health
        .operations
        .iter()
        .filter(|one| one.status > Status::Healthy || one.deviation > Deviation::Normal)
        .map(|one| one.operation.clone())
        .chain(operation.map(str::to_owned))
        .collect();
    operations.sort();
    operations.dedup();
    let called =
        callers.edges.iter().filter(|edge| edge.callee == health.service && edge.caller != health.service);
    let mut consumers: Vec<String> = called.map(|edge| edge.caller.clone()).collect();
    let told = service.map(|service| service.consumers.as_slice()).unwrap_or_default();
    // Who takes a batch now and then is a consumer as well; only who waits makes a service one that users do not see.
    let waiting = told.iter().filter(|consumer| consumer.pattern == Consumption::Sync).count();
    let serving = consumers.iter().filter(|consumer| callers.serving.contains(consumer));
    let calling = waiting.max(serving.collect::<BTreeSet<_>>().len());
    consumers.extend(told.iter().map(|consumer| consumer.name.clone()));
    consumers.sort();
    consumers.dedup();
    let dependencies: Vec<(&str, f64)> = health
        .dependencies
        .iter()
        .filter(|one| one.status != Status::Unknown)
        .map(|one| (one.name.as_str(), one.failure_rate))
        .collect();
    let escalation = operation
        .and_then(|operation| declared.operation(&health.service, operation))
        .and_then(|operation| operation.escalation_level)
        .map(Escalation::name);
    let tier = service.and_then(|service| service.tier).map_or("", Tier::name);
    let affected = Affected {
        operations: operations.len(),
        dependencies: &dependencies,
        callers: calling,
        tier,
        escalation,
    };
    Reach { impact: impact::of(&affected), operations, consumers }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::health::planted::{edge, row, window};
    use crate::health::service::{self, Known};
    use crate::impact::Extent;

    fn reach(failing: usize, edges: &[EdgeRow], declared: &Declared) -> Reach {
        let rows: Vec<_> = (0..6)
            .map(|at| row("a", &format!("GET /{at}"), 500, if at < failing { 100 } else { 0 }, 5.0))
            .collect();
        let window = window(0, 900);
        let known = Known { service: "a", window, rows: &rows, before: &[], edges, slos: &[], declared };
        let callers = Callers { edges, serving: &["shop".to_owned()] };
        of(&service::of(&known), Some("GET /0"), &callers, declared)
    }

    // covers: AG-34
    #[test]
    fn three_operations_are_specific_and_four_are_the_service() {
        let declared = Declared::default();
        let extent = |failing| reach(failing, &[], &declared).impact.extent;
        assert_eq!(
            [extent(0), extent(3), extent(4)],
            [Extent::OperationSpecific, Extent::OperationSpecific, Extent::ServiceWide]
        );
        assert_eq!(reach(0, &[], &declared).operations, ["GET /0"], "the one asked about is affected");
    }

    // covers: AG-34, AG-62
    #[test]
    fn what_is_declared_of_the_operation_wins_over_the_tier_and_callers_hide_it_from_users() {
        let read = |text| serde_json::from_str::<Declared>(text).unwrap();
        let tier = read(r#"{"services": {"a": {"tier": "critical"}}}"#);
        let edges =
            [edge("a", "db", 100, 11, 1.0), edge("a", "cache", 9, 9, 1.0), edge("shop", "a", 5, 0, 1.0)];
        let paged = reach(1, &edges, &tier);
        assert_eq!((paged.impact.escalation.as_str(), paged.impact.is_user_facing), ("page_oncall", false));
        assert_eq!(
            (paged.impact.affected_dependencies, paged.consumers),
            (vec!["db".to_owned()], vec!["shop".to_owned()])
        );
        let configured = read(
            r#"{"services": {"a": {"tier": "critical", "consumers": [{"name": "export", "pattern": "batch"}],
                "operations": {"GET /0": {"escalation-level": "auto_resolve"}}}}}"#,
        );
        let quiet = reach(1, &edges[..1], &configured);
        assert_eq!((quiet.impact.escalation.as_str(), quiet.impact.is_user_facing), ("auto_resolve", true));
        assert_eq!(quiet.consumers, ["export"]);
        assert_eq!(reach(1, &[], &Declared::default()).impact.escalation, "notify_team");
        let browser = reach(1, &[edge("page", "a", 5, 0, 1.0)], &tier);
        assert!(browser.impact.is_user_facing, "who serves nobody is where users are");
        assert_eq!(browser.consumers, ["page"]);
    }
}
