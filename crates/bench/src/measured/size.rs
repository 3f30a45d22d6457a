//! B7: bytes on disk of a span, a log record and a metric point in segments, what is derived from them included.
//!
//! The receiver is given a small head, so that most signals go to segments; what the whole data directory takes, with the
//! log of what is still in memory, stands beside it. The peer is ClickHouse in process with the tables of OpenTelemetry's
//! exporter, merged to one part.

use std::path::Path;

use serde_json::{Value, json};

use super::durable::received_at;
use super::peers::{self, Answer};
use super::{folder_bytes, now_ns, rows};
use crate::child::Wiring;
use crate::client::Target;
use crate::generate::logs::Logs;
use crate::generate::points::Points;
use crate::generate::spans::Spans;
use crate::generate::{self, Made, Stream};
use crate::ratio::{Spread, rounded};
use crate::server::Server;
use crate::settings::{Outcome, Settings};

/// Far less than the default: most of some 100,000 signals go to segments. Lines are smaller than spans.
const HEAD_MIB: u64 = 48;
const HEAD_MIB_OF_LOGS: u64 = 16;

/// What the receiver takes for one item.
struct Kept {
    in_segments: f64,
    in_all: f64,
    segments: u64,
    sealed: u64,
}

/// Runs it.
///
/// # Errors
/// When the receiver or the peer fails, or they hold another number of rows than was sent.
pub fn run(settings: &Settings) -> anyhow::Result<Outcome> {
    let folder = tempfile::tempdir_in(&settings.work_dir)?;
    let from_ns = now_ns();
    let mut outcome = Outcome::default();
    let spans = Spans::new(settings.seed, from_ns).take_requests(settings.requests);
    let logs = Logs::new(settings.seed.wrapping_add(1), from_ns).take_requests(settings.requests);
    let points = Points::new(settings.seed.wrapping_add(2), from_ns).take_requests(settings.requests);
    for (kind, requests) in [("spans", &spans), ("logs", &logs)] {
        let ours = kept(settings, &folder.path().join(kind), path_of(kind), requests)?;
        let theirs = peer(settings, folder.path(), kind, requests, &mut outcome)?;
        let each = |bytes: f64| rounded(bytes / generate::items(requests) as f64);
        outcome.figures.insert(
            format!("bytes_of_one_of_{kind}"),
            json!({
                "sent": each(generate::bytes(requests) as f64),
                "ours_in_segments": rounded(ours.in_segments),
                "ours_in_all": rounded(ours.in_all),
                "segments": ours.segments,
                "items_in_segments": ours.sealed,
                "clickhouse": theirs.map(each),
            }),
        );
        let theirs = theirs.map(|theirs| theirs / generate::items(requests) as f64);
        outcome.values.push(theirs.and_then(|theirs| Spread::one(ours.in_segments / theirs)));
    }
    let ours = kept(settings, &folder.path().join("points"), "/v1/metrics", &points)?;
    outcome.values.push(Spread::one(ours.in_segments));
    outcome.figures.insert(
        "bytes_of_one_of_points".to_owned(),
        json!({
            "sent": rounded(generate::bytes(&points) as f64 / generate::items(&points) as f64),
            "ours_in_segments": rounded(ours.in_segments),
            "ours_in_all": rounded(ours.in_all),
            "segments": ours.segments,
            "items_in_segments": ours.sealed,
        }),
    );
    outcome.figures.insert("rows_of_each".to_owned(), json!(generate::items(&spans)));
    Ok(outcome)
}

fn path_of(kind: &str) -> &'static str {
    if kind == "logs" { "/v1/logs" } else { "/v1/traces" }
}

/// What the receiver keeps of the requests; without a segment there is no figure.
fn kept(settings: &Settings, data_dir: &Path, path: &str, requests: &[Made]) -> anyhow::Result<Kept> {
    let head_mib = if path == "/v1/logs" { HEAD_MIB_OF_LOGS } else { HEAD_MIB };
    let wiring = Wiring { head_mib: Some(head_mib), ..Wiring::of_product(data_dir) };
    let mut server = Server::start(&settings.program, &wiring)?;
    let target = Target { address: server.address, path, encoding: None };
    let sent = generate::items(requests);
    received_at(&mut server, target, requests, Some(sent))?;
    let figures = server.quiet()?;
    let (held, sealed) = (figures.count("held"), figures.count("sealed"));
    anyhow::ensure!(held == sent, "{held} items are held of {sent}");
    server.stop()?;
    Ok(Kept {
        in_segments: figures.count("segment_bytes") as f64 / sealed as f64,
        in_all: folder_bytes(data_dir) as f64 / sent as f64,
        segments: figures.count("segments"),
        sealed,
    })
}

/// Bytes that the peer keeps of the same rows; none where it is not there.
fn peer(
    settings: &Settings,
    folder: &Path,
    kind: &str,
    requests: &[Made],
    outcome: &mut Outcome,
) -> anyhow::Result<Option<f64>> {
    if settings.python.is_none() {
        outcome
            .notes
            .push(format!("ClickHouse was not asked for {kind}: `cargo xtask bench --peers` installs it"));
        return Ok(None);
    }
    let text = rows::json_lines(kind, requests)?;
    let input = peers::write(folder, &format!("{kind}.jsonl"), &text)?;
    let empty = folder.join(format!("{kind}-peer"));
    match peers::ask(settings, "size.py", &[Path::new(kind), &input, &empty])? {
        Answer::Of(found) => {
            let rows = found.get("rows").and_then(Value::as_u64);
            let sent = generate::items(requests);
            anyhow::ensure!(rows == Some(sent), "the peer holds {found} of {sent} rows");
            outcome.figures.insert(format!("clickhouse_{kind}"), found.clone());
            Ok(found.get("bytes").and_then(Value::as_f64))
        }
        Answer::None(reason) => {
            outcome.notes.push(reason);
            Ok(None)
        }
    }
}
