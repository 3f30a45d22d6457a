//! A slow service whose own work did not grow is a symptom of what it calls.

use incident::{Candidate, CandidateKind, EvidenceKind};

use super::{Exclusion, Rule};
use crate::findings::Findings;

/// This rule.
pub const RULE: Rule = Rule {
    id: "excess_in_callee",
    says: "a service is a symptom, not a cause, when its callees explain its excess: own share under a tenth",
    apply,
};

/// Own share of the whole excess below which a slow service is a symptom.
const OWN_SHARE_MAX: f64 = 0.1;

fn apply(findings: &Findings) -> Vec<Exclusion> {
    let Some(cause) = findings.suspects.first() else {
        return Vec::new();
    };
    let slow = findings.symptomatic.iter().filter(|service| **service != cause.service);
    slow.filter(|service| findings.share_of(service) < OWN_SHARE_MAX && findings.reaches(service, &cause.service))
        .map(|service| {
            let share = findings.share_of(service);
            Exclusion {
                candidate: Candidate {
                    kind: CandidateKind::Service,
                    service: service.clone(),
                    name: String::new(),
                },
                why: format!(
                    "`{service}` is slow because it waits for `{}`: its own work explains {:.0} % of the extra time",
                    cause.service,
                    share * 100.0
                ),
                kind: EvidenceKind::ExclusiveLatency,
                numbers: vec![("own_share_of_excess", share)],
                questions: vec![
                    findings.views.self_time.0.clone(),
                    findings.views.self_time.1.clone(),
                    findings.views.edges.1.clone(),
                ],
            }
        })
        .collect()
}
