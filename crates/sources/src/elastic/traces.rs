//! Traces and lines of a window, fetched as they are.
//!
//! First the ids of the traces that have a span in the window, of a share of all ids where there are too many: the back
//! end divides them by a hash, the same ones for every service. Then every span of these, a few hundred traces at a time,
//! so that what was fetched until a limit was met are whole traces.

use serde_json::{Value as Json, json};
use telemetry::answer::Locator;
use telemetry::recorded::Tables;
use telemetry::{AskError, LogRecord, Span, TraceId, Window};

use super::fields::Shape;
use super::search::{Searches, Wanted, between};
use super::span::{self, Resources};
use super::{line, search};
use crate::fetched::Fetched;

/// Spans of a window that are fetched; of more, those of a share of the traces.
const SPANS_MAX: u64 = 30_000;
/// The same for each row that an answer may hold, where that is less.
const SPANS_OF_ROW: u64 = 3;
/// Traces of a window: what one answer may hold of groups.
const TRACES_MAX: usize = 30_000;
/// Traces whose spans are asked for at once.
const AT_ONCE: usize = 400;
/// Log lines of a window that are fetched.
const LINES_MAX: usize = 20_000;
/// Seconds around a window in which spans of its traces are looked for.
const AROUND_SECONDS: i64 = 60;
/// Spans of one trace that are fetched.
const OF_TRACE_MAX: usize = 20_000;

/// The traces with a span in the window, and the lines written in it.
pub(super) async fn window(searches: &Searches<'_>, window: Window) -> Result<Fetched, AskError> {
    let mut fetched = Fetched::default();
    for shape in searches.shapes().await? {
        of_shape(searches, &shape, window, &mut fetched).await?;
    }
    // Lines that cannot be read are no reason to do without the traces.
    match lines(searches, window).await {
        Ok((logs, has_more, locator)) => {
            fetched.tables.logs = logs;
            fetched.locators.push(locator);
            fetched.cut.extend(has_more.then(|| "lines".to_owned()));
        }
        Err(AskError::Cancelled) => return Err(AskError::Cancelled),
        Err(_) => fetched.cut.push("lines".to_owned()),
    }
    Ok(fetched)
}

async fn of_shape(
    searches: &Searches<'_>,
    shape: &Shape,
    window: Window,
    fetched: &mut Fetched,
) -> Result<(), AskError> {
    let indices = &searches.of.names.traces;
    let filters = [between(shape.time, (window.from, window.to)), shape.spans()];
    let mut body = ids_body(shape, &filters, 1);
    let mut found = searches.search(indices, &body).await?;
    let rows_max = searches.asking.limits().rows_max as u64;
    let spans_max = SPANS_MAX.min(rows_max.saturating_mul(SPANS_OF_ROW)).max(1);
    let part = found.total().div_ceil(spans_max).max(1);
    if part > 1 {
        body = ids_body(shape, &filters, part);
        found = searches.search(indices, &body).await?;
    }
    fetched.locators.push(searches.locator(indices, &body));
    let (ids, has_more) = ids(&found.aggregations);
    if part > 1 || has_more {
        fetched.cut.push("traces".to_owned());
    }
    let mut resources = Resources::default();
    for (place, some) in ids.chunks(AT_ONCE).enumerate() {
        match spans(searches, shape, window, some).await {
            Ok((found, has_more)) => {
                let spans = found.iter().filter_map(|one| span::of(one, &mut resources));
                fetched.tables.spans.extend(spans);
                fetched.cut.extend(has_more.then(|| "spans".to_owned()));
            }
            // What is there already is whole.
            Err(AskError::LimitReached(_)) if place > 0 => {
                fetched.cut.push("traces".to_owned());
                break;
            }
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

/// The ids of a share of the traces, in their order.
fn ids_body(shape: &Shape, filters: &[Json], part: u64) -> Json {
    let mut terms = json!({"field": shape.trace, "size": TRACES_MAX, "order": {"_key": "asc"}});
    if let Some(terms) = terms.as_object_mut().filter(|_| part > 1) {
        terms.insert("include".to_owned(), json!({"partition": 0, "num_partitions": part}));
    }
    json!({
        "size": 0,
        "track_total_hits": true,
        "query": {"bool": {"filter": filters}},
        "aggs": {"traces": {"terms": terms}},
    })
}

/// The ids, and whether there are more.
fn ids(aggregations: &Json) -> (Vec<&str>, bool) {
    let found = aggregations.pointer("/traces/buckets").and_then(Json::as_array);
    let ids = found.into_iter().flatten().filter_map(|bucket| bucket.get("key")?.as_str()).collect();
    let others = aggregations.pointer("/traces/sum_other_doc_count").and_then(Json::as_u64);
    (ids, others.is_some_and(|others| others > 0))
}

/// Every span of these traces around the window.
async fn spans(
    searches: &Searches<'_>,
    shape: &Shape,
    window: Window,
    ids: &[&str],
) -> Result<(Vec<super::document::Document>, bool), AskError> {
    let wanted = Wanted {
        indices: &searches.of.names.traces,
        filters: vec![shape.spans(), json!({"terms": {&*shape.trace: ids}})],
        time: shape.time,
        window: (window.from.plus_seconds(-AROUND_SECONDS), window.to.plus_seconds(AROUND_SECONDS)),
        fields: span::FIELDS,
        most: usize::try_from(SPANS_MAX * 2).unwrap_or(usize::MAX),
    };
    searches.documents(&wanted).await
}

/// One trace, whenever it was.
pub(super) async fn one(searches: &Searches<'_>, trace_id: TraceId) -> Result<Fetched, AskError> {
    let indices = &searches.of.names.traces;
    let mut fetched = Fetched::default();
    let mut resources = Resources::default();
    for shape in searches.shapes().await? {
        let is_of_it = json!({"term": {&*shape.trace: {"value": trace_id.to_string()}}});
        let body = json!({
            "size": search::PAGE,
            "track_total_hits": true,
            "_source": span::FIELDS,
            "query": {"bool": {"filter": [shape.spans(), is_of_it]}},
        });
        let found = searches.search(indices, &body).await?;
        let mut documents = found.documents();
        if documents.len() == search::PAGE {
            let all = Wanted {
                indices,
                filters: vec![shape.spans(), is_of_it],
                time: shape.time,
                window: (telemetry::UnixNanos(0), telemetry::UnixNanos(i64::MAX)),
                fields: span::FIELDS,
                most: OF_TRACE_MAX,
            };
            let (found, has_more) = searches.documents(&all).await?;
            documents = found;
            fetched.cut.extend(has_more.then(|| "spans".to_owned()));
        }
        let spans: Vec<Span> = documents.iter().filter_map(|one| span::of(one, &mut resources)).collect();
        if !spans.is_empty() {
            fetched.locators.push(searches.locator(indices, &body));
        }
        fetched.tables.spans.extend(spans);
    }
    Ok(fetched)
}

/// The log lines of a window; none where there are no indices of them.
async fn lines(searches: &Searches<'_>, window: Window) -> Result<(Vec<LogRecord>, bool, Locator), AskError> {
    let wanted = Wanted {
        indices: &searches.of.names.logs,
        filters: Vec::new(),
        time: "@timestamp",
        window: (window.from, window.to),
        fields: line::FIELDS,
        most: LINES_MAX,
    };
    let (found, has_more) = searches.documents(&wanted).await?;
    let mut resources = Resources::default();
    let logs = found.iter().filter_map(|one| line::of(one, &mut resources));
    let logs = logs.filter(|line| window.contains(line.at)).collect();
    Ok((logs, has_more, searches.locator(wanted.indices, &wanted.body(wanted.window))))
}

/// The lines alone, for the questions that need no traces.
pub(super) async fn lines_of(searches: &Searches<'_>, window: Window) -> Result<Fetched, AskError> {
    let (logs, has_more, locator) = lines(searches, window).await?;
    let cut = has_more.then(|| "lines".to_owned()).into_iter().collect();
    Ok(Fetched { tables: Tables { logs, ..Tables::default() }, cut, locators: vec![locator] })
}
