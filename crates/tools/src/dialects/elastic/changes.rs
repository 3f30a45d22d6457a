//! `get_change_events`: what was changed, and which versions ran before and which run now.
//!
//! A version is new when it took requests in the window and none in the look-back before. A deploy that goes back to an old
//! version shows as one that came back: it ran in the look-back, and not right before the window.

use std::collections::{BTreeMap, BTreeSet};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::json;
use telemetry::answer::{ChangeKind, ChangeRow, Table};
use telemetry::{Ask, Scope, Window};

use crate::budget::clip;
use crate::dialects::Record;
use crate::dialects::reading::arguments::{self, Kql, Short, When};
use crate::dialects::reading::filter::{self, Filter};
use crate::dialects::reading::requests;
use crate::dialects::reading::shape::{reads, shortened};
use crate::hint::Hint;
use crate::services;
use crate::tool::{Context, Found, ToolError};

const BACK: i64 = 24 * 3600;
/// Seconds before the window in which a version counts as known, and right before it.
const KNOWN: i64 = 30 * 24 * 3600;
const RIGHT_BEFORE: i64 = 3600;
/// Seconds by which a version may begin before the window and still be one of it.
const TOLERANCE: i64 = 300;
/// Events, services, versions of a service.
const EVENTS: usize = 20;
const SERVICES: usize = 20;
const VERSIONS: usize = 10;

/// The kind of a change.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
enum ChangeType {
    Deployment,
    Configuration,
    FeatureFlag,
    Scaling,
}

/// The arguments.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub(crate) struct Input {
    start: Option<When>,
    end: Option<When>,
    service_name: Option<Short>,
    environment: Option<Short>,
    change_types: Option<Vec<ChangeType>>,
    kql_filter: Option<Kql>,
}

/// The answer.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Answer {
    summary: String,
    total: usize,
    /// The newest first.
    events: Vec<Event>,
    /// Who told of them.
    sources: Vec<String>,
    versions_by_service: Vec<Versions>,
    gaps: Vec<String>,
}

/// One change.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
struct Event {
    timestamp: String,
    #[serde(rename = "type")]
    kind: ChangeType,
    service: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    instance: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    from: String,
    to: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    author: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    message: String,
}

/// The versions of one service.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
struct Versions {
    service: String,
    versions: Vec<String>,
    /// Those that took no request in 30 days before.
    new: Vec<String>,
    /// Those that did, and none in the hour before: gone back to.
    came_back: Vec<String>,
}

const FIELDS: [&str; 8] = [
    "@timestamp",
    "service.name",
    "service.node.name",
    "service.version",
    "change.type",
    "change.author",
    "message",
    "change.from",
];

shortened!(Answer, "CHANGES", [versions_by_service, events]);
reads!(
    GetChangeEvents,
    "get_change_events",
    Input => Answer,
    call,
    "List deployments, configuration changes, flags and scaling, and versions that are new or came back.\n\
     When to use: to see what changed before something broke; to find the version that is new.\n\
     When NOT to use: whether a version is worse (`get_apm_correlations`); when a figure changed (`get_trace_change_points`)."
);

async fn call(context: &Context, input: Input) -> Result<Found<Answer>, ToolError> {
    filter::no_environment(&input.environment)?;
    let window = arguments::window(context, (&input.start, &input.end), BACK)?;
    let filter = Filter::read(context, &input.kql_filter)?;
    filter.only(&FIELDS)?;
    let scope = arguments::scope(&input.service_name);
    let (mut rows, sources, mut gaps, is_cut) = told(context, window, scope.clone()).await;
    if rows.is_empty()
        && let Some(service) = &input.service_name
    {
        services::known(context, window, &service.0).await?;
    }
    rows.sort_by(|one, other| other.at.cmp(&one.at).then_with(|| one.service.cmp(&other.service)));
    let mut events: Vec<Event> = rows.iter().filter(|row| filter.keeps(&record(row))).map(event).collect();
    events.retain(|event| input.change_types.as_ref().is_none_or(|wanted| wanted.contains(&event.kind)));
    let (versions_by_service, is_many) = versions(context, window, scope, &mut gaps).await?;
    let total = events.len();
    let next = hints(&events, input.service_name.as_ref(), window);
    events.truncate(EVENTS);
    let fresh: usize = versions_by_service.iter().map(|row| row.new.len() + row.came_back.len()).sum();
    let answer = Answer {
        summary: format!("{total} changes, {fresh} versions that are new or came back"),
        total,
        events,
        sources,
        versions_by_service,
        gaps,
    };
    Ok(Found { answer, is_truncated: is_cut || is_many || total > EVENTS, next })
}

/// The changes of all sources: each knows of others.
async fn told(
    context: &Context,
    window: Window,
    scope: Scope,
) -> (Vec<ChangeRow>, Vec<String>, Vec<String>, bool) {
    let (mut rows, mut sources, mut gaps, mut is_cut) = (Vec::new(), BTreeSet::new(), Vec::new(), false);
    for answered in context.installation.ask(vec![Ask::Changes { window, scope }]).await {
        match answered.result {
            Ok(answer) => {
                is_cut |= answer.truncated;
                if let Table::Changes(found) = answer.table {
                    if !found.is_empty() {
                        sources.insert(answered.source.0);
                    }
                    rows.extend(found);
                }
            }
            Err(error) => gaps.push(format!("{}: {error}", answered.source.0)),
        }
    }
    (rows, sources.into_iter().collect(), gaps, is_cut)
}

fn kind(row: &ChangeRow) -> ChangeType {
    match row.kind {
        ChangeKind::Deploy | ChangeKind::Commit => ChangeType::Deployment,
        ChangeKind::Restart | ChangeKind::InstanceAdded => ChangeType::Scaling,
        // A flag and a setting are one kind of change here; a file tells a setting from it.
        ChangeKind::Flag if row.detail.as_ref().is_some_and(|detail| !detail.files.is_empty()) => {
            ChangeType::Configuration
        }
        ChangeKind::Flag => ChangeType::FeatureFlag,
    }
}

fn record(row: &ChangeRow) -> Record {
    let event = event(row);
    let kind = match event.kind {
        ChangeType::Deployment => "deployment",
        ChangeType::Configuration => "configuration",
        ChangeType::FeatureFlag => "feature_flag",
        ChangeType::Scaling => "scaling",
    };
    Record::default()
        .with_time("@timestamp", row.at)
        .with("service.name", &row.service)
        .with("service.node.name", &row.instance)
        .with("service.version", &row.after)
        .with("change.type", kind)
        .with("change.author", &event.author)
        .with("change.from", &row.before)
        .with("message", &event.message)
}

fn event(row: &ChangeRow) -> Event {
    let detail = row.detail.as_deref().cloned().unwrap_or_default();
    Event {
        timestamp: row.at.rfc3339(),
        kind: kind(row),
        service: row.service.clone(),
        instance: row.instance.clone(),
        from: clip(&row.before, 60),
        to: clip(&row.after, 60),
        author: clip(&detail.author, 60),
        message: clip(&detail.message, 120),
    }
}

/// Which versions took requests: in the window, in the look-back, and right before.
async fn versions(
    context: &Context,
    window: Window,
    scope: Scope,
    gaps: &mut Vec<String>,
) -> Result<(Vec<Versions>, bool), ToolError> {
    let from = window.from.plus_seconds(-TOLERANCE);
    let windows = [
        window,
        Window::new(from.plus_seconds(-KNOWN), from),
        Window::new(from.plus_seconds(-RIGHT_BEFORE), from),
    ];
    let mut ran: Vec<BTreeMap<String, BTreeSet<String>>> = Vec::new();
    for window in windows {
        let told = requests::rows(context, window, scope.clone(), &Filter::none()).await?;
        let mut by_service: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
        for row in told.rows.into_iter().filter(|row| !row.subject.version.is_empty()) {
            by_service.entry(row.subject.service).or_default().insert(row.subject.version);
        }
        ran.push(by_service);
    }
    let of = |place: usize, service: &str| {
        ran.get(place).and_then(|by_service| by_service.get(service)).cloned().unwrap_or_default()
    };
    let services: Vec<String> = ran.first().map(|now| now.keys().cloned().collect()).unwrap_or_default();
    let mut rows: Vec<Versions> = services
        .iter()
        .map(|service| {
            let (now, known, lately) = (of(0, service), of(1, service), of(2, service));
            let is_back = |version: &&String| {
                known.contains(*version) && !lately.is_empty() && !lately.contains(*version)
            };
            // Without any request before, nothing is known to be new.
            let is_new = |version: &&String| !known.is_empty() && !known.contains(*version);
            let some = |versions: Vec<&String>| versions.into_iter().take(VERSIONS).cloned().collect();
            Versions {
                service: service.clone(),
                new: some(now.iter().filter(is_new).collect()),
                came_back: some(now.iter().filter(is_back).collect()),
                versions: some(now.iter().collect()),
            }
        })
        .collect();
    if ran.get(1).is_none_or(BTreeMap::is_empty) && !rows.is_empty() {
        gaps.push("no versions are known from before the window: none can be called new".to_owned());
    }
    rows.sort_by_key(|row| (row.new.is_empty() && row.came_back.is_empty(), row.service.clone()));
    let is_many = rows.len() > SERVICES;
    rows.truncate(SERVICES);
    Ok((rows, is_many))
}

fn hints(events: &[Event], service: Option<&Short>, window: Window) -> Vec<Hint> {
    let named = events.iter().find(|event| !event.service.is_empty());
    match (named, service) {
        (Some(event), _) => vec![Hint::new(
            "get_apm_correlations",
            json!({ "serviceName": event.service, "start": event.timestamp, "end": window.to.rfc3339() }),
            "whether the new version is worse",
        )],
        (None, Some(service)) => {
            vec![Hint::new(
                "get_trace_change_points",
                arguments::within(
                    window,
                    json!({ "kqlFilter": filter::of_value("service.name", &service.0) }),
                ),
                "when it changed without a change",
            )]
        }
        (None, None) => {
            vec![Hint::new(
                "get_trace_change_points",
                arguments::within(window, json!({})),
                "when services changed without a change",
            )]
        }
    }
}
