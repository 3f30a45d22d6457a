//! An alert that names nothing: the cause from what no longer happens within spans and from resources in use.
//!
//! Every service whose paths are broken, whose resources are used up, whose own work takes longer or in which errors
//! begin is a candidate. One that breaks on the way to another candidate is a symptom of it: requests above a failing
//! callee are cut short, too, so the deepest break is the cause. A cause is named only when its test says so over the
//! whole family; below that the candidates are hypotheses in their order, and the evidence does not suffice.
//!
//! Without a symptom there is no excess that longer work could be held against: it is held against all longer work, and
//! stands behind what tells why.

mod candidates;
mod late;
mod words;
mod work;

use evidence::measures::request_metrics;
use incident::conclusion::SCHEMA;
use incident::{
    Candidate, CandidateKind, ComponentKind, Conclusion, ConclusionKind, EvidenceId, Fault, Hypothesis,
    HypothesisStatus, Onset, Prediction, PredictionOutcome, RootCause, RuledOut,
};
use telemetry::answer::{EdgeRow, LogTemplateRow, PathTable, SeriesRow, Table};
use telemetry::number::Num;
use telemetry::{Note, NoteKind, QuestionId, Stage};

use self::candidates::{Answers, Shown, Suspected};
use crate::ledger::Ledger;
use crate::plan::Whole;
use crate::rules::excess_in_callee;

/// Looks at the data until it is said that they do not suffice. Each claims at the stated rate, so both together at
/// most at twice that.
pub(super) const LOOKS_MAX: u8 = 2;
/// Seconds of further data before another look: the step at which most metrics come.
pub(super) const AGAIN_SECONDS: i64 = 60;
/// Candidates that are listed; further ones are next to nothing.
const LISTED_MAX: usize = 8;

/// A candidate with the facts about it.
type Proven<'a> = (&'a Suspected, Vec<EvidenceId>);

/// Whether a further look cannot change it: longer work tells where, and a minute later the data may tell why.
pub(super) fn is_sure(conclusion: &Conclusion) -> bool {
    conclusion.root_cause.as_ref().is_some_and(|cause| cause.fault != Fault::SlowWork)
}

/// The conclusion, and what was learned on the way.
pub(super) fn conclude(ledger: &mut Ledger, whole: &Whole) -> (Vec<Note>, Conclusion) {
    let (good, bad) = (paths(ledger, &whole.paths.0), paths(ledger, &whole.paths.1));
    let parts: Vec<&[SeriesRow]> = whole.series.iter().map(|id| series(ledger, id)).collect();
    let lines: Vec<&[LogTemplateRow]> = whole.logs.0.iter().map(|id| logs(ledger, id)).collect();
    let (before, now) = (ledger.self_time(&whole.self_time.0), ledger.self_time(&whole.self_time.1));
    let answers = Answers {
        paths: (&good, &bad),
        edges: (edges(ledger, &whole.edges.0), edges(ledger, &whole.edges.1)),
        self_time: (before, now),
        series: &parts,
        logs: (&lines, logs(ledger, &whole.logs.1)),
    };
    let all = candidates::rank(&answers, &ledger.settings);
    let proven: Vec<Proven<'_>> =
        all.iter().take(LISTED_MAX).map(|one| (one, words::prove(ledger, whole, one))).collect();
    gaps(ledger, &good, whole);
    let ruled_out: Vec<RuledOut> = proven.iter().filter_map(|(one, facts)| rule_out(one, facts)).collect();
    let cause = proven.first().filter(|(one, _)| one.is_cause()).map(|(one, facts)| cause(one, facts));
    let best = proven.first().filter(|(one, _)| one.is_cause()).map(|(one, _)| *one);
    let (kind, statement) = match (&cause, proven.first()) {
        (Some(cause), _) => (ConclusionKind::RootCause, cause.statement.clone()),
        (None, Some((one, _))) => {
            let text = words::text(one);
            (
                ConclusionKind::Insufficient,
                format!("insufficient evidence: the best candidate may be chance: {text}"),
            )
        }
        (None, None) => {
            let text = "insufficient evidence: no path of requests broke, no service and no way between two became slower, no resource is used more than before, and no new error is logged";
            (ConclusionKind::Insufficient, text.to_owned())
        }
    };
    let notes = notes(&proven, &ruled_out, &statement);
    let conclusion = Conclusion {
        schema: SCHEMA.to_owned(),
        kind,
        statement,
        root_cause: cause,
        further_causes: Vec::new(),
        onset: best.and_then(|best| onset(best, bad.block_ns)),
        symptoms: Vec::new(),
        hypotheses: proven.iter().map(|(one, facts)| hypothesis(one, best, facts)).collect(),
        ruled_out,
        gaps: ledger.gaps.clone(),
        confidence: None,
        evidence: ledger.evidence.clone(),
    };
    (notes, conclusion)
}

fn paths(ledger: &Ledger, id: &QuestionId) -> PathTable {
    match ledger.table(id) {
        Some(Table::Paths(table)) => table.clone(),
        _ => PathTable::default(),
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

fn edges<'a>(ledger: &'a Ledger, id: &QuestionId) -> &'a [EdgeRow] {
    match ledger.table(id) {
        Some(Table::Edges(rows)) => rows,
        _ => &[],
    }
}

fn gaps(ledger: &mut Ledger, good: &PathTable, whole: &Whole) {
    ledger.gap(
        format!("the alert names nothing: all was looked at, from {} UTC on", whole.bad.from.clock()),
        "what is only slower, and what began earlier",
    );
    if ledger.table(&whole.paths.0).is_some() && good.rows.is_empty() {
        ledger.gap("no spans from before the alert", "which paths are broken");
    }
}

/// The beginning of the break, to the block.
fn onset(best: &Suspected, block_ns: i64) -> Option<Onset> {
    let Shown::Break(one) = &best.best else { return None };
    let by = |blocks: i64| telemetry::UnixNanos(one.began.0.saturating_add(blocks * block_ns));
    Some(Onset { at: one.began, earliest: by(-1), latest: by(1) })
}

fn candidate(one: &Suspected) -> Candidate {
    let (kind, name) = match &one.best {
        Shown::Break(broken) => (CandidateKind::Service, broken.operation.clone()),
        Shown::Usage(usage) => (CandidateKind::Resource, usage.name()),
        Shown::Late(_) => (CandidateKind::Edge, String::new()),
        Shown::Lines(_) => (CandidateKind::Service, String::new()),
        Shown::Rise(rise) => (CandidateKind::Service, rise.usage.name()),
        Shown::Work(work) => (CandidateKind::Service, work.span.clone()),
    };
    Candidate { kind, service: one.service.clone(), name }
}

fn rule_out(one: &Suspected, evidence: &[EvidenceId]) -> Option<RuledOut> {
    let behind = one.explained_by.as_ref().filter(|_| one.is_explained_surely)?;
    let numbers = [("minus_log10_p", one.strength), ("minus_log10_p_behind", one.strength_behind)];
    let service = &one.service;
    let why = match &one.best {
        Shown::Lines(_) => format!("`{service}` logs errors on the way to `{behind}`, where they begin"),
        _ => {
            format!("`{service}` leaves its path on the way to `{behind}`, where the path is broken itself")
        }
    };
    Some(RuledOut {
        candidate: candidate(one),
        rule: excess_in_callee::RULE.id.to_owned(),
        why,
        numbers: numbers.map(|(name, value)| (name.to_owned(), Num::new(value))).into(),
        evidence: evidence.to_vec(),
    })
}

fn cause(one: &Suspected, evidence: &[EvidenceId]) -> RootCause {
    let (operation, span, resource, fault, instances) = match &one.best {
        Shown::Break(broken) => {
            let (operation, place) = (broken.operation.clone(), broken.place());
            (operation, place, String::new(), Fault::LostStep, Vec::new())
        }
        Shown::Usage(usage) => {
            let instances = Some(usage.instance.clone()).filter(|instance| !instance.is_empty());
            let fault = Fault::ResourceExhausted;
            (String::new(), String::new(), usage.name(), fault, instances.into_iter().collect())
        }
        Shown::Late(_) => (String::new(), String::new(), String::new(), Fault::SlowEdge, Vec::new()),
        Shown::Lines(_) => (String::new(), String::new(), String::new(), Fault::ErrorOrigin, Vec::new()),
        Shown::Rise(rise) => {
            let fault = match rise.figure {
                request_metrics::Figure::Time => Fault::SlowWork,
                request_metrics::Figure::Failures => Fault::ErrorOrigin,
            };
            (String::new(), String::new(), String::new(), fault, Vec::new())
        }
        Shown::Work(work) => {
            let instances = work.instances.clone();
            (work.operation.clone(), work.span.clone(), work.resource.clone(), work.fault(), instances)
        }
    };
    let (component, seen_from) = match &one.best {
        Shown::Work(work) => (work.component, work.seen_from.clone()),
        _ => (ComponentKind::Service, Vec::new()),
    };
    RootCause {
        component,
        service: one.service.clone(),
        seen_from,
        instances,
        operation,
        span,
        resource,
        fault,
        statement: words::text(one),
        trigger: None,
        factors: Vec::new(),
        evidence: evidence.to_vec(),
    }
}

fn hypothesis(one: &Suspected, best: Option<&Suspected>, evidence: &[EvidenceId]) -> Hypothesis {
    let seen = |is_seen| if is_seen { PredictionOutcome::Held } else { PredictionOutcome::Failed };
    let prediction =
        |statement: &str, is_seen| Prediction { statement: statement.to_owned(), outcome: seen(is_seen) };
    let status = match (best.is_some_and(|best| best.service == one.service), one.is_explained_surely) {
        (true, _) => HypothesisStatus::Supported,
        (_, true) => HypothesisStatus::Refuted,
        _ => HypothesisStatus::Inconclusive,
    };
    Hypothesis {
        candidate: candidate(one),
        statement: words::text(one),
        predictions: vec![
            prediction("chance does not explain it, over everything that was tested", one.is_claimed),
            prediction("nothing on its way that was called is broken itself", one.explained_by.is_none()),
        ],
        status,
        score: Num::new(one.score()),
        evidence: evidence.to_vec(),
    }
}

fn notes(proven: &[Proven<'_>], ruled_out: &[RuledOut], statement: &str) -> Vec<Note> {
    let mut notes = vec![
        Note::new(
            Stage::Detect,
            NoteKind::Learned,
            "the alert names nothing: everything is held against its history",
        ),
        Note::new(Stage::Detect, NoteKind::Ended, ""),
        Note::new(
            Stage::Investigate,
            NoteKind::Began,
            "which paths are broken, and which resources are used up",
        ),
    ];
    let learned = proven.iter().take(3).map(|(one, _)| words::text(one));
    notes.extend(learned.map(|text| Note::new(Stage::Investigate, NoteKind::Learned, text)));
    notes.push(Note::new(Stage::Investigate, NoteKind::Ended, ""));
    notes.push(Note::new(Stage::Correlate, NoteKind::Began, "who is only cut short by what it calls"));
    notes.extend(
        ruled_out.iter().map(|item| Note::new(Stage::Correlate, NoteKind::RuledOut, item.why.clone())),
    );
    notes.push(Note::new(Stage::Correlate, NoteKind::Ended, ""));
    notes.push(Note::new(Stage::Synthesize, NoteKind::Began, "which explanation holds"));
    notes.push(Note::new(Stage::Synthesize, NoteKind::Learned, statement));
    notes.push(Note::new(Stage::Synthesize, NoteKind::Ended, ""));
    notes
}
