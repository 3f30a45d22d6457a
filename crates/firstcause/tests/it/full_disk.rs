//! A disk that is really full: what was acknowledged stays, the rest is told to come again, and it goes on when there is room.
//!
//! The disk is a tmpfs in a mount namespace of its own. Its process holds it open over the restarts of the server.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Write};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use crate::exporters::{Exporter, WAYS};
use crate::otlp_client::{Seeded, now_unix_nanos, trace_request};
use crate::serving::{Serving, exchange};
use crate::{BINARY, alone, print_figures, soak};

/// MiB of the disk: some log files and segments.
const DISK_MIB: usize = 24;
/// Bytes that are left of it: some hundred requests.
const LEFT: u64 = 256 << 10;
/// How long after room was made requests must be taken again. A sender is told to come again after a second.
const SOON: Duration = Duration::from_secs(3);

/// A small disk, there as long as this is.
struct SmallDisk {
    holder: Child,
    mount: PathBuf,
    _folder: tempfile::TempDir,
}

impl SmallDisk {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let mount = folder.path().join("disk");
        std::fs::create_dir(&mount).unwrap();
        let script =
            format!("mount -t tmpfs -o size={DISK_MIB}m tmpfs \"$0\" && echo mounted && exec sleep 600");
        let mut command = Command::new("unshare");
        command.args(["--user", "--map-root-user", "--mount", "sh", "-c", &script]).arg(&mount);
        let mut holder = command.stdout(Stdio::piped()).spawn().unwrap();
        let mut line = String::new();
        BufReader::new(holder.stdout.take().unwrap()).read_line(&mut line).unwrap();
        assert_eq!(
            line.trim(),
            "mounted",
            "a namespace with a disk of its own; hint: util-linux has `unshare`"
        );
        Self { holder, mount, _folder: folder }
    }

    /// Where this process sees a path of the disk.
    fn seen(&self, name: &str) -> PathBuf {
        let root = PathBuf::from(format!("/proc/{}/root", self.holder.id()));
        root.join(self.mount.strip_prefix("/").unwrap()).join(name)
    }

    /// Somebody else takes all room but `bytes`. Gives the file.
    fn take_all_but(&self, bytes: u64) -> PathBuf {
        let path = self.seen("ballast");
        let mut file = std::fs::File::create(&path).unwrap();
        while file.write_all(&[7; 65_536]).is_ok() {}
        let len = file.metadata().unwrap().len();
        file.set_len(len.saturating_sub(bytes)).unwrap();
        path
    }

    fn serve(&self) -> Serving {
        let mut command = Command::new("nsenter");
        command.args([
            "--target",
            &self.holder.id().to_string(),
            "--user",
            "--preserve-credentials",
            "--mount",
        ]);
        command.args([BINARY, "serve", "--head-mib", "16"]);
        Serving::of(command, &self.mount.join("data"))
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        self.holder.kill().ok();
        self.holder.wait().ok();
    }
}

/// What was sent: spans by trace id of what was acknowledged, and how many requests were refused.
#[derive(Default)]
struct Sent {
    acknowledged: BTreeMap<String, usize>,
    refused: u64,
}

impl Sent {
    /// Sends one request. Says whether it was taken.
    fn one(&mut self, exporter: &mut Exporter, seeded: &mut Seeded) -> bool {
        let request = trace_request(seeded, now_unix_nanos());
        match exporter.send(&request) {
            Some(200) => {
                self.acknowledged.insert(request.trace_id, request.spans);
                true
            }
            Some(503) => {
                self.refused += 1;
                false
            }
            other => panic!("{other:?}: not to be sent again"),
        }
    }
}

/// Sends over every way until each was refused some times in turn.
fn fill(serving: &Serving, sent: &mut Sent, seeded: &mut Seeded) {
    for way in WAYS {
        let mut exporter = Exporter::to(serving, way).unwrap();
        let mut refused = 0;
        let began = Instant::now();
        while refused < 5 {
            refused += u32::from(!sent.one(&mut exporter, seeded));
            assert!(began.elapsed() < Duration::from_secs(120), "{way:?} never met the full disk");
        }
    }
}

fn assert_answers(serving: &Serving, sent: &Sent) {
    let some = sent.acknowledged.iter().step_by(sent.acknowledged.len().div_ceil(20).max(1));
    some.for_each(|(trace, spans)| assert_eq!(serving.spans_of(trace), *spans, "{trace}"));
    let (status, _) = exchange(serving.http, "GET /health", "text/plain", &[]).unwrap();
    assert_eq!(status, 200);
}

#[test]
fn a_full_disk_refuses_and_loses_nothing_and_requests_are_taken_again_when_there_is_room() {
    let _turn = alone();
    let (is_soak, _, seed) = soak();
    let (disk, mut seeded, mut sent) = (SmallDisk::new(), Seeded(seed), Sent::default());
    let mut longest = Duration::ZERO;
    for way in WAYS.into_iter().take(3) {
        let serving = disk.serve();
        let ballast = disk.take_all_but(LEFT);
        fill(&serving, &mut sent, &mut seeded);
        assert_answers(&serving, &sent);
        std::fs::remove_file(&ballast).unwrap();
        let freed = Instant::now();
        let mut exporter = Exporter::to(&serving, way).unwrap();
        while !sent.one(&mut exporter, &mut seeded) {
            assert!(freed.elapsed() < SOON, "no request is taken {SOON:?} after there is room");
            std::thread::sleep(Duration::from_millis(20));
        }
        longest = longest.max(freed.elapsed());
        serving.kill();
    }
    let serving = disk.serve();
    let lost = sent.acknowledged.iter().filter(|(trace, spans)| serving.spans_of(trace) != **spans).count();
    let stats = serving.stats();
    if is_soak {
        print_figures(&serde_json::json!({
            "requests_acknowledged": sent.acknowledged.len(), "requests_refused": sent.refused, "requests_lost": lost,
            "milliseconds_until_taken_again": longest.as_millis() as u64, "segments": stats["segments"],
        }));
    }
    assert_eq!(lost, 0, "of {} acknowledged requests", sent.acknowledged.len());
    assert!(sent.refused >= 60, "{} refused", sent.refused);
}
