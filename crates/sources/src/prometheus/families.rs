//! The names under which requests are counted in Prometheus, and what their labels say.
//!
//! A family is a pair of counters, requests and the sum of their durations. Sources: OpenTelemetry's semantic conventions for
//! HTTP metrics and its specification of names in Prometheus; the collector's span metrics connector; Tempo's metrics
//! generator; Istio's standard metrics; what the client libraries' own examples count.

use super::wire::Sampled;

/// One way of counting requests.
#[derive(Debug)]
pub(super) struct Family {
    /// The name without `_count` and `_sum`.
    pub(super) base: &'static str,
    /// Seconds of one unit of the sum.
    pub(super) seconds: f64,
    /// Labels that name the service, the best first.
    pub(super) service: &'static [&'static str],
    /// Whether who is scraped counts its own requests, so that `instance` is its own; a collector counts for others.
    is_own: bool,
    /// Labels of which one must have one of these values: only the receiving side counts.
    receives: Option<(&'static str, &'static [&'static str])>,
    /// Labels that tell failures, with what they then begin with; empty when any value does.
    failed: &'static [(&'static str, &'static str)],
}

/// Labels of resources scraped from OpenTelemetry and from Kubernetes.
const SERVICE: &[&str] = &["service_name", "service", "exported_job", "job", "app"];
/// Labels of who ran it that whoever is scraped says of itself or of others.
const INSTANCE: &[&str] = &["service_instance_id", "pod", "exported_instance"];

const RECEIVED: Option<(&str, &[&str])> = Some(("span_kind", &["SPAN_KIND_SERVER", "SPAN_KIND_CONSUMER"]));
const SPAN_FAILED: &[(&str, &str)] = &[("status_code", "STATUS_CODE_ERROR")];

/// The families, the best first: a service that one of them counts is not counted by the others.
pub(super) const ALL: &[Family] = &[
    Family {
        base: "http_server_request_duration_seconds",
        is_own: true,
        seconds: 1.0,
        service: SERVICE,
        receives: None,
        failed: &[("error_type", ""), ("http_response_status_code", "5")],
    },
    Family {
        base: "http_server_duration_milliseconds",
        is_own: true,
        seconds: 1e-3,
        service: SERVICE,
        receives: None,
        failed: &[("http_status_code", "5")],
    },
    Family {
        base: "traces_span_metrics_duration_milliseconds",
        is_own: false,
        seconds: 1e-3,
        service: SERVICE,
        receives: RECEIVED,
        failed: SPAN_FAILED,
    },
    Family {
        base: "traces_span_metrics_duration_seconds",
        is_own: false,
        seconds: 1.0,
        service: SERVICE,
        receives: RECEIVED,
        failed: SPAN_FAILED,
    },
    Family {
        base: "traces_spanmetrics_latency",
        is_own: false,
        seconds: 1.0,
        service: SERVICE,
        receives: RECEIVED,
        failed: SPAN_FAILED,
    },
    Family {
        base: "istio_request_duration_milliseconds",
        is_own: true,
        seconds: 1e-3,
        service: &["destination_canonical_service", "destination_service_name"],
        receives: Some(("reporter", &["destination"])),
        failed: &[("response_code", "5")],
    },
    Family {
        base: "http_request_duration_seconds",
        is_own: true,
        seconds: 1.0,
        service: SERVICE,
        receives: None,
        failed: &[("code", "5"), ("status_code", "5"), ("status", "5")],
    },
];

impl Family {
    /// The service that a series is of; empty when it is not one of the receiving side.
    pub(super) fn service_of<'a>(&self, series: &'a Sampled) -> &'a str {
        let is_received = self.receives.is_none_or(|(label, values)| values.contains(&series.label(label)));
        if is_received { service_name(series.first(self.service)) } else { "" }
    }

    /// The instance that a series is of, empty when not told.
    pub(super) fn instance_of<'a>(&self, series: &'a Sampled) -> &'a str {
        let told = series.first(INSTANCE);
        if told.is_empty() && self.is_own { series.label("instance") } else { told }
    }

    /// Whether a series counts failures.
    pub(super) fn is_failed(&self, series: &Sampled) -> bool {
        self.failed.iter().any(|(label, begins)| {
            let value = series.label(label);
            !value.is_empty() && value.starts_with(begins)
        })
    }
}

/// The service that a series of no family is of.
pub(super) fn service(series: &Sampled) -> &str {
    service_name(series.first(SERVICE))
}

/// The instance that a series of no family is of.
pub(super) fn instance(series: &Sampled) -> &str {
    let told = series.first(INSTANCE);
    if told.is_empty() { series.label("instance") } else { told }
}

/// `job` is `namespace/name` where OpenTelemetry's metrics are exported to Prometheus.
fn service_name(label: &str) -> &str {
    label.rsplit('/').next().unwrap_or(label)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn series(labels: &[(&str, &str)]) -> Sampled {
        let labels = labels.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        Sampled { labels: labels.collect(), samples: Vec::new() }
    }

    #[test]
    fn only_the_receiving_side_counts_and_labels_tell_service_and_failure() {
        let spans = ALL.iter().find(|family| family.base.starts_with("traces_span_metrics")).unwrap();
        let server = series(&[
            ("service_name", "pay"),
            ("span_kind", "SPAN_KIND_SERVER"),
            ("status_code", "STATUS_CODE_ERROR"),
        ]);
        assert_eq!((spans.service_of(&server), spans.is_failed(&server)), ("pay", true));
        let client = series(&[("service_name", "pay"), ("span_kind", "SPAN_KIND_CLIENT")]);
        assert_eq!((spans.service_of(&client), spans.is_failed(&client)), ("", false));
        let scraped = series(&[("instance", "collector:8889")]);
        assert_eq!((spans.instance_of(&scraped), ALL[0].instance_of(&scraped)), ("", "collector:8889"));
        let http = &ALL[0];
        let fine = series(&[("job", "shop/web"), ("http_response_status_code", "404")]);
        assert_eq!((http.service_of(&fine), http.is_failed(&fine)), ("web", false));
        assert!(http.is_failed(&series(&[("http_response_status_code", "503")])));
        assert!(http.is_failed(&series(&[("error_type", "timeout")])));
    }
}
