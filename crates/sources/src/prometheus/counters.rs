//! From samples of counters to how much was counted in each interval, through restarts.
//!
//! Nothing is extrapolated to the ends of a window, as `increase()` does: counts stay whole numbers.

use std::collections::{BTreeMap, BTreeSet};

use telemetry::answer::SeriesKind;
use telemetry::recorded::{ERROR_TYPE, REQUEST_METRICS, Series, SeriesKey};
use telemetry::time::SECOND_NS;
use telemetry::{Scope, UnixNanos};

use super::families::{self, Family};
use super::wire::Sampled;

/// How much a counter grew until each sample. One that fell began anew at zero, and so did one that `is_new`.
pub(super) fn increases(samples: &[(UnixNanos, f64)], is_new: bool) -> Vec<(UnixNanos, f64)> {
    let first = samples.first().filter(|_| is_new).copied();
    let rest = samples.iter().zip(samples.iter().skip(1)).map(|((_, before), (at, now))| {
        let grown = if now < before { *now } else { now - before };
        (*at, grown)
    });
    first.into_iter().chain(rest).collect()
}

/// The request metrics of every service that one of the families counts, as they come: all series of what is scraped at one
/// address together, family by family.
#[derive(Debug)]
pub(super) struct Requests<'a> {
    scope: &'a Scope,
    /// The services that an earlier family counts.
    counted: BTreeSet<String>,
    /// The services that this family counts.
    here: BTreeSet<String>,
    cells: BTreeMap<Who, BTreeMap<UnixNanos, (f64, f64)>>,
}

impl<'a> Requests<'a> {
    pub(super) fn new(scope: &'a Scope) -> Self {
        Self { scope, counted: BTreeSet::new(), here: BTreeSet::new(), cells: BTreeMap::new() }
    }

    /// Counts what these series of the family do.
    pub(super) fn take(&mut self, family: &Family, series: &[Sampled]) {
        let begins = beginnings(series);
        for one in series {
            let service = family.service_of(one);
            let operation = self.scope.operation.as_deref().unwrap_or_default();
            let is_meant = self.scope.admits(service, operation, family.instance_of(one));
            if service.is_empty() || self.counted.contains(service) || !is_meant {
                continue;
            }
            self.here.insert(service.to_owned());
            let is_sum = one.label("__name__").ends_with("_sum");
            let instance = family.instance_of(one);
            let who = Who {
                service: service.to_owned(),
                instance: instance.to_owned(),
                failed: family.is_failed(one),
            };
            let cells = self.cells.entry(who).or_default();
            for (at, grown) in increases(&one.samples, is_new(one, &begins)) {
                let cell = cells.entry(at).or_default();
                if is_sum { cell.1 += grown * family.seconds } else { cell.0 += grown }
            }
        }
    }

    /// All series of a family came.
    pub(super) fn end_family(&mut self) {
        self.counted.append(&mut self.here);
    }

    /// What was counted, as rates and means.
    pub(super) fn finish(self) -> Vec<Series> {
        let step = step(&self.cells);
        self.cells.into_iter().flat_map(|(who, points)| series_of(&who, &points, step)).collect()
    }
}

/// Whose requests.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Who {
    service: String,
    instance: String,
    failed: bool,
}

/// When each instance was first seen.
pub(super) fn beginnings(series: &[Sampled]) -> BTreeMap<String, UnixNanos> {
    let mut begins: BTreeMap<String, UnixNanos> = BTreeMap::new();
    for one in series {
        if let Some((at, _)) = one.samples.first() {
            let begin = begins.entry(who_sampled(one)).or_insert(*at);
            *begin = (*begin).min(*at);
        }
    }
    begins
}

/// Whether a series appeared while others of its instance were there: then it counts from zero.
pub(super) fn is_new(one: &Sampled, begins: &BTreeMap<String, UnixNanos>) -> bool {
    let first = one.samples.first().map(|(at, _)| *at);
    first.is_some_and(|first| begins.get(&who_sampled(one)).is_some_and(|begin| *begin < first))
}

fn who_sampled(one: &Sampled) -> String {
    format!("{}\u{0}{}\u{0}{}", one.label("job"), one.label("instance"), families::instance(one))
}

/// The smallest step between two samples, in seconds: the interval that a rate is told for.
fn step(cells: &BTreeMap<Who, BTreeMap<UnixNanos, (f64, f64)>>) -> f64 {
    let steps = cells
        .values()
        .flat_map(|points| points.keys().zip(points.keys().skip(1)).map(|(one, next)| next.since(*one)));
    steps.filter(|step| *step > 0).min().map_or(1.0, |step| step as f64 / SECOND_NS as f64)
}

fn series_of(who: &Who, points: &BTreeMap<UnixNanos, (f64, f64)>, step: f64) -> [Series; 2] {
    let failed = who.failed.then(|| (ERROR_TYPE.to_owned(), "_OTHER".to_owned()));
    let key = |kind| SeriesKey {
        service: who.service.clone(),
        instance: who.instance.clone(),
        metric: REQUEST_METRICS[0].to_owned(),
        unit: if kind == SeriesKind::Rate { "1" } else { "s" }.to_owned(),
        attributes: failed.clone().into_iter().collect(),
        kind,
    };
    let rates = points.iter().map(|(at, (count, _))| (*at, count / step)).collect();
    let means = points.iter().filter(|(_, (count, _))| *count > 0.0);
    let means = means.map(|(at, (count, sum))| (*at, sum / count)).collect();
    [
        Series { key: key(SeriesKind::Rate), points: rates },
        Series { key: key(SeriesKind::Mean), points: means },
    ]
}

#[cfg(test)]
mod tests {
    use super::super::families;
    use super::*;

    fn requests(found: &[(&Family, Vec<Sampled>)], scope: &Scope) -> Vec<Series> {
        let mut requests = Requests::new(scope);
        for (family, series) in found {
            requests.take(family, series);
            requests.end_family();
        }
        requests.finish()
    }

    fn at(second: i64) -> UnixNanos {
        UnixNanos(0).plus_seconds(second)
    }

    fn sampled(labels: &[(&str, &str)], samples: &[(i64, f64)]) -> Sampled {
        Sampled {
            labels: labels.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect(),
            samples: samples.iter().map(|(second, value)| (at(*second), *value)).collect(),
        }
    }

    #[test]
    fn a_counter_that_fell_began_at_zero() {
        let samples = [(at(0), 10.0), (at(15), 12.0), (at(30), 3.0), (at(60), 8.0)];
        assert_eq!(increases(&samples, false), [(at(15), 2.0), (at(30), 3.0), (at(60), 5.0)]);
        assert_eq!(increases(&samples, true)[0], (at(0), 10.0));
        assert!(increases(&samples[..1], false).is_empty());
    }

    #[test]
    fn requests_are_added_up_over_routes_and_failures_that_appear_count_from_zero() {
        let base = "http_server_request_duration_seconds";
        let (count, sum) = (format!("{base}_count"), format!("{base}_sum"));
        let of = |name: &str, route: &str, code: &str, samples: &[(i64, f64)]| {
            sampled(
                &[
                    ("__name__", name),
                    ("job", "web"),
                    ("instance", "i"),
                    ("http_route", route),
                    ("http_response_status_code", code),
                ],
                samples,
            )
        };
        let series = vec![
            of(&count, "/a", "200", &[(0, 0.0), (15, 30.0), (30, 60.0)]),
            of(&count, "/b", "200", &[(0, 5.0), (15, 5.0), (30, 20.0)]),
            of(&sum, "/a", "200", &[(0, 0.0), (15, 3.0), (30, 9.0)]),
            of(&count, "/a", "500", &[(30, 4.0)]),
        ];
        let all = requests(&[(&families::ALL[0], series)], &Scope::all());
        let rate = |failed: bool| {
            all.iter().find(|one| one.key.kind == SeriesKind::Rate && one.key.attributes.is_empty() != failed)
        };
        assert_eq!(rate(false).unwrap().points, [(at(15), 2.0), (at(30), 3.0)]);
        assert_eq!(rate(true).unwrap().points, [(at(30), 4.0 / 15.0)]);
    }

    #[test]
    fn the_step_is_that_of_the_services_that_are_asked_for() {
        let name = "http_server_request_duration_seconds_count";
        let of = |job: &str, step: i64| {
            let samples: Vec<(i64, f64)> = (0..4).map(|place| (place * step, 30.0 * place as f64)).collect();
            sampled(&[("__name__", name), ("job", job), ("instance", job)], &samples)
        };
        let both = [(&families::ALL[0], vec![of("slow", 15), of("quick", 5)])];
        let alone: Vec<_> = requests(&both, &Scope::service("slow"))
            .into_iter()
            .filter(|one| one.key.kind == SeriesKind::Rate)
            .collect();
        assert_eq!((alone.len(), alone[0].points[0].1), (1, 2.0), "30 requests in 15 s");
    }

    #[test]
    fn a_service_that_two_families_count_is_counted_once() {
        let of = |base: &str| {
            let name = format!("{base}_count");
            let labels = [("__name__", name.as_str()), ("job", "web"), ("span_kind", "SPAN_KIND_SERVER")];
            (
                families::ALL.iter().find(|family| family.base == base).unwrap(),
                vec![sampled(&labels, &[(0, 0.0), (10, 10.0), (20, 20.0)])],
            )
        };
        let both = [of("http_server_request_duration_seconds"), of("traces_span_metrics_duration_seconds")];
        let rates: Vec<_> = requests(&both, &Scope::all())
            .into_iter()
            .filter(|one| one.key.kind == SeriesKind::Rate)
            .collect();
        assert_eq!(rates.len(), 1);
        assert_eq!(rates[0].points, [(at(10), 1.0), (at(20), 1.0)]);
    }
}
