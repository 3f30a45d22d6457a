//! A caller that fails at once because a breaker is open is a symptom of whom it no longer calls.

use evidence::measures::open_breaker::OpenBreaker;
use incident::{Candidate, CandidateKind, EvidenceKind};

use super::{Exclusion, Rule};
use crate::findings::Findings;

/// This rule.
pub const RULE: Rule = Rule {
    id: "breaker_open",
    says: "a service that fails at once instead of calling somebody who failed before is a symptom of that one",
    apply,
};

/// What made the caller stop.
fn why(breaker: &OpenBreaker) -> String {
    if breaker.is_failing() {
        return format!("{} of {} calls failed when it turned", breaker.turn.0, breaker.turn.1);
    }
    format!("calls took {:.1} ms instead of {:.1} ms", breaker.mean_ms.1, breaker.mean_ms.0)
}

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
            why(breaker)
        ),
        kind: EvidenceKind::Structure,
        numbers: vec![
            ("calls_per_request_before", breaker.calls_per_request.0),
            ("calls_per_request_now", breaker.calls_per_request.1),
            ("failed_calls_since", breaker.turn.0 as f64),
            ("calls_since", breaker.turn.1 as f64),
            ("missing_calls", breaker.missing),
            ("p_value", breaker.p_value),
            ("mean_ms_before", breaker.mean_ms.0),
            ("mean_ms_since", breaker.mean_ms.1),
        ],
        questions: findings.breaker_questions().into_iter().cloned().collect(),
    })
    .collect()
}
