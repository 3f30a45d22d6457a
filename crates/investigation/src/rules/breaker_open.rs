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
            "`{}` fails at once because it no longer calls `{}`: {:.2} calls a request instead of {:.2}, since {}",
            breaker.caller,
            breaker.callee,
            breaker.calls_per_request.1,
            breaker.calls_per_request.0,
            breaker.reason()
        ),
        kind: EvidenceKind::Structure,
        numbers: breaker.numbers().to_vec(),
        questions: findings.breaker_questions().into_iter().cloned().collect(),
    })
    .collect()
}
