//! One test for each line of the table of statuses.

use std::io;

use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceResponse;
use opentelemetry_proto::tonic::trace::v1::Span;
use platform::Call;
use prost::Message;

use super::rig::{Rig, export, gzip, span, traces_head};
use crate::Limits;

#[tokio::test]
async fn a_good_request_is_200_with_an_empty_answer_of_the_same_type() {
    let rig = Rig::new().await;
    let answer = rig.post(&export(vec![span(1), span(2)])).await;
    assert_eq!((answer.status, answer.body.len()), (200, 0), "{answer:?}");
    assert!(answer.has("content-type: application/x-protobuf"));
    assert_eq!(rig.store.stats().accepted, 2);
    let empty = rig.post(&[]).await;
    assert_eq!((empty.status, empty.body.len()), (200, 0));
    for path in ["/v1/logs", "/v1/metrics"] {
        let head = traces_head("").replace("/v1/traces", path);
        assert_eq!(rig.send(&head, &[]).await.status, 200, "{path}");
    }
}

#[tokio::test]
async fn rejected_items_are_200_with_their_number_and_reason() {
    let rig = Rig::new().await;
    let answer = rig.post(&export(vec![span(1), Span::default()])).await;
    let response = ExportTraceServiceResponse::decode(answer.body.as_slice()).unwrap();
    let partial = response.partial_success.unwrap();
    assert_eq!((answer.status, partial.rejected_spans), (200, 1));
    assert_eq!(partial.error_message, "rejected: invalid_trace_id 1");
}

#[tokio::test]
async fn gzip_is_taken_in_several_members_and_broken_gzip_is_400() {
    let rig = Rig::new().await;
    let bytes = export(vec![span(1)]);
    let (front, back) = bytes.split_at(10);
    let two_members = [gzip(front), gzip(back)].concat();
    let head = traces_head("\r\ncontent-encoding: gzip");
    assert_eq!(rig.send(&head, &two_members).await.status, 200);
    assert_eq!(rig.store.stats().accepted, 1);
    let cut = gzip(&bytes);
    for broken in [&cut[..cut.len() - 3], b"no gzip at all"] {
        let answer = rig.send(&head, broken).await;
        assert_eq!((answer.status, answer.rpc_status().0), (400, 3), "{answer:?}");
    }
}

#[tokio::test]
async fn bad_protobuf_is_400_with_a_status_that_names_the_field() {
    let rig = Rig::new().await;
    let mut bytes = export(vec![span(1)]);
    let at = bytes.windows(5).position(|window| window == b"GET /").unwrap();
    bytes[at] = 0xFF;
    let answer = rig.post(&bytes).await;
    assert_eq!(answer.status, 400);
    assert!(answer.has("content-type: application/x-protobuf"));
    let (code, message) = answer.rpc_status();
    assert_eq!(code, 3);
    assert!(message.contains("resource_spans.scope_spans.spans.name: invalid UTF-8"), "{message}");
    let bad_space = rig.send(&traces_head("\r\nx-firstcause-space: ../etc"), &[]).await;
    assert_eq!(bad_space.status, 400);
}

#[tokio::test]
async fn what_is_too_large_is_413_before_and_after_decompression() {
    let limits = Limits { wire_bytes_max: 100_000, body_bytes_max: 2_000_000, ..Limits::default() };
    let rig = Rig::with(limits, |_| {}).await;
    let oversize = rig.post(&vec![0; 100_001]).await;
    assert_eq!((oversize.status, oversize.rpc_status().0), (413, 8));
    let head = traces_head("\r\ncontent-encoding: gzip");
    let bomb = gzip(&vec![0; 50_000_000]);
    assert!(bomb.len() < 100_000);
    let answer = rig.send(&head, &bomb).await;
    assert_eq!((answer.status, answer.rpc_status().0), (413, 8), "{answer:?}");
    // Below the size, above the ratio.
    let steep = rig.send(&head, &gzip(&vec![0; 1_900_000])).await;
    assert_eq!(steep.status, 413);
    assert!(steep.rpc_status().1.contains("200 times"), "{steep:?}");
}

#[tokio::test]
async fn an_unknown_type_or_encoding_is_415_in_a_form_the_sender_can_read() {
    let rig = Rig::new().await;
    let text = rig.send("POST /v1/traces HTTP/1.1\r\ncontent-type: text/csv", b"a,b").await;
    assert_eq!(text.status, 415);
    assert!(text.has("content-type: text/plain; charset=utf-8"));
    for encoding in ["br", "gzip, gzip", "gzip\r\ncontent-encoding: gzip"] {
        let head = traces_head(&format!("\r\ncontent-encoding: {encoding}"));
        assert_eq!(rig.send(&head, b"").await.status, 415, "{encoding}");
    }
}

#[tokio::test]
async fn a_wrong_method_is_405_and_a_wrong_path_404() {
    let rig = Rig::new().await;
    let get = rig.send("GET /v1/traces HTTP/1.1", &[]).await;
    assert_eq!(get.status, 405);
    assert!(get.has("allow: post"), "{get:?}");
    for path in ["/", "/v1/profiles", "/v1/traces/"] {
        let answer = rig.send(&format!("POST {path} HTTP/1.1"), &[]).await;
        assert_eq!(answer.status, 404, "{path}");
    }
}

#[tokio::test]
async fn overload_is_503_with_a_time_to_come_back() {
    let limits = Limits { bodies_bytes_max: 10, ..Limits::default() };
    let rig = Rig::with(limits, |_| {}).await;
    let answer = rig.post(&export(vec![span(1)])).await;
    assert_eq!((answer.status, answer.rpc_status().0), (503, 14), "{answer:?}");
    assert!(answer.has("retry-after: 1"));
    // The store's own budget, taken by a request whose sync does not return.
    let rig = Rig::with(Limits::default(), |config| config.budget_bytes = 800).await;
    rig.disk.hold_syncs(true);
    let body = export(vec![span(1)]);
    let request = otlp::Request {
        space: telemetry::Space::default(),
        signal: otlp::Signal::Traces,
        bytes: body.clone().into(),
        received_at: None,
    };
    let first = otlp::Intake::offer(&rig.store, request);
    let answer = rig.post(&body).await;
    assert_eq!((answer.status, answer.has("retry-after: 1")), (503, true), "{answer:?}");
    rig.disk.hold_syncs(false);
    assert!(first.await.is_ok());
    assert_eq!(rig.post(&body).await.status, 200);
}

#[tokio::test]
async fn a_disk_that_fails_and_a_store_that_closes_are_503_and_nothing_is_claimed() {
    let rig = Rig::new().await;
    rig.disk.fail(Call::SyncData, 1, io::ErrorKind::StorageFull);
    // The first sync belongs to the log of the new space.
    let failed = rig.post(&export(vec![span(1)])).await;
    assert_eq!(failed.status, 503, "{failed:?}");
    assert!(failed.has("retry-after: 5"));
    assert_eq!(rig.post(&export(vec![span(1)])).await.status, 200);
    rig.store.close();
    let closed = rig.post(&export(vec![span(2)])).await;
    assert_eq!((closed.status, closed.rpc_status().1.as_str()), (503, "closing"));
    assert_eq!(rig.store.stats().accepted, 1);
}
