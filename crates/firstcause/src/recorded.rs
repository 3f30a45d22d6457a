//! Changes that somebody told: `changes.journal` of a data directory, and what it answers.
//!
//! Telemetry shows that another version runs; that a flag was switched, a setting or a schema changed, only who did it
//! knows. `firstcause change record` and `POST /api/v1/changes` append here; the source `recorded` answers `changes` from it,
//! beside what the store and the back ends tell. Nothing is taken back: a correction is another record.

use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use anyhow::Context;
use serde::de::Error as _;
use server::identity::Control;
use telemetry::answer::{ChangeRow, Locator, Table};
use telemetry::{Answer, Answerer, Ask, AskError, Cancel, Capabilities, Limits, Question, Scope};

use crate::journals::{self, CHANGES, JournalFile};
use crate::wiring::Doors;

/// Under which name it is cited as a source.
pub(crate) const NAME: &str = "recorded";
/// The kind of its records.
const KIND: &str = "change_recorded";

/// Appends a change; it is durable when this returns.
///
/// # Errors
/// When the file is damaged, held by another for long, or the disk fails.
pub(crate) fn record(doors: &Doors, data_dir: &Path, change: &ChangeRow) -> anyhow::Result<()> {
    journals::write(doors, data_dir, &CHANGES, |journal, _| {
        journal.append(KIND, change, None)?;
        journal.commit()?;
        Ok(())
    })
}

/// The changes of a data directory, read again when the file has grown. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Recorded {
    file: Arc<JournalFile>,
    seen: Arc<Mutex<(u64, Arc<Vec<ChangeRow>>)>>,
}

impl Recorded {
    pub(crate) fn new(doors: &Doors, data_dir: &Path) -> Self {
        Self { file: Arc::new(JournalFile::of(doors, data_dir, &CHANGES)), seen: Arc::default() }
    }

    fn changes(&self) -> anyhow::Result<Arc<Vec<ChangeRow>>> {
        let len = self.file.grown().context("failed to look at changes.journal")?.unwrap_or_default();
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        if seen.0 != len {
            let records = self.file.records()?;
            let told = records.iter().filter(|record| record.kind == KIND);
            let changes: Result<Vec<ChangeRow>, serde_json::Error> = told
                .map(|record| {
                    serde_json::from_str(record.body.get())
                        .map_err(|error| serde_json::Error::custom(format!("record {}: {error}", record.seq)))
                })
                .collect();
            let changes = changes.context("changes.journal holds what is no change")?;
            *seen = (len, Arc::new(changes));
        }
        Ok(Arc::clone(&seen.1))
    }
}

impl Answerer for Recorded {
    fn can(&self) -> Capabilities {
        Capabilities { questions: vec!["changes".to_owned()] }
    }

    fn answer(&self, question: &Question, limits: &Limits, cancel: &Cancel) -> Result<Answer, AskError> {
        let Ask::Changes { window, scope } = &question.ask else {
            return Err(AskError::Unsupported(question.ask.name().to_owned()));
        };
        if cancel.is_cancelled() {
            return Err(AskError::Cancelled);
        }
        let all = self.changes().map_err(|error| AskError::Unavailable(format!("{error:#}")))?;
        let mut rows: Vec<ChangeRow> =
            all.iter().filter(|row| window.contains(row.at) && is_in(row, scope)).cloned().collect();
        rows.sort_by(|one, other| {
            (one.at, &one.service, &one.after).cmp(&(other.at, &other.service, &other.after))
        });
        let truncated = rows.len() > limits.rows_max;
        rows.truncate(limits.rows_max);
        let locator = Locator { query: "changes.journal".to_owned(), link: String::new() };
        Ok(Answer { locators: vec![locator], truncated, ..Answer::exact(Table::Changes(rows)) })
    }
}

/// Whether a change is one of the scope: what is told of all instances is told of each.
fn is_in(change: &ChangeRow, scope: &Scope) -> bool {
    scope.service.as_ref().is_none_or(|service| *service == change.service)
        && scope
            .instance
            .as_ref()
            .is_none_or(|instance| change.instance.is_empty() || *instance == change.instance)
}

#[cfg(test)]
mod tests {
    use platform::clock::SystemClock;
    use platform::sim_disk::SimDisk;
    use telemetry::answer::ChangeKind;
    use telemetry::{QuestionId, Space, UnixNanos, Window};

    use super::*;

    fn change(second: i64, service: &str) -> ChangeRow {
        ChangeRow {
            at: UnixNanos(0).plus_seconds(second),
            kind: ChangeKind::Flag,
            service: service.to_owned(),
            instance: String::new(),
            before: "off".to_owned(),
            after: "on".to_owned(),
            detail: None,
        }
    }

    fn asked(recorded: &Recorded, scope: Scope) -> Result<Vec<ChangeRow>, AskError> {
        let window = Window::new(UnixNanos(0).plus_seconds(100), UnixNanos(0).plus_seconds(200));
        let (id, space) = (QuestionId::numbered(1), Space::default());
        let question = Question { id, space, ask: Ask::Changes { window, scope }, not_before: UnixNanos(0) };
        let answer = recorded.answer(&question, &Limits::default(), &Cancel::default())?;
        let Table::Changes(rows) = answer.table else { panic!("changes") };
        Ok(rows)
    }

    // covers: AG-58
    #[test]
    fn what_was_recorded_is_answered_at_once_by_window_and_service_and_damage_is_told() {
        let disk = SimDisk::new();
        let doors = Doors { clock: Arc::new(SystemClock::new()), disk: Arc::new(disk.clone()) };
        let folder = Path::new("/data");
        let recorded = Recorded::new(&doors, folder);
        assert_eq!(asked(&recorded, Scope::all()), Ok(Vec::new()), "there is no file yet");
        for told in [change(99, "orders"), change(150, "orders"), change(160, "billing")] {
            record(&doors, folder, &told).unwrap();
        }
        let services: Vec<String> =
            asked(&recorded, Scope::all()).unwrap().into_iter().map(|row| row.service).collect();
        assert_eq!(services, ["orders", "billing"]);
        assert_eq!(asked(&recorded, Scope::service("billing")), Ok(vec![change(160, "billing")]));
        // Another process sees the same; what is damaged is no empty answer.
        assert_eq!(asked(&Recorded::new(&doors, folder), Scope::all()).unwrap().len(), 2);
        let path = folder.join("changes.journal");
        let text = String::from_utf8(doors.disk.read(&path).unwrap()).unwrap();
        doors.disk.remove(&path).unwrap();
        let mut file = doors.disk.open_new(&path).unwrap();
        file.append(text.replacen("\"orders\"", "\"ordres\"", 1).as_bytes()).unwrap();
        let why = asked(&Recorded::new(&doors, folder), Scope::all()).unwrap_err();
        assert!(matches!(why, AskError::Unavailable(_)), "{why:?}");
    }
}
