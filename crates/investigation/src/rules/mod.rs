//! The causal rules: each rules candidates out, with its check and its numbers.
//!
//! One file each; a rule is listed in [`all`]. Rules see measured findings only, never raw answers.

pub mod breaker_open;
pub mod cause_after_onset;
pub mod change_without_effect;
pub mod edge_unchanged;
pub mod excess_in_callee;
pub mod load_steady;
pub mod of_changes;
pub mod of_state;

use incident::{Candidate, EvidenceKind};
use telemetry::QuestionId;

use crate::findings::Findings;

/// A rule of reasoning.
#[derive(Clone, Copy)]
pub struct Rule {
    /// Its name, as reports cite it.
    pub id: &'static str,
    /// What it rules out, and why that is sound.
    pub says: &'static str,
    pub(crate) apply: fn(&Findings) -> Vec<Exclusion>,
}

impl std::fmt::Debug for Rule {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Rule").field("id", &self.id).finish_non_exhaustive()
    }
}

/// A candidate ruled out, with the fact to seal as evidence.
pub(crate) struct Exclusion {
    pub(crate) candidate: Candidate,
    pub(crate) why: String,
    pub(crate) kind: EvidenceKind,
    pub(crate) numbers: Vec<(&'static str, f64)>,
    pub(crate) questions: Vec<QuestionId>,
}

/// Every rule, sorted by id.
#[must_use]
pub fn all() -> &'static [Rule] {
    &[
        breaker_open::RULE,
        cause_after_onset::RULE,
        change_without_effect::RULE,
        edge_unchanged::RULE,
        excess_in_callee::RULE,
        load_steady::RULE,
    ]
}

/// The candidate that stands for a change.
pub(crate) fn change_candidate(rollout: &evidence::measures::changes::Rollout) -> Candidate {
    let what = match rollout.first.kind {
        telemetry::answer::ChangeKind::Deploy => format!("deploy of {}", rollout.first.after),
        telemetry::answer::ChangeKind::Restart => format!("restart of {}", rollout.instances.join(", ")),
        telemetry::answer::ChangeKind::InstanceAdded => {
            format!("new instance {}", rollout.instances.join(", "))
        }
        telemetry::answer::ChangeKind::Commit => format!("commit {}", rollout.first.after),
        telemetry::answer::ChangeKind::Flag => format!("flag {}", rollout.first.after),
    };
    Candidate { kind: incident::CandidateKind::Change, service: rollout.first.service.clone(), name: what }
}

/// Signed seconds from a change to the onset.
pub(crate) fn seconds_before(findings: &Findings, rollout: &evidence::measures::changes::Rollout) -> f64 {
    findings.onset.at.since(rollout.first.at) as f64 / telemetry::time::SECOND_NS as f64
}

#[cfg(test)]
mod tests {
    #[test]
    fn rules_are_sorted_and_say_something() {
        let all = super::all();
        assert!(all.windows(2).all(|pair| pair[0].id < pair[1].id));
        assert!(all.iter().all(|rule| rule.says.len() > 20));
    }
}
