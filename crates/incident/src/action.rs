//! What is done about a cause: the action, who allowed it, what came of it, and the closing record.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use telemetry::UnixNanos;

use crate::canonical::{self, CanonicalError};
use crate::verification::VerificationRecord;

/// A concrete, reversible change to one instance; every value comes from the operator's inventory.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Action {
    /// The entry of the inventory's catalogue: `restart_with_override`.
    pub spec: String,
    /// The fix profile that chose it.
    pub profile: String,
    /// The service acted on.
    pub service: String,
    /// The instance acted on.
    pub instance: String,
    /// Variables to set; an empty value unsets.
    pub set: BTreeMap<String, String>,
    /// Whether it can be taken back.
    pub is_reversible: bool,
    /// Why, in a sentence.
    pub rationale: String,
}

impl Action {
    /// BLAKE3 of the RFC 8785 JSON: what an approval is bound to.
    ///
    /// # Errors
    /// Never for an action built from text; kept because serialisation can fail by type.
    pub fn digest(&self) -> Result<String, CanonicalError> {
        canonical::digest(self)
    }
}

/// Who allowed an action.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct ApprovalRecord {
    /// The digest of the action allowed.
    pub action_digest: String,
    /// Who: `policy:<digest>`, `terminal`, or `file:<name>`.
    pub principal: String,
    /// Whether it was allowed.
    pub is_granted: bool,
    /// What was said with it.
    pub comment: String,
}

/// What came of carrying out an action.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Execution {
    /// The digest of the action.
    pub action_digest: String,
    /// The instance acted on.
    pub instance: String,
    /// How it ended.
    pub outcome: ExecutionOutcome,
    /// What takes it back: the values before.
    pub undo: BTreeMap<String, Option<String>>,
}

/// How carrying out an action ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(tag = "outcome", rename_all = "snake_case")]
pub enum ExecutionOutcome {
    /// The instance was ready again at this time, as the actuator saw it.
    Done {
        /// When.
        ready_at: UnixNanos,
    },
    /// It was not carried out, or the instance did not come back.
    Failed {
        /// Why.
        why: String,
    },
}

/// The closing record of an incident: everything that a later reader needs to re-compute the verdict.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Resolution {
    /// The service acted on, empty when nothing was done.
    pub service: String,
    /// The fix profile.
    pub profile: Option<String>,
    /// Actions in order.
    pub actions: Vec<Action>,
    /// Who allowed them.
    pub approvals: Vec<ApprovalRecord>,
    /// Each measured trial, the canary first.
    pub verifications: Vec<VerificationRecord>,
    /// Whether an action was taken back.
    pub was_undone: bool,
    /// Why the incident ended before it was worked on to its end; what was found by then stands all the same.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failed: Option<String>,
    /// Why an action that should have been taken back was not, and what to set by hand.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub not_undone: Option<String>,
}

impl Resolution {
    /// The closing record of an incident that was only explained.
    #[must_use]
    pub fn nothing_done() -> Self {
        Self {
            service: String::new(),
            profile: None,
            actions: Vec::new(),
            approvals: Vec::new(),
            verifications: Vec::new(),
            was_undone: false,
            failed: None,
            not_undone: None,
        }
    }
}
