//! The rows of `changes`: what was deployed, restarted, committed or switched.
//!
//! A commit takes no effect by itself: a deploy carries it. Which deploy carries which commit is reasoned from these
//! rows and not told by a source, since one deploy carries every commit before its own.

use serde::{Deserialize, Serialize};

use crate::time::UnixNanos;

/// Something that was changed.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct ChangeRow {
    /// When it took effect: the first telemetry that shows it. Of a commit: when it was made.
    pub at: UnixNanos,
    /// What kind of change.
    pub kind: ChangeKind,
    /// Where; empty for a commit, which belongs to whatever is deployed with it.
    pub service: String,
    /// On which instance, empty when all.
    pub instance: String,
    /// What was before, empty when unknown.
    pub before: String,
    /// What is now: the version, the commit's id, the switch's new position.
    pub after: String,
    /// Who changed what, when a source knows more than the telemetry shows.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub detail: Option<Box<ChangeDetail>>,
}

/// The kind of a change.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum ChangeKind {
    /// Another `service.version` runs.
    Deploy,
    /// The same version started anew.
    Restart,
    /// An instance that was not there before.
    InstanceAdded,
    /// A change of the source text, which takes effect with the deploy that carries it.
    Commit,
    /// A flag or a setting was switched while the process ran.
    Flag,
}

impl ChangeKind {
    /// Whether it changes what runs by itself; a commit does not.
    #[must_use]
    pub fn takes_effect(self) -> bool {
        self != Self::Commit
    }
}

/// What a source that knows the change itself says of it.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct ChangeDetail {
    /// The commit: of a commit its own id, of a deploy the last one it carries. Empty when not told.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub commit: String,
    /// Who did it, empty when not told.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub author: String,
    /// The first line of its message; of a flag, its name.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub message: String,
    /// The files it touches, sorted.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub files: Vec<String>,
    /// What it changes in them; empty when the source does not tell.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub diffs: Vec<FileDiff>,
    /// Whether text was cut from `diffs`.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub truncated: bool,
}

impl ChangeDetail {
    /// Characters of diff text that are kept of one change: about two thousand lines; a larger diff is a merge or
    /// generated, and says nothing by its words.
    pub const TEXT_MAX: usize = 64 * 1024;
}

/// The hunks of one file.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct FileDiff {
    /// Its path, empty when the hunks do not say it.
    pub path: String,
    /// Unified diff lines: `+`, `-`, a space, or `@@`.
    pub lines: Vec<String>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_commit_takes_no_effect_by_itself() {
        assert!(!ChangeKind::Commit.takes_effect());
        assert!(ChangeKind::Flag.takes_effect() && ChangeKind::Deploy.takes_effect());
    }
}
