//! What a tool answered, row by row, as tables.
//!
//! A row that names no time where one is needed is left out and counted. Values are taken as they are: a tool is believed as
//! any other back end, and what it calls by other names the settings say.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::{Map, Value as Json};
use telemetry::answer::SeriesKind;
use telemetry::recorded::{Call, Change, SeriesBuilder, SeriesKey, State, Tables};
use telemetry::{LogRecord, Resource, UnixNanos, Value, Window};

use crate::rfc3339;
use crate::settings::Tool;

/// Levels, and OpenTelemetry's first severity number of each.
const LEVELS: [(&str, i32); 10] = [
    ("trace", 1),
    ("debug", 5),
    ("info", 9),
    ("information", 9),
    ("notice", 10),
    ("warn", 13),
    ("warning", 13),
    ("error", 17),
    ("critical", 21),
    ("fatal", 21),
];
/// Arguments that say how many rows there are at most.
const LIMITS: [&str; 5] = ["limit", "max_results", "page_size", "size", "top"];

/// The rows that stand where the settings say, or why none do.
pub(super) fn rows(tool: &Tool, result: &Json) -> Result<Vec<Json>, String> {
    let wrong = |why: &str| {
        format!(
            "the tool `{}`: {why} at `{}`; hint: `rows` is a JSON pointer to a list",
            tool.tool, tool.rows
        )
    };
    let found = result.pointer(&tool.rows).ok_or_else(|| wrong("nothing is"))?;
    if let Some(list) = found.as_array() {
        return Ok(list.clone());
    }
    let part = |name: &str| found.get(name).and_then(Json::as_array);
    let (Some(columns), Some(values)) = (part("columns"), part("values")) else {
        return Err(wrong("no rows are"));
    };
    // As ES|QL answers: names once, and the values of each row.
    let names: Vec<&str> = columns
        .iter()
        .map(|one| one.as_str().or_else(|| one.get("name")?.as_str()).unwrap_or_default())
        .collect();
    let object = |row: &Json| {
        let values = row.as_array().into_iter().flatten();
        Json::Object(names.iter().map(|name| (*name).to_owned()).zip(values.cloned()).collect::<Map<_, _>>())
    };
    Ok(values.iter().map(object).collect())
}

/// Whether there may be more rows than came: as many as were asked for did.
pub(super) fn is_cut(tool: &Tool, count: usize) -> bool {
    let asked = LIMITS.iter().filter_map(|name| tool.arguments.get(*name)?.as_u64());
    asked.min().is_some_and(|most| count as u64 >= most)
}

/// Tables while they are filled.
#[derive(Debug, Default)]
pub(super) struct Filled {
    tables: Tables,
    series: SeriesBuilder,
}

impl Filled {
    /// The tables, with what was added to the series of each key in one.
    pub(super) fn finish(self) -> Tables {
        Tables { series: self.series.finish(), ..self.tables }
    }
}

/// Adds the rows that were asked for of a window to the table of the question; how many could not be used.
pub(super) fn add(question: &str, tool: &Tool, rows: &[Json], window: Window, filled: &mut Filled) -> u64 {
    let Filled { tables, series } = filled;
    let mut left_out = 0;
    for row in rows {
        let row = Row { row, fields: &tool.fields };
        let used = match question {
            "changes" => row.change().map(|one| tables.changes.push(one)),
            "log_templates" => row.log().map(|one| tables.logs.push(one)),
            "series_change" => row.point(window, series),
            "state" => row.state().map(|one| tables.states.push(one)),
            _ => row.call().map(|one| tables.calls.push(one)),
        };
        left_out += u64::from(used.is_none());
    }
    left_out
}

struct Row<'a> {
    row: &'a Json,
    fields: &'a BTreeMap<String, String>,
}

impl Row<'_> {
    fn value(&self, field: &str) -> Option<&Json> {
        let place = self.fields.get(field).map_or(field, String::as_str);
        let found = if place.starts_with('/') { self.row.pointer(place) } else { self.row.get(place) };
        found.filter(|value| !value.is_null())
    }

    fn text(&self, field: &str) -> String {
        match self.value(field) {
            Some(Json::String(text)) => text.clone(),
            Some(other) => other.to_string(),
            None => String::new(),
        }
    }

    fn number(&self, field: &str) -> Option<f64> {
        let value = self.value(field)?;
        value.as_f64().or_else(|| value.as_str()?.parse().ok())
    }

    /// RFC 3339, or a number since 1970 in seconds, milliseconds, microseconds or nanoseconds, told apart by their size.
    fn time(&self, field: &str) -> Option<UnixNanos> {
        let text = self.text(field);
        if let Some(at) = rfc3339::parse(&text) {
            return Some(at);
        }
        if let Ok(whole) = text.parse::<i64>() {
            let factor = match whole.unsigned_abs() {
                0..=99_999_999_999 => 1_000_000_000,
                100_000_000_000..=99_999_999_999_999 => 1_000_000,
                100_000_000_000_000..=99_999_999_999_999_999 => 1_000,
                _ => 1,
            };
            return Some(UnixNanos(whole.saturating_mul(factor)));
        }
        let seconds: f64 = text.parse().ok()?;
        Some(UnixNanos((seconds * 1e9) as i64))
    }

    fn log(&self) -> Option<LogRecord> {
        let level = self.text("severity");
        let known =
            LEVELS.iter().find(|(name, _)| name.eq_ignore_ascii_case(&level)).map(|(_, number)| *number);
        let names = [("service.name", "service"), ("service.instance.id", "instance")];
        let told = names.map(|(name, field)| (Arc::from(name), Value::Text(Arc::from(self.text(field)))));
        Some(LogRecord {
            at: self.time("time")?,
            trace_id: self.text("trace_id").parse().ok(),
            span_id: self.text("span_id").parse().ok(),
            severity: known.or_else(|| level.parse().ok()).unwrap_or(0),
            body: Value::Text(Arc::from(self.text("message"))),
            attributes: Vec::new(),
            resource: Arc::new(Resource::of(told.into())),
        })
    }

    fn change(&self) -> Option<Change> {
        let kind = self.text("kind");
        Some(Change {
            at: self.time("time")?,
            kind: if kind.is_empty() { "deploy".to_owned() } else { kind },
            service: self.text("service"),
            instance: self.text("instance"),
            id: self.text("id"),
            before: self.text("before"),
            after: self.text("after"),
            author: self.text("author"),
            summary: self.text("summary"),
            files: Vec::new(),
            diff: self.text("diff"),
        })
    }

    fn state(&self) -> Option<State> {
        let kind = self.text("kind");
        telemetry::answer::StateKind::named(&kind)?;
        let named = |prefix: &'static str| {
            self.fields.keys().filter_map(move |field| Some((field, field.strip_prefix(prefix)?.to_owned())))
        };
        Some(State {
            at: self.time("time").unwrap_or_default(),
            since: self.time("since"),
            kind,
            service: self.text("service"),
            name: self.text("name"),
            status: self.text("status"),
            text: self.text("text"),
            figures: named("figure.").filter_map(|(field, name)| Some((name, self.number(field)?))).collect(),
            attributes: named("attribute.").map(|(field, name)| (name, self.text(field))).collect(),
        })
    }

    /// A tool that does not look at its range would be heard twice, once for each window.
    fn point(&self, window: Window, series: &mut SeriesBuilder) -> Option<()> {
        let key = SeriesKey {
            service: self.text("service"),
            instance: self.text("instance"),
            metric: self.text("metric"),
            unit: self.text("unit"),
            attributes: BTreeMap::new(),
            kind: SeriesKind::Gauge,
        };
        let (at, value) = (self.time("time")?, self.number("value")?);
        if window.contains(at) {
            series.add(key, at, value);
        }
        Some(())
    }

    fn call(&self) -> Option<Call> {
        let (caller, callee) = (self.text("caller"), self.text("callee"));
        (!caller.is_empty() && !callee.is_empty()).then_some(Call { caller, callee })
    }
}
