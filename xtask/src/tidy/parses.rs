//! Each Rust source parses, so that no other rule passes by seeing nothing.

use crate::rule::{Level, Rule, Violation};
use crate::tree::Tree;

/// The rule.
pub(crate) const RULE: Rule =
    Rule { id: "parses", what: "each Rust source outside testdata parses", level: Level::Deny, check };

fn check(tree: &Tree) -> Vec<Violation> {
    tree.files
        .iter()
        .filter_map(|file| match &file.rust {
            Some(Err(error)) => {
                Some(Violation::new(&file.path, error.line, error.message.clone(), "run `cargo check`"))
            }
            _ => None,
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::planted::{assert_green, assert_red};

    #[test]
    fn a_source_that_does_not_parse_is_reported() {
        assert_red(&RULE, &[("crates/a/src/a.rs", "//! a\nfn fn\n")], "crates/a/src/a.rs:2", "expected");
    }

    #[test]
    fn broken_fixtures_are_free() {
        assert_green(&RULE, &[("crates/a/testdata/a.rs", "fn fn"), ("crates/a/src/a.rs", "//! a\n")]);
    }
}
