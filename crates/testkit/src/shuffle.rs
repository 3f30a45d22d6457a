//! The same data in another order: rows inside of answers, answers of a step, tables before they are staged.
//!
//! Nothing else changes. The rows of a trace and the events of a way are in the order of what happened: these keep it.

use eval::predict::STEPS_MAX;
use incident::{Alert, Conclusion};
use investigation::Diagnosis;
use telemetry::recorded::Tables;
use telemetry::{Answered, Answerer, AskError, Cancel, Inquiry, Limits, Next, Question, SourceName, Table};

use crate::dice::Dice;

/// Brings the rows of an answer into a random order.
pub fn rows(dice: &mut Dice, table: &mut Table) {
    match table {
        Table::Health(rows) => dice.shuffle(rows),
        Table::Onset(rows) => dice.shuffle(rows),
        Table::SelfTime(table) => {
            dice.shuffle(&mut table.rows);
            dice.shuffle(&mut table.lanes);
            table.rows.iter_mut().for_each(|row| dice.shuffle(&mut row.blocks));
        }
        Table::Paths(table) => dice.shuffle(&mut table.rows),
        Table::Exemplars(rows) => dice.shuffle(rows),
        Table::Trace(_) | Table::Message(_) => {}
        Table::Edges(rows) => {
            dice.shuffle(rows);
            rows.iter_mut().for_each(|row| dice.shuffle(&mut row.blocks));
        }
        Table::LogTemplates(rows) => dice.shuffle(rows),
        Table::LogSearch(rows) => dice.shuffle(rows),
        Table::Compare(table) => dice.shuffle(&mut table.attributes),
        Table::State(rows) => dice.shuffle(rows),
        Table::Changes(rows) => dice.shuffle(rows),
        Table::SeriesChange(rows) => dice.shuffle(rows),
        Table::Coverage(rows) => dice.shuffle(rows),
        Table::Topology(table) => {
            dice.shuffle(&mut table.services);
            dice.shuffle(&mut table.calls);
        }
    }
}

/// Brings everything that was recorded into a random order.
pub fn tables(dice: &mut Dice, tables: &mut Tables) {
    dice.shuffle(&mut tables.spans);
    dice.shuffle(&mut tables.logs);
    dice.shuffle(&mut tables.series);
    tables.series.iter_mut().for_each(|series| dice.shuffle(&mut series.points));
    dice.shuffle(&mut tables.calls);
    dice.shuffle(&mut tables.changes);
    dice.shuffle(&mut tables.states);
}

/// The conclusion of a diagnosis whose answers come in a random order, rows and all; none when it does not end.
#[must_use]
pub fn diagnose(dice: &mut Dice, alert: &Alert, source: &dyn Answerer) -> Option<Conclusion> {
    let mut diagnosis = Diagnosis::new(alert.clone());
    let mut answers: Vec<Answered> = Vec::new();
    for _ in 0..STEPS_MAX {
        match diagnosis.step(&answers).next {
            Next::Done(conclusion) => return Some(conclusion),
            Next::Ask(questions) => {
                answers = questions.iter().map(|question| answer(dice, question, source)).collect();
                dice.shuffle(&mut answers);
            }
        }
    }
    None
}

fn answer(dice: &mut Dice, question: &Question, source: &dyn Answerer) -> Answered {
    let limits = Limits { rows_max: 100_000, ..Limits::default() };
    let name = question.ask.name();
    let (source_name, result) = if source.can().answers(name) {
        let mut result = source.answer(question, &limits, &Cancel::default());
        if let Ok(answer) = &mut result {
            rows(dice, &mut answer.table);
        }
        ("tables", result)
    } else {
        ("none", Err(AskError::Unsupported(name.to_owned())))
    };
    Answered { question: question.id.clone(), source: SourceName(source_name.to_owned()), result }
}
