//! A shop of two services in the form of the dataset: heads, steps, moved history, normal slices.

use incident::AlertSignal;
use telemetry::answer::{SeriesKind, Table};
use telemetry::{Answerer, Ask, Cancel, Limits, Question, QuestionId, Scope, Space, Window};

use super::*;
use telemetry::recorded::TableSource;

const STEPS: i64 = 12;

fn metrics(first: i64, steps: i64, slow: f64) -> String {
    let mut text = String::from(
        "microservice,web/a,db,web/a,db,web/a,db,db\nmetric,latency,latency,requests,requests,availability,\
         availability,latency\nstatistic,Average,Average,Sum,Sum,Average,Average,p99\nunix_timestamp,,,,,,,\n",
    );
    for step in 0..steps {
        let start = first + step * STEP_SECONDS;
        text += &format!("{start}.0,{slow},0.01,200.0,0.0,99.0,,7\n");
    }
    text
}

fn shop(root: &Path) {
    let write = |path: &str, text: &str| {
        let path = root.join(path);
        files::create_dir(path.parent().unwrap()).unwrap();
        std::io::Write::write_all(&mut files::create(&path).unwrap(), text.as_bytes()).unwrap();
    };
    write("shop/little/graph.csv", ",web/a,db\nweb/a,0.0,1.0\ndb,0.0,0.0\n");
    write("shop/little/noissue/metrics.csv", &metrics(9_000_000, STEPS, 0.1));
    write("shop/little/train/issue_0/metrics.csv", &metrics(3_000_000, 5, 0.4));
    let target =
        r#"{"target": {"node": "web/a", "metric": "latency", "agg": "Average", "timestamp": 3000400}}"#;
    write("shop/little/train/issue_0/target.json", target);
    write(
        "shop-labels/little/train/issue_0/target.json",
        r#"{"root_cause": {"node": "db", "metric": null}}"#,
    );
}

#[test]
fn a_slice_is_a_case_with_moved_history_and_normal_slices_blame_nobody() {
    let folder = tempfile::tempdir().unwrap();
    shop(folder.path());
    let root = folder.path().join("shop");
    assert!(PetShop.is_at(&root) && !PetShop.is_at(folder.path()));
    let incidents = PetShop.incidents(&root).unwrap();
    assert_eq!(incidents.len(), 1 + 2);
    assert_eq!((incidents[0].label.roots[0].as_str(), incidents[0].label.is_none), ("db", false));
    assert!(incidents[1].label.is_none && incidents[1].label.system.ends_with("normal latency"));

    let case = PetShop.load(&root, &incidents[0]).unwrap();
    let start = UnixNanos(0).plus_seconds(3_000_000);
    assert_eq!(case.file.at, start.plus_seconds(1500));
    assert_eq!(case.file.observed_from, Some(start.plus_seconds(400)));
    assert_eq!(case.file.history_from, start.plus_seconds(-APART_SECONDS - STEPS * STEP_SECONDS));
    assert_eq!(case.file.symptoms[0].signal, AlertSignal::Latency);
    assert_eq!(case.tables.calls, [Call { caller: "web/a".into(), callee: "db".into() }]);
    assert!(case.tables.series.iter().all(|series| series.key.service == "web/a"), "no requests, no points");
    let rate = case.tables.series.iter().find(|series| series.key.kind == SeriesKind::Rate).unwrap();
    assert_eq!(rate.points.len() as i64, STEPS + 5);

    let normal = PetShop.load(&root, &incidents[2]).unwrap();
    let rate = normal.tables.series.iter().find(|series| series.key.kind == SeriesKind::Rate).unwrap();
    let from = normal.file.at.plus_seconds(-1500);
    assert_eq!(rate.points.iter().filter(|(at, _)| *at > from).count(), 5);
    assert_eq!(
        rate.points.iter().filter(|(at, _)| *at <= from).count() as i64,
        STEPS - 5,
        "the rest is history"
    );
}

#[test]
fn the_requests_of_a_step_are_answered_as_they_were_counted() {
    let folder = tempfile::tempdir().unwrap();
    shop(folder.path());
    let root = folder.path().join("shop");
    let case = PetShop.load(&root, &PetShop.incidents(&root).unwrap()[0]).unwrap();
    let window = Window::new(case.file.history_from, case.file.at);
    let question = |ask| Question {
        id: QuestionId::numbered(1),
        space: Space::default(),
        ask,
        not_before: UnixNanos(0),
    };
    let source = TableSource::new(case.tables);
    let ask = |ask| source.answer(&question(ask), &Limits::default(), &Cancel::default()).unwrap();
    let answer = ask(Ask::Onset { window, scope: Scope::all() });
    assert_eq!(answer.from_metrics, ["web/a"]);
    let Table::Onset(rows) = answer.table else { panic!("other rows") };
    assert_eq!(rows.len() as i64, STEPS + 5);
    let last = rows.last().unwrap();
    assert_eq!((last.count, last.errors, last.second), (200, 2, case.file.at.plus_seconds(-1)));
    assert!((last.sum_ns - 80_000_000_000).abs() < 1000, "{}", last.sum_ns);
    let Table::Topology(table) = ask(Ask::Topology { window }).table else { panic!("no calls") };
    assert_eq!((table.services.len(), table.calls.len()), (2, 1));
}
