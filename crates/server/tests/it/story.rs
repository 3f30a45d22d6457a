//! An investigation as a journal, told in order: the report of the fixture, record by record.
//!
//! The chain is a real one; figures are the fixture's.

use incident::*;
use journal::Record;
use orchestrator::Entry;
use telemetry::answer::{EdgeRow, Table};
use telemetry::question::Scope;
use telemetry::{
    Answer, Answered, Ask, Note, NoteKind, Question, QuestionId, SourceName, Space, Stage, Window,
};

use super::fixture::{at, rich};

/// The id of the told incident.
pub(crate) const INCIDENT: &str = "inc_0197b2c4-7a10-7c3e-9d51-2f1be0a7c601";

/// All entries, from the alert to the resolution.
pub(crate) fn entries() -> Vec<Entry> {
    let report = rich();
    let diagnosis = report.diagnosis.clone();
    let resolution = report.resolution.clone().expect("the fixture has one");
    let mut told = vec![Entry::Alert(Alert {
        space: Space::default(),
        origin: "watch".to_owned(),
        at: at(180),
        history_from: at(0),
        dedupe_key: "watch:default".to_owned(),
        symptoms: diagnosis.symptoms.clone(),
    })];
    for stage in [Stage::Detect, Stage::Investigate, Stage::Correlate, Stage::Synthesize] {
        told.push(note(stage, NoteKind::Began, "what can be seen"));
        if stage == Stage::Investigate {
            told.extend(asked());
        }
        if stage == Stage::Correlate {
            told.push(note(stage, NoteKind::RuledOut, "requests rose by 3 %: the load did not grow"));
            told.push(note(stage, NoteKind::Gap, "the database emits no spans"));
        }
        told.push(note(stage, NoteKind::Learned, "exclusive time rises in SELECT orders alone"));
        told.push(note(stage, NoteKind::Ended, ""));
    }
    told.extend(diagnosis.hypotheses.iter().cloned().map(Entry::Hypothesis));
    told.push(Entry::Conclusion(Box::new(diagnosis)));
    told.push(note(Stage::Fix, NoteKind::Began, "what can be done about it"));
    told.push(Entry::Proposal(resolution.actions.clone()));
    told.push(note(Stage::Fix, NoteKind::Ended, ""));
    for (place, action) in resolution.actions.iter().enumerate() {
        told.extend(applied(action, &resolution, place));
    }
    told.push(Entry::Resolution(Box::new(resolution)));
    told
}

/// The first action of the story.
pub(crate) fn action() -> Action {
    let resolution = rich().resolution.expect("the fixture has one");
    resolution.actions.first().cloned().expect("it has an action")
}

fn note(stage: Stage, kind: NoteKind, text: &str) -> Entry {
    Entry::Progress(Note::new(stage, kind, text))
}

fn asked() -> Vec<Entry> {
    let window = Window::new(at(0), at(120));
    let id = QuestionId::numbered(1);
    let ask = Ask::Edges { window, scope: Scope::all() };
    let question = Question { id: id.clone(), space: Space::default(), ask, not_before: at(120) };
    let answer = Answer::exact(Table::Edges(edges()));
    vec![
        Entry::Question(question),
        Entry::Answered(Answered { question: id, source: SourceName("store".into()), result: Ok(answer) }),
    ]
}

/// The calls of the fixture's service map.
pub(crate) fn edges() -> Vec<EdgeRow> {
    let row = |call: &incident::report::Call| EdgeRow {
        caller: call.caller.clone(),
        callee: call.callee.clone(),
        is_instrumented: call.is_instrumented,
        count: call.count,
        errors: call.errors,
        client_sum_ns: (call.mean_ms.get() * 1e6) as i64 * call.count as i64,
        server_sum_ns: 0,
        delay_p50_ns: 0,
        clock_offset_p50_ns: 0,
        blocks: Vec::new(),
        resends: 0,
        queue: None,
    };
    rich().service_map.iter().map(row).collect()
}

fn applied(action: &Action, resolution: &Resolution, place: usize) -> Vec<Entry> {
    let record = resolution.verifications[place].clone();
    vec![
        note(Stage::Apply, NoteKind::Began, &action.instance),
        Entry::Approval(resolution.approvals[place].clone()),
        Entry::Intent(action.clone()),
        Entry::Execution(Execution {
            action_digest: action.digest().expect("actions are text"),
            instance: action.instance.clone(),
            outcome: ExecutionOutcome::Done { ready_at: record.trial.ready_at },
            undo: action.set.keys().map(|name| (name.clone(), None)).collect(),
        }),
        note(Stage::Apply, NoteKind::Ended, ""),
        note(Stage::Verify, NoteKind::Began, "did it work?"),
        Entry::Trial(record.trial.clone()),
        note(Stage::Verify, NoteKind::Ended, record.verdict.name()),
        Entry::Verification(Box::new(record)),
    ]
}

/// The lines of a journal that holds `entries`, one every second, chained as a real one.
pub(crate) fn lines(entries: &[Entry]) -> Vec<String> {
    let (mut lines, mut prev) = (Vec::new(), "0".repeat(64));
    for (place, entry) in entries.iter().enumerate() {
        let body = canonical::to_text(entry).expect("it is JSON");
        let record = Record {
            v: journal::VERSION,
            seq: place as u64 + 1,
            at: at(180 + place as i64).0,
            prev,
            durable: place as u64,
            kind: entry.kind().to_owned(),
            took_us: None,
            body: serde_json::value::RawValue::from_string(body).expect("it is JSON"),
        };
        let line = serde_json::to_string(&record).expect("it is JSON");
        prev = canonical::blake3_hex(line.as_bytes());
        lines.push(format!("{line}\n"));
    }
    lines
}
