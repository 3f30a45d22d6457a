//! `report`: one incident in one page.

use incident::{Conclusion, ConclusionKind, Report};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::json;
use telemetry::number::Num;

use crate::access::Permission;
use crate::budget::{Budget, Shorten, clip};
use crate::hint::Hint;
use crate::tool::{About, Context, Found, ToolError, Typed};

/// The tool.
#[derive(Debug)]
pub struct ReportOf;

/// Characters of one sentence.
const SENTENCE: usize = 240;
/// Rule-outs, gaps and hypotheses of each kind.
const LINES: usize = 5;

/// The arguments.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Input {
    /// Its id; the newest when not given.
    #[serde(default)]
    incident: Option<String>,
}

/// The answer.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Answer {
    pub(crate) incident: Option<String>,
    headline: String,
    /// `root_cause`, `no_cause` or `insufficient`.
    conclusion: Option<String>,
    statement: String,
    /// Service of the root cause.
    pub(crate) service: Option<String>,
    fault: Option<String>,
    operation: Option<String>,
    /// What it waits for or calls.
    resource: Option<String>,
    trigger: Option<String>,
    onset: Option<String>,
    /// Measured share of such cases that were right, 0-1; absent when unmeasured.
    confidence: Option<Num>,
    done: Vec<String>,
    /// Did the action work.
    verdict: Option<String>,
    ruled_out: Vec<String>,
    /// What could not be looked at.
    gaps: Vec<String>,
}

impl Answer {
    /// Where there is no incident.
    fn none() -> Self {
        Self {
            incident: None,
            headline: "no incident yet".to_owned(),
            conclusion: None,
            statement: "nothing has been investigated".to_owned(),
            service: None,
            fault: None,
            operation: None,
            resource: None,
            trigger: None,
            onset: None,
            confidence: None,
            done: Vec::new(),
            verdict: None,
            ruled_out: Vec::new(),
            gaps: Vec::new(),
        }
    }

    /// The page of a report.
    #[must_use]
    pub fn of(report: &Report) -> Self {
        let diagnosis = &report.diagnosis;
        let cause = report.root_cause.as_ref();
        let some = |text: &str| (!text.is_empty()).then(|| clip(text, SENTENCE));
        Self {
            incident: Some(report.incident.clone()),
            headline: clip(&report.headline, SENTENCE),
            conclusion: Some(kind(report.conclusion).to_owned()),
            statement: clip(&diagnosis.statement, 2 * SENTENCE),
            service: cause.map(|cause| cause.service.clone()),
            fault: cause.map(|cause| cause.fault.name().to_owned()),
            operation: cause.and_then(|cause| some(&cause.operation)),
            resource: cause.and_then(|cause| some(&cause.resource)),
            trigger: cause.and_then(|cause| cause.trigger.as_ref()).map(|trigger| {
                let change = &trigger.change;
                format!("{} {} -> {}, {}", change.service, change.before, change.after, trigger.lead())
            }),
            onset: diagnosis.onset.map(|onset| onset.at.rfc3339()),
            confidence: diagnosis.confidence,
            done: done(report),
            verdict: report.verification.as_ref().map(|summary| summary.verdict.name().to_owned()),
            ruled_out: diagnosis.ruled_out.iter().take(LINES).map(|item| clip(&item.why, SENTENCE)).collect(),
            gaps: gaps(diagnosis),
        }
    }
}

fn gaps(diagnosis: &Conclusion) -> Vec<String> {
    let line = |gap: &incident::Gap| {
        clip(&format!("{} (could change: {})", gap.missing, gap.could_change), SENTENCE)
    };
    diagnosis.gaps.iter().take(LINES).map(line).collect()
}

fn done(report: &Report) -> Vec<String> {
    let Some(resolution) = &report.resolution else { return Vec::new() };
    let failed = resolution.failed.iter().map(|why| format!("failed: {}", clip(why, SENTENCE)));
    let actions = resolution.actions.iter().map(|action| format!("{} on {}", action.spec, action.instance));
    let undone = resolution.was_undone.then(|| "taken back".to_owned());
    failed.chain(actions).chain(undone).collect()
}

fn kind(kind: ConclusionKind) -> &'static str {
    match kind {
        ConclusionKind::RootCause => "root_cause",
        ConclusionKind::NoCause => "no_cause",
        ConclusionKind::Insufficient => "insufficient",
    }
}

impl Shorten for Answer {
    fn text(&self) -> String {
        let (Some(incident), Some(conclusion)) = (&self.incident, &self.conclusion) else {
            return self.headline.clone();
        };
        let mut lines = vec![format!("{incident} [{conclusion}] {}", self.headline)];
        lines.push(format!("cause: {}", self.statement));
        for (label, value) in [
            ("service", &self.service),
            ("fault", &self.fault),
            ("operation", &self.operation),
            ("resource", &self.resource),
            ("trigger", &self.trigger),
            ("since", &self.onset),
            ("verdict", &self.verdict),
        ] {
            lines.extend(value.as_ref().map(|value| format!("{label}: {value}")));
        }
        let confidence =
            self.confidence.map_or_else(|| "unmeasured".to_owned(), |share| format!("{:.2}", share.get()));
        lines.push(format!("confidence: {confidence}"));
        lines.push(format!(
            "done: {}",
            if self.done.is_empty() { "nothing".to_owned() } else { self.done.join("; ") }
        ));
        lines.extend(self.ruled_out.iter().map(|why| format!("not: {why}")));
        lines.extend(self.gaps.iter().map(|gap| format!("gap: {gap}")));
        lines.join("\n")
    }

    /// Rule-outs go first, from the end; a gap stays to the last, because it says what is not known.
    fn shorten(&mut self) -> bool {
        if self.ruled_out.pop().is_some() {
            return true;
        }
        if self.gaps.len() > 1 {
            return self.gaps.pop().is_some();
        }
        self.done.len() > 1 && self.done.pop().is_some()
    }
}

/// What to ask about a report.
pub(crate) fn hints(report: &Report) -> Vec<Hint> {
    let incident = json!({ "incident": report.incident });
    let mut next = vec![Hint::new("evidence", incident.clone(), "the numbers behind each claim")];
    if report.conclusion == ConclusionKind::RootCause && report.verification.is_none() {
        next.push(Hint::new("propose_action", incident, "what may be done about it"));
    }
    next
}

impl Typed for ReportOf {
    type Input = Input;
    type Answer = Answer;

    fn about() -> About {
        About {
            name: "report".to_owned(),
            description: "Explain one incident: root cause, trigger, onset, what was done, whether it worked, what was \
                          ruled out, what is not known.\n\
                          When to use: for an incident id; for the newest incident, without arguments; after an action.\n\
                          When NOT to use: numbers and queries (`evidence`); a symptom without an incident \
                          (`investigate`)."
                .to_owned(),
            permission: Permission::Read,
            budget: Budget::PAGE,
            is_read_only: true,
        }
    }

    async fn call(context: &Context, input: Input) -> Result<Found<Answer>, ToolError> {
        let Some(incident) = named_or_newest(context, input.incident)? else {
            let next = vec![Hint::new("status", json!({}), "what looks wrong now")];
            return Ok(Found::whole(Answer::none(), next));
        };
        let report = context.installation.report(&incident)?;
        Ok(Found::whole(Answer::of(&report), hints(&report)))
    }
}

/// The incident that is named, or the newest one; none where there is none.
pub(crate) fn named_or_newest(context: &Context, named: Option<String>) -> Result<Option<String>, ToolError> {
    match named {
        Some(named) => Ok(Some(named)),
        None => Ok(context.installation.incidents(1)?.rows.into_iter().next().map(|row| row.incident)),
    }
}
