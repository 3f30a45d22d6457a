//! One question asked of every source: the first answer that says something, who gave it, and who could not.
//!
//! Answers of several sources are never merged.

use telemetry::answer::Table;
use telemetry::{Answer, Answered, Ask, AskError};

use crate::tool::Context;

/// The answer that is shown.
#[derive(Debug)]
pub struct Picked<T> {
    /// The rows; the default when nobody answered.
    pub rows: T,
    /// Who answered; empty when nobody did.
    pub source: String,
    /// Whether the source left rows out.
    pub is_truncated: bool,
    /// Who could not answer, and why: one sentence each.
    pub gaps: Vec<String>,
}

/// Asks one question.
pub async fn one<T: Default>(context: &Context, ask: Ask, rows: fn(Table) -> Option<T>) -> Picked<T> {
    let answers = context.installation.ask(vec![ask]).await;
    picked(answers, rows)
}

/// Asks several questions side by side; the answers of each, in the order asked.
pub async fn each(context: &Context, asks: Vec<Ask>) -> Vec<Vec<Answered>> {
    let count = asks.len();
    let answers = context.installation.ask(asks).await;
    let mut by_question: Vec<Vec<Answered>> = (0..count).map(|_| Vec::new()).collect();
    for answered in answers {
        let place = answered.question.0.trim_start_matches(['q', '0']).parse::<usize>().unwrap_or(0);
        if let Some(slot) = place.checked_sub(1).and_then(|place| by_question.get_mut(place)) {
            slot.push(answered);
        }
    }
    by_question
}

/// The first answer that says something, or the first one.
pub fn picked<T: Default>(answers: Vec<Answered>, rows: fn(Table) -> Option<T>) -> Picked<T> {
    let mut best: Option<(String, Answer)> = None;
    let mut gaps = Vec::new();
    for answered in answers {
        match answered.result {
            Ok(answer) => {
                let is_better =
                    best.as_ref().is_none_or(|(_, held)| held.table.is_empty() && !answer.table.is_empty());
                if is_better {
                    best = Some((answered.source.0, answer));
                }
            }
            // That nobody answers a question at all is said by the tool that needs it.
            Err(AskError::Unsupported(question)) => gaps.push(format!("nobody answers `{question}` here")),
            Err(error) => gaps.push(format!("{}: {error}", answered.source.0)),
        }
    }
    match best {
        Some((source, answer)) => {
            let is_truncated = answer.truncated;
            if answer.unreadable > 0 {
                gaps.push(format!("{} rows are damaged and could not be read", answer.unreadable));
            }
            if answer.left_out > 0 {
                gaps.push(format!("{} requests are not complete yet and are left out", answer.left_out));
            }
            Picked { rows: rows(answer.table).unwrap_or_default(), source, is_truncated, gaps }
        }
        None => Picked { rows: T::default(), source: String::new(), is_truncated: false, gaps },
    }
}
