//! What a diagnosis goes by: every measure and rule can be switched off, and the thresholds can be varied.
//!
//! For measuring what each of them is worth; the product uses the default. A conclusion under other settings says so
//! in its gaps, so that equal answers and an equal record still give equal bytes (I1). What there is to switch off is
//! listed in `switches`.

use std::collections::BTreeSet;

use evidence::Thresholds;
use evidence::measures::Measure;
use evidence::thresholds;

/// What is switched off, and the thresholds.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Settings {
    pub(crate) off: BTreeSet<&'static str>,
    /// The numbers that decide.
    pub thresholds: Thresholds,
}

impl Settings {
    /// Whether the measure or rule of this id is used.
    #[must_use]
    pub fn is_on(&self, id: &str) -> bool {
        !self.off.contains(id)
    }

    /// The ids that are switched off, sorted.
    pub fn off(&self) -> impl Iterator<Item = &'static str> {
        self.off.iter().copied()
    }

    /// What `measure` finds; nothing when it is switched off.
    pub(crate) fn of<T: Default>(&self, measure: &Measure, find: impl FnOnce() -> T) -> T {
        if self.is_on(measure.name) { find() } else { T::default() }
    }

    /// What differs from the default, in words.
    pub(crate) fn differences(&self) -> Vec<String> {
        let off = self.off.iter().map(|id| format!("`{id}` is switched off"));
        let default = Thresholds::default();
        let moved = thresholds::all().iter().filter_map(|threshold| {
            let value = threshold.of(&self.thresholds);
            (value != threshold.of(&default)).then(|| format!("`{}` is set to {value}", threshold.name))
        });
        off.chain(moved).collect()
    }
}
