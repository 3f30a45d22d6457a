//! Explains one alert: when it began, where the time goes, what changed, and what is not the cause.
//!
//! Four steps: the onset from the alert's own series; good against bad over exclusive times, edges, exemplars and
//! changes; one trace of each side; the conclusion. Abstains when the evidence does not suffice: a cause must
//! explain at least half of the extra time (or of the new errors) beyond chance.
//!
//! Does not act and does not know what can be done: that is `remediation`.

mod attribution;
mod breaker;
mod call_graph;
mod causes;
mod conclude;
mod detect;
mod errors;
mod factors;
mod failures;
mod hypotheses;
mod mechanism;
mod root_cause;
mod shared;
mod state;
mod unnamed;

use std::collections::BTreeSet;

use attribution::{Attribution, Progress};
use incident::{Alert, Conclusion, ConclusionKind, Onset};
use state::OfState;
use telemetry::answer::{Choice, Table};
use telemetry::{
    Answered, AskError, Inquiry, Next, Note, NoteKind, Question, QuestionId, Scope, Stage, Step, TraceId,
};

use crate::citations;
use crate::confidence::{self, Coverage, Grounds};
use crate::findings::{self, Findings};
use crate::ledger::Ledger;
use crate::plan::{Plan, Views, Whole};
use crate::settings::Settings;

/// The machine that explains one alert.
#[derive(Debug)]
pub struct Diagnosis {
    alert: Alert,
    plan: Plan,
    ledger: Ledger,
    state: State,
    /// Names of the questions that were asked.
    asked: BTreeSet<&'static str>,
    has_looked_again: bool,
    grounds: Option<Grounds>,
}

#[derive(Debug)]
enum State {
    Begin,
    AwaitSeries {
        question: QuestionId,
    },
    /// Everything, when the alert names nothing.
    AwaitWhole {
        whole: Box<Whole>,
        /// The looks that may still follow.
        looks_left: u8,
    },
    /// Who calls whom, when the alerted service is known by its metrics alone.
    AwaitGraph {
        onset_question: QuestionId,
        topology: QuestionId,
    },
    AwaitViews {
        onset: Onset,
        onset_question: QuestionId,
        views: Box<Views>,
    },
    AwaitTraces {
        findings: Box<Findings>,
        bad: Option<(TraceId, QuestionId)>,
    },
    /// Which change did it, when a source tells what changes do.
    Attribute(Box<Attribution>),
    /// What things are, when nothing else tells the cause and a source knows.
    LookAtThings(Box<OfState>),
    Over,
}

impl Diagnosis {
    /// A diagnosis of `alert`.
    #[must_use]
    pub fn new(alert: Alert) -> Self {
        Self::with(alert, Settings::default())
    }

    /// A diagnosis of `alert` under other settings than the default.
    #[must_use]
    pub fn with(alert: Alert, settings: Settings) -> Self {
        let plan = Plan::new(alert.space.clone());
        Self {
            alert,
            plan,
            ledger: Ledger::new(settings),
            state: State::Begin,
            asked: BTreeSet::new(),
            has_looked_again: false,
            grounds: None,
        }
    }

    /// What the confidence of the conclusion is read from, once a cause was named.
    #[must_use]
    pub fn grounds(&self) -> Option<&Grounds> {
        self.grounds.as_ref()
    }

    fn begin(&mut self) -> Step<Conclusion> {
        let mut notes = vec![Note::new(Stage::Detect, NoteKind::Began, "what is wrong, and since when")];
        notes.extend(self.alert.symptoms.iter().take(3).map(detect::symptom_note));
        if self.alert.symptoms.is_empty() {
            let (whole, questions) = self.plan.whole(&self.alert, self.alert.at);
            self.state = State::AwaitWhole { whole: Box::new(whole), looks_left: unnamed::LOOKS_MAX - 1 };
            return Step { notes, next: Next::Ask(questions) };
        }
        let question = self.plan.onset(&self.alert);
        self.state = State::AwaitSeries { question: question.id.clone() };
        Step { notes, next: Next::Ask(vec![question]) }
    }

    /// Metrics alone tell no own work of a service; the call graph does, where a source knows it.
    fn connect(&mut self, onset_question: QuestionId) -> Step<Conclusion> {
        if !call_graph::is_meant(&self.alert, &self.ledger, &onset_question) {
            return self.locate(onset_question);
        }
        let question = self.plan.topology(&self.alert);
        self.state = State::AwaitGraph { onset_question, topology: question.id.clone() };
        Step { notes: Vec::new(), next: Next::Ask(vec![question]) }
    }

    fn follow_calls(&mut self, onset_question: QuestionId, topology: &QuestionId) -> Step<Conclusion> {
        match call_graph::conclude(&self.alert, &mut self.ledger, &onset_question, topology) {
            Some((mut notes, conclusion)) => {
                notes.extend(self.gap_notes(Stage::Synthesize));
                Step { notes, next: Next::Done(conclusion) }
            }
            None => self.locate(onset_question),
        }
    }

    fn look_everywhere(&mut self, whole: &Whole, looks_left: u8) -> Step<Conclusion> {
        let (mut notes, conclusion) = unnamed::conclude(&mut self.ledger, whole);
        if looks_left > 0 && !unnamed::is_sure(&conclusion) {
            return self.look_again(whole, looks_left - 1, &conclusion.statement);
        }
        notes.extend(self.gap_notes(Stage::Synthesize));
        Step { notes, next: Next::Done(conclusion) }
    }

    /// What goes on tells more of itself a minute later. Nothing of the first look is kept: the second one sees it all.
    fn look_again(&mut self, whole: &Whole, looks_left: u8, why: &str) -> Step<Conclusion> {
        let until = whole.bad.to.plus_seconds(unnamed::AGAIN_SECONDS);
        self.has_looked_again = true;
        self.ledger = Ledger::new(self.ledger.settings.clone());
        let (whole, questions) = self.plan.whole(&self.alert, until);
        self.state = State::AwaitWhole { whole: Box::new(whole), looks_left };
        let text = format!("{why}; what happens until {} UTC is waited for", until.clock());
        Step { notes: vec![Note::new(Stage::Detect, NoteKind::Learned, text)], next: Next::Ask(questions) }
    }

    fn locate(&mut self, onset_question: QuestionId) -> Step<Conclusion> {
        let onset = match detect::onset(&self.alert, &mut self.ledger, &onset_question) {
            Ok(onset) => onset,
            Err(why) => return self.insufficient(&why),
        };
        let mut notes = vec![
            Note::new(Stage::Detect, NoteKind::Learned, detect::onset_text(onset)),
            Note::new(Stage::Detect, NoteKind::Ended, ""),
            Note::new(Stage::Investigate, NoteKind::Began, "where the extra time is spent"),
        ];
        notes.extend(self.gap_notes(Stage::Detect));
        let scope = self.alert.symptoms.first().map_or_else(Scope::all, |symptom| Scope {
            service: Some(symptom.service.clone()),
            operation: Some(symptom.operation.clone()).filter(|operation| !operation.is_empty()),
            instance: None,
        });
        let first = match self.ledger.table(&onset_question) {
            Some(Table::Onset(rows)) => rows.iter().map(|row| row.second).min(),
            _ => None,
        };
        let first = first.unwrap_or(self.alert.history_from);
        let (views, questions) = self.plan.views(&self.alert, onset, first, &scope);
        self.state = State::AwaitViews { onset, onset_question, views: Box::new(views) };
        Step { notes, next: Next::Ask(questions) }
    }

    fn look(&mut self, onset: Onset, onset_question: &QuestionId, views: Views) -> Step<Conclusion> {
        let (bad, good) = (
            self.exemplar(&views.exemplars.1, Choice::Worst),
            self.exemplar(&views.exemplars.0, Choice::Typical),
        );
        let settled = views.bad.to;
        let findings = findings::measure(&self.alert, &self.ledger, onset, onset_question, views);
        let mut notes = self.gap_notes(Stage::Investigate);
        notes.extend(conclude::investigate_notes(&findings));
        notes.push(Note::new(Stage::Investigate, NoteKind::Ended, ""));
        let questions: Vec<Question> =
            [bad, good].into_iter().flatten().map(|trace| self.plan.trace(trace, settled)).collect();
        let bad = bad.and_then(|trace| Some((trace, questions.first()?.id.clone())));
        if questions.is_empty() {
            self.ledger.gap("no trace of the affected operation", "the cause could not be seen in place");
            let mut step = self.conclude(&findings, None);
            notes.append(&mut step.notes);
            return Step { notes, next: step.next };
        }
        self.state = State::AwaitTraces { findings: Box::new(findings), bad };
        Step { notes, next: Next::Ask(questions) }
    }

    /// The slowest of the worst, the middle one of all others: whatever the order of the rows.
    fn exemplar(&self, id: &QuestionId, choice: Choice) -> Option<TraceId> {
        let Some(Table::Exemplars(rows)) = self.ledger.table(id) else {
            return None;
        };
        let mut chosen: Vec<_> = rows.iter().filter(|row| row.choice == choice).collect();
        chosen.sort_by_key(|row| (std::cmp::Reverse(row.duration_ns), row.trace_id));
        let place = if choice == Choice::Worst { 0 } else { chosen.len() / 2 };
        chosen.get(place).map(|row| row.trace_id)
    }

    fn conclude(&mut self, findings: &Findings, bad: Option<&(TraceId, QuestionId)>) -> Step<Conclusion> {
        let (notes, conclusion) = conclude::conclude(&self.alert, &mut self.ledger, findings, bad);
        self.state = State::Over;
        Step { notes, next: Next::Done(conclusion) }
    }

    fn insufficient(&mut self, why: &str) -> Step<Conclusion> {
        self.state = State::Over;
        let mut notes = self.gap_notes(Stage::Detect);
        notes.push(Note::new(Stage::Detect, NoteKind::Ended, why));
        let conclusion = conclude::insufficient(&self.alert, &mut self.ledger, why, None);
        Step { notes, next: Next::Done(conclusion) }
    }

    /// Holds what changes do against what fails before the conclusion is given, where a source tells it.
    fn then_attribute(&mut self, step: Step<Conclusion>) -> Step<Conclusion> {
        let conclusion = match step.next {
            Next::Done(conclusion) => conclusion,
            next @ Next::Ask(_) => return Step { notes: step.notes, next },
        };
        let attribution = Attribution::new(conclusion);
        let mut more = self.attribute(attribution);
        let notes = step.notes.into_iter().chain(std::mem::take(&mut more.notes)).collect();
        Step { notes, next: more.next }
    }

    fn attribute(&mut self, attribution: Attribution) -> Step<Conclusion> {
        match attribution.step(&self.alert, &mut self.plan, &mut self.ledger) {
            Progress::Ask(attribution, questions) => {
                self.state = State::Attribute(attribution);
                Step { notes: Vec::new(), next: Next::Ask(questions) }
            }
            Progress::Done(notes, conclusion) => self.then_look_at_state(notes, *conclusion),
        }
    }

    /// Looks at what things are, where what passes through them tells no cause.
    fn then_look_at_state(&mut self, notes: Vec<Note>, conclusion: Conclusion) -> Step<Conclusion> {
        if conclusion.kind != ConclusionKind::Insufficient {
            return self.finish(notes, conclusion);
        }
        let mut more = self.look_at_state(OfState::new(conclusion));
        let notes = notes.into_iter().chain(std::mem::take(&mut more.notes)).collect();
        Step { notes, next: more.next }
    }

    fn look_at_state(&mut self, of_state: OfState) -> Step<Conclusion> {
        match of_state.step(&self.alert, &mut self.plan, &mut self.ledger) {
            state::Progress::Ask(of_state, questions) => {
                self.state = State::LookAtThings(of_state);
                Step { notes: Vec::new(), next: Next::Ask(questions) }
            }
            state::Progress::Done(notes, conclusion) => self.finish(notes, *conclusion),
        }
    }

    /// Drops what cites nothing that exists, and says how sure the conclusion is, where that is measured. It was measured
    /// under the default settings, so it is of these only.
    fn finish(&mut self, mut notes: Vec<Note>, conclusion: Conclusion) -> Step<Conclusion> {
        let (mut conclusion, dropped) = citations::checked(conclusion);
        notes.extend(dropped);
        let coverage = Coverage::of(&self.asked, self.ledger.answers());
        self.grounds = Grounds::of(&conclusion, self.has_looked_again, coverage);
        if let Some(grounds) = self.grounds.as_ref().filter(|_| self.ledger.settings == Settings::default()) {
            notes.extend(confidence::fill(&mut conclusion, grounds));
        }
        Step { notes, next: Next::Done(conclusion) }
    }

    fn gap_notes(&self, stage: Stage) -> Vec<Note> {
        self.ledger.gaps.iter().map(|gap| Note::new(stage, NoteKind::Gap, gap.missing.clone())).collect()
    }
}

impl Inquiry for Diagnosis {
    type Outcome = Conclusion;

    fn step(&mut self, answers: &[Answered]) -> Step<Conclusion> {
        match &self.state {
            // What is asked on the chance that somebody knows it: nobody does is no gap of its own.
            State::AwaitGraph { .. } | State::Attribute(_) | State::LookAtThings(_) => {
                let known = answers
                    .iter()
                    .filter(|answered| !matches!(answered.result, Err(AskError::Unsupported(_))));
                self.ledger.take(known);
            }
            // The same of what requests have in common; what else nobody answers is missed.
            State::AwaitViews { views, .. } => {
                let is_unknown = |answered: &&Answered| {
                    answered.question == views.compare
                        && matches!(answered.result, Err(AskError::Unsupported(_)))
                };
                let asked = answers.iter().filter(|answered| !is_unknown(answered));
                self.ledger.take(asked);
            }
            _ => self.ledger.take(answers),
        }
        let step = self.onwards();
        if let Next::Ask(questions) = &step.next {
            self.asked.extend(questions.iter().map(|question| question.ask.name()));
        }
        step
    }
}

impl Diagnosis {
    /// The step that follows from the state and what is known.
    fn onwards(&mut self) -> Step<Conclusion> {
        let step = match std::mem::replace(&mut self.state, State::Over) {
            State::Attribute(attribution) => return self.attribute(*attribution),
            State::LookAtThings(of_state) => return self.look_at_state(*of_state),
            State::Begin => self.begin(),
            State::AwaitSeries { question } => self.connect(question),
            State::AwaitWhole { whole, looks_left } => self.look_everywhere(&whole, looks_left),
            State::AwaitGraph { onset_question, topology } => self.follow_calls(onset_question, &topology),
            State::AwaitViews { onset, onset_question, views } => self.look(onset, &onset_question, *views),
            State::AwaitTraces { findings, bad } => self.conclude(&findings, bad.as_ref()),
            State::Over => return self.insufficient("the diagnosis was over already"),
        };
        self.then_attribute(step)
    }
}

#[cfg(test)]
mod tests {
    use incident::{Candidate, CandidateKind, EvidenceId, RuledOut};
    use telemetry::{Space, UnixNanos};

    use super::*;

    // covers: PB-44
    #[test]
    fn no_conclusion_leaves_with_a_claim_whose_evidence_does_not_exist() {
        let alert = Alert {
            space: Space::default(),
            origin: "test".to_owned(),
            at: UnixNanos(0),
            history_from: UnixNanos(0),
            dedupe_key: "test".to_owned(),
            symptoms: Vec::new(),
        };
        let mut diagnosis = Diagnosis::new(alert.clone());
        let mut conclusion = conclude::insufficient(&alert, &mut diagnosis.ledger, "a test", None);
        conclusion.ruled_out.push(RuledOut {
            candidate: Candidate { kind: CandidateKind::Load, service: String::new(), name: "x".to_owned() },
            rule: "load_steady".to_owned(),
            why: "made up".to_owned(),
            numbers: [].into(),
            evidence: vec![EvidenceId("ev_000000000000".to_owned())],
        });
        // Nothing is asked of changes or of state: the last steps of a diagnosis, with nobody to answer.
        let mut step = diagnosis.then_attribute(Step { notes: Vec::new(), next: Next::Done(conclusion) });
        while let Next::Ask(_) = step.next {
            step = diagnosis.step(&[]);
        }
        let Next::Done(conclusion) = step.next else { unreachable!() };
        assert!(conclusion.ruled_out.is_empty(), "{:?}", conclusion.ruled_out);
        assert!(
            conclusion.gaps.iter().any(|gap| gap.missing.contains("1 rule-outs")),
            "{:?}",
            conclusion.gaps
        );
    }
}
