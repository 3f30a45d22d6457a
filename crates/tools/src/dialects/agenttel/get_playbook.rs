//! `get_playbook`: what to check, decide and do about a pattern, and how far the figures lead (AG-19).

use evidence::health::errors;
use evidence::health::playbook::{Facts as Figures, Playbook, Step, StepKind, WalkEnd};
use evidence::patterns::Pattern;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::facts::{self, Facts};
use super::shown::{Format, Shown};
use super::situation::{self, Situation};
use super::{traces, words};
use crate::access::Permission;
use crate::budget::{Budget, Shorten, clip};
use crate::hint::Hint;
use crate::near;
use crate::tool::{About, Context, Found, ToolError, Typed};

/// The tool.
#[derive(Debug)]
pub(super) struct GetPlaybook;

/// The arguments.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Input {
    /// Its steps are then answered by its figures.
    #[serde(default)]
    operation_name: Option<String>,
    /// As `error_rate_spike`; what the operation shows when not given.
    #[serde(default)]
    pattern: Option<String>,
    #[serde(default)]
    format: Format,
    #[serde(default)]
    service: Option<String>,
}

/// The answer.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct Answer {
    /// The playbook, if one answers.
    playbook: Option<Row>,
    /// All there are.
    known: Vec<String>,
    gaps: Vec<String>,
}

/// One playbook.
#[derive(Debug, Serialize, JsonSchema)]
struct Row {
    name: String,
    description: String,
    patterns: Vec<String>,
    steps: Vec<StepRow>,
    /// Steps that figures answered, as `deployed: no`.
    answered: Vec<String>,
    /// Where the figures lead: `done`, `would act: STEP` or `unknown: STEP`; null without an operation.
    leads_to: Option<String>,
}

/// One step.
#[derive(Debug, Serialize, JsonSchema)]
struct StepRow {
    id: String,
    /// `check`, `action` or `decision`.
    kind: String,
    text: String,
    condition: Option<String>,
    action: Option<String>,
    requires_approval: bool,
    on_success: String,
    on_failure: String,
}

impl StepRow {
    fn of(step: &Step) -> Self {
        Self {
            id: step.id.clone(),
            kind: step.kind.name().to_owned(),
            text: clip(&step.text, 120),
            condition: step.condition.as_ref().map(ToString::to_string),
            action: step.action.clone(),
            requires_approval: step.requires_approval && step.kind == StepKind::Action,
            on_success: step.on_success.clone(),
            on_failure: step.on_failure.clone(),
        }
    }

    fn line(&self) -> String {
        let approval = if self.requires_approval { " (NEEDS APPROVAL)" } else { "" };
        let condition = self.condition.as_ref().map(|text| format!(" {{{text}}}")).unwrap_or_default();
        let action = self.action.as_ref().map(|name| format!(" {{{name}}}")).unwrap_or_default();
        let ways = if self.on_success == self.on_failure {
            format!("\u{2192} {}", self.on_success)
        } else {
            format!("\u{2192} {} (yes) / {} (no)", self.on_success, self.on_failure)
        };
        format!(
            "\n[{}] {}: {}{condition}{action}{approval} {ways}",
            self.id,
            words::upper(&self.kind),
            self.text
        )
    }
}

impl Row {
    fn of(playbook: &Playbook, figures: Option<&Figures>) -> Self {
        let walk = figures.map(|figures| playbook.walk(figures));
        let said = |holds: bool| if holds { "yes" } else { "no" };
        let answered = walk.as_ref().map(|walk| walk.answered.as_slice()).unwrap_or_default();
        Self {
            name: playbook.name.clone(),
            description: clip(&playbook.description, 160),
            patterns: playbook.patterns.clone(),
            steps: playbook.steps.iter().map(StepRow::of).collect(),
            answered: answered.iter().map(|(step, holds)| format!("{step}: {}", said(*holds))).collect(),
            leads_to: walk.as_ref().map(|walk| match &walk.end {
                WalkEnd::Done => "done".to_owned(),
                WalkEnd::WouldAct(step) => format!("would act: {step}"),
                WalkEnd::Unknown(step) => format!("unknown: {step}"),
            }),
        }
    }
}

impl Shorten for Answer {
    fn text(&self) -> String {
        let known = format!("KNOWN PLAYBOOKS: {}", self.known.join(", "));
        let Some(row) = &self.playbook else {
            return format!("PLAYBOOK: none answers\n{known}{}", words::gaps(&self.gaps));
        };
        let steps: String = row.steps.iter().map(StepRow::line).collect();
        let left_out = if row.steps.is_empty() { "" } else { steps.as_str() };
        let walk = match &row.leads_to {
            Some(leads_to) => {
                let answered = if row.answered.is_empty() {
                    String::new()
                } else {
                    format!("{}; ", row.answered.join(", "))
                };
                format!("\nNOW: {answered}{leads_to}")
            }
            None => String::new(),
        };
        format!("PLAYBOOK: {} - {}{left_out}{walk}{}", row.name, row.description, words::gaps(&self.gaps))
    }

    /// A playbook is whole or useless: what goes are the other names.
    fn shorten(&mut self) -> bool {
        self.gaps.pop().is_some() || (self.known.len() > 1 && self.known.pop().is_some())
    }
}

impl Typed for GetPlaybook {
    type Input = Input;
    type Answer = Shown<Answer>;

    fn about() -> About {
        About {
            name: "get_playbook".to_owned(),
            description: "Get the steps for a pattern; with an operation, how far its figures lead. Does nothing.\n\
                          When to use: a pattern is known; to choose the next step.\n\
                          When NOT to use: what is wrong (`get_incident_context`); what may be done (`list_remediation_actions`)."
                .to_owned(),
            permission: Permission::Read,
            budget: Budget::PAGE,
            is_read_only: true,
        }
    }

    async fn call(context: &Context, input: Input) -> Result<Found<Self::Answer>, ToolError> {
        let playbooks = context.installation.declared().playbooks();
        let asked = input.pattern.as_deref().map(pattern).transpose()?;
        let window = facts::window(context, facts::NOW_SECONDS);
        let (mut figures, mut patterns, mut gaps, mut is_truncated) = (None, Vec::new(), Vec::new(), false);
        if let Some(operation) = input.operation_name.as_deref() {
            let place = facts::place(context, (input.service.as_deref(), Some(operation)), window).await?;
            let facts = Facts::of(context, &place.service, window).await;
            let situation = Situation::of(context, &facts, operation).await;
            let mut known = situation.figures(&facts, operation);
            let share = dependency_error_share(context, &facts, operation).await;
            known.extend(share.map(|share| ("dependency_error_share", share)));
            figures = Some(known);
            patterns.clone_from(&situation.patterns);
            is_truncated = facts.is_truncated || situation.is_truncated;
            gaps.extend(facts.gaps);
            gaps.extend(situation.gaps);
            gaps.sort();
            gaps.dedup();
        }
        if let Some(asked) = asked {
            patterns = vec![asked];
        }
        let found =
            playbooks.iter().find(|playbook| patterns.iter().any(|pattern| playbook.answers(*pattern)));
        let answer = Answer {
            playbook: found.map(|playbook| Row::of(playbook, figures.as_ref())),
            known: playbooks.iter().map(|playbook| playbook.name.clone()).collect(),
            gaps,
        };
        let next = input.operation_name.as_ref().map(|operation| {
            let arguments = json!({ "operation_name": operation });
            Hint::new("list_remediation_actions", arguments, "which actions the operator allows")
        });
        let mut found = Shown::found(answer, input.format, next.into_iter().collect());
        found.is_truncated = is_truncated;
        Ok(found)
    }
}

/// Which share of the failed requests looked at a dependency brought in; nothing when none failed or none could be looked at.
async fn dependency_error_share(context: &Context, facts: &Facts, operation: &str) -> Option<f64> {
    let failed = situation::health_of(facts, operation).map_or(0, |one| one.figures.errors);
    if failed == 0 {
        return None;
    }
    let traces = traces::of(context, (&facts.service, operation), facts.window).await;
    errors::count(&traces, &facts.service, operation, failed).dependency_share()
}

/// The pattern of this name, in whatever case.
fn pattern(name: &str) -> Result<Pattern, ToolError> {
    let lower = name.trim().to_lowercase();
    let known: Vec<String> = Pattern::ALL.iter().map(|pattern| pattern.name().to_owned()).collect();
    let found = Pattern::ALL.into_iter().find(|pattern| pattern.name() == lower);
    found.ok_or_else(|| ToolError::Input(near::unknown("pattern", name, &known)))
}
