//! A function fits on a screen: counted from `fn` to its closing brace, comments and blank lines included.
//!
//! Functions inside macro bodies are tokens and are not counted.

use proc_macro2::Span;
use syn::visit::{self, Visit};
use syn::{Attribute, Block, ImplItemFn, ItemFn, ItemMod, Signature, TraitItemFn};

use crate::rule::{Level, Rule, Violation};
use crate::tree::Tree;

const LINES_MAX: usize = 70;
/// A test may carry its fixture.
const TEST_LINES_MAX: usize = 120;

/// The rule.
pub(crate) const RULE: Rule = Rule {
    id: "function-length",
    what: "a function has at most 70 lines, 120 in test code",
    level: Level::Deny,
    check,
};

fn check(tree: &Tree) -> Vec<Violation> {
    let mut violations = Vec::new();
    for (file, rust) in tree.rust() {
        let limit = if file.is_test() { TEST_LINES_MAX } else { LINES_MAX };
        let mut lengths = Lengths { path: &file.path, limit, violations: &mut violations };
        lengths.visit_file(&rust.syntax);
    }
    violations
}

struct Lengths<'a> {
    path: &'a str,
    limit: usize,
    violations: &'a mut Vec<Violation>,
}

impl Lengths<'_> {
    fn measure(&mut self, attributes: &[Attribute], signature: &Signature, block: &Block) {
        let limit = if attributes.iter().any(is_test) { TEST_LINES_MAX } else { self.limit };
        let first = line(signature.fn_token.span);
        let lines = line(block.brace_token.span.close()) + 1 - first;
        if lines > limit {
            let what = format!("`{}` has {lines} lines, the limit is {limit}", signature.ident);
            self.violations.push(Violation::new(self.path, first, what, "move a step into a named function"));
        }
    }
}

fn line(span: Span) -> usize {
    span.start().line
}

fn is_test(attribute: &Attribute) -> bool {
    match &attribute.meta {
        syn::Meta::List(list) => list.path.is_ident("cfg") && list.tokens.to_string() == "test",
        other => other.path().segments.last().is_some_and(|last| last.ident == "test"),
    }
}

impl<'ast> Visit<'ast> for Lengths<'_> {
    fn visit_item_mod(&mut self, module: &'ast ItemMod) {
        let outer = self.limit;
        if module.attrs.iter().any(is_test) {
            self.limit = TEST_LINES_MAX;
        }
        visit::visit_item_mod(self, module);
        self.limit = outer;
    }

    fn visit_item_fn(&mut self, function: &'ast ItemFn) {
        self.measure(&function.attrs, &function.sig, &function.block);
        visit::visit_item_fn(self, function);
    }

    fn visit_impl_item_fn(&mut self, function: &'ast ImplItemFn) {
        self.measure(&function.attrs, &function.sig, &function.block);
        visit::visit_impl_item_fn(self, function);
    }

    fn visit_trait_item_fn(&mut self, function: &'ast TraitItemFn) {
        if let Some(block) = &function.default {
            self.measure(&function.attrs, &function.sig, block);
        }
        visit::visit_trait_item_fn(self, function);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::planted::{assert_green, assert_red};

    fn function(lines: usize) -> String {
        format!("fn a() {{\n{}}}\n", "    b();\n".repeat(lines - 2))
    }

    #[test]
    fn one_line_over_the_limit_is_reported_at_its_first_line() {
        let text = format!("//! a\n{}", function(LINES_MAX + 1));
        assert_red(&RULE, &[("crates/a/src/a.rs", &text)], "crates/a/src/a.rs:2", "71 lines");
        let method = format!("//! a\nimpl A {{\n{}}}\n", function(LINES_MAX + 1));
        assert_red(&RULE, &[("crates/a/src/a.rs", &method)], "crates/a/src/a.rs:3", "71 lines");
    }

    #[test]
    fn a_test_function_has_a_limit_too() {
        let text = format!("//! a\n#[cfg(test)]\nmod tests {{\n{}}}\n", function(TEST_LINES_MAX + 1));
        assert_red(&RULE, &[("crates/a/src/a.rs", &text)], "crates/a/src/a.rs:4", "121 lines");
    }

    #[test]
    fn functions_at_their_limits_are_fine() {
        let production = format!("//! a\n{}", function(LINES_MAX));
        let test = format!("//! a\n#[cfg(test)]\nmod tests {{\n{}}}\n", function(TEST_LINES_MAX));
        assert_green(&RULE, &[("crates/a/src/a.rs", &production), ("crates/a/src/b.rs", &test)]);
    }
}
