//! `investigate`, `ask --source` and `doctor` with sources: what they say when something is missing or wrong.

use std::path::Path;

use crate::config::firstcause;

/// Exit code and everything that was said.
fn said(folder: &Path, words: &[&str]) -> (Option<i32>, String) {
    let output = firstcause(folder, words).output().unwrap();
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    (output.status.code(), text(&output.stdout) + &text(&output.stderr))
}

fn assert_refused(folder: &Path, words: &[&str], code: i32, parts: &[&str]) {
    let (exit, text) = said(folder, words);
    assert_eq!(exit, Some(code), "{words:?}: {text}");
    for part in parts.iter().chain(&["hint: "]) {
        assert!(text.contains(part), "{words:?} does not say `{part}`: {text}");
    }
}

fn write(folder: &Path, text: &str) {
    std::fs::write(folder.join("firstcause.toml"), text).unwrap();
}

#[test]
fn without_sources_and_with_wrong_ones_the_next_step_is_told() {
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path();
    assert_refused(at, &["investigate", "--service", "web"], 2, &["nobody to ask", "--source prometheus="]);
    assert_refused(at, &["investigate", "--source", "promtheus=http://x"], 2, &["promtheus", "prometheus"]);
    assert_refused(at, &["investigate", "--source", "jaeger=nowhere"], 2, &["no address"]);
    let down = "jaeger=http://127.0.0.1:1";
    assert_refused(
        at,
        &["investigate", "--service", "web", "--source", down],
        3,
        &["no source tells of any requests"],
    );
    assert_refused(at, &["ask", "onset", "--source", down], 3, &["is it running"]);
    assert_refused(at, &["ask", "state", "--source", down], 2, &["does not answer state", "self_time"]);
    assert_refused(at, &["ask", "onset", "--source", "metrics"], 2, &["no source `metrics`"]);
    let later = ["investigate", "--service", "web", "--at", "2099-01-01T00:00:00Z", "--source", down];
    assert_refused(at, &later, 2, &["still to come"]);
    assert_refused(
        at,
        &["investigate", "--service", "web", "--at", "yesterday", "--source", down],
        2,
        &["is no time"],
    );
}

#[test]
fn the_sections_about_sources_are_checked_with_their_line() {
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path();
    let good = "[sources.traces]\nkind = \"jaeger\"\nurl = \"http://127.0.0.1:1\"\n";
    write(at, &format!("{good}[prefer]\nself_time = \"traces\"\n"));
    assert_eq!(said(at, &["config", "print"]).0, Some(0));
    let investigate = ["investigate", "--service", "web"];
    assert_refused(at, &investigate, 3, &["traces: source unavailable"]);
    for (text, part) in [
        ("[sources.a]\nkind = \"jaeger\"\nurl = \"http://x\"\npassword = \"p\"\n", "firstcause.toml:4"),
        ("[sources.a]\nkind = \"jaeger\"\n", "missing field `url`"),
        ("[sources.store]\nkind = \"jaeger\"\nurl = \"http://x\"\n", "called `store`"),
        ("[prefer]\nonset = \"nobody\"\n", "no source `nobody`"),
        ("[prefer]\nonsets = \"store\"\n", "no question `onsets`"),
    ] {
        write(at, text);
        assert_refused(at, &investigate, 2, &[part]);
    }
    write(at, "[sources.a]\nkind = \"jaeger\"\nurl = \"http://x\"\ntoken_file = \"/no/such/file\"\n");
    assert_refused(at, &investigate, 2, &["failed to read token_file"]);
}

#[test]
fn doctor_names_the_source_that_does_not_answer() {
    let folder = tempfile::tempdir().unwrap();
    let repository = folder.path().join("repository");
    assert!(
        std::process::Command::new("git").arg("init").arg("-q").arg(&repository).status().unwrap().success()
    );
    write(
        folder.path(),
        &format!(
            "[sources.traces]\nkind = \"jaeger\"\nurl = \"http://127.0.0.1:1\"\n\
             [sources.code]\nkind = \"git\"\nurl = \"{}\"\n\
             [sources.lost]\nkind = \"git\"\nurl = \"/no/such/folder\"\n",
            repository.display()
        ),
    );
    let (code, text) = said(folder.path(), &["doctor", "--http", "127.0.0.1:0"]);
    assert_eq!(code, Some(1), "{text}");
    let line = text.lines().find(|line| line.contains("`traces`")).unwrap_or_else(|| panic!("{text}"));
    let code_line = text.lines().find(|line| line.contains("`code`")).unwrap_or_else(|| panic!("{text}"));
    assert!(code_line.starts_with("ok") && text.contains("source `lost`"), "{text}");
    assert!(line.starts_with("problem") && line.contains("source unavailable"), "{line}");
}

#[test]
fn what_can_be_asked_is_told_from_the_code() {
    let folder = tempfile::tempdir().unwrap();
    let (code, text) = said(folder.path(), &["config", "sources"]);
    assert!(code == Some(0) && text.contains("[sources.metrics]") && text.contains("needs"), "{text}");
    let (_, json) = said(folder.path(), &["config", "sources", "--json"]);
    let json: serde_json::Value = serde_json::from_str(&json).unwrap();
    let kinds: Vec<&str> =
        json["kinds"].as_array().unwrap().iter().map(|kind| kind["kind"].as_str().unwrap()).collect();
    let known: Vec<&str> = sources::all().iter().map(|backend| backend.kind).collect();
    assert!(kinds == known && kinds.len() > 10, "{kinds:?}");
}
