//! Which change did it: asks what changes do and what fails, and adds to a conclusion what follows from both.
//!
//! Runs after everything else, and only where a source tells commits. It gives a root cause its trigger, finds one
//! where the other measures found none, rules changes out by name, and says "no code cause" when what is seen needs
//! no change. It overrules no root cause that spans or metrics show.

mod tell;

use std::collections::BTreeSet;

use evidence::change_match::gather;
use evidence::change_match::judge::{self, Case, Skipped};
use evidence::change_match::signs::Sign;
use evidence::measures::mechanism;
use incident::{Alert, Conclusion};
use telemetry::answer::{ChangeKind, ChangeRow, Choice, LogTemplateRow, SeriesRow, Table, TraceRow};
use telemetry::time::Window;
use telemetry::{Ask, Note, Question, QuestionId, Scope, UnixNanos};

use crate::ledger::Ledger;
use crate::plan::Plan;
use crate::rules::of_changes::{change_after_onset, change_elsewhere, change_inert, change_not_deployed};
use crate::settings::Settings;

/// Slices of the history in which series are looked at: the first quarter is what good looks like, since an alert
/// follows its onset by less than three quarters of what is kept for it.
const SLICES: i64 = 12;
/// Slices of the good quarter.
const GOOD_SLICES: i64 = 3;
/// Exemplary traces of each side that are opened.
const TRACES: usize = 5;
/// Seconds of spans below which the alerted service has no series of its own.
const SECONDS_MIN: usize = 30;

/// How far it has come.
#[derive(Debug)]
pub(super) struct Attribution {
    conclusion: Conclusion,
    stage: Stage,
}

#[derive(Debug)]
enum Stage {
    Begin,
    AwaitChanges(QuestionId),
    AwaitSigns(Asked),
    AwaitTraces(Asked, Vec<(QuestionId, bool)>),
}

/// The questions about what fails.
#[derive(Debug)]
pub(super) struct Asked {
    pub(super) changes: QuestionId,
    good: Window,
    bad: Window,
    pub(super) logs: (QuestionId, QuestionId),
    pub(super) series: Vec<(Window, QuestionId)>,
    exemplars: (QuestionId, QuestionId),
    edges: (QuestionId, QuestionId),
}

/// What comes next.
pub(super) enum Progress {
    /// Questions.
    Ask(Box<Attribution>, Vec<Question>),
    /// The conclusion, changed or as it was.
    Done(Vec<Note>, Box<Conclusion>),
}

impl Attribution {
    /// Starts from a conclusion.
    pub(super) fn new(conclusion: Conclusion) -> Self {
        Self { conclusion, stage: Stage::Begin }
    }

    /// One step further.
    pub(super) fn step(self, alert: &Alert, plan: &mut Plan, ledger: &mut Ledger) -> Progress {
        let Self { conclusion, stage } = self;
        match stage {
            Stage::Begin if !ledger.settings.is_on(mechanism::MEASURE.name) => {
                Progress::Done(Vec::new(), Box::new(conclusion))
            }
            Stage::Begin => begin(alert, plan, ledger, conclusion),
            Stage::AwaitChanges(question) if has_commits(ledger, &question) => {
                ask_signs(alert, plan, question, conclusion)
            }
            Stage::AwaitChanges(_) => Progress::Done(Vec::new(), Box::new(conclusion)),
            Stage::AwaitSigns(asked) => ask_traces(alert, plan, ledger, asked, conclusion),
            Stage::AwaitTraces(asked, traces) => judge(alert, ledger, &asked, &traces, conclusion),
        }
    }
}

/// Whether commits are told at all.
fn has_commits(ledger: &Ledger, question: &QuestionId) -> bool {
    rows_of(ledger, question).iter().any(|row| row.kind == ChangeKind::Commit)
}

fn rows_of<'a>(ledger: &'a Ledger, question: &QuestionId) -> &'a [ChangeRow] {
    match ledger.table(question) {
        Some(Table::Changes(rows)) => rows,
        _ => &[],
    }
}

fn begin(alert: &Alert, plan: &mut Plan, ledger: &Ledger, conclusion: Conclusion) -> Progress {
    let known = ledger.find(|table| matches!(table, Table::Changes(_)).then_some(()));
    if let Some((question, ())) = known {
        if has_commits(ledger, &question) {
            return ask_signs(alert, plan, question, conclusion);
        }
        return Progress::Done(Vec::new(), Box::new(conclusion));
    }
    // A service with a series of its own was looked at, and its changes with it, or nothing was there to look at.
    let is_seen = ledger.find(|table| match table {
        Table::Onset(rows) => Some(rows.iter().filter(|row| is_alerted(alert, &row.subject.service)).count()),
        _ => None,
    });
    match is_seen {
        Some((_, seconds)) if seconds < SECONDS_MIN => {
            let window = Window::new(alert.history_from, alert.at);
            let question = plan.ask(Ask::Changes { window, scope: Scope::all() }, alert.at);
            let stage = Stage::AwaitChanges(question.id.clone());
            Progress::Ask(Box::new(Attribution { conclusion, stage }), vec![question])
        }
        _ => Progress::Done(Vec::new(), Box::new(conclusion)),
    }
}

fn is_alerted(alert: &Alert, service: &str) -> bool {
    alert.symptoms.iter().any(|symptom| symptom.service == service)
}

fn ask_signs(alert: &Alert, plan: &mut Plan, changes: QuestionId, conclusion: Conclusion) -> Progress {
    let from = alert.history_from;
    let span = alert.at.since(from).max(SLICES) / SLICES;
    let at = |slice: i64| if slice == SLICES { alert.at } else { UnixNanos(from.0 + slice * span) };
    let (good, bad) = (Window::new(from, at(GOOD_SLICES)), Window::new(at(GOOD_SLICES), alert.at));
    let mut questions: Vec<Question> = Vec::new();
    let mut ask = |ask: Ask| {
        let question = plan.ask(ask, alert.at);
        let id = question.id.clone();
        questions.push(question);
        id
    };
    let scope = Scope::all;
    let mut both = |of: &dyn Fn(Window) -> Ask| (ask(of(good)), ask(of(bad)));
    let logs = both(&|window| Ask::LogTemplates { window, scope: scope() });
    let exemplars = both(&|window| Ask::Exemplars { window, scope: scope(), limit: TRACES as u8 });
    let edges = both(&|window| Ask::Edges { window, scope: scope() });
    let series = (0..SLICES).map(|slice| {
        // The last slice holds the second of the alert.
        let to = if slice + 1 == SLICES { alert.at.plus_seconds(1) } else { at(slice + 1) };
        let bad = Window::new(at(slice), to);
        (bad, ask(Ask::SeriesChange { good, bad, scope: scope(), metrics: Vec::new() }))
    });
    let series = series.collect();
    let asked = Asked { changes, good, bad, logs, series, exemplars, edges };
    Progress::Ask(Box::new(Attribution { conclusion, stage: Stage::AwaitSigns(asked) }), questions)
}

fn ask_traces(
    alert: &Alert,
    plan: &mut Plan,
    ledger: &mut Ledger,
    asked: Asked,
    conclusion: Conclusion,
) -> Progress {
    let chosen = |id: &QuestionId, choice: Choice| match ledger.table(id) {
        Some(Table::Exemplars(rows)) => {
            let mut traces: Vec<_> =
                rows.iter().filter(|row| row.choice == choice).map(|row| row.trace_id).collect();
            traces.dedup();
            traces.truncate(TRACES);
            traces
        }
        _ => Vec::new(),
    };
    let (good, bad) =
        (chosen(&asked.exemplars.0, Choice::Typical), chosen(&asked.exemplars.1, Choice::Worst));
    let mut traces = Vec::new();
    let mut questions = Vec::new();
    for (ids, is_good) in [(good, true), (bad, false)] {
        for id in ids {
            let question = plan.trace(id, alert.at);
            traces.push((question.id.clone(), is_good));
            questions.push(question);
        }
    }
    if questions.is_empty() {
        return judge(alert, ledger, &asked, &traces, conclusion);
    }
    Progress::Ask(Box::new(Attribution { conclusion, stage: Stage::AwaitTraces(asked, traces) }), questions)
}

fn judge(
    alert: &Alert,
    ledger: &mut Ledger,
    asked: &Asked,
    traces: &[(QuestionId, bool)],
    conclusion: Conclusion,
) -> Progress {
    let seen = Seen::of(alert, ledger, asked, traces);
    let attribution = judge::attribute(Case {
        changes: &seen.changes,
        signs: &seen.signs,
        healthy: &seen.healthy,
        calls: &seen.calls,
        services: &seen.services,
        usual_ms: &seen.usual_ms,
        thresholds: &ledger.settings.thresholds,
        skipped: skipped(&ledger.settings),
    });
    let (notes, conclusion) = tell::tell(alert, ledger, asked, &seen, &attribution, conclusion);
    Progress::Done(notes, Box::new(conclusion))
}

/// What the judge does not ask because its rule is switched off.
fn skipped(settings: &Settings) -> Skipped {
    let is_off = |id: &str| !settings.is_on(id);
    Skipped {
        inert: is_off(change_inert::RULE.id),
        deployed: is_off(change_not_deployed::RULE.id),
        after_onset: is_off(change_after_onset::RULE.id),
        elsewhere: is_off(change_elsewhere::RULE.id),
    }
}

/// The answers, as the judge wants them.
pub(super) struct Seen {
    changes: Vec<ChangeRow>,
    pub(super) signs: Vec<Sign>,
    healthy: Vec<String>,
    calls: BTreeSet<(String, String)>,
    services: BTreeSet<String>,
    usual_ms: std::collections::BTreeMap<String, f64>,
}

impl Seen {
    fn of(alert: &Alert, ledger: &Ledger, asked: &Asked, traces: &[(QuestionId, bool)]) -> Self {
        let logs = |id: &QuestionId| -> &[LogTemplateRow] {
            match ledger.table(id) {
                Some(Table::LogTemplates(rows)) => rows,
                _ => &[],
            }
        };
        let rows = |id: &QuestionId| -> &[SeriesRow] {
            match ledger.table(id) {
                Some(Table::SeriesChange(rows)) => rows,
                _ => &[],
            }
        };
        let opened = |wanted: bool| -> Vec<TraceRow> {
            let of_side = traces.iter().filter(|(_, is_good)| *is_good == wanted);
            let tables = of_side.filter_map(|(id, _)| match ledger.table(id) {
                Some(Table::Trace(rows)) => Some(rows.clone()),
                _ => None,
            });
            tables.flatten().collect()
        };
        let slices: Vec<(Window, &[SeriesRow])> =
            asked.series.iter().map(|(window, id)| (*window, rows(id))).collect();
        let (good_logs, bad_logs) = (logs(&asked.logs.0), logs(&asked.logs.1));
        let (good, bad) = (opened(true), opened(false));
        let mut signs = gather::from_series(&slices, &ledger.settings.thresholds);
        signs.extend(gather::from_logs(
            (good_logs, asked.good),
            (bad_logs, asked.bad),
            &ledger.settings.thresholds,
        ));
        signs.extend(gather::from_spans(&good, &bad, alert.at));
        let mut calls = calls(ledger, asked);
        calls.extend(crossings(&good).chain(crossings(&bad)));
        let changes = rows_of(ledger, &asked.changes).to_vec();
        let first = slices.first().map_or(&[] as &[SeriesRow], |(_, rows)| rows);
        let mut services: BTreeSet<String> = calls.iter().flat_map(|(a, b)| [a.clone(), b.clone()]).collect();
        services.extend(changes.iter().map(|row| row.service.clone()));
        services.extend(good_logs.iter().chain(bad_logs).map(|row| row.service.clone()));
        services.extend(slices.iter().flat_map(|(_, rows)| *rows).map(|row| row.service.clone()));
        services.extend(good.iter().chain(&bad).map(|row| row.subject.service.clone()));
        services.remove("");
        Self {
            changes,
            signs,
            healthy: gather::healthy(good_logs),
            usual_ms: gather::usual_ms(&good, first),
            calls,
            services,
        }
    }
}

/// Calls as spans of opened traces show them: a span whose parent belongs to another service.
fn crossings(rows: &[TraceRow]) -> impl Iterator<Item = (String, String)> {
    rows.iter().filter_map(|row| {
        let parent = rows.iter().find(|other| Some(other.span_id) == row.parent)?;
        let (caller, callee) = (&parent.subject.service, &row.subject.service);
        (caller != callee).then(|| (caller.clone(), callee.clone()))
    })
}

/// Who calls whom, by spans and by what a source knows of the system.
fn calls(ledger: &Ledger, asked: &Asked) -> BTreeSet<(String, String)> {
    let mut calls = BTreeSet::new();
    for id in [&asked.edges.0, &asked.edges.1] {
        if let Some(Table::Edges(rows)) = ledger.table(id) {
            let named = rows.iter().filter(|row| row.is_instrumented);
            calls.extend(named.map(|row| (row.caller.clone(), row.callee.clone())));
        }
    }
    let known = ledger.find(|table| match table {
        Table::Topology(graph) => Some(graph.calls.clone()),
        _ => None,
    });
    calls.extend(known.into_iter().flat_map(|(_, calls)| calls).map(|call| (call.caller, call.callee)));
    calls
}
