//! B18: how large the product's binary is, how long a cold build takes, how soon a started one acknowledges, and what it
//! holds while nothing happens.
//!
//! The binary is the release build as `cargo xtask bench` makes it. The cold build is measured there, when asked for.

use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Child, ChildStdout, Command, Stdio};
use std::time::Duration;

use anyhow::Context as _;
use platform::{Clock as _, SystemClock};
use serde_json::json;

use super::now_ns;
use crate::client::{self, Target};
use crate::cpu;
use crate::generate::Stream as _;
use crate::generate::spans::Spans;
use crate::ratio::Spread;
use crate::settings::{Outcome, Settings};

/// Until memory that was needed for the start is given back.
const IDLE: Duration = Duration::from_secs(5);
const MIB: f64 = (1 << 20) as f64;

/// Runs it.
///
/// # Errors
/// When the product does not start or does not acknowledge.
pub fn run(settings: &Settings) -> anyhow::Result<Outcome> {
    let product = settings.product.as_deref().context("no release build was given (`--product`)")?;
    let size = std::fs::metadata(product).context("failed to look at the product")?.len();
    let mut outcome = Outcome::default();
    let (mut starts, mut idle, mut ended) = (Vec::new(), Vec::new(), 0);
    for round in 0..settings.rounds {
        let folder = tempfile::tempdir_in(&settings.work_dir)?;
        let request = Spans::new(settings.seed.wrapping_add(round as u64), now_ns()).take_requests(1);
        let clock = SystemClock::new();
        let product = Product::start(product, folder.path())?;
        let target = Target { address: product.address, path: "/v1/traces", encoding: None };
        client::send(target, &request, 1)?.all_acknowledged()?;
        starts.push(clock.monotonic().as_secs_f64() * 1e3);
        cpu::pause(IDLE);
        let rss = cpu::memory_bytes(product.child.id(), "VmRSS").context("the product is gone")?;
        idle.push(rss as f64 / MIB);
        ended += u32::from(product.stop());
    }
    outcome.values = vec![
        Spread::one(size as f64 / MIB),
        settings.cold_build_seconds.and_then(|seconds| Spread::one(seconds / 60.0)),
        Spread::of(&starts),
        Spread::of(&idle),
    ];
    outcome.notes.push("a binary given with `--product` is of the commit at which it was built".to_owned());
    outcome.figures.insert("binary_bytes".to_owned(), json!(size));
    outcome.figures.insert("starts_that_ended_well".to_owned(), json!(ended));
    if settings.cold_build_seconds.is_none() {
        outcome.notes.push("the cold build is measured with `--cold-build`".to_owned());
    }
    Ok(outcome)
}

struct Product {
    child: Child,
    /// Kept open: a product whose words nobody takes any more ends.
    _output: BufReader<ChildStdout>,
    address: std::net::SocketAddr,
}

impl Product {
    fn start(program: &Path, data_dir: &Path) -> anyhow::Result<Self> {
        let free = "127.0.0.1:0";
        let mut child = Command::new(program)
            .args(["serve", "--otlp-http", free, "--otlp-grpc", free, "--http", free, "--data-dir"])
            .arg(data_dir)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .context("failed to start the product")?;
        let mut line = String::new();
        let mut output = BufReader::new(child.stdout.take().context("the product has no output")?);
        output.read_line(&mut line).context("failed to read from the product")?;
        let address = line.trim_end().rsplit_once("http://").map(|(_, address)| address.parse());
        match address {
            Some(Ok(address)) => Ok(Self { child, _output: output, address }),
            _ => {
                child.kill().context("failed to end the product")?;
                anyhow::bail!("the product does not say where it listens: `{line}`")
            }
        }
    }

    /// Ends it as an operator would; whether it ended well.
    fn stop(mut self) -> bool {
        let term = Command::new("kill").args(["-TERM", &self.child.id().to_string()]).status();
        if !term.is_ok_and(|status| status.success()) {
            // Then the next best: nothing may be left running.
            let _outcome = self.child.kill();
        }
        self.child.wait().is_ok_and(|status| status.success())
    }
}
