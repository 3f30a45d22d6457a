//! Searches and what they answer: bounded, whole or an error, in pages that lose nothing.
//!
//! Pages go on at the time of the last document, and what came already is left out. A point in time would be more to ask
//! for than reading, and a field that breaks ties is not in every index.

use std::collections::HashSet;

use serde::Deserialize;
use serde_json::{Value as Json, json};
use telemetry::answer::Locator;
use telemetry::{AskError, UnixNanos};

use super::Elastic;
use super::document::{Document, whole, written};
use crate::http::Asking;

/// Documents of one page; an index gives at most 10,000 unless it is told otherwise.
pub(super) const PAGE: usize = 5_000;
/// An index whose times are whole milliseconds begins a range at the millisecond that holds it.
const MILLISECOND_NS: i64 = 1_000_000;
/// What of an answer is read.
const READ: &str = "timed_out,_shards.failed,_shards.failures.reason,hits.total,hits.hits._index,hits.hits._id,\
                    hits.hits._source,hits.hits.sort,aggregations,error,status";

/// The searches of one answer.
pub(super) struct Searches<'a> {
    pub(super) of: &'a Elastic,
    pub(super) asking: Asking,
}

/// An answer of `_search`.
#[derive(Debug, Default, Deserialize)]
pub(super) struct Found {
    timed_out: bool,
    #[serde(rename = "_shards", default)]
    shards: Shards,
    hits: Option<Hits>,
    #[serde(default)]
    pub(super) aggregations: Json,
}

#[derive(Debug, Default, Deserialize)]
struct Shards {
    #[serde(default)]
    failed: u64,
    #[serde(default)]
    failures: Vec<Json>,
}

#[derive(Debug, Default, Deserialize)]
struct Hits {
    #[serde(default)]
    total: Option<Total>,
    #[serde(default)]
    hits: Vec<Hit>,
}

#[derive(Debug, Deserialize)]
struct Total {
    value: u64,
}

#[derive(Debug, Deserialize)]
struct Hit {
    #[serde(rename = "_index", default)]
    index: String,
    #[serde(rename = "_id", default)]
    id: String,
    #[serde(rename = "_source", default)]
    source: Json,
    #[serde(default)]
    sort: Vec<Json>,
}

/// What is fetched: which documents, from when to when, and which of their fields.
pub(super) struct Wanted<'a> {
    pub(super) indices: &'a str,
    pub(super) filters: Vec<Json>,
    pub(super) time: &'a str,
    pub(super) window: (UnixNanos, UnixNanos),
    /// Patterns of the fields; all when empty.
    pub(super) fields: &'a [&'a str],
    /// How many at most.
    pub(super) most: usize,
}

impl Found {
    /// How many documents there are, where it was asked for.
    pub(super) fn total(&self) -> u64 {
        self.hits.as_ref().and_then(|hits| hits.total.as_ref()).map_or(0, |total| total.value)
    }

    /// The documents of this page.
    pub(super) fn documents(self) -> Vec<Document> {
        self.hits.unwrap_or_default().hits.into_iter().map(|hit| Document::of(hit.source)).collect()
    }
}

impl Searches<'_> {
    /// What a search answers. Half an answer is none.
    pub(super) async fn search(&self, indices: &str, body: &Json) -> Result<Found, AskError> {
        let mut body = body.clone();
        if let Some(fields) = body.as_object_mut() {
            fields
                .insert("timeout".to_owned(), format!("{}s", self.asking.limits().seconds_max.max(1)).into());
        }
        let mut query = options();
        query.push(("filter_path", READ.to_owned()));
        let path = format!("{indices}/_search");
        let bytes = self.of.http.search(&path, &query, &body, &self.asking).await.map_err(limit)?;
        found(&bytes)
    }

    /// How many documents there are.
    pub(super) async fn count(&self, indices: &str, filters: &[Json]) -> Result<u64, AskError> {
        let body = json!({"size": 0, "track_total_hits": true, "query": {"bool": {"filter": filters}}});
        Ok(self.search(indices, &body).await?.total())
    }

    /// The documents by time, and whether there are more.
    pub(super) async fn documents(&self, wanted: &Wanted<'_>) -> Result<(Vec<Document>, bool), AskError> {
        let (mut from, to) = wanted.window;
        let (mut documents, mut seen) = (Vec::new(), HashSet::new());
        loop {
            let found = self.search(wanted.indices, &wanted.body((from, to))).await?;
            let hits = found.hits.unwrap_or_default().hits;
            let (count, last) = (hits.len(), hits.last().and_then(|hit| whole(hit.sort.first()?)));
            for hit in hits {
                if seen.insert((hit.index, hit.id)) {
                    if documents.len() == wanted.most {
                        return Ok((documents, true));
                    }
                    documents.push(Document::of(hit.source));
                }
            }
            if count < PAGE {
                return Ok((documents, false));
            }
            match last.map(UnixNanos).filter(|last| *last > from) {
                Some(last) => from = last,
                // A page of one moment alone: there is no way past it.
                None => return Ok((documents, true)),
            }
        }
    }

    /// Where a search can be looked at again.
    pub(super) fn locator(&self, indices: &str, body: &Json) -> Locator {
        let mut query = options();
        query.push(("source_content_type", "application/json".to_owned()));
        query.push(("source", body.to_string()));
        let path = format!("{indices}/_search");
        Locator { link: self.of.http.link(&path, &query), query: format!("POST /{path} {body}") }
    }
}

impl Wanted<'_> {
    /// The search of a page.
    pub(super) fn body(&self, window: (UnixNanos, UnixNanos)) -> Json {
        let mut filters = vec![between(self.time, window)];
        filters.extend(self.filters.iter().cloned());
        let source = if self.fields.is_empty() { json!(true) } else { json!(self.fields) };
        json!({
            "size": PAGE,
            "track_total_hits": false,
            "sort": [{self.time: {"order": "asc", "numeric_type": "date_nanos", "unmapped_type": "date_nanos"}}],
            "_source": source,
            "query": {"bool": {"filter": filters}},
        })
    }
}

/// Indices that are not there are none, and an answer of some of the shards is an error.
fn options() -> Vec<(&'static str, String)> {
    ["ignore_unavailable", "allow_no_indices"]
        .map(|name| (name, "true".to_owned()))
        .into_iter()
        .chain([("allow_partial_search_results", "false".to_owned())])
        .collect()
}

/// Documents of a time; up to a millisecond more on either side.
pub(super) fn between(field: &str, (from, to): (UnixNanos, UnixNanos)) -> Json {
    let from = written(UnixNanos(from.0.saturating_sub(MILLISECOND_NS)));
    let to = written(UnixNanos(to.0.saturating_add(MILLISECOND_NS)));
    json!({"range": {field: {"gte": from, "lt": to, "format": "strict_date_optional_time"}}})
}

/// An answer that is whole.
fn found(bytes: &[u8]) -> Result<Found, AskError> {
    let found: Found = serde_json::from_slice(bytes)
        .map_err(|error| AskError::Unavailable(format!("the answer is none of a search: {error}")))?;
    if found.timed_out {
        let what =
            "the search was given up there before it was done; hint: ask about a shorter time or one service";
        return Err(AskError::LimitReached(what.to_owned()));
    }
    if found.shards.failed > 0 {
        let why = found.shards.failures.first().map(Json::to_string).unwrap_or_default();
        let why: String = why.chars().take(200).collect();
        let what = format!(
            "{} shards failed, a part is no answer: {why}; hint: look at the cluster's health",
            found.shards.failed
        );
        return Err(AskError::Unavailable(what));
    }
    Ok(found)
}

/// What is refused because of a limit is told as one.
pub(super) fn limit(error: AskError) -> AskError {
    const LIMITS: [&str; 5] = [
        "too_many_buckets_exception",
        "circuit_breaking_exception",
        "Time exceeded",
        "Result window is too large",
        "search_phase_execution_exception\",\"reason\":\"Time",
    ];
    match error {
        AskError::Unavailable(text) if LIMITS.iter().any(|name| text.contains(name)) => {
            AskError::LimitReached(text)
        }
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn half_an_answer_is_none() {
        assert!(matches!(found(br#"{"timed_out":true}"#), Err(AskError::LimitReached(_))));
        let failed = found(br#"{"timed_out":false,"_shards":{"failed":2,"failures":[{"reason":"gone"}]}}"#);
        assert!(failed.unwrap_err().to_string().contains("2 shards failed"));
        assert!(found(b"<html>").is_err() && found(b"{}").is_err());
        assert!(found(br#"{"timed_out":false,"hits":{"hits":[]}}"#).is_ok());
        let told = limit(AskError::Unavailable("answered 429: circuit_breaking_exception".to_owned()));
        assert!(matches!(told, AskError::LimitReached(_)));
    }
}
