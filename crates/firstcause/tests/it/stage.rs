//! "You break it": the viewer's choice stays sealed in another process until the engine has spoken.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use demo::stage::{Choice, Seal};
use serde_json::Value;

use crate::{BINARY, alone};

/// What is chosen: explained without a fix, so that the verdict comes soon.
const FAULT: &str = "poison_message";

/// Scenario: a viewer breaks the system on the page, with a key press and nothing else.
/// Guarantees: until the verdict neither the page, nor an argument or variable of the engine or of any process it
/// started for this, nor a file in its folder holds the choice; another page can break nothing; afterwards the opened
/// seal is the one that was committed to before anything was deployed, and the engine was right.
// covers: AT-32, W-26
#[test]
fn the_choice_stays_sealed_until_the_verdict_is_out() {
    let _turn = alone();
    let folder = tempfile::tempdir().unwrap();
    let mut engine = Command::new(BINARY)
        .args(["demo", "--you-break-it", "--seed", "4", "--healthy-for", "20", "--data-dir"])
        .arg(folder.path())
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let address = stage_address(&mut engine);
    let page = ask(&address, "GET", "/", "", "");
    assert!(page.starts_with("HTTP/1.1 200") && page.contains("Surprise me"), "{page}");
    let form = format!("fault={FAULT}&strength=1.0");
    let forged = ask(&address, "POST", "/break", "Origin: http://evil.example\r\n", &form);
    assert!(forged.starts_with("HTTP/1.1 403"), "{forged}");

    let taken = ask(&address, "POST", "/break", &format!("Origin: http://{address}\r\n"), &form);
    assert!(taken.starts_with("HTTP/1.1 303"), "{taken}");
    let commitment = std::fs::read_to_string(folder.path().join("commitment.txt")).unwrap();
    let again = ask(&address, "POST", "/break", "", "fault=none&strength=1.0");
    assert!(again.starts_with("HTTP/1.1 409"), "one choice a round: {again}");

    let deadline = Instant::now() + Duration::from_secs(240);
    let revealed = loop {
        // Looked at first: the verdict may come between the two.
        let leaks = leaks(&engine, folder.path());
        let state = ask(&address, "GET", "/state.json", "", "");
        let body = state.split_once("\r\n\r\n").unwrap().1.to_owned();
        let parsed: Value = serde_json::from_str(&body).unwrap();
        if parsed["phase"] == "revealed" {
            break parsed;
        }
        assert!(!body.contains(FAULT) && leaks.is_empty(), "{body} {leaks:?}");
        assert!(Instant::now() < deadline, "no verdict: {body}");
        std::thread::sleep(Duration::from_millis(500));
    };
    let seal: Seal =
        serde_json::from_slice(&std::fs::read(folder.path().join("seal.json")).unwrap()).unwrap();
    let choice: Choice = serde_json::from_str(&seal.choice).unwrap();
    assert!(seal.holds() && seal.commitment == commitment.trim());
    assert_eq!(choice.fault, FAULT);
    // The same search finds the choice now: it was not blind.
    assert!(!leaks(&engine, folder.path()).is_empty());
    let truth: Value =
        serde_json::from_slice(&std::fs::read(folder.path().join("truth.json")).unwrap()).unwrap();
    assert_eq!(truth["causes"][0]["name"], "order-events");
    assert!(truth["deploys"][0]["ready_at_unix_nanos"].as_i64().unwrap() > choice.chosen_at_unix_nanos);
    assert_eq!(revealed["outcome"]["is_right"], true, "{revealed}");

    engine.stdin.take().unwrap().write_all(b"\n").unwrap();
    assert_eq!(engine.wait().unwrap().code(), Some(0));
}

/// The address that the engine prints; what it says later is read and dropped, so that it never waits.
fn stage_address(engine: &mut Child) -> String {
    let mut lines = BufReader::new(engine.stderr.take().unwrap()).lines();
    let line = lines.by_ref().map(Result::unwrap).find(|line| line.contains("choose what breaks")).unwrap();
    std::thread::spawn(move || lines.map_while(Result::ok).for_each(drop));
    let (_, rest) = line.split_once("http://").unwrap();
    rest.split('/').next().unwrap().to_owned()
}

fn ask(address: &str, method: &str, path: &str, headers: &str, body: &str) -> String {
    let mut stream = TcpStream::connect(address).unwrap();
    let length = body.len();
    write!(
        stream,
        "{method} {path} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n{headers}\
         Content-Type: application/x-www-form-urlencoded\r\nContent-Length: {length}\r\n\r\n{body}"
    )
    .unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    answer
}

/// Where the choice stands: in arguments and variables of the engine and its children, and in the engine's folder.
fn leaks(engine: &Child, folder: &Path) -> Vec<String> {
    let mut leaks = Vec::new();
    let mut look = |name: String, bytes: &[u8]| {
        if bytes.windows(FAULT.len()).any(|window| window == FAULT.as_bytes()) {
            leaks.push(name);
        }
    };
    let children = std::fs::read_to_string(format!("/proc/{0}/task/{0}/children", engine.id()));
    let children = children.unwrap_or_default();
    for pid in std::iter::once(engine.id().to_string()).chain(children.split_whitespace().map(str::to_owned))
    {
        for part in ["cmdline", "environ"] {
            look(
                format!("{part} of {pid}"),
                &std::fs::read(format!("/proc/{pid}/{part}")).unwrap_or_default(),
            );
        }
    }
    let mut folders = vec![folder.to_owned()];
    while let Some(next) = folders.pop() {
        for entry in std::fs::read_dir(next).unwrap().map_while(Result::ok) {
            let path = entry.path();
            if path.is_dir() {
                // The databases of the services are large and hold orders.
                folders.extend((!path.ends_with("system/data")).then_some(path));
            } else {
                look(path.display().to_string(), &std::fs::read(&path).unwrap_or_default());
            }
        }
    }
    leaks
}
