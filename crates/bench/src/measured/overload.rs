//! B16: the most memory that the receiver takes when more is sent than it can take in, none of it like the other.
//!
//! Every span has a name, a key and values of its own. Senders do not wait after a refusal, so that there is always more
//! than fits. Each acknowledged item must be accounted for by the receiver.

use std::time::Duration;

use platform::{Clock as _, SystemClock};
use serde_json::{Value, json};

use super::now_ns;
use crate::child::Wiring;
use crate::client::{self, Target};
use crate::generate::Stream as _;
use crate::generate::spans::Spans;
use crate::ratio::{Spread, rounded};
use crate::server::Server;
use crate::settings::{Outcome, Settings};

/// Enough for what is in flight to pass the budget.
const CONNECTIONS: usize = 160;

/// Runs it.
///
/// # Errors
/// When the receiver fails.
pub fn run(settings: &Settings) -> anyhow::Result<Outcome> {
    let folder = tempfile::tempdir_in(&settings.work_dir)?;
    let wiring = Wiring::of_product(folder.path());
    let mut server = Server::start(&settings.program, &wiring)?;
    let budgets = server.ask("budgets")?;
    let part = |name: &str| budgets.get(name).and_then(Value::as_u64).unwrap_or(0);
    let budget = part("head_max_bytes") + part("budget_bytes") + part("bodies_bytes") + part("cache_bytes");
    let target = Target { address: server.address, path: "/v1/traces", encoding: None };
    let (clock, end) = (SystemClock::new(), Duration::from_secs(settings.overload_seconds));
    let sent = client::send_from(target, CONNECTIONS, |number| {
        let seed = settings.seed.wrapping_mul(1000).wrapping_add(number as u64);
        let (mut stream, clock) = (Spans::new(seed, now_ns()).unlike(), &clock);
        move || (clock.monotonic() < end).then(|| stream.next_request())
    })?;
    let figures = server.quiet()?;
    server.stop()?;
    let peak = figures.count("peak_bytes");
    let accounted = figures.count("held") + figures.count("expired") + figures.count("duplicates");
    let lost = sent
        .acknowledged_items
        .abs_diff(figures.count("accepted"))
        .max(figures.count("accepted").abs_diff(accounted));
    let values = vec![Spread::one(peak as f64 / budget as f64), Spread::one(lost as f64)];
    let mut outcome = Outcome { values, ..Outcome::default() };
    let mib = |bytes: u64| rounded(bytes as f64 / f64::from(1 << 20));
    outcome.figures.extend([
        ("seconds".to_owned(), json!(settings.overload_seconds)),
        ("senders".to_owned(), json!(CONNECTIONS)),
        ("spans_acknowledged".to_owned(), json!(sent.acknowledged_items)),
        ("requests_acknowledged".to_owned(), json!(sent.acknowledged)),
        ("requests_refused".to_owned(), json!(sent.refused)),
        ("requests_failed".to_owned(), json!(sent.failed)),
        ("spans_in_segments".to_owned(), json!(figures.count("sealed"))),
        (
            "mib".to_owned(),
            json!({
                "peak_rss": mib(peak),
                "rss_at_the_end": mib(figures.count("rss_bytes")),
                "budget": mib(budget),
                "of_it_head": mib(part("head_max_bytes")),
                "of_it_requests": mib(part("budget_bytes")),
                "of_it_bodies": mib(part("bodies_bytes")),
                "of_it_rows_of_segments": mib(part("cache_bytes")),
            }),
        ),
    ]);
    if sent.refused == 0 {
        outcome.notes.push("nothing was refused: the receiver was busy but not overloaded".to_owned());
    }
    Ok(outcome)
}
