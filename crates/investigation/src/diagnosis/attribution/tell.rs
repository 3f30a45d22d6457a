//! Puts what was found out about changes into the conclusion.
//!
//! A named change becomes the trigger of the root cause that is known, or a root cause of its own. What needs no change
//! becomes "no code cause". Everything else is ruled out by name, or left open by name.

use evidence::change_match::judge::{Attribution, Judged, Outside, Verdict};
use evidence::change_match::modes::Mode;
use evidence::change_match::signs::{Sign, SignKind};
use incident::{
    Alert, Candidate, CandidateKind, ComponentKind, Conclusion, ConclusionKind, EvidenceId, EvidenceKind,
    Fault, Hypothesis, HypothesisStatus, Onset, Prediction, PredictionOutcome, RootCause, RuledOut, Trigger,
};
use telemetry::answer::{ChangeKind, ChangeRow};
use telemetry::number::Num;
use telemetry::{Note, NoteKind, QuestionId, Stage, UnixNanos};

use super::{Asked, Seen};
use crate::ledger::{Fact, Ledger};
use crate::rules::of_changes;

/// Changes that are ruled out by name; what is beyond is counted.
const RULED_OUT_MAX: usize = 40;
/// Signs that become evidence.
const SIGNS_MAX: usize = 5;

/// The conclusion with what was found out.
pub(super) fn tell(
    alert: &Alert,
    ledger: &mut Ledger,
    asked: &Asked,
    seen: &Seen,
    attribution: &Attribution,
    mut conclusion: Conclusion,
) -> (Vec<Note>, Conclusion) {
    let mut notes =
        vec![Note::new(Stage::Correlate, NoteKind::Began, "what do the changes do, and does that fail")];
    let onset = attribution.picture.onset.unwrap_or(alert.at);
    let ruled_out = rule_out(ledger, asked, attribution, onset);
    notes.extend(
        ruled_out.iter().map(|item| Note::new(Stage::Correlate, NoteKind::RuledOut, item.why.clone())),
    );
    let signs = prove_signs(ledger, asked, seen);
    open(ledger, attribution);
    let mut found = false;
    if let Some(named) = attribution.named() {
        found = name(ledger, asked, &mut conclusion, named, onset, &signs);
    } else if conclusion.kind == ConclusionKind::Insufficient {
        found = abstain(&mut conclusion, attribution);
    }
    if found {
        notes.push(Note::new(Stage::Correlate, NoteKind::Learned, conclusion.statement.clone()));
        if conclusion.onset.is_none() {
            conclusion.onset = onset_of(asked, attribution);
        }
    }
    notes.push(Note::new(Stage::Correlate, NoteKind::Ended, ""));
    let mut hypotheses: Vec<Hypothesis> =
        attribution.judged.iter().filter_map(|judged| hypothesis(judged, &signs)).collect();
    hypotheses.append(&mut conclusion.hypotheses);
    hypotheses.extend(ruled_out.iter().map(refuted));
    conclusion.hypotheses = hypotheses;
    conclusion.ruled_out.extend(ruled_out);
    conclusion.gaps.clone_from(&ledger.gaps);
    conclusion.evidence.clone_from(&ledger.evidence);
    (notes, conclusion)
}

/// The onset as the signs tell it: within the slice before the first sure sign.
fn onset_of(asked: &Asked, attribution: &Attribution) -> Option<Onset> {
    let at = attribution.picture.onset?;
    let slice = asked.series.first().map_or(0, |(window, _)| window.to.since(window.from));
    Some(Onset { at, earliest: UnixNanos(at.0 - slice), latest: at })
}

/// Names the change. A root cause that spans or metrics show keeps its place; the change becomes its trigger when it
/// ran in the same service.
fn name(
    ledger: &mut Ledger,
    asked: &Asked,
    conclusion: &mut Conclusion,
    named: &Judged,
    onset: UnixNanos,
    signs: &[EvidenceId],
) -> bool {
    let trigger = trigger(named, onset);
    let why = why(named);
    let fact = ledger.prove(Fact {
        kind: EvidenceKind::Change,
        statement: format!("{} {why}", of_changes::name(named)),
        numbers: &[("match", named.score), ("seconds_before_onset", trigger.before_onset_ns as f64 / 1e9)],
        questions: &[&asked.changes],
        window: None,
        trace: None,
    });
    if let Some(cause) = &mut conclusion.root_cause {
        if cause.service != trigger.change.service {
            return false;
        }
        cause.trigger.get_or_insert(trigger);
        cause.evidence.extend(fact);
        return true;
    }
    let statement = statement(named, &trigger, &why);
    conclusion.kind = ConclusionKind::RootCause;
    conclusion.statement.clone_from(&statement);
    conclusion.root_cause = Some(RootCause {
        component: ComponentKind::Service,
        service: trigger.change.service.clone(),
        seen_from: Vec::new(),
        instances: Vec::new(),
        operation: String::new(),
        span: String::new(),
        resource: String::new(),
        fault: fault(named.mode),
        statement,
        trigger: Some(trigger),
        factors: Vec::new(),
        evidence: fact.into_iter().chain(signs.iter().cloned()).collect(),
    });
    true
}

fn why(named: &Judged) -> String {
    let mode = named.mode.map_or("it fails", Mode::text);
    let shared = match named.shared.as_slice() {
        [] => String::new(),
        words => format!("; both speak of {}", words.join(", ")),
    };
    format!("{}, and {mode}{shared}", named.does)
}

fn statement(named: &Judged, trigger: &Trigger, why: &str) -> String {
    format!(
        "`{}` fails since {} runs there ({} UTC, {}): it {why}",
        trigger.change.service,
        of_changes::name(named),
        trigger.change.at.clock(),
        trigger.lead()
    )
}

/// The change as a trigger: where and when it began to run. Its text stays in the answer it came with.
fn trigger(named: &Judged, onset: UnixNanos) -> Trigger {
    let mut change: ChangeRow = named.change.clone();
    if let Some(landing) = &named.landing {
        change.at = landing.at;
        change.service.clone_from(&landing.service);
    }
    if let Some(detail) = &mut change.detail {
        detail.diffs.clear();
    }
    Trigger { before_onset_ns: onset.since(change.at), change }
}

fn fault(mode: Option<Mode>) -> Fault {
    match mode {
        Some(Mode::Pool) => Fault::PoolWait,
        Some(Mode::MoreCalls | Mode::CacheMiss) => Fault::MoreCalls,
        Some(Mode::SlowQuery | Mode::Locked) => Fault::SlowQuery,
        Some(Mode::Slow | Mode::Cpu | Mode::Memory | Mode::Backlog) => Fault::SlowWork,
        _ => Fault::ErrorOrigin,
    }
}

/// Says that no change did it, or which ones could have; an insufficient conclusion says no more than that so far.
fn abstain(conclusion: &mut Conclusion, attribution: &Attribution) -> bool {
    let tied: Vec<String> = attribution
        .judged
        .iter()
        .filter(|judged| judged.verdict == Verdict::Tied)
        .map(of_changes::name)
        .collect();
    if !tied.is_empty() {
        conclusion.statement = format!("insufficient evidence: it could be {}", tied.join(" or "));
        return true;
    }
    let looked_at = attribution.judged.len();
    let Some(outside) = &attribution.outside else {
        conclusion.statement =
            format!("{}; none of {looked_at} changes is known to bring it about", conclusion.statement);
        return true;
    };
    let what = match outside {
        Outside::Party(host) => format!("`{host}`, outside the system, fails by itself"),
        Outside::Expired => {
            "something was valid until a date that has passed, and no change set that date".to_owned()
        }
        Outside::Exhausted => "a volume is full or a quota used up".to_owned(),
        Outside::Load(service) => format!("more is asked of `{service}`, which nobody in the system calls"),
    };
    conclusion.kind = ConclusionKind::NoCause;
    conclusion.statement =
        format!("no code cause: {what}, and none of {looked_at} changes brings that about");
    true
}

/// What is not told, or cannot be judged, is a gap.
fn open(ledger: &mut Ledger, attribution: &Attribution) {
    for judged in attribution.judged.iter().filter(|judged| judged.verdict == Verdict::Unread) {
        let what = match judged.change.kind {
            ChangeKind::Flag => "what it switches is not told",
            _ => "its text is not told",
        };
        ledger.gap(format!("{}: {what}", of_changes::name(judged)), "whether it brings about what fails");
    }
}

fn rule_out(
    ledger: &mut Ledger,
    asked: &Asked,
    attribution: &Attribution,
    onset: UnixNanos,
) -> Vec<RuledOut> {
    let mut found = Vec::new();
    // What ran comes first: it is what people suspect.
    let mut judged: Vec<&Judged> = attribution.judged.iter().collect();
    judged.sort_by_key(|judged| judged.landing.is_none());
    for judged in judged {
        let mut rules = of_changes::all().iter().filter(|rule| ledger.settings.is_on(rule.id));
        let verdict = rules.find_map(|rule| Some((rule.id, (rule.why)(judged, onset)?)));
        let Some((rule, why)) = verdict else { continue };
        if found.len() == RULED_OUT_MAX {
            ledger.gap(
                format!("more than {RULED_OUT_MAX} changes are ruled out; the rest are not listed"),
                "nothing: they were judged as well",
            );
            break;
        }
        let seconds = judged.landing.as_ref().map(|landing| onset.since(landing.at) as f64 / 1e9);
        let mut numbers = vec![("match", judged.score)];
        numbers.extend(seconds.map(|seconds| ("seconds_before_onset", seconds)));
        let fact = Fact {
            kind: EvidenceKind::Change,
            statement: why.clone(),
            numbers: &numbers,
            questions: &[&asked.changes],
            window: None,
            trace: None,
        };
        found.push(RuledOut {
            candidate: candidate(judged),
            rule: rule.to_owned(),
            why,
            numbers: numbers.iter().map(|(name, value)| ((*name).to_owned(), Num::new(*value))).collect(),
            evidence: ledger.prove(fact).into_iter().collect(),
        });
    }
    found
}

fn candidate(judged: &Judged) -> Candidate {
    let service = judged.landing.as_ref().map_or(&judged.change.service, |landing| &landing.service);
    let name = match judged.change.kind {
        ChangeKind::Flag => of_changes::name(judged),
        _ => format!("commit {}", judged.change.after),
    };
    Candidate { kind: CandidateKind::Change, service: service.clone(), name }
}

/// A change that is the cause, or could be.
fn hypothesis(judged: &Judged, signs: &[EvidenceId]) -> Option<Hypothesis> {
    let status = match judged.verdict {
        Verdict::Named => HypothesisStatus::Supported,
        Verdict::Tied => HypothesisStatus::Inconclusive,
        _ => return None,
    };
    Some(Hypothesis {
        candidate: candidate(judged),
        statement: format!("{} {}", of_changes::name(judged), why(judged)),
        predictions: vec![
            Prediction {
                statement: "it ran before the first sign of the failure".to_owned(),
                outcome: PredictionOutcome::Held,
            },
            Prediction {
                statement: "what it does brings about what fails".to_owned(),
                outcome: PredictionOutcome::Held,
            },
        ],
        status,
        score: Num::new(judged.score),
        evidence: signs.to_vec(),
    })
}

fn refuted(item: &RuledOut) -> Hypothesis {
    Hypothesis {
        candidate: item.candidate.clone(),
        statement: item.why.clone(),
        predictions: vec![Prediction {
            statement: "it ran before the failure, where it fails, and brings it about".to_owned(),
            outcome: PredictionOutcome::Failed,
        }],
        status: HypothesisStatus::Refuted,
        score: Num::new(0.0),
        evidence: item.evidence.clone(),
    }
}

/// The first signs as facts.
fn prove_signs(ledger: &mut Ledger, asked: &Asked, seen: &Seen) -> Vec<EvidenceId> {
    let mut signs: Vec<&Sign> = seen.signs.iter().collect();
    signs.sort_by(|a, b| (a.since, &a.service, &a.text).cmp(&(b.since, &b.service, &b.text)));
    let questions = |kind: SignKind| -> Vec<&QuestionId> {
        match kind {
            SignKind::Log => vec![&asked.logs.0, &asked.logs.1],
            SignKind::Span => vec![&asked.exemplars.1],
            SignKind::Risen | SignKind::Fallen => asked.series.iter().map(|(_, id)| id).collect(),
        }
    };
    let mut found = Vec::new();
    for sign in signs.into_iter().take(SIGNS_MAX) {
        let (kind, says) = match sign.kind {
            SignKind::Log => (EvidenceKind::ErrorOrigination, format!("says \"{}\"", sign.text)),
            SignKind::Span => (EvidenceKind::ErrorOrigination, format!("has the span \"{}\"", sign.text)),
            SignKind::Risen => (EvidenceKind::ChangePoint, format!("shows {} risen", sign.text)),
            SignKind::Fallen => (EvidenceKind::ChangePoint, format!("shows {} fallen", sign.text)),
        };
        found.extend(ledger.prove(Fact {
            kind,
            statement: format!("`{}` {says}, by {} UTC at the latest", sign.service, sign.since.clock()),
            numbers: &[],
            questions: &questions(sign.kind),
            window: Some(asked.bad),
            trace: None,
        }));
    }
    found
}
