//! `get_alerts`: what is wrong by our own watch and by the monitors of others.
//!
//! An alert is an incident, or a monitor that is not well. One that began before the window and still holds is shown: what
//! matters is whether it was active in the window, not when it began. An incident that is closed without a verdict, or
//! was cut off, is shown when it began in the window, as `unknown`: nobody measured whether it is over.

use incident::Verdict;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::json;
use telemetry::answer::{StateKind, StateRow};
use telemetry::{Ask, Scope, UnixNanos, Window};

use crate::dialects::Record;
use crate::dialects::reading::arguments::{self, Kql, When};
use crate::dialects::reading::filter::Filter;
use crate::dialects::reading::shape::{reads, shortened};
use crate::dialects::reading::told::{self, Told};
use crate::hint::Hint;
use crate::installation::IncidentRow;
use crate::tool::{Context, Found, ToolError};

/// Seconds looked back at, alerts given, and incidents looked at.
const BACK: i64 = 3600;
const USUAL: usize = 10;
const MOST: usize = 100;
const INCIDENTS: usize = 1000;

/// The arguments.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub(crate) struct Input {
    start: Option<When>,
    end: Option<When>,
    /// An older tool called it `query`.
    #[serde(alias = "query")]
    kql_filter: Option<Kql>,
    /// Whether alerts that are over are shown, too.
    #[serde(default)]
    include_recovered: bool,
    limit: Option<u32>,
}

/// The answer.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Answer {
    total: usize,
    /// The newest first.
    alerts: Vec<Alert>,
    selected_fields: Vec<&'static str>,
    gaps: Vec<String>,
}

/// One alert.
#[derive(Debug, Serialize, JsonSchema)]
struct Alert {
    id: String,
    /// `active`, `recovered`, or `unknown`.
    status: &'static str,
    start: String,
    rule: &'static str,
    service: String,
    reason: String,
}

const FIELDS: [&str; 6] = [
    "kibana.alert.status",
    "kibana.alert.start",
    "kibana.alert.rule.name",
    "kibana.alert.reason",
    "kibana.alert.uuid",
    "service.name",
];

shortened!(Answer, "ALERTS", [alerts]);
reads!(
    GetAlerts,
    "get_alerts",
    Input => Answer,
    call,
    "Get alerts that were active in a window: incidents that the watch opened, and monitors that are not well.\n\
     When to use: to begin; to see what is wrong right now; to find when it began.\n\
     When NOT to use: how services do without an alert (`get_services`); what changed (`get_change_events`)."
);

async fn call(context: &Context, input: Input) -> Result<Found<Answer>, ToolError> {
    let window = arguments::window(context, (&input.start, &input.end), BACK)?;
    let limit = arguments::limit(input.limit, USUAL, MOST)?;
    let filter = Filter::read(context, &input.kql_filter)?;
    filter.only(&FIELDS)?;
    let listed = context.installation.incidents(INCIDENTS)?;
    let is_cut = listed.total > listed.rows.len();
    let mut found: Vec<(UnixNanos, Alert)> =
        listed.rows.into_iter().filter_map(|row| of_incident(row, window)).collect();
    let monitors = monitors(context, window).await;
    found.extend(monitors.rows.into_iter().filter_map(|row| of_monitor(row, window)));
    found.retain(|(_, alert)| input.include_recovered || alert.status != "recovered");
    found.retain(|(start, alert)| filter.keeps(&alert.record(*start)));
    found.sort_by(|one, other| other.0.cmp(&one.0).then_with(|| one.1.id.cmp(&other.1.id)));
    let total = found.len();
    let next = match found.iter().find(|(_, alert)| !alert.service.is_empty()) {
        Some((start, alert)) => {
            let (start, end) = (start.plus_seconds(-900).rfc3339(), window.to.rfc3339());
            vec![
                Hint::new(
                    "get_service_topology",
                    json!({ "serviceName": alert.service, "direction": "both", "start": start, "end": end }),
                    "who else is hit",
                ),
                Hint::new(
                    "get_change_events",
                    json!({ "serviceName": alert.service, "start": start, "end": end }),
                    "what changed before",
                ),
            ]
        }
        None => vec![Hint::new("get_services", arguments::within(window, json!({})), "how all services do")],
    };
    let alerts = found.into_iter().take(limit).map(|(_, alert)| alert).collect();
    let answer = Answer { total, alerts, selected_fields: FIELDS.to_vec(), gaps: monitors.gaps };
    let is_truncated = is_cut || monitors.is_truncated || total > limit;
    Ok(Found { answer, is_truncated, next })
}

impl Alert {
    fn record(&self, start: UnixNanos) -> Record {
        Record::default()
            .with("kibana.alert.status", self.status)
            .with_time("kibana.alert.start", start)
            .with("kibana.alert.rule.name", self.rule)
            .with("kibana.alert.reason", &self.reason)
            .with("kibana.alert.uuid", &self.id)
            .with("service.name", &self.service)
    }
}

fn of_incident(row: IncidentRow, window: Window) -> Option<(UnixNanos, Alert)> {
    // An incident that is opened at this very moment is one of it.
    if row.opened_at > window.to {
        return None;
    }
    let status = match (row.status.as_str(), row.verdict) {
        (_, Some(Verdict::Effective | Verdict::RecoveredUnattributed)) => "recovered",
        ("running", _) => "active",
        // Closed, cut off or unreadable: nothing would ever end it.
        _ => "unknown",
    };
    // When one is over is not told: only those that still hold reach beyond the window that they began in.
    if status != "active" && row.opened_at < window.from {
        return None;
    }
    let reason = if row.symptom.is_empty() { row.headline } else { row.symptom };
    let alert = Alert {
        id: row.incident,
        status,
        start: row.opened_at.rfc3339(),
        rule: "watch",
        service: row.service,
        reason: crate::budget::clip(&reason, 200),
    };
    Some((row.opened_at, alert))
}

async fn monitors(context: &Context, window: Window) -> Told<Vec<StateRow>> {
    if !context.installation.questions().iter().any(|name| name == "state") {
        return Told::default();
    }
    let ask = Ask::State { window, scope: Scope::all() };
    let mut told = told::ask::<Vec<StateRow>>(context, ask, told::rows!(State)).await;
    // That nobody holds states is no gap: there may be no monitors but our own.
    told.gaps.retain(|gap| !gap.starts_with("nobody answers"));
    told.rows.retain(|row| row.kind == StateKind::Monitor);
    told
}

fn of_monitor(row: StateRow, window: Window) -> Option<(UnixNanos, Alert)> {
    let start = row.since.unwrap_or(row.at);
    let status = match row.status.as_str() {
        "ok" => "recovered",
        _ => "active",
    };
    if start >= window.to || (status == "recovered" && start < window.from) {
        return None;
    }
    let alert = Alert {
        id: row.name.clone(),
        status,
        start: start.rfc3339(),
        rule: "monitor",
        service: row.service,
        reason: crate::budget::clip(if row.text.is_empty() { &row.name } else { &row.text }, 200),
    };
    Some((start, alert))
}

#[cfg(test)]
mod tests {
    use super::*;

    // covers: EL-01
    #[test]
    fn only_an_incident_that_runs_is_active_and_reaches_beyond_the_window_it_began_in() {
        let at = |s: i64| UnixNanos(0).plus_seconds(s);
        let status = |status: &str, opened_at: UnixNanos| {
            let row = IncidentRow {
                incident: "inc_1".to_owned(),
                status: status.to_owned(),
                headline: String::new(),
                symptom: String::new(),
                conclusion: None,
                service: String::new(),
                verdict: None,
                opened_at,
            };
            of_incident(row, Window::new(at(100), at(200))).map(|(_, alert)| alert.status)
        };
        assert_eq!((status("running", at(50)), status("running", at(150))), (Some("active"), Some("active")));
        for over in ["closed", "cut_off", "unreadable"] {
            assert_eq!((status(over, at(50)), status(over, at(150))), (None, Some("unknown")), "{over}");
        }
    }
}
