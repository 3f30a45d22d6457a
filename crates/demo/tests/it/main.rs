//! The demo system as a whole: real processes, real faults, real telemetry.
//! It deliberately asserts ratios and not milliseconds: machines differ.

#![expect(clippy::unwrap_used, clippy::expect_used, reason = "a test that cannot go on has failed")]

mod harness;
mod sink;

use std::collections::BTreeSet;
use std::time::Duration;

use axum::http::StatusCode;
use demo::director::{self, Plan, Truth};
use demo::fault::{Action, Fault};
use demo::load;
use demo::supervisor::client::ClientError;
use demo::supervisor::wire::Variables;

use harness::{Harness, assert_all_gone};
use sink::{Received, Span};

const CLIENT: i32 = 3;
const PRODUCER: i32 = 4;
const CONSUMER: i32 = 5;

/// The spans of the first trace of a checkout that has all its parts.
fn checkout_trace(received: &Received) -> Option<Vec<Span>> {
    let root = received.spans.iter().find(|span| span.name == "POST /checkout" && span.parent.is_empty())?;
    let trace: Vec<_> = received.spans.iter().filter(|span| span.trace == root.trace).cloned().collect();
    let has = |name: &str| trace.iter().any(|span| span.name == name);
    let is_connected =
        |span: &Span| span.parent.is_empty() || trace.iter().any(|other| other.id == span.parent);
    // Gateway 2, checkout 4 with the message it sends, stock 2, orders 3; and the connections that were opened.
    let parts = ["send order-events", "UPDATE stock", "SELECT orders", "INSERT orders"];
    (trace.len() >= 11 && parts.into_iter().all(has) && trace.iter().all(is_connected)).then_some(trace)
}

/// Scenario: a customer looks at a product and the history, and buys.
/// Guarantees: every request succeeds, and its trace, records and metrics arrive, connected, from every process.
#[tokio::test]
async fn a_checkout_is_one_connected_trace_with_records_and_metrics() {
    let demo = Harness::start().await;
    let (status, product) = demo.get("gateway-1", "/products/7").await;
    assert_eq!((status, product["product"].as_i64()), (StatusCode::OK, Some(7)));
    let (status, history) = demo.get("gateway-2", "/history/7").await;
    assert_eq!((status, history["orders"].as_array().unwrap().len()), (StatusCode::OK, 20));
    let (status, order) = demo.post("gateway-1", "/checkout", r#"{"customer":7,"product":9}"#).await;
    assert_eq!((status, order["customer"].as_i64()), (StatusCode::OK, Some(7)));
    assert_eq!(demo.get("gateway-1", "/products/999999").await.0, StatusCode::NOT_FOUND);

    let trace = demo.sink.until("the trace of a checkout", checkout_trace).await;
    let ids: BTreeSet<_> = trace.iter().map(|span| span.id.clone()).collect();
    let roots = trace.iter().filter(|span| span.parent.is_empty()).count();
    assert_eq!(roots, 1);
    assert!(trace.iter().all(|span| span.parent.is_empty() || ids.contains(&span.parent)), "{trace:#?}");
    let services: BTreeSet<_> = trace.iter().map(|span| span.resource["service.name"].as_str()).collect();
    assert_eq!(services, BTreeSet::from(["checkout", "gateway", "orders", "stock"]));

    let insert = trace.iter().find(|span| span.name == "INSERT orders").unwrap();
    assert_eq!(insert.kind, CLIENT);
    assert_eq!(insert.attributes["db.system.name"], "sqlite");
    assert!(insert.attributes["db.query.text"].starts_with("INSERT INTO orders"));
    assert_eq!(insert.resource["service.version"], "1.4.0");
    assert!(insert.resource["process.creation.time"].ends_with('Z'));
    assert!(trace.iter().any(|span| span.name == "SELECT orders"));

    let id = trace[0].trace.clone();
    let recorded = |received: &Received| {
        let of_trace = received.logs.iter().filter(|(_, trace)| *trace == id);
        let services: BTreeSet<_> = of_trace.map(|(service, _)| service.as_str()).collect();
        (services.len() == 4).then_some(())
    };
    demo.sink.until("a record of every service in the trace", recorded).await;
    let measured = |received: &Received| {
        let metric = |instance: &str, name: &str| received.metrics.contains(&(instance.into(), name.into()));
        let requests = metric("gateway-1", "http.server.request.duration");
        (requests && metric("stock-1", "db.client.operation.duration")).then_some(())
    };
    demo.sink.until("the durations of requests and database operations", measured).await;
}

/// Scenario: a version without the index is deployed under load, then one instance is restarted with it.
/// Guarantees: no request is lost; reads are several times slower; the restart heals that instance alone and
/// touches no other process; what is not allowed is refused; nothing is left running.
// covers: AT-07
#[tokio::test]
async fn a_restart_with_the_index_heals_one_instance_and_touches_no_other() {
    let mut demo = Harness::start().await;
    let healthy = demo.median("gateway-1", "/history/7").await;

    let under_load = tokio::spawn(load::run(load::Options {
        targets: demo.system.gateway_addresses(),
        rate_per_s: 12.0,
        seed: 1,
        duration: Some(Duration::from_secs(4)),
        stop_with_stdin: false,
        summary_file: Some(demo.path("load.json")),
        control_file: None,
        live_file: None,
    }));
    let set = Variables::from([("CUSTOMER_INDEX".to_owned(), "false".to_owned())]);
    let deployed = demo.supervisor.deploy("orders", "1.5.0", set).await.unwrap();
    assert_eq!(deployed.instances.len(), 2);
    demo.supervisor.deploy("gateway", "1.4.1", Variables::new()).await.unwrap();
    let summary = under_load.await.unwrap().unwrap();
    assert!(summary.sent > 25 && summary.failed == 0 && summary.dropped == 0, "{summary:?}");
    assert!(demo.path("load.json").exists());

    let faulty = demo.median("gateway-1", "/history/7").await;
    assert!(faulty > healthy * 5, "healthy {healthy:?}, faulty {faulty:?}");

    let before = demo.pids().await;
    demo.restart("orders-1", "CUSTOMER_INDEX", "true").await;
    let fast = demo.median("orders-1", "/orders?customer=7").await;
    let slow = demo.median("orders-2", "/orders?customer=7").await;
    assert!(slow > fast * 5, "orders-1 {fast:?}, orders-2 {slow:?}");
    let after = demo.pids().await;
    let changed: Vec<_> = after.iter().filter(|(instance, pid)| before[*instance] != **pid).collect();
    assert!(changed.len() == 1 && changed[0].0 == "orders-1", "{changed:?}");

    demo.restart("orders-1", "READ_AUDIT", "full").await;
    let audited = demo.median("orders-1", "/orders?customer=7").await;
    assert!(audited > fast * 3, "plain {fast:?}, audited {audited:?}");

    let set = Variables::from([("DATABASE_FILE".to_owned(), "/etc/passwd".to_owned())]);
    match demo.supervisor.restart("orders-1", set, Vec::new()).await {
        Err(ClientError::Refused(refusal)) => {
            assert_eq!(refusal.allowed.unwrap(), demo::service::ALLOWED);
        }
        other => panic!("not refused: {other:?}"),
    }

    let pids = demo.pids().await;
    demo.supervisor.stop().await.unwrap();
    assert!(demo.process.wait().await.unwrap().success());
    assert_all_gone(pids.into_values()).await;
}

fn processed(received: &Received) -> impl Iterator<Item = &Span> {
    received.spans.iter().filter(|span| span.name == "process order-events")
}

/// Scenario: orders are placed; then the worker is given a version that cannot write the receipt of a gift, and a
/// gift is ordered before something else.
/// Guarantees: each message is processed in a trace of its own that links to the span that sent it; the gift is
/// delivered again and again, fails each time, and blocks what was sent after it; the old settings unblock both.
// covers: AT-31
#[tokio::test]
async fn a_message_is_processed_in_a_linked_trace_and_a_poisonous_one_blocks_the_queue() {
    let demo = Harness::start().await;
    demo.post("gateway-1", "/checkout", r#"{"customer":25,"product":9,"gift":true}"#).await;
    let trace = demo.sink.until("the trace of a checkout", checkout_trace).await;
    let sent = trace.iter().find(|span| span.name == "send order-events").unwrap();
    assert_eq!((sent.kind, sent.resource["service.name"].as_str()), (PRODUCER, "checkout"));
    let of = |name: &str| sent.attributes[name].clone();
    assert_eq!(of("messaging.destination.name"), "order-events");
    let first =
        demo.sink.until("the message being processed", |received| processed(received).next().cloned());
    let first = first.await;
    assert_eq!((first.kind, first.parent.is_empty(), first.failed), (CONSUMER, true, false));
    assert_eq!(first.links, [(sent.trace.clone(), sent.id.clone())]);
    assert_ne!(first.trace, sent.trace);
    assert_eq!(first.attributes["messaging.message.id"], of("messaging.message.id"));
    let stored = |received: &Received| {
        received
            .spans
            .iter()
            .find(|span| span.trace == first.trace && span.name == "INSERT receipts")
            .cloned()
    };
    assert_eq!(demo.sink.until("the receipt being stored", stored).await.parent, first.id);

    let script = Fault::PoisonMessage.script(1.0).unwrap();
    let Action::Deploy { service, version, set } = script.steps[0].action.clone() else {
        panic!("no deployment")
    };
    demo.supervisor.deploy(service.name(), version, set).await.unwrap();
    demo.post("gateway-1", "/checkout", r#"{"customer":50,"product":9,"gift":true}"#).await;
    demo.post("gateway-1", "/checkout", r#"{"customer":51,"product":9}"#).await;
    let redelivered = |received: &Received| {
        let failed: Vec<_> = processed(received).filter(|span| span.failed).cloned().collect();
        (failed.len() >= 3).then_some((failed, processed(received).count()))
    };
    let (failed, all) = demo.sink.until("the message failing three times", redelivered).await;
    assert!(failed.iter().all(|span| span.links == failed[0].links), "one message, again and again");
    assert_eq!(all, failed.len() + 1, "nothing behind it is processed");

    for instance in ["receipts-1", "receipts-2"] {
        demo.restart(instance, "RECEIPT_GIFTS", "true").await;
    }
    let done =
        |received: &Received| (processed(received).filter(|span| !span.failed).count() == 3).then_some(());
    demo.sink.until("both messages being processed", done).await;
}

/// Scenario: the worker is given a version that throws away some messages, and many orders are placed.
/// Guarantees: every message is sent and leaves the queue, and clearly fewer are processed; none fails.
#[tokio::test]
async fn a_silent_drop_processes_fewer_messages_than_were_sent_and_fails_none() {
    const ORDERS: usize = 60;
    let demo = Harness::start().await;
    let script = Fault::SilentDrop.script(1.0).unwrap();
    let Action::Deploy { service, version, set } = script.steps[0].action.clone() else {
        panic!("no deployment")
    };
    demo.supervisor.deploy(service.name(), version, set).await.unwrap();
    for customer in 1..=ORDERS {
        let basket = format!(r#"{{"customer":{customer},"product":9}}"#);
        assert_eq!(demo.post("gateway-1", "/checkout", &basket).await.0, StatusCode::OK);
    }
    let sent = |received: &Received| {
        let sent = received.spans.iter().filter(|span| span.name == "send order-events").count();
        (sent == ORDERS).then_some(())
    };
    demo.sink.until("every message being sent", sent).await;
    let queue = demo.path("data/order-events.db");
    let left = || {
        let connection = rusqlite::Connection::open(&queue).unwrap();
        connection.query_row("SELECT count(*) FROM messages", [], |row| row.get::<_, i64>(0)).unwrap()
    };
    let mut poll = tokio::time::interval(Duration::from_millis(50));
    while left() > 0 {
        poll.tick().await;
    }
    tokio::time::sleep(Duration::from_millis(600)).await;
    let (count, failed) = demo
        .sink
        .until("the figures", |received| {
            Some((processed(received).count(), processed(received).filter(|span| span.failed).count()))
        })
        .await;
    assert!(
        (ORDERS / 5..ORDERS * 3 / 5).contains(&count) && failed == 0,
        "{count} processed, {failed} failed"
    );
}

/// Scenario: a fault is directed, and somebody restarts an instance with a variable that does nothing.
/// Guarantees: the system heals although the restart did not heal it, and the truth says when.
#[tokio::test]
async fn the_director_heals_the_system_after_a_restart_that_did_not() {
    let demo = Harness::start().await;
    let healthy = demo.median("gateway-1", "/history/7").await;
    let plan = Plan {
        system_file: demo.system.file(),
        socket: demo.socket.clone(),
        fault: Fault::SlowQuery,
        strength: 1.0,
        // Its decoy comes before the fault, so that the test need not wait for it.
        seed: 0,
        fault_after_s: 1,
        heal_at_s: Some(1),
        heal_after_file: None,
        load_control: None,
        truth_file: Some(demo.path("truth.json")),
        stop_with_stdin: false,
    };
    let directed = tokio::spawn(director::run(plan));
    let mut poll = tokio::time::interval(Duration::from_millis(20));
    loop {
        let instances = demo.status().await.instances;
        let mut orders = instances.iter().filter(|instance| instance.service == "orders");
        if orders.all(|instance| instance.ready && instance.version == "1.5.0") {
            break;
        }
        assert!(!directed.is_finished());
        poll.tick().await;
    }
    let faulty = demo.median("gateway-1", "/history/7").await;
    assert!(faulty > healthy * 5, "healthy {healthy:?}, faulty {faulty:?}");

    demo.restart("orders-2", "QUERY_HINT", "customer").await;
    directed.await.unwrap().unwrap();
    let healed = demo.median("gateway-1", "/history/7").await;
    assert!(healed * 3 < faulty, "healed {healed:?}, faulty {faulty:?}");

    let truth: Truth = serde_json::from_slice(&std::fs::read(demo.path("truth.json")).unwrap()).unwrap();
    assert_eq!(truth.causes[0].instances, ["orders-1", "orders-2"]);
    assert_eq!(
        (truth.causes[0].name.as_str(), truth.causes[0].profile.as_deref()),
        ("orders", Some("slow_query"))
    );
    let onset = truth.onset_unix_nanos().unwrap();
    assert!(truth.healed_at_unix_nanos.unwrap() - onset >= 1_000_000_000, "{truth:?}");
    assert!(truth.decoys[0].at_unix_nanos < onset);
    assert_eq!(truth.deploys.len(), 4);
}

/// Scenario: an instance is killed, and later the supervisor is.
/// Guarantees: the instance comes back, and no process outlives its supervisor.
#[tokio::test]
async fn a_killed_instance_comes_back_and_a_killed_supervisor_leaves_nobody() {
    let mut demo = Harness::start().await;
    let before = demo.pids().await["stock-1"];
    let pid = rustix::process::Pid::from_raw(before.try_into().unwrap()).unwrap();
    rustix::process::kill_process(pid, rustix::process::Signal::KILL).unwrap();
    let mut poll = tokio::time::interval(Duration::from_millis(20));
    loop {
        let status = demo.status().await;
        let stock = status.instances.iter().find(|instance| instance.instance == "stock-1").unwrap();
        if stock.ready && stock.pid != Some(before) {
            assert_eq!(stock.crashes, 1);
            break;
        }
        poll.tick().await;
    }
    let pids = demo.pids().await;
    demo.process.kill().await.unwrap();
    assert_all_gone(pids.into_values()).await;
}
