//! Writes expectations in the trace expectation language, each with the figures it was derived from.
//!
//! Every text is quoted: a span name may hold any character.

use super::{Claim, Expectations, Item, LogPattern, Selector, Statement};

/// The file, ending in a line break.
#[must_use]
pub fn to_yaml(expectations: &Expectations) -> String {
    let mut text = "expectations:\n".to_owned();
    for item in &expectations.items {
        for line in item.because.lines() {
            text.push_str(&format!("  # {}\n", plain(line)));
        }
        text.push_str(&entry(item));
    }
    text
}

fn entry(item: &Item) -> String {
    match &item.states {
        Statement::Span(span) => {
            let mut text = selector(&span.selector);
            if span.is_optional {
                text.push_str("    optional: true\n");
            }
            for (_, claim) in &span.claims {
                text.push_str(&format!("    {}\n", claim_line(*claim)));
            }
            text
        }
        Statement::LogAbsent(pattern) => format!("  - log_absent:\n{}", log(pattern)),
        Statement::LogPresent(pattern) => format!("  - log_present:\n{}", log(pattern)),
        Statement::Topology(topology) => {
            let mut text = "  - topology: preserved\n".to_owned();
            text.push_str(&sequence("edges", &topology.edges));
            text.push_str(&sequence("allow", &topology.allow));
            text
        }
        Statement::Traceparent(allow) => {
            format!("  - traceparent: continuous\n{}", sequence("allow", allow))
        }
        Statement::ErrorsCleared => "  - errors: cleared\n".to_owned(),
    }
}

fn selector(selector: &Selector) -> String {
    let mut text = format!("  - span: {}\n", quoted(&selector.span));
    if let Some(service) = &selector.service {
        text.push_str(&format!("    service: {}\n", quoted(service)));
    }
    if !selector.attributes.is_empty() {
        text.push_str("    attributes:\n");
        for (key, value) in &selector.attributes {
            text.push_str(&format!("      {}: {}\n", quoted(key), quoted(value)));
        }
    }
    text
}

fn claim_line(claim: Claim) -> String {
    match claim {
        Claim::IsError(is_error) => format!("status: {}", if is_error { "error" } else { "ok" }),
        Claim::MaxMs(ms) => format!("max_ms: {ms}"),
        Claim::P50Ms(ms) => format!("p50_ms: {ms}"),
        Claim::P95Ms(ms) => format!("p95_ms: {ms}"),
        Claim::Retries(bound) => format!("retries: {}", quoted(&bound.to_string())),
        Claim::Count(bound) => format!("count: {}", quoted(&bound.to_string())),
    }
}

fn log(pattern: &LogPattern) -> String {
    let mut text = String::new();
    if let Some(level) = pattern.level {
        text.push_str(&format!("      level: {}\n", level.name()));
    }
    if let Some(message) = &pattern.message {
        text.push_str(&format!("      message: {}\n", quoted(message)));
    }
    if pattern.is_optional {
        text.push_str("      optional: true\n");
    }
    text
}

fn sequence(key: &str, values: &[String]) -> String {
    if values.is_empty() {
        return String::new();
    }
    let lines: String = values.iter().map(|value| format!("      - {}\n", quoted(value))).collect();
    format!("    {key}:\n{lines}")
}

/// A double-quoted YAML scalar (YAML 1.2.2, 7.3.1).
fn quoted(text: &str) -> String {
    let mut out = "\"".to_owned();
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            c if c.is_control() => out.push_str(&format!("\\u{:04x}", u32::from(c))),
            c => out.push(c),
        }
    }
    out.push('"');
    out
}

fn plain(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect()
}
