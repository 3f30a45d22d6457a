//! The second process: reads staged cases and writes what the engine concludes. It sees no label.
//!
//! Nothing is kept from one case to the next: each is read, diagnosed and dropped.

use std::io::Write;
use std::path::Path;
use std::time::Duration;

use incident::{Alert, Conclusion};
use investigation::confidence::Grounds;
use investigation::{Diagnosis, Settings};
use platform::Clock;
use telemetry::{Answered, Answerer, AskError, Cancel, Inquiry, Limits, Next, Question, SourceName, Window};

use crate::conclusion_line::{Cost, Line};
use crate::files::{self, FileError};
use crate::{folder, loudest, peak, way};
use telemetry::recorded::Kind;
use telemetry::recorded::TableSource;

/// Steps after which a machine is considered not to end (I9).
pub const STEPS_MAX: usize = 64;

/// What to predict, and how the cases are changed before.
#[derive(Debug, Clone, Copy)]
pub struct Predicting<'a> {
    /// The folder of the cases.
    pub cases: &'a Path,
    /// Where the lines go.
    pub out: &'a Path,
    /// Seconds by which the alert's time is moved.
    pub shift_seconds: i64,
    /// What is taken away from every case.
    pub without: &'a [Kind],
    /// What the engine goes by.
    pub settings: &'a Settings,
}

/// Predicts all cases and gives their number. `told` hears of every line.
///
/// # Errors
/// When a folder holds anything but cases, or a file fails.
pub fn predict(
    predicting: &Predicting<'_>,
    clock: &dyn Clock,
    mut told: impl FnMut(&Line),
) -> Result<usize, FileError> {
    let names = names(predicting.cases)?;
    let mut out = files::create(predicting.out)?;
    for name in &names {
        let line = one(predicting, name, clock)?;
        told(&line);
        let text = serde_json::to_string(&line)
            .map_err(|error| FileError::content(predicting.out, error.to_string()))?;
        writeln!(out, "{text}").map_err(|error| FileError::io(predicting.out, error))?;
    }
    out.flush().map_err(|error| FileError::io(predicting.out, error))?;
    Ok(names.len())
}

/// The names of the cases in the folder `cases`.
pub(crate) fn names(cases: &Path) -> Result<Vec<String>, FileError> {
    let names = files::list(cases)?;
    if let Some(other) = names.iter().find(|name| !cases.join(name).join("case.json").is_file()) {
        let what =
            format!("`{other}` is no case and could hold answers; hint: give the folder that was staged");
        return Err(FileError::content(cases, what));
    }
    Ok(names)
}

fn one(predicting: &Predicting<'_>, name: &str, clock: &dyn Clock) -> Result<Line, FileError> {
    peak::reset();
    let began = clock.monotonic();
    let mut case = folder::read(&predicting.cases.join(name))?;
    case.file.shift(predicting.shift_seconds);
    predicting.without.iter().for_each(|kind| case.tables.remove(*kind));
    let alert = case.alert();
    let loudest = loudest::service(&case);
    let (space, whole) = (alert.space.clone(), Window::new(case.file.history_from, case.file.at));
    let source = TableSource::new(case.tables);
    let (conclusion, engine) = diagnose_with(alert, &source, clock, predicting.settings);
    let cost = Cost {
        seconds: clock.monotonic().saturating_sub(began).as_secs_f64(),
        engine_seconds: engine.as_secs_f64(),
        peak_bytes: peak::bytes(),
    };
    let mut line = Line::new(name, &conclusion, loudest, cost);
    line.is_grounded = way::ends_of(&conclusion)
        .and_then(|(alarmed, cause)| way::is_grounded(cause, alarmed, &source, &space, whole));
    Ok(line)
}

/// Drives a diagnosis with one source to its conclusion, and gives the time that its own steps took.
pub fn diagnose(alert: Alert, source: &dyn Answerer, clock: &dyn Clock) -> (Conclusion, Duration) {
    diagnose_with(alert, source, clock, &Settings::default())
}

/// The same under other settings.
pub fn diagnose_with(
    alert: Alert,
    source: &dyn Answerer,
    clock: &dyn Clock,
    settings: &Settings,
) -> (Conclusion, Duration) {
    drive(&mut Diagnosis::with(alert.clone(), settings.clone()), alert, source, clock)
}

/// The conclusion, and what its confidence is read from when it names a cause.
pub fn diagnose_with_grounds(
    alert: Alert,
    source: &dyn Answerer,
    clock: &dyn Clock,
) -> (Conclusion, Option<Grounds>) {
    let mut diagnosis = Diagnosis::new(alert.clone());
    let (conclusion, _) = drive(&mut diagnosis, alert, source, clock);
    (conclusion, diagnosis.grounds().cloned())
}

fn drive(
    diagnosis: &mut Diagnosis,
    alert: Alert,
    source: &dyn Answerer,
    clock: &dyn Clock,
) -> (Conclusion, Duration) {
    let mut answers: Vec<Answered> = Vec::new();
    let mut engine = Duration::ZERO;
    for _ in 0..STEPS_MAX {
        let began = clock.monotonic();
        let step = diagnosis.step(&answers);
        engine += clock.monotonic().saturating_sub(began);
        match step.next {
            Next::Done(conclusion) => return (conclusion, engine),
            Next::Ask(questions) => {
                answers = questions.iter().map(|question| answer(question, source)).collect();
            }
        }
    }
    // A machine that asks on and on arrives at what it says when nothing is answered.
    let mut unanswered = Diagnosis::new(alert);
    loop {
        let step = unanswered.step(&[]);
        if let Next::Done(conclusion) = step.next {
            return (conclusion, engine);
        }
    }
}

/// A day or two of history at the steps of the data is more than a running system is asked for at once.
fn limits() -> Limits {
    Limits { rows_max: 100_000, ..Limits::default() }
}

/// The answer of `source` to `question`, or why there is none.
pub(crate) fn answer(question: &Question, source: &dyn Answerer) -> Answered {
    let name = question.ask.name();
    let (source_name, result) = if source.can().answers(name) {
        ("tables", source.answer(question, &limits(), &Cancel::default()))
    } else {
        ("none", Err(AskError::Unsupported(name.to_owned())))
    };
    Answered { question: question.id.clone(), source: SourceName(source_name.to_owned()), result }
}
