//! Sound requests of every form, small and with every kind of field, for the fuzzer to begin with.
//!
//! Protobuf is made from the JSON, by our own transcoder: what it makes is held against the official types elsewhere.

use otlp::Signal;
use otlp::json::to_protobuf;
use ruzstd::encoding::{CompressionLevel, compress_to_vec};

use super::rig;

const TRACES: &str = r#"{"resourceSpans":[{"resource":{"attributes":[{"key":"service.name","value":{"stringValue":"a"}}],
"entityRefs":[{"type":"t","idKeys":["k"]}]},"scopeSpans":[{"scope":{"name":"s","attributes":[{"key":"x"}]},"spans":[
{"traceId":"5b8efff798038103d269b633813fc60c","spanId":"eee19b7ec3c1b174","parentSpanId":"eee19b7ec3c1b173","name":"GET",
"kind":2,"startTimeUnixNano":"1699999999000000000","endTimeUnixNano":"1699999999500000000","traceState":"a=b","flags":1,
"attributes":[{"key":"l","value":{"arrayValue":{"values":[{"intValue":"-7"},{"kvlistValue":{"values":[{"key":"k",
"value":{"bytesValue":"AAE="}}]}}]}}}],"events":[{"timeUnixNano":"5","name":"e","droppedAttributesCount":1}],
"links":[{"traceId":"5b8efff798038103d269b633813fc60c","spanId":"eee19b7ec3c1b174"}],"status":{"code":2,"message":"m"}}]}]}]}"#;
const LOGS: &str = r#"{"resourceLogs":[{"scopeLogs":[{"logRecords":[{"timeUnixNano":"1699999999000000000",
"observedTimeUnixNano":"1","severityNumber":9,"severityText":"INFO","body":{"doubleValue":1.5},
"attributes":[{"key":"b","value":{"boolValue":true}}],"traceId":"5b8efff798038103d269b633813fc60c",
"spanId":"eee19b7ec3c1b174","flags":1,"eventName":"e"}]}],"schemaUrl":"u"}]}"#;
const METRICS: &str = r#"{"resourceMetrics":[{"scopeMetrics":[{"metrics":[{"name":"g","unit":"ms","gauge":{"dataPoints":[
{"timeUnixNano":"1","asDouble":"NaN","exemplars":[{"asInt":"5","spanId":"eee19b7ec3c1b174","filteredAttributes":[
{"key":"k","value":{"intValue":1}}]}]}]}},{"name":"s","sum":{"aggregationTemporality":2,"isMonotonic":true,"dataPoints":[
{"asInt":"-9","flags":1}]}},{"name":"h","histogram":{"aggregationTemporality":1,"dataPoints":[{"count":"3","sum":4.5,
"bucketCounts":["1","2"],"explicitBounds":[0.5],"min":1,"max":2}]}},{"name":"e","exponentialHistogram":{"dataPoints":[
{"count":1,"scale":-2,"zeroCount":"1","positive":{"offset":-1,"bucketCounts":[1,300]}}]}},{"name":"q","summary":
{"dataPoints":[{"count":"1","quantileValues":[{"quantile":0.5,"value":2}]}]},"metadata":[{"key":"m"}]}]}]}]}"#;

/// Documents of a signal.
pub(super) fn json(signal: Signal) -> Vec<Vec<u8>> {
    let text = match signal {
        Signal::Traces => TRACES,
        Signal::Logs => LOGS,
        Signal::Metrics => METRICS,
    };
    [text, "{}", "{\"a\":[[{\"b\":1.5e3}]]}"].map(|text| text.as_bytes().to_vec()).to_vec()
}

/// Messages of a signal.
pub(super) fn protobuf(signal: Signal) -> Vec<Vec<u8>> {
    json(signal).iter().map(|document| to_protobuf(signal, document).unwrap()).collect()
}

/// All messages, packed by `pack`.
fn packed(pack: impl Fn(&[u8]) -> Vec<u8>) -> Vec<Vec<u8>> {
    Signal::ALL.into_iter().flat_map(protobuf).map(|message| pack(&message)).collect()
}

/// Bodies in gzip, one of them of two members.
pub(super) fn gzip() -> Vec<Vec<u8>> {
    let mut bodies = packed(rig::gzip);
    bodies.push([rig::gzip(b"one"), rig::gzip(b"two")].concat());
    bodies
}

/// Bodies in zstd.
pub(super) fn zstd() -> Vec<Vec<u8>> {
    packed(|message| compress_to_vec(message, CompressionLevel::Fastest))
}

/// Messages in the framing of gRPC, packed and not.
pub(super) fn framed() -> Vec<Vec<u8>> {
    let frame = |flag: u8, message: &[u8]| {
        let len = u32::try_from(message.len()).unwrap();
        [&[flag][..], &len.to_be_bytes(), message].concat()
    };
    let mut bodies = packed(|message| frame(0, message));
    bodies.extend(gzip().iter().map(|message| frame(1, message)));
    bodies
}

/// Values of headers.
pub(super) fn headers() -> Vec<Vec<u8>> {
    [
        "gzip",
        "zstd",
        "identity",
        "application/json; charset=utf-8",
        "application/x-protobuf",
        "default",
        "shop-1",
        "10S",
        "99999999H",
        "5b8efff798038103d269b633813fc60c",
    ]
    .map(|text| text.as_bytes().to_vec())
    .to_vec()
}
