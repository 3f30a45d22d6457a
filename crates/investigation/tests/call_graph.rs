//! A system known by metrics and its call graph alone: who is blamed, who is ruled out, and when nobody is.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "tests")]

mod switched;

use incident::{Alert, AlertSignal, Conclusion, ConclusionKind, Fault, HypothesisStatus, Measured, Symptom};
use investigation::{Diagnosis, Settings};
use telemetry::answer::{Answer, CallRow, OnsetRow, Subject, Table, TopologyTable};
use telemetry::number::Num;
use telemetry::{Answered, Ask, AskError, Inquiry, Next, Question, SourceName, Space, UnixNanos, Window};

/// Seconds of an interval, intervals of history, and all intervals.
const STEP: i64 = 60;
const HISTORY: i64 = 60;
const ALL: i64 = 66;

/// front calls back and pay, back calls table.
const CALLS: [(&str, &str); 3] = [("front", "back"), ("front", "pay"), ("back", "table")];

fn at(interval: i64) -> UnixNanos {
    UnixNanos(0).plus_seconds(interval * STEP)
}

#[derive(Clone, Copy)]
struct World {
    /// Who is slow or fails, by how many milliseconds or of a hundred requests.
    faulty: &'static str,
    amount: f64,
    signal: AlertSignal,
    calls: Option<&'static [(&'static str, &'static str)]>,
}

const SLOW_TABLE: World =
    World { faulty: "table", amount: 40.0, signal: AlertSignal::Latency, calls: Some(&CALLS) };

impl World {
    fn is_hit(&self, service: &str) -> bool {
        match self.faulty {
            "table" => ["table", "back", "front"].contains(&service),
            "pay" => ["pay", "front"].contains(&service),
            faulty => faulty == service,
        }
    }

    fn row(&self, service: &str, interval: i64) -> OnsetRow {
        let base = match service {
            "front" => 50.0,
            "back" => 20.0,
            _ => 8.0,
        };
        let is_bad = interval > HISTORY && self.is_hit(service);
        let extra = if is_bad && self.signal == AlertSignal::Latency { self.amount } else { 0.0 };
        let failed = if is_bad && self.signal == AlertSignal::Errors { self.amount as u64 } else { 0 };
        let ns = ((base + extra + (interval % 5) as f64 * 0.2) * 1e6) as i64;
        let (service, none) = (service.to_owned(), String::new());
        OnsetRow {
            subject: Subject { service, operation: none.clone(), instance: none.clone(), version: none },
            second: at(interval + 1).plus_seconds(-1),
            count: 100,
            errors: failed,
            sum_ns: ns * 100,
            p50_ns: ns,
            p95_ns: ns,
            is_message: false,
        }
    }

    fn answer(&self, question: &Question) -> Result<Answer, AskError> {
        let services = ["back", "front", "pay", "table"];
        match &question.ask {
            Ask::Onset { window, .. } => {
                let rows = (0..ALL).flat_map(|interval| services.map(|service| self.row(service, interval)));
                let rows = rows.filter(|row| window.contains(row.second)).collect();
                let from_metrics = services.map(str::to_owned).to_vec();
                Ok(Answer { from_metrics, ..Answer::exact(Table::Onset(rows)) })
            }
            Ask::Topology { .. } if self.calls.is_some() => {
                let call = |(caller, callee): &(&str, &str)| CallRow {
                    caller: (*caller).to_owned(),
                    callee: (*callee).to_owned(),
                };
                let calls = self.calls.unwrap_or_default().iter().map(call).collect();
                let services = services.map(str::to_owned).to_vec();
                Ok(Answer::exact(Table::Topology(TopologyTable { services, calls })))
            }
            other => Err(AskError::Unsupported(other.name().to_owned())),
        }
    }

    fn alert(&self) -> Alert {
        let measured = |value| Measured { count: 100, seconds: 5, value: Num::new(value) };
        let symptom = Symptom {
            service: "front".into(),
            operation: String::new(),
            signal: self.signal,
            baseline: measured(50.0),
            observed: measured(90.0),
            baseline_window: Window::new(at(0), at(HISTORY)),
            observed_window: Window::new(at(HISTORY), at(ALL)),
            q_value: Num::new(0.001),
        };
        Alert {
            space: Space::default(),
            origin: "monitor".into(),
            at: at(ALL),
            history_from: at(0),
            dedupe_key: "k".into(),
            symptoms: vec![symptom],
        }
    }

    fn conclusion(&self) -> (Conclusion, Vec<&'static str>) {
        self.conclusion_with(Settings::default())
    }

    fn conclusion_with(&self, settings: Settings) -> (Conclusion, Vec<&'static str>) {
        let mut diagnosis = Diagnosis::with(self.alert(), settings);
        let (mut answers, mut asked) = (Vec::new(), Vec::new());
        for _ in 0..8 {
            match diagnosis.step(&answers).next {
                Next::Done(conclusion) => return (conclusion, asked),
                Next::Ask(questions) => {
                    asked.extend(questions.iter().map(|question| question.ask.name()));
                    answers = questions
                        .into_iter()
                        .map(|question| Answered {
                            result: self.answer(&question),
                            question: question.id,
                            source: SourceName("metrics".into()),
                        })
                        .collect();
                }
            }
        }
        panic!("the diagnosis never ends");
    }
}

// covers: AW-28
#[test]
fn the_slow_service_at_the_end_of_the_calls_is_the_cause_and_its_callers_are_ruled_out() {
    let (conclusion, asked) = SLOW_TABLE.conclusion();
    assert_eq!(asked, ["onset", "topology"]);
    let cause = conclusion.root_cause.as_ref().unwrap();
    assert_eq!((cause.service.as_str(), cause.fault), ("table", Fault::SlowWork));
    assert!(cause.statement.ends_with("from metrics and the call graph alone"), "{}", cause.statement);
    let ruled_out: Vec<&str> =
        conclusion.ruled_out.iter().map(|item| item.candidate.service.as_str()).collect();
    assert_eq!(ruled_out, ["back", "front"], "the deeper one first");
    assert!(
        conclusion.ruled_out.iter().all(|item| item.rule == "excess_in_callee" && !item.evidence.is_empty())
    );
    let first = &conclusion.hypotheses[0];
    assert_eq!((first.candidate.service.as_str(), first.status), ("table", HypothesisStatus::Supported));
    let known = |id: &incident::EvidenceId| conclusion.evidence.iter().any(|item| item.id == *id);
    assert!(!cause.evidence.is_empty() && cause.evidence.iter().all(known));
    assert_eq!(conclusion.onset.unwrap().at, at(HISTORY + 1));
    assert!(conclusion.gaps.iter().any(|gap| gap.missing.contains("no spans of `front`")));
}

#[test]
fn the_failing_service_is_the_cause_of_failures() {
    let world = World { faulty: "pay", amount: 6.0, signal: AlertSignal::Errors, ..SLOW_TABLE };
    let (conclusion, _) = world.conclusion();
    let cause = conclusion.root_cause.unwrap();
    assert_eq!((cause.service.as_str(), cause.fault), ("pay", Fault::ErrorOrigin));
    assert!(cause.statement.contains("nothing that it calls does"), "{}", cause.statement);
}

#[test]
fn nobody_is_blamed_when_nothing_moved() {
    let (conclusion, _) = World { amount: 0.0, ..SLOW_TABLE }.conclusion();
    assert_eq!((conclusion.kind, conclusion.root_cause), (ConclusionKind::Insufficient, None));
    let is_told = |gap: &incident::Gap| gap.missing.contains("do not bear the alert out");
    assert!(conclusion.gaps.iter().any(is_told), "{:?}", conclusion.gaps);
}

#[test]
fn a_callee_that_moved_is_not_blamed_for_an_alert_that_the_metrics_do_not_bear_out() {
    // `back` is slower, and yet `front` is as it always was: it does not wait for it.
    let world = World { faulty: "back", ..SLOW_TABLE };
    let (conclusion, _) = world.conclusion();
    assert_eq!((conclusion.kind, conclusion.root_cause), (ConclusionKind::Insufficient, None));
    let is_told = |gap: &incident::Gap| gap.missing.contains("do not bear the alert out");
    assert!(conclusion.gaps.iter().any(is_told), "{:?}", conclusion.gaps);
}

#[test]
fn a_slow_service_that_the_alerted_one_does_not_call_is_not_blamed() {
    // The alerted service is slow because of nothing it is known to call, and says so of itself.
    const APART: [(&str, &str); 1] = [("front", "pay")];
    let (conclusion, _) = World { calls: Some(&APART), ..SLOW_TABLE }.conclusion();
    let cause = conclusion.root_cause.unwrap();
    assert_eq!(cause.service, "front");
}

#[test]
fn without_a_call_graph_the_diagnosis_goes_on_as_before() {
    let (conclusion, asked) = World { calls: None, ..SLOW_TABLE }.conclusion();
    assert_eq!(conclusion.kind, ConclusionKind::Insufficient);
    assert!(asked.contains(&"self_time"));
    let topology = conclusion.gaps.iter().filter(|gap| gap.missing.contains("topology"));
    assert_eq!(topology.count(), 0, "a question asked on the chance is no gap");
}

#[test]
fn a_measure_or_rule_that_is_switched_off_says_nothing() {
    let run = |settings| SLOW_TABLE.conclusion_with(settings).0;
    let blames_table = |conclusion: &Conclusion| {
        conclusion.root_cause.as_ref().is_some_and(|cause| cause.service == "table")
    };
    switched::check("metric_shift", run, blames_table);
    switched::check("explained_by_callees", run, blames_table);
    switched::check("excess_in_callee", run, switched::rules_out("excess_in_callee"));
}
