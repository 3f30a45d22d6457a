//! Requests by the second: exact from the spans themselves where these are few, else counted where the data lie.
//!
//! There counts, failures and sums are exact, and quantiles come from a histogram with two digits: within 1 %.

use std::collections::BTreeSet;

use serde_json::{Value as Json, json};
use telemetry::answer::{Locator, OnsetRow, Subject, Table};
use telemetry::recorded::{TableSource, Tables};
use telemetry::{Answer, Answerer, Ask, AskError, Cancel, Question, Scope, UnixNanos, Window};

use super::apm_metrics::{self, Minutes};
use super::document::whole;
use super::fields::Shape;
use super::names::Form;
use super::search::{Searches, Wanted, between};
use super::span::{self, Resources};

/// Entry spans that are fetched one by one; of more, what they add up to.
const EXACT_MAX: u64 = 20_000;
/// The same for each row that an answer may hold, where that is less.
const EXACT_OF_ROW: u64 = 2;
/// Seconds that a request may take and still be found: spans are kept by when they began.
const LONGEST_SECONDS: i64 = 600;
/// Groups of one page.
const GROUPS: usize = 1_000;
/// Relative error of a quantile of a histogram with [`DIGITS`].
const RELATIVE_ERROR: f64 = 0.01;
const DIGITS: u32 = 2;
/// The second in which a span ended, from when it began and how long it took.
const ENDED: &str = "ZonedDateTime at = doc[params.time].value; long began = at.toEpochSecond() * 1000000000L + at.getNano(); \
                     return (began + doc[params.duration].value) / 1000000000L";
/// The same of Elastic APM, in microseconds.
const ENDED_MICROS: &str = "return (doc['timestamp.us'].value + doc[params.duration].value) / 1000000L";

/// What is asked: who and when.
pub(super) struct Asked<'a> {
    pub(super) question: &'a Question,
    pub(super) window: Window,
    pub(super) scope: &'a Scope,
    pub(super) cancel: &'a Cancel,
}

/// Rate, errors and durations of entry spans by the second in which they ended.
pub(super) async fn answer(searches: &Searches<'_>, asked: &Asked<'_>) -> Result<Answer, AskError> {
    let (mut exact, mut rows, mut locators) = (Tables::default(), Vec::new(), Vec::new());
    let mut truncated = false;
    let mut is_estimated = false;
    for shape in searches.shapes().await? {
        let mut filters = shape.entries();
        filters.extend(shape.scope(asked.scope));
        let range = (asked.window.from.plus_seconds(-LONGEST_SECONDS), asked.window.to);
        let mut all = filters.clone();
        all.push(between(shape.time, range));
        let count = searches.count(&searches.of.names.traces, &all).await?;
        if count == 0 {
            continue;
        }
        let rows_max = searches.asking.limits().rows_max as u64;
        if count <= EXACT_MAX.min(rows_max.saturating_mul(EXACT_OF_ROW)) {
            let locator = one_by_one(searches, &shape, filters, (range, count), &mut exact).await?;
            locators.push(locator);
            continue;
        }
        if count > searches.asking.limits().scanned_max {
            return Err(AskError::LimitReached(format!(
                "{count} requests, more than may be looked at; hint: ask about one service or a shorter time"
            )));
        }
        let (some, has_more, locator) = counted(searches, &shape, &all, asked).await?;
        rows.extend(some);
        locators.push(locator);
        (truncated, is_estimated) = (truncated || has_more, true);
    }
    let limits = searches.asking.limits();
    let answer = TableSource::new(exact).answer(asked.question, &limits, asked.cancel)?;
    let Table::Onset(of_spans) = answer.table else { return Err(AskError::Unsupported("onset".to_owned())) };
    rows.extend(of_spans);
    let minutes = without_spans(searches, asked, &rows).await?;
    truncated |= minutes.is_cut;
    locators.extend(minutes.locator);
    rows.extend(minutes.rows);
    rows.sort_by(|a, b| (&a.subject, a.second).cmp(&(&b.subject, b.second)));
    truncated |= answer.truncated || rows.len() > limits.rows_max;
    rows.truncate(limits.rows_max);
    let from_metrics = minutes.services;
    let mut answer = Answer { truncated, locators, from_metrics, ..Answer::exact(Table::Onset(rows)) };
    if is_estimated {
        answer.quantile_error = telemetry::number::Num::new(RELATIVE_ERROR);
    }
    Ok(answer)
}

/// What Elastic APM counted of services that have no entry span in these rows.
async fn without_spans(
    searches: &Searches<'_>,
    asked: &Asked<'_>,
    rows: &[OnsetRow],
) -> Result<Minutes, AskError> {
    if searches.of.names.form.is_some_and(|form| form != Form::Ecs) {
        return Ok(Minutes::default());
    }
    let with_spans: BTreeSet<&str> = rows.iter().map(|row| row.subject.service.as_str()).collect();
    let with_spans: Vec<String> = with_spans.into_iter().map(str::to_owned).collect();
    let minutes = apm_metrics::minutes(searches, asked.window, asked.scope, &with_spans).await;
    match minutes {
        // Who may not read them has the spans all the same.
        Err(AskError::Unavailable(_)) if !rows.is_empty() => Ok(Minutes::default()),
        other => other,
    }
}

/// Adds the spans themselves to `tables`.
async fn one_by_one(
    searches: &Searches<'_>,
    shape: &Shape,
    filters: Vec<Json>,
    (range, count): ((UnixNanos, UnixNanos), u64),
    tables: &mut Tables,
) -> Result<Locator, AskError> {
    let wanted = Wanted {
        indices: &searches.of.names.traces,
        filters,
        time: shape.time,
        window: range,
        fields: span::SLIM,
        most: usize::try_from(EXACT_MAX * 2).unwrap_or(usize::MAX),
    };
    let mut resources = Resources::default();
    if let Some((found, locator)) = searches.rows(shape, &wanted, count).await? {
        tables.spans.extend(found.iter().filter_map(|one| span::of(one, &mut resources)));
        return Ok(locator);
    }
    let (found, has_more) = searches.documents(&wanted).await?;
    if has_more {
        let what = "more requests of one moment than a page holds: counts over a part would be wrong";
        return Err(AskError::LimitReached(what.to_owned()));
    }
    tables.spans.extend(found.iter().filter_map(|one| span::of(one, &mut resources)));
    Ok(searches.locator(wanted.indices, &wanted.body(range)))
}

/// What the spans add up to, by subject and second.
async fn counted(
    searches: &Searches<'_>,
    shape: &Shape,
    filters: &[Json],
    asked: &Asked<'_>,
) -> Result<(Vec<OnsetRow>, bool, Locator), AskError> {
    let Some(duration) = shape.duration else {
        let what = "the spans have no field of their duration, and there are too many to fetch each; hint: ask about one service";
        return Err(AskError::LimitReached(what.to_owned()));
    };
    let (indices, rows_max) = (&searches.of.names.traces, searches.asking.limits().rows_max);
    let mut body = body(shape, filters, duration);
    let locator = searches.locator(indices, &body);
    let mut rows = Vec::new();
    loop {
        let found = searches.search(indices, &body).await.map_err(without_scripts)?;
        let groups = found.aggregations.get("groups").unwrap_or(&Json::Null);
        let buckets = groups.get("buckets").and_then(Json::as_array).map_or(&[][..], Vec::as_slice);
        let of_window = buckets.iter().filter_map(|bucket| row(bucket, shape.unit_ns));
        rows.extend(of_window.filter(|row| is_asked(row, asked)));
        let after = groups.get("after_key").filter(|_| buckets.len() == GROUPS).cloned();
        match (after, body.pointer_mut("/aggs/groups/composite").and_then(Json::as_object_mut)) {
            (Some(after), Some(composite)) if rows.len() <= rows_max => {
                composite.insert("after".to_owned(), after);
            }
            (after, _) => return Ok((rows, after.is_some(), locator)),
        }
    }
}

fn is_asked(row: &OnsetRow, asked: &Asked<'_>) -> bool {
    let subject = &row.subject;
    asked.window.contains(row.second)
        && asked.scope.admits(&subject.service, &subject.operation, &subject.instance)
}

fn body(shape: &Shape, filters: &[Json], duration: &str) -> Json {
    let roles = [
        ("service", &shape.service),
        ("operation", &shape.operation),
        ("instance", &shape.instance),
        ("version", &shape.version),
    ];
    let by = |(role, field): (&str, &Option<String>)| {
        field.as_ref().map(|field| json!({role: {"terms": {"field": field, "missing_bucket": true}}}))
    };
    let mut sources: Vec<Json> = roles.into_iter().filter_map(by).collect();
    let script = if shape.form == Form::Ecs { ENDED_MICROS } else { ENDED };
    let parameters = json!({"time": shape.time, "duration": duration});
    sources.push(json!({"second": {"terms": {
        "script": {"lang": "painless", "source": script, "params": parameters},
    }}}));
    json!({
        "size": 0,
        "track_total_hits": false,
        "query": {"bool": {"filter": filters}},
        "aggs": {"groups": {"composite": {"size": GROUPS, "sources": sources}, "aggs": {
            "failed": {"filter": shape.failed()},
            "messages": {"filter": shape.messages()},
            "sum": {"sum": {"field": duration}},
            "quantiles": {"percentiles": {
                "field": duration, "percents": [50, 95], "keyed": false,
                "hdr": {"number_of_significant_value_digits": DIGITS},
            }},
        }}},
    })
}

fn row(bucket: &Json, unit_ns: i64) -> Option<OnsetRow> {
    let key = |role: &str| {
        bucket.pointer(&format!("/key/{role}")).and_then(Json::as_str).unwrap_or_default().to_owned()
    };
    let count = |path: &str| bucket.pointer(path).and_then(Json::as_u64).unwrap_or(0);
    let nanos = |path: &str| {
        bucket.pointer(path).and_then(Json::as_f64).map(|value| (value * unit_ns as f64).round() as i64)
    };
    let service =
        Some(key("service")).filter(|name| !name.is_empty()).unwrap_or_else(|| "unknown_service".to_owned());
    Some(OnsetRow {
        subject: Subject {
            service,
            operation: key("operation"),
            instance: key("instance"),
            version: key("version"),
        },
        second: UnixNanos(0).plus_seconds(whole(bucket.pointer("/key/second")?)?),
        count: count("/doc_count"),
        errors: count("/failed/doc_count"),
        sum_ns: nanos("/sum/value")?,
        p50_ns: nanos("/quantiles/values/0/value")?,
        p95_ns: nanos("/quantiles/values/1/value")?,
        is_message: count("/messages/doc_count") > 0,
    })
}

fn is_about_scripts(text: &str) -> bool {
    ["cannot execute [inline] scripts", "script_lang not supported"].iter().any(|part| text.contains(part))
}

/// A cluster may be set to run no scripts.
fn without_scripts(error: AskError) -> AskError {
    match error {
        AskError::Unavailable(text) if is_about_scripts(&text) => {
            let hint =
                "hint: ask about one service or a shorter time, or allow inline scripts for aggregations";
            AskError::LimitReached(format!(
                "too many requests to fetch each, and no scripts run there to count them; {hint}"
            ))
        }
        other => other,
    }
}

/// The question's window and scope, where it is this question.
pub(super) fn asked<'a>(question: &'a Question, cancel: &'a Cancel) -> Option<Asked<'a>> {
    match &question.ask {
        Ask::Onset { window, scope } => Some(Asked { question, window: *window, scope, cancel }),
        _ => None,
    }
}
