//! B4: rows that a processor second takes, ours by a peer's, on the same requests in turns.
//!
//! The peer that comes with `--peers` is rotel in front of ClickHouse: the processor time of both and of the program that
//! joins them is counted, until all rows are in the table. Peers that run already (`--peer NAME=URL`) are counted by the
//! process that listens; one that acknowledges before it keeps is counted until it is quiet.

use std::io::{BufRead as _, BufReader, Write as _};
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::time::Duration;

use anyhow::Context as _;
use serde_json::{Value, json};

use super::durable::{fill, received};
use super::{CONNECTIONS, listener, now_ns};
use crate::child::Wiring;
use crate::client::{self, Target};
use crate::cpu;
use crate::generate::spans::Spans;
use crate::generate::{self, Stream as _};
use crate::ratio::{Spread, rounded};
use crate::server::Server;
use crate::settings::{Outcome, Settings};

const LOOK: Duration = Duration::from_millis(300);
/// Looks at most until a peer has all rows, or is quiet: a minute.
const LOOKS_MAX: usize = 200;
/// Of `/proc/PID/stat`, whose steps are a hundredth of a second.
const QUIET_SECONDS: f64 = 0.011;

/// Runs it.
///
/// # Errors
/// When a side fails, or keeps another number of rows than it was sent.
pub fn run(settings: &Settings) -> anyhow::Result<Outcome> {
    let mut outcome = Outcome::default();
    if settings.python.is_none() && settings.peers.is_empty() {
        outcome.notes.push(
            "no peer: `cargo xtask bench --peers B4` starts rotel and ClickHouse, `--peer NAME=URL` takes what runs"
                .to_owned(),
        );
        return Ok(outcome);
    }
    let folder = tempfile::tempdir_in(&settings.work_dir)?;
    let mut peers = Vec::new();
    if let Some(python) = &settings.python {
        peers.push(Side::chain(python, &folder.path().join("chain"))?);
    }
    for peer in &settings.peers {
        let address: SocketAddr =
            peer.address.parse().with_context(|| format!("not HOST:PORT: {}", peer.address))?;
        let pid = listener::pid_of(address).context("no process of this machine listens there")?;
        peers.push(Side { name: peer.name.clone(), address, pids: vec![pid], chain: None, rows: 0 });
    }
    let wiring = Wiring::of_product(&folder.path().join("ours"));
    let mut server = Server::start(&settings.program, &wiring)?;
    let mut stream = Spans::new(settings.seed, now_ns());
    fill(&mut server, &mut stream, settings)?;
    let mut rounds: Vec<Vec<(f64, f64)>> = vec![Vec::new(); peers.len()];
    let mut sent = 0;
    for _ in 0..settings.rounds {
        let requests = stream.take_requests(settings.requests);
        sent = generate::items(&requests);
        let (ours, _) = received(&mut server, &requests, Some(sent))?;
        for (peer, rounds) in peers.iter_mut().zip(&mut rounds) {
            let before = peer.cpu_seconds()?;
            let target = Target { address: peer.address, path: "/v1/traces", encoding: None };
            client::send(target, &requests, CONNECTIONS)?.all_acknowledged()?;
            peer.settle(sent)?;
            rounds.push((peer.cpu_seconds()? - before, ours));
        }
    }
    server.stop()?;
    for (peer, rounds) in peers.iter().zip(&rounds) {
        // Rows a second are the inverse of seconds a row.
        let spread = Spread::of_ratios(rounds);
        outcome.values.push(spread);
        let rate = |side: fn(&(f64, f64)) -> f64| {
            rounded(sent as f64 / rounds.iter().map(side).fold(f64::INFINITY, f64::min))
        };
        outcome.figures.insert(
            format!("against_{}", peer.name),
            json!({
                "times": spread.map(|spread| spread.json()),
                "ours_spans_a_cpu_second": rate(|round| round.1),
                "theirs_spans_a_cpu_second": rate(|round| round.0),
            }),
        );
    }
    Ok(outcome)
}

/// A peer as it runs.
struct Side {
    name: String,
    address: SocketAddr,
    pids: Vec<u32>,
    chain: Option<Chain>,
    rows: u64,
}

impl Side {
    fn chain(python: &Path, folder: &Path) -> anyhow::Result<Self> {
        std::fs::create_dir_all(folder).context("failed to make a folder for the peer")?;
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("peers/chain.py");
        let mut child = Command::new(python)
            .arg(script)
            .arg(folder)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .context("failed to start the peer")?;
        let input = child.stdin.take().context("the peer has no input")?;
        let output = BufReader::new(child.stdout.take().context("the peer has no output")?);
        let mut chain = Chain { child, input: Some(input), output };
        let said = chain.line()?;
        let port = said.get("port").and_then(Value::as_u64).and_then(|port| u16::try_from(port).ok());
        let pids = said.get("pids").and_then(Value::as_array).cloned().unwrap_or_default();
        let pids =
            pids.iter().filter_map(|pid| pid.as_u64().and_then(|pid| u32::try_from(pid).ok())).collect();
        let address = SocketAddr::from(([127, 0, 0, 1], port.context("the peer names no port")?));
        Ok(Self { name: "rotel_and_clickhouse".to_owned(), address, pids, chain: Some(chain), rows: 0 })
    }

    fn cpu_seconds(&self) -> anyhow::Result<f64> {
        let seconds = self.pids.iter().map(|pid| cpu::of_process(*pid).context("the peer is gone"));
        seconds.sum()
    }

    /// Waits until all rows are kept, and until it is quiet.
    fn settle(&mut self, sent: u64) -> anyhow::Result<()> {
        self.rows += sent;
        let (mut last, mut kept) = (self.cpu_seconds()?, 0);
        for _ in 0..LOOKS_MAX {
            cpu::pause(LOOK);
            if let Some(chain) = &mut self.chain {
                kept = chain.rows()?;
                anyhow::ensure!(kept <= self.rows, "{kept} rows are kept of {} sent", self.rows);
            }
            let now = self.cpu_seconds()?;
            let has_all = self.chain.is_none() || kept == self.rows;
            if has_all && now - last < QUIET_SECONDS {
                return Ok(());
            }
            last = now;
        }
        anyhow::ensure!(
            self.chain.is_none() || kept == self.rows,
            "{kept} rows are kept of {} sent",
            self.rows
        );
        Ok(())
    }
}

/// The process that joins rotel and ClickHouse.
struct Chain {
    child: Child,
    input: Option<ChildStdin>,
    output: BufReader<ChildStdout>,
}

impl Chain {
    fn line(&mut self) -> anyhow::Result<Value> {
        let mut line = String::new();
        self.output.read_line(&mut line).context("failed to read from the peer")?;
        serde_json::from_str(&line).with_context(|| format!("failed to read `{line}`"))
    }

    fn rows(&mut self) -> anyhow::Result<u64> {
        let input = self.input.as_mut().context("the peer was stopped")?;
        writeln!(input, "rows").and_then(|()| input.flush()).context("failed to ask the peer")?;
        self.line()?.get("rows").and_then(Value::as_u64).context("the peer tells no rows")
    }
}

impl Drop for Chain {
    fn drop(&mut self) {
        // It ends its own child when its input ends.
        drop(self.input.take());
        let _status = self.child.wait();
    }
}
