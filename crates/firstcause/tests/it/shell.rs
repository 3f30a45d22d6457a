//! The tools from a person's shell: one call, and what the next shift must know.

use std::process::Command;

use crate::BINARY;
use crate::serving::Serving;

#[test]
fn a_tool_is_called_and_a_shift_handed_over_from_the_shell() {
    let folder = tempfile::tempdir().unwrap();
    let serving = Serving::start(folder.path(), &[]);
    let at = serving.http.to_string();
    let run = |words: &[&str]| {
        let ran = Command::new(BINARY).args(words).args(["--at", &at]).output().unwrap();
        let (out, err) = (String::from_utf8_lossy(&ran.stdout), String::from_utf8_lossy(&ran.stderr));
        (ran.status.code(), out.into_owned(), err.into_owned())
    };
    let (code, out, err) = run(&["call", "logs", "text=timeout", "start=now-1h"]);
    assert!(code == Some(0) && out.starts_with("LOGS: none"), "{out}{err}");
    let (code, _, err) = run(&["call", "lgos"]);
    assert!(code == Some(2) && err.contains("logs") && err.contains("hint:"), "{err}");
    for wrong in ["lo/gs", "logs!", ""] {
        let (code, out, err) = run(&["call", wrong]);
        assert!(code == Some(2) && out.is_empty() && err.contains("can be called"), "`{wrong}`: {out}{err}");
    }
    let (code, out, err) = run(&["handover", "--since", "12h"]);
    let (incidents, changes, status) = (out.find("INCIDENTS"), out.find("CHANGES"), out.find("STATUS"));
    assert!(code == Some(0) && incidents < changes && changes < status && incidents.is_some(), "{out}{err}");
    assert!(!out.contains("next: "), "a person calls no tool: {out}");
    let (_, json, _) = run(&["handover", "--json"]);
    let json: serde_json::Value = serde_json::from_str(&json).unwrap();
    assert_eq!(json["schema"], "firstcause.handover/1");
    drop(serving);
    let (code, _, err) = run(&["handover"]);
    assert!(code == Some(3) && err.contains("serve"), "{err}");
}
