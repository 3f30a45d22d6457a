//! What a journal record says, typed. The record's `kind` is the variant's name.

use incident::{
    Action, Alert, ApprovalRecord, Conclusion, Execution, Hypothesis, Resolution, Trial, VerificationRecord,
};
use serde::Serialize;
use telemetry::{Answered, Note, Question};

/// The body of a record.
#[derive(Debug, Clone, PartialEq)]
pub enum Entry {
    /// What began it. Input.
    Alert(Alert),
    /// Said by a machine on its way. Derived.
    Note(Note),
    /// Asked by a machine. Derived.
    Question(Question),
    /// Answered by a source. Input.
    Answered(Answered),
    /// A candidate cause, the rejected ones included. Derived.
    Hypothesis(Hypothesis),
    /// What a diagnosis arrived at. Derived.
    Conclusion(Box<Conclusion>),
    /// Said by the orchestrator between the machines. Input.
    Progress(Note),
    /// What can be done, the canary first. Input.
    Proposal(Vec<Action>),
    /// Who allowed or refused it. Input.
    Approval(ApprovalRecord),
    /// What is about to be done; durable before it is. Input.
    Intent(Action),
    /// What came of it. Input.
    Execution(Execution),
    /// What is measured about it. Input.
    Trial(Trial),
    /// What the measurement arrived at. Derived.
    Verification(Box<VerificationRecord>),
    /// An action is about to be taken back; durable before it is. Input.
    UndoIntent(Execution),
    /// It was taken back. Input.
    Undo(Execution),
    /// The incident was taken up again after its process ended. Input; stands anywhere.
    Resumed(Note),
    /// The closing record. Input.
    Resolution(Box<Resolution>),
}

/// The record's body does not fit its kind.
#[derive(Debug, thiserror::Error)]
pub enum ReadEntryError {
    /// No such kind.
    #[error("no entry of kind `{0}`; hint: the journal may be of a newer version")]
    UnknownKind(String),
    /// The body is something else.
    #[error("the body is not a `{kind}`")]
    Body {
        /// The kind.
        kind: String,
        /// What the parser said.
        #[source]
        source: serde_json::Error,
    },
}

impl Entry {
    /// The record's kind.
    #[must_use]
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Alert(_) => "alert",
            Self::Note(_) => "note",
            Self::Question(_) => "question",
            Self::Answered(_) => "answered",
            Self::Hypothesis(_) => "hypothesis",
            Self::Conclusion(_) => "conclusion",
            Self::Progress(_) => "progress",
            Self::Proposal(_) => "proposal",
            Self::Approval(_) => "approval",
            Self::Intent(_) => "intent",
            Self::Execution(_) => "execution",
            Self::Trial(_) => "trial",
            Self::Verification(_) => "verification",
            Self::UndoIntent(_) => "undo_intent",
            Self::Undo(_) => "undo",
            Self::Resumed(_) => "resumed",
            Self::Resolution(_) => "resolution",
        }
    }

    /// Whether replay computes it anew; everything else is fed from the journal.
    #[must_use]
    pub fn is_derived(&self) -> bool {
        matches!(
            self,
            Self::Note(_)
                | Self::Question(_)
                | Self::Hypothesis(_)
                | Self::Conclusion(_)
                | Self::Verification(_)
        )
    }

    /// Reads a record's body.
    ///
    /// # Errors
    /// When the kind is unknown or the body does not fit it.
    pub fn read(kind: &str, body: &str) -> Result<Self, ReadEntryError> {
        let read = match kind {
            "alert" => serde_json::from_str(body).map(Self::Alert),
            "note" => serde_json::from_str(body).map(Self::Note),
            "question" => serde_json::from_str(body).map(Self::Question),
            "answered" => serde_json::from_str(body).map(Self::Answered),
            "hypothesis" => serde_json::from_str(body).map(Self::Hypothesis),
            "conclusion" => serde_json::from_str(body).map(Self::Conclusion),
            "progress" => serde_json::from_str(body).map(Self::Progress),
            "proposal" => serde_json::from_str(body).map(Self::Proposal),
            "approval" => serde_json::from_str(body).map(Self::Approval),
            "intent" => serde_json::from_str(body).map(Self::Intent),
            "execution" => serde_json::from_str(body).map(Self::Execution),
            "trial" => serde_json::from_str(body).map(Self::Trial),
            "verification" => serde_json::from_str(body).map(Self::Verification),
            "undo_intent" => serde_json::from_str(body).map(Self::UndoIntent),
            "undo" => serde_json::from_str(body).map(Self::Undo),
            "resumed" => serde_json::from_str(body).map(Self::Resumed),
            "resolution" => serde_json::from_str(body).map(Self::Resolution),
            other => return Err(ReadEntryError::UnknownKind(other.to_owned())),
        };
        read.map_err(|source| ReadEntryError::Body { kind: kind.to_owned(), source })
    }
}

impl Serialize for Entry {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Alert(body) => body.serialize(serializer),
            Self::Note(body) | Self::Progress(body) | Self::Resumed(body) => body.serialize(serializer),
            Self::Question(body) => body.serialize(serializer),
            Self::Answered(body) => body.serialize(serializer),
            Self::Hypothesis(body) => body.serialize(serializer),
            Self::Conclusion(body) => body.serialize(serializer),
            Self::Proposal(body) => body.serialize(serializer),
            Self::Approval(body) => body.serialize(serializer),
            Self::Intent(body) => body.serialize(serializer),
            Self::Execution(body) | Self::UndoIntent(body) | Self::Undo(body) => body.serialize(serializer),
            Self::Trial(body) => body.serialize(serializer),
            Self::Verification(body) => body.serialize(serializer),
            Self::Resolution(body) => body.serialize(serializer),
        }
    }
}
