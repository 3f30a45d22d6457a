//! The order that an acknowledgement promises: log write, sync, response; seen from the system calls.
//!
//! `strace` watches the real binary. The negative control runs the same server without the sync and must be found
//! out: a check that cannot fail shows nothing.

use std::path::Path;
use std::process::Command;
use std::time::Duration;

use crate::otlp_client::{Seeded, now_unix_nanos, trace_request};
use crate::serving::{Serving, exchange};
use crate::{BINARY, alone};

const REQUESTS: usize = 40;

/// What a traced line says, as far as the order goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Event {
    LogWrite,
    SyncDone,
    Acknowledged,
}

/// The event of a line of `strace -f -y`. A sync counts when it has returned; with `-f` a call may be split into
/// `<unfinished ...>` and `resumed`.
fn event(line: &str) -> Option<Event> {
    let is_log = line.contains(".wal>");
    if line.contains("fdatasync") && line.trim_end().ends_with("= 0") && (is_log || line.contains("resumed"))
    {
        return Some(Event::SyncDone);
    }
    if is_log && (line.contains("write(") || line.contains("writev(") || line.contains("pwrite64(")) {
        return Some(Event::LogWrite);
    }
    line.contains("HTTP/1.1 200").then_some(Event::Acknowledged)
}

/// Acknowledgements, and those that no write and sync came before since the last one.
fn unsynced(trace: &str) -> (usize, usize) {
    let (mut acknowledged, mut early) = (0, 0);
    let (mut is_written, mut is_synced) = (false, false);
    for event in trace.lines().filter_map(event) {
        match event {
            Event::LogWrite => (is_written, is_synced) = (true, false),
            Event::SyncDone => is_synced = is_written,
            Event::Acknowledged => {
                acknowledged += 1;
                early += usize::from(!(is_written && is_synced));
                (is_written, is_synced) = (false, false);
            }
        }
    }
    (acknowledged, early)
}

/// The system calls of a server that takes requests one after the other.
fn traced(folder: &Path, more: &[&str]) -> String {
    let out = folder.join("strace.txt");
    let mut command = Command::new("strace");
    command.args(["-f", "-y", "-s", "32", "-e", "trace=write,writev,pwrite64,fdatasync,sendto,sendmsg"]);
    command.arg("-o").arg(&out).arg(BINARY).arg("serve").args(more);
    let mut serving = Serving::of(command, &folder.join("data"));
    let mut seeded = Seeded(7);
    for _ in 0..REQUESTS {
        let request = trace_request(&mut seeded, now_unix_nanos());
        let (status, _) =
            exchange(serving.otlp, "POST /v1/traces", "application/x-protobuf", &request.bytes).unwrap();
        assert_eq!(status, 200);
    }
    // The server is asked to end, and its tracer ends with it; what that has seen is then on disk. A tracer that is asked
    // itself lets go and leaves the server running.
    let tracer = serving.child.id();
    let children = std::fs::read_to_string(format!("/proc/{tracer}/task/{tracer}/children")).unwrap();
    let server = children.split_whitespace().next().expect("the tracer started the server");
    assert!(Command::new("kill").args(["-TERM", server]).status().unwrap().success());
    for _ in 0..100 {
        if serving.child.try_wait().unwrap().is_some() {
            break;
        }
        std::thread::sleep(Duration::from_millis(50));
    }
    std::fs::read_to_string(out).expect("strace is installed; hint: apt-get install strace")
}

#[test]
fn every_acknowledgement_follows_its_write_and_its_sync() {
    let _turn = alone();
    let folder = tempfile::tempdir().unwrap();
    let (acknowledged, early) = unsynced(&traced(folder.path(), &[]));
    assert_eq!((acknowledged, early), (REQUESTS, 0));
}

#[test]
fn without_the_sync_the_check_is_red() {
    let _turn = alone();
    let folder = tempfile::tempdir().unwrap();
    let (acknowledged, early) = unsynced(&traced(folder.path(), &["--durability", "none"]));
    assert_eq!(acknowledged, REQUESTS);
    assert_eq!(early, REQUESTS, "the control without a sync must be found out");
}
