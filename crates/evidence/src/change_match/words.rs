//! Words of code and of messages: identifiers split into what a person would read.
//!
//! `maxConnIdleTime`, `max_conn_idle` and "max conn idle" are the same words. Knows no language beyond the
//! keywords that all common ones share, and no product.

use std::collections::BTreeSet;

/// Words that every diff or message holds: keywords, glue and units. They say nothing about what is changed.
const EMPTY: &[&str] = &[
    "a",
    "about",
    "after",
    "all",
    "an",
    "and",
    "any",
    "are",
    "as",
    "async",
    "at",
    "await",
    "be",
    "before",
    "bool",
    "break",
    "by",
    "byte",
    "case",
    "catch",
    "class",
    "code",
    "const",
    "context",
    "continue",
    "ctx",
    "data",
    "def",
    "default",
    "defer",
    "desc",
    "do",
    "does",
    "else",
    "err",
    "error",
    "export",
    "failed",
    "false",
    "final",
    "fn",
    "for",
    "from",
    "func",
    "function",
    "go",
    "has",
    "http",
    "https",
    "id",
    "if",
    "impl",
    "import",
    "in",
    "info",
    "int",
    "interface",
    "is",
    "it",
    "len",
    "let",
    "level",
    "log",
    "msg",
    "mut",
    "new",
    "nil",
    "no",
    "none",
    "not",
    "null",
    "of",
    "on",
    "or",
    "package",
    "private",
    "pub",
    "public",
    "range",
    "req",
    "request",
    "res",
    "resp",
    "response",
    "result",
    "return",
    "self",
    "service",
    "set",
    "src",
    "static",
    "str",
    "string",
    "struct",
    "svc",
    "that",
    "the",
    "then",
    "this",
    "time",
    "to",
    "true",
    "try",
    "type",
    "use",
    "uint",
    "val",
    "value",
    "var",
    "void",
    "was",
    "when",
    "while",
    "with",
    "without",
    "millisecond",
    "second",
    "minute",
    "hour",
    "sec",
    "ms",
    "min",
    "com",
    "www",
    "org",
    "main",
    "line",
    "file",
    "total",
    "p99",
    "p95",
    "p50",
    "ratio",
    "rate",
    "count",
    "server",
    "client",
    "call",
    "caller",
    "upstream",
];

/// The words of `text` in order: split at everything that is no letter or digit and at the humps of camel case,
/// lower case, in the singular. Numbers are no words.
#[must_use]
pub fn all(text: &str) -> Vec<String> {
    let mut found = Vec::new();
    let mut word = String::new();
    let chars: Vec<char> = text.chars().collect();
    for (place, &c) in chars.iter().enumerate() {
        if !c.is_ascii_alphanumeric() {
            flush(&mut word, &mut found);
            continue;
        }
        let before = place.checked_sub(1).and_then(|at| chars.get(at)).copied().unwrap_or(' ');
        let after = chars.get(place + 1).copied().unwrap_or(' ');
        // `maxConns` breaks before C, `TSOServer` before S.
        let is_hump = c.is_ascii_uppercase()
            && (before.is_ascii_lowercase() || (before.is_ascii_uppercase() && after.is_ascii_lowercase()));
        if is_hump {
            flush(&mut word, &mut found);
        }
        word.push(c.to_ascii_lowercase());
    }
    flush(&mut word, &mut found);
    found
}

/// The words of `text` that can tell one thing from another.
#[must_use]
pub fn telling(text: &str) -> BTreeSet<String> {
    all(text).into_iter().filter(|word| is_telling(word)).collect()
}

/// Whether a word can tell one thing from another.
#[must_use]
pub fn is_telling(word: &str) -> bool {
    word.len() > 1 && !EMPTY.contains(&word)
}

fn flush(word: &mut String, found: &mut Vec<String>) {
    let taken = std::mem::take(word);
    if taken.is_empty() || taken.chars().all(|c| c.is_ascii_digit()) {
        return;
    }
    found.push(singular(taken));
}

/// `retries` and `retry`, `conns` and `conn` are one word; `address` and `redis` stay.
fn singular(word: String) -> String {
    if let Some(stem) = word.strip_suffix("ies").filter(|stem| stem.len() > 2) {
        return format!("{stem}y");
    }
    match word.strip_suffix('s') {
        Some(stem) if stem.len() > 2 && !stem.ends_with(['s', 'i', 'u']) => stem.to_owned(),
        _ => word,
    }
}

/// Whether `text`, as words, holds all of `wanted`; a wanted word ending in `*` is a beginning.
#[must_use]
pub fn holds(words: &BTreeSet<String>, wanted: &[&str]) -> bool {
    wanted.iter().all(|wanted| match wanted.strip_suffix('*') {
        Some(stem) => words.iter().any(|word| word.starts_with(stem)),
        None => words.contains(*wanted),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn identifiers_of_every_style_give_the_same_words() {
        let expected = ["max", "conn", "idle", "time"];
        for text in ["maxConnIdleTime", "max_conn_idle_time", "MaxConns idle-time", "MAX.CONN.IDLE.TIME"] {
            assert_eq!(all(text), expected, "{text}");
        }
        assert_eq!(all("TSOServer retries 3 times"), ["tso", "server", "retry", "time"]);
    }

    #[test]
    fn glue_and_numbers_tell_nothing() {
        assert!(telling("return err != nil, 42 for the func").is_empty());
        assert_eq!(telling("pool exhausted").len(), 2);
    }

    #[test]
    fn beginnings_match() {
        let words: BTreeSet<String> = all("certificate has expired").into_iter().collect();
        assert!(holds(&words, &["certificate", "expir*"]));
        assert!(!holds(&words, &["cert"]));
    }
}
