//! A test can fail: it asserts something, is run, and says what is wrong instead of panicking somewhere.
//!
//! An assertion is an `assert..!`, `expect..!`, `panic!` or `..assert..!` macro, `unwrap_err`, `expect_err`, or a
//! function named `assert..` or `check..`. Whether it asserts the right thing is for mutation tests.

use syn::visit::{self, Visit};
use syn::{Attribute, Expr, ExprCall, ExprMethodCall, ImplItemFn, ItemFn, Macro, Path, Stmt};

use crate::rule::{Level, Rule, Violation};
use crate::tree::Tree;

/// The rule.
pub(crate) const RULE: Rule = Rule {
    id: "empty-tests",
    what: "a test asserts something; no statement `matches!(..);`, #[ignore] or #[should_panic]",
    level: Level::Deny,
    check,
};

fn check(tree: &Tree) -> Vec<Violation> {
    let mut violations = Vec::new();
    for (file, rust) in tree.rust() {
        let mut tests = Tests { path: &file.path, violations: &mut violations };
        tests.visit_file(&rust.syntax);
    }
    violations
}

struct Tests<'a> {
    path: &'a str,
    violations: &'a mut Vec<Violation>,
}

impl Tests<'_> {
    fn report(&mut self, line: usize, what: impl Into<String>, hint: &str) {
        self.violations.push(Violation::new(self.path, line, what, hint));
    }

    fn judge(&mut self, attributes: &[Attribute], name: &syn::Ident, block: &syn::Block) {
        let is_test = attributes.iter().any(|attribute| last_is(attribute.path(), "test"));
        let mut assertions = Assertions { found: false };
        assertions.visit_block(block);
        if is_test && !assertions.found {
            let hint =
                "assert what the test is for; a function that asserts is named `assert_..` or `check_..`";
            self.report(name.span().start().line, format!("test `{name}` asserts nothing"), hint);
        }
    }
}

fn last_is(path: &Path, name: &str) -> bool {
    path.segments.last().is_some_and(|last| last.ident == name)
}

impl<'ast> Visit<'ast> for Tests<'_> {
    fn visit_item_fn(&mut self, function: &'ast ItemFn) {
        self.judge(&function.attrs, &function.sig.ident, &function.block);
        visit::visit_item_fn(self, function);
    }

    fn visit_impl_item_fn(&mut self, function: &'ast ImplItemFn) {
        self.judge(&function.attrs, &function.sig.ident, &function.block);
        visit::visit_impl_item_fn(self, function);
    }

    fn visit_attribute(&mut self, attribute: &'ast Attribute) {
        let line = attribute.pound_token.span.start().line;
        if attribute.path().is_ident("ignore") {
            self.report(line, "a test is ignored", "run it, move it to a soak, or delete it");
        } else if attribute.path().is_ident("should_panic") {
            self.report(line, "a test expects a panic", "return an error and assert it");
        }
    }

    fn visit_stmt(&mut self, statement: &'ast Stmt) {
        let unused = match statement {
            Stmt::Macro(statement) if statement.semi_token.is_some() => Some(&statement.mac),
            Stmt::Expr(Expr::Macro(expression), Some(_)) => Some(&expression.mac),
            _ => None,
        };
        if let Some(unused) = unused
            && last_is(&unused.path, "matches")
        {
            let line = unused.bang_token.span.start().line;
            self.report(line, "`matches!` proves nothing on its own", "write `assert!(matches!(..))`");
        }
        visit::visit_stmt(self, statement);
    }
}

/// Looks for one assertion.
struct Assertions {
    found: bool,
}

impl Assertions {
    fn see(&mut self, name: &syn::Ident, words: &[&str]) {
        let name = name.to_string();
        self.found |= words.iter().any(|word| name.starts_with(word));
    }
}

impl<'ast> Visit<'ast> for Assertions {
    fn visit_macro(&mut self, called: &'ast Macro) {
        if let Some(last) = called.path.segments.last() {
            self.see(&last.ident, &["assert", "check", "debug_assert", "expect", "panic", "prop_assert"]);
        }
    }

    fn visit_expr_call(&mut self, call: &'ast ExprCall) {
        if let Expr::Path(function) = &*call.func
            && let Some(last) = function.path.segments.last()
        {
            self.see(&last.ident, &["assert", "check"]);
        }
        visit::visit_expr_call(self, call);
    }

    fn visit_expr_method_call(&mut self, call: &'ast ExprMethodCall) {
        self.see(&call.method, &["assert", "check", "expect_err", "unwrap_err"]);
        visit::visit_expr_method_call(self, call);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::planted::{assert_green, assert_red};

    const PATH: &str = "crates/a/tests/it/main.rs";

    #[track_caller]
    fn assert_source_red(source: &str, line: usize, words: &str) {
        assert_red(&RULE, &[(PATH, &format!("//! a\n{source}"))], &format!("{PATH}:{line}"), words);
    }

    #[test]
    fn a_test_without_an_assertion_is_reported() {
        assert_source_red("#[test]\nfn a() { let _ = f().unwrap(); }\n", 3, "`a` asserts nothing");
        assert_source_red("#[tokio::test(start_paused = true)]\nasync fn a() { f().await; }\n", 3, "`a`");
    }

    #[test]
    fn a_statement_of_matches_is_reported() {
        assert_source_red("fn a() {\n    matches!(b, Some(_));\n}\n", 3, "`matches!`");
    }

    #[test]
    fn skipped_and_panicking_tests_are_reported() {
        assert_source_red("#[test]\n#[ignore]\nfn a() { assert!(b); }\n", 3, "ignored");
        assert_source_red("#[test]\n#[ignore = \"slow\"]\nfn a() { assert!(b); }\n", 3, "ignored");
        assert_source_red("#[test]\n#[should_panic]\nfn a() { assert!(b); }\n", 3, "panic");
    }

    #[test]
    fn tests_that_assert_in_any_known_way_are_fine() {
        let source = "//! a\n\
            #[test]\nfn a() { assert_eq!(b, c); }\n\
            #[test]\nfn b() { expect![[\"x\"]].assert_eq(&y); }\n\
            #[test]\nfn c() { let e = f().unwrap_err(); }\n\
            #[test]\nfn d() -> Result { check_round_trip(1)?; Ok(()) }\n\
            #[test]\nfn e() { let Ok(x) = f() else { panic!(\"no x\") }; }\n\
            #[test]\nfn f() { for x in y { assert!(matches!(x, Some(_))); } }\n\
            fn g() -> bool { matches!(a, b) }\n";
        assert_green(&RULE, &[(PATH, source)]);
    }
}
