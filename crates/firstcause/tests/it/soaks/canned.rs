//! What runs could have left behind, written by hand, and how the judge takes it.

use serde_json::{Value, json};

use super::judge::{Answer, Row, judge};
use super::run::{Order, Ran};

const DARK: Order = Order { fault: "legacy", seed: 1, switch: "dark", more: &["--dark"] };

fn cause(component: &str, name: &str) -> Value {
    json!({"component": component, "service": name, "fault": "injected_delay", "seen_from": [], "trigger": null})
}

fn output(causes: &[Value]) -> Value {
    let kind = if causes.is_empty() { "insufficient" } else { "root_cause" };
    json!({
        "incident": "inc-1", "conclusion": kind, "root_cause": causes.first(),
        "diagnosis": {
            "further_causes": causes.iter().skip(1).collect::<Vec<_>>(),
            "hypotheses": [{"status": "refuted", "candidate": {"service": "gateway"}}],
        },
        "service_map": [{"caller": "checkout", "callee": "stock"}],
        "verification": {"verdict": "effective", "instances_fixed": 2, "instances_proposed": 2},
        "resolution": {"verifications": [{"verdict": "effective"}, {"verdict": "effective"}]},
    })
}

fn truth(causes: &[(&str, &str, Option<&str>)]) -> Value {
    let cause = |(place, (kind, name, profile)): (usize, &(&str, &str, Option<&str>))| json!({"kind": kind, "name": name, "profile": profile, "onset_unix_nanos": 1_000_000_000 * (place + 1)});
    json!({
        "causes": causes.iter().enumerate().map(cause).collect::<Vec<_>>(),
        "decoys": [{"service": "gateway"}],
    })
}

fn proposal(profile: &str, service: &str) -> Vec<Value> {
    vec![
        json!({"kind": "conclusion", "at": 9_000_000_000_i64, "body": {}}),
        json!({"kind": "proposal", "at": 9_100_000_000_i64, "body": [
            {"profile": profile, "service": service}, {"profile": profile, "service": service},
        ]}),
        json!({"kind": "verification", "at": 25_500_000_000_i64, "body": {}}),
        json!({"kind": "verification", "at": 35_500_000_000_i64, "body": {}}),
    ]
}

fn ran(output: Value, journal: Vec<Value>) -> Ran {
    Ran { output, truth: truth(&[("service", "stock", Some("legacy"))]), journal, code: Some(0) }
}

/// A run in which all is right.
pub(super) fn right(fault: &'static str) -> Row {
    let stock = output(&[cause("service", "stock")]);
    judge(&Order::new(fault, 1), &ran(stock, proposal("legacy", "stock")))
}

fn answer(causes: &[Value]) -> Answer {
    judge(&Order::new("legacy", 1), &ran(output(causes), Vec::new())).answer
}

#[test]
fn all_right_is_right_and_the_seconds_end_with_the_canary() {
    let row = right("legacy");
    assert!(row.is_right_with_profile() && row.is_fixed && !row.is_decoy_blamed, "{}", row.line());
    assert_eq!((row.explained_s, row.verdict_s), (Some(8.0), Some(24.5)));
    assert_eq!((row.effective_trials, row.proposed.len(), row.is_action_wrong), (2, 1, false));
    assert!(!row.is_right_without_action());
}

#[test]
fn another_profile_another_service_and_another_exit_code_are_not_right() {
    let stock = || output(&[cause("service", "stock")]);
    for (profile, service) in [("slow_query", "stock"), ("legacy", "orders")] {
        let row = judge(&Order::new("legacy", 1), &ran(stock(), proposal(profile, service)));
        assert_eq!((row.answer, row.is_profile_right, row.is_action_wrong), (Answer::Right, false, true));
    }
    let unproposed = judge(&Order::new("legacy", 1), &ran(stock(), Vec::new()));
    assert!(!unproposed.is_profile_right && unproposed.is_right_without_action());
    let refused = Ran { code: Some(1), ..ran(stock(), proposal("legacy", "stock")) };
    assert!(!judge(&Order::new("legacy", 1), &refused).is_fixed);
}

#[test]
fn the_component_must_be_of_the_right_kind_and_alone() {
    assert_eq!(answer(&[cause("service", "orders")]), Answer::WrongComponent);
    assert_eq!(answer(&[cause("dependency", "stock")]), Answer::WrongComponent);
    assert_eq!(answer(&[cause("service", "stock"), cause("service", "orders")]), Answer::WrongComponent);
    assert_eq!(answer(&[]), Answer::Insufficient);
    let mut elsewhere = output(&[]);
    elsewhere["conclusion"] = json!("no_cause");
    let order = Order::new("legacy", 1);
    assert_eq!(judge(&order, &ran(elsewhere, Vec::new())).answer, Answer::NoCause);
    let silent = json!({"schema": "firstcause.demo/1", "incident": null});
    let row = judge(&order, &ran(silent, Vec::new()));
    assert_eq!((row.answer, row.said.as_str(), row.explained_s), (Answer::NoIncident, "no incident", None));
}

#[test]
fn a_decoy_is_blamed_as_a_cause_as_a_trigger_and_as_a_supported_hypothesis() {
    let is_blamed = |output: Value| judge(&Order::new("legacy", 1), &ran(output, Vec::new())).is_decoy_blamed;
    assert!(!is_blamed(output(&[cause("service", "stock")])));
    assert!(is_blamed(output(&[cause("service", "gateway")])));
    assert!(is_blamed(output(&[cause("service", "stock"), cause("service", "gateway")])));
    let mut set_off = cause("service", "stock");
    set_off["trigger"] = json!({"change": {"service": "gateway"}});
    assert!(is_blamed(output(&[set_off])));
    let mut supported = output(&[cause("service", "stock")]);
    supported["diagnosis"]["hypotheses"][0]["status"] = json!("supported");
    assert!(is_blamed(supported));
}

#[test]
fn both_of_two_causes_are_right_in_any_order_and_one_is_partial() {
    let two = |causes: &[Value]| {
        let truth = truth(&[("service", "stock", None), ("service", "orders", None)]);
        let ran = Ran { output: output(causes), truth, journal: Vec::new(), code: Some(0) };
        judge(&Order::new("two_faults", 1), &ran).answer
    };
    let (stock, orders) = (cause("service", "stock"), cause("service", "orders"));
    assert_eq!(two(&[stock.clone(), orders.clone()]), Answer::Right);
    assert_eq!(two(&[orders.clone(), stock.clone()]), Answer::Right);
    assert_eq!(two(std::slice::from_ref(&orders)), Answer::Partial);
    assert_eq!(two(&[orders, cause("service", "catalog")]), Answer::WrongComponent);
}

#[test]
fn another_name_is_as_right_whatever_its_kind() {
    let mut truth = truth(&[("queue", "order-events", None)]);
    truth["causes"][0]["also"] = json!(["receipts"]);
    let judged = |component: &str, name: &str| {
        let output = output(&[cause(component, name)]);
        let ran = Ran { output, truth: truth.clone(), journal: Vec::new(), code: Some(0) };
        judge(&Order::new("silent_drop", 1), &ran).answer
    };
    assert_eq!(judged("queue", "order-events"), Answer::Right);
    assert_eq!(judged("service", "receipts"), Answer::Right);
    assert_eq!(judged("service", "order-events"), Answer::WrongComponent);
}

#[test]
fn of_a_dark_service_only_the_party_behind_the_calls_is_right_and_the_caller_is_wrong() {
    let judged = |causes: &[Value]| judge(&DARK, &ran(output(causes), Vec::new()));
    assert_eq!(judged(&[cause("dependency", "stock")]).answer, Answer::Right);
    assert_eq!(judged(&[cause("service", "stock")]).answer, Answer::WrongComponent);
    for wrong in [cause("service", "checkout"), cause("edge", "checkout -> stock")] {
        let row = judged(&[wrong]);
        assert!(row.is_caller_blamed && row.answer == Answer::WrongComponent, "{}", row.line());
    }
    let other = judged(&[cause("service", "catalog")]);
    assert!(!other.is_caller_blamed && other.answer == Answer::WrongComponent, "{}", other.line());
}
