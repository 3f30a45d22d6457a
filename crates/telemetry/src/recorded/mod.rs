//! Neutral tables of what was recorded, and the questions answered from them.
//!
//! For sources that cannot compute an answer where the data lie, and for recorded incidents. Every trace counts as settled:
//! what is recorded is over. Changes are those that somebody told of.

mod changes;
mod coverage;

mod edges_from_metrics;
mod health;
mod metric_onset;
mod onset;
mod series_change;
mod state;
mod tables;
mod topology;
mod traces;

use crate::answer::EdgeRow;
use crate::logs;
use crate::{Answer, Answerer, Ask, AskError, Cancel, Capabilities, Limits, Question, Scope, Table, Window};

pub use metric_onset::{ERROR_TYPE, METRICS as REQUEST_METRICS};
pub use tables::{Call, Change, Kind, Series, SeriesBuilder, SeriesKey, State, Tables};

use traces::Traces;

/// The questions that are answered here, sorted.
const ANSWERED: [&str; 15] = [
    "changes",
    "compare",
    "coverage",
    "edges",
    "exemplars",
    "health",
    "log_search",
    "log_templates",
    "onset",
    "paths",
    "self_time",
    "series_change",
    "state",
    "topology",
    "trace",
];

/// Tables as a source.
#[derive(Debug)]
pub struct TableSource {
    tables: Tables,
}

impl TableSource {
    /// A source over `tables`.
    #[must_use]
    pub fn new(mut tables: Tables) -> Self {
        tables.spans.sort_by_key(|span| (span.trace_id, span.start, span.span_id));
        Self { tables }
    }

    /// What can be asked, whatever the tables hold.
    #[must_use]
    pub fn capabilities() -> Capabilities {
        Capabilities { questions: ANSWERED.into_iter().map(str::to_owned).collect() }
    }

    fn traces(&self) -> Traces<'_> {
        Traces::new(&self.tables.spans)
    }

    /// The edges of `window`, and how many traces none could be read from.
    ///
    /// What both sides measured is of all calls and all of the time: it stands for the sampled spans.
    fn edges(&self, window: Window, scope: &Scope) -> (Vec<EdgeRow>, u64) {
        let (mut rows, left_out) = self.traces().edges(window, scope);
        let measured = edges_from_metrics::rows(&self.tables.series, window, scope);
        let is_measured =
            |row: &EdgeRow| measured.iter().any(|m| (&m.caller, &m.callee) == (&row.caller, &row.callee));
        rows.retain(|row| row.queue.is_some() || !is_measured(row));
        rows.extend(measured);
        (rows, left_out)
    }
}

impl Answerer for TableSource {
    fn can(&self) -> Capabilities {
        Self::capabilities()
    }

    fn answer(&self, question: &Question, limits: &Limits, _: &Cancel) -> Result<Answer, AskError> {
        let tables = &self.tables;
        match &question.ask {
            Ask::Changes { window, scope } => {
                Ok(cut(changes::rows(&tables.changes, *window, scope), limits, Table::Changes))
            }
            Ask::Compare { good, bad, scope } => {
                let (mut table, left_out) = self.traces().compare((*good, *bad), &tables.logs, scope);
                let truncated = table.attributes.len() > limits.rows_max;
                table.attributes.truncate(limits.rows_max);
                Ok(Answer { left_out, truncated, ..Answer::exact(Table::Compare(table)) })
            }
            Ask::Coverage { window } => Ok(cut(coverage::rows(tables, *window), limits, Table::Coverage)),
            Ask::Edges { window, scope } => {
                let (rows, left_out) = self.edges(*window, scope);
                Ok(Answer { left_out, ..cut(rows, limits, Table::Edges) })
            }
            Ask::Exemplars { window, scope, limit } => {
                let (rows, left_out) = self.traces().exemplars(*window, scope, *limit);
                Ok(Answer { left_out, ..cut(rows, limits, Table::Exemplars) })
            }
            Ask::Health { window, scope } => {
                Ok(cut(health::rows(&tables.spans, *window, scope), limits, Table::Health))
            }
            Ask::LogSearch { window, scope, text } => {
                let mut search = logs::Search::new(text);
                tables.logs.iter().for_each(|log| search.take(log, *window, scope));
                Ok(search.into_answer(limits))
            }
            Ask::LogTemplates { window, scope } => {
                let mut templates = logs::Templates::default();
                tables.logs.iter().for_each(|log| templates.take(log, *window, scope));
                Ok(cut(templates.into_rows(), limits, Table::LogTemplates))
            }
            Ask::Onset { window, scope } => {
                let mut rows = onset::rows(&tables.spans, *window, scope);
                let (measured, from_metrics) = metric_onset::rows(tables, *window, scope);
                rows.extend(measured);
                rows.sort_by(|a, b| (&a.subject, a.second).cmp(&(&b.subject, b.second)));
                Ok(Answer { from_metrics, ..cut(rows, limits, Table::Onset) })
            }
            Ask::Paths { window, scope } => Ok(crate::paths::of(&tables.spans, &tables.logs, *window, scope)),
            Ask::SelfTime { window, scope } => {
                let (mut table, left_out) = self.traces().self_time(*window, scope);
                let truncated = table.rows.len() > limits.rows_max || table.lanes.len() > limits.rows_max;
                table.rows.truncate(limits.rows_max);
                table.lanes.truncate(limits.rows_max);
                Ok(Answer { left_out, truncated, ..Answer::exact(Table::SelfTime(table)) })
            }
            Ask::SeriesChange { good, bad, scope, metrics } => {
                let rows = series_change::rows(&tables.series, (*good, *bad), scope, metrics);
                Ok(cut(rows, limits, Table::SeriesChange))
            }
            Ask::State { window, scope } if !tables.states.is_empty() => {
                Ok(cut(state::rows(&tables.states, *window, scope), limits, Table::State))
            }
            Ask::Topology { .. } if !tables.calls.is_empty() => {
                Ok(Answer::exact(Table::Topology(topology::table(tables))))
            }
            Ask::Trace { trace_id } => {
                let (rows, left_out) = self.traces().one(*trace_id);
                Ok(Answer { left_out, ..cut(rows, limits, Table::Trace) })
            }
            other => Err(AskError::Unsupported(other.name().to_owned())),
        }
    }
}

/// An exact answer of `rows`, cut to the limit.
fn cut<T>(mut rows: Vec<T>, limits: &Limits, table: impl FnOnce(Vec<T>) -> Table) -> Answer {
    let truncated = rows.len() > limits.rows_max;
    rows.truncate(limits.rows_max);
    Answer { truncated, ..Answer::exact(table(rows)) }
}

#[cfg(test)]
mod tests;
