//! Five things that go wrong for users, found in what their browsers sent (AG-65, C-12).
//!
//! Rage clicks: three on the same thing in two seconds. A failure cascade: three failed calls in five seconds. An error
//! loop: five errors in thirty seconds. A slow page and a funnel that loses people are ratios to what is usual. Each is of one user
//! (or session, or trace when nobody says who), never of many together.

use std::collections::BTreeMap;

use telemetry::{SpanId, StatusCode};

use super::Compared;
use super::browser::Visit;

/// How many, within how many seconds.
const CLICKS: (usize, f64) = (3, 2.0);
const FAILED_CALLS: (usize, f64) = (3, 5.0);
const ERRORS: (usize, f64) = (5, 30.0);
/// A funnel drops when its completion is below this share of the usual.
const COMPLETION_SHARE_MIN: f64 = 0.5;

pub(super) fn is_dropping(completion: Compared) -> bool {
    matches!((completion.now, completion.usual), (Some(now), Some(usual)) if now < COMPLETION_SHARE_MIN * usual)
}

/// What is unusual, sorted.
pub(super) fn of(visits: &[Visit<'_>], is_slow_page: bool, is_dropping: bool) -> Vec<&'static str> {
    let is_failed = |visit: &&Visit<'_>| visit.row.status == StatusCode::Error;
    let clicks = visits.iter().filter_map(|visit| Some((who(visit), visit.clicked()?, visit)));
    let calls = visits.iter().filter(|visit| visit.is_call()).filter(is_failed);
    let errors = visits.iter().filter(|visit| !visit.is_call()).filter(is_failed);
    let found = [
        ("api_failure_cascade", is_crowded(calls.map(|visit| (who(visit), "", visit)), FAILED_CALLS)),
        ("error_loop", is_crowded(errors.map(|visit| (who(visit), "", visit)), ERRORS)),
        ("funnel_drop_off", is_dropping),
        ("rage_click", is_crowded(clicks, CLICKS)),
        ("slow_page_load", is_slow_page),
    ];
    found.into_iter().filter(|(_, is_found)| *is_found).map(|(name, _)| name).collect()
}

#[derive(PartialEq, Eq, PartialOrd, Ord)]
enum Who<'a> {
    Named(&'a str),
    /// Nobody says who: a span is its own group unless it has a parent, which is the page.
    Page(SpanId),
}

fn who<'a>(visit: &Visit<'a>) -> Who<'a> {
    let page = visit.row.parent.unwrap_or(visit.row.span_id);
    visit.user().map_or(Who::Page(page), Who::Named)
}

/// Whether somebody did the same thing so often within so many seconds; visits come by start.
fn is_crowded<'a, 'v>(
    visits: impl Iterator<Item = (Who<'a>, &'a str, &'v Visit<'a>)>,
    (often, seconds): (usize, f64),
) -> bool
where
    'a: 'v,
{
    let mut times: BTreeMap<(Who<'_>, &str), Vec<i64>> = BTreeMap::new();
    for (who, what, visit) in visits {
        times.entry((who, what)).or_default().push(visit.row.start.0);
    }
    times.values().any(|times| {
        times.windows(often).any(|few| match few {
            [first, .., last] => last.saturating_sub(*first) as f64 / 1e9 <= seconds,
            _ => false,
        })
    })
}
