//! Playbooks: what to check, decide and do when a pattern shows itself, as a graph whose conditions a machine can evaluate
//! (AG-19, AG-55).
//!
//! A walk follows checks and decisions as far as the figures answer them, and stops where something would be done or where
//! a figure is missing: nothing is ever done here. Four playbooks are shipped; an operator's own are read in the same
//! shape and held to the same rules.

mod condition;
mod shipped;

use std::collections::{BTreeMap, BTreeSet};

use serde::Deserialize;

pub use condition::{Condition, FIGURES, Facts, ParseConditionError};
pub use shipped::shipped;

use crate::patterns::Pattern;

/// Where a way ends.
pub const DONE: &str = "done";

/// A playbook.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Playbook {
    /// Its name.
    pub name: String,
    /// What it is for.
    #[serde(default)]
    pub description: String,
    /// The patterns it answers, by name.
    #[serde(default)]
    pub patterns: Vec<String>,
    /// Its steps; the first is where it begins.
    pub steps: Vec<Step>,
}

/// One step.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Step {
    /// Its id within the playbook.
    pub id: String,
    /// What it does.
    #[serde(rename = "type")]
    pub kind: StepKind,
    /// The sentence for people.
    pub text: String,
    /// What a check or a decision asks.
    #[serde(default)]
    pub condition: Option<Condition>,
    /// The kind of action.
    #[serde(default)]
    pub action: Option<String>,
    /// Whether the action asks for approval; the policy decides all the same.
    #[serde(default)]
    pub requires_approval: bool,
    /// Where it goes on when the condition holds or the action helped: a step or [`DONE`].
    pub on_success: String,
    /// Where it goes on otherwise.
    pub on_failure: String,
}

/// What a step does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StepKind {
    /// Looks whether something is so.
    Check,
    /// Does something.
    Action,
    /// Chooses a way.
    Decision,
}

impl StepKind {
    /// The name in answers.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Check => "check",
            Self::Action => "action",
            Self::Decision => "decision",
        }
    }
}

/// How far a walk came.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Walk {
    /// The steps answered, with what their condition said.
    pub answered: Vec<(String, bool)>,
    /// Why it ended.
    pub end: WalkEnd,
}

/// Why a walk ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum WalkEnd {
    /// Nothing is left to do.
    Done,
    /// This step would do something.
    WouldAct(String),
    /// A figure that this step needs is not known.
    Unknown(String),
}

impl Playbook {
    /// The step of this id.
    #[must_use]
    pub fn step(&self, id: &str) -> Option<&Step> {
        self.steps.iter().find(|step| step.id == id)
    }

    /// Whether it answers a pattern.
    #[must_use]
    pub fn answers(&self, pattern: Pattern) -> bool {
        self.patterns.iter().any(|name| name == pattern.name())
    }

    /// What makes it unusable, a sentence each; empty when all is well.
    #[must_use]
    pub fn problems(&self) -> Vec<String> {
        let mut problems = Vec::new();
        let mut ids = BTreeSet::new();
        if self.steps.is_empty() {
            problems.push("has no steps".to_owned());
        }
        for step in &self.steps {
            if step.id == DONE || !ids.insert(step.id.as_str()) {
                problems.push(format!("step `{}`: the id is taken", step.id));
            }
            for target in [&step.on_success, &step.on_failure] {
                if target != DONE && self.step(target).is_none() {
                    problems.push(format!("step `{}` goes on at `{target}`, which is no step", step.id));
                }
            }
            let is_action = step.kind == StepKind::Action;
            if is_action != step.action.is_some() || is_action == step.condition.is_some() {
                problems
                    .push(format!("step `{}`: an action names one, anything else has a condition", step.id));
            }
        }
        let reached = self.reached();
        let lost = self.steps.iter().filter(|step| !reached.contains(step.id.as_str()));
        problems.extend(lost.map(|step| format!("step `{}` is never reached", step.id)));
        let ending = self.ending();
        let endless = self.steps.iter().filter(|step| !ending.contains(step.id.as_str()));
        problems.extend(endless.map(|step| format!("no way leads from step `{}` to the end", step.id)));
        let named = |name: &str| Pattern::ALL.iter().any(|pattern| pattern.name() == name);
        let unknown = self.patterns.iter().filter(|name| !named(name));
        problems.extend(unknown.map(|name| format!("`{name}` is no pattern")));
        problems
    }

    fn reached(&self) -> BTreeSet<&str> {
        let mut reached: BTreeSet<&str> = self.steps.iter().take(1).map(|step| step.id.as_str()).collect();
        for _ in 0..self.steps.len() {
            let next: Vec<&str> = self
                .steps
                .iter()
                .filter(|step| reached.contains(step.id.as_str()))
                .flat_map(|step| [step.on_success.as_str(), step.on_failure.as_str()])
                .collect();
            reached.extend(next);
        }
        reached
    }

    fn ending(&self) -> BTreeSet<&str> {
        let mut ending: BTreeSet<&str> = BTreeSet::from([DONE]);
        for _ in 0..self.steps.len() {
            let next: Vec<&str> = self
                .steps
                .iter()
                .filter(|step| {
                    [&step.on_success, &step.on_failure].iter().any(|to| ending.contains(to.as_str()))
                })
                .map(|step| step.id.as_str())
                .collect();
            ending.extend(next);
        }
        ending
    }

    /// Follows the steps as far as `facts` answer them. Each step is answered once: a way back to one ends the walk
    /// there, since the same figures would answer the same.
    #[must_use]
    pub fn walk(&self, facts: &Facts) -> Walk {
        let mut answered: BTreeMap<&str, bool> = BTreeMap::new();
        let mut walk = Walk { answered: Vec::new(), end: WalkEnd::Done };
        let mut at = self.steps.first();
        while let Some(step) = at {
            let Some(condition) = step.condition.as_ref().filter(|_| step.kind != StepKind::Action) else {
                walk.end = WalkEnd::WouldAct(step.id.clone());
                break;
            };
            if answered.contains_key(step.id.as_str()) {
                break;
            }
            let Some(holds) = condition.evaluate(facts) else {
                walk.end = WalkEnd::Unknown(step.id.clone());
                break;
            };
            answered.insert(&step.id, holds);
            walk.answered.push((step.id.clone(), holds));
            at = self.step(if holds { &step.on_success } else { &step.on_failure });
        }
        walk
    }
}

#[cfg(test)]
mod tests;
