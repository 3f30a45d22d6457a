//! Our counter of tokens against the vocabularies that models use: it must not count less than they do.

use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};

use serde_json::Value;
use tools::budget;

use crate::BINARY;
use crate::clients::{Pinned, installed, output};

const SOURCES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/tokens");
const NODE: &Pinned = &[
    ("package.json", include_str!("../../tokens/package.json")),
    ("package-lock.json", include_str!("../../tokens/package-lock.json")),
];

/// Texts like the answers of tools: figures, ids, times, paths, braces.
const ANSWERS: &[&str] = &[
    "STATUS 2026-03-02T09:14:00.000Z: 2 of 2\ngateway [critical] 180/min err=4.0% p95=146ms (before 27ms)",
    "inc_01a21efa-d3a2-77a9-8fff-788380b65889 [root_cause] error_origin in billing\nconfidence: unmeasured",
    "TRACE 0000000000000000000007000000072a: 6 of 6 spans\n  orders GET /orders 12.4ms self=4.0ms {http.route=/orders}",
    "\u{8ba2}\u{5355}\u{670d}\u{52a1}\u{8d85}\u{65f6}\u{ff0c}\u{8bf7}\u{7a0d}\u{540e}\u{91cd}\u{8bd5}",
    "\u{437}\u{430}\u{43a}\u{430}\u{437} \u{43d}\u{435} \u{43d}\u{430}\u{439}\u{434}\u{435}\u{43d} \u{1f525}\u{1f6a8}",
    "next: investigate {\"service\":\"orders\",\"start\":\"now-5m\"} - why it is worse than before",
    "{\"rows\":[{\"name\":\"orders\",\"status\":\"degraded\",\"failure_rate\":0.0125,\"p95_ms\":133.021008}],\"truncated\":false}",
];

/// What models would count of each text, the larger of two vocabularies.
fn by_models(texts: &[String]) -> Vec<usize> {
    let folder = installed("tokens", NODE, |folder| {
        let words = ["ci", "--ignore-scripts", "--no-audit", "--no-fund"];
        output(Command::new("npm").args(words).current_dir(folder));
    });
    // A module is looked for beside the script, so the script is put there.
    let script = folder.join("count.mjs");
    std::fs::copy(Path::new(SOURCES).join("count.mjs"), &script).unwrap();
    let mut node = Command::new("node");
    let mut child = node.arg(script).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(serde_json::to_string(texts).unwrap().as_bytes()).unwrap();
    let ended = child.wait_with_output().unwrap();
    assert!(ended.status.success());
    let counts: Vec<[usize; 2]> = serde_json::from_slice(&ended.stdout).unwrap();
    counts.into_iter().map(|[newer, older]| newer.max(older)).collect()
}

// covers: W-11
#[test]
fn no_vocabulary_counts_more_than_our_counter() {
    let listed = tools::dialects::all().iter().map(|dialect| {
        let printed = output(Command::new(BINARY).args(["tools", "--json", "--dialect", dialect.name]));
        serde_json::from_str::<Value>(&printed).unwrap().to_string()
    });
    let texts: Vec<String> = listed.chain(ANSWERS.iter().map(|text| (*text).to_owned())).collect();
    for (text, by_models) in texts.iter().zip(by_models(&texts)) {
        let ours = budget::tokens(text);
        println!("{by_models} by models, {ours} by ours: {}", text.chars().take(60).collect::<String>());
        assert!(ours >= by_models, "{ours} < {by_models}: {text}");
    }
}
