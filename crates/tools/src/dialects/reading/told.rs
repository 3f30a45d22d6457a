//! The answer to one question that is shown, with everything that qualifies it.

use telemetry::answer::{Answer, Table};
use telemetry::{Answered, Ask, AskError};

use crate::asked;
use crate::tool::Context;

/// The rows of one source and what to know about them.
#[derive(Debug, Default)]
pub(crate) struct Told<T> {
    pub(crate) rows: T,
    /// Whether the source left rows out.
    pub(crate) is_truncated: bool,
    /// Whether the rows were computed from a sample.
    pub(crate) is_sampled: bool,
    /// Services whose rows are made of measured durations, without quantiles of single requests.
    pub(crate) from_metrics: Vec<String>,
    /// Who could not answer, and why: a sentence each.
    pub(crate) gaps: Vec<String>,
    /// Whether somebody answered at all.
    pub(crate) is_answered: bool,
}

impl<T> Told<T> {
    /// Other rows under the same qualifications.
    pub(crate) fn map<U>(self, rows: impl FnOnce(T) -> U) -> Told<U> {
        Told {
            rows: rows(self.rows),
            is_truncated: self.is_truncated,
            is_sampled: self.is_sampled,
            from_metrics: self.from_metrics,
            gaps: self.gaps,
            is_answered: self.is_answered,
        }
    }
}

/// Asks one question.
pub(crate) async fn ask<T: Default>(context: &Context, ask: Ask, rows: fn(Table) -> Option<T>) -> Told<T> {
    told(context.installation.ask(vec![ask]).await, rows)
}

/// Asks several questions of one kind side by side, answered in the order asked.
pub(crate) async fn each<T: Default>(
    context: &Context,
    asks: Vec<Ask>,
    rows: fn(Table) -> Option<T>,
) -> Vec<Told<T>> {
    asked::each(context, asks).await.into_iter().map(|answers| told(answers, rows)).collect()
}

/// The first answer that says something, or the first one.
pub(crate) fn told<T: Default>(answers: Vec<Answered>, rows: fn(Table) -> Option<T>) -> Told<T> {
    let (mut best, mut gaps): (Option<Answer>, Vec<String>) = (None, Vec::new());
    for answered in answers {
        match answered.result {
            Ok(answer) => {
                let is_better =
                    best.as_ref().is_none_or(|held| held.table.is_empty() && !answer.table.is_empty());
                if is_better {
                    best = Some(answer);
                }
            }
            Err(AskError::Unsupported(question)) => gaps.push(format!("nobody answers `{question}` here")),
            Err(error) => gaps.push(format!("{}: {error}", answered.source.0)),
        }
    }
    match best {
        None => {
            if gaps.is_empty() {
                gaps.push("there is no source to ask".to_owned());
            }
            Told { gaps, ..Told::default() }
        }
        Some(answer) => {
            if answer.unreadable > 0 {
                gaps.push(format!("{} rows are damaged and could not be read", answer.unreadable));
            }
            if answer.left_out > 0 {
                gaps.push(format!("{} requests are not complete yet and are left out", answer.left_out));
            }
            Told {
                is_truncated: answer.truncated,
                is_sampled: answer.sampled_of.is_some(),
                from_metrics: answer.from_metrics,
                rows: rows(answer.table).unwrap_or_default(),
                gaps,
                is_answered: true,
            }
        }
    }
}

/// The rows of a table of one kind: `rows!(Health)`.
macro_rules! rows {
    ($table:ident) => {
        |table| match table {
            telemetry::Table::$table(rows) => Some(rows),
            _ => None,
        }
    };
}
pub(crate) use rows;
