//! ClickHouse with the tables of the OpenTelemetry Collector's exporter (HyperDX has the same): `otel_traces`, `otel_logs`,
//! `otel_metrics_*`.
//!
//! `onset`, the question over a whole history, and `self_time`, `edges` and `exemplars`, which look at every trace of a window,
//! are computed where the data lie: only groups come back. What contrasts single requests (`compare`, `paths`) gets their
//! traces, of a share of all trace ids where there are too many, and is answered here. Servers too old for the statements
//! are asked for the traces of those windows, too. Every statement is sent with GET, which ClickHouse runs read-only, and
//! carries its own limits.
//!
//! SigNoz' tables of spans and lines are read through what makes them look like the exporter's (`schema = "signoz"`); its
//! metrics are not.

mod metrics;
mod onset;
mod pushed;
mod rows;
mod spans;
mod sql;
mod statement;

use std::sync::Arc;

use telemetry::answer::Locator;
use telemetry::source::BoxFuture;
use telemetry::{
    Answer, Ask, AskError, Cancel, Capabilities, Limits, Question, Scope, Source, SourceName, Window,
};

use crate::Backend;
use crate::fetched::{Kept, Once, answer};
use crate::http::{Asking, Http};
use crate::settings::SettingsError;
use sql::Names;

/// This back end.
pub(crate) const BACKEND: Backend = Backend {
    kind: "clickhouse",
    what: "ClickHouse with the tables of the OpenTelemetry Collector's exporter, as HyperDX has them too, or those of SigNoz \
           (`tables.schema`)",
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
        "trace",
    ],
    tried: "ClickHouse 26.9 (chDB behind an HTTP front): every question over generated traces equals the tables that were \
            inserted, in the exporter's tables and in SigNoz'; no server of its own",
    needs: "SELECT on otel_traces; also on otel_traces_trace_id_ts, which finds a trace by its times, and on otel_logs and otel_metrics_*, \
            without which there are no lines and no series; settings that bound a statement (readonly = 2, not 1)",
    open: |name, settings| {
        let http = Http::new(&name.0, settings)?;
        let names =
            Names::of(settings).map_err(|what| SettingsError::Value { source_name: name.0.clone(), what })?;
        Ok(Arc::new(ClickHouse { name, http, names, kept: Kept::default(), groups: Once::default() }))
    },
};

#[derive(Debug)]
struct ClickHouse {
    name: SourceName,
    http: Http,
    names: Names,
    kept: Kept,
    groups: Once<(Window, Scope), Arc<pushed::Groups>>,
}

/// Exemplars of each choice, as the question has it.
const EXEMPLARS_MAX: u8 = 10;

impl Source for ClickHouse {
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
            let queries = Queries { of: self, asking: self.http.asking(limits, cancel) };
            let limits = queries.asking.limits();
            let pushed = match &question.ask {
                Ask::Onset { window, scope } => return onset::answer(&queries, *window, scope).await,
                Ask::SelfTime { window, scope } => {
                    self.groups(*window, scope, &queries).await.map(|groups| groups.self_time())
                }
                Ask::Edges { window, scope } => {
                    self.groups(*window, scope, &queries).await.map(|groups| groups.edges())
                }
                Ask::Exemplars { window, scope, limit } => {
                    pushed::exemplars(&queries, *window, scope, *limit).await
                }
                other => Err(AskError::Unsupported(other.name().to_owned())),
            };
            match pushed {
                Err(AskError::Unsupported(_)) => {}
                Err(error) if sql::is_unknown_there(&error) => {}
                answered => return answered,
            }
            let fetched = match &question.ask {
                Ask::Changes { window, .. } => vec![Arc::new(onset::versions(&queries, *window).await?)],
                Ask::Trace { trace_id } => vec![Arc::new(spans::one(&queries, *trace_id).await?)],
                Ask::Compare { good, bad, scope } => {
                    vec![Arc::new(spans::compared(&queries, [*good, *bad], scope).await?)]
                }
                Ask::SeriesChange { good, bad, scope, metrics } => {
                    vec![Arc::new(metrics::series(&queries, [*good, *bad], scope, metrics).await?)]
                }
                Ask::LogTemplates { window, .. } => vec![Arc::new(spans::logs(&queries, *window).await?)],
                Ask::Edges { window, .. }
                | Ask::Exemplars { window, .. }
                | Ask::Paths { window, .. }
                | Ask::SelfTime { window, .. } => {
                    vec![self.kept.window(*window, spans::window(&queries, *window)).await?]
                }
                other => return Err(AskError::Unsupported(other.name().to_owned())),
            };
            answer(question, &fetched, limits, cancel)
        })
    }
}

impl ClickHouse {
    async fn groups(
        &self,
        window: Window,
        scope: &Scope,
        queries: &Queries<'_>,
    ) -> Result<Arc<pushed::Groups>, AskError> {
        self.groups.get((window, scope.clone()), pushed::groups(queries, window, scope)).await
    }
}

/// The statements of one answer.
struct Queries<'a> {
    of: &'a ClickHouse,
    asking: Asking,
}

impl Queries<'_> {
    /// What a statement about all traces is about.
    fn about<'b>(&'b self, window: Window, scope: &'b Scope) -> statement::About<'b> {
        let rows_max = self.asking.limits().rows_max;
        statement::About { traces: &self.of.names.traces, window, scope, part: 1, rows_max }
    }

    /// The lines that a statement answers, and where it can be run again.
    async fn lines(&self, statement: &str) -> Result<(String, Locator), AskError> {
        let statement = sql::bounded(statement, self.asking.limits());
        let query = [("query", statement.clone()), ("enable_http_compression", "1".to_owned())];
        let body = self.of.http.get("", &query, &self.asking).await.map_err(sql::error)?;
        let text =
            String::from_utf8(body).map_err(|_| AskError::Unavailable("the answer is no text".to_owned()))?;
        Ok((text, Locator { link: self.of.http.link("", &query), query: statement }))
    }
}
