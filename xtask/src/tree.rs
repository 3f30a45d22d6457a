//! The tracked files of a workspace, read and parsed once for all rules.
//!
//! With git, the files are those git tracks or would track; without it, every file outside build output.
//! It judges nothing: a file that does not parse is kept with its error, and the rule `parses` reports it.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use proc_macro2::TokenStream;

use crate::process;

/// Folders never read when git cannot list the files.
const SKIPPED: &[&str] = &["target", ".git", ".venv", "firstcause-data", "node_modules"];
/// A larger file is data, not text somebody wrote.
const TEXT_BYTES_MAX: u64 = 4 * 1024 * 1024;

/// All text files below one root.
pub(crate) struct Tree {
    /// The folder the paths are relative to.
    pub(crate) root: PathBuf,
    /// Sorted by path.
    pub(crate) files: Vec<SourceFile>,
}

/// One text file.
pub(crate) struct SourceFile {
    /// Relative to the root, with `/` between folders.
    pub(crate) path: String,
    /// The whole text.
    pub(crate) text: String,
    /// Set for Rust sources outside `testdata`.
    pub(crate) rust: Option<Result<Rust, ParseError>>,
}

/// A parsed Rust source.
pub(crate) struct Rust {
    /// The items.
    pub(crate) syntax: syn::File,
    /// The same text as tokens, for rules that look inside macros too.
    pub(crate) tokens: TokenStream,
}

/// Where and why a source does not parse.
pub(crate) struct ParseError {
    /// 1-based.
    pub(crate) line: usize,
    /// The parser's sentence.
    pub(crate) message: String,
}

impl Tree {
    /// Reads the tree below `root`.
    pub(crate) fn load(root: &Path) -> anyhow::Result<Self> {
        let mut files = Vec::new();
        for path in paths(root)? {
            let full = root.join(&path);
            // A tracked file may have been deleted in the working tree.
            let Ok(metadata) = std::fs::metadata(&full) else {
                continue;
            };
            if !metadata.is_file() || metadata.len() > TEXT_BYTES_MAX {
                continue;
            }
            let bytes =
                std::fs::read(&full).with_context(|| format!("failed to read `{}`", full.display()))?;
            if let Ok(text) = String::from_utf8(bytes)
                && !text.contains('\0')
            {
                files.push(SourceFile::new(path, text));
            }
        }
        Ok(Self { root: root.to_path_buf(), files })
    }

    /// The file at a path.
    pub(crate) fn file(&self, path: &str) -> Option<&SourceFile> {
        self.files.iter().find(|file| file.path == path)
    }

    /// The Rust sources that parse.
    pub(crate) fn rust(&self) -> impl Iterator<Item = (&SourceFile, &Rust)> {
        self.files.iter().filter_map(|file| match &file.rust {
            Some(Ok(rust)) => Some((file, rust)),
            _ => None,
        })
    }

    /// The folders below `crates/` that hold a manifest, sorted.
    pub(crate) fn crates(&self) -> BTreeSet<&str> {
        self.files
            .iter()
            .filter_map(|file| file.path.strip_prefix("crates/")?.strip_suffix("/Cargo.toml"))
            .filter(|name| !name.contains('/'))
            .collect()
    }
}

impl SourceFile {
    fn new(path: String, text: String) -> Self {
        let is_rust = path.ends_with(".rs") && !path.split('/').any(|part| part == "testdata");
        let rust = is_rust.then(|| parse(&text));
        Self { path, text, rust }
    }

    /// The package a path belongs to: a folder of `crates/`, or `xtask`.
    pub(crate) fn package(&self) -> Option<&str> {
        match self.path.strip_prefix("crates/") {
            Some(rest) => rest.split_once('/').map(|(name, _)| name),
            None => self.path.starts_with("xtask/").then_some("xtask"),
        }
    }

    /// Whether the whole file is compiled for tests only.
    pub(crate) fn is_test(&self) -> bool {
        self.path.split('/').any(|part| matches!(part, "tests" | "benches" | "tests.rs"))
            || self.package() == Some("testkit")
    }

    /// The module path of a file below `src/`: `src/a/b.rs` and `src/a/b/mod.rs` are `[a, b]`, the root is empty.
    pub(crate) fn module(&self) -> Option<Vec<&str>> {
        let (_, inside) = self.path.split_once("/src/")?;
        let mut parts: Vec<&str> = inside.strip_suffix(".rs")?.split('/').collect();
        if matches!(parts.last(), Some(&("mod" | "lib" | "main"))) {
            parts.pop();
        }
        Some(parts)
    }
}

fn parse(text: &str) -> Result<Rust, ParseError> {
    let syntax = syn::parse_file(text)
        .map_err(|error| ParseError { line: error.span().start().line, message: error.to_string() })?;
    let tokens = text
        .parse()
        .map_err(|error: proc_macro2::LexError| ParseError { line: 1, message: error.to_string() })?;
    Ok(Rust { syntax, tokens })
}

fn paths(root: &Path) -> anyhow::Result<Vec<String>> {
    let listed = root
        .join(".git")
        .exists()
        .then(|| process::answer(root, "git", &["ls-files", "-z", "-co", "--exclude-standard"]))
        .flatten();
    let mut paths = Vec::new();
    match listed {
        Some(text) => paths.extend(text.split('\0').filter(|path| !path.is_empty()).map(str::to_owned)),
        None => walk(root, "", &mut paths)?,
    }
    paths.sort_unstable();
    paths.dedup();
    Ok(paths)
}

fn walk(folder: &Path, prefix: &str, paths: &mut Vec<String>) -> anyhow::Result<()> {
    let entries =
        std::fs::read_dir(folder).with_context(|| format!("failed to list `{}`", folder.display()))?;
    for entry in entries {
        let entry = entry.with_context(|| format!("failed to list `{}`", folder.display()))?;
        let name = entry.file_name().to_string_lossy().into_owned();
        let kind = entry.file_type().with_context(|| format!("failed to look at `{name}`"))?;
        if kind.is_file() {
            paths.push(format!("{prefix}{name}"));
        } else if kind.is_dir() && !SKIPPED.contains(&name.as_str()) {
            walk(&entry.path(), &format!("{prefix}{name}/"), paths)?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use crate::planted;

    #[test]
    fn a_tree_without_git_is_walked_and_build_output_is_left_out() {
        let tree = planted::tree(&[("target/x.rs", "//! x"), ("crates/a/Cargo.toml", ""), ("b.md", "")]);
        let paths: Vec<&str> = tree.files.iter().map(|file| file.path.as_str()).collect();
        assert_eq!(paths, ["b.md", "crates/a/Cargo.toml"]);
        assert_eq!(tree.crates().into_iter().collect::<Vec<_>>(), ["a"]);
    }

    #[test]
    fn a_file_knows_its_package_and_module() {
        let tree = planted::tree(&[("crates/a/src/b/mod.rs", "//! b"), ("xtask/src/main.rs", "//! x")]);
        let seen: Vec<_> = tree.files.iter().map(|file| (file.package(), file.module())).collect();
        assert_eq!(seen, [(Some("a"), Some(vec!["b"])), (Some("xtask"), Some(vec![]))]);
    }
}
