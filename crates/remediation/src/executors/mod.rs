//! Executors: the only code that changes the system under investigation, with an [`Approval`] only (I5).
//!
//! One module for each kind of system. An executor spends the approval, acts once, and gives a permit to take the
//! action back; the permit too is spent by use. Whoever acts keeps what it did under the action's key, so that it can
//! be asked after a crash, and so that the same key never acts twice.

pub mod process;

use std::collections::BTreeMap;

use incident::{Action, Execution};
use telemetry::source::BoxFuture;

use crate::approval::{Approval, ApprovalError};

/// Carries out actions.
pub trait Executor: Send + Sync {
    /// Carries out `action` under `key`, spending `approval` at `now_ns` (Unix nanoseconds). What takes it back is
    /// known before anything is done. What was done under this key before is not done again, but given.
    fn execute<'a>(
        &'a self,
        key: &'a ActionKey,
        action: &'a Action,
        approval: Approval,
        now_ns: i64,
    ) -> BoxFuture<'a, Result<(Execution, UndoPermit), ExecuteFailure>>;

    /// Takes an action back under a key of its own, once.
    fn undo<'a>(
        &'a self,
        key: &'a ActionKey,
        permit: UndoPermit,
    ) -> BoxFuture<'a, Result<Execution, ExecuteError>>;

    /// What came of `action` under `key`, when the process that asked for it is gone. Does nothing.
    fn recall<'a>(
        &'a self,
        key: &'a ActionKey,
        action: &'a Action,
    ) -> BoxFuture<'a, Result<Recalled, ExecuteError>>;
}

/// Names one action of one incident, or taking it back, for ever.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct ActionKey(String);

impl ActionKey {
    /// The key of the action with this digest at `place` of the proposal of `incident`.
    #[must_use]
    pub fn new(incident: &str, action_digest: &str, place: usize) -> Self {
        Self(format!("{incident}/{place}/{action_digest}"))
    }

    /// The key of taking it back.
    #[must_use]
    pub fn undo(&self) -> Self {
        Self(format!("{}/undo", self.0))
    }

    /// As text, for the actuator's record.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// What the actuator knows of an action.
#[derive(Debug)]
pub enum Recalled {
    /// It was carried out.
    Done(Execution, UndoPermit),
    /// It was tried and failed.
    Failed(ExecuteFailure),
    /// It was never begun.
    NotBegun,
    /// It was begun and what came of it is not known; why.
    Unknown(String),
}

/// Permission to take one executed action back; made by executors alone.
#[derive(Debug)]
pub struct UndoPermit {
    action_digest: String,
    instance: String,
    previous: BTreeMap<String, Option<String>>,
}

/// An action that was not carried out to its end. With a permit, something may have been done and can be taken back.
#[derive(Debug)]
pub struct ExecuteFailure {
    /// What happened.
    pub error: ExecuteError,
    /// What takes back whatever was done; absent when nothing can have been.
    pub permit: Option<UndoPermit>,
}

impl UndoPermit {
    /// The instance and the values that taking it back restores, for people who must do it by hand.
    #[must_use]
    pub fn by_hand(&self) -> String {
        by_hand(&self.instance, &self.previous)
    }

    /// The values that taking it back restores.
    #[must_use]
    pub fn previous(&self) -> &BTreeMap<String, Option<String>> {
        &self.previous
    }
}

/// How a person restores the `previous` values on `instance`.
#[must_use]
pub fn by_hand(instance: &str, previous: &BTreeMap<String, Option<String>>) -> String {
    let restore = |(name, value): (&String, &Option<String>)| match value {
        Some(value) => format!("set {name}={value}"),
        None => format!("unset {name}"),
    };
    let steps: Vec<String> = previous.iter().map(restore).collect();
    format!("on {instance}: {}, then restart it", steps.join(", "))
}

impl<E: Into<ExecuteError>> From<E> for ExecuteFailure {
    fn from(error: E) -> Self {
        Self { error: error.into(), permit: None }
    }
}

/// Why an action was not carried out.
#[derive(Debug, thiserror::Error)]
pub enum ExecuteError {
    /// The approval does not hold.
    #[error("the approval does not hold")]
    NotApproved(#[from] ApprovalError),
    /// The actuator could not be asked, or did not answer in time.
    #[error("the actuator at `{at}` does not answer: {why}; hint: is `firstcause actuate` running?")]
    Unreachable {
        /// Where.
        at: String,
        /// What happened.
        why: String,
    },
    /// The actuator does not allow it; nothing was done.
    #[error("the actuator does not allow it: {0}")]
    NotAllowed(String),
    /// The actuator failed to carry it out.
    #[error("the actuator failed: {0}")]
    Refused(String),
}
