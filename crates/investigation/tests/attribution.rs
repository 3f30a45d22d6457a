//! What changes do is held against what fails, where a source tells commits; elsewhere nothing more is asked.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test may fail loudly")]

mod switched;

use incident::alert::{AlertSignal, Measured, Symptom};
use incident::{Alert, Conclusion, ConclusionKind};
use investigation::{Diagnosis, Settings};
use telemetry::answer::{
    Answer, ChangeDetail, ChangeKind, ChangeRow, FileDiff, LogTemplateRow, SeriesFigures, SeriesKind,
    SeriesRow, Table,
};
use telemetry::number::Num;
use telemetry::{Answered, Ask, AskError, Inquiry, Next, Question, SourceName, Space, UnixNanos, Window};

/// Seconds of history; the alert fires at their end.
const END: i64 = 3600;
/// When it begins to fail.
const ONSET: i64 = 3000;

fn at(second: i64) -> UnixNanos {
    UnixNanos(0).plus_seconds(second)
}

fn change(kind: ChangeKind, second: i64, service: &str, after: &str, commit: &str, diff: &str) -> ChangeRow {
    let path = "services/stock/pool.go".to_owned();
    let lines = diff.lines().map(str::to_owned).collect();
    let diffs = if diff.is_empty() { Vec::new() } else { vec![FileDiff { path: path.clone(), lines }] };
    ChangeRow {
        at: at(second),
        kind,
        service: service.into(),
        instance: String::new(),
        before: String::new(),
        after: after.into(),
        detail: Some(Box::new(ChangeDetail {
            commit: commit.into(),
            message: format!("tidy {after}"),
            files: vec![path],
            diffs,
            ..ChangeDetail::default()
        })),
    }
}

/// A pool is made smaller, shipped, and runs full; the handler is tidied up and shipped right before that.
fn changes() -> Vec<ChangeRow> {
    vec![
        change(
            ChangeKind::Commit,
            2000,
            "",
            "smaller",
            "smaller",
            "-const maxConns = 50\n+const maxConns = 5",
        ),
        change(ChangeKind::Deploy, 2100, "stock", "v7", "smaller", ""),
        change(ChangeKind::Commit, 2900, "", "tidied", "tidied", "-\treturn a(b)\n+\treturn handle(b)"),
        change(ChangeKind::Deploy, 2950, "stock", "v8", "tidied", ""),
        change(
            ChangeKind::Commit,
            2960,
            "",
            "unshipped",
            "unshipped",
            "-const maxConns = 50\n+const maxConns = 1",
        ),
    ]
}

struct World {
    changes: Vec<ChangeRow>,
    said: &'static str,
}

impl World {
    fn answer(&self, question: &Question) -> Result<Answer, AskError> {
        Ok(Answer::exact(match &question.ask {
            Ask::Onset { .. } => Table::Onset(Vec::new()),
            Ask::Changes { .. } => Table::Changes(self.changes.clone()),
            Ask::LogTemplates { window, .. } => Table::LogTemplates(self.logs(*window)),
            Ask::SeriesChange { good, bad, .. } => Table::SeriesChange(vec![series(*good, *bad)]),
            other => return Err(AskError::Unsupported(other.name().to_owned())),
        }))
    }

    fn logs(&self, window: Window) -> Vec<LogTemplateRow> {
        let line = |severity, text: &str, count, second| LogTemplateRow {
            service: "stock".into(),
            severity,
            template: text.into(),
            count,
            first: at(second),
            third: at(second + 5),
            example: text.into(),
            attributes: Vec::new(),
        };
        let healthy = line(9, "reserved", 100, 1);
        if window.contains(at(ONSET)) { vec![healthy, line(17, self.said, 40, ONSET)] } else { vec![healthy] }
    }
}

/// Waiting for a connection, in seconds: it leaves its range at the onset.
fn series(good: Window, bad: Window) -> SeriesRow {
    let figures = |window: Window| {
        let mean = if window.to > at(ONSET + 60) { 4.0 } else { 0.01 };
        SeriesFigures { n: 10, mean: Num::new(mean), min: Num::new(mean), max: Num::new(mean) }
    };
    SeriesRow {
        service: "stock".into(),
        instance: String::new(),
        version: String::new(),
        metric: "db_pool_wait_seconds".into(),
        unit: "s".into(),
        attributes: Vec::new(),
        kind: SeriesKind::Gauge,
        good: figures(good),
        bad: figures(bad),
    }
}

fn alert() -> Alert {
    let none = || Measured { count: 0, seconds: 0, value: Num::default() };
    let symptom = Symptom {
        service: "stock".into(),
        operation: String::new(),
        signal: AlertSignal::Errors,
        baseline: none(),
        observed: none(),
        baseline_window: Window::new(at(0), at(END - 180)),
        observed_window: Window::new(at(END - 180), at(END)),
        q_value: Num::default(),
    };
    Alert {
        space: Space::default(),
        origin: "test".into(),
        at: at(END),
        history_from: at(0),
        dedupe_key: "test".into(),
        symptoms: vec![symptom],
    }
}

/// The conclusion and the names of the questions asked.
fn run(world: &World) -> (Conclusion, Vec<&'static str>) {
    run_with(world, Settings::default())
}

fn run_with(world: &World, settings: Settings) -> (Conclusion, Vec<&'static str>) {
    let mut diagnosis = Diagnosis::with(alert(), settings);
    let (mut answers, mut asked) = (Vec::new(), Vec::new());
    loop {
        match diagnosis.step(&answers).next {
            Next::Done(conclusion) => return (conclusion, asked),
            Next::Ask(questions) => {
                asked.extend(questions.iter().map(|question| question.ask.name()));
                let source = || SourceName("test".into());
                let answered = questions.iter().map(|question| Answered {
                    question: question.id.clone(),
                    source: source(),
                    result: world.answer(question),
                });
                answers = answered.collect();
            }
        }
    }
}

// covers: AW-30, AW-31
#[test]
fn the_change_that_does_it_is_named_and_the_latest_one_is_ruled_out() {
    let (conclusion, _) = run(&World { changes: changes(), said: "pool exhausted: no connection free" });
    let cause = conclusion.root_cause.expect("a cause");
    let trigger = cause.trigger.expect("a trigger");
    assert_eq!((cause.service.as_str(), trigger.change.after.as_str()), ("stock", "smaller"));
    assert_eq!(trigger.change.at, at(2100), "when it began to run, not when it was committed");
    assert!(trigger.change.detail.unwrap().diffs.is_empty(), "its text stays in the answer");
    let rule_of = |id: &str| {
        let of = |item: &&incident::RuledOut| item.candidate.name == format!("commit {id}");
        conclusion.ruled_out.iter().find(of).map(|item| item.rule.as_str())
    };
    assert_eq!(rule_of("tidied"), Some("change_without_mechanism"));
    assert_eq!(rule_of("unshipped"), Some("change_not_deployed"));
    let is_known = |id: &incident::EvidenceId| conclusion.evidence.iter().any(|item| item.id == *id);
    assert!(!cause.evidence.is_empty() && cause.evidence.iter().all(is_known));
}

#[test]
fn what_needs_no_change_is_no_code_cause() {
    let said = "x509: certificate has expired or is not yet valid";
    let mut changes = changes();
    changes.retain(|row| row.after != "smaller" && row.after != "v7");
    let (conclusion, _) = run(&World { changes, said });
    assert_eq!(conclusion.kind, ConclusionKind::NoCause);
    assert!(conclusion.statement.contains("no code cause"), "{}", conclusion.statement);
    assert!(conclusion.root_cause.is_none());
}

/// The control: without commits the machine asks for nothing beyond the changes, and concludes as before.
#[test]
fn without_commits_nothing_more_is_asked() {
    let deploys = changes().into_iter().filter(|row| row.kind == ChangeKind::Deploy).collect();
    let (conclusion, asked) = run(&World { changes: deploys, said: "pool exhausted: no connection free" });
    assert_eq!(conclusion.kind, ConclusionKind::Insufficient);
    assert!(!asked.contains(&"log_templates"), "{asked:?}");
}

/// A commit to the code of `service`, which deploys it ten seconds later.
fn shipped(second: i64, id: &str, service: &str, diff: &str) -> [ChangeRow; 2] {
    let mut commit = change(ChangeKind::Commit, second, "", id, id, diff);
    if let Some(detail) = &mut commit.detail {
        let path = format!("services/{service}/pool.go");
        detail.diffs.iter_mut().for_each(|diff| diff.path.clone_from(&path));
        detail.files = vec![path];
    }
    [commit, change(ChangeKind::Deploy, second + 10, service, &format!("of {id}"), id, "")]
}

#[test]
fn a_rule_about_changes_that_is_switched_off_rules_nothing_out() {
    let said = "pool exhausted: timed out waiting for a connection";
    let plain = World { changes: changes(), said };
    let run = |settings| run_with(&plain, settings).0;
    switched::check("change_not_deployed", run, switched::rules_out("change_not_deployed"));
    let mut changes = changes();
    let smaller = "-const maxConns = 50\n+const maxConns = 5";
    changes.extend(shipped(3100, "late", "stock", smaller));
    changes.extend(shipped(1000, "far", "mail", smaller));
    changes.extend(shipped(1100, "logging", "stock", "-\tlog.Info(conns)\n+\tlog.Info(conns, free)"));
    changes.extend(shipped(1200, "sooner", "stock", "-const timeoutSeconds = 30\n+const timeoutSeconds = 2"));
    let world = World { changes, said };
    let run = |settings| run_with(&world, settings).0;
    let names = |conclusion: &Conclusion| conclusion.root_cause.is_some();
    switched::check("mechanism", run, names);
    switched::check("change_after_onset", run, switched::rules_out("change_after_onset"));
    switched::check("change_elsewhere", run, switched::rules_out("change_elsewhere"));
    switched::check("change_inert", run, switched::rules_out("change_inert"));
    switched::check("change_outweighed", run, switched::rules_out("change_outweighed"));
    switched::check("change_without_mechanism", run, switched::rules_out("change_without_mechanism"));
}
