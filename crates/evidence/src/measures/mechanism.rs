//! Measure 9, second half: does what a change does bring about what fails?
//!
//! Reads diffs and settings against messages, statements and figures. The work is done in `change_match`; its null
//! (two hundred incidents with ordinary changes) states a false-alarm rate of at most one in a hundred. The first
//! half, new-version spans against old ones, is `changes`.

use super::Measure;
pub use crate::change_match::judge::{Attribution, Case, Judged, Outside, Verdict, attribute};

/// This measure.
pub const MEASURE: Measure = Measure {
    name: "mechanism",
    finds: "changes that ran before the onset and do what brings this failure about",
    questions: &["changes", "edges", "exemplars", "log_templates", "series_change", "trace"],
};
