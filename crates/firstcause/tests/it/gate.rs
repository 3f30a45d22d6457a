//! `gate` and `trace diff` through the binary: verdicts, exit codes, and the forms for other programs.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use crate::BINARY;
use crate::otlp_client::{Seeded, now_unix_nanos, trace_request};
use crate::serving::{Serving, exchange};

fn fixture(name: &str) -> String {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../replay/fixtures");
    folder.join(name).display().to_string()
}

fn firstcause(args: &[&str]) -> Output {
    Command::new(BINARY).args(args).output().unwrap()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

#[track_caller]
fn assert_exit(args: &[&str], code: i32, words: &str) -> Output {
    let output = firstcause(args);
    let said = text(&output.stdout) + &text(&output.stderr);
    assert_eq!(output.status.code(), Some(code), "{args:?}: {said}");
    assert!(said.contains(words), "{args:?}: {said}");
    output
}

struct Files {
    folder: tempfile::TempDir,
    failing: String,
    fixed: String,
    playbook: String,
}

impl Files {
    fn new() -> Self {
        Self {
            folder: tempfile::tempdir().unwrap(),
            failing: fixture("payments.failing.otlp.json"),
            fixed: fixture("payments.fixed.otlp.json"),
            playbook: fixture("playbook.expectations.yaml"),
        }
    }

    fn write(&self, name: &str, text: &str) -> String {
        let path: PathBuf = self.folder.path().join(name);
        std::fs::write(&path, text).unwrap();
        path.display().to_string()
    }
}

// covers: PB-30, PB-31
#[test]
fn the_playbook_is_red_on_the_failing_trace_and_green_on_the_fixed_one() {
    let files = Files::new();
    let (failing, fixed, playbook) = (&*files.failing, &*files.fixed, &*files.playbook);
    assert_exit(&["gate", "--trace", failing, playbook], 1, "gate red");
    assert_exit(&["gate", "--trace", fixed, playbook], 0, "gate green");
    assert_exit(
        &["gate", "--trace", fixed, "--baseline", failing, playbook],
        0,
        "4 were red on the baseline",
    );
    assert_exit(&["gate", "--trace", fixed, "--baseline", fixed, playbook], 1, "not a regression test");
    assert_exit(&["gate", "--trace", failing, "--baseline", failing, playbook], 1, "gate red");
    assert_exit(&["trace", "diff", failing, fixed, playbook], 0, "gate green");
    assert_exit(&["trace", "diff", fixed, failing, playbook], 1, "gate red");
    assert_exit(&["gate", "--trace", fixed, &fixture("playbook.flattened.txt")], 0, "gate green");
}

// covers: PB-20, PB-23, PB-30
#[test]
fn a_typing_error_too_few_runs_and_wrong_usage_have_their_exit_codes() {
    let files = Files::new();
    let fixed = &*files.fixed;
    let typo = files.write("typo.yaml", "expectations:\n  - span: payments-api POST /pya\n    status: ok\n");
    assert_exit(&["gate", "--trace", fixed, &typo], 1, "did you mean `payments-api POST /pay`?");
    let few = files.write("few.yaml", "expectations:\n  - span: payments-api POST /pay\n    p95_ms: 120\n");
    assert_exit(&["gate", "--trace", fixed, &few], 1, "1 runs are too few");
    let unknown = files.write("unknown.yaml", "expectations:\n  - span: a b\n    max: 3\n");
    assert_exit(&["gate", "--trace", fixed, &unknown], 2, "line 3: unknown key `max`");
    assert_exit(&["gate", "--trace", "nowhere.json", &files.playbook], 2, "hint: give OTLP/JSON");
    assert_exit(&["gate", "--trace", fixed, "nowhere.yaml"], 2, "hint:");
    assert_exit(&["gate", &files.playbook], 2, "--trace");
    assert_exit(&["gate", "--url", "https://example.com", &files.playbook], 2, "literal address");
    assert_exit(&["gate", "--url", "http://127.0.0.1:1", &files.playbook], 3, "firstcause serve");
    assert_exit(&["trace", "diff", fixed], 2, "NEW");
    assert_exit(&["trace", "diff", fixed, fixed, "--jitter-ratio", "0.5"], 2, "jitter");
    let empty = files.write("empty.json", "{\"resourceSpans\":[]}");
    assert_exit(&["trace", "diff", fixed, &empty], 2, "no span");
    assert_exit(&["gate", "--trace", &empty, &files.playbook], 1, "red");
}

// covers: PB-30
#[test]
fn a_diff_tells_what_changed_and_nothing_about_the_same_trace() {
    let files = Files::new();
    let (failing, fixed) = (&*files.failing, &*files.fixed);
    assert_exit(&["trace", "diff", fixed, fixed], 0, "0 differences");
    let output = assert_exit(&["trace", "diff", fixed, failing, "--json"], 1, "firstcause.trace_diff/1");
    let document: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    let mut kinds: Vec<&str> =
        document["differences"].as_array().unwrap().iter().map(|one| one["kind"].as_str().unwrap()).collect();
    kinds.sort_unstable();
    assert_eq!(kinds, ["latency", "latency", "retries", "status"], "{document:#}");
}

#[test]
fn json_junit_and_annotations_say_the_same() {
    let files = Files::new();
    let junit = files.folder.path().join("junit.xml");
    let output = assert_exit(
        &[
            "gate",
            "--trace",
            &files.failing,
            &files.playbook,
            "--junit",
            &junit.display().to_string(),
            "--github",
        ],
        1,
        "::error file=",
    );
    let commands: Vec<String> =
        text(&output.stdout).lines().filter(|line| line.starts_with("::error")).map(str::to_owned).collect();
    assert_eq!(commands.len(), 4, "{commands:?}");
    assert!(commands[0].contains(",line=3,"), "{}", commands[0]);
    let document = std::fs::read_to_string(&junit).unwrap();
    assert!(document.contains("tests=\"4\" failures=\"4\""), "{document}");
    let output =
        assert_exit(&["gate", "--trace", &files.failing, &files.playbook, "--json"], 1, "firstcause.gate/1");
    let document: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(document["is_green"], false);
    assert_eq!(document["judged"].as_array().unwrap().len(), 4);
}

#[test]
fn a_running_firstcause_is_a_source_of_traces() {
    let files = Files::new();
    let request = trace_request(&mut Seeded(3), now_unix_nanos());
    let serving = Serving::start(&files.folder.path().join("data"), &[]);
    let (status, _) =
        exchange(serving.otlp, "POST /v1/traces", "application/x-protobuf", &request.bytes).unwrap();
    assert_eq!(status, 200);
    let url = format!("http://{}", serving.http);
    let expected = files.write("e.yaml", "expectations:\n  - span: GET /things/0\n    service: things\n");
    let trace_id = request.trace_id.clone();
    assert_exit(&["gate", "--url", &url, "--trace-id", &trace_id, &expected], 0, "gate green");
    let at = serving.http.to_string();
    let answer = firstcause(&["ask", "trace", "--trace", &trace_id, "--at", &at, "--json"]);
    let file = files.write("answer.json", &text(&answer.stdout));
    assert_exit(&["gate", "--trace", &file, &expected], 0, "gate green");
    let pb = files.folder.path().join("request.pb");
    std::fs::write(&pb, &request.bytes).unwrap();
    assert_exit(&["trace", "diff", &file, &pb.display().to_string()], 0, "0 differences");
}

/// Judges the test that the demo left behind: red on its failing traces, green on the fixed ones.
pub(crate) fn check_kept_test(folder: &Path) {
    let file = |name: &str| folder.join(name).display().to_string();
    let (failing, fixed) = (file("failing.otlp.json"), file("fixed.otlp.json"));
    let expectations = file("expectations.yaml");
    assert_exit(&["gate", "--trace", &failing, &expectations], 1, "gate red");
    assert_exit(&["gate", "--trace", &fixed, "--baseline", &failing, &expectations], 0, "gate green");
}
