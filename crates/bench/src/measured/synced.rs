//! B3: how much of the disk's own speed is left: the same bytes written plainly and synced in groups, by our seconds.
//!
//! What a receiver does that never syncs stands beside it: the share of the sync alone.
//!
//! Time of day and not processor time, because waiting for the disk is the point; rounds of both sides take turns on the
//! same disk.

use std::path::Path;

use platform::{Clock as _, Disk as _, RealDisk, SystemClock};
use serde_json::json;

use super::durable::received;
use super::{CONNECTIONS, folder_bytes, now_ns};
use crate::child::Wiring;
use crate::generate::spans::Spans;
use crate::generate::{self, Stream as _};
use crate::ratio::{Spread, rounded};
use crate::server::Server;
use crate::settings::{Outcome, Settings};
use store::Durability;

/// Memory of the head: nothing is given up, so that no log file goes while it is looked at.
const HEAD_MIB: u64 = 8192;

/// Runs it.
///
/// # Errors
/// When the receiver or the disk fails.
pub fn run(settings: &Settings) -> anyhow::Result<Outcome> {
    let folder = tempfile::tempdir_in(&settings.work_dir)?;
    let data_dir = folder.path().join("data");
    let wiring = Wiring { head_mib: Some(HEAD_MIB), ..Wiring::of_product(&data_dir) };
    let mut server = Server::start(&settings.program, &wiring)?;
    let unsynced = Wiring { durability: Durability::None, data_dir: folder.path().join("none"), ..wiring };
    let mut unsynced = Server::start(&settings.program, &unsynced)?;
    let mut stream = Spans::new(settings.seed, now_ns());
    let (mut rounds, mut without, mut written) = (Vec::new(), Vec::new(), 0);
    for round in 0..settings.rounds {
        let requests = stream.take_requests(settings.requests);
        let sent = generate::items(&requests);
        let before = folder_bytes(&data_dir);
        let (_, ours) = received(&mut server, &requests, Some(sent))?;
        let bytes = folder_bytes(&data_dir).saturating_sub(before);
        let groups = settings.requests.div_ceil(CONNECTIONS);
        let plain = plain(&folder.path().join(format!("plain-{round}")), bytes, groups)?;
        let (_, handed_over) = received(&mut unsynced, &requests, Some(sent))?;
        rounds.push((plain, ours));
        without.push((handed_over, ours));
        written += bytes;
    }
    server.stop()?;
    unsynced.stop()?;
    let mut outcome = Outcome { values: vec![Spread::of_ratios(&rounds)], ..Outcome::default() };
    let seconds =
        |rounds: &[(f64, f64)], side: fn(&(f64, f64)) -> f64| rounded(rounds.iter().map(side).sum());
    outcome.figures.extend([
        ("bytes_written".to_owned(), json!(written)),
        ("requests_a_plain_sync".to_owned(), json!(CONNECTIONS)),
        (
            "seconds".to_owned(),
            json!({
                "plain": seconds(&rounds, |round| round.0),
                "ours": seconds(&rounds, |round| round.1),
                "ours_without_sync": seconds(&without, |round| round.0),
            }),
        ),
        (
            "speed_with_sync_by_without".to_owned(),
            json!(Spread::of_ratios(&without).map(|spread| spread.json())),
        ),
    ]);
    Ok(outcome)
}

/// Seconds that it takes to write as many bytes in as many groups, each synced.
fn plain(path: &Path, bytes: u64, groups: usize) -> anyhow::Result<f64> {
    let each = usize::try_from(bytes)?.div_ceil(groups.max(1));
    // No disk of ours compresses; what it would do to zeros is another matter.
    let mut state = 1_u64;
    let chunk: Vec<u8> = (0..each)
        .map(|_| {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            (state >> 56) as u8
        })
        .collect();
    let clock = SystemClock::new();
    let mut file = RealDisk.open_new(path)?;
    for _ in 0..groups {
        file.append(&chunk)?;
        file.sync_data()?;
    }
    let seconds = clock.monotonic().as_secs_f64();
    drop(file);
    RealDisk.remove(path)?;
    Ok(seconds)
}
