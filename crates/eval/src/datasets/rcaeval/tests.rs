//! Made-up incidents in the layout of the dataset, read, staged, predicted and scored.

mod generate;

use investigation::Settings;
use std::collections::{BTreeMap, BTreeSet};

use generate::{Recorded, Wrong};
use platform::SystemClock;
use telemetry::SpanKind;

use super::*;
use crate::conclusion_line::Line;
use crate::predict::{Predicting, predict};
use crate::score::{Report, Scoring, score};
use crate::stage::{Staging, stage};

#[expect(clippy::disallowed_methods, reason = "a test file need not outlive a crash")]
fn file(folder: &Path, name: &str, text: impl AsRef<[u8]>) {
    std::fs::create_dir_all(folder).unwrap();
    std::fs::write(folder.join(name), text).unwrap();
}

const METRICS: &str = "\u{feff}time,a_cpu,a_latency-90,b_mem,time.1\n1699999999,0.5,0.25,nan,7\n1700000000,,inf,9,7\nnan,1,1,1,1\n1700000900,1,1,1,1\n";
const TRACES: &str = "time,traceID,spanID,serviceName,methodName,operationName,startTimeMillis,startTime,duration,statusCode,parentSpanID\n\
21:00,00000000000000000000000000000001,0a,a,Do,/a,1700000001000,1700000001000000,5000,0.0,\n\
21:00,00000000000000000000000000000001,0b,a,Get,,1700000001001,,3000,404,0a\n\
21:00,00000000000000000000000000000001,0c,b,Get,/b,1700000001001,1700000001001000,2000,14.0,0b\n\
21:00,odd trace,odd span,b,Get,/b,1700000001002,1700000001002000,2000,,nan\n\
21:00,,0d,b,Get,/b,1700000001002,1700000001002000,2000,,\n";

fn made_up() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let case = folder.path().join("RE2/RE2-XX/secret-service_cpu/1");
    file(&case, "inject_time.txt", "\u{feff}1700000000\n");
    file(&case, "simple_metrics.csv", METRICS);
    file(&case, "data.csv", "no metrics are read from here");
    file(&case, "traces.csv", TRACES);
    let mut logs =
        b"time,timestamp,container_name,message,level\nx,1700000001000000000,a,it broke,error\n".to_vec();
    logs.extend(
        b"x,1700000002000000000,a,bad \xff text,error\nx,1700000003000000000,b,well,INFO\nx,never,b,x,y\n",
    );
    file(&case, "logs.csv", logs);
    folder
}

#[test]
fn what_was_injected_is_told_by_the_folder_and_by_nothing_in_the_case() {
    let folder = made_up();
    let root = folder.path();
    assert!(Rcaeval.is_at(root) && !Rcaeval.is_at(&root.join("RE2/RE2-XX/secret-service_cpu/2")));
    let incidents = Rcaeval.incidents(root).unwrap();
    let label = &incidents[0].label;
    assert_eq!((label.roots[0].as_str(), label.fault.as_str()), ("secret-service", "cpu"));
    assert_eq!((label.system.as_str(), label.inner[0].as_str()), ("rcaeval RE2-XX", "container.cpu"));
    let case = Rcaeval.load(root, &incidents[0]).unwrap();
    assert_eq!(case.file.at, UnixNanos(0).plus_seconds(1_700_000_000 + ALERT_SECONDS));
    assert!(case.file.symptoms.is_empty() && case.file.summary.is_empty());
    let out = root.join("case");
    crate::folder::write(&out, &case).unwrap();
    for name in files::list(&out).unwrap() {
        let text = String::from_utf8_lossy(&std::fs::read(out.join(&name)).unwrap()).into_owned();
        assert!(!text.contains("secret") && !text.contains("RE2"), "{name} tells it");
    }
}

#[test]
fn files_with_holes_marks_and_bad_text_are_read_as_far_as_they_go() {
    let folder = made_up();
    let root = folder.path();
    let incidents = Rcaeval.incidents(root).unwrap();
    let case = Rcaeval.load(root, &incidents[0]).unwrap();
    let series: Vec<(&str, &str, usize)> = case
        .tables
        .series
        .iter()
        .map(|series| (&*series.key.service, &*series.key.metric, series.points.len()))
        .collect();
    let expected = [("a", "container.cpu", 1), ("a", "request.duration", 1), ("b", "container.memory", 1)];
    assert_eq!(series, expected);
    let kinds: Vec<(SpanKind, bool, &str)> =
        case.tables.spans.iter().map(|span| (span.kind, span.is_error(), &*span.name)).collect();
    let expected = [
        (SpanKind::Server, false, "/a"),
        (SpanKind::Client, true, "Get"),
        (SpanKind::Server, true, "/b"),
        (SpanKind::Server, false, "/b"),
    ];
    assert_eq!(kinds, expected);
    let traces: BTreeSet<_> = case.tables.spans.iter().map(|span| span.trace_id).collect();
    assert_eq!(traces.len(), 2, "an odd id is an id, none is none");
    let logs: Vec<(String, i32)> =
        case.tables.logs.iter().map(|log| (log.body.render(), log.severity)).collect();
    assert_eq!(logs, [("it broke".to_owned(), 17), ("well".to_owned(), 9)]);
    assert_eq!(case.file.left_out, ["1 log lines are no text"]);
}

#[test]
fn of_too_many_spans_whole_traces_are_left_out_and_that_is_told() {
    let folder = tempfile::tempdir().unwrap();
    generate::write(folder.path(), "bank", Wrong::Delay, 1, Recorded::Everything);
    let window = Window::new(UnixNanos(0), UnixNanos(i64::MAX));
    let path = folder.path().join("traces.csv");
    let mut told = Vec::new();
    let all = spans::read(&path, Kept { window, max: u64::MAX }, &mut told).unwrap();
    assert!(told.is_empty());
    let max = all.len() as u64 / 3;
    let some = spans::read(&path, Kept { window, max }, &mut told).unwrap();
    assert_eq!(told.len(), 1, "{told:?}");
    assert!(some.len() < all.len() / 2 && some.len() > all.len() / 10, "{} of {}", some.len(), all.len());
    let by_trace = |spans: &[telemetry::Span]| {
        let mut counts: BTreeMap<_, usize> = BTreeMap::new();
        spans.iter().for_each(|span| *counts.entry(span.trace_id).or_default() += 1);
        counts
    };
    let (of_all, of_some) = (by_trace(&all), by_trace(&some));
    assert!(of_some.iter().all(|(id, count)| of_all.get(id) == Some(count)), "no trace was cut");
    let logs = logs::read(&folder.path().join("logs.csv"), Kept { window, max: 100 }, &mut told).unwrap();
    assert!(logs.len() <= 100 && told.len() == 2);
}

#[test]
fn a_time_is_read_in_the_unit_that_its_size_tells() {
    let at = Some(UnixNanos(1_700_000_000_000_000_000));
    for text in ["1700000000", "1700000000.0", "1700000000000", "1700000000000000", "1700000000000000000"] {
        assert_eq!(time(text), at, "{text}");
    }
    assert!(time("nan").is_none() && time("").is_none() && time("21:00").is_none());
}

#[test]
fn a_folder_without_a_service_in_its_name_is_refused_with_a_hint() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path().join("x");
    file(&root.join("y/1"), "inject_time.txt", "1700000000");
    let told = Rcaeval.incidents(&root);
    // The folders of the machine that runs the test may have an underscore: then they are taken for a label.
    assert!(told.is_ok() || told.unwrap_err().to_string().contains("hint:"));
}

/// Stages, predicts and scores what was generated for these.
fn run(wrongs: &[(&'static str, Wrong)], recorded: Recorded) -> (Vec<Line>, Report) {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    for ((service, wrong), seed) in wrongs.iter().zip(1..) {
        let fault = format!("{wrong:?}").to_lowercase();
        let case = path("data").join("made-up").join(format!("{service}_{fault}")).join(seed.to_string());
        generate::write(&case, service, *wrong, seed, recorded);
    }
    let staging = Staging {
        root: &path("data"),
        dataset: None,
        cases: &path("cases"),
        answers: &path("answers"),
        seed: 1,
    };
    assert_eq!(stage(&staging).unwrap(), wrongs.len());
    let predicting = Predicting {
        cases: &path("cases"),
        out: &path("lines"),
        shift_seconds: 0,
        without: &[],
        settings: &Settings::default(),
    };
    let mut lines = Vec::new();
    predict(&predicting, &SystemClock::new(), |line| lines.push(line.clone())).unwrap();
    let scoring = Scoring { conclusions: &path("lines"), answers: &path("answers"), baseline: None };
    (lines, score(&scoring).unwrap())
}

#[test]
fn the_cause_is_found_where_everything_was_recorded() {
    let wrongs =
        [("bank", Wrong::Cpu), ("basket", Wrong::Delay), ("mail", Wrong::Delay), ("order", Wrong::Loss)];
    let (lines, report) = run(&wrongs, Recorded::Everything);
    assert_eq!(report.systems.keys().collect::<Vec<_>>(), ["rcaeval made-up"]);
    let shown: Vec<&str> = lines.iter().map(|line| line.statement.as_str()).collect();
    assert_eq!(report.losing.len(), 0, "{}\n{shown:#?}", report.render());
}

#[test]
fn the_cause_is_found_by_metrics_alone() {
    let wrongs = [
        ("bank", Wrong::Cpu),
        ("catalog", Wrong::Cpu),
        ("mail", Wrong::Delay),
        ("basket", Wrong::Delay),
        ("order", Wrong::Loss),
        ("catalog", Wrong::Loss),
        ("bank", Wrong::Socket),
    ];
    let (lines, report) = run(&wrongs, Recorded::MetricsAlone);
    let shown: Vec<&str> = lines.iter().map(|line| line.statement.as_str()).collect();
    assert_eq!(report.losing.len(), 0, "{}\n{shown:#?}", report.render());
    assert_eq!(report.won.len(), wrongs.len());
}
