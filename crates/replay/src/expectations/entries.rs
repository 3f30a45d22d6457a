//! From the YAML tree to statements: every key is known, or the file is refused with the line.

use evidence::expectations::{
    Bound, Claim, Expectations, Item, Level, LogPattern, Operator, Selector, SpanItem, Statement, Topology,
};

use super::yaml::{Node, Value};
use super::{File, ReadExpectationsError};
use crate::patterns::Patterns;

type Read<T> = Result<T, ReadExpectationsError>;
type Pairs = [(Node, Node)];

fn wrong<T>(node: &Node, what: impl Into<String>) -> Read<T> {
    Err(ReadExpectationsError::at(node.line, what))
}

pub(super) fn read(root: &Node) -> Read<File> {
    let mut found = None;
    for (key, value) in pairs(root, "a map with the key `expectations`")? {
        match key.text() {
            Some("expectations") if found.is_none() => found = Some(value),
            _ => return unknown(key, &["expectations"]),
        }
    }
    let Some(list) = found else { return wrong(root, "the key `expectations` is missing") };
    let Value::List(entries) = &list.value else { return wrong(list, "`expectations` must be a list") };
    let mut file = File::default();
    let mut items = Vec::new();
    for entry in entries {
        items.push(Item {
            line: entry.line,
            because: String::new(),
            states: statement(entry, &mut file.patterns)?,
        });
    }
    file.expectations = Expectations { items };
    Ok(file)
}

fn statement(entry: &Node, patterns: &mut Patterns) -> Read<Statement> {
    const WORDS: &[&str] = &["span", "log_absent", "log_present", "topology", "traceparent", "errors"];
    let pairs = pairs(entry, "an entry such as `span: <service> <operation>`")?;
    let first = pairs.iter().find(|(key, _)| key.text().is_some_and(|word| WORDS.contains(&word)));
    let Some((word, value)) = first else {
        return pairs.first().map_or_else(|| wrong(entry, "an empty entry"), |(key, _)| unknown(key, WORDS));
    };
    match word.text() {
        Some("span") => span(pairs),
        Some("log_absent") => Ok(Statement::LogAbsent(log(pairs, value, patterns)?)),
        Some("log_present") => Ok(Statement::LogPresent(log(pairs, value, patterns)?)),
        Some("topology") => topology(pairs),
        Some("traceparent") => Ok(Statement::Traceparent(traceparent(pairs)?)),
        _ => {
            only(pairs, &["errors"])?;
            word_is(value, "cleared").map(|()| Statement::ErrorsCleared)
        }
    }
}

fn span(pairs: &Pairs) -> Read<Statement> {
    const KEYS: &[&str] = &[
        "span",
        "service",
        "attributes",
        "optional",
        "status",
        "max_ms",
        "p50_ms",
        "p95_ms",
        "retries",
        "count",
    ];
    only(pairs, KEYS)?;
    let mut item = SpanItem { selector: Selector::default(), is_optional: false, claims: Vec::new() };
    for (key, value) in pairs {
        let claim = match key.text().unwrap_or_default() {
            "span" => {
                item.selector.span = text(value)?.to_owned();
                continue;
            }
            "service" => {
                item.selector.service = Some(text(value)?.to_owned());
                continue;
            }
            "attributes" => {
                item.selector.attributes = attributes(value)?;
                continue;
            }
            "optional" => {
                item.is_optional = yes_or_no(value)?;
                continue;
            }
            "status" => match text(value)?.to_ascii_lowercase().as_str() {
                "ok" => Claim::IsError(false),
                "error" => Claim::IsError(true),
                other => return wrong(value, format!("status `{other}`; hint: ok or error")),
            },
            "max_ms" => Claim::MaxMs(milliseconds(value)?),
            "p50_ms" => Claim::P50Ms(milliseconds(value)?),
            "p95_ms" => Claim::P95Ms(milliseconds(value)?),
            "retries" => Claim::Retries(bound(value)?),
            _ => Claim::Count(bound(value)?),
        };
        item.claims.push((key.line, claim));
    }
    if item.selector.span.is_empty() {
        let line = pairs.first().map_or(1, |(key, _)| key.line);
        return Err(ReadExpectationsError::at(
            line,
            "`span` names no span; hint: `span: <service> <operation>`",
        ));
    }
    Ok(Statement::Span(item))
}

/// The keys of a log entry, below its word or (when it was written so) beside it.
fn log(pairs_of_entry: &Pairs, value: &Node, patterns: &mut Patterns) -> Read<LogPattern> {
    const KEYS: &[&str] = &["level", "message", "optional"];
    let beside: Vec<&(Node, Node)> = pairs_of_entry
        .iter()
        .filter(|(key, _)| !matches!(key.text(), Some("log_absent" | "log_present")))
        .collect();
    let below: Vec<&(Node, Node)> = match &value.value {
        _ if value.is_nothing() => Vec::new(),
        _ => pairs(value, "`level` and `message`")?.iter().collect(),
    };
    let mut pattern = LogPattern::default();
    let mut seen: Vec<&str> = Vec::new();
    for (key, value) in below.into_iter().chain(beside) {
        let word = key.text().unwrap_or_default();
        if seen.contains(&word) {
            return wrong(key, format!("the key `{word}` stands twice"));
        }
        seen.push(word);
        match word {
            "level" => pattern.level = Some(level(value)?),
            "message" => {
                let written = text(value)?;
                let bare =
                    written.strip_prefix('/').and_then(|rest| rest.strip_suffix('/')).unwrap_or(written);
                if let Err(why) = patterns.compile(bare) {
                    return wrong(value, format!("`{bare}` is no regular expression: {why}"));
                }
                pattern.message = Some(bare.to_owned());
            }
            "optional" => pattern.is_optional = yes_or_no(value)?,
            _ => return unknown(key, KEYS),
        }
    }
    if pattern.level.is_none() && pattern.message.is_none() {
        return wrong(value, "neither `level` nor `message` is given");
    }
    Ok(pattern)
}

fn level(value: &Node) -> Read<Level> {
    let written = text(value)?.to_ascii_uppercase();
    let named = match written.as_str() {
        "WARNING" => "WARN",
        "CRITICAL" => "FATAL",
        other => other,
    };
    match Level::NAMES.iter().find(|(name, _)| *name == named) {
        Some((_, level)) => Ok(*level),
        None => wrong(value, format!("level `{written}`; hint: TRACE, DEBUG, INFO, WARN, ERROR or FATAL")),
    }
}

fn topology(pairs: &Pairs) -> Read<Statement> {
    only(pairs, &["topology", "edges", "allow"])?;
    let mut topology = Topology::default();
    for (key, value) in pairs {
        match key.text() {
            Some("edges") => {
                topology.edges = texts(value)?;
                if let Some(edge) = topology.edges.iter().find(|edge| !edge.contains(" -> ")) {
                    return wrong(value, format!("`{edge}` is no edge; hint: `caller -> callee`"));
                }
            }
            Some("allow") => topology.allow = texts(value)?,
            _ => word_is(value, "preserved")?,
        }
    }
    Ok(Statement::Topology(topology))
}

fn traceparent(pairs: &Pairs) -> Read<Vec<String>> {
    only(pairs, &["traceparent", "allow"])?;
    let mut allow = Vec::new();
    for (key, value) in pairs {
        match key.text() {
            Some("allow") => allow = texts(value)?,
            _ => word_is(value, "continuous")?,
        }
    }
    Ok(allow)
}

fn pairs<'n>(node: &'n Node, wanted: &str) -> Read<&'n Pairs> {
    match &node.value {
        Value::Map(pairs) => Ok(pairs),
        _ => wrong(node, format!("expected {wanted}")),
    }
}

/// Each key is one of `known` and stands once.
fn only(pairs: &Pairs, known: &[&str]) -> Read<()> {
    for (at, (key, _)) in pairs.iter().enumerate() {
        let Some(word) = key.text().filter(|word| known.contains(word)) else { return unknown(key, known) };
        if pairs.iter().take(at).any(|(earlier, _)| earlier.text() == Some(word)) {
            return wrong(key, format!("the key `{word}` stands twice"));
        }
    }
    Ok(())
}

fn unknown<T>(key: &Node, known: &[&str]) -> Read<T> {
    let word = key.text().unwrap_or("a list or map");
    wrong(key, format!("unknown key `{word}`; hint: one of {}", known.join(", ")))
}

fn text(node: &Node) -> Read<&str> {
    match node.text().filter(|_| !node.is_nothing()) {
        Some(text) => Ok(text),
        None => wrong(node, "a text is missing here"),
    }
}

fn texts(node: &Node) -> Read<Vec<String>> {
    match &node.value {
        Value::List(items) => items.iter().map(|item| text(item).map(str::to_owned)).collect(),
        _ => text(node).map(|one| vec![one.to_owned()]),
    }
}

fn attributes(node: &Node) -> Read<Vec<(String, String)>> {
    let pairs = pairs(node, "attributes with their values")?;
    pairs.iter().map(|(key, value)| Ok((text(key)?.to_owned(), text(value)?.to_owned()))).collect()
}

fn word_is(node: &Node, wanted: &str) -> Read<()> {
    match text(node)? {
        word if word == wanted => Ok(()),
        other => wrong(node, format!("`{other}` is not known here; hint: `{wanted}`")),
    }
}

fn yes_or_no(node: &Node) -> Read<bool> {
    match text(node)? {
        "true" => Ok(true),
        "false" => Ok(false),
        other => wrong(node, format!("`{other}`; hint: true or false")),
    }
}

fn milliseconds(node: &Node) -> Read<f64> {
    let written = text(node)?;
    match written.parse::<f64>() {
        Ok(ms) if ms.is_finite() && ms >= 0.0 => Ok(ms),
        _ => wrong(node, format!("`{written}` is no number of milliseconds")),
    }
}

/// `<= 1`, or a bare number, which means exactly that.
fn bound(node: &Node) -> Read<Bound> {
    let written = text(node)?;
    let sign =
        Operator::SIGNS.iter().find_map(|(sign, operator)| Some((written.strip_prefix(sign)?, *operator)));
    let (number, operator) = sign.unwrap_or((written, Operator::Equal));
    match number.trim().parse() {
        Ok(number) => Ok(Bound { operator, number }),
        Err(_) => {
            wrong(node, format!("`{written}` is no comparison; hint: `<= 1`, `< 2`, `== 0`, `>= 1`, `> 0`"))
        }
    }
}
