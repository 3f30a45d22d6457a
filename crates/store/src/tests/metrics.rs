//! Requests with metric points for the tests.

use bytes::Bytes;
use opentelemetry_proto::tonic::collector::metrics::v1::ExportMetricsServiceRequest;
use opentelemetry_proto::tonic::metrics::v1::{
    Gauge, Histogram, HistogramDataPoint, Metric, NumberDataPoint, ResourceMetrics, ScopeMetrics, Sum,
    metric, number_data_point,
};
use opentelemetry_proto::tonic::resource::v1::Resource;
use otlp::{Intake, Request, Signal};
use prost::Message;
use telemetry::Space;
use telemetry::time::SECOND_NS;

use super::build::{Rig, T0, attribute};

pub(super) const DELTA: i32 = 1;
pub(super) const CUMULATIVE: i32 = 2;

/// A time in seconds after [`T0`]; a negative one is not told.
fn time(second: i64) -> u64 {
    if second < 0 { 0 } else { (T0 + second * SECOND_NS) as u64 }
}

/// A point that counts since `start` and was measured at `at`, in seconds.
pub(super) fn number(start: i64, at: i64, value: f64) -> NumberDataPoint {
    NumberDataPoint {
        start_time_unix_nano: time(start),
        time_unix_nano: time(at),
        value: Some(number_data_point::Value::AsDouble(value)),
        ..NumberDataPoint::default()
    }
}

pub(super) fn histogram_point(start: i64, at: i64, count: u64, sum: f64) -> HistogramDataPoint {
    HistogramDataPoint {
        start_time_unix_nano: time(start),
        time_unix_nano: time(at),
        count,
        sum: Some(sum),
        ..HistogramDataPoint::default()
    }
}

fn named(name: &str, unit: &str, data: metric::Data) -> Metric {
    Metric { name: name.to_owned(), unit: unit.to_owned(), data: Some(data), ..Metric::default() }
}

pub(super) fn gauge(name: &str, data_points: Vec<NumberDataPoint>) -> Metric {
    named(name, "1", metric::Data::Gauge(Gauge { data_points }))
}

pub(super) fn sum(name: &str, temporality: i32, is_monotonic: bool, points: Vec<NumberDataPoint>) -> Metric {
    let data = Sum { data_points: points, aggregation_temporality: temporality, is_monotonic };
    named(name, "s", metric::Data::Sum(data))
}

pub(super) fn histogram(name: &str, temporality: i32, data_points: Vec<HistogramDataPoint>) -> Metric {
    let data = Histogram { data_points, aggregation_temporality: temporality };
    named(name, "s", metric::Data::Histogram(data))
}

/// Metrics of one instance `service/instance` of version 1, in the process `pid`.
pub(super) fn of(service: &str, instance: &str, pid: &str, metrics: Vec<Metric>) -> ResourceMetrics {
    let names = ["service.name", "service.instance.id", "service.version", "process.pid"];
    let told = names.into_iter().zip([service, instance, "1", pid]);
    ResourceMetrics {
        resource: Some(Resource {
            attributes: told.map(|(key, text)| attribute(key, text)).collect(),
            ..Resource::default()
        }),
        scope_metrics: vec![ScopeMetrics { metrics, ..ScopeMetrics::default() }],
        ..ResourceMetrics::default()
    }
}

/// Metrics of the process 1 of `shop/a`, sent to the store.
pub(super) fn shop(rig: &Rig, metrics: Vec<Metric>) {
    send(rig, vec![of("shop", "a", "1", metrics)]);
}

pub(super) fn send(rig: &Rig, resource_metrics: Vec<ResourceMetrics>) {
    offer(rig, Signal::Metrics, ExportMetricsServiceRequest { resource_metrics }.encode_to_vec());
}

pub(super) fn offer(rig: &Rig, signal: Signal, bytes: Vec<u8>) {
    let request = Request { space: Space::default(), signal, bytes: Bytes::from(bytes), received_at: None };
    assert_eq!(rig.store.offer(request).wait().unwrap().rejected_total(), 0);
    rig.store.settle();
}
