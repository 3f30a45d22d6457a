//! A note about later work carries the number of an issue.

use crate::rule::{Level, Rule, Violation};
use crate::tree::{SourceFile, Tree};

/// Split so that this list does not report itself.
const MARKS: &[&str] = &[concat!("TO", "DO"), concat!("FIX", "ME"), concat!("XX", "X")];
const SOURCES: &[&str] = &[".toml", ".sh", ".py", ".js", ".css", ".html", ".sql"];

/// The rule.
pub(crate) const RULE: Rule =
    Rule { id: "todo", what: "a to-do mark names an issue, as in `#123`", level: Level::Deny, check };

fn is_source(file: &SourceFile) -> bool {
    let is_fixture = file.path.split('/').any(|part| part == "testdata");
    file.rust.is_some() || (!is_fixture && SOURCES.iter().any(|end| file.path.ends_with(end)))
}

fn check(tree: &Tree) -> Vec<Violation> {
    let mut violations = Vec::new();
    for file in tree.files.iter().filter(|file| is_source(file)) {
        for (index, line) in file.text.lines().enumerate() {
            if let Some(mark) = MARKS.iter().find(|mark| has_word(line, mark))
                && !has_issue(line)
            {
                let what = format!("`{mark}` without an issue");
                violations.push(Violation::new(&file.path, index + 1, what, "do it now, or add `#123`"));
            }
        }
    }
    violations
}

fn has_word(line: &str, word: &str) -> bool {
    line.split(|c: char| !c.is_ascii_alphanumeric() && c != '_').any(|part| part == word)
}

fn has_issue(line: &str) -> bool {
    line.split('#').skip(1).any(|rest| rest.starts_with(|c: char| c.is_ascii_digit()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::planted::{assert_green, assert_red};

    #[test]
    fn a_mark_without_an_issue_is_reported() {
        for mark in MARKS {
            let text = format!("//! a\n// {mark}: later\n");
            assert_red(&RULE, &[("crates/a/src/a.rs", &text)], "crates/a/src/a.rs:2", mark);
        }
    }

    #[test]
    fn a_mark_with_an_issue_is_fine() {
        let text = format!("//! a\n// {} #12: later\n", concat!("TO", "DO"));
        assert_green(&RULE, &[("crates/a/src/a.rs", &text)]);
    }
}
