//! Datadog: traces that were retained, logs, metrics, change events and monitors.
//!
//! Counts requests by trace metrics, which are made of all traffic, and never by spans: a search finds those that were retained,
//! by rules that prefer slow and failed ones, so what is told of traces says that it is of a part.

mod metrics;
mod pages;
mod records;
mod requests;
mod spans;

use std::sync::Arc;

use telemetry::answer::Locator;
use telemetry::recorded::{TableSource, Tables};
use telemetry::source::BoxFuture;
use telemetry::{
    Answer, Answerer, Ask, AskError, Cancel, Capabilities, Limits, Question, Source, SourceName, Table,
    TraceId, Window,
};

use crate::Backend;
use crate::fetched::{Fetched, Kept, answer};
use crate::http::{Asking, Http};
use crate::settings::{Settings, SettingsError};
use pages::{EVENTS, Found, LOGS, SPANS, Searches, range};

/// This back end.
pub(crate) const BACKEND: Backend = Backend {
    kind: "datadog",
    what: "Datadog's API, by site (https://api.datadoghq.eu), DD-API-KEY and DD-APPLICATION-KEY in `header_files`; traces are \
           those that were retained, requests those of trace metrics, metrics means of intervals; `tables.requests` \
           names the spans that are requests (`flask.request,grpc.server`) where they are not the frameworks' own",
    questions: &[
        "changes",
        "compare",
        "edges",
        "exemplars",
        "log_templates",
        "onset",
        "paths",
        "self_time",
        "series_change",
        "state",
        "trace",
    ],
    tried: "contract server built from the API reference and the recorded answers of Datadog's own client; no real one",
    needs: "an application key with apm_read, logs_read_data, events_read, metrics_read, monitors_read; POST on \
            /api/v2/spans/events/search, /api/v2/logs/events/search, /api/v2/events/search, GET on /api/v1/query and \
            /api/v1/monitor",
    open,
};

/// Seconds after a window in which spans of its traces may still begin.
const AFTER_SECONDS: i64 = 5;
/// Monitors of one page, and pages.
const MONITORS: (usize, usize) = (200, 10);
/// What every answer over traces is told with.
const RETAINED: &str = "only traces that were retained, not every request";

#[derive(Debug)]
struct Datadog {
    name: SourceName,
    searches: Searches,
    spans: Kept,
    logs: Kept,
    /// Names of the spans in which services take requests; the usual ones when empty.
    requests: Vec<String>,
}

fn open(name: SourceName, settings: &Settings) -> Result<Arc<dyn Source>, SettingsError> {
    let http = Http::new(&name.0, settings)?;
    let application = application(&settings.url);
    Ok(Arc::new(Datadog {
        name,
        searches: Searches { http, application },
        spans: Kept::default(),
        logs: Kept::default(),
        requests: settings
            .tables
            .get("requests")
            .map(|names| names.split(',').map(|name| name.trim().to_owned()).collect())
            .unwrap_or_default(),
    }))
}

/// Where people look, beside the interface: `api.datadoghq.eu` has `app.datadoghq.eu`, `api.us5.datadoghq.com` has
/// `us5.datadoghq.com`.
fn application(url: &str) -> String {
    let url = url.trim_end_matches('/');
    match url.split_once("://api.") {
        Some((scheme, host)) if host.split('.').count() == 2 => format!("{scheme}://app.{host}"),
        Some((scheme, host)) => format!("{scheme}://{host}"),
        None => url.to_owned(),
    }
}

impl Source for Datadog {
    fn name(&self) -> SourceName {
        self.name.clone()
    }

    fn can(&self) -> Capabilities {
        BACKEND.capabilities()
    }

    fn ask<'a>(
        &'a self,
        question: &'a Question,
        limits: Limits,
        cancel: &'a Cancel,
    ) -> BoxFuture<'a, Result<Answer, AskError>> {
        Box::pin(async move {
            let asking = self.searches.http.asking(limits, cancel);
            let limits = asking.limits();
            let fetched = match &question.ask {
                Ask::Onset { window, scope } => {
                    let (series, locator) =
                        requests::series(&self.searches, *window, scope, &self.requests, &asking).await?;
                    let tables = Tables { series, ..Tables::default() };
                    let answer = TableSource::new(tables).answer(question, &limits, cancel)?;
                    return Ok(Answer { locators: vec![locator], ..answer });
                }
                Ask::State { window, .. } => return self.state(question, *window, &asking).await,
                Ask::SeriesChange { good, bad, scope, metrics } => {
                    let windows = [*good, *bad];
                    let (series, locators) =
                        metrics::series(&self.searches, windows, scope, metrics, &asking).await?;
                    let tables = Tables { series, ..Tables::default() };
                    let answer = TableSource::new(tables).answer(question, &limits, cancel)?;
                    return Ok(Answer { locators, ..answer });
                }
                Ask::Trace { trace_id } => vec![Arc::new(self.trace(*trace_id, &asking).await?)],
                Ask::Changes { window, .. } => vec![Arc::new(self.changes(*window, &asking).await?)],
                Ask::LogTemplates { window, .. } => {
                    vec![self.logs.window(*window, self.lines(*window, &asking)).await?]
                }
                Ask::Compare { good, bad, .. } => {
                    vec![self.traces(*good, &asking).await?, self.traces(*bad, &asking).await?]
                }
                Ask::Edges { window, .. }
                | Ask::Exemplars { window, .. }
                | Ask::Paths { window, .. }
                | Ask::SelfTime { window, .. } => vec![self.traces(*window, &asking).await?],
                other => return Err(AskError::Unsupported(other.name().to_owned())),
            };
            answer(question, &fetched, limits, cancel)
        })
    }
}

impl Datadog {
    async fn traces(&self, window: Window, asking: &Asking) -> Result<Arc<Fetched>, AskError> {
        let fetch = async {
            let found = self.searches.all(SPANS, "*", range(window, AFTER_SECONDS), asking).await?;
            let mut fetched = fetched(&found);
            fetched.cut.push(RETAINED.to_owned());
            fetched
                .locators
                .insert(0, Locator { query: RETAINED.to_owned(), link: found.locator.link.clone() });
            fetched.tables.spans = spans::read(&found.items);
            Ok(fetched)
        };
        self.spans.window(window, fetch).await
    }

    async fn trace(&self, id: TraceId, asking: &Asking) -> Result<Fetched, AskError> {
        let hex = id.to_string();
        let lower = hex.get(16..).and_then(|half| u64::from_str_radix(half, 16).ok()).unwrap_or_default();
        // As long as spans are kept; the number is what Datadog searches by.
        let range = ("now-15d".to_owned(), "now".to_owned());
        let found = self.searches.all(SPANS, &format!("trace_id:({lower} OR {hex})"), range, asking).await?;
        let mut fetched = fetched(&found);
        fetched.tables.spans = spans::read(&found.items);
        for span in &mut fetched.tables.spans {
            // The upper half of an id may not have been kept.
            span.trace_id = id;
        }
        Ok(fetched)
    }

    async fn lines(&self, window: Window, asking: &Asking) -> Result<Fetched, AskError> {
        let found = self.searches.all(LOGS, "*", range(window, 0), asking).await?;
        let mut fetched = fetched(&found);
        fetched.tables.logs = records::logs(&found.items);
        Ok(fetched)
    }

    async fn changes(&self, window: Window, asking: &Asking) -> Result<Fetched, AskError> {
        let found = self.searches.all(EVENTS, "*", range(window, 0), asking).await?;
        let mut fetched = fetched(&found);
        fetched.tables.changes = records::changes(&found.items);
        Ok(fetched)
    }

    async fn state(&self, question: &Question, window: Window, asking: &Asking) -> Result<Answer, AskError> {
        let (mut items, mut is_cut) = (Vec::new(), true);
        for page in 0..MONITORS.1 {
            let query = [("page", page.to_string()), ("page_size", MONITORS.0.to_string())];
            let told = self.searches.get("api/v1/monitor", &query, "monitors_read", asking).await?;
            let serde_json::Value::Array(found) = told else {
                return Err(crate::json::foreign("Datadog's API", "no list of monitors"));
            };
            let count = found.len();
            items.extend(found);
            if count < MONITORS.0 {
                is_cut = false;
                break;
            }
        }
        let (states, left_out) = records::monitors(&items, window);
        let locator = Locator {
            query: "GET /api/v1/monitor".to_owned(),
            link: self.searches.link("monitors/manage", &[]),
        };
        if states.is_empty() {
            let none = Answer::exact(Table::State(Vec::new()));
            return Ok(Answer { left_out, locators: vec![locator], ..none });
        }
        let mut tables = Tables { states, ..Tables::default() };
        tables.sort();
        let answer = TableSource::new(tables).answer(question, &asking.limits(), &Cancel::default())?;
        let truncated = answer.truncated || is_cut;
        Ok(Answer { left_out, truncated, locators: vec![locator], ..answer })
    }
}

/// What a search found, still without its tables.
fn fetched(found: &Found) -> Fetched {
    let locators =
        found.cut.iter().map(|why| Locator { query: why.clone(), link: found.locator.link.clone() });
    Fetched {
        cut: found.cut.iter().cloned().collect(),
        locators: locators.chain([found.locator.clone()]).collect(),
        ..Fetched::default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_site_has_its_application() {
        for (url, shown) in [
            ("https://api.datadoghq.eu/", "https://app.datadoghq.eu"),
            ("https://api.us5.datadoghq.com", "https://us5.datadoghq.com"),
            ("http://127.0.0.1:1", "http://127.0.0.1:1"),
        ] {
            assert_eq!(application(url), shown);
        }
    }
}
