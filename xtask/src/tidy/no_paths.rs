//! No file names a folder of one person's machine.
//!
//! Fixtures are free: recorded telemetry holds the paths of the system it came from.

use crate::rule::{Level, Rule, Violation};
use crate::tree::{SourceFile, Tree};

/// Split so that this list does not report itself.
const FOLDERS: &[&str] = &[
    concat!("/", "home/"),
    concat!("/", "root/"),
    concat!("/", "work/"),
    concat!("/", "Users/"),
    concat!("C:", "\\Users\\"),
    concat!("/tmp/", "target-"),
];

/// The rule.
pub(crate) const RULE: Rule = Rule {
    id: "no-paths",
    what: "no text outside testdata names a folder of one machine",
    level: Level::Deny,
    check,
};

fn is_fixture(file: &SourceFile) -> bool {
    file.path.split('/').any(|part| matches!(part, "testdata" | "fixtures"))
}

fn check(tree: &Tree) -> Vec<Violation> {
    let mut violations = Vec::new();
    for file in tree.files.iter().filter(|file| !is_fixture(file)) {
        for (index, line) in file.text.lines().enumerate() {
            if let Some(folder) = FOLDERS.iter().find(|folder| names(line, folder)) {
                let what = format!("`{folder}` exists on one machine only");
                let hint = "use a path relative to the workspace, or a variable";
                violations.push(Violation::new(&file.path, index + 1, what, hint));
            }
        }
    }
    violations
}

/// Whether the folder stands at the start of a path in the line: the middle of a longer path or address is not one.
fn names(line: &str, folder: &str) -> bool {
    line.match_indices(folder).any(|(at, _)| {
        let before = line.get(..at).and_then(|text| text.chars().next_back());
        !before.is_some_and(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.' | '}' | '*' | '>'))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::planted::{assert_green, assert_red};

    #[test]
    fn each_machine_folder_is_reported() {
        for folder in FOLDERS {
            let text = format!("see\n`{folder}me/notes`\n");
            assert_red(&RULE, &[("docs/a.md", &text)], "docs/a.md:2", folder);
        }
    }

    #[test]
    fn longer_paths_and_fixtures_are_fine() {
        let inside =
            format!("crates{}a https://example.test{}b", concat!("/", "work/"), concat!("/", "home/"));
        let fixture = concat!("/", "home/app/main.py");
        assert_green(&RULE, &[("docs/a.md", &inside), ("crates/a/testdata/log.txt", fixture)]);
    }
}
