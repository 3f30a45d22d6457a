//! Prometheus and what speaks its interface (VictoriaMetrics, Mimir, Thanos): request metrics of services as `onset`,
//! resources as `series_change`, service graphs as `topology`, versions as `changes`.
//!
//! Asks for the samples themselves and counts here: `increase()` extrapolates, and a count must be a whole number. How much
//! that is, is bounded by [`crate::http`] and by the other side's own limits. Beyond them requests are asked for in parts, by
//! what is scraped, each counted before the next one comes; the other questions have no answer then, and a gap.
//! Knows no operation: routes are too many to keep apart, and services suffice for an investigation by metrics.

mod changes;
mod counters;
mod families;
mod parts;
mod resources;
mod topology;
mod wire;

use telemetry::recorded::{TableSource, Tables};
use telemetry::source::BoxFuture;
use telemetry::{
    Answer, Answerer, Ask, AskError, Cancel, Capabilities, Limits, Question, Scope, Source, SourceName,
    UnixNanos, Window,
};

use crate::Backend;
use crate::http::{Asking, Http};
use telemetry::answer::Locator;
use wire::{Found, Sampled};

/// This back end.
pub(crate) const BACKEND: Backend = Backend {
    kind: "prometheus",
    what: "Prometheus, VictoriaMetrics, Mimir, Thanos: HTTP API v1",
    questions: &["changes", "onset", "series_change", "topology"],
    tried: "Prometheus 2.42 and VictoriaMetrics 1.79 of Debian, scraping a service whose every number is known; requests counted in parts, Prometheus 2.42; Mimir and Thanos were not",
    needs: "GET on /api/v1/query, and nothing else; Prometheus itself knows no roles, a proxy before it may",
    open: |name, settings| {
        let http = Http::new(&name.0, settings)?;
        Ok(std::sync::Arc::new(Prometheus { name, http }))
    },
};

/// Seconds before a window in which the sample is looked for that the first one inside is held against: the longest
/// interval between scrapes that is common, and one that was missed.
const BEFORE_SECONDS: i64 = 130;

#[derive(Debug)]
struct Prometheus {
    name: SourceName,
    http: Http,
}

impl Source for Prometheus {
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
            let mut asking = Queries {
                http: &self.http,
                asking: self.http.asking(limits, cancel),
                found: Vec::new(),
                is_partial: false,
            };
            let tables = match &question.ask {
                Ask::Onset { window, scope } => asking.requests(*window, scope).await?,
                Ask::SeriesChange { good, bad, scope, metrics } => {
                    resources::series(&mut asking, whole(*good, *bad), scope, metrics).await?
                }
                Ask::Topology { window } => topology::calls(&mut asking, *window).await?,
                Ask::Changes { window, .. } => changes::in_window(&mut asking, *window).await?,
                other => return Err(AskError::Unsupported(other.name().to_owned())),
            };
            let answer = TableSource::new(tables).answer(question, &asking.asking.limits(), cancel)?;
            let truncated = answer.truncated || asking.is_partial;
            Ok(Answer { locators: asking.found, truncated, ..answer })
        })
    }
}

/// From the beginning of the earlier window to the end of the later one.
fn whole(good: Window, bad: Window) -> Window {
    Window::new(good.from.min(bad.from), good.to.max(bad.to))
}

/// The queries of one answer, and where each can be looked at again.
#[derive(Debug)]
struct Queries<'a> {
    http: &'a Http,
    asking: Asking,
    found: Vec<Locator>,
    is_partial: bool,
}

impl Queries<'_> {
    /// The request metrics of the services in the scope. A series knows no operation.
    async fn requests(&mut self, window: Window, scope: &Scope) -> Result<Tables, AskError> {
        let mut requests = counters::Requests::new(scope);
        for family in families::ALL {
            self.family(family, window, &mut requests).await?;
            requests.end_family();
        }
        Ok(Tables { series: requests.finish(), ..Tables::default() })
    }

    /// The samples of a selector in a window, and the last ones before it.
    async fn samples(&mut self, selector: &str, window: Window) -> Result<Vec<Sampled>, AskError> {
        let from = window.from.plus_seconds(-BEFORE_SECONDS);
        let millis = window.to.since(from) / 1_000_000;
        self.query(&format!("{selector}[{millis}ms]"), window.to).await
    }

    /// What a query answers for a moment.
    async fn query(&mut self, query: &str, at: UnixNanos) -> Result<Vec<Sampled>, AskError> {
        // The end of a window is outside it, and samples are known to the millisecond.
        let millis = at.0.div_euclid(1_000_000) - 1;
        let time = format!("{}.{:03}", millis.div_euclid(1000), millis.rem_euclid(1000));
        let parameters = [("query", query.to_owned()), ("time", time)];
        let body = self.http.get("api/v1/query", &parameters, &self.asking).await.map_err(wire::error)?;
        let Found { series, is_partial } = wire::read(&body)?;
        self.is_partial |= is_partial;
        if !series.is_empty() {
            self.found
                .push(Locator { query: query.to_owned(), link: self.http.link("api/v1/query", &parameters) });
        }
        Ok(series)
    }
}
