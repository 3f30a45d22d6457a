//! The load: requests at times that the seed decides, sent whether or not the ones before have been answered.
//! Latency counts from the intended start, so a stalled system cannot hide behind a stalled client
//! ("coordinated omission", Gil Tene).
//! It deliberately never slows down; what it cannot send it counts.

pub(crate) mod control;
mod latency;
mod live;

use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::http::{Method, Request, header};
use bytes::Bytes;
use http_body_util::Full;
use serde::{Deserialize, Serialize};
use thiserror::Error;
use tokio::sync::Semaphore;
use tokio::task::JoinSet;
use tokio::time::{sleep_until, timeout};

use crate::clock;
use crate::data::{CUSTOMERS, PRODUCTS};
use crate::files;
use crate::lifetime::Lifetime;
use crate::outbound::{self, Client};
use crate::rng::Rng;
use latency::Latencies;
pub use live::Figures;
use live::Live;

/// Requests that may be under way at once.
const IN_FLIGHT: usize = 256;
/// A request that takes longer has failed.
const REQUEST_LIMIT: Duration = Duration::from_secs(10);
/// One customer in so many buys gifts.
const GIFT_EVERY: u64 = 25;
/// How often the load asks what is wanted of it.
const CONTROL_INTERVAL: Duration = Duration::from_millis(200);

/// What load to put on the system.
#[derive(Clone, Debug)]
pub struct Options {
    /// The entries of the system, taken in turn; when one does not answer, the next is asked.
    pub targets: Vec<SocketAddr>,
    /// Mean requests per second.
    pub rate_per_s: f64,
    /// Decides the times and the requests.
    pub seed: u64,
    /// How long; without it until told to stop.
    pub duration: Option<Duration>,
    /// Whether to stop when standard input ends.
    pub stop_with_stdin: bool,
    /// Where to write the summary.
    pub summary_file: Option<PathBuf>,
    /// Where the director writes what it wants of the load.
    pub control_file: Option<PathBuf>,
    /// Where to write, twice a second, how the system does right now.
    pub live_file: Option<PathBuf>,
}

/// What became of the requests; sent = ok + failed, and dropped were never sent.
#[derive(Clone, Copy, Debug, Default, Deserialize, PartialEq, Serialize)]
pub struct Summary {
    /// Requests sent.
    pub sent: u64,
    /// Answered with success.
    pub ok: u64,
    /// Answered otherwise, or not in time.
    pub failed: u64,
    /// Not sent, because too many were under way.
    pub dropped: u64,
    /// Median latency from the intended start.
    pub p50_ms: f64,
    /// 99th percentile of the latency from the intended start.
    pub p99_ms: f64,
}

/// Why there was no load.
#[derive(Debug, Error)]
pub enum LoadError {
    /// The options make no load.
    #[error(
        "no load: {0} targets at {1} requests per second; hint: give at least one target and a positive rate"
    )]
    Options(usize, f64),
    /// Signals cannot be received.
    #[error("cannot listen for signals")]
    Signal(#[source] io::Error),
    /// The summary cannot be written.
    #[error("cannot write the summary to `{path}`")]
    Summary {
        /// The file.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: io::Error,
    },
}

/// Puts load on the system until the duration is over or the process is told to stop.
pub async fn run(options: Options) -> Result<Summary, LoadError> {
    if options.targets.is_empty() || !(options.rate_per_s.is_finite() && options.rate_per_s > 0.0) {
        return Err(LoadError::Options(options.targets.len(), options.rate_per_s));
    }
    let mut lifetime = Lifetime::watch(options.stop_with_stdin).map_err(LoadError::Signal)?;
    let mut generator = Generator::new(&options);
    tokio::select! {
        () = generator.generate(&options) => {}
        () = lifetime.ended() => {}
    }
    let summary = generator.finish().await;
    if let Some(path) = options.summary_file {
        let written = serde_json::to_vec(&summary).map_err(io::Error::from);
        let written = written.and_then(|document| files::write_atomically(&path, &document));
        written.map_err(|source| LoadError::Summary { path, source })?;
    }
    Ok(summary)
}

struct Generator {
    arrivals: Rng,
    requests: Rng,
    slots: Arc<Semaphore>,
    target: Arc<Target>,
    under_way: JoinSet<Outcome>,
    latencies: Latencies,
    summary: Summary,
    live: Option<Live>,
}

struct Outcome {
    ok: bool,
    latency: Duration,
}

impl Generator {
    fn new(options: &Options) -> Self {
        Self {
            arrivals: Rng::new(options.seed, 1),
            requests: Rng::new(options.seed, 2),
            slots: Arc::new(Semaphore::new(IN_FLIGHT)),
            target: Arc::new(Target { addresses: options.targets.clone(), client: outbound::client() }),
            under_way: JoinSet::new(),
            latencies: Latencies::default(),
            summary: Summary::default(),
            live: options.live_file.clone().map(Live::new),
        }
    }

    async fn generate(&mut self, options: &Options) {
        let start = clock::monotonic();
        let mut offset = Duration::ZERO;
        let (mut factor, mut asked_at) = (1.0, start);
        loop {
            let now = clock::monotonic();
            if let Some(path) = options.control_file.as_ref().filter(|_| now > asked_at + CONTROL_INTERVAL) {
                (factor, asked_at) = (control::read(path), now);
            }
            if let Some(live) = &mut self.live {
                live.tick(now);
            }
            offset += Duration::from_secs_f64(self.arrivals.interarrival(options.rate_per_s * factor));
            if options.duration.is_some_and(|duration| offset > duration) {
                return;
            }
            let intended = start + offset;
            sleep_until(intended.into()).await;
            self.send(intended);
            while let Some(outcome) = self.under_way.try_join_next() {
                self.count(outcome.ok());
            }
        }
    }

    fn send(&mut self, intended: Instant) {
        // Drawn also for a request that is dropped: the ones after it stay what the seed says.
        let (request, turn) = (Planned::draw(&mut self.requests), self.requests.next());
        let Ok(slot) = Arc::clone(&self.slots).try_acquire_owned() else {
            self.summary.dropped += 1;
            return;
        };
        self.summary.sent += 1;
        let target = Arc::clone(&self.target);
        self.under_way.spawn(async move {
            let ok = timeout(REQUEST_LIMIT, target.ask(&request, turn)).await.unwrap_or(false);
            drop(slot);
            Outcome { ok, latency: clock::monotonic().saturating_duration_since(intended) }
        });
    }

    fn count(&mut self, outcome: Option<Outcome>) {
        match outcome {
            Some(Outcome { ok, latency }) => {
                self.summary.ok += u64::from(ok);
                self.summary.failed += u64::from(!ok);
                self.latencies.record(latency);
                if let Some(live) = &mut self.live {
                    live.record(clock::monotonic(), latency, ok);
                }
            }
            None => self.summary.failed += 1,
        }
    }

    /// Waits for what is under way, which `REQUEST_LIMIT` bounds.
    async fn finish(mut self) -> Summary {
        while let Some(outcome) = self.under_way.join_next().await {
            self.count(outcome.ok());
        }
        let (p50_ms, p99_ms) = (self.latencies.quantile_ms(0.5), self.latencies.quantile_ms(0.99));
        Summary { p50_ms, p99_ms, ..self.summary }
    }
}

/// A request to the gateway.
#[derive(Debug, PartialEq)]
struct Planned {
    method: Method,
    path: String,
    body: Bytes,
}

impl Planned {
    /// Half of the visitors look at a product, a quarter at their history, a quarter buys.
    fn draw(rng: &mut Rng) -> Self {
        let (kind, customer, product) = (rng.below(4), rng.below(CUSTOMERS) + 1, rng.below(PRODUCTS) + 1);
        let (method, path, body) = match kind {
            0 | 1 => (Method::GET, format!("/products/{product}"), Bytes::new()),
            2 => (Method::GET, format!("/history/{customer}"), Bytes::new()),
            _ => {
                // Some customers always buy for others.
                let gift = customer % GIFT_EVERY == 0;
                let basket = serde_json::json!({ "customer": customer, "product": product, "gift": gift });
                (Method::POST, "/checkout".to_owned(), basket.to_string().into())
            }
        };
        Self { method, path, body }
    }
}

struct Target {
    addresses: Vec<SocketAddr>,
    client: Client,
}

impl Target {
    /// Asks one entry and, if that one does not answer at all, the next, as a load balancer would.
    async fn ask(&self, planned: &Planned, turn: u64) -> bool {
        let first = usize::try_from(turn % self.addresses.len().max(1) as u64).unwrap_or(0);
        for address in self.addresses.iter().cycle().skip(first).take(self.addresses.len()) {
            let request = Request::builder()
                .method(&planned.method)
                .uri(format!("http://{address}{}", planned.path))
                .header(header::CONTENT_TYPE, "application/json")
                .body(Full::new(planned.body.clone()));
            let Ok(request) = request else { return false };
            if let Ok(answer) = self.client.request(request).await {
                let success = answer.status().is_success();
                return success && outbound::read_body(answer).await.is_ok();
            }
        }
        false
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn half_of_the_requests_are_for_products_and_a_quarter_each_for_the_others() {
        let mut rng = Rng::new(3, 2);
        let drawn: Vec<_> = (0..4_000).map(|_| Planned::draw(&mut rng)).collect();
        let count = |prefix: &str| drawn.iter().filter(|planned| planned.path.starts_with(prefix)).count();
        assert!((1_900..2_100).contains(&count("/products/")));
        assert!((900..1_100).contains(&count("/history/")));
        assert!((900..1_100).contains(&count("/checkout")));
    }

    #[tokio::test]
    async fn a_system_that_is_not_there_fails_every_request() {
        let options = Options {
            // Port 1 of the loopback interface refuses connections at once.
            targets: vec![SocketAddr::from(([127, 0, 0, 1], 1))],
            rate_per_s: 200.0,
            seed: 1,
            duration: Some(Duration::from_millis(200)),
            stop_with_stdin: false,
            summary_file: None,
            control_file: None,
            live_file: None,
        };
        let summary = run(options).await.unwrap();
        assert!(summary.sent > 10, "{summary:?}");
        assert_eq!(summary.failed, summary.sent);
    }
}
