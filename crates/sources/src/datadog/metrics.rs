//! Metrics as `series_change`: means of whole intervals, as long as Datadog makes them for the range.
//!
//! Each window is asked by itself, so that its intervals are the shortest that there are; a sum's growth comes as a rate only
//! where the metric is stored as one.

use std::collections::BTreeMap;

use serde_json::Value as Json;
use telemetry::answer::{Locator, SeriesKind};
use telemetry::recorded::{Series, SeriesBuilder, SeriesKey};
use telemetry::{AskError, Scope, UnixNanos, Window};

use super::pages::{Searches, tag};
use crate::http::Asking;
use crate::json::{foreign, list, text};

/// What is asked for when nothing is named: what the agent measures of every container.
const USUAL: [&str; 6] = [
    "container.cpu.throttled",
    "container.cpu.usage",
    "container.memory.usage",
    "kubernetes.containers.restarts",
    "kubernetes.cpu.usage.total",
    "kubernetes.memory.usage",
];
/// Datadog's words for units, and UCUM's.
const UNITS: [(&str, &str); 6] = [
    ("byte", "By"),
    ("second", "s"),
    ("millisecond", "ms"),
    ("nanosecond", "ns"),
    ("percent", "%"),
    ("fraction", "1"),
];

/// The series in both windows, and where they can be looked at.
pub(super) async fn series(
    searches: &Searches,
    windows: [Window; 2],
    scope: &Scope,
    metrics: &[String],
    asking: &Asking,
) -> Result<(Vec<Series>, Vec<Locator>), AskError> {
    let names: Vec<&str> = if metrics.is_empty() {
        USUAL.to_vec()
    } else {
        metrics.iter().map(String::as_str).filter(|name| is_name(name)).collect()
    };
    let (mut found, mut locators) = (SeriesBuilder::default(), Vec::new());
    if names.is_empty() {
        // No metric of Datadog can be called so.
        return Ok((found.finish(), locators));
    }
    let narrow =
        scope.service.as_deref().map_or("*".to_owned(), |service| format!("service:{}", value(service)));
    let query: Vec<String> =
        names.iter().map(|name| format!("avg:{name}{{{narrow}}} by {{service,pod_name}}")).collect();
    let query = query.join(",");
    for window in windows {
        let (told, locator) = queried(searches, &query, window, asking).await?;
        list(&told, "/series").iter().for_each(|one| read(one, &mut found));
        locators.push(locator);
    }
    Ok((found.finish(), locators))
}

/// What a query answers for a window, and where people can look at it.
pub(super) async fn queried(
    searches: &Searches,
    query: &str,
    window: Window,
    asking: &Asking,
) -> Result<(Json, Locator), AskError> {
    let seconds = |at: UnixNanos| at.0.div_euclid(telemetry::time::SECOND_NS).to_string();
    let parameters =
        [("from", seconds(window.from)), ("to", seconds(window.to)), ("query", query.to_owned())];
    let told = searches.get("api/v1/query", &parameters, "metrics_read", asking).await?;
    if text(&told, "/status") == "error" {
        return Err(AskError::Unavailable(format!("Datadog says: {}", text(&told, "/error"))));
    }
    if told.get("series").is_none() {
        return Err(foreign("Datadog's API", "a query without `series`"));
    }
    let millis = |at: UnixNanos| at.0.div_euclid(1_000_000).to_string();
    let (from, to) = (millis(window.from), millis(window.to));
    let link = searches.link("metric/explorer", &[("exp_query", query), ("start", &from), ("end", &to)]);
    Ok((told, Locator { query: format!("{query} from {from} to {to}"), link }))
}

/// Whether a metric can be called so; nothing else gets into a query.
pub(super) fn is_name(name: &str) -> bool {
    let begins = name.starts_with(|c: char| c.is_ascii_alphabetic());
    begins && name.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '.' | '_'))
}

/// A tag's value as Datadog keeps it: what a tag cannot hold is an underscore there, and so nothing can end the filter.
pub(super) fn value(text: &str) -> String {
    let keeps = |c: char| c.is_alphanumeric() || matches!(c, '_' | '-' | '.' | '/');
    text.to_lowercase().chars().map(|c| if keeps(c) { c } else { '_' }).collect()
}

fn read(one: &Json, found: &mut SeriesBuilder) {
    let tags = list(one, "/tag_set");
    let word = text(one, "/unit/0/name");
    let unit = UNITS.iter().find(|(name, _)| *name == word).map_or(word, |(_, unit)| unit);
    let key = SeriesKey {
        service: known(tag(tags, "service")),
        instance: known(tag(tags, "pod_name")),
        metric: text(one, "/metric").to_owned(),
        unit: unit.to_owned(),
        attributes: BTreeMap::new(),
        kind: SeriesKind::Gauge,
    };
    for point in list(one, "/pointlist") {
        let (at, value) = (point.get(0).and_then(Json::as_f64), point.get(1).and_then(Json::as_f64));
        if let (Some(millis), Some(value)) = (at, value) {
            found.add(key.clone(), UnixNanos((millis as i64).saturating_mul(1_000_000)), value);
        }
    }
}

/// A tag that is not there is told as `N/A`.
fn known(value: &str) -> String {
    if value == "N/A" { String::new() } else { value.to_owned() }
}
