//! The channels through which an approval comes: the policy, a terminal, a local file, the live page.
//!
//! A channel holds the `Authority`; nothing else does. What `server` gets of the page's channel is its mailbox.

pub mod file;
pub mod first;
pub mod page;
pub mod policy;
pub mod terminal;

use std::sync::Arc;

use incident::{Action, ApprovalRecord};
use telemetry::Space;
use telemetry::source::BoxFuture;

use crate::approval::{Approval, Authority};

/// Reads the wall clock, in Unix nanoseconds.
pub type Now = Arc<dyn Fn() -> i64 + Send + Sync>;

/// What is asked of a person or a policy.
#[derive(Debug, Clone)]
pub struct ApprovalRequest {
    /// The incident.
    pub incident: String,
    /// In which area.
    pub space: Space,
    /// The action.
    pub action: Action,
    /// The conclusion in a sentence.
    pub because: String,
}

/// The answer.
#[derive(Debug)]
pub enum Decision {
    /// Allowed, once.
    Granted(Approval, ApprovalRecord),
    /// Not allowed.
    Rejected(ApprovalRecord),
}

/// Decides about actions.
pub trait ApprovalChannel: Send + Sync {
    /// Waits for a decision about `request`.
    fn decide<'a>(&'a self, request: &'a ApprovalRequest) -> BoxFuture<'a, Decision>;

    /// What was said about `incident` so far without deciding; empty when nothing was.
    fn comments(&self, _incident: &str) -> String {
        String::new()
    }
}

/// A rejection by `principal`.
pub(crate) fn rejected(action: &Action, principal: &str, comment: impl Into<String>) -> Decision {
    Decision::Rejected(ApprovalRecord {
        action_digest: action.digest().unwrap_or_default(),
        principal: principal.to_owned(),
        is_granted: false,
        comment: comment.into(),
    })
}

/// A grant by `principal`, or the rejection that says why there is none.
pub(crate) fn granted(
    authority: &Authority,
    action: &Action,
    principal: &str,
    comment: &str,
    now: &Now,
) -> Decision {
    match authority.approve(action, principal, comment, now()) {
        Ok((approval, record)) => Decision::Granted(approval, record),
        Err(error) => rejected(action, principal, error.to_string()),
    }
}

/// `text` without control characters: it holds names from telemetry, which could rewrite the question on a terminal.
pub(crate) fn plain(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { '\u{fffd}' } else { c }).collect()
}

/// What a person typed or wrote: `approve`, `reject`, or something else that is kept as a comment.
pub(crate) enum Word {
    Approve,
    Reject,
    Other,
}

/// Reads the first word of `text`.
pub(crate) fn word(text: &str) -> Word {
    let letters = |c: char| !c.is_ascii_alphabetic();
    match text.split(letters).find(|word| !word.is_empty()).map(str::to_ascii_lowercase).as_deref() {
        Some("approve" | "yes" | "y") => Word::Approve,
        Some("reject" | "no" | "n") => Word::Reject,
        _ => Word::Other,
    }
}
