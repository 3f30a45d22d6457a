//! A child process of [`crate::child`], held by the side that measures.
//!
//! When it is dropped the process is ended. Its figures are its own words: processor time to the nanosecond, counts.

use std::io::{BufRead as _, BufReader, Write as _};
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::time::Duration;

use anyhow::Context as _;
use serde_json::Value;

use crate::child::Wiring;
use crate::cpu;

/// How often the child is asked whether it still works.
const LOOK: Duration = Duration::from_millis(60);
/// It is quiet when it used less than this since the last look.
const QUIET_SECONDS: f64 = 0.002;
/// Looks at most: work that goes on for longer is not a consequence of a round.
const LOOKS_MAX: usize = 500;

/// A running child.
#[derive(Debug)]
pub struct Server {
    child: Child,
    input: Option<ChildStdin>,
    output: BufReader<ChildStdout>,
    /// Where it receives.
    pub address: SocketAddr,
}

/// What a child says of itself.
#[derive(Debug, Clone)]
pub struct Figures(Value);

impl Figures {
    /// Processor seconds since its start.
    #[must_use]
    pub fn cpu_seconds(&self) -> f64 {
        self.0.get("cpu_seconds").and_then(Value::as_f64).unwrap_or(f64::NAN)
    }

    /// A count; zero where it says none.
    #[must_use]
    pub fn count(&self, name: &str) -> u64 {
        self.0.get(name).and_then(Value::as_u64).unwrap_or(0)
    }
}

impl Server {
    /// Starts `program` as a child.
    ///
    /// # Errors
    /// When it does not start or does not listen.
    pub fn start(program: &Path, wiring: &Wiring) -> anyhow::Result<Self> {
        let mut child = Command::new(program)
            .args(wiring.words())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .context("failed to start the child")?;
        let input = child.stdin.take();
        let output = BufReader::new(child.stdout.take().context("the child has no output")?);
        let mut server = Self { child, input, output, address: SocketAddr::from(([127, 0, 0, 1], 0)) };
        let line = server.line()?;
        let address = line.strip_prefix("listening ").context("the child does not listen")?;
        server.address =
            address.parse().with_context(|| format!("failed to read the address `{address}`"))?;
        Ok(server)
    }

    /// Its number.
    #[must_use]
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    fn line(&mut self) -> anyhow::Result<String> {
        let mut line = String::new();
        let length = self.output.read_line(&mut line).context("failed to read from the child")?;
        anyhow::ensure!(length > 0, "the child ended");
        Ok(line.trim_end().to_owned())
    }

    /// Tells it something that it does not answer.
    ///
    /// # Errors
    /// When it is gone.
    pub fn tell(&mut self, command: &str) -> anyhow::Result<()> {
        let input = self.input.as_mut().context("the child was stopped")?;
        writeln!(input, "{command}").and_then(|()| input.flush()).context("failed to tell the child")
    }

    /// Asks it something and parses the line that it answers.
    ///
    /// # Errors
    /// When it is gone or does not answer in JSON.
    pub fn ask(&mut self, command: &str) -> anyhow::Result<Value> {
        self.tell(command)?;
        let line = self.line()?;
        serde_json::from_str(&line).with_context(|| format!("failed to read `{line}`"))
    }

    /// Its figures of this moment.
    ///
    /// # Errors
    /// When it is gone.
    pub fn figures(&mut self) -> anyhow::Result<Figures> {
        self.ask("figures").map(Figures)
    }

    /// Its figures once what it still had to do is done: work after the answer counts too.
    ///
    /// # Errors
    /// When it is gone.
    pub fn quiet(&mut self) -> anyhow::Result<Figures> {
        let mut last = self.figures()?;
        for _ in 0..LOOKS_MAX {
            cpu::pause(LOOK);
            let now = self.figures()?;
            if now.cpu_seconds() - last.cpu_seconds() < QUIET_SECONDS {
                return Ok(now);
            }
            last = now;
        }
        Ok(last)
    }

    /// Ends it as an operator would, and waits for it.
    ///
    /// # Errors
    /// When it does not end well.
    pub fn stop(mut self) -> anyhow::Result<()> {
        drop(self.input.take());
        let status = self.child.wait().context("failed to wait for the child")?;
        anyhow::ensure!(status.success(), "the child ended with {status}");
        Ok(())
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        if self.input.is_some() {
            // It may have ended by itself; then there is nothing left to do.
            let _outcome = self.child.kill();
            let _status = self.child.wait();
        }
    }
}
