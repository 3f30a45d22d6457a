//! The shape of every pure, resumable question-and-answer machine.
//!
//! A machine is stepped with answers and replies with further questions or its outcome. It reads no clock and
//! does no IO, so that feeding the same answers gives the same steps: that is what makes an investigation
//! re-runnable and resumable. Who asks the questions is the driver's business (`orchestrator`).

use serde::{Deserialize, Serialize};

use crate::answer::Answer;
use crate::ids::{QuestionId, SourceName};
use crate::question::Question;
use crate::source::AskError;

/// A pure machine that asks until it is done.
pub trait Inquiry {
    /// What it arrives at.
    type Outcome;

    /// Takes the answers to the questions of the step before (none at first), sorted by question and source.
    fn step(&mut self, answers: &[Answered]) -> Step<Self::Outcome>;
}

/// What a step gives.
#[derive(Debug)]
pub struct Step<O> {
    /// What was begun, learned and ruled out, in order; journaled before the questions are asked.
    pub notes: Vec<Note>,
    /// What comes next.
    pub next: Next<O>,
}

/// What comes after a step.
#[derive(Debug)]
pub enum Next<O> {
    /// Answers are needed.
    Ask(Vec<Question>),
    /// Nothing more to ask.
    Done(O),
}

/// One source's answer to one question.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Answered {
    /// Which question.
    pub question: QuestionId,
    /// Whose answer.
    pub source: SourceName,
    /// The answer, or why there is none.
    pub result: Result<Answer, AskError>,
}

/// The seven stages of an incident, in order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Stage {
    /// Something is wrong.
    Detect,
    /// Where, by exclusive time and error origin.
    Investigate,
    /// What changed.
    Correlate,
    /// Hypotheses, rule-outs, conclusion.
    Synthesize,
    /// The action proposed.
    Fix,
    /// The action applied.
    Apply,
    /// Did it work.
    Verify,
}

impl Stage {
    /// All stages in order.
    pub const ALL: [Self; 7] = [
        Self::Detect,
        Self::Investigate,
        Self::Correlate,
        Self::Synthesize,
        Self::Fix,
        Self::Apply,
        Self::Verify,
    ];

    /// The name in capitals, as the time line shows it.
    #[must_use]
    pub fn title(self) -> &'static str {
        match self {
            Self::Detect => "DETECT",
            Self::Investigate => "INVESTIGATE",
            Self::Correlate => "CORRELATE",
            Self::Synthesize => "SYNTHESIZE",
            Self::Fix => "FIX",
            Self::Apply => "APPLY",
            Self::Verify => "VERIFY",
        }
    }
}

/// What a machine says on its way.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Note {
    /// In which stage.
    pub stage: Stage,
    /// What kind of note.
    pub kind: NoteKind,
    /// The sentence for people.
    pub text: String,
}

impl Note {
    /// A note.
    #[must_use]
    pub fn new(stage: Stage, kind: NoteKind, text: impl Into<String>) -> Self {
        Self { stage, kind, text: text.into() }
    }
}

/// The kind of a note.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum NoteKind {
    /// The stage begins.
    Began,
    /// Something was learned.
    Learned,
    /// A candidate was ruled out.
    RuledOut,
    /// Something could not be looked at.
    Gap,
    /// The stage is over.
    Ended,
    /// The stage failed; what was found before stands.
    Failed,
}
