//! What is forgiven before YAML sees the text. Lines keep their numbers, except for a text of one line.
//!
//! - `retries: >= 1` and `count: > 3`: in YAML `>` begins a folded text, so the value is quoted here.
//! - A whole file on one line, as it is left when a page loses its line breaks, with or without the name of the
//!   language (`yaml`) stuck to its front: it is unfolded at the words of the language.

use std::borrow::Cow;

/// Words that begin an entry.
const ENTRIES: &[&str] = &["errors", "log_absent", "log_present", "span", "topology", "traceparent"];
/// Keys inside an entry that may stand on one line; lists and maps cannot be told apart there.
const KEYS: &[&str] =
    &["count", "level", "max_ms", "message", "optional", "p50_ms", "p95_ms", "retries", "service", "status"];

/// The text that YAML is to read.
pub(super) fn prepare(text: &str) -> Cow<'_, str> {
    let text = match unfold(text) {
        Some(unfolded) => Cow::Owned(unfolded),
        None => Cow::Borrowed(text),
    };
    let needs_quotes = |line: &str| folded_value(line).is_some();
    if !text.lines().any(needs_quotes) {
        return text;
    }
    let quote = |line: &str| match folded_value(line) {
        Some(at) => {
            format!("{}\"{}\"\n", line.get(..at).unwrap_or(""), line.get(at..).unwrap_or("").trim_end())
        }
        None => format!("{line}\n"),
    };
    Cow::Owned(text.lines().map(quote).collect())
}

/// Where an unquoted `> 1` or `>= 1` begins in `key: >= 1`.
fn folded_value(line: &str) -> Option<usize> {
    let (key, value) = line.split_once(':')?;
    let key = key.trim().trim_start_matches("- ").trim();
    let value_at = line.len() - value.trim_start().len();
    let rest = value.trim().strip_prefix('>')?;
    let number = rest.strip_prefix('=').unwrap_or(rest).trim();
    let is_number = !number.is_empty() && number.chars().all(|c| c.is_ascii_digit());
    (matches!(key, "retries" | "count") && is_number).then_some(value_at)
}

/// A file of one line as several; nothing when it is none.
fn unfold(text: &str) -> Option<String> {
    let line = text.trim();
    let rest = line.strip_prefix("yaml").unwrap_or(line).strip_prefix("expectations:")?;
    if line.contains('\n') || !rest.trim_start().starts_with("- ") {
        return None;
    }
    let mut out = "expectations:\n".to_owned();
    for entry in cut(rest, |word, before| before.ends_with("- ") && ENTRIES.contains(&word)) {
        let entry = entry.trim().trim_start_matches("- ").trim_end_matches('-').trim();
        if entry.is_empty() {
            continue;
        }
        // The keys of a log entry belong to it, those of a span stand beside it.
        let indent = if entry.starts_with("log_") { "      " } else { "    " };
        for (at, part) in cut(entry, |word, _| KEYS.contains(&word)).into_iter().enumerate() {
            out.push_str(if at == 0 { "  - " } else { indent });
            out.push_str(part.trim());
            out.push('\n');
        }
    }
    Some(out)
}

/// Cuts `text` before each `word:` outside quotes that `begins` a part, told the word and what stands before it.
fn cut(text: &str, begins: impl Fn(&str, &str) -> bool) -> Vec<&str> {
    let (mut parts, mut from, mut word_from) = (Vec::new(), 0, 0);
    let mut quote = None;
    for (at, c) in text.char_indices() {
        match (quote, c) {
            (Some(open), _) if c == open => quote = None,
            (Some(_), _) => {}
            (None, '"' | '\'') => quote = Some(c),
            (None, ' ') => word_from = at + 1,
            (None, ':') => {
                let word = text.get(word_from..at).unwrap_or("");
                if begins(word, text.get(..word_from).unwrap_or("")) && word_from > from {
                    parts.push(text.get(from..word_from).unwrap_or(""));
                    from = word_from;
                }
            }
            (None, _) => {}
        }
    }
    parts.push(text.get(from..).unwrap_or(""));
    parts
}
