//! Small trees with a planted violation, for the tests of the rules.
//!
//! A rule is shown red on a planted tree and green on its clean twin.

use crate::rule::{Rule, Violation};
use crate::tree::Tree;
use crate::workspace;

/// A tree of the given files, loaded from a temporary folder.
pub(crate) fn tree(files: &[(&str, &str)]) -> Tree {
    let folder = tempfile::tempdir().expect("a temporary folder");
    for (path, text) in files {
        workspace::write(&folder.path().join(path), text).expect("the file is planted");
    }
    Tree::load(folder.path()).expect("the planted tree loads")
}

/// The violations a rule sees in a planted tree.
pub(crate) fn violations(rule: &Rule, files: &[(&str, &str)]) -> Vec<Violation> {
    (rule.check)(&tree(files))
}

/// Asserts exactly one violation, at the place and with the words given.
#[track_caller]
pub(crate) fn assert_red(rule: &Rule, files: &[(&str, &str)], place: &str, words: &str) {
    let seen = violations(rule, files);
    assert_eq!(seen.len(), 1, "{} should be red once: {seen:#?}", rule.id);
    for violation in seen {
        assert_eq!(format!("{}:{}", violation.path, violation.line), place);
        assert!(violation.what.contains(words), "`{}` does not say `{words}`", violation.what);
        assert!(!violation.hint.is_empty(), "a violation says what to do next");
    }
}

/// Asserts that a rule sees nothing.
#[track_caller]
pub(crate) fn assert_green(rule: &Rule, files: &[(&str, &str)]) {
    let seen = violations(rule, files);
    assert!(seen.is_empty(), "{} should be green: {seen:#?}", rule.id);
}
