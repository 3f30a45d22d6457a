//! What the tools of this dialect ask of the sources: which service is meant, its health, what is usual, its objectives.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::sync::Arc;

use evidence::health::service::{self, Known};
use evidence::health::slo::{self, SloState};
use evidence::health::{Declared, Part, ServiceHealth, Status, baseline, figures};
use telemetry::answer::{EdgeRow, HealthRow, Table};
use telemetry::{Ask, Scope, UnixNanos, Window};

use super::lacks::Lacks;
use crate::tool::{Context, ToolError};
use crate::{asked, health, near};

/// Seconds of which "now" is made.
pub(super) const NOW_SECONDS: i64 = 900;
/// Seconds of a part from which it is not asked of a source that tells every second by itself.
const SECONDS_TOLD: f64 = 1_800.0;
/// Ages, in hours before the window, between which the parts of a rolling baseline lie: finer where more is kept.
const REFERENCE_HOURS: [i64; 14] = [0, 1, 2, 3, 4, 5, 6, 12, 24, 48, 72, 96, 120, 168];

/// Which service and operation are meant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Place {
    pub(super) service: String,
    pub(super) operation: Option<String>,
    /// Other services with requests, sorted.
    pub(super) others: Vec<String>,
}

/// The window before now.
pub(super) fn window(context: &Context, seconds: i64) -> Window {
    let now = context.installation.now();
    Window::new(now.plus_seconds(-seconds), now)
}

/// The service meant: the one named, else the one with the operation asked about, else the worst. Names that are not known meet
/// the nearest ones; where nothing is known at all, whatever is named is empty.
pub(super) async fn place(
    context: &Context,
    (service, operation): (Option<&str>, Option<&str>),
    window: Window,
) -> Result<Place, ToolError> {
    let asked = named_within(context, window);
    let told = health::of(context, asked, &Scope::all()).await;
    // What was left out, or was not asked for, may hold the name.
    let is_whole = !told.is_truncated && asked == window;
    let rows = told.rows;
    let names = figures::services(&rows);
    if let Some(service) =
        service.filter(|service| !names.is_empty() && !names.iter().any(|name| name == service))
        && is_whole
    {
        return Err(ToolError::Input(near::unknown("service", service, &names)));
    }
    let admitted: Vec<&HealthRow> = rows
        .iter()
        .filter(|row| service.is_none_or(|service| row.subject.service == service))
        .filter(|row| operation.is_none_or(|operation| row.subject.operation == operation))
        .collect();
    if admitted.is_empty()
        && let Some(operation) = operation
        && !rows.is_empty()
        && is_whole
    {
        let of_service =
            rows.iter().filter(|row| service.is_none_or(|service| row.subject.service == service));
        let known: Vec<String> = of_service.map(|row| row.subject.operation.clone()).collect();
        return Err(ToolError::Input(near::unknown("operation", operation, &known)));
    }
    let chosen = worst(&admitted, context).or(service.map(str::to_owned)).unwrap_or_default();
    let others = names.into_iter().filter(|name| *name != chosen).collect();
    Ok(Place { service: chosen, operation: operation.map(str::to_owned), others })
}

/// Where names are looked for: in all of the window, or in its end where a source tells every second by itself.
fn named_within(context: &Context, window: Window) -> Window {
    if answers_health(context) || window.seconds() < SECONDS_TOLD {
        return window;
    }
    Window::new(window.to.plus_seconds(-NOW_SECONDS), window.to)
}

/// The service of the worst operation among these rows; of equally bad ones that with the most requests.
fn worst(rows: &[&HealthRow], context: &Context) -> Option<String> {
    let settings = &context.installation.declared().settings;
    let mut operations: BTreeMap<(&str, &str), Vec<&HealthRow>> = BTreeMap::new();
    for row in rows {
        operations.entry((&row.subject.service, &row.subject.operation)).or_default().push(row);
    }
    let mut services: BTreeMap<&str, (Status, u64)> = BTreeMap::new();
    for ((service, _), rows) in operations {
        let figures = figures::Figures::of(rows);
        let place = services.entry(service).or_insert((Status::Unknown, 0));
        *place = (place.0.max(service::status(&figures, settings)), place.1 + figures.count);
    }
    services.into_iter().rev().max_by_key(|(_, rank)| *rank).map(|(service, _)| service.to_owned())
}

/// What is known of one service.
#[derive(Debug)]
pub(super) struct Facts {
    pub(super) service: String,
    pub(super) window: Window,
    pub(super) declared: Arc<Declared>,
    pub(super) edges: Vec<EdgeRow>,
    pub(super) slos: Vec<SloState>,
    pub(super) health: ServiceHealth,
    /// Whether a source left rows out.
    pub(super) is_truncated: bool,
    pub(super) gaps: Vec<String>,
}

impl Facts {
    /// Asks for everything that the health of a service takes.
    pub(super) async fn of(context: &Context, service: &str, window: Window) -> Self {
        let declared = context.installation.declared();
        let scope = Scope::service(service);
        let parts = reference_parts(context, window);
        let windows: Vec<Window> = std::iter::once(window).chain(parts.iter().copied()).collect();
        let mut answers = health::rows(context, &windows, &scope).await.into_iter();
        let Some(now) = answers.next() else {
            return Self::nothing(service, window, declared);
        };
        let mut lacks = Lacks::default();
        lacks.of("requests", &now);
        let answers: Vec<_> = answers.collect();
        for picked in &answers {
            lacks.of("what is usual", picked);
        }
        let before: Vec<(Window, Vec<HealthRow>)> =
            parts.into_iter().zip(answers).map(|(part, picked)| (part, picked.rows)).collect();
        let edges = asked::one(context, Ask::Edges { window, scope: scope.clone() }, |table| match table {
            Table::Edges(rows) => Some(rows),
            _ => None,
        });
        let edges = edges.await;
        lacks.of("calls", &edges);
        let Objectives { states: slos, lacks: of_objectives } =
            objectives(context, service, window.to, &declared).await;
        lacks.extend(of_objectives);
        let before: Vec<Part<'_>> = before.iter().map(|(part, rows)| (*part, rows.as_slice())).collect();
        let known = Known {
            service,
            window,
            rows: &now.rows,
            before: &before,
            edges: &edges.rows,
            slos: &slos,
            declared: &declared,
        };
        let health = service::of(&known);
        Self {
            service: service.to_owned(),
            window,
            edges: edges.rows,
            slos,
            health,
            is_truncated: lacks.is_truncated,
            gaps: lacks.told(),
            declared,
        }
    }

    fn nothing(service: &str, window: Window, declared: Arc<Declared>) -> Self {
        let known =
            Known { service, window, rows: &[], before: &[], edges: &[], slos: &[], declared: &declared };
        let health = service::of(&known);
        Self {
            service: service.to_owned(),
            window,
            edges: Vec::new(),
            slos: Vec::new(),
            health,
            is_truncated: false,
            gaps: Vec::new(),
            declared,
        }
    }
}

/// The parts of the time before that a rolling baseline is made of. Where a source tells seconds only, an hour: days
/// of seconds would be more than an answer holds.
fn reference_parts(context: &Context, window: Window) -> Vec<Window> {
    let settings = &context.installation.declared().settings;
    let whole = baseline::reference(window, settings);
    let back = |seconds: i64| window.from.plus_seconds(-seconds);
    if !answers_health(context) {
        return (0..4).map(|quarter| Window::new(back((quarter + 1) * 900), back(quarter * 900))).collect();
    }
    let edges = REFERENCE_HOURS.iter().zip(REFERENCE_HOURS.iter().skip(1));
    edges
        .map(|(to, from)| Window::new(back(from * 3_600), back(to * 3_600)))
        .filter(|part| part.from >= whole.from)
        .collect()
}

/// Whether some source answers `health`; else seconds are told, and only so many of them.
fn answers_health(context: &Context) -> bool {
    context.installation.questions().iter().any(|name| name == "health")
}

/// How the declared objectives of a service stand, and what the answers behind that lack.
#[derive(Debug, Default)]
pub(super) struct Objectives {
    pub(super) states: Vec<SloState>,
    pub(super) lacks: Lacks,
}

/// The rows of each part asked for.
type Answers = Vec<(Window, Vec<HealthRow>)>;

/// How the declared objectives of a service stand.
pub(super) async fn objectives(
    context: &Context,
    service: &str,
    now: UnixNanos,
    declared: &Declared,
) -> Objectives {
    let mut found = Objectives::default();
    let mut told: BTreeMap<u32, Answers> = BTreeMap::new();
    for objective in declared.service(service).map(|service| service.slos.as_slice()).unwrap_or_default() {
        // Objectives of one length share their answers.
        let answers = match told.entry(objective.window_days) {
            Entry::Occupied(answers) => answers.into_mut(),
            Entry::Vacant(place) => {
                let windows = slo::parts(objective, now);
                place.insert(parts(context, service, windows, &mut found.lacks).await)
            }
        };
        let parts: Vec<Part<'_>> = answers.iter().map(|(window, rows)| (*window, rows.as_slice())).collect();
        let mut state = slo::state(objective, service, &parts, now, declared.settings.requests_min);
        // What a pair of windows burns is not known from the end of its long one.
        let asked_from = parts.iter().map(|(window, _)| window.from).min().unwrap_or(now);
        state.burns.retain(|burn| now.plus_seconds(-burn.rule.long_seconds) >= asked_from);
        found.states.push(state);
    }
    found
}

/// The rows of each part of an objective's window. Where a source tells seconds only, long parts are not asked for: it would
/// leave out most of them, and a budget of what is left would be a wrong one.
async fn parts(context: &Context, service: &str, mut windows: Vec<Window>, lacks: &mut Lacks) -> Answers {
    let all = windows.len();
    if !answers_health(context) {
        windows.retain(|window| window.seconds() < SECONDS_TOLD);
    }
    if windows.len() < all {
        lacks.gap("objectives beyond the last hour: no data: no source answers `health`".to_owned());
    }
    let answers = health::rows(context, &windows, &Scope::service(service)).await;
    for picked in &answers {
        lacks.of("objectives", picked);
    }
    windows.into_iter().zip(answers.into_iter().map(|picked| picked.rows)).collect()
}

/// The burn rate that is shown: of the last hour, and of nothing else when there were no requests in it.
pub(super) fn burn(state: &SloState) -> Option<f64> {
    state.burns.first().and_then(|burn| burn.long)
}
