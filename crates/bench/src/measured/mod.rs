//! The benchmarks themselves, one file each, and what they share.

use std::path::Path;

use opentelemetry_proto::tonic::collector::logs::v1::ExportLogsServiceRequest;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use platform::{Clock as _, SystemClock};
use prost::Message as _;

use crate::cpu;
use crate::generate::Made;
use crate::server::Figures;

pub mod against;
pub mod compressed;
pub mod decode;
pub mod durable;
pub mod footprint;
pub mod lines;
pub mod overload;
pub mod questions;
pub mod size;
pub mod synced;

mod listener;
mod peers;
mod rows;

/// Connections of the sending side: as many as a small fleet of collectors has, and enough for commits to be shared.
pub(crate) const CONNECTIONS: usize = 8;

/// The time that generated signals begin at: that of this machine, because a receiver looks at how late they are.
pub(crate) fn now_ns() -> u64 {
    SystemClock::new().now_unix_nanos().cast_unsigned()
}

/// Processor seconds that prost takes to decode and drop the traces of `requests`, and the spans in them.
pub(crate) fn prost_traces(requests: &[Made]) -> anyhow::Result<(f64, u64)> {
    prost(requests, |bytes| {
        let request = ExportTraceServiceRequest::decode(bytes)?;
        let scopes = request.resource_spans.iter().flat_map(|resource| &resource.scope_spans);
        Ok(scopes.map(|scope| scope.spans.len() as u64).sum())
    })
}

/// The same of log requests.
pub(crate) fn prost_logs(requests: &[Made]) -> anyhow::Result<(f64, u64)> {
    prost(requests, |bytes| {
        let request = ExportLogsServiceRequest::decode(bytes)?;
        let scopes = request.resource_logs.iter().flat_map(|resource| &resource.scope_logs);
        Ok(scopes.map(|scope| scope.log_records.len() as u64).sum())
    })
}

fn prost(
    requests: &[Made],
    count: impl Fn(bytes::Bytes) -> Result<u64, prost::DecodeError>,
) -> anyhow::Result<(f64, u64)> {
    let decode = || requests.iter().map(|made| count(made.bytes.clone())).sum::<Result<u64, _>>();
    let (seconds, items) = cpu::measure(decode);
    Ok((seconds, items?))
}

/// Holds what a receiver counted between two looks against what was sent: all accepted, nothing twice, nothing refused.
pub(crate) fn check_accepted(before: &Figures, after: &Figures, sent: u64) -> anyhow::Result<()> {
    let grew = |name: &str| after.count(name).saturating_sub(before.count(name));
    anyhow::ensure!(grew("accepted") == sent, "{} items were accepted of {sent} sent", grew("accepted"));
    for name in ["duplicates", "rejected", "refused_items", "refused_requests"] {
        anyhow::ensure!(grew(name) == 0, "{} {name} where there are none", grew(name));
    }
    Ok(())
}

/// That a receiver which is quiet still holds each accepted item, or says that it gave it up.
pub(crate) fn check_kept(now: &Figures) -> anyhow::Result<()> {
    let (kept, accepted) = (now.count("held") + now.count("expired"), now.count("accepted"));
    anyhow::ensure!(kept == accepted, "{kept} items are held or given up of {accepted} accepted");
    Ok(())
}

/// Bytes of all files in a folder and below; those that go meanwhile count nothing.
pub(crate) fn folder_bytes(folder: &Path) -> u64 {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    entries
        .map(|entry| match entry.metadata() {
            Ok(metadata) if metadata.is_dir() => folder_bytes(&entry.path()),
            Ok(metadata) => metadata.len(),
            Err(_) => 0,
        })
        .sum()
}
