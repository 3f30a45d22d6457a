//! What changed between two looks at the health layer, as events (AG-60): told when it changes and not while it lasts.
//!
//! A look asks what `get_service_health` and `get_slo_report` ask, of every service. What a look cannot judge, because there
//! were too few requests or nobody answered, stays as it was: silence is no recovery. Of circuit breakers the health
//! layer knows nothing; the engine finds an open one when it investigates.

use std::collections::BTreeMap;

use evidence::health::slo::Standing;
use evidence::health::{Deviation, Status};
use serde::Serialize;
use serde_json::{Value, json};
use telemetry::answer::{ChangeKind, ChangeRow, Table};
use telemetry::{Ask, Scope, UnixNanos, Window};

use super::facts::{self, Facts};
use crate::services;
use crate::tool::Context;

/// Services of one look at most, by name; of a larger system the others are not looked at, and a gap says so.
pub const SERVICES_MAX: usize = 200;
/// Seconds looked back at for deploys at the first look, which tells none, and at most later.
const CHANGES_BACK: i64 = 3_600;

const ANOMALY: &str = "agenttel.anomaly.detected";
const BUDGET: &str = "agenttel.slo.budget_alert";
const DEPENDENCY: &str = "agenttel.dependency.state_change";
const DEPLOYMENT: &str = "agenttel.deployment.info";

/// Something that changed.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Event {
    /// Its name among AgentTel's.
    pub name: &'static str,
    /// When it was seen, RFC 3339; of a deployment, when it took effect.
    pub at: String,
    /// Which service.
    pub service: String,
    /// What of it: an operation, an objective, a dependency; of a deployment the instance.
    pub subject: String,
    /// How it was.
    pub before: String,
    /// How it is.
    pub after: String,
    /// Figures, the unit in each name.
    pub figures: Value,
}

/// How one thing is, and by which figures.
#[derive(Debug, Clone, PartialEq)]
struct State {
    name: &'static str,
    figures: Value,
}

/// What is looked at: name of its events, service, subject.
type Key = (&'static str, String, String);

/// How everything was at a look.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Looked {
    at: UnixNanos,
    states: BTreeMap<Key, State>,
    deploys: Vec<ChangeRow>,
    /// What could not be looked at.
    pub gaps: Vec<String>,
}

/// Looks at every service.
pub async fn look(context: &Context, before: Option<&Looked>) -> Looked {
    let window = facts::window(context, facts::NOW_SECONDS);
    let mut looked = Looked { at: window.to, ..Looked::default() };
    let mut names = services::lately(context).await;
    if names.len() > SERVICES_MAX {
        looked.gaps.push(format!("{} services are not looked at", names.len() - SERVICES_MAX));
        names.truncate(SERVICES_MAX);
    }
    for service in names {
        let facts = Facts::of(context, &service, window).await;
        looked.take(&facts);
    }
    let earliest = window.to.plus_seconds(-CHANGES_BACK);
    let from = before.map_or(window.to, |before| before.at.max(earliest));
    looked.deploys = deploys(context, Window::new(from, window.to)).await;
    looked
}

/// The deploys of a window, whoever tells of them, the same one once.
async fn deploys(context: &Context, window: Window) -> Vec<ChangeRow> {
    let mut found: Vec<ChangeRow> = Vec::new();
    for answered in context.installation.ask(vec![Ask::Changes { window, scope: Scope::all() }]).await {
        let Ok(Table::Changes(rows)) = answered.result.map(|answer| answer.table) else { continue };
        let is_new = |row: &ChangeRow, found: &[ChangeRow]| {
            found.iter().all(|known| (&known.service, &known.after) != (&row.service, &row.after))
        };
        for row in rows.into_iter().filter(|row| row.kind == ChangeKind::Deploy) {
            if window.contains(row.at) && is_new(&row, &found) {
                found.push(row);
            }
        }
    }
    found.sort_by(|one, other| (one.at, &one.service).cmp(&(other.at, &other.service)));
    found
}

impl Looked {
    fn take(&mut self, facts: &Facts) {
        let service = &facts.service;
        let mut put = |name, subject: &str, state: Option<&'static str>, figures| {
            let state = state.map(|name| State { name, figures });
            self.states.extend(state.map(|state| ((name, service.clone(), subject.to_owned()), state)));
        };
        for operation in &facts.health.operations {
            let state = match (operation.status, operation.deviation) {
                (Status::Degraded | Status::Critical, _) => Some("failing"),
                (_, Deviation::Elevated | Deviation::Critical) => Some("slow"),
                (Status::Unknown, _) => None,
                (Status::Healthy, _) => Some("usual"),
            };
            let figures = json!({
                "failure_rate": operation.figures.failure_rate(),
                "p50_ms": operation.figures.p50_ms,
                "baseline_p50_ms": operation.baseline.p50_ms,
            });
            put(ANOMALY, &operation.operation, state, figures);
        }
        for objective in &facts.slos {
            let state = match objective.standing {
                Standing::NoData => None,
                Standing::Healthy => Some("healthy"),
                Standing::AtRisk => Some("info"),
                Standing::Warning => Some("warning"),
                Standing::Violated => Some("critical"),
            };
            let figures =
                json!({ "budget_left": objective.budget_left, "burn_rate": facts::burn(objective) });
            put(BUDGET, &objective.name, state, figures);
        }
        for dependency in &facts.health.dependencies {
            let state = (dependency.status != Status::Unknown).then(|| dependency.status.name());
            let figures = json!({ "failure_rate": dependency.failure_rate, "mean_ms": dependency.mean_ms });
            put(DEPENDENCY, &dependency.name, state, figures);
        }
        self.gaps.extend(facts.gaps.iter().map(|gap| format!("{service}: {gap}")));
    }

    /// What changed since `before`, and how everything is now for the next comparison.
    #[must_use]
    pub fn since(mut self, before: &Self) -> (Vec<Event>, Self) {
        let mut events: Vec<Event> = Vec::new();
        for (key, state) in &self.states {
            let Some(was) = before.states.get(key) else {
                // What is seen for the first time is news only when something is wrong with it.
                if !matches!(state.name, "usual" | "healthy") {
                    events.push(event(key, "unknown", state, self.at));
                }
                continue;
            };
            if was.name != state.name {
                events.push(event(key, was.name, state, self.at));
            }
        }
        events.extend(self.deploys.iter().map(|row| Event {
            name: DEPLOYMENT,
            at: row.at.rfc3339(),
            service: row.service.clone(),
            subject: row.instance.clone(),
            before: row.before.clone(),
            after: row.after.clone(),
            figures: json!({}),
        }));
        for (key, state) in &before.states {
            self.states.entry(key.clone()).or_insert_with(|| state.clone());
        }
        (events, self)
    }
}

fn event((name, service, subject): &Key, before: &str, state: &State, at: UnixNanos) -> Event {
    Event {
        name,
        at: at.rfc3339(),
        service: service.clone(),
        subject: subject.clone(),
        before: before.to_owned(),
        after: state.name.to_owned(),
        figures: state.figures.clone(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn looked(states: &[(&'static str, &str, &'static str)]) -> Looked {
        let state = |(name, subject, state): &(&'static str, &str, &'static str)| {
            ((*name, "orders".to_owned(), (*subject).to_owned()), State { name: state, figures: json!({}) })
        };
        Looked { states: states.iter().map(state).collect(), ..Looked::default() }
    }

    fn told(events: &[Event]) -> Vec<(&str, &str, &str, &str)> {
        events.iter().map(|event| (event.name, &*event.subject, &*event.before, &*event.after)).collect()
    }

    // covers: AG-60
    #[test]
    fn a_change_is_told_once_and_silence_is_no_recovery() {
        let first = looked(&[
            (ANOMALY, "GET /", "usual"),
            (BUDGET, "availability", "healthy"),
            (DEPENDENCY, "db", "healthy"),
        ]);
        let (events, first) = first.since(&Looked::default());
        assert_eq!(told(&events), [], "what is well from the start is no news");
        let bad = [
            (ANOMALY, "GET /", "failing"),
            (BUDGET, "availability", "warning"),
            (DEPENDENCY, "db", "degraded"),
        ];
        let (events, now) = looked(&bad).since(&first);
        let expected = [
            (ANOMALY, "GET /", "usual", "failing"),
            (DEPENDENCY, "db", "healthy", "degraded"),
            (BUDGET, "availability", "healthy", "warning"),
        ];
        assert_eq!(told(&events), expected);
        let (events, now) = looked(&bad).since(&now);
        assert_eq!(told(&events), [], "it lasts");
        // For a while nothing can be judged; then it is as it was, and then well again.
        let (events, now) = looked(&[]).since(&now);
        assert_eq!(told(&events), []);
        let (events, now) = looked(&bad).since(&now);
        assert_eq!(told(&events), [], "it was never well");
        let (events, _) =
            looked(&[(ANOMALY, "GET /", "usual"), (BUDGET, "availability", "critical")]).since(&now);
        let expected =
            [(ANOMALY, "GET /", "failing", "usual"), (BUDGET, "availability", "warning", "critical")];
        assert_eq!(told(&events), expected);
    }

    #[test]
    fn what_is_wrong_when_it_is_first_seen_and_each_deploy_are_told() {
        let deploy = ChangeRow {
            at: UnixNanos(0).plus_seconds(5),
            kind: ChangeKind::Deploy,
            service: "orders".to_owned(),
            instance: String::new(),
            before: "1".to_owned(),
            after: "2".to_owned(),
            detail: None,
        };
        let now = Looked { deploys: vec![deploy], ..looked(&[(ANOMALY, "GET /", "slow")]) };
        let (events, _) = now.since(&Looked::default());
        assert_eq!(told(&events), [(ANOMALY, "GET /", "unknown", "slow"), (DEPLOYMENT, "", "1", "2")]);
        assert_eq!(events[1].at, "1970-01-01T00:00:05.000Z");
    }
}
