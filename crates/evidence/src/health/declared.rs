//! What an operator declares: owners and tiers of services, what they depend on and who depends on them, what is expected of
//! operations, objectives, and other bounds (AG-61, AG-62).
//!
//! Names are those of the configuration. An unknown key is an error, so that a misspelt bound is not silently the
//! default. Reading a file is not done here, and nothing declared is ever needed: everything works without it.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer};

use super::playbook::{self, Playbook};
use super::settings::Settings;
use super::slo::SloKind;

/// Days that a rolling baseline can look back: what is asked of the sources goes no further.
const ROLLING_DAYS_MAX: u32 = 7;

/// Everything declared.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct Declared {
    /// Services by `service.name`.
    pub services: BTreeMap<String, Service>,
    /// Expectations that several operations share, by name.
    pub profiles: BTreeMap<String, Operation>,
    /// Bounds of the health layer.
    pub settings: Settings,
    /// Playbooks of the operator's own; one with the name of a shipped one replaces it.
    pub playbooks: Vec<Playbook>,
}

/// One service.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct Service {
    /// Who owns it.
    pub team: String,
    /// How much depends on it.
    pub tier: Option<Tier>,
    /// Which part of the business it serves.
    pub domain: String,
    /// Where its owners are reached.
    pub on_call_channel: String,
    /// Where its source is.
    pub repo_url: String,
    /// What it calls.
    pub dependencies: Vec<Dependency>,
    /// Who calls it.
    pub consumers: Vec<Consumer>,
    /// What is expected of its operations, by span name.
    pub operations: BTreeMap<String, Operation>,
    /// Its objectives.
    pub slos: Vec<Slo>,
}

/// How much depends on a service.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Tier {
    /// The business stands still without it.
    Critical,
    /// Customers notice.
    Standard,
    /// Colleagues notice.
    Internal,
    /// Nobody relies on it.
    Experimental,
}

impl Tier {
    /// The name in answers.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Critical => "critical",
            Self::Standard => "standard",
            Self::Internal => "internal",
            Self::Experimental => "experimental",
        }
    }
}

/// Something that a service calls.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Dependency {
    /// What it is known by in calls.
    pub name: String,
    /// What it is: a database, a cache, an interface of somebody else.
    #[serde(default, rename = "type")]
    pub kind: String,
    /// What happens without it.
    #[serde(default)]
    pub criticality: Criticality,
    /// How it is spoken to.
    #[serde(default)]
    pub protocol: String,
    /// When callers give up, milliseconds.
    #[serde(default)]
    pub timeout_ms: Option<u64>,
    /// Whether calls go through a circuit breaker.
    #[serde(default)]
    pub circuit_breaker: bool,
    /// What callers do without it.
    #[serde(default)]
    pub fallback: String,
    /// Where it says how it is.
    #[serde(default)]
    pub health_endpoint: String,
}

/// What happens to a service without a dependency.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Criticality {
    /// It fails.
    #[default]
    Required,
    /// It does less.
    Degraded,
    /// Nothing.
    Optional,
}

/// Somebody who calls a service.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Consumer {
    /// Who.
    pub name: String,
    /// How.
    #[serde(default)]
    pub pattern: Consumption,
    /// How long they wait at most, milliseconds.
    #[serde(default)]
    pub sla_latency_ms: Option<u64>,
}

/// How somebody calls a service.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Consumption {
    /// Waiting for the answer.
    #[default]
    Sync,
    /// Not waiting.
    Async,
    /// Many at once.
    Batch,
    /// All the time.
    Streaming,
}

/// What is expected of an operation, and what may be done about it.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct Operation {
    /// A profile whose values hold where none stands here.
    pub profile: Option<String>,
    /// Median latency.
    pub expected_latency_p50: Option<Latency>,
    /// 99th percentile.
    pub expected_latency_p99: Option<Latency>,
    /// Failure rate, 0 to 1.
    pub expected_error_rate: Option<f64>,
    /// Whether a caller may try again.
    pub retryable: Option<bool>,
    /// Whether trying again changes nothing.
    pub idempotent: Option<bool>,
    /// What to read when it breaks.
    pub runbook_url: Option<String>,
    /// What is done without it.
    pub fallback_description: Option<String>,
    /// Whom to call.
    pub escalation_level: Option<Escalation>,
    /// Whether its service may be restarted.
    pub safe_to_restart: Option<bool>,
}

impl Operation {
    /// This, with what it does not say taken from `profile`.
    #[must_use]
    fn over(self, profile: &Self) -> Self {
        Self {
            profile: self.profile,
            expected_latency_p50: self.expected_latency_p50.or(profile.expected_latency_p50),
            expected_latency_p99: self.expected_latency_p99.or(profile.expected_latency_p99),
            expected_error_rate: self.expected_error_rate.or(profile.expected_error_rate),
            retryable: self.retryable.or(profile.retryable),
            idempotent: self.idempotent.or(profile.idempotent),
            runbook_url: self.runbook_url.or_else(|| profile.runbook_url.clone()),
            fallback_description: self.fallback_description.or_else(|| profile.fallback_description.clone()),
            escalation_level: self.escalation_level.or(profile.escalation_level),
            safe_to_restart: self.safe_to_restart.or(profile.safe_to_restart),
        }
    }
}

/// Whom to call.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Escalation {
    /// Nobody: it heals itself.
    AutoResolve,
    /// The team, at its desk.
    NotifyTeam,
    /// Whoever is on call.
    PageOncall,
    /// Somebody who leads the response.
    IncidentCommander,
}

impl Escalation {
    /// The name in answers.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::AutoResolve => "auto_resolve",
            Self::NotifyTeam => "notify_team",
            Self::PageOncall => "page_oncall",
            Self::IncidentCommander => "incident_commander",
        }
    }
}

/// An objective.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Slo {
    /// Its name.
    pub name: String,
    /// Of which operation; of all of the service when not told.
    #[serde(default)]
    pub operation: Option<String>,
    /// What makes a request good.
    #[serde(rename = "type")]
    pub kind: SloKind,
    /// Share of requests that must be good; 0.999 unless told, of a latency the share in its name.
    #[serde(default)]
    pub target: Option<f64>,
    /// Latency up to which a request is good; a latency objective needs it.
    #[serde(default)]
    pub threshold: Option<Latency>,
    /// Days that the budget is of.
    #[serde(default = "Slo::days")]
    pub window_days: u32,
}

impl Slo {
    fn days() -> u32 {
        30
    }
}

/// A latency: `45ms` or `1.5s`.
#[derive(Debug, Clone, Copy, PartialEq, PartialOrd)]
pub struct Latency(f64);

impl Latency {
    /// In milliseconds.
    #[must_use]
    pub fn ms(self) -> f64 {
        self.0
    }
}

/// A text that is no latency.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ParseLatencyError(String);

impl fmt::Display for ParseLatencyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "read `{}` as a latency: write it as `45ms` or `1.5s`", self.0)
    }
}

impl std::error::Error for ParseLatencyError {}

impl FromStr for Latency {
    type Err = ParseLatencyError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let trimmed = text.trim();
        let (number, factor) = match (trimmed.strip_suffix("ms"), trimmed.strip_suffix('s')) {
            (Some(number), _) => (number, 1.0),
            (None, Some(number)) => (number, 1_000.0),
            (None, None) => return Err(ParseLatencyError(text.to_owned())),
        };
        let value = number.trim().parse::<f64>().ok().filter(|value| value.is_finite() && *value > 0.0);
        value.map(|value| Self(value * factor)).ok_or_else(|| ParseLatencyError(text.to_owned()))
    }
}

impl<'de> Deserialize<'de> for Latency {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

impl Declared {
    /// What is declared of a service.
    #[must_use]
    pub fn service(&self, name: &str) -> Option<&Service> {
        self.services.get(name)
    }

    /// What is declared of an operation, its profile filled in.
    #[must_use]
    pub fn operation(&self, service: &str, operation: &str) -> Option<Operation> {
        let own = self.services.get(service)?.operations.get(operation)?.clone();
        let profile = own.profile.as_ref().and_then(|name| self.profiles.get(name));
        Some(match profile {
            Some(profile) => own.over(profile),
            None => own,
        })
    }

    /// The operator's own playbooks, which are asked first, and the shipped ones whose name none of them took.
    #[must_use]
    pub fn playbooks(&self) -> Vec<Playbook> {
        let is_replaced = |shipped: &Playbook| self.playbooks.iter().any(|own| own.name == shipped.name);
        let shipped = playbook::shipped().into_iter().filter(|shipped| !is_replaced(shipped));
        self.playbooks.iter().cloned().chain(shipped).collect()
    }

    /// What cannot be meant, a sentence each; empty when all is well. Types and keys were looked at while reading.
    #[must_use]
    pub fn problems(&self) -> Vec<String> {
        let mut problems = Vec::new();
        for (name, service) in &self.services {
            for (operation, declared) in &service.operations {
                if let Some(profile) =
                    declared.profile.as_ref().filter(|name| !self.profiles.contains_key(*name))
                {
                    problems.push(format!(
                        "{name}: operation `{operation}` names the unknown profile `{profile}`"
                    ));
                }
            }
            let mut names = BTreeSet::new();
            for slo in &service.slos {
                if !names.insert(&slo.name) {
                    problems.push(format!("{name}: two objectives are named `{}`", slo.name));
                }
                problems.extend(
                    slo_problems(slo).into_iter().map(|what| format!("{name}: `{}` {what}", slo.name)),
                );
            }
        }
        for playbook in &self.playbooks {
            let named = |what| format!("playbook `{}`: {what}", playbook.name);
            problems.extend(playbook.problems().into_iter().map(named));
        }
        let rates = [
            self.settings.critical_failure_rate,
            self.settings.degraded_failure_rate,
            self.settings.dependency_failure_rate,
            self.settings.critical_budget,
            self.settings.degraded_budget,
        ];
        if rates.iter().any(|rate| !(0.0..=1.0).contains(rate)) {
            problems.push("settings: each of them is a share from 0 to 1".to_owned());
        }
        if !(1..=ROLLING_DAYS_MAX).contains(&self.settings.rolling_days) {
            problems.push(format!(
                "settings: `rolling-days` is from 1 to {ROLLING_DAYS_MAX}: no baseline looks back any further"
            ));
        }
        problems
    }
}

fn slo_problems(slo: &Slo) -> Vec<&'static str> {
    let mut problems = Vec::new();
    if slo.target.is_some_and(|target| !(target > 0.0 && target < 1.0)) {
        problems.push(
            "has a target that is no share between 0 and 1; without any room to fail there is no budget",
        );
    }
    if slo.kind.is_latency() && slo.threshold.is_none() {
        problems.push("is about latency and names no threshold");
    }
    if !slo.kind.is_latency() && slo.threshold.is_some() {
        problems.push("is about failures and names a threshold");
    }
    if slo.window_days == 0 {
        problems.push("has a window of no days");
    }
    problems
}

#[cfg(test)]
#[path = "declared/tests.rs"]
mod tests;
