//! The top-level modules of a crate form no cycle, so that each can be read without the ones above it.
//!
//! An edge is a path `crate::x` or the same through `super`, in code or in a macro body, outside test code.
//! The crate root is no module: what it re-exports is not followed. Inside a module cycles are allowed.

use std::collections::{BTreeMap, BTreeSet};

use crate::rule::{Level, Rule, Violation};
use crate::tokens::{self, Keep, Token};
use crate::tree::Tree;

/// The rule.
pub(crate) const RULE: Rule = Rule {
    id: "module-cycles",
    what: "the top-level modules of a crate do not depend on each other in a circle",
    level: Level::Deny,
    check,
};

/// Where an edge between two modules was first seen.
type Place = (String, usize);
/// From module to module.
type Edges = BTreeMap<String, BTreeMap<String, Place>>;

fn check(tree: &Tree) -> Vec<Violation> {
    let mut crates: BTreeMap<&str, Edges> = BTreeMap::new();
    let mut modules: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for (file, rust) in tree.rust().filter(|(file, _)| !file.is_test()) {
        let (Some(package), Some(module)) = (file.package(), file.module()) else {
            continue;
        };
        let Some(top) = module.first() else { continue };
        modules.entry(package).or_default().insert(top);
        let tokens = tokens::flatten(&rust.tokens, Keep::Production);
        let depth = module.len();
        let edges = crates.entry(package).or_default().entry((*top).to_owned()).or_default();
        for (line, target) in targets(&tokens, depth) {
            edges.entry(target).or_insert_with(|| (file.path.clone(), line));
        }
    }
    let mut violations = Vec::new();
    for (package, mut edges) in crates {
        let known = modules.get(package).cloned().unwrap_or_default();
        for (from, to) in &mut edges {
            to.retain(|name, _| name != from && known.contains(name.as_str()));
        }
        violations.extend(cycle_violations(&edges));
    }
    violations
}

/// The top-level names that the tokens of a module reach, where the module lies `depth` below the root.
fn targets(tokens: &[Token], depth: usize) -> Vec<(usize, String)> {
    let mut found = Vec::new();
    // The brace depths at which inline modules were opened.
    let mut inline: Vec<usize> = Vec::new();
    let mut braces = 0;
    for (index, token) in tokens.iter().enumerate() {
        if token.is('{') {
            braces += 1;
            let is_module = index >= 2 && tokens.get(index - 2).and_then(Token::word) == Some("mod");
            if is_module {
                inline.push(braces);
            }
        } else if token.is('}') {
            if inline.last() == Some(&braces) {
                inline.pop();
            }
            braces = braces.saturating_sub(1);
        }
        let levels = match token.word() {
            Some("crate") => None,
            Some("super") if !is_after_colons(tokens, index) => Some(depth + inline.len()),
            _ => continue,
        };
        found.extend(names_after(tokens, index, levels).into_iter().map(|name| (token.line, name)));
    }
    found
}

fn is_after_colons(tokens: &[Token], index: usize) -> bool {
    index.checked_sub(1).and_then(|before| tokens.get(before)).is_some_and(|token| token.is(':'))
}

/// The names right below the root in the path at `index`; `levels` is set for a path of `super`s.
fn names_after(tokens: &[Token], index: usize, levels: Option<usize>) -> Vec<String> {
    let is = |at: usize, mark| tokens.get(at).is_some_and(|token| token.is(mark));
    let mut at = index;
    let mut climbed = usize::from(levels.is_some());
    while is(at + 1, ':') && is(at + 2, ':') {
        at += 3;
        if tokens.get(at).and_then(Token::word) != Some("super") {
            break;
        }
        climbed += 1;
    }
    if at == index || levels.is_some_and(|levels| climbed < levels) {
        return Vec::new();
    }
    if !is(at, '{') {
        return tokens.get(at).and_then(Token::word).map(str::to_owned).into_iter().collect();
    }
    names_in_braces(tokens.get(at..).unwrap_or_default())
}

/// The first names of the entries of a `use` group.
fn names_in_braces(tokens: &[Token]) -> Vec<String> {
    let mut depth = 0;
    let mut names = Vec::new();
    for pair in tokens.windows(2) {
        let [token, next] = pair else { break };
        depth += i32::from(token.is('{')) - i32::from(token.is('}'));
        if depth == 0 {
            break;
        }
        if depth == 1 && (token.is('{') || token.is(',')) {
            names.extend(next.word().map(str::to_owned));
        }
    }
    names
}

/// One violation for each group of modules that reach each other.
fn cycle_violations(edges: &Edges) -> Vec<Violation> {
    let mut reported: BTreeSet<&str> = BTreeSet::new();
    let mut violations = Vec::new();
    for start in edges.keys() {
        if reported.contains(start.as_str()) {
            continue;
        }
        let Some(cycle) = shortest_cycle(edges, start) else {
            continue;
        };
        reported.extend(cycle.iter().copied());
        let place = cycle.get(1).and_then(|next| edges.get(start)?.get(*next));
        let (path, line) = place.map_or(("", 1), |(path, line)| (path.as_str(), *line));
        let what = format!("modules in a circle: {} -> {start}", cycle.join(" -> "));
        violations.push(Violation::new(path, line, what, "move what both need below both, or merge them"));
    }
    violations
}

/// The shortest way from a module back to itself, beginning with it.
fn shortest_cycle<'a>(edges: &'a Edges, start: &'a str) -> Option<Vec<&'a str>> {
    let mut came_from: BTreeMap<&str, &str> = BTreeMap::new();
    let mut open = std::collections::VecDeque::from([start]);
    while let Some(module) = open.pop_front() {
        for next in edges.get(module).into_iter().flat_map(BTreeMap::keys) {
            if next == start {
                let mut cycle = vec![module];
                let mut at = module;
                while let Some(before) = came_from.get(at) {
                    cycle.push(before);
                    at = before;
                }
                cycle.reverse();
                return Some(cycle);
            }
            if !came_from.contains_key(next.as_str()) {
                came_from.insert(next, module);
                open.push_back(next);
            }
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::planted::{assert_green, assert_red};

    #[test]
    fn two_modules_that_use_each_other_are_reported() {
        let files = [
            ("crates/x/src/a.rs", "//! a\nuse crate::b::B;\n"),
            ("crates/x/src/b.rs", "//! b\nfn f() { crate::a::f() }\n"),
        ];
        assert_red(&RULE, &files, "crates/x/src/a.rs:2", "a -> b -> a");
    }

    #[test]
    fn a_longer_circle_is_found_through_groups_super_macros_and_folders() {
        let files = [
            ("crates/x/src/a/deep.rs", "//! a\nuse super::super::{other, b::B};\n"),
            ("crates/x/src/b.rs", "//! b\nfn f() { vec![super::c::f()] }\n"),
            ("crates/x/src/c/mod.rs", "//! c\nmod inner { use super::super::a::A; }\n"),
        ];
        assert_red(&RULE, &files, "crates/x/src/a/deep.rs:2", "a -> b -> c -> a");
    }

    #[test]
    fn one_way_edges_inner_circles_and_test_code_are_fine() {
        assert_green(
            &RULE,
            &[
                ("crates/x/src/lib.rs", "//! x\nmod a;\nmod b;\npub use crate::a::A;\n"),
                ("crates/x/src/a/mod.rs", "//! a\nmod one;\nuse crate::b::{self, B};\n"),
                ("crates/x/src/a/one.rs", "//! a\nuse super::two::T;\nuse crate::a::two;\n"),
                ("crates/x/src/a/two.rs", "//! a\nuse super::one::O;\n"),
                ("crates/x/src/b.rs", "//! b\n#[cfg(test)]\nmod tests { use crate::a::A; use super::*; }\n"),
                ("crates/y/src/b.rs", "//! b\nuse crate::a::A;\n"),
            ],
        );
    }
}
