//! The engine is pure (I1): no IO, clock, chance, async, iteration in hash order, or platform mathematics.
//!
//! Test code is free. A name hidden behind a re-export of another crate is not seen; `layers` keeps
//! those crates few.

use crate::rule::{Level, Rule, Violation};
use crate::tokens::{self, Keep, Token};
use crate::tree::Tree;

/// The rule.
pub(crate) const RULE: Rule = Rule {
    id: "pure-crates",
    what: "evidence and investigation have no IO, clock, chance, async, hash order or std transcendental",
    level: Level::Deny,
    check,
};

const FOLDERS: &[&str] = &["crates/evidence/src/", "crates/investigation/src/"];

/// Words that may not appear at all.
const WORDS: &[(&str, &str)] = &[
    ("HashMap", "use `BTreeMap`: its order is the same everywhere"),
    ("HashSet", "use `BTreeSet`: its order is the same everywhere"),
    ("Instant", "time comes in with the answers"),
    ("SystemTime", "time comes in with the answers"),
    ("async", "return a `Step`: the orchestrator does the waiting"),
    ("await", "return a `Step`: the orchestrator does the waiting"),
    ("rand", "derive choices from the input"),
];

/// Modules of `std` that reach the world.
const STD_MODULES: &[&str] = &["env", "fs", "net", "process", "thread"];

/// Floating point functions whose last digit depends on the platform; `sqrt` is exactly rounded and allowed.
const TRANSCENDENTAL: &[&str] = &[
    "acos", "acosh", "asin", "asinh", "atan", "atan2", "atanh", "cbrt", "cos", "cosh", "exp", "exp2",
    "exp_m1", "hypot", "ln", "ln_1p", "log", "log10", "log2", "powf", "powi", "sin", "sin_cos", "sinh",
    "tan", "tanh",
];

fn check(tree: &Tree) -> Vec<Violation> {
    let mut violations = Vec::new();
    for (file, rust) in tree.rust() {
        if file.is_test() || !FOLDERS.iter().any(|folder| file.path.starts_with(folder)) {
            continue;
        }
        let tokens = tokens::flatten(&rust.tokens, Keep::Production);
        for index in 0..tokens.len() {
            if let Some((line, what, hint)) = judge(&tokens, index) {
                violations.push(Violation::new(&file.path, line, what, hint));
            }
        }
    }
    violations
}

fn judge(tokens: &[Token], index: usize) -> Option<(usize, String, &'static str)> {
    let token = tokens.get(index)?;
    let word = token.word()?;
    let line = token.line;
    if let Some((_, hint)) = WORDS.iter().find(|(banned, _)| *banned == word) {
        return Some((line, format!("`{word}` in a pure crate (I1)"), hint));
    }
    if word == "std"
        && let Some(module) = std_modules(tokens, index).into_iter().find(|name| STD_MODULES.contains(name))
    {
        return Some((line, format!("`std::{module}` in a pure crate (I1)"), "a pure crate only computes"));
    }
    let before = |back: usize| index.checked_sub(back).and_then(|at| tokens.get(at));
    let is_method = before(1).is_some_and(|token| token.is('.'));
    let is_function = before(1).is_some_and(|token| token.is(':'))
        && before(3).and_then(Token::word).is_some_and(|owner| matches!(owner, "f64" | "f32"));
    let is_called = is_function || (is_method && tokens.get(index + 1).is_some_and(|token| token.is('(')));
    if is_called && TRANSCENDENTAL.contains(&word) {
        let hint =
            if word == "powi" { "multiply: the precision of `powi` is unspecified" } else { "use `libm`" };
        return Some((line, format!("`{word}` of `std` differs between platforms (I1)"), hint));
    }
    None
}

/// The modules named right after `std::`, alone or in braces.
fn std_modules(tokens: &[Token], index: usize) -> Vec<&str> {
    let is = |at: usize, mark| tokens.get(at).is_some_and(|token| token.is(mark));
    if !is(index + 1, ':') || !is(index + 2, ':') {
        return Vec::new();
    }
    let first = index + 3;
    if !is(first, '{') {
        return tokens.get(first).and_then(Token::word).into_iter().collect();
    }
    let mut depth = 0;
    let mut names = Vec::new();
    for pair in tokens.get(first..).unwrap_or_default().windows(2) {
        let [token, next] = pair else { break };
        depth += i32::from(token.is('{')) - i32::from(token.is('}'));
        if depth == 0 {
            break;
        }
        if depth == 1 && (token.is('{') || token.is(',')) {
            names.extend(next.word());
        }
    }
    names
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::planted::{assert_green, assert_red};

    #[track_caller]
    fn assert_line_red(line: &str, words: &str) {
        let text = format!("//! a\n{line}\n");
        assert_red(&RULE, &[("crates/evidence/src/a.rs", &text)], "crates/evidence/src/a.rs:2", words);
    }

    #[test]
    fn the_world_is_reported() {
        assert_line_red("use std::collections::HashMap;", "`HashMap`");
        assert_line_red("fn f() -> std::time::Instant { todo() }", "`Instant`");
        assert_line_red("use std::fs;", "`std::fs`");
        assert_line_red("use std::{collections::BTreeMap, env};", "`std::env`");
        assert_line_red("fn f() { std::net::lookup() }", "`std::net`");
        assert_line_red("async fn f() {}", "`async`");
        assert_line_red("fn f() { rand::random() }", "`rand`");
    }

    #[test]
    fn platform_mathematics_is_reported() {
        for name in TRANSCENDENTAL {
            assert_line_red(&format!("fn f(x: f64) -> f64 {{ x.{name}(1) }}"), name);
            assert_line_red(&format!("fn f(x: f64) -> f64 {{ f64::{name}(x) }}"), name);
        }
        assert_line_red("fn f(x: f64) -> f64 { vec![x.ln()] }", "`ln`");
    }

    #[test]
    fn pure_code_tests_and_other_crates_are_fine() {
        let pure = "//! a\nuse std::{collections::{BTreeMap, btree_map}, fmt};\n\
                    fn f(x: f64) -> f64 { libm::log(x.sqrt().mul_add(2.0, 1.0)) + logs.log }\n\
                    #[cfg(test)]\nmod tests { use std::collections::HashMap; }\n";
        assert_green(
            &RULE,
            &[
                ("crates/evidence/src/a.rs", pure),
                ("crates/investigation/tests/a.rs", "//! a\nuse std::fs;\n"),
                ("crates/store/src/a.rs", "//! a\nuse std::fs;\n"),
            ],
        );
    }
}
