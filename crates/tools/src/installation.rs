//! The port through which tools see and use a running Firstcause.
//!
//! It reads, asks, investigates, proposes, and keeps a change that somebody tells. It holds nothing that could approve: an approval is given outside of
//! every tool, on the page or in a file (I5).

use std::sync::Arc;

use evidence::health::Declared;
use incident::{Action, Alert, ConclusionKind, Report, Verdict};
use serde::Serialize;
use telemetry::answer::ChangeRow;
use telemetry::source::BoxFuture;
use telemetry::{Answered, Ask, UnixNanos};

use crate::agents::Agents;
use crate::definition::Definition;

/// What a running Firstcause lets its tools see and do. Implemented by `firstcause`, and by tests.
pub trait Installation: Send + Sync {
    /// What time it is.
    fn now(&self) -> UnixNanos;

    /// The question names that some source answers, sorted.
    fn questions(&self) -> Vec<String>;

    /// Asks every capable source; the answers are sorted by question and source and never merged. The questions are
    /// numbered from `q0001` in the order given.
    fn ask(&self, asks: Vec<Ask>) -> BoxFuture<'_, Vec<Answered>>;

    /// The incidents, newest first, at most `limit`, and how many there are.
    ///
    /// # Errors
    /// When they cannot be read.
    fn incidents(&self, limit: usize) -> Result<Listed, InstallationError>;

    /// The report of an incident, made from its journal.
    ///
    /// # Errors
    /// When there is none, or it cannot be read.
    fn report(&self, incident: &str) -> Result<Report, InstallationError>;

    /// Opens an incident for `alert`, explains it, and gives its report. Nothing is done about it.
    fn investigate(&self, alert: Alert) -> BoxFuture<'_, Result<Report, InstallationError>>;

    /// What may be done about an incident, by the operator's inventory, and where a person decides.
    ///
    /// # Errors
    /// When there is no such incident, or it cannot be read.
    fn propose(&self, incident: &str) -> Result<Proposed, InstallationError>;

    /// Keeps a change that somebody told; it is durable when this returns.
    ///
    /// # Errors
    /// When nothing is kept here, or it could not be.
    fn record(&self, _: &ChangeRow) -> Result<(), InstallationError> {
        Err(InstallationError::Failed("changes are not kept here".to_owned()))
    }

    /// Keeps how a tool of the operator's own is from here on, none when it was removed; durable when this returns, where
    /// anything is kept at all.
    ///
    /// # Errors
    /// When it could not be kept.
    fn keep_tool(&self, _: &str, _: Option<&Definition>) -> Result<(), InstallationError> {
        Ok(())
    }

    /// What the operator declared of services; nothing unless there is a declaration.
    fn declared(&self) -> Arc<Declared> {
        Arc::default()
    }

    /// The actions that the operator's inventory allows at all, by name.
    fn actions(&self) -> Vec<AllowedAction> {
        Vec::new()
    }

    /// Where notes and requests of agents are kept; nothing where none are.
    fn agents(&self) -> Option<&Agents> {
        None
    }
}

/// An action that the operator's inventory allows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AllowedAction {
    /// Its name.
    pub name: String,
    /// What it does: `restart`, `scale`, `rollback` and their like.
    pub kind: String,
    /// The service that it acts on.
    pub service: String,
    /// The operation that it is for; for all of the service when not told.
    pub operation: Option<String>,
    /// What it is for, in a sentence.
    pub text: String,
    /// Whether a person has to decide.
    pub needs_approval: bool,
}

/// The newest incidents.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Listed {
    /// Newest first.
    pub rows: Vec<IncidentRow>,
    /// How many there are in all.
    pub total: usize,
}

/// One incident of the list.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct IncidentRow {
    /// Its id.
    pub incident: String,
    /// `running`, `closed`, `cut_off` or `unreadable`.
    pub status: String,
    /// One line.
    pub headline: String,
    /// What was wrong, in a sentence.
    pub symptom: String,
    /// Which conclusion, when there is one.
    pub conclusion: Option<ConclusionKind>,
    /// Where the cause lies, empty when none was found.
    pub service: String,
    /// Did the action work, when one was measured.
    pub verdict: Option<Verdict>,
    /// When it was opened.
    pub opened_at: UnixNanos,
}

/// What may be done about an incident.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Proposed {
    /// The actions, the canary first; empty when nothing can be done.
    pub actions: Vec<Action>,
    /// Why nothing can be done, or how far the decision is.
    pub state: String,
    /// Where a person decides: an address of the page; absent where nothing can be decided.
    pub decide_at: Option<String>,
}

/// Why the installation cannot say.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InstallationError {
    /// No such incident.
    #[error("there is no incident `{asked}`{}", near(.known))]
    UnknownIncident {
        /// What was asked for.
        asked: String,
        /// The newest ones.
        known: Vec<String>,
    },
    /// It could not be read or done.
    #[error("{0}")]
    Failed(String),
}

fn near(known: &[String]) -> String {
    if known.is_empty() {
        "; there is none yet".to_owned()
    } else {
        format!("; the newest: {}", known.join(", "))
    }
}
