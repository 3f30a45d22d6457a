//! A recorded soak says what it measured, and it is told when its inputs have changed since.
//!
//! It only warns: a soak takes an hour and is run by hand.

use serde_json::Value;

use crate::process;
use crate::rule::{Level, Rule, Violation};
use crate::soak;
use crate::tree::Tree;

const KEYS: &[&str] = &["commit", "seed", "machine", "figures"];

/// The rule.
pub(crate) const RULE: Rule = Rule {
    id: "soak-freshness",
    what: "docs/results/*.json carry commit, seed, machine and figures, and are recent",
    level: Level::Warn,
    check,
};

fn check(tree: &Tree) -> Vec<Violation> {
    let mut violations = Vec::new();
    for file in &tree.files {
        let Some(name) = file.path.strip_prefix("docs/results/").and_then(|rest| rest.strip_suffix(".json"))
        else {
            continue;
        };
        let record: Value = serde_json::from_str(&file.text).unwrap_or(Value::Null);
        let again = format!("run `cargo xtask soak {name}`");
        for key in KEYS.iter().filter(|key| record.get(**key).is_none()) {
            let what = format!("the record has no `{key}`");
            violations.push(Violation::new(&file.path, 1, what, again.clone()));
        }
        if let Some(commit) = record.get("commit").and_then(Value::as_str)
            && commit.chars().all(|digit| digit.is_ascii_hexdigit())
            && let Some(changed) = changed_since(tree, name, commit)
        {
            let what = format!("{changed} inputs changed since commit {commit}");
            violations.push(Violation::new(&file.path, 1, what, again));
        }
    }
    violations
}

/// How many input files of a soak changed since a commit; `None` without git, or when nothing changed.
fn changed_since(tree: &Tree, name: &str, commit: &str) -> Option<usize> {
    let soak = soak::all().iter().find(|soak| soak.name == name)?;
    let mut arguments = vec!["diff", "--name-only", commit, "--"];
    arguments.extend(soak.inputs);
    let changed = process::answer(&tree.root, "git", &arguments)?.lines().count();
    (changed > 0).then_some(changed)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::planted::{assert_green, assert_red};

    #[test]
    fn a_record_without_its_seed_is_reported() {
        let text = r#"{"commit": "unknown", "machine": {}, "figures": {}}"#;
        assert_red(&RULE, &[("docs/results/kill.json", text)], "docs/results/kill.json:1", "`seed`");
    }

    #[test]
    fn a_complete_record_is_fine() {
        let text = r#"{"commit": "unknown", "seed": 1, "machine": {}, "figures": {}}"#;
        assert_green(&RULE, &[("docs/results/kill.json", text)]);
    }
}
