//! A cause from state: asks what workloads, nodes and databases are when nothing else told the cause.
//!
//! Runs last, on the chance that a source knows states; where none does, the conclusion stays as it was. Everything that
//! is wrong is a candidate. One that another one brings about is its effect and ruled out by name; so is what moved
//! within its limits, was over before the alert, is removed on purpose, or only coincides. A cause is named when its
//! mechanism is shown; a candidate whose mechanism cannot be looked at stays a hypothesis. When nothing is wrong and what
//! the alert speaks of was looked at and is well, the conclusion is that there is no cause.
//!
//! Overrules no root cause that spans, metrics or changes show.

mod candidates;
mod tell;

use evidence::state::Scene;
use incident::{Alert, Conclusion};
use telemetry::answer::{LogTemplateRow, SeriesRow, StateRow, Table};
use telemetry::time::Window;
use telemetry::{Ask, Note, Question, QuestionId, Scope, UnixNanos};

use crate::ledger::Ledger;
use crate::plan::Plan;

/// Slices in which metrics are looked at, and their seconds: half an hour, in steps that hold two points of a minute.
const SLICES: i64 = 15;
const SLICE_SECONDS: i64 = 120;

/// How far it has come.
#[derive(Debug)]
pub(super) struct OfState {
    conclusion: Conclusion,
    stage: Stage,
}

#[derive(Debug)]
enum Stage {
    Begin,
    AwaitState(QuestionId),
    AwaitFigures(Asked),
}

/// The questions.
#[derive(Debug)]
pub(super) struct Asked {
    pub(super) state: QuestionId,
    pub(super) logs: QuestionId,
    pub(super) series: Vec<(Window, QuestionId)>,
}

/// What comes next.
pub(super) enum Progress {
    /// Questions.
    Ask(Box<OfState>, Vec<Question>),
    /// The conclusion, changed or as it was.
    Done(Vec<Note>, Box<Conclusion>),
}

impl OfState {
    /// Starts from a conclusion.
    pub(super) fn new(conclusion: Conclusion) -> Self {
        Self { conclusion, stage: Stage::Begin }
    }

    /// One step further.
    pub(super) fn step(self, alert: &Alert, plan: &mut Plan, ledger: &mut Ledger) -> Progress {
        let Self { conclusion, stage } = self;
        match stage {
            Stage::Begin => {
                let window = Window::new(alert.history_from, alert.at);
                let question = plan.ask(Ask::State { window, scope: Scope::all() }, alert.at);
                let stage = Stage::AwaitState(question.id.clone());
                Progress::Ask(Box::new(Self { conclusion, stage }), vec![question])
            }
            Stage::AwaitState(state) if rows(ledger, &state).is_empty() => {
                Progress::Done(Vec::new(), Box::new(conclusion))
            }
            Stage::AwaitState(state) => {
                let (asked, questions) = ask_figures(alert, plan, state);
                Progress::Ask(Box::new(Self { conclusion, stage: Stage::AwaitFigures(asked) }), questions)
            }
            Stage::AwaitFigures(asked) => {
                let (notes, conclusion) = judge(alert, ledger, &asked, conclusion);
                Progress::Done(notes, Box::new(conclusion))
            }
        }
    }
}

fn rows<'a>(ledger: &'a Ledger, id: &QuestionId) -> &'a [StateRow] {
    match ledger.table(id) {
        Some(Table::State(rows)) => rows,
        _ => &[],
    }
}

fn series<'a>(ledger: &'a Ledger, id: &QuestionId) -> &'a [SeriesRow] {
    match ledger.table(id) {
        Some(Table::SeriesChange(rows)) => rows,
        _ => &[],
    }
}

fn logs<'a>(ledger: &'a Ledger, id: &QuestionId) -> &'a [LogTemplateRow] {
    match ledger.table(id) {
        Some(Table::LogTemplates(rows)) => rows,
        _ => &[],
    }
}

fn ask_figures(alert: &Alert, plan: &mut Plan, state: QuestionId) -> (Asked, Vec<Question>) {
    let from = alert.at.plus_seconds(-SLICES * SLICE_SECONDS);
    // The last window holds the second of the alert.
    let to = alert.at.plus_seconds(1);
    let log_question =
        plan.ask(Ask::LogTemplates { window: Window::new(from, to), scope: Scope::all() }, alert.at);
    let mut asked = Asked { state, logs: log_question.id.clone(), series: Vec::new() };
    let mut questions = vec![log_question];
    for slice in 0..SLICES {
        let at = |slice: i64| from.plus_seconds(slice * SLICE_SECONDS);
        let end: UnixNanos = if slice + 1 == SLICES { to } else { at(slice + 1) };
        let bad = Window::new(at(slice), end);
        let good = Window::new(alert.history_from.min(from), from);
        let question =
            plan.ask(Ask::SeriesChange { good, bad, scope: Scope::all(), metrics: Vec::new() }, alert.at);
        asked.series.push((bad, question.id.clone()));
        questions.push(question);
    }
    (asked, questions)
}

fn judge(alert: &Alert, ledger: &mut Ledger, asked: &Asked, before: Conclusion) -> (Vec<Note>, Conclusion) {
    let state = rows(ledger, &asked.state).to_vec();
    let lines = logs(ledger, &asked.logs).to_vec();
    let answered: Vec<(Window, Vec<SeriesRow>)> =
        asked.series.iter().map(|(window, id)| (*window, series(ledger, id).to_vec())).collect();
    let slices: Vec<(Window, &[SeriesRow])> =
        answered.iter().map(|(window, rows)| (*window, rows.as_slice())).collect();
    let scene = Scene { at: alert.at, rows: &state, logs: &lines, slices: &slices };
    let findings = candidates::find(alert, &scene, &ledger.settings);
    tell::tell(ledger, asked, findings, before)
}
