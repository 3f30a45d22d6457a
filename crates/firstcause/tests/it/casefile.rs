//! `backtest` and `case`: a stranger's first minute with them, and what they say when something is wrong.

use std::path::Path;
use std::process::{Command, Output};

use crate::BINARY;

fn firstcause(folder: &Path, args: &[&str]) -> (Option<i32>, String) {
    let Output { status, stdout, stderr } =
        Command::new(BINARY).args(args).current_dir(folder).output().unwrap();
    let text = [stdout, stderr].concat();
    (status.code(), String::from_utf8_lossy(&text).into_owned())
}

#[test]
fn the_example_is_written_scored_saved_opened_and_replayed() {
    let folder = tempfile::tempdir().unwrap();
    let run = |args: &[&str]| firstcause(folder.path(), args);
    let (code, text) = run(&["backtest", "--example", "incidents"]);
    assert!(code == Some(0) && text.contains("firstcause backtest incidents"), "{text}");
    assert_eq!(run(&["backtest", "--example", "incidents"]).0, Some(2), "it is there already");
    let (code, text) = run(&["backtest", "incidents", "--keep", "kept", "--at-least", "1"]);
    assert!(code == Some(0) && text.contains("3 of 3 incidents would have been explained"), "{text}");
    let (code, text) = run(&["backtest", "incidents", "--without", "traces", "--at-least", "1"]);
    assert!(code == Some(1) && text.contains("why"), "{text}");
    for case in ["case-0001", "case-0002", "case-0003"] {
        let (staged, file) = (format!("kept/cases/{case}"), format!("{case}.fcase"));
        assert_eq!(run(&["case", "save", "--case", &staged, "--out", &file]).0, Some(0));
        let (code, text) = run(&["case", "replay", &file]);
        assert!(code == Some(0) && text.contains("identical to the byte"), "{text}");
        let (code, text) = run(&["case", "replay", &file, "--without", "deploys", "--json"]);
        assert!(code == Some(0) && text.contains("firstcause.fcase-without/1"), "{text}");
    }
    let (code, text) = run(&["case", "open", "case-0001.fcase"]);
    assert!(code == Some(0) && text.contains("signals/spans.csv"), "{text}");
    assert_eq!(run(&["case", "open", "case-0001.fcase", "--html", "page.html"]).0, Some(0));
    assert!(std::fs::read_to_string(folder.path().join("page.html")).unwrap().contains("<html"));
    let mut bytes = std::fs::read(folder.path().join("case-0001.fcase")).unwrap();
    bytes[3_000] ^= 1;
    std::fs::write(folder.path().join("changed.fcase"), bytes).unwrap();
    let (code, text) = run(&["case", "open", "changed.fcase"]);
    assert!(code == Some(1) && text.contains("its checksum differs"), "{text}");
    let (code, text) = run(&["case", "open", "page.html"]);
    assert!(code == Some(2) && text.contains("hint:"), "{text}");
    let (code, text) = run(&["backtest", "kept"]);
    assert!(code == Some(2) && text.contains("--example"), "{text}");
}
