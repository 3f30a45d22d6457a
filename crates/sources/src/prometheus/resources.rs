//! Series of resources: what a process, a container or a pool uses, under OpenTelemetry's names where they have some.

use std::collections::{BTreeMap, BTreeSet};

use telemetry::answer::SeriesKind;
use telemetry::recorded::{Series, SeriesKey, Tables};
use telemetry::time::SECOND_NS;
use telemetry::{AskError, Scope, UnixNanos, Window};

use super::counters::{beginnings, increases, is_new};
use super::wire::Sampled;
use super::{Queries, families};

/// Names that client libraries have for what OpenTelemetry names otherwise.
const SAME: &[(&str, &str)] = &[
    ("process.cpu.time", "process_cpu_seconds_total"),
    ("process.memory.usage", "process_resident_memory_bytes"),
    ("container.cpu.time", "container_cpu_usage_seconds_total"),
    ("container.memory.usage", "container_memory_working_set_bytes"),
];
/// Units that stand at the end of a name, and their UCUM form.
const UNITS: &[(&str, &str)] =
    &[("_seconds", "s"), ("_milliseconds", "ms"), ("_bytes", "By"), ("_ratio", "1"), ("_percent", "%")];
/// Labels that say who it is, and not what is measured.
const WHO: &[&str] = &[
    "__name__",
    "job",
    "instance",
    "service_name",
    "service",
    "app",
    "service_instance_id",
    "pod",
    "exported_instance",
    "exported_job",
];

/// The series that are asked for; all of the scope's service when none is named.
pub(super) async fn series(
    queries: &mut Queries<'_>,
    window: Window,
    scope: &Scope,
    metrics: &[String],
) -> Result<Tables, AskError> {
    let selector = if metrics.is_empty() {
        let all = "__name__!~\".+_(bucket|created)\"";
        match &scope.service {
            // Which label names the service is not known before it is seen; most have the job.
            Some(service) => format!("{{{all},job=~\"(.+/)?{}\"}}", escaped(service)),
            None => format!("{{{all}}}"),
        }
    } else {
        let names: Vec<String> = metrics.iter().map(|metric| pattern(metric)).collect();
        format!("{{__name__=~\"{}\"}}", names.join("|"))
    };
    let found = queries.samples(&selector, window).await?;
    Ok(Tables { series: named(&found, metrics), ..Tables::default() })
}

/// A regular expression for the names that Prometheus may have for a metric.
fn pattern(metric: &str) -> String {
    let base = escaped(&metric.replace(['.', '-'], "_"));
    let units: Vec<&str> = UNITS.iter().map(|(suffix, _)| *suffix).collect();
    let also = SAME.iter().filter(|(name, _)| *name == metric).map(|(_, same)| format!("|{same}"));
    format!("{base}({})?(_total|_count|_sum)?{}", units.join("|"), also.collect::<String>())
}

/// Text as a regular expression inside a string of PromQL: what could mean something there stands for any character.
fn escaped(text: &str) -> String {
    text.chars().map(|c| if c.is_ascii_alphanumeric() || c == '_' || c == '-' { c } else { '.' }).collect()
}

/// The series under the names asked for: counters as rates a second, sums over counts as means, all else as it is.
fn named(found: &[Sampled], metrics: &[String]) -> Vec<Series> {
    let begins = beginnings(found);
    // A count without a sum is a number of things, as that of connections is, and no half of a mean.
    let summed: BTreeSet<&str> =
        found.iter().filter_map(|one| one.label("__name__").strip_suffix("_sum")).collect();
    let mut pairs: BTreeMap<SeriesKey, [Vec<(UnixNanos, f64)>; 2]> = BTreeMap::new();
    let mut all = Vec::new();
    for one in found {
        let name = one.label("__name__");
        let grown = || increases(&one.samples, is_new(one, &begins));
        if let Some((base, place)) = halved(name).filter(|(base, _)| summed.contains(base)) {
            let key = key(one, base, metrics, SeriesKind::Mean);
            if let Some(half) = pairs.entry(key).or_default().get_mut(place) {
                half.extend(grown());
            }
        } else if name.ends_with("_total") {
            let key = key(one, name.trim_end_matches("_total"), metrics, SeriesKind::Rate);
            all.push(Series { key, points: rates(&one.samples, &grown()) });
        } else {
            all.push(Series { key: key(one, name, metrics, SeriesKind::Gauge), points: one.samples.clone() });
        }
    }
    all.extend(pairs.into_iter().map(|(key, [counts, sums])| {
        let counts: BTreeMap<UnixNanos, f64> = counts.into_iter().collect();
        let mean = |(at, sum): &(UnixNanos, f64)| {
            let count = counts.get(at).filter(|count| **count > 0.0)?;
            Some((*at, sum / count))
        };
        Series { key, points: sums.iter().filter_map(mean).collect() }
    }));
    all.retain(|series| !series.points.is_empty());
    all
}

/// The name without `_count` or `_sum`, and which of the two it is.
fn halved(name: &str) -> Option<(&str, usize)> {
    let count = name.strip_suffix("_count").map(|base| (base, 0));
    count.or_else(|| name.strip_suffix("_sum").map(|base| (base, 1)))
}

/// How much a second, from how much until each sample.
fn rates(samples: &[(UnixNanos, f64)], grown: &[(UnixNanos, f64)]) -> Vec<(UnixNanos, f64)> {
    let before: BTreeMap<UnixNanos, UnixNanos> =
        samples.iter().zip(samples.iter().skip(1)).map(|((one, _), (next, _))| (*next, *one)).collect();
    let rate = |(at, grown): &(UnixNanos, f64)| {
        let seconds = at.since(*before.get(at)?) as f64 / SECOND_NS as f64;
        (seconds > 0.0).then(|| (*at, grown / seconds))
    };
    grown.iter().filter_map(rate).collect()
}

fn key(one: &Sampled, name: &str, metrics: &[String], kind: SeriesKind) -> SeriesKey {
    let unit = UNITS.iter().find(|(suffix, _)| name.ends_with(suffix));
    let whole = one.label("__name__");
    let is_meant = |metric: &&String| {
        let base = metric.replace(['.', '-'], "_");
        let plain = unit.map_or(name, |(suffix, _)| name.trim_end_matches(suffix));
        base == plain || base == name || SAME.iter().any(|(known, same)| known == metric && *same == whole)
    };
    let attributes = one.labels.iter().filter(|(label, _)| !WHO.contains(&label.as_str()));
    SeriesKey {
        service: families::service(one).to_owned(),
        instance: families::instance(one).to_owned(),
        metric: metrics.iter().find(is_meant).cloned().unwrap_or_else(|| whole.to_owned()),
        unit: unit.map_or("", |(_, ucum)| ucum).to_owned(),
        attributes: attributes.map(|(label, value)| (label.clone(), value.clone())).collect(),
        kind,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sampled(name: &str, samples: &[(i64, f64)]) -> Sampled {
        let labels = [("__name__", name), ("job", "shop/web"), ("instance", "i"), ("pool", "main")];
        Sampled {
            labels: labels.map(|(name, value)| (name.to_owned(), value.to_owned())).into(),
            samples: samples
                .iter()
                .map(|(second, value)| (UnixNanos(0).plus_seconds(*second), *value))
                .collect(),
        }
    }

    #[test]
    fn a_metric_is_found_under_the_names_it_may_have() {
        assert_eq!(
            pattern("process.cpu.time"),
            "process_cpu_time(_seconds|_milliseconds|_bytes|_ratio|_percent)?(_total|_count|_sum)?|process_cpu_seconds_total"
        );
        assert!(pattern("a\"}x").starts_with("a..x"), "{}", pattern("a\"}x"));
    }

    #[test]
    fn counters_become_rates_sums_become_means_and_the_rest_stays() {
        let metrics = ["process.cpu.time".to_owned(), "db.client.connection.wait_time".to_owned()];
        let found = [
            sampled("process_cpu_seconds_total", &[(0, 10.0), (10, 15.0)]),
            sampled("db_client_connection_wait_time_seconds_count", &[(0, 1.0), (10, 5.0)]),
            sampled("db_client_connection_wait_time_seconds_sum", &[(0, 0.5), (10, 2.5)]),
            sampled("db_client_connection_pending_requests", &[(0, 3.0)]),
            sampled("db_client_connection_count", &[(0, 7.0)]),
        ];
        let all = named(&found, &metrics);
        let seen: Vec<_> =
            all.iter().map(|one| (one.key.metric.as_str(), one.key.kind, one.points[0].1)).collect();
        assert_eq!(
            seen,
            [
                ("process.cpu.time", SeriesKind::Rate, 0.5),
                ("db_client_connection_pending_requests", SeriesKind::Gauge, 3.0),
                ("db_client_connection_count", SeriesKind::Gauge, 7.0),
                ("db.client.connection.wait_time", SeriesKind::Mean, 0.5),
            ]
        );
        let key = &all[3].key;
        assert_eq!((key.service.as_str(), key.unit.as_str()), ("web", "s"));
        assert_eq!(key.attributes.get("pool").map(String::as_str), Some("main"));
    }
}
