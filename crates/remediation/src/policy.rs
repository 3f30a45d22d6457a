//! Who must be asked before an action: the operator's policy file.
//!
//! Default is `ask`. `auto` holds only for fixes that can be taken back, in the spaces and for the profiles that a
//! rule names. The first rule that matches decides.

use incident::Action;
use serde::Deserialize;
use telemetry::Space;

/// The policy, with the digest of its text.
#[derive(Debug, Clone)]
pub struct Policy {
    rules: Vec<Rule>,
    digest: String,
}

/// What the policy says of an action.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Mode {
    /// Allowed by the policy itself.
    Auto,
    /// A person decides.
    Ask,
    /// Not allowed.
    Never,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct Rule {
    space: String,
    profile: String,
    mode: Mode,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    #[serde(default, rename = "rule")]
    rules: Vec<Rule>,
}

/// The text is not a policy.
#[derive(Debug, thiserror::Error)]
#[error("failed to read the policy")]
pub struct ReadPolicyError(#[from] toml::de::Error);

impl Default for Policy {
    /// No rules: everything asks.
    fn default() -> Self {
        Self { rules: Vec::new(), digest: incident::canonical::blake3_hex(b"") }
    }
}

impl Policy {
    /// Reads TOML text.
    ///
    /// # Errors
    /// When the text is not a policy.
    pub fn parse(text: &str) -> Result<Self, ReadPolicyError> {
        let file: File = toml::from_str(text)?;
        Ok(Self { rules: file.rules, digest: incident::canonical::blake3_hex(text.as_bytes()) })
    }

    /// What holds for `action` in `space`.
    #[must_use]
    pub fn mode(&self, space: &Space, action: &Action) -> Mode {
        let rule =
            self.rules.iter().find(|rule| rule.space == space.as_str() && rule.profile == action.profile);
        match rule.map(|rule| rule.mode) {
            Some(Mode::Auto) if !action.is_reversible => Mode::Ask,
            Some(mode) => mode,
            None => Mode::Ask,
        }
    }

    /// The principal that stands for this very policy text.
    #[must_use]
    pub fn principal(&self) -> String {
        format!("policy:{}", self.digest)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    fn action(is_reversible: bool) -> Action {
        Action {
            spec: "restart_with_override".into(),
            profile: "slow_query".into(),
            service: "orders".into(),
            instance: "orders-1".into(),
            set: BTreeMap::new(),
            is_reversible,
            rationale: String::new(),
        }
    }

    // covers: C-01
    #[test]
    fn ask_is_the_default_and_auto_needs_a_rule_and_a_way_back() {
        let auto = Policy::parse("[[rule]]\nspace = \"default\"\nprofile = \"slow_query\"\nmode = \"auto\"")
            .unwrap();
        let space = Space::default();
        assert_eq!(Policy::default().mode(&space, &action(true)), Mode::Ask);
        assert_eq!(auto.mode(&space, &action(true)), Mode::Auto);
        assert_eq!(auto.mode(&space, &action(false)), Mode::Ask);
        assert_eq!(auto.mode(&"prod".parse().unwrap(), &action(true)), Mode::Ask);
        assert!(Policy::parse("[[rule]]\nspace = \"default\"\nmode = \"auto\"").is_err());
    }
}
