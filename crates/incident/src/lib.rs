//! The nouns of what we conclude: alert, symptom, evidence, hypothesis, root cause, gap, action, approval,
//! verification, resolution, report.
//!
//! Plain data with `serde`; no rule, no statistic, no IO. The one port here is [`AlertDesk`], the door through
//! which every alert enters, ours or another system's.

pub mod action;
pub mod alert;
pub mod canonical;
pub mod conclusion;
pub mod evidence;
pub mod hypothesis;
pub mod report;
pub mod verification;

pub use action::{Action, ApprovalRecord, Execution, ExecutionOutcome, Resolution};
pub use alert::{Alert, AlertDesk, AlertReceipt, AlertSignal, Measured, Symptom};
pub use conclusion::{
    ComponentKind, Conclusion, ConclusionKind, Factor, FactorRole, Fault, Gap, Onset, RootCause, Trigger,
};
pub use evidence::{Evidence, EvidenceId, EvidenceKind};
pub use hypothesis::{
    Candidate, CandidateKind, Hypothesis, HypothesisStatus, Prediction, PredictionOutcome, RuledOut,
};
pub use report::Report;
pub use verification::{Interval, Trial, Verdict, VerificationRecord};
