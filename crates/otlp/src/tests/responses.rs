//! What is answered, read back by `prost`.

use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceResponse;
use prost::Message;

use crate::intake::Receipt;
use crate::response::{UNAVAILABLE, encode_export, encode_status};

#[derive(Clone, PartialEq, Message)]
struct Any {
    #[prost(string, tag = "1")]
    type_url: String,
    #[prost(bytes = "vec", tag = "2")]
    value: Vec<u8>,
}

#[derive(Clone, PartialEq, Message)]
struct Status {
    #[prost(int32, tag = "1")]
    code: i32,
    #[prost(string, tag = "2")]
    message: String,
    #[prost(message, repeated, tag = "3")]
    details: Vec<Any>,
}

#[test]
fn full_success_is_an_empty_message_and_partial_success_says_how_many_and_why() {
    assert!(encode_export(&Receipt::default()).is_empty());
    let mut receipt = Receipt { accepted: 5, ..Receipt::default() };
    receipt.repaired.insert("value_cut".to_owned(), 1);
    let repaired = ExportTraceServiceResponse::decode(encode_export(&receipt).as_slice()).unwrap();
    let partial = repaired.partial_success.unwrap();
    assert_eq!((partial.rejected_spans, partial.error_message.as_str()), (0, "repaired: value_cut 1"));
    receipt.rejected.insert("invalid_trace_id".to_owned(), 3);
    let rejected = ExportTraceServiceResponse::decode(encode_export(&receipt).as_slice()).unwrap();
    let partial = rejected.partial_success.unwrap();
    assert_eq!(
        (partial.rejected_spans, partial.error_message.as_str()),
        (3, "rejected: invalid_trace_id 3; repaired: value_cut 1")
    );
}

#[test]
fn a_status_carries_code_message_and_when_to_retry() {
    let status = Status::decode(encode_status(UNAVAILABLE, "busy", Some(7)).as_slice()).unwrap();
    assert_eq!((status.code, status.message.as_str()), (14, "busy"));
    assert_eq!(status.details[0].type_url, "type.googleapis.com/google.rpc.RetryInfo");
    // RetryInfo { retry_delay: Duration { seconds: 7 } }.
    assert_eq!(status.details[0].value, [0x0A, 2, 0x08, 7]);
    let plain = Status::decode(encode_status(8, "no", None).as_slice()).unwrap();
    assert!(plain.details.is_empty());
    let malformed = Status::decode(encode_status(3, "no", None).as_slice()).unwrap();
    assert_eq!(malformed.details[0].type_url, "type.googleapis.com/google.rpc.BadRequest");
    // BadRequest { field_violations: [{ description: "no" }] }.
    assert_eq!(malformed.details[0].value, [0x0A, 4, 0x12, 2, b'n', b'o']);
}
