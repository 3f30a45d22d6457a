//! A file is short enough to be read in one sitting.
//!
//! The aim is about 200 lines; only the hard limit is checked.

use crate::rule::{Level, Rule, Violation};
use crate::tree::Tree;

const LINES_MAX: usize = 500;
/// Flat tables without logic, which may be longer.
const TABLES: &[&str] = &[];

/// The rule.
pub(crate) const RULE: Rule =
    Rule { id: "file-length", what: "a Rust file has at most 500 lines", level: Level::Deny, check };

fn check(tree: &Tree) -> Vec<Violation> {
    tree.files
        .iter()
        .filter(|file| file.rust.is_some() && !TABLES.contains(&file.path.as_str()))
        .filter_map(|file| {
            let lines = file.text.lines().count();
            let what = format!("{lines} lines, the limit is {LINES_MAX}");
            (lines > LINES_MAX).then(|| Violation::new(&file.path, 1, what, "split it by concept"))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::planted::{assert_green, assert_red};

    #[test]
    fn one_line_over_the_limit_is_reported() {
        let long = "//! a\n".repeat(LINES_MAX + 1);
        assert_red(&RULE, &[("crates/a/src/a.rs", &long)], "crates/a/src/a.rs:1", "501 lines");
    }

    #[test]
    fn a_file_at_the_limit_is_fine() {
        assert_green(&RULE, &[("crates/a/src/a.rs", &"//! a\n".repeat(LINES_MAX))]);
    }
}
