//! Only the approval channels and the wiring make an `Authority` (I5).
//!
//! Looks at production code as text: what stands after `#[cfg(test)]` is a test's business.

use crate::rule::{Level, Rule, Violation};
use crate::tree::Tree;

/// Who may make one.
const ALLOWED: &[&str] =
    &["crates/firstcause/src/", "crates/remediation/src/approval.rs", "crates/remediation/src/channels/"];

/// The rule.
pub(crate) const RULE: Rule = Rule {
    id: "authority",
    what: "only the approval channels and the wiring in `firstcause` make an `Authority`",
    level: Level::Deny,
    check,
};

fn check(tree: &Tree) -> Vec<Violation> {
    let mut violations = Vec::new();
    let is_production = |path: &str| path.starts_with("crates/") && path.contains("/src/");
    for file in tree.files.iter().filter(|file| file.rust.is_some() && is_production(&file.path)) {
        if ALLOWED.iter().any(|allowed| file.path.starts_with(allowed)) {
            continue;
        }
        let production = file.text.lines().take_while(|line| !line.contains("#[cfg(test)]"));
        for (index, line) in production.enumerate() {
            if line.contains("Authority::") {
                let hint = "take an `ApprovalChannel` instead";
                violations.push(Violation::new(
                    &file.path,
                    index + 1,
                    "an authority is made here".to_owned(),
                    hint,
                ));
            }
        }
    }
    violations
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::planted::{assert_green, assert_red};

    const MAKES: &str = "//! a\nfn a() {\n    let b = Authority::new();\n}\n";

    #[test]
    fn an_authority_made_elsewhere_is_reported() {
        assert_red(&RULE, &[("crates/tools/src/a.rs", MAKES)], "crates/tools/src/a.rs:3", "authority");
    }

    #[test]
    fn channels_wiring_and_tests_may_make_one() {
        let test = "//! a\n#[cfg(test)]\nmod tests {\n    fn a() { let b = Authority::new(); }\n}\n";
        assert_green(
            &RULE,
            &[
                ("crates/firstcause/src/a.rs", MAKES),
                ("crates/remediation/src/channels/a.rs", MAKES),
                ("crates/remediation/src/executors/a.rs", test),
            ],
        );
    }
}
