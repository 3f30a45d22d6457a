//! Which fields the rows of an installation carry, of which type, and with which values.
//!
//! Read off lines, off the spans of traces that stand for the window, and off metric series: what these show, not a
//! mapping that nobody has. A field that two conventions name is listed once, under its one name.

use std::collections::BTreeMap;

use telemetry::answer::SeriesRow;
use telemetry::{Ask, Scope, Window};

use super::arguments;
use super::filter::Filter;
use super::told;
use super::{lines, requests, spans};
use crate::dialects::{Held, Kind, Record, field_kind, other_names};
use crate::tool::{Context, ToolError};

/// Lines that are looked at.
const LINES: usize = 5_000;
/// Traces that are looked at.
const TRACES: usize = 10;
/// Values of a field that are told apart.
const VALUES: usize = 1_000;

/// One field.
#[derive(Debug, Clone, Default)]
pub(crate) struct Field {
    /// `keyword`, `text`, `long`, `date`.
    pub(crate) kind: &'static str,
    /// Indices that carry it.
    pub(crate) indices: Vec<&'static str>,
    /// How often each value was seen.
    pub(crate) values: BTreeMap<String, u64>,
    pub(crate) numbers: Option<(f64, f64)>,
    pub(crate) times: Option<(telemetry::UnixNanos, telemetry::UnixNanos)>,
}

/// The fields of some indices.
#[derive(Debug, Default)]
pub(crate) struct Fields {
    pub(crate) by_name: BTreeMap<String, Field>,
    /// Whether not everything was looked at, so that values may be missing.
    pub(crate) is_sample: bool,
    pub(crate) gaps: Vec<String>,
}

impl Fields {
    fn take(&mut self, index: &'static str, record: &Record) {
        for (name, values) in record.held() {
            let field = self.by_name.entry(name.to_owned()).or_default();
            if !field.indices.contains(&index) {
                field.indices.push(index);
            }
            values.iter().for_each(|held| field.take(name, held));
        }
    }

    fn known(&mut self, index: &'static str, names: &[&str]) {
        for name in names {
            let field = self.by_name.entry((*name).to_owned()).or_default();
            if !field.indices.contains(&index) {
                field.indices.push(index);
            }
            field.kind = type_of(name);
        }
    }
}

impl Field {
    fn take(&mut self, name: &str, held: &Held) {
        self.kind = type_of(name);
        match held {
            Held::Number(number) => {
                let (least, most) = self.numbers.unwrap_or((*number, *number));
                self.numbers = Some((least.min(*number), most.max(*number)));
                if field_kind(name) == Kind::Keyword {
                    self.kind = "double";
                }
            }
            Held::Time(at) => {
                let (first, last) = self.times.unwrap_or((*at, *at));
                self.times = Some((first.min(*at), last.max(*at)));
            }
            Held::Text(text) => {
                if self.values.len() < VALUES || self.values.contains_key(text) {
                    *self.values.entry(text.clone()).or_default() += 1;
                }
            }
        }
    }
}

fn type_of(name: &str) -> &'static str {
    match field_kind(name) {
        Kind::Keyword | Kind::Folded => "keyword",
        Kind::Text => "text",
        Kind::Number | Kind::Duration => "long",
        Kind::Time => "date",
    }
}

/// The names that a field has in either convention, its one name left out.
pub(crate) fn others(name: &str) -> Vec<String> {
    other_names(name).map(str::to_owned).collect()
}

/// The fields of these indices in a window, of the rows that the filter keeps.
///
/// # Errors
/// When the filter asks for what no row carries.
pub(crate) async fn of(
    context: &Context,
    window: Window,
    indices: &[&'static str],
    filter: &Filter,
) -> Result<Fields, ToolError> {
    let mut fields = Fields::default();
    if indices.contains(&"logs") {
        fields.known("logs", &lines::FIELDS);
        let told = lines::lines(context, window, Scope::all(), filter).await?;
        fields.is_sample |= told.is_truncated || told.rows.len() > LINES;
        told.rows.iter().rev().take(LINES).for_each(|row| fields.take("logs", &lines::record(row)));
        fields.gaps.extend(told.gaps);
    }
    if indices.contains(&"traces") {
        fields.known("traces", &spans::FIELDS);
        let examples = spans::examples(context, window, vec![Scope::all()]).await;
        let ids: Vec<_> = examples.rows.iter().copied().take(TRACES).collect();
        fields.is_sample |= !ids.is_empty();
        fields.gaps.extend(examples.gaps);
        for (id, told) in spans::traces(context, &ids).await {
            let records = told.rows.iter().map(|row| spans::record(id, row));
            records.filter(|record| filter.keeps(record)).for_each(|record| fields.take("traces", &record));
        }
        if filter.is_none() {
            let told = requests::rows(context, window, Scope::all(), filter).await?;
            told.rows.iter().for_each(|row| fields.take("traces", &row.record()));
        }
    }
    if indices.contains(&"metrics") && filter.is_none() {
        let good = arguments::before(window);
        let ask = Ask::SeriesChange { good, bad: window, scope: Scope::all(), metrics: Vec::new() };
        let told = told::ask::<Vec<SeriesRow>>(context, ask, told::rows!(SeriesChange)).await;
        for row in told.rows.iter().filter(|row| row.bad.n > 0) {
            let record = Record::default()
                .with("service.name", &row.service)
                .with("service.node.name", &row.instance)
                .with_number(&row.metric, row.bad.min.get())
                .with_number(&row.metric, row.bad.max.get())
                .with_all(&row.attributes);
            fields.take("metrics", &record);
        }
        fields.gaps.extend(told.gaps);
    }
    fields.gaps.sort();
    fields.gaps.dedup();
    Ok(fields)
}
