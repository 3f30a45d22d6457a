//! Changes that cannot matter to what runs: documents, tests, pipelines, looks, logging, figures about itself, and
//! code that is only moved.
//!
//! The reason is always said, because "cannot matter" is a claim that people check.

use super::diff::{self, Net, extension};
use super::{settings, words};

/// Why a file cannot change what a service does, by its path alone.
#[must_use]
pub fn by_path(path: &str) -> Option<&'static str> {
    let lower = path.to_ascii_lowercase();
    let name = lower.rsplit('/').next().unwrap_or_default();
    let folder = |wanted: &[&str]| lower.split('/').rev().skip(1).any(|part| wanted.contains(&part));
    let is_test = name.contains("_test.")
        || name.contains(".test.")
        || name.contains(".spec.")
        || name.starts_with("test_")
        || folder(&["test", "tests", "testdata", "__tests__", "fixtures", "e2e", "mocks"]);
    if is_test {
        return Some("it touches tests only");
    }
    // A text file may be what a program reads: only documents are documents.
    if matches!(extension(&lower), "md" | "rst" | "adoc") || folder(&["docs", "documentation"]) {
        return Some("it touches documents only");
    }
    if matches!(extension(&lower), "css" | "scss" | "less" | "svg" | "png" | "jpg" | "ico" | "woff" | "woff2")
    {
        return Some("it touches only how pages look");
    }
    let is_pipeline = lower.split('/').rev().skip(1).any(|part| part.starts_with('.') || part == "ci")
        || matches!(
            name,
            "codeowners" | ".gitignore" | ".editorconfig" | "jenkinsfile" | ".gitlab-ci.yml" | "license"
        )
        || name.starts_with(".golangci")
        || name.starts_with(".eslintrc")
        || name.starts_with(".prettierrc");
    if is_pipeline {
        return Some("it touches only how the project is built and checked");
    }
    if folder(&["staging", "dev", "qa", "sandbox", "local", "preview"]) {
        return Some("it touches another environment only");
    }
    None
}

/// Why the net changes of a commit cannot matter; nothing when they can.
#[must_use]
pub fn by_text(nets: &[Net]) -> Option<&'static str> {
    let live: Vec<&Net> = nets.iter().filter(|net| by_path(&net.path).is_none()).collect();
    let lines = || live.iter().flat_map(|net| net.removed.iter().chain(&net.added)).map(|line| line.trim());
    if lines().next().is_none() {
        return Some("it changes comments, blanks or the order of lines only");
    }
    if lines().all(is_log) {
        return Some("it changes what is logged only");
    }
    if lines().all(|line| is_log(line) || is_instrument(line) || is_frame(line))
        && lines().any(|l| is_log(l) || is_instrument(l))
    {
        return Some("it changes what is measured about the code only");
    }
    if lines().all(is_import) {
        return Some("it changes imports only");
    }
    let is_moved = live.iter().all(|net| settings::moved(net).is_empty());
    let all: Vec<Net> = live.into_iter().cloned().collect();
    let mut changed = diff::changed_words(&all).into_iter().filter(|word| words::is_telling(word));
    if is_moved && changed.next().is_none() && !has_flipped(&all) {
        return Some("its words and numbers are the same before and after");
    }
    None
}

/// Whether a comparison, a sign or a truth value differs: that is a change without a telling word.
fn has_flipped(nets: &[Net]) -> bool {
    let signs = |lines: fn(&Net) -> &Vec<String>| {
        let text: String = nets.iter().flat_map(lines).map(String::as_str).collect();
        let marks: String = text
            .chars()
            .filter(|c| matches!(c, '<' | '>' | '!' | '+' | '-' | '*' | '/' | '%' | '&' | '|'))
            .collect();
        let truths = text.matches("true").count() as i64 - text.matches("false").count() as i64;
        (marks, truths)
    };
    signs(|net| &net.removed) != signs(|net| &net.added)
}

fn is_log(line: &str) -> bool {
    let lower = line.to_ascii_lowercase();
    [
        "log.",
        "log(",
        "logger",
        "log_",
        "slog.",
        "console.",
        "print(",
        "printf(",
        "fmt.print",
        "tracing::",
        "info!(",
        "debug!(",
        "warn!(",
        "trace!(",
    ]
    .iter()
    .any(|mark| lower.starts_with(mark))
        || lower.contains("logger.") && lower.contains('(')
}

fn is_instrument(line: &str) -> bool {
    let lower = line.to_ascii_lowercase();
    [
        "prometheus",
        "newcounter",
        "newhistogram",
        "newgauge",
        ".inc()",
        ".observe(",
        "setattributes",
        "set_attribute",
        "span.",
        "buckets",
        "statsd",
        "meter.",
    ]
    .iter()
    .any(|mark| lower.contains(mark))
        || (lower.starts_with("name:") && lower.contains('"'))
}

/// Brackets alone.
fn is_frame(line: &str) -> bool {
    line.chars().all(|c| matches!(c, '{' | '}' | '(' | ')' | ',' | ';' | ' '))
}

fn is_import(line: &str) -> bool {
    ["import ", "from ", "use ", "#include", "using ", "require("].iter().any(|mark| line.starts_with(mark))
}

#[cfg(test)]
mod tests {
    use super::super::diff::tests::{file, net};
    use super::*;

    fn why(path: &str, text: &str) -> Option<&'static str> {
        by_text(&[net(&file(path, text))])
    }

    #[test]
    fn paths_tell_what_cannot_run() {
        for path in [
            "docs/a.go",
            "pkg/a_test.go",
            "web/a.css",
            ".github/workflows/a.yml",
            "deploy/staging/a.yaml",
            "CODEOWNERS",
        ] {
            assert!(by_path(path).is_some(), "{path}");
        }
        for path in
            ["pkg/a.go", "services/a/config.yaml", "requirements.txt", "deploy/prod/a.yaml", "contest/a.go"]
        {
            assert!(by_path(path).is_none(), "{path}");
        }
    }

    #[test]
    fn logging_and_measuring_change_nothing_that_runs() {
        assert!(
            why("a.cpp", "-    LOG_DEBUG(log, \"x {}\", a);\n+    LOG_INFO(log, \"x {}\", a);").is_some()
        );
        assert!(
            why("a.go", "+var hits = prometheus.NewCounter(prometheus.CounterOpts{Name: \"hits\"})")
                .is_some()
        );
        assert!(why("a.go", "-  limit := 10\n+  limit := 20").is_none(), "a setting can matter");
        assert!(
            why("a.go", "+log.Info(\"x\")\n+time.Sleep(time.Second)").is_none(),
            "a wait hides among logs"
        );
    }
}
