//! Which spans a browser sent, and what they say of page, journey and user.
//!
//! A browser is known by `browser.*` or `telemetry.sdk.language`, which sources take over from the resource, or by the attributes
//! of its library. Page loads and calls are those of OpenTelemetry's instrumentations for the web.

use telemetry::SpanKind;
use telemetry::answer::TraceRow;

use super::agenttel;

/// The span of a page load by OpenTelemetry's instrumentation.
const DOCUMENT_LOAD: &str = "documentLoad";
const LANGUAGE: &str = "telemetry.sdk.language";
const WEB: &str = "webjs";
/// Who; a session where nobody says who.
const USER: &[&str] = &["user.id", "enduser.id", "enduser.pseudo.id", "session.id"];
const ROUTE: &[&str] = &[agenttel::ROUTE, "http.route", "url.template", "app.screen.name"];
/// Where no route is told, the address of the page, without what follows its path.
const ADDRESS: &[&str] = &["location.href", "url.full", "http.url"];
const CLICKED: &[&str] = &[agenttel::TARGET, "target_xpath", "target_element"];

/// A span that a browser sent.
#[derive(Debug, Clone, Copy)]
pub(super) struct Visit<'a> {
    pub(super) row: &'a TraceRow,
}

/// Where somebody is in a journey.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Journey<'a> {
    pub(super) name: &'a str,
    pub(super) step: u64,
    pub(super) steps: u64,
    /// When it began, as told; tells two journeys of one user apart.
    pub(super) began: &'a str,
}

impl<'a> Visit<'a> {
    /// The span, if a browser sent it.
    pub(super) fn of(row: &'a TraceRow) -> Option<Self> {
        let is_browser = row.attributes.iter().any(|(key, value)| {
            key.starts_with("browser.")
                || key.starts_with(agenttel::PREFIX)
                || (key == LANGUAGE && value == WEB)
        });
        is_browser.then_some(Self { row })
    }

    fn text(&self, keys: &[&str]) -> Option<&'a str> {
        keys.iter().find_map(|key| {
            let found = self.row.attributes.iter().find(|(name, _)| name == key);
            found.map(|(_, value)| value.as_str()).filter(|value| !value.is_empty())
        })
    }

    fn number<T: std::str::FromStr>(&self, key: &str) -> Option<T> {
        self.text(&[key]).and_then(|text| text.parse().ok())
    }

    pub(super) fn user(&self) -> Option<&'a str> {
        self.text(USER)
    }

    pub(super) fn is_page_load(&self) -> bool {
        let name = self.row.subject.operation.as_str();
        name == DOCUMENT_LOAD || name.starts_with(agenttel::PAGE_LOAD)
    }

    pub(super) fn is_call(&self) -> bool {
        self.row.kind == SpanKind::Client
    }

    /// The page. A call's own address is that of what it calls, not of the page.
    pub(super) fn page_route(&self) -> Option<&'a str> {
        if self.is_call() {
            return self.text(&[agenttel::ROUTE, "app.screen.name"]);
        }
        self.text(ROUTE).or_else(|| self.text(ADDRESS).map(path))
    }

    /// Whether it is a load of this page.
    pub(super) fn loads(&self, route: &str) -> bool {
        self.is_page_load() && self.page_route().unwrap_or_default() == route
    }

    pub(super) fn usual_page_load_ms(&self) -> Option<f64> {
        self.number(agenttel::USUAL_PAGE_LOAD)
    }

    pub(super) fn usual_api_call_ms(&self) -> Option<f64> {
        self.number(agenttel::USUAL_API_CALL)
    }

    pub(super) fn journey(&self) -> Option<Journey<'a>> {
        Some(Journey {
            name: self.text(&[agenttel::JOURNEY])?,
            step: self.number(agenttel::JOURNEY_STEP)?,
            steps: self.number(agenttel::JOURNEY_STEPS)?,
            began: self.text(&[agenttel::JOURNEY_BEGAN]).unwrap_or_default(),
        })
    }

    /// What was clicked, if it is a click.
    pub(super) fn clicked(&self) -> Option<&'a str> {
        let is_click = self.row.subject.operation.starts_with("click")
            || self.text(&[agenttel::INTERACTION, "event_type"]) == Some("click");
        if is_click { self.text(CLICKED).or(Some("")) } else { None }
    }
}

/// The spans that browsers sent, by start.
pub(super) fn visits(traces: &[Vec<TraceRow>]) -> Vec<Visit<'_>> {
    let mut visits: Vec<Visit<'_>> = traces.iter().flatten().filter_map(Visit::of).collect();
    visits.sort_by_key(|visit| (visit.row.start, visit.row.span_id));
    visits
}

fn path(address: &str) -> &str {
    let behind = address.split_once("://").map_or(address, |(_, rest)| rest);
    let from = behind.find('/').and_then(|at| behind.get(at..)).unwrap_or("/");
    from.split(['?', '#']).next().unwrap_or(from)
}
