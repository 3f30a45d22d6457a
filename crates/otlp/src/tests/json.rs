//! OTLP/JSON against the official types as the oracle: they write the JSON, and both forms must decode the same.
//!
//! Values that no JSON number can hold are written as `null` by the oracle, so that requests with such a value
//! are passed over here and looked at by hand.

use bytes::Bytes;
use opentelemetry_proto::tonic::collector::logs::v1::ExportLogsServiceRequest;
use opentelemetry_proto::tonic::collector::metrics::v1::ExportMetricsServiceRequest;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use platform::{Chance, SeededChance};
use prost::Message;

use super::{RECEIVED_AT, generate};
use crate::json::{Dialect, JSON_DEPTH_MAX, JsonError, to_protobuf, to_protobuf_within};
use crate::{Signal, decode};

/// The JSON form of a request, as the official types write it.
fn json(signal: Signal, bytes: &[u8]) -> Vec<u8> {
    match signal {
        Signal::Traces => serde_json::to_vec(&ExportTraceServiceRequest::decode(bytes).unwrap()),
        Signal::Logs => serde_json::to_vec(&ExportLogsServiceRequest::decode(bytes).unwrap()),
        Signal::Metrics => serde_json::to_vec(&ExportMetricsServiceRequest::decode(bytes).unwrap()),
    }
    .unwrap()
}

/// Everything the official types see in `bytes`; also what our decoder does not keep.
fn whole(signal: Signal, bytes: &[u8]) -> String {
    match signal {
        Signal::Traces => format!("{:?}", ExportTraceServiceRequest::decode(bytes).unwrap()),
        Signal::Logs => format!("{:?}", ExportLogsServiceRequest::decode(bytes).unwrap()),
        Signal::Metrics => format!("{:?}", ExportMetricsServiceRequest::decode(bytes).unwrap()),
    }
}

fn kept(signal: Signal, bytes: &[u8]) -> String {
    format!("{:?}", decode(signal, &Bytes::copy_from_slice(bytes), RECEIVED_AT).unwrap())
}

fn detail(signal: Signal, document: &str) -> String {
    to_protobuf(signal, document.as_bytes()).unwrap_err().to_string()
}

#[test]
fn what_the_official_types_write_as_json_decodes_as_their_protobuf_does() {
    let mut compared = 0;
    for seed in 0..600 {
        for signal in Signal::ALL {
            let bytes = generate::request(signal, &mut SeededChance::new(seed));
            let expected = whole(signal, &bytes);
            if expected.contains("NaN") || expected.contains("inf") {
                continue;
            }
            let document = json(signal, &bytes);
            let got = to_protobuf(signal, &document).unwrap_or_else(|error| {
                panic!("seed {seed}: {error}: {}", String::from_utf8_lossy(&document))
            });
            assert_eq!(whole(signal, &got), expected, "seed {seed}");
            assert_eq!(kept(signal, &got), kept(signal, &bytes), "seed {seed}");
            compared += 1;
        }
    }
    assert!(compared > 1_500, "only {compared} requests were compared");
}

#[test]
fn damaged_documents_are_errors_or_requests_and_never_a_panic() {
    let (mut refused, mut taken) = (0, 0);
    for seed in 0..6_000 {
        let mut chance = SeededChance::new(seed);
        let signal = Signal::ALL[chance.below(3) as usize];
        let mut document = json(signal, &generate::request(signal, &mut chance));
        for _ in 0..=chance.below(3) {
            damage(&mut document, &mut chance);
        }
        match to_protobuf(signal, &document) {
            Ok(bytes) => {
                assert!(bytes.len() <= 4 * document.len() + 64, "seed {seed}");
                // Whatever was taken is protobuf that the official types take as well.
                assert!(!whole(signal, &bytes).is_empty(), "seed {seed}");
                taken += 1;
            }
            Err(error) => {
                assert!(!error.to_string().is_empty());
                refused += 1;
            }
        }
    }
    assert!(refused > 1_000 && taken > 100, "refused {refused}, taken {taken}: the test damages nothing");
}

fn damage(document: &mut Vec<u8>, chance: &mut dyn Chance) {
    if document.is_empty() {
        return;
    }
    let at = chance.below(document.len() as u64) as usize;
    let scraps: [&[u8]; 8] =
        [b"null", b"[[[[", b"{\"a\":", b"1e999", b"-", b"\"\\ud800\"", b"18446744073709551616", b"\xFF"];
    match chance.below(6) {
        0 => document.truncate(at),
        1 => document[at] = chance.next_u64() as u8,
        2 => {
            document.remove(at);
        }
        3 => {
            let copy = document[at..].to_vec();
            document.extend(copy);
        }
        4 => document[at] = b"{}[]\",:0"[chance.below(8) as usize],
        _ => {
            let scrap = scraps[chance.below(8) as usize];
            document.splice(at..at, scrap.iter().copied());
        }
    }
}

#[test]
fn every_cut_of_a_document_is_an_error() {
    let bytes = generate::request(Signal::Traces, &mut SeededChance::new(3));
    let document = json(Signal::Traces, &bytes);
    assert!(document.len() > 100);
    for end in 0..document.len() {
        assert!(to_protobuf(Signal::Traces, &document[..end]).is_err(), "cut at {end}");
    }
}

#[test]
fn the_other_spellings_that_senders_use_mean_the_same() {
    let strict = r#"{"resourceSpans":[{"scopeSpans":[{"spans":[{
        "traceId":"5b8efff798038103d269b633813fc60c","spanId":"eee19b7ec3c1b174","kind":2,
        "startTimeUnixNano":"1544712660000000000","endTimeUnixNano":"1544712661000000000",
        "status":{"code":2},"flags":257,
        "attributes":[{"key":"i","value":{"intValue":"-7"}},{"key":"b","value":{"bytesValue":"+/8="}}]}]}]}]}"#;
    let loose = r#"{"unknown":{"deep":[[[{"x":null}]]]},"resource_spans":[{"resource":null,"scope_spans":[{"spans":[{
        "trace_id":"5B8EFFF798038103D269B633813FC60C","spanId":"EEE19B7EC3C1B174","kind":"SPAN_KIND_SERVER",
        "start_time_unix_nano":1544712660000000000,"endTimeUnixNano":1544712661000000000,"newField":"x",
        "status":{"code":"STATUS_CODE_ERROR"},"flags":257.0,"traceState":null,
        "attributes":[{"key":"i","value":{"intValue":-7}},{"key":"b","value":{"bytesValue":"-_8"}}]}]}]}]}"#;
    let [strict, loose] = [strict, loose].map(|text| to_protobuf(Signal::Traces, text.as_bytes()).unwrap());
    assert_eq!(whole(Signal::Traces, &loose), whole(Signal::Traces, &strict));
    let decoded = decode(Signal::Traces, &strict.into(), RECEIVED_AT).unwrap();
    let span = &decoded.spans[0];
    assert_eq!(span.start.0, 1_544_712_660_000_000_000);
    assert!(format!("{span:?}").contains("Int(-7)"), "{span:?}");
    for empty in ["{}", " {\"resourceSpans\":[]}\n", "{\"resourceSpans\":null}"] {
        assert_eq!(to_protobuf(Signal::Traces, empty.as_bytes()), Ok(Vec::new()), "{empty}");
    }
}

/// The specification allows neither, and asks that a name that it does not have is ignored.
#[test]
fn what_is_sent_has_names_in_camel_case_and_enums_as_integers_only() {
    let sent = |text: &str| to_protobuf_within(Signal::Traces, text.as_bytes(), Dialect::Sent, 1_000);
    assert_eq!(sent(r#"{"resource_spans":[{}]}"#), Ok(Vec::new()));
    assert_eq!(sent(r#"{"resourceSpans":[{}]}"#), Ok(vec![10, 0]));
    for kind in ["\"SPAN_KIND_SERVER\"", "\"2\""] {
        let document = format!(r#"{{"resourceSpans":[{{"scopeSpans":[{{"spans":[{{"kind":{kind}}}]}}]}}]}}"#);
        assert!(sent(&document).unwrap_err().to_string().contains("expected an integer"), "{kind}");
        assert!(to_protobuf(Signal::Traces, document.as_bytes()).is_ok(), "{kind}");
    }
}

#[test]
fn two_of_what_there_may_be_one_and_text_that_is_none_are_errors() {
    let value = |value: &str| {
        let document =
            format!(r#"{{"resourceLogs":[{{"scopeLogs":[{{"logRecords":[{{"body":{value}}}]}}]}}]}}"#);
        to_protobuf(Signal::Logs, document.as_bytes())
    };
    assert!(value(r#"{"intValue":1,"stringValue":null}"#).is_ok());
    let twice = value(r#"{"intValue":1,"stringValue":""}"#).unwrap_err().to_string();
    assert!(twice.contains("a second one"), "{twice}");
    let unknown = to_protobuf(Signal::Logs, b"{\"unknown\":\"\xff\"}").unwrap_err().to_string();
    assert!(unknown.contains("invalid UTF-8 behind byte 12"), "{unknown}");
}

#[test]
fn doubles_that_json_cannot_write_come_as_strings() {
    let point = |value: &str| {
        let document = format!(
            r#"{{"resourceMetrics":[{{"scopeMetrics":[{{"metrics":[{{"name":"m","gauge":{{"dataPoints":[
                {{"timeUnixNano":"1","asDouble":{value}}}]}}}}]}}]}}]}}"#
        );
        let bytes = to_protobuf(Signal::Metrics, document.as_bytes()).unwrap();
        format!("{:?}", decode(Signal::Metrics, &bytes.into(), RECEIVED_AT).unwrap().points[0].value)
    };
    assert_eq!(point("\"NaN\""), "Number(NaN)");
    assert_eq!(point("\"Infinity\""), "Number(inf)");
    assert_eq!(point("\"-Infinity\""), "Number(-inf)");
    assert_eq!(point("\"0.25\""), point("0.25"));
    assert_eq!(point("3"), "Number(3.0)");
}

#[test]
fn an_error_names_the_path_the_place_and_what_was_expected() {
    let span = |field: &str| {
        format!("{{\"resourceSpans\":[{{\"scopeSpans\":[{{}},{{\"spans\":[{{{field}}}]}}]}}]}}")
    };
    for (field, path, what) in [
        ("\"kind\":\"SERVER\"", "kind", "an unknown name"),
        ("\"traceId\":\"W47/95gDgQPSabYzgT/GDA==\"", "traceId", "ids in hex, not base64"),
        ("\"name\":7", "name", "a number, expected a string"),
        ("\"startTimeUnixNano\":-1", "startTimeUnixNano", "-1 is out of range"),
        ("\"startTimeUnixNano\":1.5", "startTimeUnixNano", "no exact integer"),
        ("\"startTimeUnixNano\":\"x\"", "startTimeUnixNano", "a string that is no integer"),
        ("\"attributes\":{}", "attributes", "expected a list"),
        ("\"attributes\":[null]", "attributes[0]", "null within a list"),
        ("\"attributes\":[[]]", "attributes[0]", "a list, expected KeyValue"),
        ("\"status\":[]", "status", "a list, expected Status"),
        ("\"name\":{}", "name", "an object, expected a string"),
        ("\"name\":\"a\",\"name\":\"b\"", "name", "stands twice"),
        ("\"name\":\"a", "name", "EOF while parsing a string at line 1 column"),
    ] {
        let got = detail(Signal::Traces, &span(field));
        let path = format!("bad JSON at `resourceSpans[0].scopeSpans[1].spans[0].{path}`: ");
        assert!(got.starts_with(&path) && got.contains(what), "{field}: {got}");
    }
    assert!(
        detail(Signal::Traces, "[]").starts_with("bad JSON at `$`: "),
        "{}",
        detail(Signal::Traces, "[]")
    );
    let two = detail(Signal::Logs, "{}{}");
    assert!(two.contains("trailing characters"), "{two}");
    let long = format!("\"{}\"", "x".repeat(5_000));
    assert!(detail(Signal::Traces, &long).len() < 400);
}

#[test]
fn depth_and_size_have_limits_that_say_so() {
    let nested = |levels: usize| {
        let (open, close) = ("{\"arrayValue\":{\"values\":[".repeat(levels), "]}}".repeat(levels));
        format!("{{\"resourceLogs\":[{{\"scopeLogs\":[{{\"logRecords\":[{{\"body\":{open}{close}}}]}}]}}]}}")
    };
    assert!(to_protobuf(Signal::Logs, nested(32).as_bytes()).is_ok());
    // Pairs take a step more a level.
    let pairs =
        format!("{}{{}}{}", "{\"kvlistValue\":{\"values\":[{\"value\":".repeat(31), "}]}}".repeat(31));
    let pairs = nested(0).replace("\"body\":", &format!("\"body\":{pairs}"));
    let bytes = to_protobuf(Signal::Logs, pairs.as_bytes()).unwrap();
    assert_eq!(decode(Signal::Logs, &bytes.into(), RECEIVED_AT).unwrap().logs.len(), 1);
    let too_deep = to_protobuf(Signal::Logs, nested(60).as_bytes()).unwrap_err();
    assert!(matches!(too_deep, JsonError::TooDeep { .. }), "{too_deep}");
    assert!(too_deep.to_string().contains(&JSON_DEPTH_MAX.to_string()));
    // Unknown fields are skipped without recursion.
    let unknown = format!("{{\"x\":{}{}}}", "[".repeat(100_000), "]".repeat(100_000));
    assert_eq!(to_protobuf(Signal::Logs, unknown.as_bytes()), Ok(Vec::new()));
    let wide = format!(
        r#"{{"resourceMetrics":[{{"scopeMetrics":[{{"metrics":[{{"histogram":{{"dataPoints":[{{"bucketCounts":[{}1]}}]}}}}]}}]}}]}}"#,
        "1,".repeat(10_000)
    );
    assert!(to_protobuf(Signal::Metrics, wide.as_bytes()).is_ok_and(|bytes| bytes.len() > 80_000));
    let too_large = to_protobuf_within(Signal::Metrics, wide.as_bytes(), Dialect::Sent, 1_000).unwrap_err();
    assert_eq!(too_large, JsonError::TooLarge { max_bytes: 1_000 });
}
