//! `traces*.jsonl`, `logs*.jsonl`, `metrics*.jsonl`: one export request a line, as the file exporter of the
//! OpenTelemetry Collector writes them. Several files of a signal (it rotates them) are read one after the other.

use std::fs::File;
use std::io::{BufRead, BufReader, Read};
use std::path::Path;

use bytes::Bytes;
use otlp::Signal;
use telemetry::UnixNanos;

use super::points::Points;
use crate::files::{self, FileError};
use telemetry::recorded::Tables;

/// Bytes of a line at most: the Collector's own batches are far smaller.
const LINE_BYTES_MAX: u64 = 64 << 20;
/// Items of a signal at most; those after them are left out.
const ITEMS_MAX: usize = 3_000_000;
/// Beginnings of names of files, and what is in them.
const SIGNALS: [(&str, Signal); 3] =
    [("logs", Signal::Logs), ("metrics", Signal::Metrics), ("traces", Signal::Traces)];

/// Adds what the files in `folder` hold to `tables`; what could not be used is told in `left_out`.
pub(super) fn read(folder: &Path, tables: &mut Tables, left_out: &mut Vec<String>) -> Result<(), FileError> {
    let mut points = Points::default();
    let mut rejected = 0;
    for name in files::list(folder)? {
        let signal = SIGNALS.iter().find(|(begin, _)| name.starts_with(begin) && name.ends_with(".jsonl"));
        let Some((_, signal)) = signal else { continue };
        let path = folder.join(&name);
        let whole = each_line(&path, |line| {
            let decoded = decode(*signal, line)?;
            rejected += decoded.receipt.rejected_total();
            tables.spans.extend(decoded.spans);
            tables.logs.extend(decoded.logs);
            points.add(decoded.points);
            Ok(tables.spans.len().max(tables.logs.len()).max(points.count()) < ITEMS_MAX)
        })?;
        if !whole {
            left_out.push(format!("`{name}` was not read to its end: more than {ITEMS_MAX} items"));
        }
    }
    if rejected > 0 {
        left_out.push(format!("{rejected} items could not be used, such as spans without an id"));
    }
    tables.series.extend(points.finish());
    Ok(())
}

/// Hands every line that is not blank to `take` until it wants no more; gives whether it had all.
fn each_line(path: &Path, mut take: impl FnMut(&[u8]) -> Result<bool, String>) -> Result<bool, FileError> {
    let file = File::open(path).map_err(|error| FileError::io(path, error))?;
    let mut reader = BufReader::new(file);
    let mut line = Vec::new();
    for number in 1_u64.. {
        line.clear();
        let read = (&mut reader).take(LINE_BYTES_MAX).read_until(b'\n', &mut line);
        let read = read.map_err(|error| FileError::io(path, error))? as u64;
        if read == 0 {
            break;
        }
        if read == LINE_BYTES_MAX {
            let what =
                format!("line {number} is longer than {LINE_BYTES_MAX} bytes; hint: one request a line");
            return Err(FileError::content(path, what));
        }
        if line.iter().all(u8::is_ascii_whitespace) {
            continue;
        }
        let has_room = take(&line).map_err(|why| {
            let hint = "hint: each line is one OTLP/JSON export request, as the Collector's file exporter writes them";
            FileError::content(path, format!("line {number}: {why}; {hint}"))
        })?;
        if !has_room {
            return Ok(false);
        }
    }
    Ok(true)
}

fn decode(signal: Signal, line: &[u8]) -> Result<otlp::Decoded, String> {
    let request = otlp::json::to_protobuf(signal, line).map_err(|error| error.to_string())?;
    let request = Bytes::from(request);
    otlp::scan(signal, &request).map_err(|error| error.to_string())?;
    // A time that is not told has no stand-in here: the file says nothing about when it was received.
    otlp::decode(signal, &request, UnixNanos(0)).map_err(|error| error.to_string())
}
