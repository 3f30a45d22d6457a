//! What a supervisor, a Prometheus and an operator ask of a running server.

use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};

use crate::BINARY;
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

/// What `store stats` prints, both ways, and its exit code.
fn store_stats(data_dir: &Path, more: &[&str]) -> (Option<i32>, String) {
    let mut command = Command::new(BINARY);
    let ran = command.args(["store", "stats", "--data-dir"]).arg(data_dir).args(more).output().unwrap();
    (ran.status.code(), [ran.stdout, ran.stderr].map(|bytes| String::from_utf8(bytes).unwrap()).concat())
}

/// Scenario: more spans than the memory of a small `serve` holds.
/// Guarantees: `store stats` beside it gives the figures of `/stats` for the segments, and those of the file system for
/// the log.
#[test]
fn store_stats_beside_a_running_server_are_the_servers_own_figures() {
    let folder = tempfile::tempdir().unwrap();
    let serving = Serving::start(folder.path(), &["--head-mib", "16"]);
    assert_eq!(store_stats(folder.path(), &[]), (Some(0), "empty: nothing was received yet\n".to_owned()));
    let mut seed = Seeded(5);
    while serving.stats()["segments"] == 0 {
        // Requests of protobuf one after the other are one request.
        let now = now_unix_nanos();
        let bytes: Vec<u8> = (0..200).flat_map(|_| trace_request(&mut seed, now).bytes).collect();
        let sent = exchange(serving.otlp, "POST /v1/traces", "application/x-protobuf", &bytes);
        assert_eq!(sent.unwrap().0, 200);
    }
    let log = folder.path().join("spaces/default/wal");
    let mut last = String::new();
    // While a further segment is on its way the three are of different moments; at rest they agree.
    let agree = (0..200).any(|_| {
        let (code, told) = store_stats(folder.path(), &["--json"]);
        assert_eq!(code, Some(0), "{told}");
        let (counted, told): (_, serde_json::Value) = (serving.stats(), serde_json::from_str(&told).unwrap());
        let files = std::fs::read_dir(&log).unwrap();
        let lengths: Vec<u64> =
            files.filter_map(|file| file.unwrap().metadata().ok()).map(|of| of.len()).collect();
        let space = &told["spaces"][0];
        assert!(space["from"].as_str() <= space["to"].as_str() && space["from"].is_string(), "{told}");
        last = format!("{told} {counted} {lengths:?}");
        [("segments", "segments"), ("segment_bytes", "segment_bytes"), ("spans", "sealed")]
            .iter()
            .all(|(ours, theirs)| space[ours].as_u64() > Some(0) && space[ours] == counted[theirs])
            && space["log_files"] == lengths.len()
            && space["log_bytes"] == lengths.iter().sum::<u64>()
    });
    assert!(agree, "{last}");
    let (code, told) = store_stats(folder.path(), &[]);
    assert!(code == Some(0) && told.starts_with("default:\n") && told.contains(", 0 log records"), "{told}");
    let (code, told) = store_stats(&folder.path().join("nothing"), &[]);
    assert!(code == Some(2) && told.contains("hint: "), "{code:?} {told}");
}

/// Everything that a data directory holds comes back from a backup that was made beside a running server.
#[test]
fn a_backup_made_beside_a_running_server_is_restored_whole_and_nothing_is_written_over() {
    let folder = tempfile::tempdir().unwrap();
    let (data, copy, again) =
        (folder.path().join("data"), folder.path().join("copy"), folder.path().join("again"));
    let run = |words: &[&str], at: &Path| {
        Command::new(BINARY).args(["store"]).args(words).arg("--data-dir").arg(at).output().unwrap()
    };
    let serving = Serving::start(&data, &[]);
    let request = trace_request(&mut Seeded(3), now_unix_nanos());
    let sent = exchange(serving.otlp, "POST /v1/traces", "application/x-protobuf", &request.bytes).unwrap();
    assert_eq!(sent.0, 200);
    let change = br#"{"service":"things","after":"2.0.0"}"#;
    assert_eq!(exchange(serving.http, "POST /api/v1/changes", "application/json", change).unwrap().0, 200);
    let made = run(&["backup", copy.to_str().unwrap()], &data);
    assert_eq!(made.status.code(), Some(0), "{}", String::from_utf8_lossy(&made.stderr));
    serving.kill();
    let refused = run(&["backup", copy.to_str().unwrap()], &data);
    assert_eq!(refused.status.code(), Some(2), "a copy is not written over");
    let restored = run(&["restore", copy.to_str().unwrap()], &again);
    assert_eq!(restored.status.code(), Some(0), "{}", String::from_utf8_lossy(&restored.stderr));
    let refused = run(&["restore", folder.path().to_str().unwrap()], &folder.path().join("x"));
    assert!(refused.status.code() == Some(2) && String::from_utf8_lossy(&refused.stderr).contains("hint:"));
    let serving = Serving::start(&again, &[]);
    assert_eq!(serving.spans_of(&request.trace_id), request.spans);
    let shown = crate::hints::call(serving.http, "changes", &serde_json::json!({}));
    assert!(shown.to_string().contains("2.0.0"), "{shown}");
}
