//! What a tidy rule is, and how its violations are reported.
//!
//! The rules themselves are in `tidy`, one file each.

use std::io::Write;

use crate::tree::Tree;

/// One house rule.
pub(crate) struct Rule {
    /// Printed with each violation; the file name with dashes.
    pub(crate) id: &'static str,
    /// One line for `cargo xtask help`.
    pub(crate) what: &'static str,
    /// Whether a violation fails the lane.
    pub(crate) level: Level,
    /// Finds the violations of one tree.
    pub(crate) check: fn(&Tree) -> Vec<Violation>,
}

/// What a violation does to the lane.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Level {
    /// Fails it.
    Deny,
    /// Is printed.
    Warn,
}

/// One place that breaks a rule.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Violation {
    /// Relative to the root.
    pub(crate) path: String,
    /// 1-based.
    pub(crate) line: usize,
    /// What is wrong.
    pub(crate) what: String,
    /// What to do about it.
    pub(crate) hint: String,
}

impl Violation {
    /// A violation at a line of a file.
    pub(crate) fn new(path: &str, line: usize, what: impl Into<String>, hint: impl Into<String>) -> Self {
        Self { path: path.to_owned(), line, what: what.into(), hint: hint.into() }
    }
}

/// Prints every violation of every rule and returns how many must fail the lane.
pub(crate) fn report(rules: &[&Rule], tree: &Tree, out: &mut dyn Write) -> anyhow::Result<usize> {
    let mut denied = 0;
    for rule in rules {
        let mut violations = (rule.check)(tree);
        violations.sort_by(|a, b| (&a.path, a.line, &a.what).cmp(&(&b.path, b.line, &b.what)));
        for Violation { path, line, what, hint } in &violations {
            let mark = if rule.level == Level::Warn { "warning: " } else { "" };
            writeln!(out, "{path}:{line}: {}: {mark}{what}; hint: {hint}", rule.id)?;
        }
        if rule.level == Level::Deny {
            denied += violations.len();
        }
    }
    Ok(denied)
}
