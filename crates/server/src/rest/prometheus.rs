//! What was received, kept and lost, in the text format of Prometheus (version 0.0.4 of its exposition formats).
//!
//! Tells what `/stats` tells and counts nothing itself. No histograms, and nothing of the process that its supervisor knows.

use hyper::body::Bytes;
use hyper::{Response, StatusCode};
use serde_json::Value;

use super::Api;
use crate::serve::{Body, reply};

/// The media type of the text.
pub const MEDIA: &str = "text/plain; version=0.0.4; charset=utf-8";

/// What a metric is to Prometheus.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// Rises while the process lives.
    Counter,
    /// Rises and falls.
    Gauge,
}

impl Kind {
    fn name(self) -> &'static str {
        match self {
            Self::Counter => "counter",
            Self::Gauge => "gauge",
        }
    }
}

/// A metric and where `/stats` tells it.
struct Metric {
    name: &'static str,
    kind: Kind,
    help: &'static str,
    /// The fields of `/stats`, each with the value of the label that it becomes; a field that holds several figures has
    /// theirs.
    fields: &'static [(&'static str, &'static str)],
    /// The label that tells the fields, or the figures of one, apart; empty when there is none.
    label: &'static str,
}

const fn one(
    name: &'static str,
    kind: Kind,
    fields: &'static [(&'static str, &'static str)],
    help: &'static str,
) -> Metric {
    Metric { name, kind, help, fields, label: "" }
}

/// Every metric, sorted.
const ALL: [Metric; 19] = [
    one("firstcause_head_bytes", Kind::Gauge, &[("head_bytes", "")], "Estimated bytes of signals in memory."),
    Metric {
        name: "firstcause_head_items",
        kind: Kind::Gauge,
        help: "Signals in memory.",
        fields: &[("spans", "span"), ("log_records", "log_record"), ("metric_points", "metric_point")],
        label: "signal",
    },
    one(
        "firstcause_in_flight_bytes",
        Kind::Gauge,
        &[("in_flight_bytes", "")],
        "Bytes that requests in flight take.",
    ),
    one("firstcause_items_accepted_total", Kind::Counter, &[("accepted", "")], "Signals acknowledged."),
    one(
        "firstcause_items_duplicate_total",
        Kind::Counter,
        &[("duplicates", "")],
        "Signals that came again and were not counted again.",
    ),
    one(
        "firstcause_items_expired_total",
        Kind::Counter,
        &[("expired", "")],
        "Signals removed because they were old enough or too many.",
    ),
    one(
        "firstcause_items_recovered_total",
        Kind::Counter,
        &[("recovered", "")],
        "Signals read back from the log at the start.",
    ),
    one(
        "firstcause_items_refused_total",
        Kind::Counter,
        &[("refused_items", "")],
        "Signals of refused requests, where they could be counted.",
    ),
    Metric {
        name: "firstcause_items_rejected_total",
        kind: Kind::Counter,
        help: "Signals of taken requests that were not kept.",
        fields: &[("rejected", "")],
        label: "reason",
    },
    Metric {
        name: "firstcause_items_repaired_total",
        kind: Kind::Counter,
        help: "Signals that were kept with something put right.",
        fields: &[("repaired", "")],
        label: "reason",
    },
    one(
        "firstcause_log_damaged_bytes_total",
        Kind::Counter,
        &[("damaged_bytes", "")],
        "Bytes of the log that could not be read back: a loss.",
    ),
    one(
        "firstcause_log_failed_writes_total",
        Kind::Counter,
        &[("failed_writes", "")],
        "Appends and syncs of the log that failed.",
    ),
    one(
        "firstcause_log_torn_bytes_total",
        Kind::Counter,
        &[("torn_bytes", "")],
        "Bytes cut from the end of the log at the start: never acknowledged.",
    ),
    one(
        "firstcause_ready",
        Kind::Gauge,
        &[("is_taking", "")],
        "1 while requests are taken, 0 while they are refused.",
    ),
    Metric {
        name: "firstcause_requests_refused_total",
        kind: Kind::Counter,
        help: "Requests refused as a whole.",
        fields: &[("refused_requests", "")],
        label: "reason",
    },
    one("firstcause_segment_bytes", Kind::Gauge, &[("segment_bytes", "")], "Bytes of the files of segments."),
    one("firstcause_segment_items", Kind::Gauge, &[("sealed", "")], "Signals in segments."),
    one("firstcause_segments", Kind::Gauge, &[("segments", "")], "Segments on the disk."),
    Metric {
        name: "firstcause_segments_failed_total",
        kind: Kind::Counter,
        help: "Segments that could not be written, and segments or parts of their list that could not be read at the start.",
        fields: &[("failed_seals", "written"), ("damaged_segments", "read")],
        label: "what",
    },
];

/// `GET /metrics`.
pub(super) fn get(api: &Api) -> Response<Body> {
    reply(StatusCode::OK, MEDIA, Bytes::from(exposition(&(api.stats)())))
}

/// The text for figures as `/stats` tells them.
#[must_use]
pub fn exposition(stats: &Value) -> String {
    let version = stats.get("version").and_then(Value::as_str).unwrap_or_default();
    let mut lines =
        described("firstcause_build_info", Kind::Gauge, "1, with the version as a label.").to_vec();
    lines.push(sample("firstcause_build_info", Some(("version", version)), 1));
    for metric in &ALL {
        lines.extend(described(metric.name, metric.kind, metric.help));
        for (field, value) in metric.fields {
            match stats.get(field) {
                Some(Value::Object(figures)) => lines.extend(
                    figures
                        .iter()
                        .map(|(key, of)| sample(metric.name, Some((metric.label, key)), number(of))),
                ),
                Some(figure) => {
                    let label = (!metric.label.is_empty()).then_some((metric.label, *value));
                    lines.push(sample(metric.name, label, number(figure)));
                }
                None => {}
            }
        }
    }
    lines.concat()
}

/// The page about the metrics, which `docs/metrics.md` is.
#[must_use]
pub fn page() -> String {
    let head = "# Metrics\n\nWritten from the code (`FIRSTCAUSE_BLESS=1 cargo test -p firstcause --test it -- schema::`); not edited by hand.\n\n\
        `GET /metrics` tells these in the text format of Prometheus. They count since the process was started.\n\n\
        | metric | type | label | what |\n|---|---|---|---|\n\
        | `firstcause_build_info` | gauge | `version` | 1, with the version as a label. |\n";
    let row = |Metric { name, kind, help, label, .. }: &Metric| {
        let label = if label.is_empty() { String::new() } else { format!("`{label}`") };
        format!("| `{name}` | {} | {label} | {help} |\n", kind.name())
    };
    head.to_owned() + &ALL.iter().map(row).collect::<String>()
}

fn described(name: &str, kind: Kind, help: &str) -> [String; 2] {
    [format!("# HELP {name} {help}\n"), format!("# TYPE {name} {}\n", kind.name())]
}

fn sample(name: &str, label: Option<(&str, &str)>, figure: u64) -> String {
    match label {
        None => format!("{name} {figure}\n"),
        Some((label, value)) => format!("{name}{{{label}=\"{}\"}} {figure}\n", escaped(value)),
    }
}

fn number(figure: &Value) -> u64 {
    figure.as_u64().unwrap_or_else(|| u64::from(figure == &Value::Bool(true)))
}

/// A label's value as the format wants it.
fn escaped(value: &str) -> String {
    value.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn figures_become_lines_with_their_labels() {
        let stats = json!({
            "version": "1.2", "accepted": 7, "is_taking": true, "rejected": { "a \"b\"\\\n": 3 }, "spans": 4,
        });
        let text = exposition(&stats);
        for line in [
            "firstcause_build_info{version=\"1.2\"} 1",
            "# TYPE firstcause_items_accepted_total counter",
            "firstcause_items_accepted_total 7",
            "firstcause_ready 1",
            "firstcause_items_rejected_total{reason=\"a \\\"b\\\"\\\\\\n\"} 3",
            "firstcause_head_items{signal=\"span\"} 4",
        ] {
            assert!(text.lines().any(|found| found == line), "{line}\n{text}");
        }
    }

    #[test]
    fn metrics_are_sorted_and_named_as_their_kind_asks() {
        assert!(ALL.is_sorted_by_key(|metric| metric.name));
        for metric in &ALL {
            assert_eq!(metric.name.ends_with("_total"), metric.kind == Kind::Counter, "{}", metric.name);
        }
    }
}
