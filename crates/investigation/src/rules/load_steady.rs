//! Load is not the cause when the requests per second did not grow.

use incident::{Candidate, CandidateKind, EvidenceKind};

use super::{Exclusion, Rule};
use crate::findings::Findings;

/// This rule.
pub const RULE: Rule = Rule {
    id: "load_steady",
    says: "more traffic is ruled out when the affected operation gets less than half as much again",
    apply,
};

/// Growth of the request rate from which load stays a candidate.
pub(crate) const GROWTH_MIN: f64 = 1.5;

fn apply(findings: &Findings) -> Vec<Exclusion> {
    let load = findings.load;
    if load.good_per_s <= 0.0 || load.bad_per_s >= GROWTH_MIN * load.good_per_s {
        return Vec::new();
    }
    let (before, now) = (load.good_per_s * 60.0, load.bad_per_s * 60.0);
    vec![Exclusion {
        candidate: Candidate {
            kind: CandidateKind::Load,
            service: String::new(),
            name: "more traffic".to_owned(),
        },
        why: format!("{before:.0} requests a minute before, {now:.0} now: the load did not grow"),
        kind: EvidenceKind::Load,
        numbers: vec![("requests_per_minute_before", before), ("requests_per_minute_now", now)],
        questions: vec![findings.onset_question.clone()],
    }]
}
