//! Metric requests: the points of one instance at one time, in 16 metrics of 32 series.
//!
//! Counters rise and gauges wander, every ten seconds of data time.

use opentelemetry_proto::tonic::collector::metrics::v1::ExportMetricsServiceRequest;
use opentelemetry_proto::tonic::metrics::v1::{
    Gauge, Metric, NumberDataPoint, ResourceMetrics, ScopeMetrics, Sum, metric, number_data_point,
};
use prost::Message as _;

use super::{BATCH, Draws, INSTANCES, Made, SERVICES, Stream, int, resource, scope, text};

/// Series of one metric.
const SERIES: u64 = 32;
const PERIOD_NS: u64 = 10_000_000_000;

/// Makes metric requests.
#[derive(Debug)]
pub struct Points {
    draws: Draws,
    number: u64,
    from_ns: u64,
}

impl Points {
    /// The requests of `seed`, from `from_ns` on.
    #[must_use]
    pub fn new(seed: u64, from_ns: u64) -> Self {
        Self { draws: Draws::new(seed), number: 0, from_ns }
    }

    fn metric(&mut self, number: u64) -> Metric {
        let round = self.number / (SERVICES * INSTANCES);
        let time = self.from_ns + round * PERIOD_NS;
        let is_counter = number.is_multiple_of(2);
        let data_points = (0..SERIES)
            .map(|series| {
                let value = if is_counter {
                    let total = round * 100 + self.draws.below(100);
                    number_data_point::Value::AsInt(i64::try_from(total).unwrap_or(i64::MAX))
                } else {
                    number_data_point::Value::AsDouble(40.0 + self.draws.below(2000) as f64 / 100.0)
                };
                NumberDataPoint {
                    attributes: vec![
                        text("http.route", format!("/api/v1/things-{series:02}/{{id}}")),
                        int("http.response.status_code", 200 + series % 3 * 100),
                    ],
                    start_time_unix_nano: self.from_ns,
                    time_unix_nano: time,
                    value: Some(value),
                    ..NumberDataPoint::default()
                }
            })
            .collect();
        let data = if is_counter {
            metric::Data::Sum(Sum { data_points, aggregation_temporality: 2, is_monotonic: true })
        } else {
            metric::Data::Gauge(Gauge { data_points })
        };
        let name = format!("shop.metric_{number:02}");
        Metric { name, unit: "1".to_owned(), data: Some(data), ..Metric::default() }
    }
}

impl Stream for Points {
    fn next_request(&mut self) -> Made {
        let metrics: Vec<Metric> = (0..BATCH as u64 / SERIES).map(|number| self.metric(number)).collect();
        let scope_metrics = vec![ScopeMetrics { scope: Some(scope()), metrics, ..ScopeMetrics::default() }];
        let resource = Some(resource(self.number));
        let resource_metrics =
            vec![ResourceMetrics { resource, scope_metrics, ..ResourceMetrics::default() }];
        self.number += 1;
        Made {
            bytes: ExportMetricsServiceRequest { resource_metrics }.encode_to_vec().into(),
            items: BATCH as u64,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_holds_as_many_points_as_it_says_and_our_decoder_keeps_them() {
        let mut points = Points::new(5, 1_700_000_000_000_000_000);
        for made in points.take_requests(3) {
            let decoded = otlp::decode(
                otlp::Signal::Metrics,
                &made.bytes,
                telemetry::UnixNanos(1_700_000_000_000_000_000),
            )
            .unwrap();
            assert_eq!((decoded.points.len() as u64, decoded.receipt.accepted), (made.items, made.items));
        }
    }
}
