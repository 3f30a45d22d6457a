//! The house rules that a program can check, one file each.
//!
//! To add a rule: one file with a `RULE`, one line in `all()`, one planted violation in its tests.
//! Formatting, lints and types are the compiler's work and are not repeated here.

use std::io::Write;
use std::path::Path;

use crate::failure::Failure;
use crate::rule::{self, Rule};
use crate::tree::Tree;

mod architecture_names_crates;
mod ascii;
mod authority;
mod ban_words;
mod demo_names;
mod empty_tests;
mod file_header;
mod file_length;
mod function_length;
mod layers;
mod module_cycles;
mod no_paths;
mod parses;
mod pure_crates;
mod registry;
mod soak_freshness;
mod todo;

/// Every rule, sorted.
pub(crate) fn all() -> &'static [&'static Rule] {
    &[
        &architecture_names_crates::RULE,
        &ascii::RULE,
        &authority::RULE,
        &ban_words::RULE,
        &demo_names::RULE,
        &empty_tests::RULE,
        &file_header::RULE,
        &file_length::RULE,
        &function_length::RULE,
        &layers::RULE,
        &module_cycles::RULE,
        &no_paths::RULE,
        &parses::RULE,
        &pure_crates::RULE,
        &registry::RULE,
        &soak_freshness::RULE,
        &todo::RULE,
    ]
}

/// Checks the tree below `root` and fails when a rule that denies is broken.
pub(crate) fn run(root: &Path, out: &mut dyn Write) -> anyhow::Result<()> {
    let tree = Tree::load(root)?;
    let denied = rule::report(all(), &tree, out)?;
    if denied == 0 {
        writeln!(out, "tidy: {} rules hold over {} files", all().len(), tree.files.len())?;
        return Ok(());
    }
    Err(Failure::negative(
        format!("tidy found {denied} violations"),
        "each line above names the file, the rule and the next step",
    ))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{planted, workspace};

    #[test]
    fn rules_are_sorted_and_named_after_their_files() {
        let ids: Vec<&str> = all().iter().map(|rule| rule.id).collect();
        let mut sorted = ids.clone();
        sorted.sort_unstable();
        assert_eq!(ids, sorted);
        let root = workspace::root().expect("the workspace root");
        for id in ids {
            let file = root.join(format!("xtask/src/tidy/{}.rs", id.replace('-', "_")));
            assert!(file.is_file(), "rule `{id}` has no file of its name");
        }
    }

    #[test]
    fn a_planted_violation_is_printed_with_place_rule_and_hint() {
        let tree = planted::tree(&[("crates/a/src/a.rs", "fn a() {}\n")]);
        let mut out = Vec::new();
        let denied = rule::report(&[&file_header::RULE], &tree, &mut out).expect("the report prints");
        assert_eq!(denied, 1);
        let text = String::from_utf8(out).expect("the report is text");
        assert!(text.starts_with("crates/a/src/a.rs:1: file-header: "), "{text}");
        assert!(text.contains("; hint: "), "{text}");
    }

    #[test]
    fn this_workspace_is_tidy() {
        let root = workspace::root().expect("the workspace root");
        let mut out = Vec::new();
        let result = run(&root, &mut out);
        assert!(result.is_ok(), "\n{}", String::from_utf8_lossy(&out));
    }
}
