//! A journal's records as people and programs follow them: one type, one label, one sentence each.
//!
//! One record of the journal becomes one or more of these (a conclusion: its observations, rule-outs, root cause,
//! gaps and summaries), numbered `SEQ` or `SEQ-PART`; the order is that of the journal. A kind that is not known here
//! is shown by its name. Sentences are the journal's; only what has none gets one here.

use std::collections::BTreeMap;

use incident::{
    Action, AlertSignal, Conclusion, ExecutionOutcome, Hypothesis, Resolution, RuledOut, Symptom,
};
use journal::Record;
use orchestrator::Entry;
use orchestrator::log::Logged;
use serde::Serialize;
use telemetry::number::Num;
use telemetry::{Answered, Note, NoteKind, Question, Stage, UnixNanos};

use super::summary;

/// The types of records, sorted; filters take them.
pub const TYPES: [&str; 15] = [
    "ACTION",
    "ANALYSIS",
    "FINDING",
    "PLANNING",
    "SEARCHING",
    "SUGGESTION",
    "SUMMARY",
    "finding",
    "investigation_summary",
    "investigation_summary_md",
    "message",
    "mitigation_summary",
    "mitigation_summary_md",
    "observation",
    "symptom",
];

/// A body longer than this is not repeated in lists and streams: it is asked for by its number.
const CONTENT_BYTES_MAX: usize = 16 * 1024;

/// The address of a record that is shown: the journal's number, and the part.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct SeenId {
    /// The journal's number, from 1.
    pub seq: u64,
    /// The part, from 0.
    pub part: u32,
}

impl SeenId {
    /// Reads `SEQ` or `SEQ-PART`.
    #[must_use]
    pub fn read(text: &str) -> Option<Self> {
        let (seq, part) = text.split_once('-').unwrap_or((text, "0"));
        Some(Self { seq: seq.parse().ok()?, part: part.parse().ok()? })
    }
}

impl std::fmt::Display for SeenId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        if self.part == 0 { write!(f, "{}", self.seq) } else { write!(f, "{}-{}", self.seq, self.part) }
    }
}

/// One thing that was seen, said, asked, found or done.
#[derive(Debug, Clone)]
pub struct Seen {
    /// Its address.
    pub id: SeenId,
    /// When it was written.
    pub at: UnixNanos,
    /// The journal's own kind.
    pub kind: String,
    /// One of [`TYPES`].
    pub record_type: &'static str,
    /// What people read: Planning, Fetching data, Observation, Finding, Root cause, User request, Update.
    pub shown_as: &'static str,
    /// In which stage, when it says so.
    pub stage: Option<Stage>,
    /// What kind of note, when it is one.
    pub note: Option<NoteKind>,
    /// The sentence.
    pub text: String,
    /// Its numbers, unit in the name.
    pub numbers: BTreeMap<String, Num>,
    /// The facts it rests on.
    pub evidence: Vec<String>,
    /// What a program reads instead of the sentence: the journal's body, or a summary.
    pub content: Option<serde_json::Value>,
    /// Bytes of the journal's body.
    pub content_bytes: usize,
}

/// A [`Seen`] in interfaces.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Told<'a> {
    record_id: String,
    created_at: String,
    record_type: &'a str,
    shown_as: &'a str,
    kind: &'a str,
    stage: Option<Stage>,
    text: &'a str,
    numbers: &'a BTreeMap<String, Num>,
    supporting_observations: &'a [String],
    content: &'a Option<serde_json::Value>,
    content_bytes: usize,
    content_truncated: bool,
}

impl Seen {
    /// As JSON.
    #[must_use]
    pub fn json(&self) -> serde_json::Value {
        let told = Told {
            record_id: self.id.to_string(),
            created_at: self.at.rfc3339(),
            record_type: self.record_type,
            shown_as: self.shown_as,
            kind: &self.kind,
            stage: self.stage,
            text: &self.text,
            numbers: &self.numbers,
            supporting_observations: &self.evidence,
            content: &self.content,
            content_bytes: self.content_bytes,
            content_truncated: self.content.is_none(),
        };
        serde_json::to_value(told).unwrap_or_default()
    }
}

/// What the records become, in order. `records` and `logged` are the same records; `incident` is whose they are.
#[must_use]
pub fn all(incident: &str, records: &[Record], logged: &[Logged]) -> Vec<Seen> {
    let from =
        |(place, record): (usize, &Record)| of(incident, record, logged.get(..=place).unwrap_or(logged));
    records.iter().enumerate().flat_map(from).collect()
}

/// What `record` becomes; `logged` ends with it.
#[must_use]
pub fn of(incident: &str, record: &Record, logged: &[Logged]) -> Vec<Seen> {
    let Some(last) = logged.last() else { return Vec::new() };
    let mut parts = Parts { record, all: Vec::new() };
    match &last.entry {
        Entry::Alert(alert) => {
            for symptom in &alert.symptoms {
                parts.add("symptom", "Observation", symptom_title(symptom));
            }
            if alert.symptoms.is_empty() {
                parts.add("symptom", "Observation", "an alert without a symptom".to_owned());
            }
        }
        Entry::Note(note) | Entry::Progress(note) | Entry::Resumed(note) => parts.note(note),
        Entry::Question(question) => parts.add("SEARCHING", "Fetching data", asked(question)),
        Entry::Answered(answered) => parts.add("observation", "Fetching data", told(answered)),
        Entry::Hypothesis(hypothesis) => parts.hypothesis(hypothesis),
        Entry::Conclusion(conclusion) => parts.conclusion(incident, conclusion, logged),
        Entry::Proposal(actions) => {
            for action in actions {
                parts.add("SUGGESTION", "Update", format!("proposed: {}", what(action)));
            }
        }
        Entry::Approval(approval) => {
            let verb = if approval.is_granted { "approved" } else { "refused" };
            let comment = match approval.comment.is_empty() {
                true => String::new(),
                false => format!(": {}", approval.comment),
            };
            let principal: String = approval.principal.chars().take(40).collect();
            parts.add("message", "User request", format!("{verb} by {principal}{comment}"));
        }
        Entry::Intent(action) => parts.add("ACTION", "Update", format!("about to {}", what(action))),
        Entry::Execution(done) => {
            let how = match &done.outcome {
                ExecutionOutcome::Done { .. } => "was restarted and is ready".to_owned(),
                ExecutionOutcome::Failed { why } => format!("was not restarted: {why}"),
            };
            parts.add("ACTION", "Update", format!("{} {how}", done.instance));
        }
        Entry::Trial(trial) => {
            let text = format!(
                "trial: {} with the action against {} without",
                trial.treated,
                trial.controls.join(", ")
            );
            parts.add("PLANNING", "Planning", text);
        }
        Entry::Verification(record) => {
            let text = format!("{}: {}", record.verdict.name(), record.statement);
            parts.add("FINDING", "Finding", text);
        }
        Entry::UndoIntent(execution) => {
            parts.add("ACTION", "Update", format!("about to take back the action on {}", execution.instance));
        }
        Entry::Undo(execution) => {
            parts.add("ACTION", "Update", format!("{} runs again as before", execution.instance));
        }
        Entry::Resolution(resolution) => parts.resolution(incident, resolution, logged),
        #[allow(unreachable_patterns, reason = "a kind that is added later is shown by its name")]
        _ => parts.add("message", "Update", record.kind.replace('_', " ")),
    }
    parts.all
}

/// The parts of one record, numbered as they are added.
struct Parts<'a> {
    record: &'a Record,
    all: Vec<Seen>,
}

impl Parts<'_> {
    fn add(&mut self, record_type: &'static str, shown_as: &'static str, text: String) {
        let body = self.record.body.get();
        let part = u32::try_from(self.all.len()).unwrap_or(u32::MAX);
        // The body belongs to the record: it is repeated with its first part alone.
        let content = match part {
            0 if body.len() <= CONTENT_BYTES_MAX => serde_json::from_str(body).ok(),
            0 => None,
            _ => Some(serde_json::Value::Null),
        };
        self.all.push(Seen {
            id: SeenId { seq: self.record.seq, part },
            at: UnixNanos(self.record.at),
            kind: self.record.kind.clone(),
            record_type,
            shown_as,
            stage: None,
            note: None,
            text,
            numbers: BTreeMap::new(),
            evidence: Vec::new(),
            content,
            content_bytes: body.len(),
        });
    }

    fn with(&mut self, change: impl FnOnce(&mut Seen)) {
        if let Some(last) = self.all.last_mut() {
            change(last);
        }
    }

    fn note(&mut self, note: &Note) {
        let title = note.stage.title();
        let (record_type, shown_as, text) = match note.kind {
            NoteKind::Began => ("PLANNING", "Planning", format!("{title} begins: {}", note.text)),
            NoteKind::Learned => ("ANALYSIS", "Observation", note.text.clone()),
            NoteKind::RuledOut => ("ANALYSIS", "Finding", format!("ruled out: {}", note.text)),
            NoteKind::Gap => ("ANALYSIS", "Observation", format!("gap: {}", note.text)),
            NoteKind::Failed => ("SUMMARY", "Update", format!("{title} failed: {}", note.text)),
            NoteKind::Ended if note.text.is_empty() => ("SUMMARY", "Update", format!("{title} has ended")),
            NoteKind::Ended => ("SUMMARY", "Update", format!("{title} has ended: {}", note.text)),
            #[allow(unreachable_patterns, reason = "a kind that is added later is shown as it is")]
            _ => ("ANALYSIS", "Update", note.text.clone()),
        };
        self.add(record_type, shown_as, text);
        self.with(|seen| {
            seen.stage = Some(note.stage);
            seen.note = Some(note.kind);
        });
    }

    fn hypothesis(&mut self, hypothesis: &Hypothesis) {
        let status = serde_json::to_value(hypothesis.status).unwrap_or_default();
        let status = status.as_str().unwrap_or_default().to_owned();
        self.add("ANALYSIS", "Finding", format!("hypothesis, {status}: {}", hypothesis.statement));
        self.with(|seen| {
            seen.numbers.insert("share_of_the_excess".to_owned(), hypothesis.score);
            seen.evidence = hypothesis.evidence.iter().map(|id| id.0.clone()).collect();
        });
    }

    fn conclusion(&mut self, incident: &str, conclusion: &Conclusion, logged: &[Logged]) {
        let shown_as = if conclusion.root_cause.is_some() { "Root cause" } else { "Finding" };
        self.add("finding", shown_as, conclusion.statement.clone());
        if let Some(cause) = &conclusion.root_cause {
            self.with(|seen| seen.evidence = cause.evidence.iter().map(|id| id.0.clone()).collect());
        }
        for cause in &conclusion.further_causes {
            self.add("finding", "Root cause", cause.statement.clone());
            self.with(|seen| seen.evidence = cause.evidence.iter().map(|id| id.0.clone()).collect());
        }
        for fact in &conclusion.evidence {
            self.add("observation", "Observation", fact.statement.clone());
            self.with(|seen| {
                seen.numbers.clone_from(&fact.numbers);
                seen.evidence = vec![fact.id.0.clone()];
            });
        }
        for ruled in &conclusion.ruled_out {
            self.ruled_out(ruled);
        }
        for gap in &conclusion.gaps {
            let text = format!("gap: {}; it could change {}", gap.missing, gap.could_change);
            self.add("ANALYSIS", "Observation", text);
        }
        let report = orchestrator::report::build(incident, logged, "");
        self.add("investigation_summary", "Update", "summary of the investigation".to_owned());
        self.with(|seen| seen.content = Some(summary::json(&report)));
        self.add("investigation_summary_md", "Update", summary::markdown(&report));
    }

    fn ruled_out(&mut self, ruled: &RuledOut) {
        self.add("ANALYSIS", "Finding", format!("ruled out ({}): {}", ruled.rule, ruled.why));
        self.with(|seen| {
            seen.numbers.clone_from(&ruled.numbers);
            seen.evidence = ruled.evidence.iter().map(|id| id.0.clone()).collect();
        });
    }

    fn resolution(&mut self, incident: &str, resolution: &Resolution, logged: &[Logged]) {
        let report = orchestrator::report::build(incident, logged, "");
        let done = resolution.actions.len();
        let text = match (&report.verification, done) {
            (_, 0) => "closed: nothing was done".to_owned(),
            (Some(summary), _) => format!("closed: {}", summary.verdict.name()),
            (None, _) => format!("closed: {done} actions, nothing measured"),
        };
        self.add("mitigation_summary", "Update", text);
        self.add("mitigation_summary_md", "Update", summary::mitigation_markdown(&report, resolution));
    }
}

/// A symptom in a sentence.
#[must_use]
pub fn symptom_title(symptom: &Symptom) -> String {
    let (before, now) = (symptom.baseline.value.get(), symptom.observed.value.get());
    let (what, before, now) = match symptom.signal {
        AlertSignal::Latency => ("slow", format!("{before:.1}"), format!("{now:.1} ms")),
        AlertSignal::Errors => ("failing", format!("{:.1}", before * 100.0), format!("{:.1} %", now * 100.0)),
        AlertSignal::Throughput => {
            ("taking too few messages", format!("{before:.1}"), format!("{now:.1} a second"))
        }
    };
    format!("`{}` {} is {what}: {before} -> {now}", symptom.service, symptom.operation)
}

fn asked(question: &Question) -> String {
    format!("asks {}: {}", question.id, question.ask.name().replace('_', " "))
}

fn told(answered: &Answered) -> String {
    let (question, source) = (&answered.question, &answered.source.0);
    match &answered.result {
        Ok(answer) => {
            let cut = if answer.truncated { ", cut at a limit" } else { "" };
            format!("{question} answered by {source}: {} rows{cut}", answer.table.len())
        }
        Err(error) => format!("{question} not answered by {source}: {error}"),
    }
}

fn what(action: &Action) -> String {
    let settings: Vec<String> = action.set.iter().map(|(name, value)| format!("{name}={value}")).collect();
    format!("restart {} of {} with {}", action.instance, action.service, settings.join(" "))
}
