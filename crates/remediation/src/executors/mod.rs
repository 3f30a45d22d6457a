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
    /// Carries out `action`, spending `approval` at `now_ns` (Unix nanoseconds).
    fn execute<'a>(
        &'a self,
        action: &'a Action,
        approval: Approval,
        now_ns: i64,
    ) -> BoxFuture<'a, Result<(Execution, UndoPermit), ExecuteError>>;

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

/// Why nothing was done.
#[derive(Debug, thiserror::Error)]
pub enum ExecuteError {
    /// The approval does not hold.
    #[error("the approval does not hold")]
    NotApproved(#[from] ApprovalError),
    /// The actuator could not be asked; nothing was done as far as can be known.
    #[error("the actuator at `{at}` does not answer: {why}; hint: is `firstcause actuate` running?")]
    Unreachable {
        /// Where.
        at: String,
        /// What happened.
        why: String,
    },
    /// The actuator refused.
    #[error("the actuator refused: {0}")]
    Refused(String),
}
