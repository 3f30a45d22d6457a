//! Seeded requests as OpenTelemetry exporters send them: spans, log records, metric points.
//!
//! A seed and a time give the same bytes on any machine. The shape is that of the benchmark table: batches of 512,
//! 20 attributes a span with those of its resource, two of them near-unique. Traces are interleaved: neighbours in a
//! batch seldom belong together, so that nothing compresses better than it would in life.

use bytes::Bytes;
use opentelemetry_proto::tonic::common::v1::{AnyValue, InstrumentationScope, KeyValue, any_value};
use opentelemetry_proto::tonic::resource::v1::Resource;
use platform::{Chance, SeededChance};

pub mod logs;
pub mod points;
pub mod spans;

/// Items of one request: what the SDKs and the Collector send by default.
pub const BATCH: usize = 512;
/// Services of the world that all signals come from.
pub const SERVICES: u64 = 40;
/// Instances of each service.
pub const INSTANCES: u64 = 6;

/// One export request, encoded.
#[derive(Debug, Clone)]
pub struct Made {
    /// The protobuf message.
    pub bytes: Bytes,
    /// Spans, log records or points in it.
    pub items: u64,
}

/// What makes one request after the other.
pub trait Stream {
    /// The next request.
    fn next_request(&mut self) -> Made;

    /// The next `count` requests.
    fn take_requests(&mut self, count: usize) -> Vec<Made> {
        (0..count).map(|_| self.next_request()).collect()
    }
}

/// Items of all `requests`.
#[must_use]
pub fn items(requests: &[Made]) -> u64 {
    requests.iter().map(|request| request.items).sum()
}

/// Bytes of all `requests`.
#[must_use]
pub fn bytes(requests: &[Made]) -> u64 {
    requests.iter().map(|request| request.bytes.len() as u64).sum()
}

pub(crate) fn text(key: &str, value: impl Into<String>) -> KeyValue {
    attribute(key, any_value::Value::StringValue(value.into()))
}

pub(crate) fn int(key: &str, value: u64) -> KeyValue {
    attribute(key, any_value::Value::IntValue(i64::try_from(value).unwrap_or(i64::MAX)))
}

fn attribute(key: &str, value: any_value::Value) -> KeyValue {
    KeyValue { key: key.to_owned(), value: Some(AnyValue { value: Some(value) }), ..KeyValue::default() }
}

/// The name of a service of the world.
pub(crate) fn service(number: u64) -> String {
    format!("service-{:02}", number % SERVICES)
}

/// The resource of one instance: nine attributes.
pub(crate) fn resource(number: u64) -> Resource {
    let (at, instance) = (number % SERVICES, number / SERVICES % INSTANCES);
    let pod = format!("service-{at:02}-{:08x}-{instance}", at.wrapping_mul(2_654_435_761) & 0xffff_ffff);
    let attributes = vec![
        text("service.name", service(number)),
        text("service.namespace", "shop"),
        text("service.version", format!("1.{}.0", at % 7)),
        text("service.instance.id", pod.clone()),
        text("deployment.environment.name", "production"),
        text("k8s.pod.name", pod),
        text("k8s.node.name", format!("node-{:02}", (at + instance * 7) % 12)),
        text("telemetry.sdk.language", if at.is_multiple_of(3) { "java" } else { "python" }),
        text("telemetry.sdk.version", "1.45.1"),
    ];
    Resource { attributes, ..Resource::default() }
}

pub(crate) fn scope() -> InstrumentationScope {
    InstrumentationScope {
        name: "opentelemetry.instrumentation.http".to_owned(),
        version: "0.66b1".to_owned(),
        ..InstrumentationScope::default()
    }
}

/// Draws over a seeded sequence.
#[derive(Debug, Clone)]
pub(crate) struct Draws(SeededChance);

impl Draws {
    pub(crate) fn new(seed: u64) -> Self {
        Self(SeededChance::new(seed))
    }

    pub(crate) fn bits(&mut self) -> u64 {
        self.0.next_u64()
    }

    pub(crate) fn below(&mut self, bound: u64) -> u64 {
        self.0.below(bound)
    }

    /// Eight bytes that are not all zero.
    pub(crate) fn id(&mut self) -> [u8; 8] {
        (self.bits() | 1).to_be_bytes()
    }

    /// A number whose small values are common: the minimum of two draws.
    pub(crate) fn skewed(&mut self, bound: u64) -> u64 {
        let (first, second) = (self.below(bound), self.below(bound));
        first.min(second)
    }
}
