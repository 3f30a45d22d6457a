//! `docs/benchmarks.md` out of the record: a table, and under it what stands behind each row.
//!
//! Only what the record says; nothing is measured, rounded up or left out here.

use serde_json::Value;

const HEAD: &str = "# Benchmarks

Written by `cargo xtask bench`; not edited by hand.

Each figure is the median of the rounds of one run, in which the sides take turns on the same bytes; the lowest and the highest round stand in brackets.
Ratios of processor time are compared between machines, absolute times are not.
What is measured how is told in [decision 0041](decisions/0041-benchmarks.md); all figures are in [results/bench.json](results/bench.json).
";

/// The page of a record.
pub(crate) fn render(record: &Value) -> String {
    let rows = record.pointer("/figures/rows").and_then(Value::as_array).cloned().unwrap_or_default();
    let mut page = HEAD.to_owned();
    page.push_str(&format!("The last run was on {}.\n", machine(record)));
    page.push_str("\n| benchmark | figure | measured | must | goal | met | command |\n");
    page.push_str("|---|---|---|---|---|---|---|\n");
    for row in &rows {
        for measure in row.get("measures").and_then(Value::as_array).into_iter().flatten() {
            page.push_str(&line(row, measure));
        }
    }
    for row in &rows {
        page.push_str(&behind(row));
    }
    page
}

fn machine(record: &Value) -> String {
    let part = |name: &str| record.pointer(&format!("/machine/{name}")).map(plain).unwrap_or_default();
    format!("a machine with {} cores, {} GiB and {}", part("cores"), part("memory_gib"), part("os"))
}

fn line(row: &Value, measure: &Value) -> String {
    let id = text(row, "id");
    let met = match measure.get("meets").and_then(Value::as_str) {
        Some("goal") => "goal met",
        Some("must") => "must met",
        Some(_) => "**no**",
        None => "-",
    };
    format!(
        "| {id} {} | {} | {} | {} | {} | {met} | `cargo xtask bench {id}` |\n",
        text(row, "name"),
        text(measure, "what"),
        measured(measure.get("value")),
        bound(measure.get("must")),
        bound(measure.get("goal")),
    )
}

/// A value with its spread; one round has none.
fn measured(value: Option<&Value>) -> String {
    let number = |name: &str| value.and_then(|value| value.get(name)).map(plain).unwrap_or_default();
    match value.and_then(|value| value.get("rounds")).and_then(Value::as_u64) {
        None | Some(0) => "not measured".to_owned(),
        Some(1) => number("median"),
        Some(_) => format!("{} ({} to {})", number("median"), number("low"), number("high")),
    }
}

fn bound(bound: Option<&Value>) -> String {
    let side = |name: &str| bound.and_then(|bound| bound.get(name)).map(plain);
    match (side("at_most"), side("at_least")) {
        (Some(most), _) => format!("<= {most}"),
        (None, Some(least)) => format!(">= {least}"),
        (None, None) => "-".to_owned(),
    }
}

/// What stands behind a row: what was done, its figures, its notes, its run.
fn behind(row: &Value) -> String {
    let mut text_of =
        format!("\n## {} {}\n\n{}.\n", text(row, "id"), text(row, "name"), text(row, "workload"));
    for note in row.get("notes").and_then(Value::as_array).into_iter().flatten() {
        text_of.push_str(&format!("\n- {}.", plain(note)));
    }
    for (name, value) in row.get("figures").and_then(Value::as_object).into_iter().flatten() {
        text_of.push_str(&format!("\n- {}: {}.", name.replace('_', " "), figure(value)));
    }
    if let Some(run) = row.get("run") {
        let dirty = if run.get("dirty") == Some(&Value::Bool(true)) { " with changes" } else { "" };
        let (commit, seed) = (text(run, "commit"), run.get("seed").map(plain).unwrap_or_default());
        text_of.push_str(&format!(
            "\n- Run by `{}` at commit {}{dirty}, seed {seed}.",
            text(run, "command"),
            commit.get(..12).unwrap_or(&commit)
        ));
    }
    text_of.push('\n');
    text_of
}

/// A figure in a line: a spread as in the table, other objects as their parts.
fn figure(value: &Value) -> String {
    match value {
        Value::Object(_) if value.get("median").is_some() => measured(Some(value)),
        Value::Object(parts) => {
            let parts =
                parts.iter().map(|(name, part)| format!("{} {}", name.replace('_', " "), figure(part)));
            parts.collect::<Vec<_>>().join(", ")
        }
        other => plain(other),
    }
}

fn text(value: &Value, name: &str) -> String {
    value.get(name).map(plain).unwrap_or_default()
}

/// Without quotes, and large numbers without a fraction of zero.
fn plain(value: &Value) -> String {
    match value {
        Value::String(text) => text.replace('|', "/"),
        Value::Number(number) => {
            let digits = number.to_string();
            digits.strip_suffix(".0").map_or(digits.clone(), str::to_owned)
        }
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn record() -> Value {
        let spread = json!({"median": 3.95, "low": 3.5, "high": 4.46, "of_minima": 3.96, "rounds": 5});
        json!({
            "machine": {"cores": 2, "memory_gib": 24, "os": "Debian"},
            "figures": {"rows": [
                {
                    "id": "B1", "name": "ingest-durable", "workload": "spans over HTTP",
                    "measures": [{
                        "what": "our CPU / CPU of prost", "must": {"at_most": 1.5}, "goal": {"at_most": 1.0},
                        "value": spread, "meets": "no",
                    }],
                    "figures": {"cpu_ns_a_span": {"ours": 7470.0, "prost": 1886.0}, "spans": 614_400},
                    "notes": [],
                    "run": {"commit": "0123456789abcdef", "dirty": true, "seed": 1, "command": "cargo xtask bench B1"},
                },
                {
                    "id": "B8", "name": "trace-by-id", "workload": "10 million spans",
                    "measures": [{"what": "p50", "must": {"at_least": 0.2}, "goal": {"at_least": 0.5}, "value": null, "meets": null}],
                    "figures": {}, "notes": ["needs segments"],
                },
            ]},
        })
    }

    #[test]
    fn a_row_shows_its_spread_its_bounds_and_that_it_missed_them() {
        let page = render(&record());
        let row = "| B1 ingest-durable | our CPU / CPU of prost | 3.95 (3.5 to 4.46) | <= 1.5 | <= 1 | **no** | `cargo xtask bench B1` |";
        assert!(page.lines().any(|line| line == row), "{page}");
        assert!(page.contains("- cpu ns a span: ours 7470, prost 1886."), "{page}");
        assert!(
            page.contains("- Run by `cargo xtask bench B1` at commit 0123456789ab with changes, seed 1.")
        );
        assert!(page.contains("a machine with 2 cores, 24 GiB and Debian"));
    }

    #[test]
    fn what_was_not_measured_says_so_and_why() {
        let page = render(&record());
        let row = "| B8 trace-by-id | p50 | not measured | >= 0.2 | >= 0.5 | - | `cargo xtask bench B8` |";
        assert!(page.lines().any(|line| line == row), "{page}");
        assert!(page.contains("## B8 trace-by-id\n\n10 million spans.\n\n- needs segments.\n"), "{page}");
    }

    #[test]
    fn one_round_has_no_spread() {
        assert_eq!(measured(Some(&json!({"median": 27.9, "rounds": 1}))), "27.9");
        assert_eq!(measured(None), "not measured");
    }
}
