//! Sends requests as exporters do: a few connections that stay open, each waiting for its answer.
//!
//! The smallest HTTP/1.1 that does it, so that the sending side costs little of the machine that is measured.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::sync::Mutex;
use std::sync::PoisonError;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use anyhow::Context as _;
use platform::{Clock as _, SystemClock};

use crate::generate::Made;

/// An answer that takes longer is none.
const PATIENCE: Duration = Duration::from_secs(30);

/// Where to and how.
#[derive(Debug, Clone, Copy)]
pub struct Target<'a> {
    /// The receiver.
    pub address: SocketAddr,
    /// `/v1/traces`, `/v1/logs` or `/v1/metrics`.
    pub path: &'a str,
    /// Whether the bodies are gzip already.
    pub encoding: Option<&'a str>,
}

/// What became of the requests.
#[derive(Debug, Default, Clone)]
pub struct Sent {
    /// Requests answered with 200.
    pub acknowledged: u64,
    /// Items in them.
    pub acknowledged_items: u64,
    /// Requests told to come again later: 429 and 503.
    pub refused: u64,
    /// Any other status, or none.
    pub failed: u64,
    /// How long each acknowledged request took.
    pub latencies: Vec<Duration>,
    /// From the first byte to the last answer.
    pub elapsed: Duration,
}

impl Sent {
    /// The latency that this share of the requests stays below.
    #[must_use]
    pub fn quantile(&self, share: f64) -> Option<Duration> {
        let mut sorted = self.latencies.clone();
        sorted.sort();
        let place = (share * sorted.len() as f64).ceil() as usize;
        sorted.get(place.saturating_sub(1)).copied()
    }

    fn add(&mut self, other: Self) {
        self.acknowledged += other.acknowledged;
        self.acknowledged_items += other.acknowledged_items;
        self.refused += other.refused;
        self.failed += other.failed;
        self.latencies.extend(other.latencies);
    }

    /// Fails unless every request was acknowledged.
    ///
    /// # Errors
    /// When one was not.
    pub fn all_acknowledged(self) -> anyhow::Result<Self> {
        let (refused, failed) = (self.refused, self.failed);
        anyhow::ensure!(refused + failed == 0, "{refused} requests were refused and {failed} failed");
        Ok(self)
    }
}

/// Sends every request once, over `connections` at a time.
///
/// # Errors
/// When the receiver cannot be reached.
pub fn send(target: Target<'_>, requests: &[Made], connections: usize) -> anyhow::Result<Sent> {
    let next = AtomicUsize::new(0);
    send_from(target, connections, |_| || requests.get(next.fetch_add(1, Ordering::Relaxed)).cloned())
}

/// Sends over each connection what its source makes, until that makes no more.
///
/// # Errors
/// When the receiver cannot be reached.
pub fn send_from<Source>(
    target: Target<'_>,
    connections: usize,
    source: impl Fn(usize) -> Source + Sync,
) -> anyhow::Result<Sent>
where
    Source: FnMut() -> Option<Made>,
{
    let (total, clock) = (Mutex::new(Sent::default()), SystemClock::new());
    let one = |number: usize| -> anyhow::Result<()> {
        let sent = send_over_one(target, source(number), &clock)?;
        total.lock().unwrap_or_else(PoisonError::into_inner).add(sent);
        Ok(())
    };
    let one = &one;
    let outcome: anyhow::Result<()> = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..connections).map(|number| scope.spawn(move || one(number))).collect();
        threads
            .into_iter()
            .try_for_each(|thread| thread.join().unwrap_or_else(|_| anyhow::bail!("a sender panicked")))
    });
    outcome?;
    let mut sent = total.into_inner().unwrap_or_else(PoisonError::into_inner);
    sent.elapsed = clock.monotonic();
    Ok(sent)
}

fn send_over_one(
    target: Target<'_>,
    mut source: impl FnMut() -> Option<Made>,
    clock: &SystemClock,
) -> anyhow::Result<Sent> {
    let (mut sent, mut connection) = (Sent::default(), Connection::open(target)?);
    while let Some(made) = source() {
        let began = clock.monotonic();
        let status = connection.post(&made);
        sent.count(status, made.items, clock.monotonic().saturating_sub(began));
        if status.is_none() || !connection.is_open {
            connection = Connection::open(target)?;
        }
    }
    Ok(sent)
}

impl Sent {
    fn count(&mut self, status: Option<u16>, items: u64, lasted: Duration) {
        match status {
            Some(200) => {
                self.acknowledged += 1;
                self.acknowledged_items += items;
                self.latencies.push(lasted);
            }
            Some(429 | 503) => self.refused += 1,
            _ => self.failed += 1,
        }
    }
}

struct Connection {
    reader: BufReader<TcpStream>,
    head: String,
    is_open: bool,
}

impl Connection {
    fn open(target: Target<'_>) -> anyhow::Result<Self> {
        let Target { address, path, encoding } = target;
        let stream = TcpStream::connect(address).with_context(|| format!("failed to reach {address}"))?;
        stream.set_nodelay(true).context("failed to set up the connection")?;
        stream.set_read_timeout(Some(PATIENCE)).context("failed to set up the connection")?;
        let encoding = encoding.map(|name| format!("content-encoding: {name}\r\n")).unwrap_or_default();
        let head = format!(
            "POST {path} HTTP/1.1\r\nhost: {address}\r\ncontent-type: application/x-protobuf\r\n{encoding}content-length: "
        );
        Ok(Self { reader: BufReader::new(stream), head, is_open: true })
    }

    /// The status of the answer; `None` when there is none.
    fn post(&mut self, made: &Made) -> Option<u16> {
        let head = format!("{}{}\r\n\r\n", self.head, made.bytes.len());
        let stream = self.reader.get_mut();
        // A receiver that refuses early may stop reading: its answer is read all the same.
        let written = stream.write_all(head.as_bytes()).and_then(|()| stream.write_all(&made.bytes));
        self.is_open = written.is_ok();
        self.answer()
    }

    fn answer(&mut self) -> Option<u16> {
        let mut line = String::new();
        self.reader.read_line(&mut line).ok()?;
        let status = line.split(' ').nth(1)?.parse().ok()?;
        let mut length = 0;
        loop {
            line.clear();
            let read = self.reader.read_line(&mut line).ok()?;
            let header = line.trim_end().to_ascii_lowercase();
            if header.is_empty() || read == 0 {
                break;
            }
            if let Some(value) = header.strip_prefix("content-length:") {
                length = value.trim().parse().ok()?;
            }
            self.is_open &= header != "connection: close";
        }
        let mut body = vec![0; length];
        self.reader.read_exact(&mut body).ok()?;
        Some(status)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_quantile_is_one_of_the_latencies() {
        let latencies = (1..=100).map(Duration::from_millis).collect();
        let sent = Sent { latencies, ..Sent::default() };
        assert_eq!(sent.quantile(0.99), Some(Duration::from_millis(99)));
        assert_eq!(sent.quantile(0.5), Some(Duration::from_millis(50)));
        assert_eq!(Sent::default().quantile(0.5), None);
    }

    #[test]
    fn a_request_that_was_not_acknowledged_fails_the_run() {
        let mut sent = Sent::default();
        sent.count(Some(200), 5, Duration::ZERO);
        assert!(sent.clone().all_acknowledged().is_ok());
        sent.count(Some(503), 5, Duration::ZERO);
        assert_eq!((sent.acknowledged_items, sent.refused), (5, 1));
        assert!(sent.all_acknowledged().is_err());
    }
}
