//! Deploys, from the versions that spans say they are of: one that was not seen before, and one that comes back.
//!
//! Whether another version ran before is looked for up to thirty days back.

use serde_json::{Value as Json, json};
use telemetry::recorded::Tables;
use telemetry::{AskError, UnixNanos, Window};

use super::document::{self, Document};
use super::fields::Shape;
use super::search::{Searches, between};
use crate::fetched::Fetched;
use crate::versions::{Run, Seen, deploys_of_runs};

/// Seconds before a window in which what runs already is looked for.
const BEFORE_SECONDS: i64 = 600;
/// Seconds before a window in which a service that was silent since is looked for.
const LONG_BEFORE_SECONDS: i64 = 30 * 86_400;
/// Services that are looked for so far back.
const LONG_BEFORE_MAX: usize = 20;
/// Groups of one page.
const GROUPS: usize = 1_000;
/// Groups that are read.
const GROUPS_MAX: usize = 50_000;
/// A version is taken to have run from minute to minute; in that many without a span it did not.
const MINUTE_NS: i64 = 60_000_000_000;

/// The deploys of a window.
pub(super) async fn versions(searches: &Searches<'_>, window: Window) -> Result<Fetched, AskError> {
    let mut fetched = Fetched::default();
    let mut runs: Vec<Run> = Vec::new();
    let shapes = searches.shapes().await?;
    for shape in &shapes {
        let Some(version) = shape.version.clone() else { continue };
        let range = (window.from.plus_seconds(-BEFORE_SECONDS), window.to);
        let body = body(shape, &version, range);
        fetched.locators.push(searches.locator(&searches.of.names.traces, &body));
        let (found, has_more) = minutes(searches, body).await?;
        fetched.cut.extend(has_more.then(|| "versions".to_owned()));
        runs.extend(found);
    }
    let silent = silent(&runs, window);
    let mut older = Vec::new();
    for shape in &shapes {
        for (service, before) in silent.iter().take(LONG_BEFORE_MAX) {
            older.extend(last_before(searches, shape, service, *before).await?);
        }
    }
    fetched.cut.extend((silent.len() > LONG_BEFORE_MAX).then(|| "services that were silent".to_owned()));
    fetched.tables = Tables { changes: deploys_of_runs(runs, older, window), ..Tables::default() };
    Ok(fetched)
}

/// Versions by minute, each with its first moment in it.
fn body(shape: &Shape, version: &str, range: (UnixNanos, UnixNanos)) -> Json {
    let by = |(role, field): (&str, &Option<String>)| {
        field.as_ref().map(|field| json!({role: {"terms": {"field": field, "missing_bucket": true}}}))
    };
    let mut sources: Vec<Json> =
        [("service", &shape.service), ("instance", &shape.instance)].into_iter().filter_map(by).collect();
    sources.push(json!({"version": {"terms": {"field": version}}}));
    sources.push(json!({"minute": {"date_histogram": {"field": shape.time, "fixed_interval": "1m"}}}));
    json!({
        "size": 0,
        "track_total_hits": false,
        "query": {"bool": {"filter": [between(shape.time, range), shape.spans()]}},
        "aggs": {"groups": {"composite": {"size": GROUPS, "sources": sources}, "aggs": {"first": {"top_hits": {
            "size": 1, "sort": [{shape.precise: "asc"}], "_source": [shape.time, "timestamp.us"],
        }}}}},
    })
}

async fn minutes(searches: &Searches<'_>, mut body: Json) -> Result<(Vec<Run>, bool), AskError> {
    let mut runs = Vec::new();
    loop {
        let found = searches.search(&searches.of.names.traces, &body).await?;
        let groups = found.aggregations.get("groups").unwrap_or(&Json::Null);
        let buckets = groups.get("buckets").and_then(Json::as_array).map_or(&[][..], Vec::as_slice);
        runs.extend(buckets.iter().filter_map(run));
        let after = groups.get("after_key").filter(|_| buckets.len() == GROUPS).cloned();
        match (after, body.pointer_mut("/aggs/groups/composite").and_then(Json::as_object_mut)) {
            (Some(after), Some(composite)) if runs.len() < GROUPS_MAX => {
                composite.insert("after".to_owned(), after);
            }
            (after, _) => return Ok((runs, after.is_some())),
        }
    }
}

/// A minute in which a version ran.
fn run(bucket: &Json) -> Option<Run> {
    let key = |role: &str| {
        bucket.pointer(&format!("/key/{role}")).and_then(Json::as_str).unwrap_or_default().to_owned()
    };
    let minute = document::time(bucket.pointer("/key/minute")?)?;
    let first = bucket.pointer("/first/hits/hits/0/_source").cloned().map(Document::of);
    let first = first.and_then(|first| began(&first)).unwrap_or(minute);
    let service =
        Some(key("service")).filter(|name| !name.is_empty()).unwrap_or_else(|| "unknown_service".to_owned());
    let seen = Seen { service, instance: key("instance"), version: key("version"), first };
    Some(Run { seen, last: UnixNanos(minute.0.saturating_add(MINUTE_NS)) })
}

fn began(one: &Document) -> Option<UnixNanos> {
    let micros = one.whole(&["timestamp.us"]).map(|micros| UnixNanos(micros.saturating_mul(1_000)));
    micros.or_else(|| one.time(&["startTime", "@timestamp"]))
}

/// Services whose first span of all that were looked at lies in the window: there may have been others long before.
fn silent(runs: &[Run], window: Window) -> Vec<(String, UnixNanos)> {
    let mut first: std::collections::BTreeMap<&str, UnixNanos> = std::collections::BTreeMap::new();
    for run in runs {
        let known = first.entry(&run.seen.service).or_insert(run.seen.first);
        *known = (*known).min(run.seen.first);
    }
    first
        .into_iter()
        .filter(|(_, at)| window.contains(*at))
        .map(|(service, at)| (service.to_owned(), at))
        .collect()
}

/// The last version of a service before.
async fn last_before(
    searches: &Searches<'_>,
    shape: &Shape,
    service: &str,
    before: UnixNanos,
) -> Result<Option<Run>, AskError> {
    let (Some(of), Some(version)) = (&shape.service, &shape.version) else { return Ok(None) };
    let range = (before.plus_seconds(-LONG_BEFORE_SECONDS), UnixNanos(before.0 - 2_000_000));
    let field = version.trim_end_matches(".keyword");
    let body = json!({
        "size": 1,
        "track_total_hits": false,
        "sort": [{shape.time: {"order": "desc", "unmapped_type": "date_nanos"}}],
        "_source": [shape.time, "timestamp.us", field],
        "query": {"bool": {"filter": [
            between(shape.time, range),
            shape.spans(),
            {"term": {&**of: {"value": service}}},
            {"exists": {"field": field}},
        ]}},
    });
    let found = searches.search(&searches.of.names.traces, &body).await?.documents();
    let Some(one) = found.first() else { return Ok(None) };
    Ok(began(one).zip(one.text(&[field])).map(|(at, version)| Run {
        seen: Seen { service: service.to_owned(), instance: String::new(), version, first: at },
        last: at,
    }))
}
