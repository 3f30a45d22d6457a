//! Which crate may depend on which: the table of ARCHITECTURE.md as data.
//!
//! Normal and build dependencies are checked, for every target; dev-dependencies are free.
//! What a crate reaches through another one is cargo's business, not ours.
//! A change here goes with a change of ARCHITECTURE.md and a page in docs/decisions/.

use toml::Table;

use crate::rule::{Level, Rule, Violation};
use crate::tree::{SourceFile, Tree};

/// The rule.
pub(crate) const RULE: Rule = Rule {
    id: "layers",
    what: "a crate depends only on the crates the architecture allows it",
    level: Level::Deny,
    check,
};

/// Our crates in reading order, and the crates of ours that each may depend on.
const EDGES: &[(&str, &[&str])] = &[
    ("platform", &[]),
    ("telemetry", &[]),
    ("otlp", &["telemetry"]),
    ("incident", &["telemetry"]),
    ("ingest", &["telemetry", "otlp", "incident"]),
    ("store", &["platform", "telemetry", "otlp"]),
    ("sources", &["telemetry"]),
    ("redaction", &["telemetry"]),
    ("evidence", &["telemetry", "incident"]),
    ("investigation", &["telemetry", "incident", "evidence"]),
    ("remediation", &["telemetry", "incident", "evidence"]),
    ("journal", &["platform", "incident"]),
    ("orchestrator", ORCHESTRATOR),
    ("replay", &["platform", "telemetry", "otlp", "evidence", "redaction"]),
    ("tools", &["telemetry", "incident", "evidence", "orchestrator"]),
    ("agent", &["incident", "tools", "orchestrator"]),
    ("server", &["telemetry", "incident", "journal", "orchestrator", "tools", "redaction", "remediation"]),
    ("codescan", &["incident"]),
    ("demo", &["telemetry"]),
    (
        "eval",
        &[
            "platform",
            "telemetry",
            "otlp",
            "incident",
            "evidence",
            "journal",
            "investigation",
            "orchestrator",
            "redaction",
        ],
    ),
    ("firstcause", PRODUCT),
    ("testkit", PRODUCT),
    ("bench", &["platform", "telemetry", "otlp", "ingest", "store"]),
    ("xtask", &[]),
];

/// Everything above it but `ingest`, `store` and `sources`.
const ORCHESTRATOR: &[&str] = &[
    "platform",
    "telemetry",
    "otlp",
    "incident",
    "redaction",
    "evidence",
    "investigation",
    "remediation",
    "journal",
];

/// Every crate of the product but the binary.
const PRODUCT: &[&str] = &[
    "platform",
    "telemetry",
    "otlp",
    "incident",
    "ingest",
    "store",
    "sources",
    "redaction",
    "evidence",
    "investigation",
    "remediation",
    "journal",
    "orchestrator",
    "replay",
    "tools",
    "agent",
    "server",
    "codescan",
    "demo",
    "eval",
];

/// The pure crates, which may have these dependencies and no other (I1).
const PURE: &[&str] = &["evidence", "investigation"];
const PURE_MAY: &[&str] = &["telemetry", "incident", "evidence", "libm", "serde", "serde_json", "thiserror"];

/// Crates that work synchronously, and the runtimes that they do not list.
const SYNCHRONOUS: &[&str] =
    &["platform", "telemetry", "otlp", "store", "incident", "evidence", "investigation", "journal"];
const RUNTIMES: &[&str] = &[
    "async-std",
    "axum",
    "hyper",
    "hyper-util",
    "reqwest",
    "smol",
    "tokio",
    "tokio-stream",
    "tokio-util",
    "tonic",
];

fn check(tree: &Tree) -> Vec<Violation> {
    tree.files
        .iter()
        .filter_map(|file| Some((file, package_of(&file.path)?)))
        .flat_map(check_manifest)
        .collect()
}

/// The package of a manifest path.
fn package_of(path: &str) -> Option<&str> {
    if path == "xtask/Cargo.toml" {
        return Some("xtask");
    }
    path.strip_prefix("crates/")?.strip_suffix("/Cargo.toml").filter(|name| !name.contains('/'))
}

fn check_manifest((file, package): (&SourceFile, &str)) -> Vec<Violation> {
    let report = |line, what: String, hint: &str| Violation::new(&file.path, line, what, hint);
    let Some((_, allowed)) = EDGES.iter().find(|(name, _)| *name == package) else {
        let hint = "add it to ARCHITECTURE.md and to EDGES in one commit, with a page in docs/decisions/";
        return vec![report(1, format!("crate `{package}` is not in the table"), hint)];
    };
    let manifest: Table = match toml::from_str(&file.text) {
        Ok(manifest) => manifest,
        Err(error) => {
            return vec![report(1, format!("the manifest does not parse: {error}"), "mend it")];
        }
    };
    let mut violations = Vec::new();
    let name = manifest.get("package").and_then(|section| section.get("name")).and_then(|name| name.as_str());
    if name != Some(package) {
        violations.push(report(1, format!("folder `{package}` holds another package"), "one name for both"));
    }
    for (line, dependency) in dependencies(&manifest, &file.text) {
        let is_ours = EDGES.iter().any(|(name, _)| *name == dependency);
        if is_ours && !allowed.contains(&dependency.as_str()) {
            let hint = format!("allowed: {}; or turn the arrow with a port", join(allowed));
            violations.push(report(line, format!("`{package}` may not depend on `{dependency}`"), &hint));
        } else if PURE.contains(&package) && !PURE_MAY.contains(&dependency.as_str()) {
            let hint = format!("pure crates may use: {}", join(PURE_MAY));
            violations.push(report(line, format!("pure `{package}` depends on `{dependency}` (I1)"), &hint));
        } else if SYNCHRONOUS.contains(&package) && RUNTIMES.contains(&dependency.as_str()) {
            let what = format!("`{package}` is synchronous and lists the runtime `{dependency}`");
            violations.push(report(line, what, "do the waiting in the caller"));
        }
    }
    violations
}

/// The normal and build dependencies of all targets, by package name, with their lines.
fn dependencies(manifest: &Table, text: &str) -> Vec<(usize, String)> {
    let mut tables = vec![manifest];
    if let Some(targets) = manifest.get("target").and_then(|value| value.as_table()) {
        tables.extend(targets.values().filter_map(|value| value.as_table()));
    }
    let mut found = Vec::new();
    for table in tables {
        for section in ["dependencies", "build-dependencies"] {
            let Some(entries) = table.get(section).and_then(|value| value.as_table()) else {
                continue;
            };
            for (key, value) in entries {
                let package = value.get("package").and_then(|name| name.as_str()).unwrap_or(key);
                found.push((line_of(text, key), package.to_owned()));
            }
        }
    }
    found
}

/// The first line that begins with a dependency's key, inside or as the head of a table.
fn line_of(text: &str, key: &str) -> usize {
    let starts = |line: &str| {
        let entry = line.trim_start().strip_prefix(key).is_some_and(|rest| rest.starts_with([' ', '=', '.']));
        entry || line.trim_end().ends_with(&format!("dependencies.{key}]"))
    };
    text.lines().position(starts).map_or(1, |index| index + 1)
}

fn join(names: &[&str]) -> String {
    if names.is_empty() { "none of ours".to_owned() } else { names.join(", ") }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::planted::{assert_green, assert_red};

    fn manifest(package: &str, sections: &str) -> String {
        format!("[package]\nname = \"{package}\"\n{sections}")
    }

    #[track_caller]
    fn assert_manifest_red(package: &str, sections: &str, line: usize, words: &str) {
        let path = format!("crates/{package}/Cargo.toml");
        assert_red(&RULE, &[(&path, &manifest(package, sections))], &format!("{path}:{line}"), words);
    }

    #[test]
    fn a_forbidden_edge_is_reported_at_its_line() {
        let sections = "[dependencies]\ntelemetry.workspace = true\nincident.workspace = true\n";
        assert_manifest_red("otlp", sections, 5, "`otlp` may not depend on `incident`");
    }

    #[test]
    fn a_forbidden_edge_hides_neither_behind_a_target_nor_behind_a_name() {
        assert_manifest_red("otlp", "[target.'cfg(unix)'.dependencies]\nstore = \"1\"\n", 4, "`store`");
        let renamed = "[dependencies]\nx = { package = \"store\", path = \"../store\" }\n";
        assert_manifest_red("otlp", renamed, 4, "`store`");
        assert_manifest_red("otlp", "[build-dependencies.store]\npath = \"../store\"\n", 3, "`store`");
    }

    #[test]
    fn nobody_ships_the_test_kit() {
        assert_manifest_red("firstcause", "[dependencies]\ntestkit.workspace = true\n", 4, "`testkit`");
    }

    #[test]
    fn an_unknown_crate_and_a_second_name_are_reported() {
        assert_manifest_red("extras", "", 1, "not in the table");
        let files = [("crates/store/Cargo.toml", "[package]\nname = \"warehouse\"\n")];
        assert_red(&RULE, &files, "crates/store/Cargo.toml:1", "another package");
    }

    #[test]
    fn a_pure_crate_has_no_other_library() {
        assert_manifest_red("evidence", "[dependencies]\nrand = \"1\"\n", 4, "pure `evidence`");
    }

    #[test]
    fn a_synchronous_crate_lists_no_runtime() {
        assert_manifest_red("store", "[dependencies]\ntokio.workspace = true\n", 4, "runtime `tokio`");
    }

    #[test]
    fn allowed_edges_and_dev_dependencies_are_fine() {
        let sections = "[dependencies]\ntelemetry.workspace = true\nlibm.workspace = true\n\
                        [dev-dependencies]\ntestkit.workspace = true\ntokio.workspace = true\n";
        assert_green(&RULE, &[("crates/evidence/Cargo.toml", &manifest("evidence", sections))]);
    }

    #[test]
    fn no_crate_can_reach_itself() {
        for (start, _) in EDGES {
            let mut open: Vec<&str> = vec![start];
            let mut seen = Vec::new();
            while let Some(name) = open.pop() {
                for next in EDGES.iter().filter(|(from, _)| *from == name).flat_map(|(_, to)| *to) {
                    assert_ne!(next, start, "the table lets `{start}` depend on itself through `{name}`");
                    if !seen.contains(next) {
                        seen.push(next);
                        open.push(next);
                    }
                }
            }
        }
    }

    #[test]
    fn the_page_and_the_table_agree() {
        let page = crate::workspace::root().expect("the workspace").join("ARCHITECTURE.md");
        let page = std::fs::read_to_string(page).expect("the page");
        for (name, allowed) in EDGES.iter().filter(|(_, allowed)| *allowed != PRODUCT) {
            let Some(row) = page.lines().find(|line| line.starts_with(&format!("| `{name}` |"))) else {
                assert_eq!(*name, "xtask", "ARCHITECTURE.md has no row for it");
                continue;
            };
            let cell = row.split('|').nth(3).expect("a third column").trim();
            let mut written: Vec<&str> =
                cell.split(", ").map(|entry| entry.split(' ').next().unwrap()).collect();
            written.retain(|entry| *entry != "nothing");
            assert_eq!(written, *allowed, "ARCHITECTURE.md and EDGES differ for `{name}`");
        }
    }
}
