//! Elasticsearch and OpenSearch, whoever wrote the documents: Elastic's OpenTelemetry data streams, Elastic APM (ECS), Data
//! Prepper, the collector's `opensearch` exporter.
//!
//! `onset`, the question over a whole history, is counted where the data lie when there are too many spans to fetch each.
//! The other questions are about two short windows: their traces are fetched, of a share of all ids where there are too
//! many, and the tables are made here. Everything is asked with `_field_caps` and `_search`, entry spans also with
//! `_query` (ES|QL) where there is one; no point in time is opened, no scroll, nothing that the back end would have to keep.
//!
//! Metrics other than those that Elastic APM counts requests with are not read, nor are machine learning and alerts.

mod apm_metrics;
mod changes;
mod document;
mod ecs;
mod esql;
mod fields;
pub mod kibana;
mod line;
mod names;
mod onset;
mod search;
mod span;
mod traces;

use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use telemetry::source::BoxFuture;
use telemetry::{Answer, Ask, AskError, Cancel, Capabilities, Limits, Question, Source, SourceName, Window};
use tokio::sync::Mutex;
use tokio::time::Instant;

use crate::fetched::{Kept, answer};
use crate::http::Http;
use crate::settings::{Settings, SettingsError};
use crate::{Backend, Opened};
use fields::Shape;
use names::Names;
use search::Searches;

const QUESTIONS: &[&str] =
    &["changes", "compare", "edges", "exemplars", "log_templates", "onset", "paths", "self_time", "trace"];

/// Elasticsearch.
pub(crate) const ELASTICSEARCH: Backend = Backend {
    kind: "elasticsearch",
    what: "Elasticsearch 8 and 9 with spans and lines of OpenTelemetry or of Elastic APM (ECS)",
    questions: QUESTIONS,
    tried: "Elasticsearch 7.17 (one node, from its Maven libraries, which hold neither scripts nor ES|QL): every question over \
            generated traces in both forms equals the documents that were written; ES|QL a contract server built from the \
            reference of Elasticsearch; no real 8 or 9",
    needs: "index privileges `read` and `view_index_metadata` on traces-*, logs-* and metrics-apm* (or on the names in \
            `tables`), no cluster privilege; an API key goes into `header_files` as `Authorization`: `ApiKey ...`",
    open: |name, settings| open(&ELASTICSEARCH, name, settings),
};

/// OpenSearch.
pub(crate) const OPENSEARCH: Backend = Backend {
    kind: "opensearch",
    what: "OpenSearch 2 and 3 with spans and lines of the OpenTelemetry Collector, Data Prepper or Elastic APM",
    questions: QUESTIONS,
    tried: "OpenSearch 2.19 (one node, from its Maven libraries): every question over generated traces in each form equals \
            the documents that were written, and both forms of a hundred sets give the same",
    needs: "the action group `read` on traces-*, otel-v1-apm-span*, ss4o_traces-*, logs-*, otel-v1-logs*, ss4o_logs-* and \
            metrics-apm* (or on the names in `tables`); of it indices:data/read/search and indices:data/read/field_caps are \
            used; no cluster permission",
    open: |name, settings| open(&OPENSEARCH, name, settings),
};

fn open(backend: &'static Backend, name: SourceName, settings: &Settings) -> Opened {
    let http = Http::new(&name.0, settings)?;
    let names =
        Names::of(settings).map_err(|what| SettingsError::Value { source_name: name.0.clone(), what })?;
    let has_no_esql = AtomicBool::new(backend.kind != ELASTICSEARCH.kind);
    Ok(Arc::new(Elastic {
        backend,
        name,
        http,
        names,
        kept: Kept::default(),
        lines: Kept::default(),
        shapes: Mutex::default(),
        has_no_esql,
    }))
}

#[derive(Debug)]
struct Elastic {
    backend: &'static Backend,
    name: SourceName,
    http: Http,
    names: Names,
    kept: Kept,
    /// Windows whose lines were fetched without their traces.
    lines: Kept,
    /// The forms that there are, and when that was asked.
    shapes: Mutex<Option<(Instant, Vec<Shape>)>>,
    /// Whether ES|QL was refused: older versions and OpenSearch have none.
    has_no_esql: AtomicBool,
}

impl Source for Elastic {
    fn name(&self) -> SourceName {
        self.name.clone()
    }

    fn can(&self) -> Capabilities {
        self.backend.capabilities()
    }

    fn ask<'a>(
        &'a self,
        question: &'a Question,
        limits: Limits,
        cancel: &'a Cancel,
    ) -> BoxFuture<'a, Result<Answer, AskError>> {
        Box::pin(async move {
            let searches = Searches { of: self, asking: self.http.asking(limits, cancel) };
            let limits = searches.asking.limits();
            if let Some(asked) = onset::asked(question, cancel) {
                return onset::answer(&searches, &asked).await;
            }
            let fetched = match &question.ask {
                Ask::Changes { window, .. } => vec![Arc::new(changes::versions(&searches, *window).await?)],
                Ask::Trace { trace_id } => vec![Arc::new(traces::one(&searches, *trace_id).await?)],
                Ask::Compare { good, bad, .. } => {
                    vec![self.window(*good, &searches).await?, self.window(*bad, &searches).await?]
                }
                Ask::LogTemplates { window, .. } => {
                    vec![self.lines.window(*window, traces::lines_of(&searches, *window)).await?]
                }
                Ask::Edges { window, .. }
                | Ask::Exemplars { window, .. }
                | Ask::Paths { window, .. }
                | Ask::SelfTime { window, .. } => vec![self.window(*window, &searches).await?],
                other => return Err(AskError::Unsupported(other.name().to_owned())),
            };
            answer(question, &fetched, limits, cancel)
        })
    }
}

impl Elastic {
    async fn window(
        &self,
        window: Window,
        searches: &Searches<'_>,
    ) -> Result<Arc<crate::fetched::Fetched>, AskError> {
        self.kept.window(window, traces::window(searches, window)).await
    }
}
