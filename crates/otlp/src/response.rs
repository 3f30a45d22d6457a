//! What is answered to a sender, in protobuf and JSON: export responses and `google.rpc.Status`.
//!
//! The three export responses have the same fields under different names. Which status of the transport goes
//! with them is `ingest`'s choice.

use crate::intake::{Receipt, Signal};
use crate::wire::{put_bytes, put_number};

/// `google.rpc.Code.INVALID_ARGUMENT`.
pub const INVALID_ARGUMENT: u32 = 3;
/// `google.rpc.Code.DEADLINE_EXCEEDED`.
pub const DEADLINE_EXCEEDED: u32 = 4;
/// `google.rpc.Code.RESOURCE_EXHAUSTED`.
pub const RESOURCE_EXHAUSTED: u32 = 8;
/// `google.rpc.Code.UNIMPLEMENTED`.
pub const UNIMPLEMENTED: u32 = 12;
/// `google.rpc.Code.INTERNAL`.
pub const INTERNAL: u32 = 13;
/// `google.rpc.Code.UNAVAILABLE`.
pub const UNAVAILABLE: u32 = 14;

const BAD_REQUEST: &str = "type.googleapis.com/google.rpc.BadRequest";
const RETRY_INFO: &str = "type.googleapis.com/google.rpc.RetryInfo";

/// `Export{Trace,Logs,Metrics}ServiceResponse`: empty when all was well, with `partial_success` when items were
/// rejected, or with its message alone when items were repaired.
#[must_use]
pub fn encode_export(receipt: &Receipt) -> Vec<u8> {
    let mut out = Vec::new();
    let Some(message) = message(receipt) else {
        return out;
    };
    let mut partial = Vec::new();
    put_number(&mut partial, 1, receipt.rejected_total());
    put_bytes(&mut partial, 2, message.as_bytes());
    put_bytes(&mut out, 1, &partial);
    out
}

/// [`encode_export`] in OTLP/JSON.
#[must_use]
pub fn export_json(signal: Signal, receipt: &Receipt) -> Vec<u8> {
    let Some(message) = message(receipt) else {
        return b"{}".to_vec();
    };
    let rejected = match signal {
        Signal::Traces => "rejectedSpans",
        Signal::Logs => "rejectedLogRecords",
        Signal::Metrics => "rejectedDataPoints",
    };
    // 64-bit integers are strings in the JSON form of protobuf.
    let partial =
        serde_json::json!({ rejected: receipt.rejected_total().to_string(), "errorMessage": message });
    serde_json::json!({ "partialSuccess": partial }).to_string().into_bytes()
}

/// The sentence that tells a sender what was rejected and repaired, when anything was.
#[must_use]
pub fn message(receipt: &Receipt) -> Option<String> {
    let list = |what: &str, counts: &std::collections::BTreeMap<String, u64>| {
        let counts: Vec<String> = counts.iter().map(|(reason, count)| format!("{reason} {count}")).collect();
        (!counts.is_empty()).then(|| format!("{what}: {}", counts.join(", ")))
    };
    let parts: Vec<String> = [list("rejected", &receipt.rejected), list("repaired", &receipt.repaired)]
        .into_iter()
        .flatten()
        .collect();
    (!parts.is_empty()).then(|| parts.join("; "))
}

/// `google.rpc.Status`, with a `google.rpc.BadRequest` when the request was malformed, and a `google.rpc.RetryInfo` when
/// `retry_after_s` is told.
#[must_use]
pub fn encode_status(code: u32, message: &str, retry_after_s: Option<u32>) -> Vec<u8> {
    let mut out = Vec::new();
    put_number(&mut out, 1, u64::from(code));
    put_bytes(&mut out, 2, message.as_bytes());
    if code == INVALID_ARGUMENT {
        let (mut violation, mut request) = (Vec::new(), Vec::new());
        put_bytes(&mut violation, 2, message.as_bytes());
        put_bytes(&mut request, 1, &violation);
        put_detail(&mut out, BAD_REQUEST, &request);
    }
    if let Some(seconds) = retry_after_s {
        let (mut duration, mut info) = (Vec::new(), Vec::new());
        put_number(&mut duration, 1, u64::from(seconds));
        put_bytes(&mut info, 1, &duration);
        put_detail(&mut out, RETRY_INFO, &info);
    }
    out
}

/// Appends a `google.protobuf.Any` to the details of a status.
fn put_detail(out: &mut Vec<u8>, type_url: &str, value: &[u8]) {
    let mut any = Vec::new();
    put_bytes(&mut any, 1, type_url.as_bytes());
    put_bytes(&mut any, 2, value);
    put_bytes(out, 3, &any);
}

/// [`encode_status`] in JSON.
#[must_use]
pub fn status_json(code: u32, message: &str, retry_after_s: Option<u32>) -> Vec<u8> {
    let mut status = serde_json::json!({ "code": code, "message": message });
    let mut details = Vec::new();
    if code == INVALID_ARGUMENT {
        let violation = serde_json::json!({ "description": message });
        details.push(serde_json::json!({ "@type": BAD_REQUEST, "fieldViolations": [violation] }));
    }
    if let Some(seconds) = retry_after_s {
        details.push(serde_json::json!({ "@type": RETRY_INFO, "retryDelay": format!("{seconds}s") }));
    }
    if let (false, Some(fields)) = (details.is_empty(), status.as_object_mut()) {
        fields.insert("details".to_owned(), details.into());
    }
    status.to_string().into_bytes()
}
