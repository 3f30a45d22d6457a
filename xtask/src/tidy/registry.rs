//! A folder of alike things has one visible, sorted list, and every file of the folder is in it.
//!
//! Nothing registers itself. Other folders next to the files are free unless the table says so.

use proc_macro2::{Delimiter, TokenTree};

use crate::rule::{Level, Rule, Violation};
use crate::tokens::{self, Keep, Token};
use crate::tree::{Rust, SourceFile, Tree};

/// The rule.
pub(crate) const RULE: Rule = Rule {
    id: "registry",
    what: "each file of a folder of alike things is declared and named in its sorted list",
    level: Level::Deny,
    check,
};

/// A folder whose files are listed in one function.
struct Registry {
    /// The file with the list.
    list: &'static str,
    /// The function that holds it.
    function: &'static str,
    /// Whether subfolders are entries too.
    has_folders: bool,
    /// Files that serve the entries and are none.
    support: &'static [&'static str],
}

const fn files(list: &'static str, function: &'static str) -> Registry {
    Registry { list, function, has_folders: false, support: &[] }
}

/// The table `To add something` of ARCHITECTURE.md.
const REGISTRIES: &[Registry] = &[
    files("crates/evidence/src/measures/mod.rs", "all"),
    files("crates/ingest/src/alerts/mod.rs", "all"),
    files("crates/investigation/src/rules/mod.rs", "all"),
    files("crates/remediation/src/profiles/mod.rs", "all"),
    files("crates/server/src/rest/mod.rs", "router"),
    Registry {
        list: "crates/sources/src/lib.rs",
        function: "all",
        has_folders: true,
        support: &[
            "fetched", "http", "json", "lines", "masked", "owners", "parts", "quoted", "rfc3339", "settings",
            "versions",
        ],
    },
    Registry {
        list: "crates/tools/src/lib.rs",
        function: "all",
        has_folders: false,
        support: &[
            "access",
            "agents",
            "asked",
            "budget",
            "custom",
            "definition",
            "health",
            "hint",
            "installation",
            "lint",
            "near",
            "registry",
            "schema",
            "services",
            "tool",
            "when",
        ],
    },
    files("xtask/src/tidy/mod.rs", "all"),
];

fn check(tree: &Tree) -> Vec<Violation> {
    REGISTRIES.iter().flat_map(|registry| check_registry(tree, registry)).collect()
}

fn check_registry(tree: &Tree, registry: &Registry) -> Vec<Violation> {
    let entries = entries(tree, registry);
    if entries.is_empty() {
        return Vec::new();
    }
    let list = tree.rust().find(|(file, _)| file.path == registry.list);
    let function = registry.function;
    let Some((file, rust)) = list else {
        let hint = format!("write `{function}()` in {}", registry.list);
        return vec![Violation::new(registry.list, 1, "a folder of alike things has no list", hint)];
    };
    let declared = declared_modules(rust);
    let Some(listed) = listed_modules(rust, function, &declared) else {
        let hint = format!("write `fn {function}()` with one line per file");
        return vec![Violation::new(&file.path, 1, format!("there is no `{function}()`"), hint)];
    };
    let mut violations = Vec::new();
    for (path, name) in entries {
        if !declared.contains(&name) {
            let hint = format!("add `mod {name};` to {}", registry.list);
            violations.push(Violation::new(path, 1, format!("`{name}` is not declared"), hint));
        } else if !listed.iter().any(|(_, listed)| *listed == name) {
            let hint = format!("add its line to `{function}()` in {}", registry.list);
            violations.push(Violation::new(path, 1, format!("`{name}` is not in its list"), hint));
        }
    }
    violations.extend(unsorted(file, &listed));
    violations
}

/// The entries of a folder: path and module name.
fn entries<'a>(tree: &'a Tree, registry: &Registry) -> Vec<(&'a str, String)> {
    let folder = registry.list.rsplit_once('/').map_or("", |(folder, _)| folder);
    let mut entries: Vec<(&str, String)> = Vec::new();
    for file in &tree.files {
        let Some(inside) = file.path.strip_prefix(folder).and_then(|rest| rest.strip_prefix('/')) else {
            continue;
        };
        let name = match (inside.split_once('/'), inside.strip_suffix(".rs")) {
            (None, Some(name)) => name,
            (Some((name, "mod.rs")), _) if registry.has_folders => name,
            _ => continue,
        };
        if !matches!(name, "lib" | "mod" | "main" | "tests") && !registry.support.contains(&name) {
            entries.push((&file.path, name.to_owned()));
        }
    }
    entries
}

fn declared_modules(rust: &Rust) -> Vec<String> {
    let modules = rust.syntax.items.iter().filter_map(|item| match item {
        syn::Item::Mod(module) => Some(module.ident.to_string()),
        _ => None,
    });
    modules.collect()
}

/// The declared modules named in the list, in order, each at its first line; `None` without the function.
///
/// Constants of the file count as part of the list, because the function may return one.
fn listed_modules(rust: &Rust, function: &str, declared: &[String]) -> Option<Vec<(usize, String)>> {
    let mut listed: Vec<(usize, String)> = Vec::new();
    for token in list_tokens(rust, function)? {
        if let Some(word) = token.word()
            && declared.iter().any(|name| name == word)
            && !listed.iter().any(|(_, name)| name == word)
        {
            listed.push((token.line, word.to_owned()));
        }
    }
    Some(listed)
}

fn list_tokens(rust: &Rust, function: &str) -> Option<Vec<Token>> {
    let trees: Vec<TokenTree> = rust.tokens.clone().into_iter().collect();
    let is = |at: usize, word: &str| trees.get(at).is_some_and(|tree| tree.to_string() == word);
    let mut has_function = false;
    let mut found = Vec::new();
    let mut index = 0;
    while index < trees.len() {
        let is_function = is(index, "fn") && is(index + 1, function);
        let is_constant = (is(index, "const") && !is(index + 1, "fn")) || is(index, "static");
        has_function |= is_function;
        if is_function || is_constant {
            let rest = trees.get(index..).unwrap_or_default();
            let length = rest.iter().position(|tree| ends(tree, is_function)).map_or(rest.len(), |at| at + 1);
            let item = rest.iter().take(length).cloned().collect();
            found.extend(tokens::flatten(&item, Keep::Production));
            index += length;
        } else {
            index += 1;
        }
    }
    has_function.then_some(found)
}

fn ends(tree: &TokenTree, is_function: bool) -> bool {
    match tree {
        TokenTree::Group(group) => is_function && group.delimiter() == Delimiter::Brace,
        other => other.to_string() == ";",
    }
}

fn unsorted(file: &SourceFile, listed: &[(usize, String)]) -> Option<Violation> {
    let (_, second) = listed.iter().zip(listed.iter().skip(1)).find(|(a, b)| a.1 > b.1)?;
    let what = format!("the list is not sorted at `{}`", second.1);
    Some(Violation::new(&file.path, second.0, what, "sort the list by module name"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::planted::{assert_green, assert_red};

    const LIST: &str = "crates/evidence/src/measures/mod.rs";
    const ONE: (&str, &str) = ("crates/evidence/src/measures/one.rs", "//! one\n");
    const TWO: (&str, &str) = ("crates/evidence/src/measures/two.rs", "//! two\n");

    #[test]
    fn a_file_that_is_not_declared_is_reported() {
        let list = (LIST, "//! m\nmod one;\npub fn all() -> A { vec![one::M] }\n");
        assert_red(&RULE, &[list, ONE, TWO], "crates/evidence/src/measures/two.rs:1", "not declared");
    }

    #[test]
    fn a_file_that_is_not_in_the_list_is_reported() {
        let list = (LIST, "//! m\nmod one;\nmod two;\npub fn all() -> A { vec![one::M] }\n");
        assert_red(&RULE, &[list, ONE, TWO], "crates/evidence/src/measures/two.rs:1", "not in its list");
    }

    #[test]
    fn a_list_out_of_order_is_reported() {
        let list = (LIST, "//! m\nmod one;\nmod two;\npub fn all() -> A {\n[&two::M,\n&one::M] }\n");
        assert_red(&RULE, &[list, ONE, TWO], "crates/evidence/src/measures/mod.rs:6", "not sorted at `one`");
    }

    #[test]
    fn a_folder_without_a_list_is_reported() {
        assert_red(&RULE, &[ONE], "crates/evidence/src/measures/mod.rs:1", "no list");
        assert_red(
            &RULE,
            &[(LIST, "//! m\nmod one;\n"), ONE],
            "crates/evidence/src/measures/mod.rs:1",
            "`all()`",
        );
    }

    #[test]
    fn a_back_end_may_be_a_folder_and_is_listed_too() {
        let list = ("crates/sources/src/lib.rs", "//! s\nmod one;\nfn all() { [one::S] }\n");
        let one = ("crates/sources/src/one.rs", "//! one\n");
        let two = ("crates/sources/src/two/mod.rs", "//! two\n");
        assert_red(&RULE, &[list, one, two], "crates/sources/src/two/mod.rs:1", "not declared");
    }

    #[test]
    fn a_sorted_list_in_a_function_or_a_constant_is_fine() {
        let function = "//! m\nmod one;\nmod two;\npub const fn all() -> A { &[&one::M, &two::M] }\n";
        assert_green(&RULE, &[(LIST, function), ONE, TWO]);
        let constant =
            "//! m\nmod one;\nmod two;\nconst ALL: A = &[&one::M, &two::M];\nfn all() -> A { ALL }\n";
        assert_green(&RULE, &[(LIST, constant), ONE, TWO, ("crates/evidence/src/other.rs", "//! o\n")]);
    }
}
