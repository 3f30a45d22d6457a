//! The summary of an investigation for programs and for chat: symptoms, findings, observations, gaps.
//!
//! Every id that is cited is there: what a symptom or finding rests on stands under `observations`. Adds nothing to
//! what the report says.

use std::collections::BTreeSet;

use incident::{EvidenceId, Report, Resolution};
use serde_json::{Value, json};

use super::seen::symptom_title;

/// The schema name.
pub const SCHEMA: &str = "firstcause.investigation-summary/1";

/// The summary as JSON.
#[must_use]
pub fn json(report: &Report) -> Value {
    let known: BTreeSet<&EvidenceId> = report.diagnosis.evidence.iter().map(|fact| &fact.id).collect();
    let cited = |ids: &[EvidenceId]| -> Vec<String> {
        ids.iter().filter(|id| known.contains(id)).map(|id| id.0.clone()).collect()
    };
    let symptoms: Vec<Value> = report.diagnosis.symptoms.iter().enumerate().map(symptom).collect();
    json!({
        "schema": SCHEMA,
        "investigation_id": report.incident,
        "headline": report.headline,
        "conclusion": report.conclusion,
        "confidence": report.diagnosis.confidence,
        "symptoms": symptoms,
        "findings": findings(report, &cited),
        "observations": observations(report),
        "investigation_gaps": report.diagnosis.gaps.iter().map(|gap| json!({
            "title": gap.missing,
            "description": format!("it could change {}", gap.could_change),
        })).collect::<Vec<_>>(),
    })
}

fn symptom_observation(place: usize) -> String {
    format!("symptom_{}", place + 1)
}

fn symptom((place, symptom): (usize, &incident::Symptom)) -> Value {
    json!({
        "title": format!("{} {}", symptom.service, symptom.operation),
        "description": symptom_title(symptom),
        "start_time": symptom.observed_window.from.rfc3339(),
        "end_time": symptom.observed_window.to.rfc3339(),
        "supporting_observations": [symptom_observation(place)],
    })
}

fn findings(report: &Report, cited: &impl Fn(&[EvidenceId]) -> Vec<String>) -> Vec<Value> {
    let mut findings = Vec::new();
    if let Some(cause) = &report.diagnosis.root_cause {
        findings.push(json!({
            "id": "root_cause",
            "type": "root_cause",
            "title": format!("{} in {}", cause.fault.name(), cause.service),
            "description": cause.statement,
            "start_time": report.diagnosis.onset.map(|onset| onset.at.rfc3339()),
            "caused_by": cause.trigger.as_ref().map(|_| "trigger"),
            "supporting_observations": cited(&cause.evidence),
        }));
        if let Some(trigger) = &cause.trigger {
            let change = &trigger.change;
            findings.push(json!({
                "id": "trigger",
                "type": "trigger",
                "title": format!("{} {} -> {}", change.service, change.before, change.after),
                "description": format!("a change of {}, {}", change.service, trigger.lead()),
                "start_time": change.at.rfc3339(),
                "supporting_observations": cited(&cause.evidence),
            }));
        }
    }
    for (place, cause) in report.diagnosis.further_causes.iter().enumerate() {
        findings.push(json!({
            "id": format!("further_cause_{}", place + 1),
            "type": "root_cause",
            "title": format!("{} in {}", cause.fault.name(), cause.service),
            "description": cause.statement,
            "supporting_observations": cited(&cause.evidence),
        }));
    }
    for (place, ruled) in report.diagnosis.ruled_out.iter().enumerate() {
        findings.push(json!({
            "id": format!("ruled_out_{}", place + 1),
            "type": "ruled_out",
            "title": format!("not {} {}", ruled.candidate.service, ruled.candidate.name).trim(),
            "description": ruled.why,
            "supporting_observations": cited(&ruled.evidence),
        }));
    }
    findings
}

/// The facts that are cited, and one observation for each symptom: the figures of the alert.
fn observations(report: &Report) -> Vec<Value> {
    let of_symptoms = report.diagnosis.symptoms.iter().enumerate().map(|(place, symptom)| {
        json!({
            "id": symptom_observation(place),
            "title": symptom_title(symptom),
            "source": "watch",
            "start_time": symptom.baseline_window.from.rfc3339(),
            "end_time": symptom.observed_window.to.rfc3339(),
            "numbers": {
                "before": symptom.baseline.value,
                "now": symptom.observed.value,
                "before_count": symptom.baseline.count,
                "now_count": symptom.observed.count,
                "q_value": symptom.q_value,
            },
        })
    });
    let of_facts = report.diagnosis.evidence.iter().map(|fact| {
        json!({
            "id": fact.id.0,
            "title": fact.statement,
            "source": fact.source.0,
            "start_time": fact.window.map(|window| window.from.rfc3339()),
            "end_time": fact.window.map(|window| window.to.rfc3339()),
            "trace": fact.trace.map(|trace| trace.to_string()),
            "numbers": fact.numbers,
        })
    });
    of_symptoms.chain(of_facts).collect()
}

/// The summary as Markdown.
#[must_use]
pub fn markdown(report: &Report) -> String {
    let mut text = format!("# {}\n\n{}\n", plain(&report.headline), plain(&report.diagnosis.statement));
    text.push_str("\n## Symptoms\n\n");
    for symptom in &report.diagnosis.symptoms {
        text.push_str(&format!("- {}\n", plain(&symptom_title(symptom))));
    }
    if !report.diagnosis.ruled_out.is_empty() {
        text.push_str("\n## Ruled out\n\n");
        for ruled in &report.diagnosis.ruled_out {
            text.push_str(&format!("- {}\n", plain(&ruled.why)));
        }
    }
    text.push_str("\n## Gaps\n\n");
    if report.diagnosis.gaps.is_empty() {
        text.push_str("- none\n");
    }
    for gap in &report.diagnosis.gaps {
        text.push_str(&format!("- {}; it could change {}\n", plain(&gap.missing), plain(&gap.could_change)));
    }
    text
}

/// What was done, as Markdown.
#[must_use]
pub fn mitigation_markdown(report: &Report, resolution: &Resolution) -> String {
    let mut text = "# What was done\n\n".to_owned();
    if resolution.actions.is_empty() {
        text.push_str("Nothing was done.\n");
    }
    for action in &resolution.actions {
        let settings: Vec<String> =
            action.set.iter().map(|(name, value)| format!("{name}={value}")).collect();
        text.push_str(&format!(
            "- restarted {} with {}\n",
            plain(&action.instance),
            plain(&settings.join(" "))
        ));
    }
    for trial in &resolution.verifications {
        text.push_str(&format!("- {}: {}\n", trial.verdict.name(), plain(&trial.statement)));
    }
    if let Some(summary) = &report.verification {
        text.push_str(&format!("\nVerdict: {}\n", summary.verdict.name()));
    }
    if let Some(why) = &resolution.not_undone {
        text.push_str(&format!("\nAttention: {}\n", plain(why)));
    }
    text
}

/// One line of text that cannot become a heading, a link or a second line.
fn plain(text: &str) -> String {
    text.chars()
        .map(|c| if c.is_control() { ' ' } else { c })
        .flat_map(|c| matches!(c, '[' | ']' | '<' | '|' | '*').then_some('\\').into_iter().chain([c]))
        .collect()
}
