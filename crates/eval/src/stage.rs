//! The first process: reads a dataset with its labels, and writes cases that do not show them.
//!
//! The only one that reads labels and data together. Cases are shuffled and renamed, so that neither order nor name
//! tells anything; they are written one at a time, so that memory holds one.

use std::path::Path;

use platform::{Chance, SeededChance};

use crate::datasets::{self, Dataset};
use crate::files::{self, FileError};
use crate::folder;
use crate::label::{self, Answers, Label};

/// What to stage, and where to.
#[derive(Debug, Clone, Copy)]
pub struct Staging<'a> {
    /// The folder of the dataset.
    pub root: &'a Path,
    /// Its name, when it is not to be guessed.
    pub dataset: Option<&'a str>,
    /// Where the cases go: a folder that is empty or does not exist.
    pub cases: &'a Path,
    /// Where the answers go.
    pub answers: &'a Path,
    /// Seed of the order.
    pub seed: u64,
}

/// Nothing was staged, or not all.
#[derive(Debug, thiserror::Error)]
pub enum StageError {
    /// Nobody knows this folder.
    #[error("no dataset is known in `{0}`; hint: name one of: {known}", known = known())]
    Unknown(String),
    /// Answers must not lie where the cases are read.
    #[error("the answers may not lie among the cases; hint: give two folders beside each other")]
    AnswersAmongCases,
    /// There is something there already.
    #[error("`{0}` is not empty; hint: give a new folder")]
    NotEmpty(String),
    /// A file failed.
    #[error(transparent)]
    File(#[from] FileError),
}

fn known() -> String {
    datasets::all().iter().map(|dataset| dataset.name()).collect::<Vec<_>>().join(", ")
}

/// Stages a dataset and gives the number of cases.
///
/// # Errors
/// When the dataset is not known, a folder is in use, or a file fails.
pub fn stage(staging: &Staging<'_>) -> Result<usize, StageError> {
    stage_telling(staging, |_| {})
}

/// Stages a dataset and gives the number of cases. `told` hears what was left out of which case.
///
/// # Errors
/// When the dataset is not known, a folder is in use, or a file fails.
pub fn stage_telling(staging: &Staging<'_>, told: impl FnMut(&str)) -> Result<usize, StageError> {
    let unknown = || StageError::Unknown(staging.root.display().to_string());
    let dataset = datasets::find(staging.dataset, staging.root).ok_or_else(unknown)?;
    files::create_dir(staging.cases)?;
    files::create_dir(staging.answers)?;
    let (cases, answers) = (canonical(staging.cases)?, canonical(staging.answers)?);
    if answers.starts_with(&cases) || cases.starts_with(&answers) {
        return Err(StageError::AnswersAmongCases);
    }
    if !files::list(&cases)?.is_empty() {
        return Err(StageError::NotEmpty(cases.display().to_string()));
    }
    let labels = write_all(dataset, staging, &cases, told)?;
    let count = labels.len();
    files::write_json(&answers.join(label::FILE), &Answers { schema: label::SCHEMA.to_owned(), labels })?;
    Ok(count)
}

fn canonical(path: &Path) -> Result<std::path::PathBuf, FileError> {
    path.canonicalize().map_err(|error| FileError::io(path, error))
}

fn write_all(
    dataset: &dyn Dataset,
    staging: &Staging<'_>,
    cases: &Path,
    mut told: impl FnMut(&str),
) -> Result<Vec<Label>, FileError> {
    let mut incidents = dataset.incidents(staging.root)?;
    shuffle(&mut incidents, staging.seed);
    let mut labels = Vec::new();
    for (incident, number) in incidents.iter().zip(1..) {
        let name = format!("case-{number:04}");
        let mut case = dataset.load(staging.root, incident)?;
        case.tables.sort();
        case.file.left_out.iter().for_each(|what| told(&format!("{name}: {what}")));
        folder::write(&cases.join(&name), &case)?;
        labels.push(Label { case: name, ..incident.label.clone() });
    }
    Ok(labels)
}

/// Fisher and Yates: every order is as likely as any other.
fn shuffle<T>(items: &mut [T], seed: u64) {
    let mut chance = SeededChance::new(seed);
    for last in (1..items.len()).rev() {
        let other = chance.below(last as u64 + 1);
        items.swap(last, usize::try_from(other).unwrap_or(last));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_seed_gives_one_order_and_keeps_everything() {
        let order = |seed: u64| {
            let mut items: Vec<u32> = (0..50).collect();
            shuffle(&mut items, seed);
            items
        };
        assert_eq!(order(1), order(1));
        assert_ne!(order(1), order(2));
        let mut sorted = order(3);
        sorted.sort_unstable();
        assert_eq!(sorted, (0..50).collect::<Vec<_>>());
    }
}
