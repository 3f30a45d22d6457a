//! Spans as the rows of `otel_traces`: the names and shapes of the ClickHouse exporter of OpenTelemetry.
//!
//! Sorted by service, name and start. The exporter's columns of the scope and the trace state are missing, because the
//! decoder does not keep them; `EndTime` and the letters of attributes are ours. Times are nanoseconds.

use std::io;
use std::ops::Range;

use parquet::data_type::ByteArray;
use telemetry::signal::{SpanEvent, SpanLink};
use telemetry::{Span, SpanId, SpanKind, StatusCode, TraceId, UnixNanos};

use super::attributes::{self, Sets, Texts, text};
use super::column::Column;
use super::file::{self, File, Part};
use super::resources::Resources;
use super::unreadable;

fn schema() -> String {
    let texts = |names: &[&str]| -> String {
        names.iter().map(|name| format!("required binary {name} (STRING); ")).collect()
    };
    let list = |name: &str, element: &str| {
        format!("required group {name} (LIST) {{ repeated group list {{ required {element}; }} }} ")
    };
    let time = "int64 element (TIMESTAMP(NANOS,true))";
    let word = "binary element (STRING)";
    [
        "message otel_traces { required int64 Timestamp (TIMESTAMP(NANOS,true)); ".to_owned(),
        texts(&["TraceId", "SpanId", "ParentSpanId", "SpanName", "SpanKind", "ServiceName"]),
        attributes::schema("ResourceAttributes"),
        attributes::schema("SpanAttributes"),
        "required int64 Duration; required int64 EndTime (TIMESTAMP(NANOS,true)); ".to_owned(),
        texts(&["StatusCode", "StatusMessage"]),
        list("Events.Timestamp", time),
        list("Events.Name", word),
        attributes::list_schema("Events.Attributes"),
        list("Links.TraceId", word),
        list("Links.SpanId", word),
        attributes::list_schema("Links.Attributes"),
        "}".to_owned(),
    ]
    .concat()
}

/// The bytes of a file of `spans`, which are sorted here.
pub(super) fn write(mut spans: Vec<&Span>) -> io::Result<Vec<u8>> {
    spans.sort_by(|a, b| {
        (&a.resource.service, &a.name, a.start, a.trace_id, a.span_id).cmp(&(
            &b.resource.service,
            &b.name,
            b.start,
            b.trace_id,
            b.span_id,
        ))
    });
    file::write(&schema(), |columns| put(columns, &spans))
}

fn put(columns: &mut file::Columns<'_, '_>, spans: &[&Span]) -> io::Result<()> {
    let rows = || spans.iter().copied();
    let mut digits = Vec::new();
    columns.int(|of| rows().for_each(|span| of.push(span.start.0)))?;
    columns.text(|of| rows().for_each(|span| of.push(hex(&span.trace_id.0, &mut digits))))?;
    columns.text(|of| rows().for_each(|span| of.push(hex(&span.span_id.0, &mut digits))))?;
    let parent = |span: &Span| span.parent.map(|id| id.0);
    columns.text(|of| {
        rows().for_each(|span| of.push(parent(span).as_ref().map_or(b"", |id| hex(id, &mut digits))));
    })?;
    columns.text(|of| rows().for_each(|span| of.push_shared(&span.name)))?;
    columns.text(|of| rows().for_each(|span| of.push(kind_name(span.kind).as_bytes())))?;
    columns.text(|of| rows().for_each(|span| of.push_shared(&span.resource.service)))?;
    attributes::write(columns, rows().map(|span| &span.resource.attributes))?;
    attributes::write(columns, rows().map(|span| &span.attributes))?;
    columns.int(|of| rows().for_each(|span| of.push(span.duration_ns())))?;
    columns.int(|of| rows().for_each(|span| of.push(span.end.0)))?;
    columns.text(|of| rows().for_each(|span| of.push(status_name(span.status).as_bytes())))?;
    columns.text(|of| rows().for_each(|span| of.push_shared(&span.message)))?;
    let events = || rows().map(|span| span.events.iter());
    columns.int(|of| events().for_each(|list| of.push_list(list.map(|event| event.at.0))))?;
    columns.text(|of| {
        events().for_each(|list| of.push_list(|row| list.for_each(|event| row.shared(&event.name))));
    })?;
    attributes::write_lists(columns, events().map(|list| list.map(|event| &event.attributes)))?;
    let links = || rows().map(|span| span.links.iter());
    let ids: [fn(&SpanLink) -> &[u8]; 2] = [|link| &link.trace_id.0, |link| &link.span_id.0];
    for id in ids {
        columns.text(|of| {
            links().for_each(|list| {
                of.push_list(|row| list.for_each(|link| row.text(hex(id(link), &mut digits))));
            });
        })?;
    }
    attributes::write_lists(columns, links().map(|list| list.map(|link| &link.attributes)))
}

/// The digits of an id. Without the machinery of formatting, which would cost as much as the rest of the row.
fn hex<'d>(id: &[u8], digits: &'d mut Vec<u8>) -> &'d [u8] {
    const DIGITS: [u8; 16] = *b"0123456789abcdef";
    let digit = |half: u8| DIGITS.get(usize::from(half)).copied().unwrap_or_default();
    digits.clear();
    digits.extend(id.iter().flat_map(|byte| [digit(byte >> 4), digit(byte & 15)]));
    digits
}

/// The kind as the exporter writes it.
pub(super) fn kind_name(kind: SpanKind) -> &'static str {
    match kind {
        SpanKind::Unspecified => "Unspecified",
        SpanKind::Internal => "Internal",
        SpanKind::Server => "Server",
        SpanKind::Client => "Client",
        SpanKind::Producer => "Producer",
        SpanKind::Consumer => "Consumer",
    }
}

const KINDS: [SpanKind; 6] = [
    SpanKind::Unspecified,
    SpanKind::Internal,
    SpanKind::Server,
    SpanKind::Client,
    SpanKind::Producer,
    SpanKind::Consumer,
];

fn status_name(status: StatusCode) -> &'static str {
    match status {
        StatusCode::Unset => "Unset",
        StatusCode::Ok => "Ok",
        StatusCode::Error => "Error",
    }
}

const STATUSES: [StatusCode; 3] = [StatusCode::Unset, StatusCode::Ok, StatusCode::Error];

/// What decides whether a row becomes a span.
#[derive(Debug, Clone, Copy)]
pub(super) struct Row<'a> {
    pub(super) start: UnixNanos,
    pub(super) trace_id: &'a str,
    pub(super) kind: &'a str,
}

/// The spans of a file that are `wanted`.
pub(super) fn read(bytes: Vec<u8>, wanted: impl Fn(Row<'_>) -> bool) -> io::Result<Vec<Span>> {
    let file = File::open(bytes)?;
    let whole = file.whole();
    let start = whole.int("Timestamp")?;
    let trace_id = whole.text("TraceId")?;
    let kind = whole.text("SpanKind")?;
    let rows: Vec<usize> = (0..file.rows())
        .filter(|at| {
            let row = Row {
                start: UnixNanos(start.values.get(*at).copied().unwrap_or_default()),
                trace_id: trace_id.values.get(*at).and_then(text).unwrap_or_default(),
                kind: kind.values.get(*at).and_then(text).unwrap_or_default(),
            };
            wanted(row)
        })
        .collect();
    if rows.is_empty() {
        return Ok(Vec::new());
    }
    let reading = Reading::new(&file.part(&rows))?;
    let (mut texts, mut resources) = (Texts::default(), Resources::default());
    (0..rows.len())
        .map(|at| reading.span(at, &mut texts, &mut resources).ok_or_else(|| unreadable("span", at)))
        .collect()
}

/// The columns that every span has a value in, and those of its lists.
struct Plain {
    start: Column<i64>,
    trace_id: Column<ByteArray>,
    span_id: Column<ByteArray>,
    parent: Column<ByteArray>,
    name: Column<ByteArray>,
    kind: Column<ByteArray>,
    end: Column<i64>,
    status: Column<ByteArray>,
    message: Column<ByteArray>,
    event_at: Column<i64>,
    event_name: Column<ByteArray>,
    link_trace: Column<ByteArray>,
    link_span: Column<ByteArray>,
}

/// The columns of a file with the places of its lists.
struct Reading {
    plain: Plain,
    resource: Sets,
    attributes: Sets,
    events: Vec<Range<usize>>,
    event_sets: (Sets, Vec<usize>),
    links: Vec<Range<usize>>,
    link_sets: (Sets, Vec<usize>),
}

impl Reading {
    fn new(part: &Part<'_>) -> io::Result<Self> {
        let plain = Plain {
            start: part.int("Timestamp")?,
            trace_id: part.text("TraceId")?,
            kind: part.text("SpanKind")?,
            span_id: part.text("SpanId")?,
            parent: part.text("ParentSpanId")?,
            name: part.text("SpanName")?,
            end: part.int("EndTime")?,
            status: part.text("StatusCode")?,
            message: part.text("StatusMessage")?,
            event_at: part.int("Events.Timestamp.list.element")?,
            event_name: part.text("Events.Name.list.element")?,
            link_trace: part.text("Links.TraceId.list.element")?,
            link_span: part.text("Links.SpanId.list.element")?,
        };
        Ok(Self {
            resource: Sets::read(part, "ResourceAttributes")?,
            attributes: Sets::read(part, "SpanAttributes")?,
            events: plain.event_at.lists(1),
            event_sets: offsets(Sets::read_lists(part, "Events.Attributes")?),
            links: plain.link_trace.lists(1),
            link_sets: offsets(Sets::read_lists(part, "Links.Attributes")?),
            plain,
        })
    }

    fn span(&self, at: usize, texts: &mut Texts, resources: &mut Resources) -> Option<Span> {
        let plain = &self.plain;
        let word = |column: &Column<ByteArray>| Some(text(column.values.get(at)?)?.to_owned());
        let parent = word(&plain.parent)?;
        let (kind, status) = (word(&plain.kind)?, word(&plain.status)?);
        Some(Span {
            trace_id: word(&plain.trace_id)?.parse().ok()?,
            span_id: word(&plain.span_id)?.parse().ok()?,
            parent: if parent.is_empty() { None } else { Some(parent.parse().ok()?) },
            name: texts.share(text(plain.name.values.get(at)?)?),
            kind: KINDS.into_iter().find(|known| kind_name(*known) == kind)?,
            start: UnixNanos(*plain.start.values.get(at)?),
            end: UnixNanos(*plain.end.values.get(at)?),
            status: STATUSES.into_iter().find(|known| status_name(*known) == status)?,
            message: texts.share(text(plain.message.values.get(at)?)?),
            attributes: self.attributes.get(at, texts)?,
            events: self.events(at, texts)?,
            links: self.links(at, texts)?,
            resource: resources.share(self.resource.get(at, texts)?),
        })
    }

    fn events(&self, at: usize, texts: &mut Texts) -> Option<Vec<SpanEvent>> {
        let (sets, first) = (&self.event_sets.0, *self.event_sets.1.get(at)?);
        let places = self.events.get(at)?.clone();
        places
            .enumerate()
            .map(|(nth, place)| {
                Some(SpanEvent {
                    at: UnixNanos(*self.plain.event_at.values.get(place)?),
                    name: texts.share(text(self.plain.event_name.values.get(place)?)?),
                    attributes: sets.get(first + nth, texts)?,
                })
            })
            .collect()
    }

    fn links(&self, at: usize, texts: &mut Texts) -> Option<Vec<SpanLink>> {
        let (sets, first) = (&self.link_sets.0, *self.link_sets.1.get(at)?);
        let places = self.links.get(at)?.clone();
        places
            .enumerate()
            .map(|(nth, place)| {
                Some(SpanLink {
                    trace_id: text(self.plain.link_trace.values.get(place)?)?.parse::<TraceId>().ok()?,
                    span_id: text(self.plain.link_span.values.get(place)?)?.parse::<SpanId>().ok()?,
                    attributes: sets.get(first + nth, texts)?,
                })
            })
            .collect()
    }
}

/// How many sets each row has, as the number of sets before it.
fn offsets((sets, lengths): (Sets, Vec<usize>)) -> (Sets, Vec<usize>) {
    let before = lengths.iter().scan(0, |sum, length| {
        let before = *sum;
        *sum += length;
        Some(before)
    });
    (sets, before.collect())
}
