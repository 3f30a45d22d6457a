//! The last stage: rule-outs, hypotheses, and one of the three conclusions.

use incident::conclusion::SCHEMA;
use incident::{Alert, Candidate, Conclusion, ConclusionKind, Onset, RootCause, RuledOut};
use telemetry::number::Num;
use telemetry::{Note, NoteKind, QuestionId, Stage, TraceId};

use super::{factors, hypotheses, root_cause, shared};
use crate::findings::Findings;
use crate::ledger::{Fact, Ledger};
use crate::rules::{self, Exclusion};

/// What exclusive time and error origins say.
pub(super) fn investigate_notes(findings: &Findings) -> Vec<Note> {
    let learned = |text: String| Note::new(Stage::Investigate, NoteKind::Learned, text);
    let mut notes: Vec<Note> =
        findings.suspects.iter().take(3).map(|suspect| learned(suspect.text())).collect();
    let origins = findings.origins.iter().filter(|origin| origin.is_raised()).take(3);
    notes.extend(origins.map(|origin| {
        learned(format!(
            "errors begin in `{}` {} ({} of {} spans)",
            origin.service, origin.span, origin.bad.0, origin.bad.1
        ))
    }));
    if notes.is_empty() {
        notes.push(learned("no span takes longer by itself, and no errors begin anywhere new".to_owned()));
    }
    notes
}

/// Rules out, ranks and concludes.
pub(super) fn conclude(
    alert: &Alert,
    ledger: &mut Ledger,
    findings: &Findings,
    bad: Option<&(TraceId, QuestionId)>,
) -> (Vec<Note>, Conclusion) {
    let mut notes = vec![Note::new(Stage::Correlate, NoteKind::Began, "what changed, and did it matter")];
    left_out_gap(ledger, findings);
    skew_gaps(ledger, findings);
    let mut causes = root_cause::all(alert, ledger, findings, bad);
    let common = shared::facts(ledger, findings);
    shared::tell(&mut causes, &common);
    causes.extend(if causes.is_empty() { shared::place(alert, findings, &common) } else { None });
    factors::tell(&mut causes, ledger, findings);
    root_cause::prove_candidates(ledger, findings);
    let ruled_out = exclude(ledger, findings, &causes);
    notes.extend(
        ruled_out.iter().map(|item| Note::new(Stage::Correlate, NoteKind::RuledOut, item.why.clone())),
    );
    let mut causes = causes.into_iter();
    let root_cause = causes.next();
    let further_causes: Vec<RootCause> = causes.collect();
    if let Some(trigger) = root_cause.as_ref().and_then(|cause| cause.trigger.as_ref()) {
        notes.push(Note::new(Stage::Correlate, NoteKind::Learned, hypotheses::trigger_text(trigger)));
    }
    let beside = root_cause.iter().flat_map(|cause| &cause.factors);
    notes.extend(beside.map(|factor| {
        Note::new(
            Stage::Correlate,
            NoteKind::Learned,
            format!("{}: {}", factor.role.name(), factor.statement),
        )
    }));
    notes.push(Note::new(Stage::Correlate, NoteKind::Ended, ""));
    notes.push(Note::new(Stage::Synthesize, NoteKind::Began, "which explanation holds"));
    let all: Vec<&RootCause> = root_cause.iter().chain(&further_causes).collect();
    let mut hypotheses = hypotheses::rank(findings, &all, &ruled_out, ledger);
    shared::hypotheses(&mut hypotheses, &common, &all);
    let (kind, statement) = match &root_cause {
        Some(cause) => (ConclusionKind::RootCause, together(cause, &further_causes)),
        None => no_cause(findings, &common),
    };
    notes.push(Note::new(Stage::Synthesize, NoteKind::Learned, statement.clone()));
    notes.extend(
        ledger.gaps.iter().map(|gap| Note::new(Stage::Synthesize, NoteKind::Gap, gap.missing.clone())),
    );
    notes.push(Note::new(Stage::Synthesize, NoteKind::Ended, ""));
    let conclusion = Conclusion {
        schema: SCHEMA.to_owned(),
        kind,
        statement,
        root_cause,
        further_causes,
        onset: Some(findings.onset),
        symptoms: alert.symptoms.clone(),
        hypotheses,
        ruled_out,
        gaps: ledger.gaps.clone(),
        confidence: None,
        evidence: ledger.evidence.clone(),
    };
    (notes, conclusion)
}

/// All causes in one sentence.
fn together(cause: &RootCause, further: &[RootCause]) -> String {
    let and = further.iter().map(|cause| format!("; and at the same time, {}", cause.statement));
    std::iter::once(cause.statement.clone()).chain(and).collect()
}

/// A conclusion that says what is missing.
pub(super) fn insufficient(
    alert: &Alert,
    ledger: &mut Ledger,
    why: &str,
    onset: Option<Onset>,
) -> Conclusion {
    ledger.gap(why, "everything: no cause could be looked for");
    Conclusion {
        schema: SCHEMA.to_owned(),
        kind: ConclusionKind::Insufficient,
        statement: format!("insufficient evidence: {why}"),
        root_cause: None,
        further_causes: Vec::new(),
        onset,
        symptoms: alert.symptoms.clone(),
        hypotheses: Vec::new(),
        ruled_out: Vec::new(),
        gaps: ledger.gaps.clone(),
        confidence: None,
        evidence: ledger.evidence.clone(),
    }
}

fn left_out_gap(ledger: &mut Ledger, findings: &Findings) {
    let answer = ledger.answer(&findings.views.self_time.1);
    let (left_out, traces) = match answer.map(|answer| (answer.left_out, &answer.table)) {
        Some((left_out, telemetry::Table::SelfTime(table))) => (left_out, table.traces),
        _ => (0, 0),
    };
    // One trace in ten may be under way at the edge of a window; more says that spans are missing.
    if left_out * 10 > left_out + traces {
        let text = format!("{left_out} of {} traces in the bad window are not complete", left_out + traces);
        ledger.gap(text, "time spent in spans that never arrived");
    }
}

/// Windows are cut in the time that each service tells.
fn skew_gaps(ledger: &mut Ledger, findings: &Findings) {
    for skew in &findings.skews {
        let (seconds, way) =
            (skew.ahead_ms.abs() / 1000.0, if skew.ahead_ms > 0.0 { "ahead of" } else { "behind" });
        let text =
            format!("the clock of `{}` is {seconds:.1} s {way} that of `{}`", skew.callee, skew.caller);
        ledger.gap(text, "which of their requests fall into the same window, and what came before what");
    }
}

/// What the rules rule out. A change that set off a cause is not ruled out beside it: a deploy that loses messages
/// does its own work as fast as ever.
fn exclude(ledger: &mut Ledger, findings: &Findings, causes: &[RootCause]) -> Vec<RuledOut> {
    let triggers: Vec<Candidate> = causes
        .iter()
        .filter_map(|cause| cause.trigger.as_ref())
        .flat_map(|trigger| findings.rollouts.iter().filter(|(rollout, _)| rollout.first == trigger.change))
        .map(|(rollout, _)| rules::change_candidate(rollout))
        .collect();
    let mut ruled_out = Vec::new();
    for rule in rules::all().iter().filter(|rule| findings.settings.is_on(rule.id)) {
        let exclusions = (rule.apply)(findings).into_iter();
        for exclusion in exclusions.filter(|exclusion| !triggers.contains(&exclusion.candidate)) {
            let evidence = prove(ledger, &exclusion);
            ruled_out.push(RuledOut {
                candidate: exclusion.candidate,
                rule: rule.id.to_owned(),
                why: exclusion.why,
                numbers: exclusion
                    .numbers
                    .iter()
                    .map(|(name, value)| ((*name).to_owned(), Num::new(*value)))
                    .collect(),
                evidence,
            });
        }
    }
    ruled_out
}

fn prove(ledger: &mut Ledger, exclusion: &Exclusion) -> Vec<incident::EvidenceId> {
    let questions: Vec<&QuestionId> = exclusion.questions.iter().collect();
    let fact = Fact {
        kind: exclusion.kind,
        statement: exclusion.why.clone(),
        numbers: &exclusion.numbers,
        questions: &questions,
        window: None,
        trace: None,
    };
    ledger.prove(fact).into_iter().collect()
}

fn no_cause(findings: &Findings, common: &[shared::Shared]) -> (ConclusionKind, String) {
    let load = findings.load;
    let has_grown =
        load.good_per_s > 0.0 && load.bad_per_s >= rules::load_steady::GROWTH_MIN * load.good_per_s;
    let is_quiet = findings.suspects.is_empty()
        && !findings.origins.iter().any(|origin| origin.is_raised())
        && !findings.edges.iter().any(|edge| edge.is_raised());
    if has_grown && findings.has_self_time && is_quiet {
        let text = format!(
            "no cause in the system: requests grew from {:.0} to {:.0} a minute at equal work per request",
            load.good_per_s * 60.0,
            load.bad_per_s * 60.0
        );
        return (ConclusionKind::NoCause, text);
    }
    let best = findings.suspects.first().map_or_else(
        || "no span's own work grew".to_owned(),
        |suspect| format!("the best candidate explains {:.0} % of the extra time", suspect.share * 100.0),
    );
    let common = common.first().map_or_else(String::new, |one| format!("; {}", one.text()));
    (ConclusionKind::Insufficient, format!("insufficient evidence: {best}{common}"))
}
