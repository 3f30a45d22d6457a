//! Deploys, restarts and new instances, seen in the telemetry itself.

use telemetry::answer::{ChangeKind, ChangeRow};
use telemetry::time::SECOND_NS;
use telemetry::{Ask, Scope, Table};

use super::build::{Rig, SERVER, T0, export, group, span, window};

/// One span of `instance` in process `pid` at `second`.
fn emit(rig: &Rig, instance: &str, version: &str, pid: &str, second: i64) {
    let trace = (second as u64) << 8 | u64::from(instance.bytes().next().unwrap_or(0));
    let start = second * SECOND_NS;
    let span = span(trace, 1, 0, "GET /", SERVER, (start, start + 1000));
    let more: &[(&str, &str)] = if pid.is_empty() { &[] } else { &[("process.pid", pid)] };
    rig.send(export(vec![group(["shop", instance, version], more, vec![span])])).unwrap();
}

fn changes(rig: &Rig, from: i64, to: i64) -> Vec<(i64, ChangeKind, String, String, String)> {
    let ask = Ask::Changes { window: window(from, to), scope: Scope::service("shop") };
    let Table::Changes(rows) = rig.ask(ask).unwrap().table else { panic!("no changes table") };
    let row = |row: ChangeRow| ((row.at.0 - T0) / SECOND_NS, row.kind, row.instance, row.before, row.after);
    rows.into_iter().map(row).collect()
}

fn text(row: (i64, ChangeKind, &str, &str, &str)) -> (i64, ChangeKind, String, String, String) {
    (row.0, row.1, row.2.to_owned(), row.3.to_owned(), row.4.to_owned())
}

#[test]
fn a_deploy_a_restart_and_a_new_instance_are_seen_and_the_first_start_is_not() {
    let rig = Rig::new();
    emit(&rig, "a", "1", "10", 0);
    emit(&rig, "b", "1", "11", 3);
    emit(&rig, "a", "1", "10", 20);
    emit(&rig, "a", "2", "20", 30);
    emit(&rig, "b", "1", "11", 31);
    emit(&rig, "b", "1", "21", 40);
    emit(&rig, "c", "1", "30", 50);
    let expected = [
        text((30, ChangeKind::Deploy, "a", "1", "2")),
        text((40, ChangeKind::Restart, "b", "11", "21")),
        text((50, ChangeKind::InstanceAdded, "c", "", "1")),
    ];
    assert_eq!(changes(&rig, 0, 100), expected);
    assert_eq!(changes(&rig, 31, 50), expected[1..2]);
    assert_eq!(changes(&rig.reopen(), 0, 100), expected);
}

#[test]
fn telemetry_that_comes_late_moves_the_change_to_where_it_was() {
    let rig = Rig::new();
    emit(&rig, "a", "1", "10", 0);
    emit(&rig, "a", "2", "20", 35);
    emit(&rig, "a", "2", "20", 30);
    emit(&rig, "a", "1", "10", 29);
    assert_eq!(changes(&rig, 0, 100), [text((30, ChangeKind::Deploy, "a", "1", "2"))]);
}

#[test]
fn processes_side_by_side_under_one_instance_are_no_restarts() {
    let rig = Rig::new();
    for second in 0..40 {
        emit(&rig, "", "1", if second % 2 == 0 { "10" } else { "11" }, second);
    }
    assert_eq!(changes(&rig, 0, 100), []);
}

#[test]
fn a_rollback_without_process_ids_is_a_second_deploy() {
    let rig = Rig::new();
    for (second, version) in [(0, "1"), (10, "1"), (20, "2"), (30, "2"), (40, "1"), (50, "1")] {
        emit(&rig, "a", version, "", second);
    }
    assert_eq!(
        changes(&rig, 0, 100),
        [text((20, ChangeKind::Deploy, "a", "1", "2")), text((40, ChangeKind::Deploy, "a", "2", "1"))]
    );
}

#[test]
fn new_instances_with_a_new_version_are_one_rollout() {
    let rig = Rig::new();
    emit(&rig, "a", "1", "10", 0);
    emit(&rig, "b", "2", "20", 30);
    emit(&rig, "c", "2", "30", 45);
    assert_eq!(
        changes(&rig, 0, 100),
        [text((30, ChangeKind::Deploy, "b", "1", "2")), text((45, ChangeKind::Deploy, "c", "1", "2"))]
    );
}
