//! A caller that fails at once because a breaker is open is a symptom of whom it no longer calls.

use incident::{Candidate, CandidateKind, EvidenceKind};

use super::{Exclusion, Rule};
use crate::findings::Findings;

/// This rule.
pub const RULE: Rule = Rule {
    id: "breaker_open",
    says: "a service that fails at once instead of calling somebody who failed before is a symptom of that one",
    apply,
};

fn apply(findings: &Findings) -> Vec<Exclusion> {
    let mut callers: Vec<&str> = findings.breakers.iter().map(|breaker| breaker.caller.as_str()).collect();
    callers.sort_unstable();
    callers.dedup();
    let open = callers.into_iter().filter_map(|caller| findings.breaker_of(caller));
    open.map(|breaker| Exclusion {
        candidate: Candidate {
            kind: CandidateKind::Service,
            service: breaker.caller.clone(),
            name: String::new(),
        },
        why: format!(
            "`{}` fails at once because it no longer calls `{}`: {:.2} calls a request instead of {:.2}, and {} of the \
             {} made since it turned fail",
            breaker.caller,
            breaker.callee,
            breaker.calls_per_request.1,
            breaker.calls_per_request.0,
            breaker.turn.0,
            breaker.turn.1
        ),
        kind: EvidenceKind::Structure,
        numbers: vec![
            ("calls_per_request_before", breaker.calls_per_request.0),
            ("calls_per_request_now", breaker.calls_per_request.1),
            ("failed_calls_since", breaker.turn.0 as f64),
            ("calls_since", breaker.turn.1 as f64),
            ("missing_calls", breaker.missing),
            ("p_value", breaker.p_value),
        ],
        questions: findings.breaker_questions().into_iter().cloned().collect(),
    })
    .collect()
}
