//! The side that is measured: a store and its receiver in a process of their own, steered by lines on standard input.
//!
//! It is wired like `firstcause serve` without its watch and its page, so that its processor time is that of the way in.
//! It prints its address, then answers `figures` with one line of JSON, asks questions after `ask N` until `hush`, and
//! ends at the end of its input.

use std::collections::BTreeSet;
use std::io::{BufRead as _, Write as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use anyhow::Context as _;
use otlp::Intake;
use platform::clock::SystemClock;
use platform::real_disk::RealDisk;
use serde_json::{Value, json};
use store::{Config, Durability, Store};
use telemetry::question::{Ask, Scope};
use telemetry::{Answerer as _, Cancel, Limits, Question, QuestionId, Space, Table, UnixNanos, Window};

use tokio::net::TcpListener;

use crate::cpu;

const UNSYNCED: &str = "none";
/// A row is a template of one service and severity.
const TEMPLATE_ROWS_MAX: usize = 1_000_000;

/// How the child is started; `None` is the product's own default.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wiring {
    /// The data directory.
    pub data_dir: PathBuf,
    /// Memory of the head.
    pub head_mib: Option<u64>,
    /// Memory of requests in flight.
    pub budget_mib: Option<u64>,
    /// Whether a request is synced to the disk before it is acknowledged.
    pub durability: Durability,
}

impl Wiring {
    /// As the product is without any setting.
    #[must_use]
    pub fn of_product(data_dir: &Path) -> Self {
        let durability = Durability::default();
        Self { data_dir: data_dir.to_owned(), head_mib: None, budget_mib: None, durability }
    }

    /// The words that start a child like this.
    #[must_use]
    pub fn words(&self) -> Vec<String> {
        let number = |mib: Option<u64>| mib.map_or_else(|| "-".to_owned(), |mib| mib.to_string());
        let dir = self.data_dir.display().to_string();
        let durability = if self.durability == Durability::None { UNSYNCED } else { "fsync" };
        vec!["child".to_owned(), dir, number(self.head_mib), number(self.budget_mib), durability.to_owned()]
    }

    /// The wiring of these words; `None` when they are others.
    #[must_use]
    pub fn of(words: &[String]) -> Option<Self> {
        let [dir, head, budget, durability] = words else { return None };
        let number = |word: &String| match word.as_str() {
            "-" => Some(None),
            digits => digits.parse().ok().map(Some),
        };
        let durability = if durability == UNSYNCED { Durability::None } else { Durability::Fsync };
        let (head_mib, budget_mib) = (number(head)?, number(budget)?);
        Some(Self { data_dir: PathBuf::from(dir), head_mib, budget_mib, durability })
    }

    fn config(&self) -> Config {
        let mut config = Config::new(&self.data_dir);
        config.durability = self.durability;
        config.head_max_bytes = self.head_mib.map_or(config.head_max_bytes, |mib| mib << 20);
        config.budget_bytes = self.budget_mib.map_or(config.budget_bytes, |mib| mib << 20);
        config
    }
}

/// Serves until the input ends.
///
/// # Errors
/// When the data directory, the address or the output cannot be had.
pub fn run(wiring: &Wiring) -> anyhow::Result<()> {
    let config = wiring.config();
    let budgets = json!({
        "head_max_bytes": config.head_max_bytes,
        "budget_bytes": config.budget_bytes,
        "cache_bytes": config.cache_bytes,
        "bodies_bytes": ingest::Limits::default().bodies_bytes_max,
    });
    let store = Store::open(config, Arc::new(RealDisk), Arc::new(SystemClock::new()))
        .context("failed to open the data directory")?;
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .context("failed to start the runtime")?;
    let listener = runtime.block_on(TcpListener::bind("127.0.0.1:0")).context("failed to listen")?;
    say(&format!("listening {}", listener.local_addr().context("failed to read the address")?))?;
    let intake: Arc<dyn Intake> = Arc::new(store.clone());
    let exchange = Arc::new(ingest::Exchange::new(intake, ingest::Limits::default()));
    let (stop, mut stopped) = tokio::sync::watch::channel(false);
    let serving = runtime.spawn(ingest::serve(listener, ingest::Protocol::Http, exchange, async move {
        stopped.wait_for(|is_stopping| *is_stopping).await.ok();
    }));
    obey(&store, &budgets)?;
    stop.send_replace(true);
    runtime.block_on(serving).context("the receiver failed")?.context("failed to receive")?;
    store.close();
    Ok(())
}

fn say(line: &str) -> anyhow::Result<()> {
    let mut out = std::io::stdout().lock();
    writeln!(out, "{line}").and_then(|()| out.flush()).context("failed to answer")
}

fn obey(store: &Store, budgets: &Value) -> anyhow::Result<()> {
    let mut asking: Option<Asking> = None;
    for line in std::io::stdin().lock().lines() {
        let line = line.context("failed to read a command")?;
        match line.split_whitespace().collect::<Vec<_>>().as_slice() {
            ["figures"] => {
                let mut figures = figures(store);
                if let (Value::Object(figures), Some(asking)) = (&mut figures, &asking) {
                    figures.insert("answers".to_owned(), json!(asking.answers.load(Ordering::Relaxed)));
                    figures.insert("unanswered".to_owned(), json!(asking.failures.load(Ordering::Relaxed)));
                }
                say(&figures.to_string())?;
            }
            ["budgets"] => say(&budgets.to_string())?,
            ["ask", loops] => asking = Some(Asking::start(store, loops.parse()?)),
            ["templates", from, to] => say(&templates(store, from.parse()?, to.parse()?)?.to_string())?,
            ["hush"] => drop(asking.take()),
            _ => anyhow::bail!("`{line}` was not understood"),
        }
    }
    Ok(())
}

fn figures(store: &Store) -> Value {
    let stats = store.stats();
    json!({
        "cpu_seconds": cpu::of_this_process().as_secs_f64(),
        "rss_bytes": cpu::memory_bytes(std::process::id(), "VmRSS"),
        "peak_bytes": cpu::memory_bytes(std::process::id(), "VmHWM"),
        "accepted": stats.accepted,
        "held": stats.spans + stats.logs + stats.points + stats.sealed,
        "sealed": stats.sealed,
        "segments": stats.segments,
        "segment_bytes": stats.segment_bytes,
        "expired": stats.expired,
        "duplicates": stats.duplicates,
        "rejected": stats.rejected.values().sum::<u64>(),
        "refused_requests": stats.refused.values().sum::<u64>(),
        "refused_items": stats.refused_items,
        "recovered": stats.recovered,
        "damaged_bytes": stats.damaged_bytes + stats.torn_bytes,
        "head_bytes": stats.head_bytes,
    })
}

/// The templates of the lines in a window: how many, and how many lines they stand for.
fn templates(store: &Store, from: i64, to: i64) -> anyhow::Result<Value> {
    let window = Window::new(UnixNanos(from), UnixNanos(to));
    let ask = Ask::LogTemplates { window, scope: Scope::all() };
    let limits = Limits { rows_max: TEMPLATE_ROWS_MAX, ..Limits::default() };
    let answer = store.answer(&question(ask), &limits, &Cancel::default())?;
    let Table::LogTemplates(rows) = answer.table else { anyhow::bail!("no templates in the answer") };
    let lines: u64 = rows.iter().map(|row| row.count).sum();
    let templates: BTreeSet<&str> = rows.iter().map(|row| row.template.as_str()).collect();
    Ok(json!({ "templates": templates.len(), "lines": lines }))
}

/// Threads that ask what an investigation begins with, again and again.
struct Asking {
    cancel: Cancel,
    answers: Arc<AtomicU64>,
    failures: Arc<AtomicU64>,
    threads: Vec<std::thread::JoinHandle<()>>,
}

impl Asking {
    fn start(store: &Store, loops: usize) -> Self {
        let cancel = Cancel::default();
        let (answers, failures) = (Arc::new(AtomicU64::new(0)), Arc::new(AtomicU64::new(0)));
        let threads = (0..loops)
            .map(|_| {
                let (store, cancel) = (store.clone(), cancel.clone());
                let (answers, failures) = (Arc::clone(&answers), Arc::clone(&failures));
                std::thread::spawn(move || {
                    while !cancel.is_cancelled() {
                        for ask in asks(store.watermark(&Space::default())) {
                            let answered = store.answer(&question(ask), &Limits::default(), &cancel);
                            let counted = if answered.is_ok() { &answers } else { &failures };
                            counted.fetch_add(1, Ordering::Relaxed);
                        }
                        // What an investigation concludes from the answers takes time of its own.
                        cpu::pause(Duration::from_millis(20));
                    }
                })
            })
            .collect();
        Self { cancel, answers, failures, threads }
    }
}

impl Drop for Asking {
    fn drop(&mut self) {
        self.cancel.cancel();
        for thread in self.threads.drain(..) {
            // A thread that panicked asked less; the counts show it.
            let _outcome = thread.join();
        }
    }
}

fn question(ask: Ask) -> Question {
    let not_before = UnixNanos::default();
    Question { id: QuestionId::numbered(1), space: Space::default(), ask, not_before }
}

/// The first questions of an investigation, about the last second of data against the one before.
fn asks(now: UnixNanos) -> Vec<Ask> {
    let before = |nanos: i64| UnixNanos(now.0.saturating_sub(nanos));
    let (bad, good) =
        (Window::new(before(1_000_000_000), now), Window::new(before(2_000_000_000), before(1_000_000_000)));
    let scope = Scope::all;
    vec![
        Ask::Health { window: bad, scope: scope() },
        Ask::Onset { window: bad, scope: scope() },
        Ask::Compare { good, bad, scope: Scope::service("service-07") },
        Ask::Edges { window: bad, scope: scope() },
        Ask::Exemplars { window: bad, scope: scope(), limit: 5 },
    ]
}
