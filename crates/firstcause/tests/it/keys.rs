//! Keys, through the binary: a running `serve` knows a new one and refuses a revoked one at once, and nothing that is
//! kept or said holds a key.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::Path;
use std::process::{Command, Output, Stdio};

use crate::BINARY;
use crate::otlp_client::{Seeded, now_unix_nanos, trace_request};
use crate::serving::{Serving, exchange};

fn key(folder: &Path, args: &[&str]) -> Output {
    let mut command = Command::new(BINARY);
    command.arg("key").args(args).arg("--data-dir").arg(folder);
    command.output().unwrap()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// A new key.
fn made(folder: &Path, args: &[&str]) -> String {
    let output = key(folder, &[&["new"], args].concat());
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
    let made = text(&output.stdout).trim().to_owned();
    assert!(!text(&output.stderr).contains(&made), "it is shown once");
    made
}

/// The status of the question `health`, with these credentials.
fn asked(address: SocketAddr, authorization: &str) -> u16 {
    let body = "{\"id\":\"q0001\",\"space\":\"default\",\"not_before\":0,\
                \"ask\":{\"question\":\"health\",\"window\":{\"from\":0,\"to\":1},\"scope\":{}}}";
    let mut stream = TcpStream::connect(address).unwrap();
    let head = format!(
        "POST /api/v1/ask HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\n{authorization}content-length: {}\r\n\r\n",
        body.len()
    );
    stream.write_all(head.as_bytes()).unwrap();
    stream.write_all(body.as_bytes()).unwrap();
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).unwrap();
    text(&answer)[9..12].parse().unwrap()
}

fn bearer(key: &str) -> String {
    format!("authorization: Bearer {key}\r\n")
}

/// The answer to a request with a key.
fn answer(address: SocketAddr, head: &str, key: &str, body: &str) -> (u16, serde_json::Value) {
    let mut stream = TcpStream::connect(address).unwrap();
    let (key, length) = (bearer(key), body.len());
    let head = format!(
        "{head} HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\n{key}content-length: {length}\r\n\r\n{body}"
    );
    stream.write_all(head.as_bytes()).unwrap();
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).unwrap();
    let answer = text(&answer);
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    (head[9..12].parse().unwrap(), serde_json::from_str(body).unwrap())
}

/// Every file below a folder.
fn files(folder: &Path, found: &mut Vec<(String, Vec<u8>)>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files(&path, found);
        } else {
            found.push((path.display().to_string(), std::fs::read(&path).unwrap()));
        }
    }
}

fn holds(bytes: &[u8], part: &[u8]) -> bool {
    bytes.windows(part.len()).any(|window| window == part)
}

// covers: AG-03, W-08, W-25
#[test]
fn a_running_serve_knows_new_and_revoked_keys_and_keeps_and_says_none() {
    let folder = tempfile::tempdir().unwrap();
    let said = folder.path().join("said");
    let data = folder.path().join("data");
    let mut command = Command::new(BINARY);
    command.arg("serve");
    let told = Stdio::from(std::fs::File::create(&said).unwrap());
    let serving = Serving::telling(command, &data, "127.0.0.1:0", told);
    assert_eq!(asked(serving.http, ""), 200, "the person at this machine");
    let observer = made(&data, &["--role", "observer", "--name", "pager"]);
    let operator = made(&data, &["--role", "operator", "--expires", "30d", "--json"]);
    let operator: serde_json::Value = serde_json::from_str(&operator).unwrap();
    assert_eq!(operator["role"], "remediator");
    let operator = operator["key"].as_str().unwrap();
    let elsewhere = made(&data, &["--role", "admin", "--space", "staging"]);
    let narrow = made(&data, &["--role", "admin", "--tools", "status,logs"]);
    for (what, authorization, status) in [
        ("nobody", String::new(), 401),
        ("an observer", bearer(&observer), 200),
        ("an operator", bearer(operator), 200),
        ("of another space", bearer(&elsewhere), 403),
        ("for tools only", bearer(&narrow), 403),
        ("no key", bearer("fck_"), 401),
    ] {
        assert_eq!(asked(serving.http, &authorization), status, "{what}");
    }
    let ask = |key: &str| {
        let mut command = Command::new(BINARY);
        command.args(["ask", "health", "--at", &serving.http.to_string()]).env("FIRSTCAUSE_KEY", key);
        command.output().unwrap()
    };
    assert_eq!(ask(&observer).status.code(), Some(0));
    let refused = ask("");
    assert!(refused.status.code() == Some(2) && text(&refused.stderr).contains("FIRSTCAUSE_KEY="));
    // Only the id is named, and a whole key is taken for its id.
    let revoked = key(&data, &["revoke", &observer]);
    let id = observer.split('_').nth(1).unwrap();
    assert_eq!(text(&revoked.stdout), format!("revoked {id}\n"));
    assert_eq!(asked(serving.http, &bearer(&observer)), 401);
    let list: serde_json::Value = serde_json::from_slice(&key(&data, &["list", "--json"]).stdout).unwrap();
    let state = |place: usize| list["keys"][place]["state"].as_str();
    assert_eq!((state(0), state(1), state(4)), (Some("revoked"), Some("valid"), None));
    drop(serving);
    let mut kept = Vec::new();
    files(folder.path(), &mut kept);
    kept.push(("list".to_owned(), list.to_string().into_bytes()));
    assert!(kept.iter().any(|(_, bytes)| holds(bytes, id.as_bytes())), "an id can be found");
    for secret in
        [&observer, operator, &elsewhere, &narrow].map(|key: &str| key.rsplit_once('_').unwrap().1.to_owned())
    {
        let raw: Vec<u8> = (0..secret.len())
            .step_by(2)
            .map(|at| u8::from_str_radix(&secret[at..at + 2], 16).unwrap())
            .collect();
        for (name, bytes) in &kept {
            // A part would be too much already.
            assert!(
                !holds(bytes, &secret.as_bytes()[..24]) && !holds(bytes, &secret.as_bytes()[40..]),
                "{name}"
            );
            assert!(!holds(bytes, &raw[..12]) && !holds(bytes, &raw[20..]), "{name}");
        }
    }
}

// covers: AG-04, AW-15
#[test]
fn tools_and_views_of_a_running_serve_answer_over_rest_to_whom_the_key_lets() {
    let folder = tempfile::tempdir().unwrap();
    let request = trace_request(&mut Seeded(5), now_unix_nanos());
    let serving = Serving::start(folder.path(), &[]);
    let sent = exchange(serving.otlp, "POST /v1/traces", "application/x-protobuf", &request.bytes);
    assert_eq!(sent.unwrap().0, 200);
    let observer = made(folder.path(), &["--role", "observer"]);
    let ask = |head: &str, body: &str| answer(serving.http, head, &observer, body);
    let (status, list) = ask("GET /api/v1/tools", "");
    assert_eq!(status, 200);
    let known = list["tools"].as_array().unwrap().iter().map(|tool| tool["name"].as_str().unwrap());
    let known: Vec<String> = known.map(str::to_owned).collect();
    let (mut read, mut refused) = (0, 0);
    for name in &known {
        let (status, _) = ask(&format!("POST /api/v1/tools/{name}"), "{}");
        match name.as_str() {
            "investigate" | "propose_action" => refused += usize::from(status == 403),
            // Two of them need to be told an incident.
            "report" | "evidence" => read += usize::from(status == 200 || status == 400),
            _ => read += usize::from(status == 200),
        }
    }
    assert_eq!((known.len(), read, refused), (10, 8, 2), "{known:?}");
    let (_, services) = ask("GET /api/v1/services", "");
    assert!(services["rows"].to_string().contains("things"), "{services}");
    let (status, trace) = ask(&format!("GET /api/v1/traces/{}", request.trace_id), "");
    assert_eq!((status, trace["total"].as_u64()), (200, Some(request.spans as u64)), "{trace}");
    for view in ["incidents", "logs", "metrics", "changes"] {
        let (status, answer) = ask(&format!("GET /api/v1/{view}"), "");
        assert!(status == 200 && answer["total"].is_u64(), "{view}: {answer}");
    }
    let (_, document) = ask("GET /api/v1/openapi.json", "");
    let committed = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/schemas/openapi.json");
    let committed: serde_json::Value = serde_json::from_slice(&std::fs::read(committed).unwrap()).unwrap();
    assert!(document == committed, "hint: FIRSTCAUSE_BLESS=1 cargo test -p firstcause --test it schema::");
}

#[test]
fn a_server_beyond_this_machine_answers_no_question_before_there_is_a_key() {
    let folder = tempfile::tempdir().unwrap();
    let serve = |http: &str| {
        let mut command = Command::new(BINARY);
        command.args(["serve", "--otlp-http", "127.0.0.1:0", "--otlp-grpc", "127.0.0.1:0", "--http", http]);
        command.arg("--data-dir").arg(folder.path()).stdout(Stdio::piped()).stderr(Stdio::null());
        command.spawn().unwrap()
    };
    let mut child = serve("0.0.0.0:0");
    let mut lines = std::io::BufRead::lines(std::io::BufReader::new(child.stdout.take().unwrap()));
    let second = lines.nth(1).unwrap().unwrap();
    let port: u16 = second.rsplit_once(':').unwrap().1.parse().unwrap();
    let address = SocketAddr::from(([127, 0, 0, 1], port));
    let (before, key) = (asked(address, ""), made(folder.path(), &["--role", "observer"]));
    let after = (asked(address, ""), asked(address, &bearer(&key)));
    child.kill().unwrap();
    child.wait().unwrap();
    assert_eq!((before, after), (401, (401, 200)));
}

#[test]
fn keys_that_are_made_at_the_same_time_are_all_made() {
    let folder = tempfile::tempdir().unwrap();
    let making: Vec<_> = (0..8)
        .map(|_| {
            let mut command = Command::new(BINARY);
            command.args(["key", "new", "--role", "observer", "--data-dir"]).arg(folder.path());
            command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
        })
        .collect();
    for child in making {
        let output = child.wait_with_output().unwrap();
        assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
    }
    let list: serde_json::Value =
        serde_json::from_slice(&key(folder.path(), &["list", "--json"]).stdout).unwrap();
    assert_eq!(list["keys"].as_array().unwrap().len(), 8);
    let journal = std::fs::read(folder.path().join("control.journal")).unwrap();
    assert_eq!(journal::verify(&journal, None).unwrap().records.len(), 8);
}

#[test]
fn doctor_tells_whether_anybody_comes_in() {
    let folder = tempfile::tempdir().unwrap();
    let says = |http: &str| {
        let mut command = Command::new(BINARY);
        command.args(["doctor", "--json", "--otlp-http", "127.0.0.1:0", "--otlp-grpc", "127.0.0.1:0"]);
        let output = command.args(["--http", http, "--data-dir"]).arg(folder.path()).output().unwrap();
        let json: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
        let findings = json["findings"].as_array().unwrap();
        let found = findings.iter().find(|finding| finding["check"] == "keys").unwrap();
        (found["state"].as_str().unwrap().to_owned(), found["says"].as_str().unwrap().to_owned())
    };
    assert_eq!(says("127.0.0.1:0").0, "ok");
    assert_eq!(says("0.0.0.0:0").0, "warning");
    let made = made(folder.path(), &["--role", "observer"]);
    assert_eq!(says("0.0.0.0:0"), ("ok".to_owned(), "1 of 1 keys open something".to_owned()));
    key(folder.path(), &["revoke", &made]);
    assert_eq!(says("127.0.0.1:0").0, "warning");
    let path = folder.path().join("control.journal");
    let damaged = std::fs::read_to_string(&path).unwrap().replace("observer", "admin");
    std::fs::write(&path, damaged).unwrap();
    assert_eq!(says("127.0.0.1:0").0, "problem");
}

#[test]
fn what_cannot_be_done_with_a_key_says_what_can() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    for (args, hint) in [
        (vec!["revoke", "0123"], "hint: none was made yet"),
        (vec!["new", "--role", "observer", "--dialect", "elasic"], "hint: "),
        (vec!["new", "--role", "observer", "--expires", "30"], "hint: 12h, 30d or 8w"),
        (vec!["new", "--role", "king"], "remediator"),
        (vec!["new", "--role", "observer", "--name", "a\u{7}b"], "hint: at most 64 characters"),
    ] {
        let output = key(&data, &args);
        assert!(
            output.status.code() == Some(2) && text(&output.stderr).contains(hint),
            "{}",
            text(&output.stderr)
        );
    }
    assert!(text(&key(&data, &["list"]).stdout).contains("no keys"));
    made(&data, &["--role", "observer"]);
    made(&data, &["--role", "diagnostician"]);
    let path = data.join("control.journal");
    let raised = std::fs::read_to_string(&path).unwrap().replace("observer", "approver");
    std::fs::write(&path, raised).unwrap();
    let output = key(&data, &["new", "--role", "admin"]);
    assert!(
        output.status.code() == Some(2) && text(&output.stderr).contains("hint: restore it"),
        "{output:?}"
    );
}
