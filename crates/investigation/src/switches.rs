//! Everything that can be switched off, and settings made from names: a name that nobody has is told with those near it.

use evidence::{measures, thresholds};

use crate::rules::{self, of_changes, of_state};
use crate::settings::Settings;

/// What kind of thing a switch turns off.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum SwitchKind {
    /// A measure.
    Measure,
    /// A rule of reasoning.
    Rule,
}

/// One measure or rule that can be turned off.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Switch {
    /// Its name, as reports and lists cite it.
    pub id: &'static str,
    /// What it turns off.
    pub kind: SwitchKind,
    /// What that finds or rules out.
    pub says: &'static str,
}

/// No measure, rule or threshold has this name.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("there is no measure, rule or threshold `{name}`; hint: {near}")]
pub struct UnknownSetting {
    name: String,
    near: String,
}

impl UnknownSetting {
    fn new(name: &str, known: impl Iterator<Item = &'static str>) -> Self {
        let mut ranked: Vec<(usize, &str)> = known.map(|known| (distance(name, known), known)).collect();
        ranked.sort_unstable();
        let near: Vec<String> = ranked.iter().take(3).map(|(_, known)| format!("`{known}`")).collect();
        Self { name: name.to_owned(), near: format!("near it are {}", near.join(", ")) }
    }
}

/// Insertions, deletions and replacements that make one of the other (Levenshtein 1966).
fn distance(one: &str, other: &str) -> usize {
    let mut row: Vec<usize> = (0..=other.chars().count()).collect();
    for (place, left) in one.chars().enumerate() {
        let mut diagonal = std::mem::replace(row.get_mut(0).unwrap_or(&mut 0), place + 1);
        let mut before = place + 1;
        for (cell, right) in row.iter_mut().skip(1).zip(other.chars()) {
            let replaced = diagonal + usize::from(left != right);
            diagonal = *cell;
            before = replaced.min(before + 1).min(*cell + 1);
            *cell = before;
        }
    }
    row.last().copied().unwrap_or_default()
}

/// Everything that can be switched off: measures first, each kind sorted by id.
#[must_use]
pub fn switches() -> Vec<Switch> {
    let measures = measures::all().iter().map(|measure| (measure.name, SwitchKind::Measure, measure.finds));
    let rules = rules::all().iter().map(|rule| (rule.id, SwitchKind::Rule, rule.says));
    let of_changes = of_changes::all().iter().map(|rule| (rule.id, SwitchKind::Rule, rule.says));
    let of_state = of_state::all().iter().map(|rule| (rule.id, SwitchKind::Rule, rule.says));
    let every = measures.chain(rules).chain(of_changes).chain(of_state);
    let mut all: Vec<Switch> = every.map(|(id, kind, says)| Switch { id, kind, says }).collect();
    all.sort_by_key(|switch| (switch.kind, switch.id));
    all
}

impl Settings {
    /// The same with one measure or rule switched off.
    ///
    /// # Errors
    /// When there is none of that name.
    pub fn without(mut self, id: &str) -> Result<Self, UnknownSetting> {
        let all = switches();
        match all.iter().find(|switch| switch.id == id) {
            Some(switch) => self.off.insert(switch.id),
            None => return Err(UnknownSetting::new(id, all.iter().map(|switch| switch.id))),
        };
        Ok(self)
    }

    /// The same with one threshold at another value.
    ///
    /// # Errors
    /// When there is none of that name.
    pub fn with_threshold(mut self, name: &str, value: f64) -> Result<Self, UnknownSetting> {
        let all = thresholds::all();
        let Some(threshold) = all.iter().find(|threshold| threshold.name == name) else {
            return Err(UnknownSetting::new(name, all.iter().map(|threshold| threshold.name)));
        };
        self.thresholds = threshold.with(&self.thresholds, value);
        Ok(self)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn no_two_switches_share_an_id() {
        let all = switches();
        let ids: BTreeSet<&str> = all.iter().map(|switch| switch.id).collect();
        assert_eq!(ids.len(), all.len());
        assert!(all.iter().all(|switch| Settings::default().is_on(switch.id)));
    }

    #[test]
    fn an_unknown_name_is_told_with_the_names_near_it() {
        let error = Settings::default().without("lost_event").unwrap_err().to_string();
        assert!(error.contains("`lost_event`") && error.contains("near it are `lost_events`"), "{error}");
        let error = Settings::default().with_threshold("shares_min", 0.4).unwrap_err().to_string();
        assert!(error.contains("`share_min`"), "{error}");
    }

    #[test]
    fn what_differs_from_the_default_is_told() {
        assert!(Settings::default().differences().is_empty());
        let settings =
            Settings::default().without("waiting").unwrap().with_threshold("share_min", 0.4).unwrap();
        assert_eq!(settings.differences(), ["`waiting` is switched off", "`share_min` is set to 0.4"]);
        assert!(!settings.is_on("waiting") && settings.is_on("saturation"));
    }
}
