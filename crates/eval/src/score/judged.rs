//! One case: what was right about the conclusion, and what not.

use std::collections::BTreeSet;

use incident::ConclusionKind;
use serde::Serialize;

use crate::conclusion_line::{Line, Ranked};
use crate::label::Label;

/// A conclusion held against its label.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Judged {
    /// What was the matter.
    pub label: Label,
    /// The best place of a root in the ranking, counted from one, ties counted at their last place.
    pub rank: Option<usize>,
    /// Whether nobody was blamed.
    pub abstained: bool,
    /// Whether exactly the roots were blamed.
    pub is_exact: bool,
    /// Whether the kinds of fault of all that is blamed are ones that the label accepts, or the label accepts any.
    pub is_kind: bool,
    /// Whether the first component is a root and something inside it that the label names was named, too.
    pub is_inner: bool,
    /// Decoys that were blamed.
    pub decoys: Vec<String>,
    /// Whether the loudest service is a root.
    pub is_loudest: bool,
    /// What was said; nothing when there is no line for the case.
    pub line: Option<Line>,
}

impl Judged {
    /// Judges `line` by `label`.
    #[must_use]
    pub fn new(label: &Label, line: Option<&Line>) -> Self {
        let roots: BTreeSet<&str> = label.roots.iter().map(String::as_str).collect();
        let Some(line) = line else {
            return Self {
                label: label.clone(),
                rank: None,
                abstained: false,
                is_exact: false,
                is_kind: false,
                is_inner: false,
                decoys: Vec::new(),
                is_loudest: false,
                line: None,
            };
        };
        let blamed: BTreeSet<&str> =
            line.root_cause.iter().chain(&line.further_causes).map(String::as_str).collect();
        let rank = rank(&line.ranking, &roots);
        let named = label.inner.iter().any(|inner| line.inner.contains(inner));
        let faults = || line.fault.iter().chain(&line.further_faults);
        let is_accepted = |fault: &String| label.fault_kinds.contains(fault);
        let is_decoy = |decoy: &&String| {
            blamed.contains(decoy.as_str())
                || line.changes.contains(*decoy)
                || faults().any(|fault| fault == *decoy)
        };
        Self {
            rank,
            abstained: line.kind != ConclusionKind::RootCause,
            is_exact: blamed == roots,
            is_kind: label.fault_kinds.is_empty() || (line.fault.is_some() && faults().all(is_accepted)),
            is_inner: rank == Some(1) && named,
            decoys: label.decoys.iter().filter(is_decoy).cloned().collect(),
            is_loudest: line.loudest.as_deref().is_some_and(|loudest| roots.contains(loudest)),
            label: label.clone(),
            line: Some(line.clone()),
        }
    }

    /// Whether a root is among the first `k`.
    #[must_use]
    pub fn is_within(&self, k: usize) -> bool {
        self.rank.is_some_and(|rank| rank <= k)
    }

    /// Whether the first answer was right, in component and, where the label tells it, in kind; silence where there is nobody to blame. Who abstains wins nothing elsewhere,
    /// whatever stood first among the open hypotheses.
    #[must_use]
    pub fn is_won(&self) -> bool {
        if self.label.is_none {
            self.line.is_some() && self.abstained
        } else {
            !self.abstained && self.is_within(1) && self.is_kind
        }
    }
}

/// The best place of a root. Whoever shares its score stands before it: an order that chance decides earns nothing.
fn rank(ranking: &[Ranked], roots: &BTreeSet<&str>) -> Option<usize> {
    let of_root = |ranked: &&Ranked| roots.contains(ranked.component.as_str());
    let ranks = ranking.iter().filter(of_root).map(|root| {
        let before = ranking.iter().filter(|other| other.score >= root.score && !of_root(other)).count();
        before + 1
    });
    ranks.min()
}
