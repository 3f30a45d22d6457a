//! ARCHITECTURE.md mentions every crate.
//!
//! It checks presence only; whether the sentence is true is for a reader.

use crate::rule::{Level, Rule, Violation};
use crate::tree::Tree;

const PAGE: &str = "ARCHITECTURE.md";

/// The rule.
pub(crate) const RULE: Rule = Rule {
    id: "architecture-names-crates",
    what: "ARCHITECTURE.md names every folder of crates/ in backticks",
    level: Level::Deny,
    check,
};

fn check(tree: &Tree) -> Vec<Violation> {
    let page = tree.file(PAGE).map_or("", |file| file.text.as_str());
    tree.crates()
        .into_iter()
        .filter(|name| !page.contains(&format!("`{name}`")))
        .map(|name| {
            Violation::new(
                PAGE,
                1,
                format!("crate `{name}` is not mentioned"),
                "add its row to the crate table",
            )
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::planted::{assert_green, assert_red};

    #[test]
    fn a_crate_missing_from_the_page_is_reported() {
        let files = [("crates/store/Cargo.toml", ""), (PAGE, "the store")];
        assert_red(&RULE, &files, "ARCHITECTURE.md:1", "`store`");
    }

    #[test]
    fn a_crate_in_backticks_is_fine() {
        assert_green(&RULE, &[("crates/store/Cargo.toml", ""), (PAGE, "the `store`")]);
    }
}
