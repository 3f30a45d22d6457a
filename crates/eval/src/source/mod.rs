//! Answers the engine's questions from the tables of one case, with the rows that the store would give.
//!
//! Every trace counts as settled: a case is over. Deploys are those that somebody told of.

mod changes;
mod coverage;
mod series_change;

use telemetry::{Answer, Answerer, Ask, AskError, Cancel, Capabilities, Limits, Question, Table};

use crate::tables::Tables;

/// The questions that are answered here, sorted.
const ANSWERED: [&str; 3] = ["changes", "coverage", "series_change"];

/// The tables of one case as a source.
#[derive(Debug)]
pub struct TableSource {
    tables: Tables,
}

impl TableSource {
    /// A source over `tables`.
    #[must_use]
    pub fn new(tables: Tables) -> Self {
        Self { tables }
    }
}

impl Answerer for TableSource {
    fn can(&self) -> Capabilities {
        Capabilities { questions: ANSWERED.into_iter().map(str::to_owned).collect() }
    }

    fn answer(&self, question: &Question, limits: &Limits, _: &Cancel) -> Result<Answer, AskError> {
        let tables = &self.tables;
        match &question.ask {
            Ask::Changes { window, scope } => {
                Ok(cut(changes::rows(&tables.changes, *window, scope), limits, Table::Changes))
            }
            Ask::SeriesChange { good, bad, scope, metrics } => {
                let rows = series_change::rows(&tables.series, (*good, *bad), scope, metrics);
                Ok(cut(rows, limits, Table::SeriesChange))
            }
            Ask::Coverage { window } => Ok(cut(coverage::rows(tables, *window), limits, Table::Coverage)),
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
