//! Executors: the only code that changes the system under investigation, with an [`Approval`] only (I5).
//!
//! One module for each kind of system. An executor spends the approval, acts once, and gives a permit to take the
//! action back; the permit too is spent by use.

pub mod process;

use std::collections::BTreeMap;

use incident::{Action, Execution};
use telemetry::source::BoxFuture;

use crate::approval::{Approval, ApprovalError};

/// Carries out actions.
pub trait Executor: Send + Sync {
    /// Carries out `action`, spending `approval` at `now_ns` (Unix nanoseconds). What takes it back is known before
    /// anything is done.
    fn execute<'a>(
        &'a self,
        action: &'a Action,
        approval: Approval,
        now_ns: i64,
    ) -> BoxFuture<'a, Result<(Execution, UndoPermit), ExecuteFailure>>;

    /// Takes an action back, once.
    fn undo(&self, permit: UndoPermit) -> BoxFuture<'_, Result<Execution, ExecuteError>>;
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
        let restore = |(name, value): (&String, &Option<String>)| match value {
            Some(value) => format!("set {name}={value}"),
            None => format!("unset {name}"),
        };
        let steps: Vec<String> = self.previous.iter().map(restore).collect();
        format!("on {}: {}, then restart it", self.instance, steps.join(", "))
    }
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
