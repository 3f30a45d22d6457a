//! The engine knows no system by name: what it finds in our demonstrations it must find elsewhere.
//!
//! Looks at string literals of production code, word by word. Tests may name what they like, and a name that is
//! put together at run time is not seen.

use crate::rule::{Level, Rule, Violation};
use crate::tokens::{self, Keep, Kind};
use crate::tree::Tree;

/// The rule.
pub(crate) const RULE: Rule = Rule {
    id: "demo-names",
    what: "no service of our demonstration systems is named in the crates that explain and repair",
    level: Level::Deny,
    check,
};

/// What collects, explains and repairs.
const FOLDERS: &[&str] = &[
    "crates/evidence/src/",
    "crates/investigation/src/",
    "crates/remediation/src/",
    "crates/store/src/",
    "crates/telemetry/src/",
];

/// Services and queues of the demo, then those of `systems/`.
const NAMES: &[&str] = &[
    "gateway",
    "catalog",
    "checkout",
    "stock",
    "orders",
    "receipts",
    "rates",
    "order-events",
    "web",
    "accounts",
    "pricing",
    "mailer",
];

fn check(tree: &Tree) -> Vec<Violation> {
    let mut violations = Vec::new();
    for (file, rust) in tree.rust() {
        if file.is_test() || !FOLDERS.iter().any(|folder| file.path.starts_with(folder)) {
            continue;
        }
        for token in tokens::flatten(&rust.tokens, Keep::Production) {
            let Kind::Literal(text) = &token.kind else { continue };
            if let Some(name) = name_in(text) {
                let what = format!("`{name}` of a demonstration system is named in the engine");
                violations.push(Violation::new(
                    &file.path,
                    token.line,
                    what,
                    "decide by what telemetry says, or choose another word",
                ));
            }
        }
    }
    violations
}

/// The first name that stands in a literal as a word.
fn name_in(literal: &str) -> Option<&str> {
    literal
        .split(|character: char| !character.is_ascii_alphanumeric() && !matches!(character, '-' | '_'))
        .find(|word| NAMES.contains(word))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::planted::{assert_green, assert_red};

    #[test]
    fn a_service_of_a_demonstration_is_reported_wherever_it_stands_in_a_literal() {
        for literal in ["\"orders\"", "\"the pool of `accounts` is full\"", "b\"order-events\""] {
            let text = format!("//! a\nconst A: &[u8] = {literal}.as_bytes();\n");
            for crate_name in ["evidence", "investigation", "remediation", "store", "telemetry"] {
                let path = format!("crates/{crate_name}/src/a.rs");
                assert_red(&RULE, &[(&path, &text)], &format!("{path}:2"), "demonstration");
            }
        }
    }

    #[test]
    fn identifiers_longer_words_tests_and_other_crates_are_fine() {
        let names = "//! a\n// Like `orders`.\nfn orders(web: u8) -> &'static str { \"webs, preorders\" }\n\
                     #[cfg(test)]\nmod tests { const A: &str = \"orders\"; }\n";
        let literal = "//! a\nconst A: &str = \"orders\";\n";
        assert_green(
            &RULE,
            &[
                ("crates/evidence/src/a.rs", names),
                ("crates/evidence/src/tests/a.rs", literal),
                ("crates/demo/src/a.rs", literal),
                ("crates/firstcause/src/a.rs", literal),
            ],
        );
    }
}
