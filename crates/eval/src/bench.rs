//! Staged cases that are predicted many times over, under one setting after another. It sees no label.
//!
//! A case is read once; what was answered about it is remembered, and its tables are dropped. Should other settings
//! lead to a question that was not asked before, the case is read again for it. A threshold that is held against answers
//! of which the case has none decides nothing there: what was concluded under another value of it is used again.

mod remembered;

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Mutex;

use evidence::{Thresholds, thresholds};
use incident::{Alert, Conclusion};
use investigation::Settings;
use platform::Clock;

use self::remembered::Remembered;
use crate::case::Case;
use crate::conclusion_line::{Cost, Line};
use crate::files::FileError;
use crate::sample;
use crate::{loudest, predict, side_by_side};
use telemetry::recorded::{Kind, Tables};

/// How cases are changed before anything is made of them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Condition {
    /// Seconds by which the alert's time is moved.
    pub shift_seconds: i64,
    /// What is taken away.
    pub without: Vec<Kind>,
    /// The spans of one trace in so many are kept, as a sampler at the head keeps them; of 0 and 1 all are.
    pub one_trace_in: u64,
}

impl Condition {
    /// Changes `case`.
    pub fn apply(&self, case: &mut Case) {
        case.file.shift(self.shift_seconds);
        self.without.iter().for_each(|kind| case.tables.remove(*kind));
        if self.one_trace_in > 1 {
            sample::traces(&mut case.tables, self.one_trace_in);
        }
    }

    /// Whether `tables` hold something of all that it takes away.
    #[must_use]
    pub fn is_felt_by(&self, tables: &Tables) -> bool {
        let is_taken = self.without.iter().all(|kind| tables.has(*kind));
        let is_thinned = self.one_trace_in <= 1 || !tables.spans.is_empty();
        is_taken && is_thinned
    }

    /// What it takes away, in words.
    #[must_use]
    pub fn loss(&self) -> String {
        let taken: Vec<&str> = self.without.iter().map(|kind| kind.name()).collect();
        let taken = (!taken.is_empty()).then(|| format!("without {}", taken.join(" and ")));
        let thinned = (self.one_trace_in > 1).then(|| format!("one trace in {}", self.one_trace_in));
        let parts: Vec<String> = taken.into_iter().chain(thinned).collect();
        if parts.is_empty() { "as recorded".to_owned() } else { parts.join(", ") }
    }

    /// Its name in results.
    #[must_use]
    pub fn name(&self) -> String {
        match self.shift_seconds {
            0 => self.loss(),
            seconds => format!("{}, alert {seconds:+} s", self.loss()),
        }
    }
}

/// The cases of one staging.
#[derive(Debug)]
pub struct Bench {
    cases: Vec<BenchCase>,
}

/// One case, without its tables.
#[derive(Debug)]
struct BenchCase {
    name: String,
    alert: Alert,
    loudest: Option<String>,
    source: Remembered,
    known: Mutex<BTreeMap<String, Conclusion>>,
}

impl Bench {
    /// The cases of the folder `cases`. `told` hears how many were read, and of how many.
    ///
    /// # Errors
    /// When the folder holds anything but cases, or a file fails.
    pub fn read(cases: &Path, told: impl FnMut(usize, usize)) -> Result<Self, FileError> {
        Self::read_under(cases, &Condition::default(), told)
    }

    /// The same under a condition.
    ///
    /// # Errors
    /// As [`Self::read`].
    pub fn read_under(
        cases: &Path,
        condition: &Condition,
        mut told: impl FnMut(usize, usize),
    ) -> Result<Self, FileError> {
        let names = predict::names(cases)?;
        let mut read = Vec::with_capacity(names.len());
        for name in &names {
            let source = Remembered::new(cases.join(name), condition.clone());
            let case = source.read()?;
            let loudest = loudest::service(&case);
            read.push(BenchCase {
                name: name.clone(),
                alert: case.alert(),
                loudest,
                source,
                known: Mutex::default(),
            });
            told(read.len(), names.len());
        }
        Ok(Self { cases: read })
    }

    /// The conclusions of all cases under `settings`, in the order of their names.
    ///
    /// # Errors
    /// When a case has to be read again and cannot be.
    pub fn conclusions(
        &self,
        settings: &Settings,
        clock: &dyn Clock,
    ) -> Result<Vec<(String, Conclusion)>, FileError> {
        let concluded =
            side_by_side::map(&self.cases, |case| Ok((case.name.clone(), case.conclude(settings, clock)?)));
        concluded.into_iter().collect()
    }

    /// The same as lines, without what they cost.
    ///
    /// # Errors
    /// When a case has to be read again and cannot be.
    pub fn lines(&self, settings: &Settings, clock: &dyn Clock) -> Result<BTreeMap<String, Line>, FileError> {
        let cost = Cost { seconds: 0.0, engine_seconds: 0.0, peak_bytes: 0 };
        let loudest: BTreeMap<&str, &Option<String>> =
            self.cases.iter().map(|case| (case.name.as_str(), &case.loudest)).collect();
        let conclusions = self.conclusions(settings, clock)?;
        let lines = conclusions.into_iter().map(|(name, conclusion)| {
            let loudest = loudest.get(name.as_str()).and_then(|loudest| (*loudest).clone());
            let line = Line::new(&name, &conclusion, loudest, cost);
            (name, line)
        });
        Ok(lines.collect())
    }
}

impl BenchCase {
    fn conclude(&self, settings: &Settings, clock: &dyn Clock) -> Result<Conclusion, FileError> {
        if let Some(known) = self.known(settings) {
            return Ok(known);
        }
        let (conclusion, _) = predict::diagnose_with(self.alert.clone(), &self.source, clock, settings);
        self.source.settle()?;
        // What was asked is known only now.
        if let Ok(mut known) = self.known.lock() {
            known.insert(self.key(settings), conclusion.clone());
        }
        Ok(conclusion)
    }

    fn known(&self, settings: &Settings) -> Option<Conclusion> {
        self.known.lock().ok()?.get(&self.key(settings)).cloned()
    }

    /// What of `settings` can matter here.
    fn key(&self, settings: &Settings) -> String {
        let default = Thresholds::default();
        let mattering =
            thresholds::all().iter().filter(|threshold| self.source.says_something(threshold.questions));
        let changed = mattering.filter(|one| one.of(&settings.thresholds) != one.of(&default));
        let values = changed.map(|one| format!(" {}={}", one.name, one.of(&settings.thresholds)));
        settings.off().chain([""]).map(str::to_owned).chain(values).collect()
    }
}
