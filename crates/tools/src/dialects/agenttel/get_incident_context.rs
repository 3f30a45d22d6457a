//! `get_incident_context`: one operation in trouble, what changed, whom it reaches, what is usually done (AG-11).
//!
//! Severity, deviation and patterns follow the tables of the specification, also where the source's own example does not.

use evidence::health::baseline::{Baseline, Origin};
use evidence::health::changes::{self, RankedChanges};
use evidence::health::service::OperationHealth;
use evidence::health::similar::{self, Signature};
use evidence::health::suggestions::{self, Suggestion};
use evidence::health::{Deviation, reach, severity};
use evidence::impact::Extent;
use evidence::patterns::Pattern;
use evidence::prior::Kind;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::json;
use telemetry::UnixNanos;
use telemetry::answer::{ChangeKind, ChangeRow};
use telemetry::number::Num;

use super::facts::{self, Facts};
use super::past;
use super::shown::{Format, Shown};
use super::situation::{self, Situation};
use super::words::{self, percent};
use crate::access::Permission;
use crate::budget::{Budget, Shorten, clip};
use crate::hint::Hint;
use crate::tool::{About, Context, Found, ToolError, Typed};

/// The tool.
#[derive(Debug)]
pub(super) struct GetIncidentContext;

/// Changes, and past incidents, at most.
const CHANGES_MAX: usize = 5;

/// The arguments.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Input {
    operation_name: String,
    #[serde(default)]
    format: Format,
    #[serde(default)]
    service: Option<String>,
}

/// The answer.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct Answer {
    id: String,
    /// `critical`, `high`, `medium`, `low` or `info`.
    severity: String,
    at: String,
    /// When it began; null where nothing is above normal or no rise is more than noise.
    since: Option<String>,
    summary: String,
    happening: Happening,
    changed: Changed,
    affected: Affected,
    /// `auto_resolve`, `notify_team`, `page_oncall`, `incident_commander`.
    escalation: String,
    runbook: Option<String>,
    actions: Vec<ActionRow>,
    similar: Vec<SimilarRow>,
    gaps: Vec<String>,
}

/// What is happening.
#[derive(Debug, Serialize, JsonSchema)]
struct Happening {
    service: String,
    operation: String,
    requests: u64,
    /// 0-1.
    failure_rate: Num,
    /// 0-1.
    baseline_failure_rate: Num,
    p50_ms: Num,
    baseline_p50_ms: Num,
    /// `declared`, `rolling` or `default`.
    baseline_source: String,
    baseline_requests: u64,
    /// `low`, `medium` or `high`.
    baseline_confidence: String,
    deviation: String,
    /// 0-1.
    anomaly_score: Option<Num>,
    service_health: String,
    patterns: Vec<String>,
}

/// What changed.
#[derive(Debug, Serialize, JsonSchema)]
struct Changed {
    last_deploy: Option<String>,
    last_deploy_at: Option<String>,
    changes: Vec<ChangeLine>,
}

/// One change.
#[derive(Debug, Serialize, JsonSchema)]
struct ChangeLine {
    kind: String,
    text: String,
    at: String,
    /// What to look at first; no probability. Null without an onset: then the latest stands first.
    prior_score: Option<Num>,
}

/// Whom it reaches.
#[derive(Debug, Serialize, JsonSchema)]
struct Affected {
    /// `operation_specific` or `service_wide`.
    scope: String,
    user_facing: bool,
    operations: Vec<String>,
    dependencies: Vec<String>,
    consumers: Vec<String>,
    owner: Option<String>,
}

/// What is usually done.
#[derive(Debug, Serialize, JsonSchema)]
struct ActionRow {
    /// `low`, `medium` or `high`.
    confidence: String,
    name: String,
    text: String,
    needs_approval: bool,
}

/// A similar incident.
#[derive(Debug, Serialize, JsonSchema)]
struct SimilarRow {
    incident: String,
    /// 0-1.
    score: Num,
    cause: String,
    fix: String,
}

impl Happening {
    fn text(&self) -> String {
        let origin = match self.baseline_source.as_str() {
            "rolling" => {
                format!(
                    "rolling ({} confidence, {} requests)",
                    self.baseline_confidence,
                    words::thousands(self.baseline_requests)
                )
            }
            "default" => "default (assumed; nothing is held against it)".to_owned(),
            told => told.to_owned(),
        };
        let patterns: Vec<String> = self.patterns.iter().map(|name| words::upper(name)).collect();
        let patterns = if patterns.is_empty() { "none".to_owned() } else { patterns.join(", ") };
        let score =
            self.anomaly_score.map_or_else(|| "unknown".to_owned(), |score| format!("{:.2}", score.get()));
        format!(
            "Operation: {}\nError Rate: {} (baseline: {})\nLatency P50: {} (baseline: {})\nBaseline: {origin}\n\
             Anomaly Score: {score}\nService Health: {}\nPatterns: {patterns}",
            self.operation,
            percent(self.failure_rate.get()),
            percent(self.baseline_failure_rate.get()),
            words::p50(self.p50_ms.get()),
            words::p50(self.baseline_p50_ms.get()),
            words::upper(&self.service_health),
        )
    }
}

impl Changed {
    fn text(&self) -> String {
        let deploy = match (&self.last_deploy, &self.last_deploy_at) {
            (Some(version), Some(at)) => format!("Last Deploy: {version} at {at}"),
            _ => "Last Deploy: none seen".to_owned(),
        };
        let lines: String =
            self.changes.iter().map(|one| format!("\n[{}] {} ({})", one.kind, one.text, one.at)).collect();
        deploy + &lines
    }
}

impl Affected {
    fn text(&self) -> String {
        let line = |name: &str, list: &[String]| {
            if list.is_empty() { String::new() } else { format!("\n{name}: {}", list.join(", ")) }
        };
        let owner = self.owner.as_ref().map(|owner| format!("\nOwner: {owner}")).unwrap_or_default();
        format!(
            "Scope: {}\nUser-Facing: {}{}{}{}{owner}",
            self.scope,
            if self.user_facing { "YES" } else { "NO" },
            line("Affected Ops", &self.operations),
            line("Affected Deps", &self.dependencies),
            line("Affected Consumers", &self.consumers),
        )
    }
}

impl Shorten for Answer {
    fn text(&self) -> String {
        let actions: String = self
            .actions
            .iter()
            .map(|row| {
                let approval = if row.needs_approval { " (NEEDS APPROVAL)" } else { "" };
                format!("\n- [{}] {}: {}{approval}", words::upper(&row.confidence), row.name, row.text)
            })
            .collect();
        let runbook = self.runbook.as_ref().map(|url| format!("\nRunbook: {url}")).unwrap_or_default();
        let similar: String = self
            .similar
            .iter()
            .map(|row| {
                let fix = if row.fix.is_empty() { "nothing done" } else { &row.fix };
                format!("\n{}: {} \u{2192} {fix}", row.incident, row.cause)
            })
            .collect();
        let similar =
            if similar.is_empty() { String::new() } else { format!("\n## SIMILAR PAST INCIDENTS{similar}") };
        format!(
            "=== INCIDENT {} ===\nSEVERITY: {}\nTIME: {}\nSUMMARY: {}\n## WHAT IS HAPPENING\n{}\n## WHAT CHANGED\n{}\n\
             ## WHAT IS AFFECTED\n{}\n## SUGGESTED ACTIONS\nEscalation: {}{runbook}{actions}{similar}{}",
            self.id,
            words::upper(&self.severity),
            self.at,
            self.summary,
            self.happening.text(),
            self.changed.text(),
            self.affected.text(),
            self.escalation,
            words::gaps(&self.gaps),
        )
    }

    /// Names beyond three, then the past, then changes, then actions.
    fn shorten(&mut self) -> bool {
        let affected = &mut self.affected;
        for list in [&mut affected.operations, &mut affected.consumers, &mut affected.dependencies] {
            if list.len() > 3 {
                list.pop();
                return true;
            }
        }
        self.similar.pop().is_some()
            || (self.changed.changes.len() > 1 && self.changed.changes.pop().is_some())
            || (self.actions.len() > 1 && self.actions.pop().is_some())
            || self.gaps.pop().is_some()
    }
}

impl Typed for GetIncidentContext {
    type Input = Input;
    type Answer = Shown<Answer>;

    fn about() -> About {
        About {
            name: "get_incident_context".to_owned(),
            description: "Get what is wrong with one operation: what happens, what changed, whom it reaches, what is usually \
                          done, and similar incidents.\n\
                          When to use: an operation fails or is slow; before an action is chosen.\n\
                          When NOT to use: which operation is bad (`get_service_health`); kinds of errors (`get_error_analysis`)."
                .to_owned(),
            permission: Permission::Read,
            budget: Budget::PAGE,
            is_read_only: true,
        }
    }

    async fn call(context: &Context, input: Input) -> Result<Found<Self::Answer>, ToolError> {
        let window = facts::window(context, facts::NOW_SECONDS);
        let operation = input.operation_name.as_str();
        let place = facts::place(context, (input.service.as_deref(), Some(operation)), window).await?;
        let facts = Facts::of(context, &place.service, window).await;
        let situation = Situation::of(context, &facts, operation).await;
        let answer = answer(context, (&facts, &place.others), &situation, operation);
        let playbook = situation.patterns.first().map(|pattern| {
            Hint::new(
                "get_playbook",
                json!({ "pattern": pattern.name() }),
                "what to check and do, step by step",
            )
        });
        let trend =
            Hint::new("get_trend_analysis", json!({ "operation_name": operation }), "whether it gets worse");
        let mut found = Shown::found(answer, input.format, playbook.into_iter().chain([trend]).collect());
        found.is_truncated =
            facts.is_truncated || situation.is_truncated || situation.changes.len() > CHANGES_MAX;
        Ok(found)
    }
}

fn answer(
    context: &Context,
    (facts, others): (&Facts, &[String]),
    situation: &Situation,
    operation: &str,
) -> Answer {
    let settings = &facts.declared.settings;
    let health = situation::health_of(facts, operation);
    let rate = health.map_or(0.0, |one| one.figures.failure_rate());
    let callers = reach::Callers { edges: &facts.edges, serving: others };
    let reach = reach::of(&facts.health, Some(operation), &callers, &facts.declared);
    let declared = facts.declared.operation(&facts.service, operation);
    let ranked = situation.ranked();
    let rolled_back = ranked.as_ref().and_then(RankedChanges::deployment_shortly_before);
    let suggestions = suggestions::of(&suggestions::Situation {
        patterns: &situation.patterns,
        failing: &reach.impact.affected_dependencies,
        deployed: rolled_back.map(|row| row.after.as_str()),
        is_safe_to_restart: declared.as_ref().and_then(|one| one.safe_to_restart),
    });
    let severity = severity::of(facts.health.status, &situation.patterns, rate, settings);
    let signature = Signature {
        service: facts.service.clone(),
        operation: operation.to_owned(),
        error: None,
        patterns: situation.patterns.iter().copied().collect(),
    };
    let clipped = |names: &[String]| names.iter().map(|name| clip(name, 80)).collect();
    let since = situation.onset.map(words::stamp);
    let mut gaps = facts.gaps.clone();
    gaps.extend(situation.gaps.iter().cloned());
    gaps.sort();
    gaps.dedup();
    Answer {
        id: id(&facts.service, operation, since.as_deref()),
        severity: severity.name().to_owned(),
        at: words::stamp(facts.window.to),
        since,
        summary: summary(operation, health, &situation.patterns),
        happening: happening(facts, situation, operation),
        changed: changed(situation, ranked.as_ref()),
        affected: Affected {
            scope: match reach.impact.extent {
                Extent::OperationSpecific => "operation_specific".to_owned(),
                Extent::ServiceWide => "service_wide".to_owned(),
            },
            user_facing: reach.impact.is_user_facing,
            operations: clipped(&reach.operations),
            dependencies: clipped(&reach.impact.affected_dependencies),
            consumers: clipped(&reach.consumers),
            owner: words::owner(&facts.declared, &facts.service),
        },
        escalation: reach.impact.escalation,
        runbook: declared.and_then(|one| one.runbook_url),
        actions: suggestions.into_iter().map(action_row).collect(),
        similar: similar_rows(context, &signature, situation.onset.unwrap_or(facts.window.from)),
        gaps,
    }
}

fn happening(facts: &Facts, situation: &Situation, operation: &str) -> Happening {
    let fallback = Baseline::fallback(&facts.declared.settings);
    let health = situation::health_of(facts, operation);
    let baseline = health.map_or(fallback, |one| one.baseline);
    let figures = health.map(|one| one.figures).unwrap_or_default();
    Happening {
        service: facts.service.clone(),
        operation: clip(operation, 120),
        requests: figures.count,
        failure_rate: Num::new(figures.failure_rate()),
        baseline_failure_rate: Num::new(baseline.failure_rate),
        p50_ms: Num::new(figures.p50_ms),
        baseline_p50_ms: Num::new(baseline.p50_ms),
        baseline_source: baseline.origin.name().to_owned(),
        baseline_requests: if baseline.origin == Origin::Rolling { baseline.count } else { 0 },
        baseline_confidence: baseline.confidence.name().to_owned(),
        deviation: health.map_or(Deviation::Unknown, |one| one.deviation).name().to_owned(),
        anomaly_score: situation.anomaly.map(|anomaly| Num::new(anomaly.score)),
        service_health: facts.health.status.name().to_owned(),
        patterns: situation.patterns.iter().map(|pattern| pattern.name().to_owned()).collect(),
    }
}

/// What is worst about it, in a sentence.
fn summary(operation: &str, health: Option<&OperationHealth>, patterns: &[Pattern]) -> String {
    let operation = clip(operation, 120);
    let Some(one) = health else { return format!("{operation} has no requests in this window") };
    let rate = one.figures.failure_rate();
    if patterns.contains(&Pattern::ErrorRateSpike) || rate > 0.01 {
        format!("{operation} experiencing elevated error rate ({})", percent(rate))
    } else if one.deviation > Deviation::Normal {
        format!("{operation} experiencing elevated latency (p50 {})", words::p50(one.figures.p50_ms))
    } else if let Some(pattern) = patterns.first() {
        format!("{operation} shows {}", words::upper(pattern.name()))
    } else {
        format!("{operation} shows nothing unusual")
    }
}

/// What changed: in the order to look at where it is known when it began, else the latest first and without a score.
fn changed(situation: &Situation, ranked: Option<&RankedChanges<'_>>) -> Changed {
    let mut latest: Vec<&ChangeRow> = situation.changes.iter().collect();
    latest.sort_by(|a, b| (b.at, &a.service, &a.after).cmp(&(a.at, &b.service, &b.after)));
    let last = latest.iter().find(|row| row.kind == ChangeKind::Deploy).copied();
    let deployed = match ranked {
        Some(ranked) => ranked.deployment_before(),
        None => last,
    };
    let changes = match ranked {
        Some(ranked) => {
            let scored = ranked.changes.iter().take(CHANGES_MAX);
            scored.map(|one| change_line(one.change, Some(one.prior_score))).collect()
        }
        None => latest.into_iter().take(CHANGES_MAX).map(|row| change_line(row, None)).collect(),
    };
    Changed {
        last_deploy: deployed.map(|row| clip(&row.after, 60)),
        last_deploy_at: deployed.map(|row| words::stamp(row.at)),
        changes,
    }
}

fn change_line(row: &ChangeRow, prior_score: Option<f64>) -> ChangeLine {
    let kind = match changes::kind(row) {
        Some(Kind::Deployment) => "deployment",
        Some(Kind::Config) => "config",
        Some(Kind::DependencyUpdate) => "dependency_update",
        Some(Kind::FeatureFlag) => "feature_flag",
        Some(Kind::Scaling) => "scaling",
        None => "commit",
    };
    let message = row.detail.as_ref().map(|detail| detail.message.as_str()).unwrap_or_default();
    let text = match row.kind {
        ChangeKind::Deploy => format!("Deployed version {}", row.after),
        ChangeKind::Restart => format!("Restarted {}", row.instance),
        ChangeKind::InstanceAdded => format!("Added {}", row.instance),
        ChangeKind::Commit => format!("Committed {}", if message.is_empty() { &row.after } else { message }),
        ChangeKind::Flag => {
            format!("Set {} to {}", if message.is_empty() { "a flag" } else { message }, row.after)
        }
    };
    ChangeLine {
        kind: kind.to_owned(),
        text: clip(text.trim(), 120),
        at: words::stamp(row.at),
        prior_score: prior_score.map(Num::new),
    }
}

fn action_row(suggestion: Suggestion) -> ActionRow {
    ActionRow {
        confidence: suggestion.weight.name().to_owned(),
        name: suggestion.name.to_owned(),
        text: clip(&suggestion.text, 160),
        needs_approval: suggestion.needs_approval,
    }
}

fn similar_rows(context: &Context, signature: &Signature, onset: UnixNanos) -> Vec<SimilarRow> {
    let past = past::signatures(context, onset);
    let found = similar::nearest(signature, &past);
    found
        .into_iter()
        .map(|found| SimilarRow {
            incident: found.incident.id.clone(),
            score: Num::new(found.score),
            cause: clip(&found.incident.cause, 160),
            fix: clip(&found.incident.fix, 80),
        })
        .collect()
}

/// The id of the trouble: of its place and of when it began, if that is known; else the moment of a window would be in it, and
/// it would be another one whenever somebody asks.
fn id(service: &str, operation: &str, since: Option<&str>) -> String {
    let parts: Vec<&str> = [service, operation].into_iter().chain(since).collect();
    format!("inc-{:08x}", fnv(&parts))
}

/// FNV-1a over the parts (Fowler, Noll and Vo): the same trouble has the same short id, and nothing rests on it.
fn fnv(parts: &[&str]) -> u32 {
    let bytes = parts.iter().flat_map(|part| part.bytes().chain([0]));
    bytes.fold(0x811c_9dc5, |hash, byte| (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193))
}
