//! How sure a named cause is: a probability on the ways to a conclusion whose probability had skill on systems that it
//! was not fitted to, nothing on all others.
//!
//! [`Grounds`] are a few figures of a conclusion, [`Model`] makes one probability of them, [`Coverage`] caps it.
//! Which ways are measured, and the weights, stand in [`table`], which `eval calibrate` writes. Holds no fitting and
//! knows no label.

mod coverage;
mod grounds;
mod model;
pub mod table;

use incident::{Conclusion, Gap};
use telemetry::number::Num;
use telemetry::{Note, NoteKind, Stage};

pub use coverage::Coverage;
pub use grounds::{Grounds, Route, SIGNS};
pub use model::{Model, Table};

/// Fills in the confidence of `conclusion`, where its way is measured, and gives a note when coverage lowers it.
pub(crate) fn fill(conclusion: &mut Conclusion, grounds: &Grounds) -> Option<Note> {
    fill_from(&table::TABLE, conclusion, grounds)
}

fn fill_from(table: &Table, conclusion: &mut Conclusion, grounds: &Grounds) -> Option<Note> {
    let probability = table.probability(grounds)?;
    let shown = grounds.coverage.capped(probability);
    conclusion.confidence = Some(Num::new(shown));
    if shown >= probability {
        return None;
    }
    let gap = Gap {
        missing: grounds.coverage.missing(),
        could_change: format!(
            "the cause may lie in what is not seen: confidence is lowered from {probability:.2} to {shown:.2}"
        ),
    };
    let note = Note::new(Stage::Synthesize, NoteKind::Gap, gap.missing.clone());
    conclusion.gaps.push(gap);
    Some(note)
}

#[cfg(test)]
mod tests;
