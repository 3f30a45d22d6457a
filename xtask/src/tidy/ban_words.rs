//! One noun per concept, no dumping grounds, and no vendor outside its own module (I4).
//!
//! Tests may use vendor words. Comments and documents are not searched, and a vendor name
//! that is only data read from a file cannot be seen here.

use crate::rule::{Level, Rule, Violation};
use crate::tokens::{self, Keep, Kind, Token};
use crate::tree::{SourceFile, Tree};

/// The rule.
pub(crate) const RULE: Rule = Rule {
    id: "ban-words",
    what: "no dumping-ground modules, retired nouns, or vendor names outside their module",
    level: Level::Deny,
    check,
};

/// Names that no module, file or folder of source may have.
const MODULE_NAMES: &[(&str, &str)] = &[
    ("common", "the noun of what it holds, in the lowest crate that noun fits"),
    ("helper", "the noun of what it holds"),
    ("helpers", "the noun of what they hold"),
    ("manager", "the noun of what it owns"),
    ("misc", "one module per concept"),
    ("util", "the noun of what it holds"),
    ("utils", "the noun of what they hold"),
];

/// Words that no identifier may contain.
const NOUNS: &[(&str, &str)] = &[("rca", "`conclusion` or `root_cause`"), ("tenant", "`space`")];

/// Names that live only in a module named after the vendor.
const VENDORS: &[&str] = &[
    "datadog",
    "dynatrace",
    "elastic",
    "github",
    "honeycomb",
    "jira",
    "kibana",
    "newrelic",
    "pagerduty",
    "slack",
    "splunk",
];

fn check(tree: &Tree) -> Vec<Violation> {
    let mut violations = Vec::new();
    for (file, rust) in tree.rust().filter(|(file, _)| file.package().is_some()) {
        check_path(file, &mut violations);
        let all = tokens::flatten(&rust.tokens, Keep::All);
        check_identifiers(file, &all, &mut violations);
        if file.path.starts_with("crates/") && file.path.contains("/src/") && !file.is_test() {
            let production = tokens::flatten(&rust.tokens, Keep::Production);
            check_vendors(file, &production, &mut violations);
        }
    }
    violations
}

fn check_path(file: &SourceFile, violations: &mut Vec<Violation>) {
    for part in file.path.trim_end_matches(".rs").split('/') {
        if let Some((name, instead)) = MODULE_NAMES.iter().find(|(name, _)| *name == part) {
            violations.push(Violation::new(&file.path, 1, format!("`{name}` says nothing"), *instead));
        }
    }
}

fn check_identifiers(file: &SourceFile, tokens: &[Token], violations: &mut Vec<Violation>) {
    let mut before = "";
    for token in tokens {
        let Some(word) = token.word() else { continue };
        let mut report =
            |what: String, hint: &str| violations.push(Violation::new(&file.path, token.line, what, hint));
        if before == "mod"
            && let Some((name, instead)) = MODULE_NAMES.iter().find(|(name, _)| *name == word)
        {
            report(format!("module `{name}` says nothing"), instead);
        }
        if matches!(before, "struct" | "enum" | "trait" | "type") && word.ends_with("Impl") {
            report(format!("type `{word}` ends in `Impl`"), "name what distinguishes it");
        }
        if let Some((noun, instead)) = NOUNS.iter().find(|(noun, _)| words_of(word).iter().any(|w| w == noun))
        {
            report(format!("`{word}` uses the retired noun `{noun}`"), instead);
        }
        before = word;
    }
}

fn check_vendors(file: &SourceFile, tokens: &[Token], violations: &mut Vec<Violation>) {
    let home: Vec<String> = file.module().unwrap_or_default().into_iter().flat_map(words_of).collect();
    let declared: Vec<String> = declared_modules(tokens);
    for token in tokens {
        let text = match &token.kind {
            Kind::Word(word) | Kind::Literal(word) => word,
            Kind::Mark(_) => continue,
        };
        let words = words_of(text);
        let Some(vendor) = VENDORS.iter().find(|vendor| words.iter().any(|word| word == *vendor)) else {
            continue;
        };
        let at_home = home.iter().any(|word| word == vendor);
        let in_list = token.word().is_some() && declared.iter().any(|word| word == vendor);
        if !at_home && !in_list {
            let what = format!("vendor `{vendor}` outside a module named after it (I4)");
            violations.push(Violation::new(
                &file.path,
                token.line,
                what,
                format!("move it to a module `{vendor}`"),
            ));
        }
    }
}

/// The words in the names of the modules a file declares: its list may name them.
fn declared_modules(tokens: &[Token]) -> Vec<String> {
    let words: Vec<&str> = tokens.iter().filter_map(Token::word).collect();
    words
        .windows(2)
        .filter_map(|pair| match pair {
            ["mod", name] => Some(words_of(name)),
            _ => None,
        })
        .flatten()
        .collect()
}

/// The lower-case words of an identifier or literal: `NewRelicKey` and `new_relic_key` both give `new relic key`.
fn words_of(text: &str) -> Vec<String> {
    let mut words = vec![String::new()];
    let mut was_lower = false;
    for letter in text.chars() {
        let starts = !letter.is_ascii_alphabetic() || (letter.is_ascii_uppercase() && was_lower);
        if starts {
            words.push(String::new());
        }
        was_lower = letter.is_ascii_lowercase();
        if letter.is_ascii_alphabetic()
            && let Some(word) = words.last_mut()
        {
            word.push(letter.to_ascii_lowercase());
        }
    }
    words.retain(|word| !word.is_empty());
    words
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::planted::{assert_green, assert_red};

    #[test]
    fn a_dumping_ground_is_reported() {
        assert_red(&RULE, &[("crates/a/src/utils.rs", "//! a\n")], "crates/a/src/utils.rs:1", "`utils`");
        assert_red(&RULE, &[("crates/a/src/a.rs", "//! a\nmod misc {}\n")], "crates/a/src/a.rs:2", "`misc`");
    }

    #[test]
    fn a_retired_noun_is_reported_inside_a_longer_name() {
        let files = [("crates/a/src/a.rs", "//! a\nstruct RcaReport;\n")];
        assert_red(&RULE, &files, "crates/a/src/a.rs:2", "`rca`");
        assert_red(
            &RULE,
            &[("crates/a/src/a.rs", "//! a\nfn f(tenant_id: u8) {}\n")],
            "crates/a/src/a.rs:2",
            "tenant",
        );
    }

    #[test]
    fn a_type_that_ends_in_impl_is_reported() {
        assert_red(
            &RULE,
            &[("crates/a/src/a.rs", "//! a\nstruct ClockImpl;\n")],
            "crates/a/src/a.rs:2",
            "Impl",
        );
    }

    #[test]
    fn a_vendor_in_the_core_is_reported_as_word_and_as_text() {
        let word = [("crates/a/src/a.rs", "//! a\nstruct SlackMessage;\n")];
        assert_red(&RULE, &word, "crates/a/src/a.rs:2", "`slack`");
        let text = [("crates/a/src/a.rs", "//! a\nconst A: &str = \"x-datadog-id\";\n")];
        assert_red(&RULE, &text, "crates/a/src/a.rs:2", "`datadog`");
    }

    #[test]
    fn a_vendor_at_home_in_a_list_in_a_comment_or_in_a_test_is_fine() {
        assert_green(
            &RULE,
            &[
                ("crates/a/src/alerts/datadog.rs", "//! a\nstruct DatadogAlert;\n"),
                ("crates/a/src/alerts/mod.rs", "//! a\nmod datadog;\nfn all() { datadog::parse() }\n"),
                ("crates/a/src/b.rs", "//! a\n// As slack does.\n/// And jira.\nfn b() {}\n"),
                ("crates/a/src/c.rs", "//! a\n#[cfg(test)]\nmod tests { const A: &str = \"slack\"; }\n"),
                ("crates/a/tests/it/main.rs", "//! a\nconst A: &str = \"slack\";\n"),
                ("crates/a/src/d.rs", "//! a\nfn arcade(percale: u8, research: u8) {}\n"),
            ],
        );
    }
}
