//! `doctor`, through the binary: green where all is well, red for each thing that is broken on purpose.

use std::net::TcpListener;
use std::path::Path;
use std::process::Output;

use crate::config::firstcause;
use crate::serving::Serving;

/// Runs it in `folder` on ports that nobody chose, and gives exit code and findings.
fn doctor(folder: &Path, args: &[&str]) -> (Option<i32>, serde_json::Value) {
    let any = "127.0.0.1:0";
    let mut command = firstcause(folder, &["doctor", "--json"]);
    command.env("FIRSTCAUSE_HTTP", any).env("FIRSTCAUSE_OTLP__HTTP", any).env("FIRSTCAUSE_OTLP__GRPC", any);
    // Space and memory of the machine under test are not the subject.
    command.env("FIRSTCAUSE_HEAD_MIB", "16").env("FIRSTCAUSE_BUDGET_MIB", "1");
    let Output { status, stdout, stderr } = command.args(args).output().unwrap();
    let json =
        serde_json::from_slice(&stdout).unwrap_or_else(|_| panic!("{}", String::from_utf8_lossy(&stderr)));
    (status.code(), json)
}

/// State, statement and hint of all findings of `check`.
fn told(json: &serde_json::Value, check: &str) -> String {
    let findings = json["findings"].as_array().unwrap().iter().filter(|finding| finding["check"] == check);
    findings.map(|found| format!("{}: {}; {}\n", found["state"], found["says"], found["hint"])).collect()
}

fn check_problem(folder: &Path, args: &[&str], check: &str, says: &str) {
    let (code, json) = doctor(folder, args);
    let found = told(&json, check);
    assert_eq!(code, Some(1), "{json:#}");
    assert!(found.contains("\"problem\"") && found.contains(says), "{check} does not say {says}: {json:#}");
    let every = json["findings"].as_array().unwrap();
    assert!(every.iter().all(|found| found["state"] == "ok" || found["hint"].is_string()), "{json:#}");
}

#[test]
fn a_fresh_folder_is_green_and_left_as_it_was() {
    let folder = tempfile::tempdir().unwrap();
    let (code, json) = doctor(folder.path(), &[]);
    assert_eq!((code, json["has_problem"].as_bool()), (Some(0), Some(false)), "{json:#}");
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0, "nothing is left behind");
    assert!(told(&json, "sync").contains(" syncs"), "{json:#}");
    let text = firstcause(folder.path(), &["doctor", "--http", "127.0.0.1:0"]).output().unwrap().stdout;
    assert!(String::from_utf8_lossy(&text).contains("problems: 0"), "{}", String::from_utf8_lossy(&text));
}

#[test]
fn settings_that_do_not_resolve_are_a_problem_and_a_wrong_flag_is_usage() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("firstcause.toml"), "dta_dir = \"x\"\n").unwrap();
    check_problem(folder.path(), &[], "configuration", "no setting `dta_dir` (firstcause.toml:1)");
    let usage = firstcause(folder.path(), &["doctor", "--no-such-flag"]).output().unwrap();
    assert_eq!(usage.status.code(), Some(2));
}

#[test]
fn a_folder_that_cannot_be_written_is_red() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("file"), "in the way").unwrap();
    check_problem(folder.path(), &["--data-dir", "file/data"], "data directory", "is a file");
    check_problem(folder.path(), &["--data-dir", "/proc/firstcause"], "data directory", "failed to write");
}

#[test]
fn a_foreign_stamp_is_red() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("FORMAT"), "something 7\n").unwrap();
    check_problem(folder.path(), &["--data-dir", "."], "format", "`something 7` instead of");
}

#[test]
fn a_folder_in_use_is_red_with_its_holder_and_green_beside_the_instance_that_holds_it() {
    let folder = tempfile::tempdir().unwrap();
    let serving = Serving::of(firstcause(folder.path(), &["serve"]), folder.path());
    let pid = serving.child.id().to_string();
    check_problem(folder.path(), &["--data-dir", "."], "lock", &format!("process {pid} (`firstcause`)"));
    let (http, otlp, grpc) = (serving.http.to_string(), serving.otlp.to_string(), serving.grpc.to_string());
    let settings = ["--data-dir", ".", "--http", &http, "--otlp-http", &otlp, "--otlp-grpc", &grpc, "--send"];
    let (code, json) = doctor(folder.path(), &settings);
    assert_eq!(code, Some(0), "{json:#}");
    assert!(told(&json, "lock").contains("which answers at"), "{json:#}");
    assert!(told(&json, "port http").contains(env!("CARGO_PKG_VERSION")), "{json:#}");
    for check in ["send otlp/http", "send otlp/grpc"] {
        assert!(told(&json, check).contains("found by asking"), "{check}: {json:#}");
    }
    assert_eq!(serving.stats()["spans"], 2);
    // Negative control: where nobody receives, the span does not arrive.
    let wrong = ["--data-dir", ".", "--http", &http, "--otlp-http", &http, "--otlp-grpc", &grpc, "--send"];
    check_problem(folder.path(), &wrong, "send otlp/http", "status 404");
}

#[test]
fn a_port_of_somebody_else_is_red_and_nothing_is_sent_without_an_instance() {
    let folder = tempfile::tempdir().unwrap();
    let other = TcpListener::bind("127.0.0.1:0").unwrap();
    let at = other.local_addr().unwrap().to_string();
    check_problem(folder.path(), &["--otlp-http", &at], "port otlp/http", "held by another process");
    check_problem(folder.path(), &["--send"], "send", "no Firstcause answers");
}

#[test]
fn a_damaged_journal_is_red_an_open_one_a_warning_and_a_closed_one_neither() {
    let folder = tempfile::tempdir().unwrap();
    let incidents = folder.path().join("firstcause-data/spaces/default/incidents");
    std::fs::create_dir_all(&incidents).unwrap();
    let write = |name: &str, kinds: &[&str]| {
        let clock = std::sync::Arc::new(platform::clock::SystemClock::new());
        let path = incidents.join(name);
        let mut journal = journal::Journal::create(&platform::RealDisk, clock, &path).unwrap();
        for kind in kinds {
            journal.append(kind, &"told", None).unwrap();
            journal.commit().unwrap();
        }
        path
    };
    let closed = write("inc_1.journal", &["alert", "note", "resolution"]);
    let (code, json) = doctor(folder.path(), &[]);
    assert_eq!(code, Some(0), "{json:#}");
    assert!(told(&json, "journals").contains("no incident is open"), "{json:#}");
    write("inc_2.journal", &["alert", "note"]);
    let (code, json) = doctor(folder.path(), &[]);
    assert_eq!(code, Some(0), "{json:#}");
    assert!(told(&json, "journals").contains("1 incident was cut off"), "{json:#}");
    let text = std::fs::read_to_string(&closed).unwrap();
    std::fs::write(&closed, text.replacen("told", "tolD", 1)).unwrap();
    check_problem(folder.path(), &[], "journals", "inc_1.journal` is damaged");
}

#[test]
fn an_inventory_that_cannot_be_used_and_an_actuator_that_is_not_there_are_red() {
    let folder = tempfile::tempdir().unwrap();
    let inventory = "[[target]]\nservice = \"s\"\ninstances = [\"s-1\"]\n[[target.fix]]\nprofile = \"nonesuch\"\n\
                     set = { A = \"1\" }\n";
    std::fs::write(folder.path().join("inventory.toml"), inventory).unwrap();
    std::fs::write(folder.path().join("policy.toml"), "").unwrap();
    let all = ["--inventory", "inventory.toml", "--policy", "policy.toml", "--actuator", "socket"];
    check_problem(folder.path(), &all, "inventory", "no profile `nonesuch`");
    check_problem(folder.path(), &all, "actuator", "failed to ask the actuator at `socket`");
}
