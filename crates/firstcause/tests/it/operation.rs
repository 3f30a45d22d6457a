//! What a supervisor and a Prometheus ask of a running server.

use std::io::Write;
use std::process::{Command, Stdio};

use crate::otlp_client::{Seeded, now_unix_nanos, trace_request};
use crate::serving::{Serving, exchange, told};

#[test]
fn a_running_server_is_ready_and_its_metrics_are_what_prometheus_reads() {
    let folder = tempfile::tempdir().unwrap();
    let serving = Serving::start(folder.path(), &[]);
    let request = trace_request(&mut Seeded(1), now_unix_nanos());
    exchange(serving.otlp, "POST /v1/traces", "application/x-protobuf", &request.bytes).unwrap();
    let (status, body) = exchange(serving.http, "GET /ready", "text/plain", &[]).unwrap();
    assert_eq!((status, String::from_utf8_lossy(&body).contains("true")), (200, true));
    let (status, head, body) = told(serving.http, "GET /metrics", &[], &[]).unwrap();
    assert!(status == 200 && head.contains("text/plain; version=0.0.4"), "{head}");
    let text = String::from_utf8(body).unwrap();
    let accepted = format!("firstcause_items_accepted_total {}", request.spans);
    assert!(text.lines().any(|line| line == accepted), "{text}");
    // The package `prometheus` has it, which the tests of sources need too.
    let mut promtool = Command::new("promtool")
        .args(["check", "metrics"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("`promtool`; hint: apt-get install prometheus");
    promtool.stdin.take().unwrap().write_all(text.as_bytes()).unwrap();
    let output = promtool.wait_with_output().unwrap();
    let said = [output.stdout, output.stderr].concat();
    assert!(output.status.success() && said.is_empty(), "{}", String::from_utf8_lossy(&said));
}
