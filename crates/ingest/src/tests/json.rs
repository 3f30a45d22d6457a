//! OTLP/JSON over HTTP: taken like protobuf, answered in JSON.

use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;

use super::rig::{Answer, Rig, gzip};
use crate::Limits;

const GOOD: &str = r#"{"resourceSpans":[{"resource":{"attributes":[{"key":"service.name","value":{"stringValue":"a"}}]},
    "scopeSpans":[{"spans":[
    {"traceId":"5b8efff798038103d269b633813fc60c","spanId":"eee19b7ec3c1b174","name":"GET /","kind":2,
     "startTimeUnixNano":"1699999999000000000","endTimeUnixNano":"1699999999500000000"},
    {"traceId":"","spanId":"eee19b7ec3c1b175","name":"nowhere"}]}]}]}"#;

fn head(path: &str, more: &str) -> String {
    format!("POST {path} HTTP/1.1\r\nCONTENT-TYPE: Application/JSON; charset=utf-8{more}")
}

fn body(answer: &Answer) -> serde_json::Value {
    assert!(answer.has("content-type: application/json"), "{answer:?}");
    serde_json::from_slice(&answer.body).unwrap()
}

#[tokio::test]
async fn a_document_is_stored_and_the_answer_is_json_with_the_partial_success() {
    let rig = Rig::new().await;
    for (more, bytes) in
        [("", GOOD.as_bytes().to_vec()), ("\r\ncontent-encoding: gzip", gzip(GOOD.as_bytes()))]
    {
        let answer = rig.send(&head("/v1/traces", more), &bytes).await;
        assert_eq!(answer.status, 200, "{answer:?}");
        let expected = serde_json::json!({ "partialSuccess": {
            "rejectedSpans": "1", "errorMessage": "rejected: invalid_trace_id 1",
        }});
        assert_eq!(body(&answer), expected);
    }
    let stats = rig.store.stats();
    assert_eq!((stats.accepted, stats.rejected.values().sum::<u64>()), (2, 2));
    for path in ["/v1/logs", "/v1/metrics"] {
        let answer = rig.send(&head(path, ""), b"{}").await;
        assert_eq!((answer.status, body(&answer)), (200, serde_json::json!({})));
    }
}

#[tokio::test]
async fn a_chunked_document_without_a_length_is_taken() {
    let rig = Rig::new().await;
    let mut stream = TcpStream::connect(rig.address).await.unwrap();
    let head = head("/v1/traces", "\r\nhost: x\r\nconnection: close\r\nTransfer-Encoding: chunked\r\n\r\n");
    stream.write_all(head.as_bytes()).await.unwrap();
    for chunk in GOOD.as_bytes().chunks(50) {
        let framed = [format!("{:x}\r\n", chunk.len()).as_bytes(), chunk, b"\r\n"].concat();
        stream.write_all(&framed).await.unwrap();
    }
    stream.write_all(b"0\r\n\r\n").await.unwrap();
    assert_eq!(Answer::read(&mut stream).await.status, 200);
    assert_eq!(rig.store.stats().accepted, 1);
}

#[tokio::test]
async fn a_bad_document_is_400_with_the_path_and_one_too_large_is_413() {
    let limits = Limits { body_bytes_max: 100_000, ..Limits::default() };
    let rig = Rig::with(limits, |_| {}).await;
    let document = br#"{"resourceSpans":[{"scopeSpans":[{"spans":[{"kind":"X"}]}]}]}"#;
    let bad = rig.send(&head("/v1/traces", ""), document).await;
    assert_eq!((bad.status, body(&bad)["code"].as_u64()), (400, Some(3)));
    let message = body(&bad)["message"].as_str().unwrap().to_owned();
    assert!(message.contains("`resourceSpans[0].scopeSpans[0].spans[0].kind`"), "{message}");
    // Within the limit as JSON, above it as protobuf.
    let counts = "1,".repeat(30_000);
    let grows = format!(
        r#"{{"resourceMetrics":[{{"scopeMetrics":[{{"metrics":[{{"histogram":{{"dataPoints":[
        {{"bucketCounts":[{counts}1]}},{{"bucketCounts":[1]}}]}}}}]}}]}}]}}"#
    );
    let large = rig.send(&head("/v1/metrics", ""), grows.as_bytes()).await;
    assert_eq!((large.status, body(&large)["code"].as_u64()), (413, Some(8)), "{large:?}");
    assert_eq!(rig.store.stats().accepted, 0);
}

#[tokio::test]
async fn overload_says_in_json_when_to_come_back() {
    // Room for the document, not for its protobuf form.
    let limits = Limits { bodies_bytes_max: (256 << 10) + 100, ..Limits::default() };
    let rig = Rig::with(limits, |_| {}).await;
    let answer = rig.send(&head("/v1/traces", ""), GOOD.as_bytes()).await;
    assert_eq!(answer.status, 503, "{answer:?}");
    let details = &body(&answer)["details"][0];
    assert_eq!(details["@type"], "type.googleapis.com/google.rpc.RetryInfo");
    assert_eq!(details["retryDelay"], "1s");
}
