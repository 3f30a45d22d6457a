//! The case that no entry spans of the alerted service are there: a cause from metrics and the call graph alone.
//!
//! Names a service whose requests moved beyond its own history by itself and explain at least half of what the alerted
//! service shows; says which operation or line of code it is never. Where the graph is not known, or nobody stands out,
//! it says nothing, and the diagnosis goes on with what else was answered.

use std::collections::{BTreeMap, BTreeSet};

use evidence::measures::explained_by_callees::{self, Candidate as Moved};
use evidence::measures::metric_shift::{self, Figure, Shift};
use incident::conclusion::SCHEMA;
use incident::{
    Alert, AlertSignal, Candidate, CandidateKind, ComponentKind, Conclusion, ConclusionKind, EvidenceId,
    EvidenceKind, Fault, Hypothesis, HypothesisStatus, Onset, Prediction, PredictionOutcome, RootCause,
    RuledOut, Symptom,
};
use telemetry::answer::Table;
use telemetry::number::Num;
use telemetry::{Note, NoteKind, QuestionId, Stage, Window};

use crate::ledger::{Fact, Ledger};
use crate::rules::excess_in_callee;

/// Hypotheses and rule-outs that are listed; further ones explain next to nothing.
const LISTED_MAX: usize = 5;

/// Whether the alerted service is known by its metrics alone, and by a figure that its callees can explain.
pub(super) fn is_meant(alert: &Alert, ledger: &Ledger, onset_question: &QuestionId) -> bool {
    let Some(symptom) = alert.symptoms.first() else { return false };
    let is_from_metrics = |answer: &telemetry::answer::Answer| answer.from_metrics.contains(&symptom.service);
    ledger.settings.is_on(metric_shift::MEASURE.name)
        && figure(symptom).is_some()
        && ledger.answer(onset_question).is_some_and(is_from_metrics)
}

/// The conclusion, when one service stands out.
pub(super) fn conclude(
    alert: &Alert,
    ledger: &mut Ledger,
    onset_question: &QuestionId,
    topology: &QuestionId,
) -> Option<(Vec<Note>, Conclusion)> {
    if !matches!(ledger.table(topology), Some(Table::Topology(_))) {
        return None;
    }
    let view = View::of(alert, ledger, onset_question, topology);
    let borne_out = view.as_ref().filter(|view| view.is_unusual);
    let Some((view, best)) = borne_out.and_then(|view| Some((view, view.best()?))) else {
        let missing = match &view {
            Some(view) if !view.is_unusual => format!(
                "by its metrics `{}` shows nothing that it does not show one time in twenty: they do not bear the alert out",
                view.symptom.service
            ),
            _ => "by metrics and the call graph alone, no service moved beyond its own history and explains half of the alert"
                .to_owned(),
        };
        ledger.gap(missing, "a cause that only traces show");
        return None;
    };
    view.gaps(ledger, best);
    let listed = view.moved.iter().filter(|moved| moved.shift.excess > 0.0).take(LISTED_MAX);
    let proven: Vec<Proven<'_>> = listed.map(|moved| (moved, view.prove(ledger, moved))).collect();
    let is_on = ledger.settings.is_on(excess_in_callee::RULE.id);
    let ruled_out: Vec<RuledOut> = proven
        .iter()
        .filter(|(moved, _)| is_on && moved.is_explained() && moved.service != best.service)
        .map(|(moved, evidence)| view.rule_out(moved, evidence))
        .collect();
    let evidence = proven.iter().find(|(moved, _)| moved.service == best.service);
    let cause = view.cause(best, evidence.map(|(_, evidence)| evidence.clone()).unwrap_or_default());
    let notes = view.notes(&proven, &ruled_out, &cause);
    let conclusion = Conclusion {
        schema: SCHEMA.to_owned(),
        kind: ConclusionKind::RootCause,
        statement: cause.statement.clone(),
        hypotheses: proven.iter().map(|(moved, evidence)| view.hypothesis(moved, best, evidence)).collect(),
        root_cause: Some(cause),
        further_causes: Vec::new(),
        onset: Some(view.onset),
        symptoms: alert.symptoms.clone(),
        ruled_out,
        gaps: ledger.gaps.clone(),
        confidence: None,
        evidence: ledger.evidence.clone(),
    };
    Some((notes, conclusion))
}

/// A service behind the alert with the facts about it.
type Proven<'a> = (&'a Moved, Vec<EvidenceId>);

fn figure(symptom: &Symptom) -> Option<Figure> {
    match symptom.signal {
        AlertSignal::Latency => Some(Figure::Latency),
        AlertSignal::Errors => Some(Figure::Failures),
        AlertSignal::Throughput => None,
    }
}

/// The services behind the alert as their metrics show them.
struct View<'a> {
    symptom: &'a Symptom,
    figure: Figure,
    /// Whether the alerted service shows more than it usually does.
    is_unusual: bool,
    onset: Onset,
    spell: Window,
    /// Best first.
    moved: Vec<Moved>,
    questions: [&'a QuestionId; 2],
}

impl<'a> View<'a> {
    fn of(
        alert: &'a Alert,
        ledger: &Ledger,
        onset_question: &'a QuestionId,
        topology: &'a QuestionId,
    ) -> Option<Self> {
        let symptom = alert.symptoms.first()?;
        let figure = figure(symptom)?;
        let (Table::Onset(rows), Table::Topology(graph)) =
            (ledger.table(onset_question)?, ledger.table(topology)?)
        else {
            return None;
        };
        // Without an explanation by callees nobody but the alerted service can be spoken of.
        let settings = &ledger.settings;
        let calls: BTreeSet<(String, String)> = settings.of(&explained_by_callees::MEASURE, || {
            graph.calls.iter().map(|call| (call.caller.clone(), call.callee.clone())).collect()
        });
        let services = metric_shift::by_service(rows);
        let observed = symptom.observed_window;
        let alerted = services.get(symptom.service.as_str())?;
        let spell = metric_shift::spell(alerted, figure, observed);
        let (first, last) = (spell.first()?, spell.last()?);
        let shifts: BTreeMap<String, Shift> = services
            .iter()
            .filter_map(|(service, series)| {
                let shift = metric_shift::shift(series, figure, observed, &spell, &settings.thresholds)?;
                Some(((*service).to_owned(), shift))
            })
            .collect();
        Some(Self {
            symptom,
            figure,
            // Failures are counts, and two in an hour without any are unusual enough for whoever is paged for them.
            is_unusual: figure == Figure::Failures || metric_shift::is_unusual(alerted, figure, observed),
            onset: Onset { at: first.from, earliest: first.from, latest: first.to },
            spell: Window::new(first.from, last.to),
            moved: explained_by_callees::candidates(&shifts, &calls, &symptom.service, &settings.thresholds),
            questions: [onset_question, topology],
        })
    }

    fn best(&self) -> Option<&Moved> {
        self.moved.first().filter(|best| best.is_cause())
    }

    /// What metrics cannot tell.
    fn gaps(&self, ledger: &mut Ledger, best: &Moved) {
        ledger.gap(
            format!("no spans of `{}`: metrics and the call graph alone", self.symptom.service),
            "which operation, line of code or resource it is",
        );
        if !best.unseen_callees.is_empty() {
            let unseen = best.unseen_callees.join("`, `");
            ledger.gap(
                format!(
                    "nothing is known of `{unseen}`, which `{}` calls: no requests, or no history",
                    best.service
                ),
                "the cause may lie behind it",
            );
        }
    }

    fn notes(&self, proven: &[Proven<'_>], ruled_out: &[RuledOut], cause: &RootCause) -> Vec<Note> {
        let mut notes = vec![
            Note::new(Stage::Detect, NoteKind::Learned, super::detect::onset_text(self.onset)),
            Note::new(Stage::Detect, NoteKind::Ended, ""),
            Note::new(Stage::Investigate, NoteKind::Began, "whose requests moved, along the call graph"),
        ];
        let raised = proven.iter().filter(|(moved, _)| moved.shift.is_raised);
        notes.extend(
            raised.map(|(moved, _)| Note::new(Stage::Investigate, NoteKind::Learned, self.text(moved))),
        );
        notes.push(Note::new(Stage::Investigate, NoteKind::Ended, ""));
        notes.push(Note::new(Stage::Correlate, NoteKind::Began, "who only waits for others"));
        notes.extend(
            ruled_out.iter().map(|item| Note::new(Stage::Correlate, NoteKind::RuledOut, item.why.clone())),
        );
        notes.push(Note::new(Stage::Correlate, NoteKind::Ended, ""));
        notes.push(Note::new(Stage::Synthesize, NoteKind::Began, "which explanation holds"));
        notes.push(Note::new(Stage::Synthesize, NoteKind::Learned, cause.statement.clone()));
        notes.push(Note::new(Stage::Synthesize, NoteKind::Ended, ""));
        notes
    }

    /// What the metrics say of one service.
    fn text(&self, moved: &Moved) -> String {
        let (name, shift) = (&moved.service, &moved.shift);
        match self.figure {
            Figure::Latency => format!(
                "`{name}` takes {:.1} ms a request instead of {:.1} ms ({} requests)",
                shift.now, shift.before, shift.count
            ),
            Figure::Failures => format!(
                "`{name}` fails {:.2} % of its requests instead of {:.2} % ({} requests)",
                shift.now * 100.0,
                shift.before * 100.0,
                shift.count
            ),
        }
    }

    /// What is explained.
    fn whole(&self) -> String {
        let what = match self.figure {
            Figure::Latency => "extra time",
            Figure::Failures => "new failures",
        };
        format!("{what} of `{}`", self.symptom.service)
    }

    fn numbers(&self, moved: &Moved) -> Vec<(&'static str, f64)> {
        let shift = &moved.shift;
        let (before, now, bound, excess, own) = match self.figure {
            Figure::Latency => ("before_ms", "now_ms", "history_up_to_ms", "excess_ms", "own_excess_ms"),
            Figure::Failures => (
                "failed_share_before",
                "failed_share_now",
                "history_up_to_share",
                "excess_failures",
                "own_excess_failures",
            ),
        };
        vec![
            (before, shift.before),
            (now, shift.now),
            (bound, shift.bound),
            (excess, shift.excess),
            (own, moved.own_excess),
            ("share_of_excess", moved.share),
            ("requests", shift.count as f64),
        ]
    }

    fn prove(&self, ledger: &mut Ledger, moved: &Moved) -> Vec<EvidenceId> {
        let fact = Fact {
            kind: EvidenceKind::MetricShift,
            statement: self.text(moved),
            numbers: &self.numbers(moved),
            questions: &self.questions,
            window: Some(self.spell),
            trace: None,
        };
        ledger.prove(fact).into_iter().collect()
    }

    fn rule_out(&self, moved: &Moved, evidence: &[EvidenceId]) -> RuledOut {
        let callees: Vec<String> = moved.moved_callees.iter().map(|callee| format!("`{callee}`")).collect();
        RuledOut {
            candidate: candidate(moved),
            rule: excess_in_callee::RULE.id.to_owned(),
            why: format!(
                "`{}` moved because of {}, which it calls: that explains {:.0} % of its own excess",
                moved.service,
                callees.join(" and "),
                ((1.0 - moved.own_excess / moved.shift.excess) * 100.0).min(100.0)
            ),
            numbers: self
                .numbers(moved)
                .into_iter()
                .map(|(name, value)| (name.to_owned(), Num::new(value)))
                .collect(),
            evidence: evidence.to_vec(),
        }
    }

    fn cause(&self, best: &Moved, evidence: Vec<EvidenceId>) -> RootCause {
        let (service, symptom) = (best.service.clone(), self.symptom);
        let and = if best.moved_callees.is_empty() { ", and nothing that it calls does" } else { "" };
        let slow = if self.figure == Figure::Failures { and } else { "" };
        RootCause {
            component: ComponentKind::Service,
            operation: if service == symptom.service { symptom.operation.clone() } else { String::new() },
            seen_from: Vec::new(),
            instances: Vec::new(),
            span: String::new(),
            resource: String::new(),
            fault: match self.figure {
                Figure::Latency => Fault::SlowWork,
                Figure::Failures => Fault::ErrorOrigin,
            },
            statement: format!(
                "{}{slow}; that explains {:.0} % of the {}; from metrics and the call graph alone",
                self.text(best),
                best.share * 100.0,
                self.whole()
            ),
            trigger: None,
            factors: Vec::new(),
            service,
            evidence,
        }
    }

    fn hypothesis(&self, moved: &Moved, best: &Moved, evidence: &[EvidenceId]) -> Hypothesis {
        let seen = |is_seen| if is_seen { PredictionOutcome::Held } else { PredictionOutcome::Failed };
        let prediction = |statement: String, is_seen| Prediction { statement, outcome: seen(is_seen) };
        let status = match (moved.service == best.service, moved.is_explained()) {
            (true, _) => HypothesisStatus::Supported,
            (_, true) => HypothesisStatus::Refuted,
            _ => HypothesisStatus::Inconclusive,
        };
        Hypothesis {
            candidate: candidate(moved),
            statement: self.text(moved),
            predictions: vec![
                prediction("it moved beyond what its own history shows".to_owned(), moved.shift.is_raised),
                prediction("what it calls does not explain that".to_owned(), !moved.is_explained()),
                prediction(format!("it explains at least half of the {}", self.whole()), moved.is_cause()),
            ],
            status,
            score: Num::new(moved.share),
            evidence: evidence.to_vec(),
        }
    }
}

fn candidate(moved: &Moved) -> Candidate {
    Candidate { kind: CandidateKind::Service, service: moved.service.clone(), name: String::new() }
}
