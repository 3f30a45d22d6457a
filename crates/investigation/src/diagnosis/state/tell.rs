//! Puts what state shows into a conclusion, every claim with its facts.

use evidence::measures::wellness::Wellness;
use evidence::state::{SeenIn, Trouble};
use incident::{
    Candidate, CandidateKind, ComponentKind, Conclusion, ConclusionKind, EvidenceId, EvidenceKind,
    Hypothesis, HypothesisStatus, Onset, Prediction, PredictionOutcome, RootCause, RuledOut,
};
use telemetry::number::Num;
use telemetry::{Note, NoteKind, QuestionId, Stage};

use super::Asked;
use super::candidates::Found;
use crate::ledger::{Fact, Ledger};
use crate::rules::of_state::{self, effect_of};

/// Candidates that are ruled out by name; what is beyond is counted.
const RULED_OUT_MAX: usize = 40;
/// Seconds to which slices and repeated events tell the beginning.
const ONSET_SECONDS: i64 = 120;

/// The conclusion of what was found.
pub(super) fn tell(
    ledger: &mut Ledger,
    asked: &Asked,
    found: Found,
    before: Conclusion,
) -> (Vec<Note>, Conclusion) {
    let mut notes = vec![Note::new(
        Stage::Investigate,
        NoteKind::Began,
        "what the workloads, nodes and databases are that the alert speaks of",
    )];
    for (missing, could_change) in &found.gaps {
        ledger.gap(missing.clone(), *could_change);
    }
    let causes: Vec<(RootCause, &Trouble)> =
        found.causes.iter().map(|trouble| (cause(trouble, prove(ledger, asked, trouble)), trouble)).collect();
    let learned = |text: &String| Note::new(Stage::Investigate, NoteKind::Learned, text.clone());
    notes.extend(causes.iter().flat_map(|(_, trouble)| parts(trouble)).map(|text| learned(&text)));
    let ruled_out = rule_out(ledger, asked, &found);
    notes.extend(
        ruled_out.iter().map(|one| Note::new(Stage::Investigate, NoteKind::RuledOut, one.why.clone())),
    );
    notes.push(Note::new(Stage::Investigate, NoteKind::Ended, ""));
    let hypotheses = hypotheses(ledger, asked, &found, &causes, &ruled_out);
    let (kind, statement) = say(ledger, asked, &found, &causes, &before);
    notes.push(Note::new(Stage::Synthesize, NoteKind::Learned, statement.clone()));
    let onset =
        found.causes.first().and_then(|trouble| trouble.since).or_else(|| before.onset.map(|one| one.at));
    let by = |seconds: i64| onset.map(|at| at.plus_seconds(seconds));
    let mut causes = causes.into_iter().map(|(cause, _)| cause);
    let root_cause = causes.next();
    let conclusion = Conclusion {
        kind,
        statement,
        root_cause,
        further_causes: causes.collect(),
        onset: by(0).zip(by(-ONSET_SECONDS)).zip(by(ONSET_SECONDS)).map(|((at, earliest), latest)| Onset {
            at,
            earliest,
            latest,
        }),
        hypotheses: hypotheses.into_iter().chain(before.hypotheses).collect(),
        ruled_out: before.ruled_out.into_iter().chain(ruled_out).collect(),
        gaps: ledger.gaps.clone(),
        evidence: ledger.evidence.clone(),
        ..before
    };
    (notes, conclusion)
}

/// What kind of conclusion it is, in a sentence.
fn say(
    ledger: &mut Ledger,
    asked: &Asked,
    found: &Found,
    causes: &[(RootCause, &Trouble)],
    before: &Conclusion,
) -> (ConclusionKind, String) {
    if let Some(((_, first), further)) = causes.split_first() {
        let and = further.iter().map(|(cause, _)| format!("; and at the same time, {}", cause.statement));
        let not = innocent(found).map(|why| format!(". Not the cause: {why}"));
        let text = parts(first).join("; ");
        return (ConclusionKind::RootCause, std::iter::once(text).chain(and).chain(not).collect());
    }
    if let Some(open) = found.open.first() {
        let text = format!("insufficient evidence: {}, but it is not told: {}", open.says, open.missing);
        ledger.gap(open.missing.clone(), "whether that is the cause");
        return (ConclusionKind::Insufficient, text);
    }
    let doubts: Vec<&str> = found
        .wellness
        .iter()
        .filter_map(|one| match one {
            Wellness::Doubtful(why) => Some(why.as_str()),
            Wellness::Well(_) => None,
        })
        .collect();
    if found.wellness.is_empty() || !doubts.is_empty() {
        let why = if doubts.is_empty() { before.statement.clone() } else { doubts.join("; ") };
        return (ConclusionKind::Insufficient, format!("insufficient evidence: {why}"));
    }
    let well: Vec<&str> = found
        .wellness
        .iter()
        .map(|one| match one {
            Wellness::Well(text) | Wellness::Doubtful(text) => text.as_str(),
        })
        .collect();
    let text = well.join("; ");
    let questions = questions(asked, &[SeenIn::State, SeenIn::Series, SeenIn::Logs]);
    ledger.prove(Fact {
        kind: EvidenceKind::State,
        statement: text.clone(),
        numbers: &[],
        questions: &questions.iter().collect::<Vec<_>>(),
        window: None,
        trace: None,
    });
    let over = innocent(found).map_or(String::new(), |why| format!(". What looks like trouble: {why}"));
    (ConclusionKind::NoCause, format!("no cause: there is no failure now, {text}{over}"))
}

/// The first few bystanders in a sentence.
fn innocent(found: &Found) -> Option<String> {
    const TOLD_MAX: usize = 3;
    let told: Vec<&str> = found.bystanders.iter().take(TOLD_MAX).map(|one| one.says.as_str()).collect();
    (!told.is_empty()).then(|| told.join("; "))
}

/// What is wrong, what set it off, what lets it happen, and what keeps it going.
fn parts(trouble: &Trouble) -> Vec<String> {
    let named = [
        ("", &trouble.says),
        ("trigger: ", &trouble.trigger),
        ("condition: ", &trouble.condition),
        ("sustained by: ", &trouble.sustained_by),
    ];
    named.iter().filter(|(_, text)| !text.is_empty()).map(|(name, text)| format!("{name}{text}")).collect()
}

fn questions(asked: &Asked, seen_in: &[SeenIn]) -> Vec<QuestionId> {
    let of = |seen: &SeenIn| -> Vec<QuestionId> {
        match seen {
            SeenIn::State => vec![asked.state.clone()],
            SeenIn::Series => asked.series.iter().map(|(_, id)| id.clone()).collect(),
            SeenIn::Logs => vec![asked.logs.clone()],
        }
    };
    let mut all: Vec<QuestionId> = seen_in.iter().flat_map(of).collect();
    all.dedup();
    all
}

fn prove(ledger: &mut Ledger, asked: &Asked, trouble: &Trouble) -> Vec<EvidenceId> {
    let questions = questions(asked, &trouble.seen_in);
    let mut facts = Vec::new();
    // Each part is a claim of its own; the numbers are those of the first.
    for (part, place) in parts(trouble).into_iter().zip(0..) {
        facts.extend(ledger.prove(Fact {
            kind: EvidenceKind::State,
            statement: part,
            numbers: if place == 0 { &trouble.numbers } else { &[] },
            questions: &questions.iter().collect::<Vec<_>>(),
            window: None,
            trace: None,
        }));
    }
    facts
}

fn cause(trouble: &Trouble, evidence: Vec<EvidenceId>) -> RootCause {
    RootCause {
        component: ComponentKind::Service,
        service: trouble.service.clone(),
        seen_from: Vec::new(),
        instances: trouble.instances.clone(),
        operation: String::new(),
        span: String::new(),
        resource: trouble.resource.clone(),
        fault: trouble.fault,
        statement: trouble.says.clone(),
        trigger: None,
        factors: Vec::new(),
        evidence,
    }
}

fn candidate(trouble: &Trouble) -> Candidate {
    let name =
        if trouble.resource.is_empty() { trouble.fault.name().to_owned() } else { trouble.resource.clone() };
    Candidate { kind: CandidateKind::Resource, service: trouble.service.clone(), name }
}

/// What is ruled out, before it is sealed.
struct Excluded<'a> {
    candidate: Candidate,
    rule: &'static str,
    why: String,
    numbers: &'a [(&'static str, f64)],
    seen_in: &'a [SeenIn],
}

fn excluded(found: &Found) -> Vec<Excluded<'_>> {
    let effects = found.effects.iter().map(|(effect, cause, why)| Excluded {
        candidate: candidate(effect),
        rule: effect_of::RULE.id,
        why: format!("{}: an effect of {}, since {why}", effect.says, cause.fault.name().replace('_', " ")),
        numbers: &effect.numbers,
        seen_in: &effect.seen_in,
    });
    let bystanders = found.bystanders.iter().map(|one| Excluded {
        candidate: Candidate { kind: one.kind, service: one.service.clone(), name: one.name.clone() },
        rule: of_state::ruling(one.innocence),
        why: one.says.clone(),
        numbers: &one.numbers,
        seen_in: std::slice::from_ref(&one.seen_in),
    });
    effects.chain(bystanders).collect()
}

fn rule_out(ledger: &mut Ledger, asked: &Asked, found: &Found) -> Vec<RuledOut> {
    let mut all = excluded(found);
    if all.len() > RULED_OUT_MAX {
        ledger.gap(
            format!("more than {RULED_OUT_MAX} candidates are ruled out; the rest are not listed"),
            "nothing: they were judged as well",
        );
        all.truncate(RULED_OUT_MAX);
    }
    let seal = |one: Excluded<'_>| {
        let questions = questions(asked, one.seen_in);
        let fact = Fact {
            kind: EvidenceKind::State,
            statement: one.why.clone(),
            numbers: one.numbers,
            questions: &questions.iter().collect::<Vec<_>>(),
            window: None,
            trace: None,
        };
        RuledOut {
            candidate: one.candidate,
            rule: one.rule.to_owned(),
            evidence: ledger.prove(fact).into_iter().collect(),
            why: one.why,
            numbers: one.numbers.iter().map(|(name, value)| ((*name).to_owned(), Num::new(*value))).collect(),
        }
    };
    all.into_iter().map(seal).collect()
}

/// The causes, what stays open, and what was ruled out.
fn hypotheses(
    ledger: &mut Ledger,
    asked: &Asked,
    found: &Found,
    causes: &[(RootCause, &Trouble)],
    ruled_out: &[RuledOut],
) -> Vec<Hypothesis> {
    let mut all: Vec<Hypothesis> = causes
        .iter()
        .map(|(cause, trouble)| hypothesis(trouble, HypothesisStatus::Supported, cause.evidence.clone()))
        .collect();
    for trouble in found.open.iter().chain(&found.elsewhere) {
        let facts = prove(ledger, asked, trouble);
        all.push(hypothesis(trouble, HypothesisStatus::Inconclusive, facts));
    }
    all.extend(ruled_out.iter().map(|one| Hypothesis {
        candidate: one.candidate.clone(),
        statement: one.why.clone(),
        predictions: vec![Prediction {
            statement: "it does harm by itself when the alert fires".to_owned(),
            outcome: PredictionOutcome::Failed,
        }],
        status: HypothesisStatus::Refuted,
        score: Num::new(0.0),
        evidence: one.evidence.clone(),
    }));
    all
}

fn hypothesis(trouble: &Trouble, status: HypothesisStatus, evidence: Vec<EvidenceId>) -> Hypothesis {
    let (outcome, score) = match status {
        HypothesisStatus::Supported => (PredictionOutcome::Held, 1.0),
        _ => (PredictionOutcome::Unknown, 0.5),
    };
    Hypothesis {
        candidate: candidate(trouble),
        statement: trouble.says.clone(),
        predictions: vec![
            Prediction {
                statement: "it is so when the alert fires".to_owned(),
                outcome: PredictionOutcome::Held,
            },
            Prediction {
                statement: "what brings it about is shown, and nothing else does".to_owned(),
                outcome,
            },
        ],
        status,
        score: Num::new(score),
        evidence,
    }
}
