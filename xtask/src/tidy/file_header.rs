//! Each source begins by saying what it is for.

use crate::rule::{Level, Rule, Violation};
use crate::tree::Tree;

/// The rule.
pub(crate) const RULE: Rule =
    Rule { id: "file-header", what: "each .rs file starts with `//!`", level: Level::Deny, check };

fn check(tree: &Tree) -> Vec<Violation> {
    tree.files
        .iter()
        .filter(|file| file.rust.is_some() && !file.text.starts_with("//!"))
        .map(|file| {
            let hint = "begin with `//!`: what the file is for, and what it deliberately does not do";
            Violation::new(&file.path, 1, "the file does not start with `//!`", hint)
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::planted::{assert_green, assert_red};

    #[test]
    fn a_file_without_a_header_is_reported() {
        assert_red(&RULE, &[("crates/a/src/a.rs", "use b;\n//! late\n")], "crates/a/src/a.rs:1", "`//!`");
    }

    #[test]
    fn a_file_with_a_header_is_fine() {
        assert_green(&RULE, &[("crates/a/src/a.rs", "//! a\n"), ("crates/a/testdata/b.rs", "fn b() {}")]);
    }
}
