//! Traces and log lines of a window, fetched as they are.

use std::collections::BTreeMap;
use std::sync::Arc;

use telemetry::recorded::Tables;
use telemetry::signal::{Attributes, SpanLink};
use telemetry::{
    AskError, LogRecord, Resource, Scope, Span, SpanKind, StatusCode, TraceId, UnixNanos, Value, Window,
};

use super::rows::{self, Whole, attributes};
use super::statement::{AROUND_SECONDS, About};
use super::{Queries, sql};
use crate::fetched::Fetched;

/// Spans of a window that are fetched; of more, those of a share of the traces. With their attributes some 2 kB each, they
/// pass the door.
const SPANS_MAX: u64 = 30_000;
/// How often the share is halved when they do not.
const HALVED_MAX: u32 = 4;
/// Log lines of a window that are fetched.
const LINES_MAX: usize = 20_000;
/// Traces of a window that are compared; of more, a share: the same one of both windows.
const COMPARED_MAX: u64 = 1_000;

const COLUMNS: &str = "TraceId, SpanId, ParentSpanId, SpanName, SpanKind, ServiceName, ResourceAttributes, \
                       SpanAttributes, toUnixTimestamp64Nano(Timestamp), toInt64(Duration), StatusCode, \
                       StatusMessage, `Links.TraceId`, `Links.SpanId`";

type Map = BTreeMap<String, String>;
type Row = (
    String,
    String,
    String,
    String,
    String,
    String,
    Map,
    Map,
    Whole,
    Whole,
    String,
    String,
    Vec<String>,
    Vec<String>,
);

/// The traces with a span in the window, and the lines written in it.
pub(super) async fn window(queries: &Queries<'_>, window: Window) -> Result<Fetched, AskError> {
    let scope = Scope::all();
    let mut about = queries.about(window, &scope);
    let statement = format!("SELECT count() FROM ({})", about.trace_ids(""));
    let (text, _) = queries.lines(&statement).await?;
    let count = rows::read::<(Whole,)>(&text)?.first().map_or(0, |(count,)| count.count());
    about.part = count.div_ceil(SPANS_MAX).max(1);
    let mut halved = 0;
    let (text, locator) = loop {
        match queries.lines(&within(about, "")).await {
            Err(AskError::LimitReached(_)) if halved < HALVED_MAX => {
                (about.part, halved) = (about.part * 2, halved + 1);
            }
            other => break other?,
        }
    };
    let spans = spans(&text)?;
    // Lines that cannot be read are no reason to do without the traces.
    let (logs, has_more, of_logs) = lines(queries, window, "").await.unwrap_or((Vec::new(), true, None));
    let locators = std::iter::once(locator).chain(of_logs).collect();
    let cut = [("traces", about.part > 1), ("lines", has_more)].into_iter().filter(|(_, is_cut)| *is_cut);
    let cut = cut.map(|(what, _)| what.to_owned()).collect();
    Ok(Fetched { tables: Tables { spans, logs, ..Tables::default() }, cut, locators })
}

/// The traces that enter the scope in one of the windows, with the lines that were written in them: of a share of all where
/// one window has too many, and then of the same share of both.
pub(super) async fn compared(
    queries: &Queries<'_>,
    windows: [Window; 2],
    scope: &Scope,
) -> Result<Fetched, AskError> {
    let mut part = 1;
    for window in windows {
        let about = queries.about(window, scope);
        let statement = format!("SELECT uniqExact(TraceId) FROM ({})", about.trace_ids(&about.entering()));
        let (text, _) = queries.lines(&statement).await?;
        let count = rows::read::<(Whole,)>(&text)?.first().map_or(0, |(count,)| count.count());
        part = part.max(count.div_ceil(COMPARED_MAX));
    }
    let mut found = Fetched::default();
    for window in windows {
        let about = About { part, ..queries.about(window, scope) };
        let (text, locator) = queries.lines(&within(about, &about.entering())).await?;
        found.tables.spans.extend(spans(&text)?);
        found.locators.push(locator);
        let of_traces = format!(" AND TraceId IN ({})", about.trace_ids(&about.entering()));
        let (logs, has_more, of_logs) =
            lines(queries, window, &of_traces).await.unwrap_or((Vec::new(), true, None));
        found.tables.logs.extend(logs);
        found.locators.extend(of_logs);
        found.cut.extend(has_more.then(|| "lines".to_owned()));
    }
    found.cut.extend((part > 1).then(|| "traces".to_owned()));
    Ok(found)
}

/// The lines written in the window.
pub(super) async fn logs(queries: &Queries<'_>, window: Window) -> Result<Fetched, AskError> {
    let (logs, has_more, locator) = lines(queries, window, "").await?;
    let cut = has_more.then(|| "lines".to_owned()).into_iter().collect();
    let tables = Tables { logs, ..Tables::default() };
    Ok(Fetched { tables, cut, locators: locator.into_iter().collect() })
}

/// The traces of the window with a span that `further` holds for, one in `part` of them. Whole traces are left out, by a hash
/// of their id: the same ones for every service.
fn within(about: About<'_>, further: &str) -> String {
    format!(
        "SELECT {COLUMNS} FROM {} WHERE Timestamp >= {} AND Timestamp < {}{} AND TraceId IN ({})",
        about.traces,
        sql::at(about.window.from.plus_seconds(-AROUND_SECONDS)),
        sql::at(about.window.to.plus_seconds(AROUND_SECONDS)),
        about.share(),
        about.trace_ids(further)
    )
}

/// One trace. Where the exporter keeps the times of traces, they are asked first; else the whole table is looked at.
pub(super) async fn one(queries: &Queries<'_>, trace_id: TraceId) -> Result<Fetched, AskError> {
    let (traces, bound) = (&queries.of.names.traces, bounds(queries, trace_id).await?);
    let statement =
        format!("SELECT {COLUMNS} FROM {traces} WHERE TraceId = '{trace_id}'{}", bound.unwrap_or_default());
    let (text, locator) = queries.lines(&statement).await?;
    let tables = Tables { spans: spans(&text)?, ..Tables::default() };
    Ok(Fetched { tables, locators: vec![locator], ..Fetched::default() })
}

/// When the trace was, as a further condition; nothing where that is not kept.
async fn bounds(queries: &Queries<'_>, trace_id: TraceId) -> Result<Option<String>, AskError> {
    let Some(times) = &queries.of.names.times else { return Ok(None) };
    let statement = format!(
        "SELECT toUnixTimestamp64Nano(toDateTime64(min(Start), 9)), toUnixTimestamp64Nano(toDateTime64(max(End), 9)) \
         FROM {times} WHERE TraceId = '{trace_id}' HAVING count() > 0"
    );
    match queries.lines(&statement).await {
        Ok((text, _)) => Ok(rows::read::<(Whole, Whole)>(&text)?.first().map(|(start, end)| {
            format!(
                " AND Timestamp >= {} AND Timestamp < {}",
                sql::at(UnixNanos(start.0).plus_seconds(-1)),
                sql::at(UnixNanos(end.0).plus_seconds(1))
            )
        })),
        Err(error) if sql::is_not_there(&error) => Ok(None),
        Err(error) => Err(error),
    }
}

fn spans(text: &str) -> Result<Vec<Span>, AskError> {
    let mut resources = Resources::default();
    Ok(rows::read::<Row>(text)?.into_iter().filter_map(|row| span(row, &mut resources)).collect())
}

/// Resources that repeat are shared.
#[derive(Debug, Default)]
struct Resources(BTreeMap<(String, Map), Arc<Resource>>);

impl Resources {
    fn of(&mut self, service: String, map: Map) -> Arc<Resource> {
        let shared = self.0.entry((service, map)).or_insert_with_key(|(service, map)| {
            let name = (Arc::from("service.name"), Value::Text(Arc::from(service.as_str())));
            let others = attributes(map).into_iter().filter(|(key, _)| &**key != "service.name");
            Arc::new(Resource::of(
                std::iter::once(name).filter(|_| !service.is_empty()).chain(others).collect(),
            ))
        });
        Arc::clone(shared)
    }
}

/// The span of a row; one whose ids are none is left out.
fn span(row: Row, resources: &mut Resources) -> Option<Span> {
    let (trace, id, parent, name, kind, service, resource, own, start, ns, status, message, traces, spans) =
        row;
    let link = |(trace, span): (String, String)| {
        let (trace_id, span_id) = (trace.parse().ok()?, span.parse().ok()?);
        Some(SpanLink { trace_id, span_id, attributes: Attributes::new() })
    };
    let start = UnixNanos(start.0);
    Some(Span {
        trace_id: trace.parse().ok()?,
        span_id: id.parse().ok()?,
        parent: parent.parse().ok(),
        name: Arc::from(name.as_str()),
        kind: self::kind(&kind),
        start,
        end: UnixNanos(start.0.saturating_add(ns.0)),
        status: match status.trim_start_matches("STATUS_CODE_").to_ascii_lowercase().as_str() {
            "error" => StatusCode::Error,
            "ok" => StatusCode::Ok,
            _ => StatusCode::Unset,
        },
        message: Arc::from(message.as_str()),
        attributes: attributes(&own),
        events: Vec::new(),
        links: traces.into_iter().zip(spans).filter_map(link).collect(),
        resource: resources.of(service, resource),
    })
}

/// The exporter writes `Server`, older ones `SPAN_KIND_SERVER`.
pub(super) fn kind(text: &str) -> SpanKind {
    match text.trim_start_matches("SPAN_KIND_").to_ascii_lowercase().as_str() {
        "server" => SpanKind::Server,
        "client" => SpanKind::Client,
        "producer" => SpanKind::Producer,
        "consumer" => SpanKind::Consumer,
        "internal" => SpanKind::Internal,
        _ => SpanKind::Unspecified,
    }
}

type Line = (Whole, String, Map, Map, Whole, String, String, String);
type Lines = (Vec<LogRecord>, bool, Option<telemetry::answer::Locator>);

/// The log lines of a window; none where there is no table of them.
async fn lines(queries: &Queries<'_>, window: Window, further: &str) -> Result<Lines, AskError> {
    let statement = format!(
        "SELECT toUnixTimestamp64Nano(Timestamp), ServiceName, ResourceAttributes, LogAttributes, \
         toInt64(SeverityNumber), Body, TraceId, SpanId FROM {} WHERE Timestamp >= {} AND Timestamp < {}{further} \
         ORDER BY Timestamp LIMIT {}",
        queries.of.names.logs,
        sql::at(window.from),
        sql::at(window.to),
        LINES_MAX + 1
    );
    let (text, locator) = match queries.lines(&statement).await {
        Err(error) if sql::is_not_there(&error) => return Ok((Vec::new(), false, None)),
        other => other?,
    };
    let mut resources = Resources::default();
    let found: Vec<Line> = rows::read(&text)?;
    let has_more = found.len() > LINES_MAX;
    let logs = found.into_iter().take(LINES_MAX).map(|line| {
        let (at, service, resource, own, severity, body, trace, span) = line;
        LogRecord {
            at: UnixNanos(at.0),
            trace_id: trace.parse().ok(),
            span_id: span.parse().ok(),
            severity: i32::try_from(severity.0).unwrap_or(0),
            body: Value::Text(Arc::from(body.as_str())),
            attributes: attributes(&own),
            resource: resources.of(service, resource),
        }
    });
    Ok((logs.collect(), has_more, Some(locator)))
}
