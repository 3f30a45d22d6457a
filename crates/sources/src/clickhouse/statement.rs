//! The statements that compute an answer where the data lie: files of SQL with places to fill.
//!
//! Says nothing of what comes back.

use telemetry::{Scope, Window};

use super::sql::{at, on_one_line, text};

/// Seconds around a window in which spans of its traces are looked for.
pub(super) const AROUND_SECONDS: i64 = 60;

const SPANS: &str = include_str!("sql/spans.sql");
const NODES: &str = include_str!("sql/nodes.sql");
const WINDOW: &str = include_str!("sql/window.sql");
const QUEUES: &str = include_str!("sql/queues.sql");
const EXEMPLARS: &str = include_str!("sql/exemplars.sql");

/// Service, operation and instance of a row of the table.
const RAW: [&str; 3] = [
    "if(empty(ServiceName), 'unknown_service', ServiceName)",
    "SpanName",
    "ResourceAttributes['service.instance.id']",
];

/// What a statement is about.
#[derive(Debug, Clone, Copy)]
pub(super) struct About<'a> {
    /// The table of spans.
    pub(super) traces: &'a str,
    /// When.
    pub(super) window: Window,
    /// Of what.
    pub(super) scope: &'a Scope,
    /// One in so many traces, by a hash of their id.
    pub(super) part: u64,
    /// Rows that may come back.
    pub(super) rows_max: usize,
}

impl About<'_> {
    /// Exclusive time, calls and lanes.
    pub(super) fn groups(&self) -> String {
        self.filled(WINDOW, &[])
    }

    /// Messages and what became of them.
    pub(super) fn queues(&self) -> String {
        self.filled(QUEUES, &[])
    }

    /// Up to `count` traces of each choice.
    pub(super) fn exemplars(&self, count: u8) -> String {
        let entered = format!("({}{})", self.inside(), self.entering());
        self.filled(EXEMPLARS, &[("entered", entered), ("count", count.to_string())])
    }

    /// The trace ids of the window's spans that `further` holds for.
    pub(super) fn trace_ids(&self, further: &str) -> String {
        format!("SELECT TraceId FROM {} WHERE {}{}{further}", self.traces, self.inside(), self.share())
    }

    /// Further: a span is where a request or a message enters the scope.
    pub(super) fn entering(&self) -> String {
        let kinds = "('Server', 'Consumer', 'SPAN_KIND_SERVER', 'SPAN_KIND_CONSUMER')";
        format!(" AND SpanKind IN {kinds} AND {}", within(self.scope, RAW))
    }

    /// Further: a span is of the share of traces that is looked at.
    pub(super) fn share(&self) -> String {
        if self.part == 1 {
            return String::new();
        }
        format!(" AND cityHash64(TraceId) % {} = 0", self.part)
    }

    /// Whether a span began in the window.
    fn inside(&self) -> String {
        format!("Timestamp >= {} AND Timestamp < {}", at(self.window.from), at(self.window.to))
    }

    fn filled(&self, statement: &str, further: &[(&str, String)]) -> String {
        let Window { from, to } = self.window;
        let mut places = vec![
            ("traces", self.traces.to_owned()),
            ("share", self.share()),
            ("scope", within(self.scope, ["service", "name", "instance"])),
            ("callee_scope", within(self.scope, ["callee_service", "callee_name", "callee_instance"])),
            ("span_scope", within(self.scope, ["service", "span_name", "instance"])),
            ("taker_scope", within(self.scope, ["taker", "SpanName", "''"])),
            ("before", at(from.plus_seconds(-AROUND_SECONDS))),
            ("after", at(to.plus_seconds(AROUND_SECONDS))),
            ("begin", at(from)),
            ("finish", at(to)),
            ("from", from.0.to_string()),
            ("to", to.0.to_string()),
            ("limit", (self.rows_max + 1).to_string()),
        ];
        places.extend(further.iter().cloned());
        let nodes = on_one_line(NODES).replace("{spans}", &on_one_line(SPANS));
        filled(&on_one_line(statement).replace("{nodes}", &nodes), &places)
    }
}

/// The statement with every place filled once: what is put in may look like a place itself.
fn filled(statement: &str, places: &[(&str, String)]) -> String {
    let mut pieces = statement.split('{');
    let mut whole = pieces.next().unwrap_or_default().to_owned();
    for piece in pieces {
        let (name, rest) = piece.split_once('}').unwrap_or((piece, ""));
        whole.extend(places.iter().filter(|(place, _)| *place == name).map(|(_, with)| with.as_str()));
        whole.push_str(rest);
    }
    whole
}

/// Whether a span of these columns is in the scope.
fn within(scope: &Scope, [service, operation, instance]: [&str; 3]) -> String {
    let of = [(service, &scope.service), (operation, &scope.operation), (instance, &scope.instance)];
    let told: Vec<String> = of
        .iter()
        .filter_map(|(column, wanted)| wanted.as_ref().map(|wanted| format!("{column} = {}", text(wanted))))
        .collect();
    if told.is_empty() { "1".to_owned() } else { format!("({})", told.join(" AND ")) }
}

#[cfg(test)]
mod tests {
    use telemetry::UnixNanos;

    use super::*;

    fn about<'a>(scope: &'a Scope) -> About<'a> {
        let window = Window::new(UnixNanos(0), UnixNanos(1_000_000_000));
        About { traces: "otel.spans", window, scope, part: 1, rows_max: 10 }
    }

    #[test]
    fn every_place_is_filled_and_text_stays_text() {
        let scope = Scope { instance: Some("{nodes} ' OR 1".to_owned()), ..Scope::service("a\\'b") };
        for statement in [about(&scope).groups(), about(&scope).queues(), about(&scope).exemplars(3)] {
            assert!(
                statement.contains("'a\\\\\\'b'") && statement.contains("'{nodes} \\' OR 1'"),
                "{statement}"
            );
            let rest = statement.replace("{nodes} \\' OR 1", "");
            assert!(!rest.contains('{') && !rest.contains("--") && rest.contains("otel.spans"), "{rest}");
        }
    }

    #[test]
    fn a_statement_fits_into_an_address() {
        let scope = Scope::service("a");
        let longest = [about(&scope).groups(), about(&scope).queues()].iter().map(String::len).max();
        assert!(longest.is_some_and(|length| length < 16_000), "{longest:?}");
    }
}
