//! The rules that every tool's description and schema keeps, those of configured tools included.
//!
//! Source: EL-32, EL-33, EL-34, EL-44 and EL-45 of the specification; the names of arguments, the shape of the
//! description, units in names, at most one required argument. Gives sentences, one a broken rule.

use std::collections::BTreeSet;

use serde_json::{Map, Value};

use crate::tool::Tool;

/// Words in a description at most.
const WORDS_MAX: usize = 500;
/// Verbs that a description begins with.
const VERBS: &[&str] = &[
    "Add",
    "Analyze",
    "Begin",
    "Check",
    "Compare",
    "Count",
    "Create",
    "Describe",
    "Explain",
    "Find",
    "Get",
    "Group",
    "Give",
    "Investigate",
    "List",
    "Look",
    "Measure",
    "Open",
    "Propose",
    "Query",
    "Read",
    "Retrieve",
    "Run",
    "Search",
    "Show",
    "Start",
    "Suggest",
    "Summarize",
    "Tell",
    "Trace",
    "Verify",
];
/// Names that an argument with a filter must not have; it is `kqlFilter`.
const FILTERS: &[&str] = &["query", "filter", "kql", "kuery"];
/// How the name of a figure says its unit: milliseconds, per minute or second, 0 to 1, bytes, percent, a count.
const UNITS: &[&str] = &[
    "ms", "ns", "us", "s", "seconds", "minutes", "minute", "min", "rate", "share", "bytes", "percent", "pct",
];
/// Words that need a unit behind them.
const FIGURES: &[&str] = &["latency", "duration", "throughput", "elapsed", "took", "failure", "error"];

/// What is wrong with these tools, which are shown together; `exceptions` may require more than one argument.
#[must_use]
pub fn check(tools: &[&dyn Tool], exceptions: &[&str]) -> Vec<String> {
    let names: BTreeSet<&str> = tools.iter().map(|tool| tool.about().name.as_str()).collect();
    let mut broken = Vec::new();
    if names.len() != tools.len() {
        broken.push("two tools have the same name".to_owned());
    }
    for tool in tools {
        let name = &tool.about().name;
        let mut say = |what: String| broken.push(format!("`{name}`: {what}"));
        name_rule(name, &mut say);
        description(&tool.about().description, &names, &mut say);
        let input = tool.input_schema();
        let required = input.get("required").and_then(Value::as_array).map_or(0, Vec::len);
        if required > 1 && !exceptions.contains(&name.as_str()) {
            say(format!("{required} arguments are required; one at most"));
        }
        arguments(&input, &mut say);
        units(&Value::Object(input), &mut say);
        units(&Value::Object(tool.output_schema()), &mut say);
    }
    broken
}

fn name_rule(name: &str, say: &mut impl FnMut(String)) {
    let is_plain = name.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_');
    if !is_plain || name.is_empty() || name.len() > 64 {
        say("a name has 1 to 64 lower-case letters, digits and underscores".to_owned());
    }
}

fn description(text: &str, names: &BTreeSet<&str>, say: &mut impl FnMut(String)) {
    let first = text.split_whitespace().next().unwrap_or_default();
    if !VERBS.contains(&first) {
        say(format!("begins with `{first}`, which is not one of the verbs {}", VERBS.join(", ")));
    }
    if text.split_whitespace().count() >= WORDS_MAX {
        say(format!("has {WORDS_MAX} words or more"));
    }
    match between(text, "When to use:", "When NOT to use:") {
        Some(uses) if (2..=4).contains(&uses.split(';').count()) => {}
        Some(uses) => say(format!("`When to use:` has {} items, not 2 to 4", uses.split(';').count())),
        None => say("has no `When to use:` before a `When NOT to use:`".to_owned()),
    }
    let rest = text.split_once("When NOT to use:").map(|(_, rest)| rest).unwrap_or_default();
    let named: Vec<&str> = rest.split('`').skip(1).step_by(2).collect();
    if named.is_empty() {
        say("`When NOT to use:` names no other tool".to_owned());
    }
    for unknown in named.iter().filter(|name| !names.contains(**name)) {
        say(format!("names `{unknown}`, which is no tool of this dialect"));
    }
}

fn between<'a>(text: &'a str, from: &str, to: &str) -> Option<&'a str> {
    text.split_once(from)?.1.split_once(to).map(|(inside, _)| inside)
}

fn arguments(input: &Map<String, Value>, say: &mut impl FnMut(String)) {
    let Some(Value::Object(properties)) = input.get("properties") else { return };
    for name in properties.keys().filter(|name| FILTERS.contains(&name.as_str())) {
        say(format!("the argument `{name}` is called `kqlFilter`"));
    }
}

/// Every numeric figure says its unit in its name or in its description.
fn units(schema: &Value, say: &mut impl FnMut(String)) {
    match schema {
        Value::Array(items) => items.iter().for_each(|item| units(item, say)),
        Value::Object(object) => {
            if let Some(Value::Object(properties)) = object.get("properties") {
                for (name, property) in properties {
                    if is_number(property) && is_figure(name) && !says_unit(name, property) {
                        say(format!("the figure `{name}` says no unit"));
                    }
                }
            }
            object.values().for_each(|value| units(value, say));
        }
        _ => {}
    }
}

fn is_number(property: &Value) -> bool {
    property.get("type").is_some_and(|kind| kind == "number")
}

fn is_figure(name: &str) -> bool {
    let name = name.to_lowercase();
    FIGURES.iter().any(|word| name.contains(word))
}

fn says_unit(name: &str, property: &Value) -> bool {
    let is_said = |word: &str| UNITS.contains(&word);
    let description = property.get("description").and_then(Value::as_str).unwrap_or_default();
    words(name).iter().any(|word| is_said(word))
        || description.split(|c: char| !c.is_alphanumeric()).any(is_said)
        || description.contains("milliseconds")
}

/// The words of a name in snake or camel case, in lower case.
fn words(name: &str) -> Vec<String> {
    let mut words = vec![String::new()];
    for character in name.chars() {
        if character == '_' || character.is_ascii_uppercase() {
            words.push(String::new());
        }
        if let Some(word) = words.last_mut().filter(|_| character != '_') {
            word.push(character.to_ascii_lowercase());
        }
    }
    words
}
