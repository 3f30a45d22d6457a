//! Source is ASCII, so that nothing in it can look like something else.
//!
//! Documents and fixtures are free: they quote the world.

use crate::rule::{Level, Rule, Violation};
use crate::tree::{SourceFile, Tree};

/// The rule.
pub(crate) const RULE: Rule =
    Rule { id: "ascii", what: "Rust, manifests and scripts are ASCII", level: Level::Deny, check };

fn is_source(file: &SourceFile) -> bool {
    file.rust.is_some()
        || file.path.ends_with(".toml")
        || file.path.ends_with(".sh")
        || file.path == ".ci/run"
}

fn check(tree: &Tree) -> Vec<Violation> {
    let mut violations = Vec::new();
    for file in tree.files.iter().filter(|file| is_source(file)) {
        for (index, line) in file.text.lines().enumerate() {
            if let Some(found) = line.chars().find(|found| !found.is_ascii()) {
                let what = format!("U+{:04X} is not ASCII", u32::from(found));
                let hint = "spell it, or write the `\\u{..}` escape in a string";
                violations.push(Violation::new(&file.path, index + 1, what, hint));
            }
        }
    }
    violations
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::planted::{assert_green, assert_red};

    #[test]
    fn a_typographic_character_in_source_is_reported() {
        assert_red(
            &RULE,
            &[("crates/a/src/a.rs", "//! a\n// b \u{2026}\n")],
            "crates/a/src/a.rs:2",
            "U+2026",
        );
    }

    #[test]
    fn documents_may_use_any_character() {
        assert_green(&RULE, &[("README.md", "a \u{2026}"), ("crates/a/src/a.rs", "//! a\n")]);
    }
}
