//! A wrong clock: moves every time stamp in an OTLP request, as if the machine's clock were off.
//! It deliberately works on the finished request: so no signal, and no part of the SDK, can be forgotten.

use opentelemetry_http::Bytes;
use opentelemetry_proto::tonic::collector::logs::v1::ExportLogsServiceRequest;
use opentelemetry_proto::tonic::collector::metrics::v1::ExportMetricsServiceRequest;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::metrics::v1::metric::Data;
use opentelemetry_proto::tonic::metrics::v1::{HistogramDataPoint, NumberDataPoint};
use prost::Message as _;

/// The request `body` to `path` with all its times moved by `skew_nanos`; unchanged if it is none of OTLP.
pub(super) fn shifted(path: &str, body: &Bytes, skew_nanos: i64) -> Bytes {
    let shift = |nanos: &mut u64| {
        // Zero is OTLP's way to say that there is no time.
        if *nanos != 0 {
            *nanos = nanos.saturating_add_signed(skew_nanos);
        }
    };
    let moved = match path {
        "/v1/traces" => ExportTraceServiceRequest::decode(body.clone()).map(|request| traces(request, shift)),
        "/v1/metrics" => {
            ExportMetricsServiceRequest::decode(body.clone()).map(|request| metrics(request, shift))
        }
        "/v1/logs" => ExportLogsServiceRequest::decode(body.clone()).map(|request| logs(request, shift)),
        _ => return body.clone(),
    };
    moved.map_or_else(|_| body.clone(), Bytes::from)
}

fn traces(mut request: ExportTraceServiceRequest, shift: impl Fn(&mut u64)) -> Vec<u8> {
    let scopes = request.resource_spans.iter_mut().flat_map(|group| &mut group.scope_spans);
    for span in scopes.flat_map(|scope| &mut scope.spans) {
        shift(&mut span.start_time_unix_nano);
        shift(&mut span.end_time_unix_nano);
        span.events.iter_mut().for_each(|event| shift(&mut event.time_unix_nano));
    }
    request.encode_to_vec()
}

fn logs(mut request: ExportLogsServiceRequest, shift: impl Fn(&mut u64)) -> Vec<u8> {
    let scopes = request.resource_logs.iter_mut().flat_map(|group| &mut group.scope_logs);
    for record in scopes.flat_map(|scope| &mut scope.log_records) {
        shift(&mut record.time_unix_nano);
        shift(&mut record.observed_time_unix_nano);
    }
    request.encode_to_vec()
}

fn metrics(mut request: ExportMetricsServiceRequest, shift: impl Fn(&mut u64)) -> Vec<u8> {
    let number = |point: &mut NumberDataPoint| {
        shift(&mut point.start_time_unix_nano);
        shift(&mut point.time_unix_nano);
        point.exemplars.iter_mut().for_each(|exemplar| shift(&mut exemplar.time_unix_nano));
    };
    let histogram = |point: &mut HistogramDataPoint| {
        shift(&mut point.start_time_unix_nano);
        shift(&mut point.time_unix_nano);
        point.exemplars.iter_mut().for_each(|exemplar| shift(&mut exemplar.time_unix_nano));
    };
    let scopes = request.resource_metrics.iter_mut().flat_map(|group| &mut group.scope_metrics);
    for metric in scopes.flat_map(|scope| &mut scope.metrics) {
        match &mut metric.data {
            Some(Data::Gauge(gauge)) => gauge.data_points.iter_mut().for_each(number),
            Some(Data::Sum(sum)) => sum.data_points.iter_mut().for_each(number),
            Some(Data::Histogram(whole)) => whole.data_points.iter_mut().for_each(histogram),
            // A service of the demo records none of the others.
            _ => {}
        }
    }
    request.encode_to_vec()
}

#[cfg(test)]
mod tests {
    use opentelemetry_proto::tonic::trace::v1::{ResourceSpans, ScopeSpans, Span};

    use super::*;

    #[test]
    fn a_span_moves_with_both_its_ends_and_an_absent_time_stays_absent() {
        let span = Span { start_time_unix_nano: 5_000, end_time_unix_nano: 0, ..Span::default() };
        let scope = ScopeSpans { spans: vec![span], ..ScopeSpans::default() };
        let group = ResourceSpans { scope_spans: vec![scope], ..ResourceSpans::default() };
        let request = ExportTraceServiceRequest { resource_spans: vec![group] };
        let body = Bytes::from(request.encode_to_vec());
        let moved = ExportTraceServiceRequest::decode(shifted("/v1/traces", &body, -2_000)).unwrap();
        let span = &moved.resource_spans[0].scope_spans[0].spans[0];
        assert_eq!((span.start_time_unix_nano, span.end_time_unix_nano), (3_000, 0));
        assert_eq!(shifted("/elsewhere", &body, -2_000), body);
    }
}
