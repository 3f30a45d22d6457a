//! A client that knows nothing but `status` and the hints of each answer reaches the root cause within three calls.
//!
//! A push follows the hints while a person is asked about the demo's slow query (`asked`), and here over a system
//! without signals; `cargo xtask soak hints` does it for the five faults with a profile.

use std::net::SocketAddr;
use std::net::TcpListener;
use std::time::Duration;

use serde_json::{Value, json};

use crate::resume::{Stand, wait};
use crate::serving::{Serving, exchange};
use crate::{alone, print_figures, soak};

/// The faults with a profile.
const FAULTS: [&str; 5] = ["slow_query", "connection_reuse", "pool_exhaustion", "blocking_io", "legacy"];
/// Calls at most, the first included.
const CALLS_MAX: usize = 3;

/// What a client that follows the hints came to.
#[derive(Debug)]
pub(crate) struct Followed {
    /// The tools it called, in order.
    pub(crate) calls: Vec<String>,
    /// The service that a conclusion named.
    pub(crate) service: Option<String>,
}

/// From `status`, the first hint each time, until a conclusion names a service.
pub(crate) fn followed(http: SocketAddr) -> Followed {
    let mut followed = Followed { calls: Vec::new(), service: None };
    let (mut tool, mut arguments) = ("status".to_owned(), json!({}));
    while followed.calls.len() < CALLS_MAX && followed.service.is_none() {
        let reply = call(http, &tool, &arguments);
        followed.calls.push(tool);
        followed.service = reply["structured"]["service"].as_str().map(str::to_owned);
        let hint = &reply["next"][0];
        let Some(next) = hint["tool"].as_str() else { break };
        (tool, arguments) = (next.to_owned(), hint["arguments"].clone());
    }
    followed
}

/// Calls a tool over REST.
pub(crate) fn call(http: SocketAddr, tool: &str, arguments: &Value) -> Value {
    let place = format!("POST /api/v1/tools/{tool}");
    let body = arguments.to_string();
    let (status, reply) = exchange(http, &place, "application/json", body.as_bytes()).unwrap();
    assert_eq!(status, 200, "{tool} {arguments}: {}", String::from_utf8_lossy(&reply));
    serde_json::from_slice(&reply).unwrap()
}

#[test]
fn where_nothing_is_wrong_the_hints_name_nobody() {
    let folder = tempfile::tempdir().unwrap();
    let serving = Serving::start(folder.path(), &[]);
    let followed = followed(serving.http);
    assert!(followed.service.is_none() && followed.calls.len() > 1, "{followed:?}");
}

#[test]
fn three_calls_name_the_cause_of_each_fault() {
    let (is_soak, _, seed) = soak();
    if !is_soak {
        return;
    }
    let _turn = alone();
    let rows: Vec<Value> = FAULTS.iter().map(|fault| one(fault, seed)).collect();
    let right = rows.iter().filter(|row| row["is_right"] == true).count();
    let passed = right == FAULTS.len();
    assert!(
        rows.iter().all(|row| row["calls"].as_array().is_some_and(|calls| !calls.is_empty())),
        "{rows:?}"
    );
    print_figures(&json!({ "faults": rows, "right": right, "of": FAULTS.len(), "passed": passed }));
}

/// One fault, its incident explained, and what the hints lead to.
fn one(fault: &str, seed: u64) -> Value {
    let otlp = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().to_string();
    let stand = Stand::breaking(fault, seed, otlp);
    let serving = stand.serve();
    wait("an incident is explained", Duration::from_secs(150), || {
        let listed = call(serving.http, "incidents", &json!({}));
        (listed["structured"]["incidents"][0]["status"] == "closed").then_some(())
    });
    let followed = followed(serving.http);
    let truth: Value = serde_json::from_slice(&std::fs::read(stand.path("truth")).unwrap()).unwrap();
    let expected = truth["causes"][0]["name"].as_str().unwrap_or_default().to_owned();
    println!("{fault}: {followed:?}, expected {expected}");
    json!({
        "fault": fault,
        "calls": followed.calls,
        "named": followed.service,
        "expected": expected,
        "is_right": followed.service.as_deref() == Some(expected.as_str()),
    })
}
