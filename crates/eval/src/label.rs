//! What really was the matter: read by `stage` and by `score`, never by `predict`.

use serde::{Deserialize, Serialize};

/// The schema name of `answers.json`.
pub const SCHEMA: &str = "firstcause.answers/1";

/// The name of the file in the folder of the answers.
pub const FILE: &str = "answers.json";

/// All answers of a staging.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Answers {
    /// [`SCHEMA`].
    pub schema: String,
    /// One for each case, in the order of the cases.
    pub labels: Vec<Label>,
}

/// What was the matter in one case.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Label {
    /// The opaque name of the case; set when it is staged.
    pub case: String,
    /// The system, or the part of a dataset, that is scored as one: never pooled with another one.
    pub system: String,
    /// Where it came from, for people who look at a losing case.
    pub origin: String,
    /// The components at fault, in the words of the data. Empty: nothing in the system is to be blamed.
    pub roots: Vec<String>,
    /// Whether the right conclusion is to name nobody.
    pub is_none: bool,
    /// What kind of fault, in the words of the dataset.
    pub fault: String,
    /// Names of the engine's faults that say the same; any one of them counts. Empty when the kind is not scored: then
    /// the right component is enough.
    pub fault_kinds: Vec<String>,
    /// What inside a component is to be named; any one of them counts. Empty when there is no such label.
    pub inner: Vec<String>,
    /// The change at fault, when there is one: a commit, a version.
    pub change: String,
    /// What looks guilty and is not: services, changes, or names of the engine's faults.
    pub decoys: Vec<String>,
}

/// The system that a part of it (its healthy spells, say) belongs to: what stands before the first comma.
pub(crate) fn whole(system: &str) -> &str {
    system.split_once(',').map_or(system, |(whole, _)| whole)
}
