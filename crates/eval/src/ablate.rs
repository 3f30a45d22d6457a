//! What each measure and each rule is worth: the score without it, on every system.
//!
//! Everything is predicted before an answer is read; scoring compares lines with answers, as in `score`.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use investigation::Settings;
use investigation::switches::{Switch, SwitchKind, switches};
use platform::Clock;
use serde::Serialize;

use crate::bench::Bench;
use crate::conclusion_line::Line;
use crate::files::FileError;
use crate::score::{self, Judged};

/// Where a staging lies.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Staged {
    /// The folder of its cases.
    pub cases: PathBuf,
    /// The folder of its answers.
    pub answers: PathBuf,
}

/// What everything is worth.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Ablation {
    /// `firstcause.ablation/1`.
    pub schema: String,
    /// Each system with everything switched on.
    pub systems: BTreeMap<String, Counts>,
    /// What is lost without each measure and rule, measures first.
    pub switches: Vec<Worth>,
    /// Those without which no figure of any system moves.
    pub idle: Vec<&'static str>,
}

/// Cases of one system that are right.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Counts {
    /// Cases.
    pub cases: i64,
    /// A root comes first.
    pub first: i64,
    /// Exactly the roots are blamed.
    pub exact: i64,
    /// Something inside the first component is right.
    pub inner: i64,
    /// The change at fault is blamed, and no other.
    pub change: i64,
    /// Nobody is blamed where nobody is to be.
    pub abstained: i64,
    /// Decoys that are blamed.
    pub decoys: i64,
    /// Cases whose conclusion reads otherwise than with everything switched on.
    pub moved: i64,
}

/// What one measure or rule is worth.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Worth {
    /// Its id.
    pub id: &'static str,
    /// `measure` or `rule`.
    pub kind: &'static str,
    /// What changes without it, by system: fewer right cases are negative; systems without any change are left out.
    pub without: BTreeMap<String, Counts>,
}

/// The lines of one staging under one setting.
type Lines = BTreeMap<String, Line>;

/// Takes everything away in turn. `told` hears how far it has come.
///
/// # Errors
/// When cases or answers cannot be read.
pub fn ablate(
    stagings: &[Staged],
    clock: &dyn Clock,
    mut told: impl FnMut(&str),
) -> Result<Ablation, FileError> {
    let all = switches();
    // By staging: the lines with everything on, then without each.
    let mut predicted: Vec<(Lines, Vec<Lines>)> = Vec::new();
    for staging in stagings {
        let place = staging.cases.display();
        let bench = Bench::read(&staging.cases, |read, of| {
            if read == of {
                told(&format!("read {of} cases of `{place}`"));
            }
        })?;
        let whole = bench.lines(&Settings::default(), clock)?;
        let mut without = Vec::with_capacity(all.len());
        for switch in &all {
            let settings = Settings::default().without(switch.id).unwrap_or_default();
            without.push(bench.lines(&settings, clock)?);
            told(&format!("predicted `{place}` without `{}`", switch.id));
        }
        predicted.push((whole, without));
    }
    compare(stagings, &all, &predicted)
}

fn compare(
    stagings: &[Staged],
    all: &[Switch],
    predicted: &[(Lines, Vec<Lines>)],
) -> Result<Ablation, FileError> {
    let mut systems: BTreeMap<String, Counts> = BTreeMap::new();
    let mut worths: Vec<Worth> = all.iter().map(Worth::new).collect();
    for (staging, (whole, without)) in stagings.iter().zip(predicted) {
        let answers = score::answers(&staging.answers)?;
        let base = counts(&score::judge(&answers, whole), whole);
        for (worth, lines) in worths.iter_mut().zip(without) {
            for (system, now) in counts(&score::judge(&answers, lines), whole) {
                let difference = now.less(base.get(&system).copied().unwrap_or_default());
                if difference != Counts::default() {
                    worth.without.insert(system, difference);
                }
            }
        }
        systems.extend(base);
    }
    let is_idle = |worth: &&Worth| worth.without.values().all(|counts| counts.is_level());
    Ok(Ablation {
        schema: "firstcause.ablation/1".to_owned(),
        systems,
        idle: worths.iter().filter(is_idle).map(|worth| worth.id).collect(),
        switches: worths,
    })
}

fn counts(judged: &[Judged], whole: &Lines) -> BTreeMap<String, Counts> {
    let systems = score::by_system(judged).into_iter();
    systems.map(|(system, cases)| (system.to_owned(), Counts::of(&cases, whole))).collect()
}

impl Counts {
    fn of(cases: &[&Judged], whole: &Lines) -> Self {
        let count = |has: &dyn Fn(&Judged) -> bool| cases.iter().filter(|case| has(case)).count() as i64;
        let rooted = |case: &Judged| !case.label.is_none;
        let is_change = |case: &Judged| {
            let change = &case.label.change;
            !change.is_empty() && case.line.as_ref().is_some_and(|line| line.changes == [change.as_str()])
        };
        Self {
            cases: cases.len() as i64,
            first: count(&|case| rooted(case) && case.is_within(1)),
            exact: count(&|case| rooted(case) && case.is_exact),
            inner: count(&|case| case.is_inner),
            change: count(&is_change),
            abstained: count(&|case| case.label.is_none && case.abstained),
            decoys: cases.iter().map(|case| case.decoys.len() as i64).sum(),
            moved: count(&|case| case.line.as_ref() != whole.get(&case.label.case)),
        }
    }

    fn less(self, other: Self) -> Self {
        Self {
            cases: self.cases - other.cases,
            first: self.first - other.first,
            exact: self.exact - other.exact,
            inner: self.inner - other.inner,
            change: self.change - other.change,
            abstained: self.abstained - other.abstained,
            decoys: self.decoys - other.decoys,
            moved: self.moved - other.moved,
        }
    }

    /// Whether no figure differs, whatever is said otherwise.
    fn is_level(&self) -> bool {
        Self { moved: 0, ..*self } == Self::default()
    }

    /// The differences in words.
    fn text(&self) -> String {
        let named = [
            ("AC@1", self.first),
            ("exact", self.exact),
            ("inner", self.inner),
            ("change", self.change),
            ("abstained", self.abstained),
            ("decoys", self.decoys),
        ];
        let parts: Vec<String> = named
            .iter()
            .filter(|(_, count)| *count != 0)
            .map(|(name, count)| format!("{name} {count:+}"))
            .collect();
        match (parts.is_empty(), self.moved) {
            (true, 0) => String::new(),
            (true, moved) => format!("{moved} said otherwise"),
            (false, _) => parts.join(", "),
        }
    }
}

impl Worth {
    fn new(switch: &Switch) -> Self {
        let kind = match switch.kind {
            SwitchKind::Measure => "measure",
            SwitchKind::Rule => "rule",
        };
        Self { id: switch.id, kind, without: BTreeMap::new() }
    }
}

impl Ablation {
    /// The table, in Markdown.
    #[must_use]
    pub fn render(&self) -> String {
        let mut text =
            "| system | cases | AC@1 | exact | inner | change | abstained | decoys blamed |\n".to_owned();
        text += "|---|---|---|---|---|---|---|---|\n";
        for (system, counts) in &self.systems {
            let Counts { cases, first, exact, inner, change, abstained, decoys, .. } = counts;
            text += &format!(
                "| {system} | {cases} | {first} | {exact} | {inner} | {change} | {abstained} | {decoys} |\n"
            );
        }
        let shown: BTreeSet<&String> = self.switches.iter().flat_map(|worth| worth.without.keys()).collect();
        let names: Vec<String> = shown.iter().map(|system| format!(" {system} |")).collect();
        text += &format!("\n| without | |{}\n|---|---|{}\n", names.concat(), "---|".repeat(shown.len()));
        for worth in &self.switches {
            let cells = shown.iter().map(|system| {
                let text = worth.without.get(*system).map(Counts::text).unwrap_or_default();
                format!(" {text} |")
            });
            text += &format!("| `{}` | {} |{}\n", worth.id, worth.kind, cells.collect::<String>());
        }
        let idle: Vec<String> = self.idle.iter().map(|id| format!("`{id}`")).collect();
        text + &format!("\nWithout these no figure of any system moves: {}.\n", idle.join(", "))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_differs_is_told_and_a_sentence_that_reads_otherwise_is_no_loss() {
        let base = Counts { cases: 4, first: 3, exact: 3, abstained: 1, ..Counts::default() };
        let worse = Counts { first: 1, decoys: 1, moved: 2, ..base };
        let difference = worse.less(base);
        assert_eq!(difference.text(), "AC@1 -2, decoys +1");
        assert!(!difference.is_level());
        let other = Counts { moved: 3, ..base }.less(base);
        assert!(other.is_level());
        assert_eq!(other.text(), "3 said otherwise");
        assert_eq!(base.less(base).text(), "");
    }
}
