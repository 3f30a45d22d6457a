//! Did the action make the symptom go away? A pure machine that compares a treated instance with its siblings.
//!
//! Warm-up is excluded, a minimum of requests and seconds is demanded, and the verdict follows the interval of the
//! difference in differences (`evidence::difference`), never a before/after ratio alone: caches, load, regression
//! to the mean and a cause that heals by itself move both arms. When nothing changed, the machine looks a while
//! longer, to tell "it did not help" from "it went away by itself".

use evidence::difference;
use evidence::series::{self, Series};
use evidence::statistics::{fisher, median};
use incident::verification::ArmFigures;
use incident::{Trial, Verdict, VerificationRecord};
use telemetry::answer::{OnsetRow, Table};
use telemetry::number::Num;
use telemetry::{
    Answered, Ask, Inquiry, Next, Note, NoteKind, Question, QuestionId, Scope, Stage, Step, Window,
};

/// Seconds after readiness that are not measured: connections, caches, first requests.
pub const WARM_UP_SECONDS: i64 = 3;
/// Seconds measured.
pub const MEASURE_SECONDS: i64 = 8;
/// Seconds by which the measurement grows while there is too little data.
const EXTENSION_SECONDS: i64 = 4;
/// How often it grows before the verdict is what it is.
const EXTENSIONS_MAX: u8 = 3;
/// Seconds looked at further when nothing changed.
pub const HOLD_SECONDS: i64 = 8;
/// The end of the hold, in which both arms must be healthy to count as recovered.
const LATE_SECONDS: i64 = 2;
/// Requests that each arm must have had after the action.
const REQUESTS_MIN: u64 = 20;
/// Share of the latency before by which it must fall to count as effective, or rise to count as worse.
const IMPROVEMENT_MIN: f64 = 0.2;
const WORSENING_MIN: f64 = 0.25;
/// An instance that ends less than one request for this many of a sibling's is silent.
const SILENT_SHARE: u64 = 4;
/// Until a window's last spans have arrived.
const SETTLE_SECONDS: i64 = 1;

/// The machine that measures one trial.
#[derive(Debug)]
pub struct Verification {
    trial: Trial,
    asked: usize,
    measured: Window,
    extensions: u8,
    /// The verdict of the measurement, while the machine looks further.
    held: Option<VerificationRecord>,
}

impl Verification {
    /// A measurement of `trial`; questions are numbered from `first_question`.
    #[must_use]
    pub fn new(trial: Trial, first_question: usize) -> Self {
        let from = trial.ready_at.plus_seconds(WARM_UP_SECONDS + 1).floor_second();
        let measured = Window::new(from, from.plus_seconds(MEASURE_SECONDS));
        Self { trial, asked: first_question.saturating_sub(1), measured, extensions: 0, held: None }
    }

    fn ask(&mut self, until: Window) -> Next<VerificationRecord> {
        self.asked += 1;
        Next::Ask(vec![Question {
            id: QuestionId::numbered(self.asked),
            space: self.trial.space.clone(),
            ask: Ask::Onset {
                window: Window::new(self.trial.before.from, until.to),
                scope: Scope {
                    service: Some(self.trial.service.clone()),
                    operation: Some(self.trial.operation.clone()),
                    instance: None,
                },
            },
            not_before: until.to.plus_seconds(SETTLE_SECONDS),
        }])
    }

    fn judge(&mut self, rows: &[OnsetRow]) -> Step<VerificationRecord> {
        let arms = Arms::of(rows, &self.trial);
        if let Some(held) = self.held.take() {
            return done(after_hold(held, &arms, &self.trial, self.hold_window()));
        }
        let record = measure(&self.trial, &arms, self.measured);
        match record.verdict {
            Verdict::Inconclusive if self.extensions < EXTENSIONS_MAX => {
                self.extend(&format!("too little data yet: {}", record.statement))
            }
            Verdict::NotEffective if self.extensions < EXTENSIONS_MAX && may_be_worse(&record) => {
                self.extend(&format!("it may have got worse: {}", record.statement))
            }
            Verdict::Inconclusive if is_silent(&record) => done(silenced(record)),
            Verdict::NotEffective => {
                let text = format!("{}; looking on for {HOLD_SECONDS} s", record.statement);
                self.held = Some(record);
                let hold = self.hold_window();
                Step { notes: vec![Note::new(Stage::Verify, NoteKind::Learned, text)], next: self.ask(hold) }
            }
            _ => done(record),
        }
    }

    /// Measures longer, because of `why`.
    fn extend(&mut self, why: &str) -> Step<VerificationRecord> {
        self.extensions += 1;
        self.measured.to = self.measured.to.plus_seconds(EXTENSION_SECONDS);
        let text = format!("{why}; measuring {EXTENSION_SECONDS} s longer");
        let note = Note::new(Stage::Verify, NoteKind::Learned, text);
        Step { notes: vec![note], next: self.ask(self.measured) }
    }

    fn hold_window(&self) -> Window {
        Window::new(self.measured.to, self.measured.to.plus_seconds(HOLD_SECONDS))
    }
}

fn done(record: VerificationRecord) -> Step<VerificationRecord> {
    let note = Note::new(Stage::Verify, NoteKind::Learned, record.statement.clone());
    Step { notes: vec![note], next: Next::Done(record) }
}

impl Inquiry for Verification {
    type Outcome = VerificationRecord;

    fn step(&mut self, answers: &[Answered]) -> Step<VerificationRecord> {
        let Some(answered) = answers.first() else {
            let text = format!(
                "measuring `{}` against `{}` for {MEASURE_SECONDS} s after {WARM_UP_SECONDS} s of warm-up",
                self.trial.treated,
                self.trial.controls.join("`, `")
            );
            let note = Note::new(Stage::Verify, NoteKind::Learned, text);
            return Step { notes: vec![note], next: self.ask(self.measured) };
        };
        match &answered.result {
            Ok(answer) => match &answer.table {
                Table::Onset(rows) => self.judge(rows),
                _ => self.judge(&[]),
            },
            Err(error) => {
                let mut record = measure(&self.trial, &Arms::of(&[], &self.trial), self.measured);
                record.statement = format!("could not measure: {error}");
                done(record)
            }
        }
    }
}

struct Arms {
    treated: Series,
    control: Series,
}

impl Arms {
    fn of(rows: &[OnsetRow], trial: &Trial) -> Self {
        Self {
            treated: series::of(rows, |row| row.subject.instance == trial.treated),
            control: series::of(rows, |row| trial.controls.contains(&row.subject.instance)),
        }
    }
}

fn figures(arm: &Series, window: Window) -> ArmFigures {
    let seconds: Vec<series::Second> =
        series::within(arm, window).map(|(_, second)| second).filter(|second| second.count > 0).collect();
    let count: u64 = seconds.iter().map(|second| second.count).sum();
    let sum_ns: f64 = seconds.iter().map(|second| second.sum_ns as f64).sum();
    let over = |figure: fn(&series::Second) -> f64| {
        Num::new(median::median(&seconds.iter().map(figure).collect::<Vec<_>>()).unwrap_or(0.0))
    };
    ArmFigures {
        count,
        errors: seconds.iter().map(|second| second.errors).sum(),
        seconds: seconds.len() as u64,
        mean_ms: Num::new(sum_ns / count.max(1) as f64 / series::MS_NS),
        p50_ms: over(series::Second::p50_ms),
        p95_ms: over(series::Second::p95_ms),
    }
}

fn measure(trial: &Trial, arms: &Arms, after: Window) -> VerificationRecord {
    let treated_before = figures(&arms.treated, trial.before);
    let treated_after = figures(&arms.treated, after);
    let base = treated_before.mean_ms.get();
    let difference_ms = difference::in_differences(&arms.treated, &arms.control, trial.before, after);
    let improved = if base > 0.0 { (base - treated_after.mean_ms.get()) / base * 100.0 } else { 0.0 };
    let mut record = VerificationRecord {
        trial: trial.clone(),
        verdict: Verdict::Inconclusive,
        statement: String::new(),
        after,
        control_before: figures(&arms.control, trial.before),
        control_after: figures(&arms.control, after),
        relative: difference::relative(&arms.treated, &arms.control, trial.before, after),
        difference_ms,
        improvement_percent: Num::new(improved),
        treated_before,
        treated_after,
    };
    record.verdict = verdict(&record);
    record.statement = statement(&record);
    record
}

fn verdict(record: &VerificationRecord) -> Verdict {
    let (treated, control) = (&record.treated_after, &record.control_after);
    let Some(relative) = record.relative else {
        return Verdict::Inconclusive;
    };
    if treated.count < REQUESTS_MIN || control.count < REQUESTS_MIN {
        return Verdict::Inconclusive;
    }
    let before = &record.treated_before;
    let fails_more = fisher::p_raised(before.errors, before.count, treated.errors, treated.count) <= 0.01
        && fisher::p_raised(control.errors, control.count, treated.errors, treated.count) <= 0.01;
    if fails_more || (relative.low.get() > 0.0 && relative.estimate.get() >= WORSENING_MIN) {
        return Verdict::Worse;
    }
    if has_recovered(&record.control_before, control, &record.trial) {
        return Verdict::RecoveredUnattributed;
    }
    if stands_out(record) && record.improvement_percent.get() >= IMPROVEMENT_MIN * 100.0 {
        return Verdict::Effective;
    }
    Verdict::NotEffective
}

/// Whether the treated instance came off better than its siblings. That alone proves no fix: it may be they that got worse,
/// as instances do that take over the load of one that is restarted.
fn stands_out(record: &VerificationRecord) -> bool {
    record
        .relative
        .is_some_and(|relative| relative.high.get() < 0.0 && relative.estimate.get() <= -IMPROVEMENT_MIN)
}

/// Whether the treated instance came off so much worse than its siblings that it would count, if only the interval were
/// narrower. To call that "nothing changed" would leave the harm where it is.
fn may_be_worse(record: &VerificationRecord) -> bool {
    record.improvement_percent.get() <= -WORSENING_MIN * 100.0
        && record.relative.is_some_and(|relative| relative.estimate.get() >= WORSENING_MIN)
}

/// Whether the treated instance answers next to nothing while its siblings do: worse than slow. A request is counted
/// when it ends, so an instance on which requests hang looks silent, too.
fn is_silent(record: &VerificationRecord) -> bool {
    let siblings = record.trial.controls.len().max(1) as u64;
    let (treated, control) = (record.treated_after.count, record.control_after.count / siblings);
    control >= REQUESTS_MIN && treated * SILENT_SHARE < control
}

fn silenced(mut record: VerificationRecord) -> VerificationRecord {
    record.verdict = Verdict::Worse;
    record.statement = format!(
        "the treated instance hardly answers: {} requests ended on `{}`, {} on its siblings",
        record.treated_after.count, record.trial.treated, record.control_after.count
    );
    record
}

/// When nothing changed: did the symptom go away by itself while the machine looked on?
fn after_hold(
    mut record: VerificationRecord,
    arms: &Arms,
    trial: &Trial,
    hold: Window,
) -> VerificationRecord {
    let late = Window::new(hold.to.plus_seconds(-LATE_SECONDS), hold.to);
    let limit = healthy_limit_ms(trial);
    let is_healthy = |arm: &Series| {
        let now = figures(arm, late);
        now.count > 0 && now.p50_ms.get() <= limit
    };
    if is_healthy(&arms.treated) && is_healthy(&arms.control) {
        record.verdict = Verdict::RecoveredUnattributed;
        record.statement = statement(&record);
    }
    record
}

/// Latency up to which an arm counts as healthy: twice the median before the incident, or 5 ms above it.
fn healthy_limit_ms(trial: &Trial) -> f64 {
    let healthy_ms = trial.healthy_p50_ns as f64 / series::MS_NS;
    (2.0 * healthy_ms).max(healthy_ms + 5.0)
}

/// Whether an untouched arm went from ill to healthy: then nothing can be credited to the action.
fn has_recovered(before: &ArmFigures, after: &ArmFigures, trial: &Trial) -> bool {
    let limit = healthy_limit_ms(trial);
    before.p50_ms.get() > limit && after.p50_ms.get() <= limit
}

fn statement(record: &VerificationRecord) -> String {
    let (treated, control) = (&record.trial.treated, record.trial.controls.join(", "));
    let moved = format!(
        "`{treated}` {:.1} -> {:.1} ms, `{control}` {:.1} -> {:.1} ms",
        record.treated_before.mean_ms.get(),
        record.treated_after.mean_ms.get(),
        record.control_before.mean_ms.get(),
        record.control_after.mean_ms.get()
    );
    let interval = record.difference_ms.map_or_else(String::new, |interval| {
        format!(
            "; difference in differences {:+.1} ms, 95 % interval [{:+.1}, {:+.1}]",
            interval.estimate.get(),
            interval.low.get(),
            interval.high.get()
        )
    });
    let verdict = match record.verdict {
        Verdict::Effective => "the action worked",
        Verdict::NotEffective if stands_out(record) => {
            "the action is not shown to work: the treated instance did not get better, its siblings got worse"
        }
        Verdict::NotEffective => "the action changed nothing",
        Verdict::Worse => "the action made it worse",
        Verdict::RecoveredUnattributed => "it went away by itself: the untouched sibling recovered, too",
        Verdict::Inconclusive => {
            return format!(
                "too few requests to tell ({} treated, {} untouched, {REQUESTS_MIN} needed of each); {moved}",
                record.treated_after.count, record.control_after.count
            );
        }
    };
    format!("{verdict}: {moved}{interval}")
}

#[cfg(test)]
mod tests;
