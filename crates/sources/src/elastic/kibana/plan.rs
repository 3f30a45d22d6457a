//! What `setup elastic` makes: six ES|QL tools, one agent, three indices. Plain data; nothing is sent here.
//!
//! A value never stands in a query: it is a named parameter, which the server binds.

use serde_json::{Value, json};

/// The tag by which what was made is known again; what lacks it is never changed or removed.
pub(super) const OWNER: &str = "firstcause";

/// In which form the traces are kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// Data streams of the OpenTelemetry exporter: `duration` in nanoseconds.
    Otel,
    /// Documents of the APM server: `transaction.duration.us` and `span.duration.us`.
    Ecs,
}

impl Form {
    /// Milliseconds, whether failed, the span's name, its own and its parent's id, the trace.
    fn columns(self) -> [&'static str; 6] {
        match self {
            Self::Otel => [
                "TO_DOUBLE(duration) / 1000000",
                "status.code == \"Error\"",
                "name",
                "span_id",
                "parent_span_id",
                "trace_id",
            ],
            Self::Ecs => [
                "TO_DOUBLE(COALESCE(transaction.duration.us, span.duration.us)) / 1000",
                "event.outcome == \"failure\"",
                "COALESCE(transaction.name, span.name)",
                "COALESCE(span.id, transaction.id)",
                "parent.id",
                "trace.id",
            ],
        }
    }
}

/// One thing to make.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Thing {
    pub(super) kind: Kind,
    pub(super) id: String,
    /// What is sent to make it; without the id, to change it.
    pub(super) body: Value,
}

/// What it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Index,
    Tool,
    Agent,
}

/// Everything, in the order in which each may name those before it.
pub(super) fn things(prefix: &str, traces: &str, form: Form) -> Vec<Thing> {
    let tools = tools(prefix, traces, form);
    let ids: Vec<String> = tools.iter().map(|tool| tool.id.clone()).collect();
    let indices = ["findings", "resolutions", "agent-traces"].map(|name| index(&format!("{prefix}-{name}")));
    indices.into_iter().chain(tools).chain([agent(prefix, &ids)]).collect()
}

fn index(id: &str) -> Thing {
    let properties = json!({
        "@timestamp": {"type": "date"},
        "run": {"type": "keyword"},
        "service": {"type": "keyword"},
        "stage": {"type": "keyword"},
        "verdict": {"type": "keyword"},
        "text": {"type": "text"},
        "detail": {"type": "flattened"},
    });
    let body = json!({"mappings": {"_meta": {"owner": OWNER}, "dynamic": false, "properties": properties}});
    Thing { kind: Kind::Index, id: id.to_owned(), body }
}

/// A parameter: its name, its type in ES|QL, what it is.
type Parameter = (&'static str, &'static str, &'static str);

const SINCE: Parameter = ("since", "date", "Start of the time looked at, such as 2026-03-02T09:00:00Z");
const ONSET: Parameter = ("onset", "date", "When it began: what lies before is compared with what follows");
const SERVICE: Parameter = ("service", "keyword", "service.name");
const TRACE: Parameter = ("trace", "keyword", "The id of the trace, 32 hexadecimal digits");

fn tools(prefix: &str, traces: &str, form: Form) -> Vec<Thing> {
    let [ms, failed, name, span, parent, trace] = form.columns();
    let from = format!("FROM {traces} | WHERE @timestamp >= ?since");
    let tool = |name: &str, what: &str, parameters: &[Parameter], query: String| {
        tool(&format!("{prefix}.{name}"), what, parameters, query)
    };
    vec![
        tool(
            "detect_latency_anomaly",
            "Lists services whose 95th percentile of duration at least doubled since the onset, in milliseconds.",
            &[SINCE, ONSET],
            format!(
                "{from} | EVAL ms = {ms} | STATS before_p95_ms = PERCENTILE(ms, 95) WHERE @timestamp < ?onset, \
                 after_p95_ms = PERCENTILE(ms, 95) WHERE @timestamp >= ?onset, spans = COUNT(*) BY service.name \
                 | EVAL ratio = after_p95_ms / before_p95_ms | WHERE ratio >= 2 | SORT ratio DESC | LIMIT 20"
            ),
        ),
        tool(
            "analyze_slow_spans",
            "Lists the operations of a service by the time that they took in all, in milliseconds.",
            &[SINCE, SERVICE],
            format!(
                "{from} AND service.name == ?service | EVAL ms = {ms}, operation = {name} | STATS spans = COUNT(*), \
                 p95_ms = PERCENTILE(ms, 95), total_ms = SUM(ms) BY operation | SORT total_ms DESC | LIMIT 20"
            ),
        ),
        tool(
            "latency_timeline",
            "Tells a service's spans and their duration by the minute, in milliseconds.",
            &[SINCE, SERVICE],
            format!(
                "{from} AND service.name == ?service | EVAL ms = {ms} | STATS spans = COUNT(*), \
                 p50_ms = PERCENTILE(ms, 50), p95_ms = PERCENTILE(ms, 95) BY minute = BUCKET(@timestamp, 1 minute) \
                 | SORT minute | LIMIT 500"
            ),
        ),
        tool(
            "error_rates",
            "Lists services by the share of their spans that failed, from 0 to 1.",
            &[SINCE],
            format!(
                "{from} | STATS spans = COUNT(*), failed = COUNT(*) WHERE {failed} BY service.name \
                 | EVAL failure_rate = TO_DOUBLE(failed) / spans | SORT failure_rate DESC | LIMIT 50"
            ),
        ),
        tool(
            "trace_chain",
            "Lists the spans of one trace in the order in which they began, with their parents.",
            &[TRACE],
            format!(
                "FROM {traces} | WHERE {trace} == ?trace | EVAL ms = {ms}, operation = {name}, span = {span}, \
                 parent = {parent} | KEEP @timestamp, service.name, operation, span, parent, ms | SORT @timestamp \
                 | LIMIT 1000"
            ),
        ),
        tool(
            "deployment_correlation",
            "Lists the versions of each service, when each was first and last seen, and how slow its spans are.",
            &[SINCE],
            format!(
                "{from} | EVAL ms = {ms} | STATS first_seen = MIN(@timestamp), last_seen = MAX(@timestamp), \
                 spans = COUNT(*), p95_ms = PERCENTILE(ms, 95) BY service.name, service.version \
                 | SORT first_seen DESC | LIMIT 50"
            ),
        ),
    ]
}

fn tool(id: &str, what: &str, parameters: &[Parameter], query: String) -> Thing {
    let told: serde_json::Map<String, Value> = parameters
        .iter()
        .map(|(name, kind, what)| ((*name).to_owned(), json!({"type": kind, "description": what})))
        .collect();
    let body = json!({
        "id": id,
        "type": "esql",
        "description": what,
        "tags": [OWNER],
        "configuration": {"query": query, "params": told},
    });
    Thing { kind: Kind::Tool, id: id.to_owned(), body }
}

/// The agent, with the six tools and those of the platform that list indices and read one document.
fn agent(prefix: &str, tools: &[String]) -> Thing {
    const PLATFORM: [&str; 3] =
        ["platform.core.list_indices", "platform.core.get_index_mapping", "platform.core.get_document_by_id"];
    let id = format!("{prefix}.investigator");
    let all: Vec<&str> = tools.iter().map(String::as_str).chain(PLATFORM).collect();
    let body = json!({
        "id": id,
        "name": "Incident investigator",
        "description": "Asks for latency, errors, slow spans and deployments, and says what it does not know.",
        "labels": [OWNER],
        "configuration": {
            "instructions": "Look for what changed and when. Cite the tool and the figures that each claim stands on. \
                             Where they do not suffice, say so.",
            "tools": [{"tool_ids": all}],
        },
    });
    Thing { kind: Kind::Agent, id, body }
}

#[cfg(test)]
mod tests {
    use super::*;

    // covers: AT-10
    #[test]
    fn values_are_named_parameters_and_every_query_is_bounded() {
        for form in [Form::Otel, Form::Ecs] {
            let things = things("autotrace", "traces-*", form);
            let tools: Vec<&Thing> = things.iter().filter(|thing| thing.kind == Kind::Tool).collect();
            assert_eq!(tools.len(), 6);
            for tool in tools {
                let query = tool.body["configuration"]["query"].as_str().unwrap();
                let told = tool.body["configuration"]["params"].as_object().unwrap();
                let asked: std::collections::BTreeSet<&str> = query
                    .split('?')
                    .skip(1)
                    .map(|rest| rest.split(|c: char| !c.is_ascii_lowercase()).next().unwrap())
                    .collect();
                assert_eq!(asked, told.keys().map(String::as_str).collect(), "{}", tool.id);
                assert!(query.starts_with("FROM traces-* | WHERE ") && query.contains("| LIMIT "), "{query}");
                assert_eq!(query.matches('(').count(), query.matches(')').count(), "{query}");
            }
        }
    }

    // covers: AT-12
    #[test]
    fn the_agent_has_the_six_tools_and_the_platforms() {
        let things = things("autotrace", "traces-*", Form::Otel);
        let agent = things.last().unwrap();
        let ids = agent.body["configuration"]["tools"][0]["tool_ids"].as_array().unwrap();
        assert_eq!((agent.kind, ids.len()), (Kind::Agent, 9));
        assert!(ids[..6].iter().all(|id| id.as_str().unwrap().starts_with("autotrace.")));
        assert_eq!(things.iter().filter(|thing| thing.kind == Kind::Index).count(), 3);
    }
}
