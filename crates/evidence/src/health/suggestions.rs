//! What is usually done about a pattern (AG-51).
//!
//! A suggestion names a kind of action, not one that could be carried out: that needs an entry of the operator's inventory, a
//! policy and an approval. A rollback is suggested only when a deployment came before the onset, and a restart not where
//! the operator said that it is not safe.

use crate::patterns::Pattern;

/// How sure it is that this is what to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Weight {
    /// Somebody has to look.
    Low,
    /// Usually.
    Medium,
    /// Nearly always.
    High,
}

impl Weight {
    /// The name in answers.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Low => "low",
            Self::Medium => "medium",
            Self::High => "high",
        }
    }
}

/// Something to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Suggestion {
    /// The kind of action.
    pub name: &'static str,
    /// What it means, in a sentence.
    pub text: String,
    /// How sure.
    pub weight: Weight,
    /// Whether the pattern's usual answer asks for approval; the policy decides all the same (C-02).
    pub needs_approval: bool,
}

/// What is known of the incident.
#[derive(Debug, Clone, Copy, Default)]
pub struct Situation<'a> {
    /// The patterns shown.
    pub patterns: &'a [Pattern],
    /// Dependencies that fail.
    pub failing: &'a [String],
    /// The version that was deployed before the onset, if any was.
    pub deployed: Option<&'a str>,
    /// Whether its operator says that it may be restarted.
    pub is_safe_to_restart: Option<bool>,
}

/// What to do, the surest first; to investigate when nothing better is known.
#[must_use]
pub fn of(situation: &Situation<'_>) -> Vec<Suggestion> {
    let mut suggestions: Vec<Suggestion> =
        situation.patterns.iter().filter_map(|pattern| for_pattern(*pattern, situation)).collect();
    if suggestions.is_empty() {
        suggestions.push(Suggestion {
            name: "investigate",
            text: "No usual answer fits; ask for the cause".to_owned(),
            weight: Weight::Low,
            needs_approval: false,
        });
    }
    suggestions.sort_by(|a, b| b.weight.cmp(&a.weight).then_with(|| a.name.cmp(b.name)));
    suggestions
}

fn for_pattern(pattern: Pattern, situation: &Situation<'_>) -> Option<Suggestion> {
    let (name, text, weight, needs_approval) = match pattern {
        Pattern::CascadeFailure => {
            let text = format!("Cut off {}", situation.failing.join(", "));
            ("enable_circuit_breakers", text, Weight::High, false)
        }
        Pattern::LatencyDegradation => {
            ("scale_horizontally", "Add instances".to_owned(), Weight::Medium, true)
        }
        Pattern::ErrorRateSpike => {
            let text = format!("Go back to what ran before {}", situation.deployed?);
            ("rollback_deployment", text, Weight::Medium, true)
        }
        Pattern::MemoryLeak if situation.is_safe_to_restart != Some(false) => {
            ("restart_instances", "Restart one instance after the other".to_owned(), Weight::High, true)
        }
        Pattern::MemoryLeak | Pattern::ColdStart | Pattern::ThunderingHerd => return None,
    };
    Some(Suggestion { name, text, weight, needs_approval })
}

#[cfg(test)]
mod tests {
    use super::*;

    // covers: AG-51
    #[test]
    fn each_pattern_has_its_answer_and_a_rollback_needs_a_deployment_before() {
        let of = |pattern, deployed| {
            let suggestions = of(&Situation { patterns: &[pattern], deployed, ..Situation::default() });
            let first = suggestions.first().cloned().unwrap();
            (first.name, first.weight, first.needs_approval)
        };
        assert_eq!(of(Pattern::CascadeFailure, None), ("enable_circuit_breakers", Weight::High, false));
        assert_eq!(of(Pattern::LatencyDegradation, None), ("scale_horizontally", Weight::Medium, true));
        assert_eq!(of(Pattern::ErrorRateSpike, Some("v2")), ("rollback_deployment", Weight::Medium, true));
        assert_eq!(of(Pattern::ErrorRateSpike, None), ("investigate", Weight::Low, false));
        assert_eq!(of(Pattern::MemoryLeak, None), ("restart_instances", Weight::High, true));
        assert_eq!(of(Pattern::ColdStart, Some("v2")), ("investigate", Weight::Low, false));
        let unsafe_restart = super::of(&Situation {
            patterns: &[Pattern::MemoryLeak, Pattern::LatencyDegradation],
            is_safe_to_restart: Some(false),
            ..Situation::default()
        });
        assert_eq!(unsafe_restart.len(), 1);
        assert_eq!(super::of(&Situation::default())[0].name, "investigate");
    }
}
