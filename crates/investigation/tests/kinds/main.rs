//! The kinds of fault, each against answers made by hand: what decides it, and what it must not be taken for.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test may fail loudly")]

mod breakers;
#[path = "../switched/mod.rs"]
mod switched;
mod world;

use breakers::open_breaker;
use incident::{AlertSignal, ComponentKind, Conclusion, Fault, HypothesisStatus};
use investigation::Settings;
use telemetry::SpanKind;
use telemetry::answer::{CompareAttribute, CompareTable, CompareValue, LaneRow, QueueFigures, Split};
use world::{Group, World, healthy, lane, query, server};

/// `back`'s own work takes 80 ms more, of which its process computes for `cpu` seconds a second (0.64 s are extra).
fn slow_work(cpu: Option<f64>) -> World {
    let mut world = healthy();
    world.groups[1] = server("back", 1.0, 81.0);
    world.cpu = cpu.map(|cpu| ("back", 0.05, 0.05 + cpu));
    world
}

// covers: AT-34
#[test]
fn an_even_wait_without_computing_is_an_injected_delay() {
    let cause = slow_work(Some(0.01)).cause();
    assert_eq!((cause.service.as_str(), cause.fault), ("back", Fault::InjectedDelay), "{}", cause.statement);
    assert!(!cause.evidence.is_empty());
}

// covers: W-24
#[test]
fn a_process_that_computes_for_the_time_is_slow_work_and_without_figures_nothing_more_is_said() {
    assert_eq!(slow_work(Some(0.6)).cause().fault, Fault::SlowWork);
    assert_eq!(slow_work(None).cause().fault, Fault::SlowWork);
}

// covers: AT-32
#[test]
fn idle_time_before_queries_at_their_limit_is_a_pool_and_not_a_delay() {
    let mut world = slow_work(Some(0.01));
    world.groups[2] = query("back", (1, 2.0, 0.1), (1, 2.0, 79.0));
    world.lanes.1 = vec![lane("pg", true, 0.9, 1, 1.0)];
    let cause = world.cause();
    assert_eq!((cause.fault, cause.resource.as_str()), (Fault::PoolWait, "pg"), "{}", cause.statement);
    world.lanes.1 = vec![lane("pg", true, 0.2, 4, 1.0)];
    assert_ne!(world.cause().fault, Fault::PoolWait, "there was room in the pool");
}

// covers: AT-33
#[test]
fn a_process_that_stands_still_during_its_calls_is_blocked_and_its_grown_edges_are_its_own() {
    let mut world = slow_work(Some(0.01));
    world.edges = vec![("front", "back", 0.5, 60.0, 0)];
    world.lanes = (vec![lane("rates", false, 0.1, 2, 1.0)], vec![lane("rates", false, 0.9, 1, 0.0)]);
    let cause = world.cause();
    assert_eq!(
        (cause.service.as_str(), cause.fault),
        ("back", Fault::BlockedExecutor),
        "{}",
        cause.statement
    );
    world.lanes.1 = vec![lane("rates", false, 0.9, 6, 1.0)];
    assert_ne!(world.cause().fault, Fault::BlockedExecutor, "the process went on meanwhile");
}

// covers: AT-33
#[test]
fn calls_in_a_row_that_ran_side_by_side_are_a_blocked_process_though_none_takes_longer() {
    let mut world = healthy();
    world.deployed = vec!["back"];
    let side_by_side = LaneRow { total_ns: 2_500_000_000, ..lane("rates", false, 0.1, 10, 1.0) };
    // 48 requests are 90 ms late in the bad window: 4.3 s; the calls take 4.5 s in a row.
    world.lanes = (vec![side_by_side], vec![lane("rates", false, 0.9, 1, 0.0)]);
    let conclusion = world.diagnose();
    let cause = conclusion.root_cause.unwrap_or_else(|| panic!("{}", conclusion.statement));
    assert_eq!(
        (cause.service.as_str(), cause.fault),
        ("back", Fault::BlockedExecutor),
        "{}",
        cause.statement
    );
    assert_eq!((cause.operation.as_str(), cause.trigger.unwrap().change.service.as_str()), ("GET /", "back"));
    assert!(!conclusion.ruled_out.iter().any(|item| item.candidate.name.contains("deploy")));
}

// covers: AT-30
#[test]
fn a_connection_for_each_call_is_churn() {
    let mut world = healthy();
    world.groups.push(Group {
        span: "tls.connect",
        kind: SpanKind::Internal,
        good: (0, 0.0, 0.0),
        bad: (2, 40.0, 0.0),
        ..server("back", 0.0, 0.0)
    });
    let cause = world.cause();
    assert_eq!(
        (cause.service.as_str(), cause.fault),
        ("back", Fault::ConnectionChurn),
        "{}",
        cause.statement
    );
}

#[test]
fn connections_that_take_long_beside_an_overloaded_callee_are_a_symptom_and_no_churn() {
    let mut world = slow_work(Some(0.6));
    world.groups.push(Group {
        span: "tls.connect",
        kind: SpanKind::Internal,
        good: (0, 0.0, 0.0),
        bad: (1, 60.0, 0.0),
        ..server("front", 0.0, 0.0)
    });
    world.deployed = vec!["front"];
    assert_eq!(world.cause().service, "back", "{}", world.cause().statement);
    assert!(world.diagnose().further_causes.is_empty());
    world.groups[1] = server("back", 2.0, 2.0);
    assert_eq!(world.cause().fault, Fault::ConnectionChurn, "nobody works longer");
}

#[test]
fn more_queries_a_request_are_named_by_their_number() {
    let mut world = healthy();
    world.groups[2] = query("back", (1, 2.0, 0.1), (40, 2.0, 0.1));
    let cause = world.cause();
    assert_eq!((cause.service.as_str(), cause.fault), ("back", Fault::MoreCalls), "{}", cause.statement);
    assert!(cause.statement.contains("40.0 times"), "{}", cause.statement);
}

#[test]
fn what_emits_nothing_is_named_as_at_or_behind_and_never_its_caller() {
    let mut world = healthy();
    world.groups.push(Group {
        span: "GET",
        kind: SpanKind::Client,
        resource: "rates",
        good: (1, 3.0, 0.0),
        bad: (1, 90.0, 0.0),
        ..server("back", 0.0, 0.0)
    });
    let cause = world.cause();
    assert_eq!(
        (cause.component, cause.service.as_str(), cause.fault),
        (ComponentKind::Dependency, "rates", Fault::SlowDependency)
    );
    assert_eq!(cause.seen_from, ["back"]);
    assert!(cause.statement.starts_with("at or behind `rates` (not instrumented)"), "{}", cause.statement);
}

#[test]
fn clocks_that_differ_are_a_gap_of_the_conclusion() {
    let mut world = slow_work(Some(0.6));
    world.edges = vec![("front", "back", 0.5, 0.5, 0)];
    let gaps =
        |world: &World| world.diagnose().gaps.iter().map(|gap| gap.missing.clone()).collect::<String>();
    assert!(!gaps(&world).contains("clock"));
    world.skew_ms = -5_000;
    assert!(gaps(&world).contains("the clock of `back` is 5.0 s behind that of `front`"), "{}", gaps(&world));
}

#[test]
fn two_causes_at_once_are_two_and_a_bystander_is_none() {
    let mut world = slow_work(Some(0.6));
    world.deployed = vec!["back"];
    world.groups.push(Group {
        span: "GET",
        kind: SpanKind::Client,
        resource: "rates",
        good: (1, 3.0, 0.0),
        bad: (1, 70.0, 0.0),
        ..server("front", 0.0, 0.0)
    });
    let conclusion = world.diagnose();
    let names: Vec<_> = conclusion
        .root_cause
        .iter()
        .chain(&conclusion.further_causes)
        .map(|cause| cause.service.as_str())
        .collect();
    assert_eq!(names, ["back", "rates"], "{}", conclusion.statement);
    // Five calls side by side count five times: the other cause is small beside them, and still one.
    let calls = world.groups.last_mut().unwrap();
    (calls.good, calls.bad) = ((5, 3.0, 0.0), (5, 200.0, 0.0));
    let conclusion = world.diagnose();
    let further: Vec<_> = conclusion.further_causes.iter().map(|cause| cause.service.as_str()).collect();
    assert_eq!(further, ["back"], "{}", conclusion.statement);
    let mut world = slow_work(Some(0.6));
    world.deployed = vec!["back"];
    world.groups[0] = server("front", 1.0, 20.0);
    assert!(world.diagnose().further_causes.is_empty(), "a busy machine slows bystanders");
}

#[test]
fn a_service_deployed_after_the_onset_is_no_second_cause() {
    let mut world = slow_work(Some(0.6));
    world.deployed = vec!["back", "front"];
    world.groups[0] = server("front", 1.0, 60.0);
    assert_eq!(world.diagnose().further_causes.len(), 1, "deployed at the onset it is one");
    (world.deployed, world.deployed_late) = (vec!["back"], vec!["front"]);
    assert!(world.diagnose().further_causes.is_empty(), "{}", world.diagnose().statement);
}

// covers: AW-27
#[test]
fn an_operation_that_has_never_succeeded_is_said_to_be_so() {
    let mut world = World { signal: Some(AlertSignal::Errors), ..healthy() };
    world.groups.push(Group {
        span: "POST /alert",
        failing: true,
        good: (0, 0.0, 0.0),
        ..server("back", 0.0, 1.0)
    });
    let cause = world.cause();
    assert_eq!((cause.service.as_str(), cause.fault), ("back", Fault::NeverSucceeded), "{}", cause.statement);
    world.groups[1].failing = true;
    world.groups.pop();
    assert_eq!(world.cause().fault, Fault::ErrorOrigin, "it succeeded before");
}

#[test]
fn errors_of_one_component_are_summed_over_its_operations_and_its_statements() {
    let failing = |span: &'static str| Group { span, failing: true, ..server("back", 1.0, 1.0) };
    let mut world = World { signal: Some(AlertSignal::Errors), ..healthy() };
    world.groups.extend([failing("GET /a"), failing("GET /b"), failing("GET /c")]);
    let cause = world.cause();
    assert_eq!((cause.service.as_str(), cause.fault), ("back", Fault::ErrorOrigin), "{}", cause.statement);
    assert!(cause.statement.contains("and 2 more"), "{}", cause.statement);

    let refused = |service, statement: &'static str| Group {
        span: statement,
        resource: statement,
        failing: true,
        ..query(service, (1, 1.0, 0.0), (1, 1.0, 0.0))
    };
    world = World { signal: Some(AlertSignal::Errors), ..healthy() };
    world.groups.extend([
        refused("back", "SELECT a"),
        refused("back", "SELECT b"),
        refused("front", "SELECT c"),
    ]);
    let cause = world.cause();
    assert_eq!(
        (cause.component, cause.service.as_str()),
        (ComponentKind::Dependency, "pg"),
        "{}",
        cause.statement
    );

    world = World { signal: Some(AlertSignal::Errors), ..healthy() };
    world.groups.extend(["a", "b", "c"].map(|service| Group { failing: true, ..server(service, 1.0, 1.0) }));
    assert_eq!(world.diagnose().root_cause, None, "three services, and nothing in common");
}

// covers: PB-46
#[test]
fn repetitions_that_feed_themselves_are_the_callers_and_those_of_a_failing_callee_are_not() {
    let mut world = World { signal: Some(AlertSignal::Errors), ..healthy() };
    world.edges = vec![("front", "back", 0.5, 30.0, 7)];
    world.deployed = vec!["front"];
    let cause = world.cause();
    assert_eq!((cause.service.as_str(), cause.fault), ("front", Fault::RetryStorm), "{}", cause.statement);
    world.deployed = Vec::new();
    world.edges = vec![("front", "back", 0.5, 30.0, 4)];
    assert!(
        world.diagnose().root_cause.is_none_or(|cause| cause.fault != Fault::RetryStorm),
        "calls that fail over are no storm"
    );
    world.edges = vec![("front", "back", 0.5, 30.0, 8)];
    assert_eq!(world.cause().fault, Fault::RetryStorm, "eight of ten calls are repetitions");
    world.groups[1].failing = true;
    let cause = world.cause();
    assert_eq!((cause.service.as_str(), cause.fault), ("back", Fault::ErrorOrigin), "{}", cause.statement);
}

/// More than half of the messages are never processed.
fn lost_mail() -> QueueFigures {
    QueueFigures {
        name: "mail".into(),
        processed: 80,
        failed: 0,
        untaken: 120,
        deliveries: 80,
        deliveries_max: 1,
        most_delivered: None,
    }
}

// covers: PB-02
#[test]
fn messages_that_stop_in_a_queue_are_followed_there_and_the_deploy_behind_it_is_not_exonerated() {
    let lost = lost_mail();
    let mut world = World {
        signal: Some(AlertSignal::Throughput),
        queue: Some(lost.clone()),
        deployed: vec!["back"],
        ..healthy()
    };
    let conclusion = world.diagnose();
    let cause = conclusion.root_cause.unwrap();
    assert_eq!(
        (cause.component, cause.service.as_str(), cause.fault),
        (ComponentKind::Queue, "mail", Fault::MessageLoss),
        "{}",
        cause.statement
    );
    assert_eq!(cause.trigger.unwrap().change.service, "back");
    assert!(
        !conclusion.ruled_out.iter().any(|item| item.candidate.service == "back"),
        "{:?}",
        conclusion.ruled_out
    );
    world.queue = Some(QueueFigures { failed: 1, untaken: 119, deliveries_max: 30, ..lost });
    assert_eq!(world.cause().fault, Fault::MessageStuck);
}

/// Requests of two nodes in twelve blocks: of those on `n3` most are bad, of the others one in all.
fn one_bad_node() -> CompareTable {
    let blocks = |fine, bad| vec![Split { fine, bad }; 12];
    let mut others = blocks(8, 0);
    others[3].bad = 1;
    let mut whole = blocks(9, 5);
    whole[3].bad = 6;
    let value = |value: &str, blocks| CompareValue { value: value.into(), blocks, ..CompareValue::default() };
    CompareTable {
        blocks: whole.clone(),
        attributes: vec![CompareAttribute {
            key: "k8s.node.name".into(),
            blocks: whole,
            values: vec![value("n1", others), value("n3", blocks(1, 5))],
            ..CompareAttribute::default()
        }],
        ..CompareTable::default()
    }
}

// covers: EL-17
#[test]
fn what_bad_requests_share_sharpens_a_cause_and_is_one_only_where_no_service_is() {
    let plain = slow_work(Some(0.01)).cause();
    let compared = Some(one_bad_node());
    let cause = World { compared: compared.clone(), ..slow_work(Some(0.01)) }.cause();
    assert_eq!((&cause.service, cause.fault), (&plain.service, plain.fault), "the cause stays what it is");
    assert!(cause.statement.contains("k8s.node.name=n3"), "{}", cause.statement);
    assert_eq!(cause.evidence.len(), plain.evidence.len() + 1);
    assert_eq!(healthy().diagnose().root_cause, None);
    let conclusion = World { compared, ..healthy() }.diagnose();
    let cause = conclusion.root_cause.unwrap();
    assert_eq!(
        (cause.component, cause.service.as_str()),
        (ComponentKind::Dependency, "k8s.node.name=n3"),
        "{}",
        cause.statement
    );
    assert_eq!(conclusion.hypotheses[0].candidate.name, "k8s.node.name=n3");
}

#[test]
fn an_alert_on_what_is_hardly_there_blames_nobody_and_says_so() {
    let slower = |now_ms| World { now_ms: Some(now_ms), ..slow_work(Some(0.6)) }.diagnose();
    let conclusion = slower(4.2);
    assert_eq!(conclusion.root_cause, None, "{}", conclusion.statement);
    assert!(conclusion.statement.contains("what the alert says is hardly there"), "{}", conclusion.statement);
    assert!(conclusion.statement.contains(" 4.2 ms since "), "{}", conclusion.statement);
    assert!(slower(6.0).root_cause.is_some(), "half as long again is there");
}

// covers: PB-41
#[test]
fn every_hypothesis_names_where_what_and_a_check_with_its_outcome() {
    let mut many = healthy();
    many.groups[2] = query("back", (1, 2.0, 0.1), (40, 2.0, 0.1));
    let mail = World { signal: Some(AlertSignal::Throughput), queue: Some(lost_mail()), ..healthy() };
    for world in [slow_work(Some(0.6)), many, open_breaker(), mail] {
        let conclusion = world.diagnose();
        assert!(conclusion.hypotheses.len() >= 2, "{}", conclusion.statement);
        for one in &conclusion.hypotheses {
            let named = format!("{}{}", one.candidate.service, one.candidate.name);
            assert!(!named.is_empty() && !one.statement.is_empty(), "{one:?}");
            assert!(one.predictions.iter().any(|check| !check.statement.is_empty()), "{one:?}");
        }
        let cause = conclusion.root_cause.unwrap();
        let supported: Vec<_> =
            conclusion.hypotheses.iter().filter(|one| one.status == HypothesisStatus::Supported).collect();
        assert_eq!(supported.len(), 1, "{:?}", conclusion.hypotheses);
        let candidate = &supported[0].candidate;
        assert_eq!(candidate.service, cause.service, "{candidate:?}");
        let places = [&cause.span, &cause.resource];
        assert!(candidate.name.is_empty() || places.contains(&&candidate.name), "{candidate:?}");
    }
}

fn has_fault(fault: Fault) -> impl Fn(&Conclusion) -> bool {
    move |conclusion| conclusion.root_cause.as_ref().is_some_and(|cause| cause.fault == fault)
}

#[test]
fn a_measure_that_is_switched_off_says_nothing() {
    let slow = slow_work(Some(0.01));
    let run = |world: World| move |settings: Settings| world.diagnose_with(settings);
    switched::check("exclusive_latency", run(slow.clone()), |conclusion| conclusion.root_cause.is_some());
    switched::check("computing", run(slow.clone()), has_fault(Fault::InjectedDelay));

    let deployed = World { deployed: vec!["back"], ..slow.clone() };
    let has_trigger =
        |conclusion: &Conclusion| conclusion.root_cause.as_ref().is_some_and(|cause| cause.trigger.is_some());
    switched::check("changes", run(deployed), has_trigger);

    let compared = World { compared: Some(one_bad_node()), ..slow.clone() };
    let shares = |conclusion: &Conclusion| conclusion.statement.contains("k8s.node.name=n3");
    switched::check("attribute_contrast", run(compared), shares);
    let removes = |conclusion: &Conclusion| {
        let predictions = conclusion.hypotheses.iter().flat_map(|one| &one.predictions);
        predictions.into_iter().any(|one| one.statement.contains("would remain"))
    };
    switched::check("counterfactual", run(slow.clone()), removes);

    let skewed = World { skew_ms: -5_000, ..slow.clone() };
    let is_skewed =
        |conclusion: &Conclusion| conclusion.gaps.iter().any(|gap| gap.missing.contains("clock of"));
    switched::check("clock", run(skewed), is_skewed);

    let late = World { edges: vec![("front", "back", 0.5, 60.0, 0)], ..healthy() };
    switched::check("edge_delay", run(late), has_fault(Fault::SlowEdge));

    let lanes = (vec![lane("rates", false, 0.1, 2, 1.0)], vec![lane("rates", false, 0.9, 1, 0.0)]);
    switched::check("waiting", run(World { lanes, ..slow }), has_fault(Fault::BlockedExecutor));

    let mut failing = World { signal: Some(AlertSignal::Errors), ..healthy() };
    failing.groups[1].failing = true;
    switched::check("error_origination", run(failing), has_fault(Fault::ErrorOrigin));

    let resends = vec![("front", "back", 0.5, 30.0, 8)];
    let storm = World { signal: Some(AlertSignal::Errors), edges: resends, ..healthy() };
    switched::check("structure", run(storm), has_fault(Fault::RetryStorm));

    let is_behind =
        |conclusion: &Conclusion| conclusion.root_cause.as_ref().is_some_and(|cause| cause.service == "back");
    switched::check("open_breaker", run(open_breaker()), is_behind);

    let lost = lost_mail();
    let queue = World { signal: Some(AlertSignal::Throughput), queue: Some(lost), ..healthy() };
    switched::check("messages", run(queue), has_fault(Fault::MessageLoss));
}

#[test]
fn a_rule_that_is_switched_off_rules_nothing_out() {
    let world = World { deployed: vec!["front"], deployed_late: vec!["back"], ..slow_work(Some(0.6)) };
    let run = |settings| world.diagnose_with(settings);
    let open = |settings| open_breaker().diagnose_with(settings);
    switched::check("breaker_open", open, switched::rules_out("breaker_open"));
    switched::check("cause_after_onset", run, switched::rules_out("cause_after_onset"));
    switched::check("change_without_effect", run, switched::rules_out("change_without_effect"));
    switched::check("edge_unchanged", run, switched::rules_out("edge_unchanged"));
    switched::check("excess_in_callee", run, switched::rules_out("excess_in_callee"));
    switched::check("load_steady", run, switched::rules_out("load_steady"));
}

/// Each check of a switch stands in the test file that owns its world.
#[test]
fn every_measure_and_every_rule_is_seen_to_be_silenced() {
    let tests = [
        include_str!("main.rs"),
        include_str!("../attribution.rs"),
        include_str!("../call_graph.rs"),
        include_str!("../state.rs"),
        include_str!("../unnamed/main.rs"),
        include_str!("../unnamed/without_spans.rs"),
    ];
    for switch in investigation::switches::switches() {
        let check = format!("switched::check(\"{}\"", switch.id);
        assert!(tests.iter().any(|test| test.contains(&check)), "no test silences `{}`", switch.id);
    }
}
