//! Looks at a space every two seconds and reports what is wrong at the same desk as everyone else.

use std::sync::Arc;
use std::time::Duration;

use incident::{Alert, AlertDesk};
use investigation::Watch;
use platform::clock::Clock;
use telemetry::{Inquiry, Next, NoteKind, Space, UnixNanos};

use crate::sources::Sources;

/// How often.
const EVERY: Duration = Duration::from_secs(2);

/// Seconds until the spans of a second have arrived, for exporters with their default batch delay of five seconds.
pub const ARRIVAL_SECONDS: i64 = 6;

/// One look: the alert it gives, if any, and what could not be looked at.
struct Look {
    alert: Option<Alert>,
    gaps: Vec<String>,
}

/// What is watched.
#[derive(Debug, Clone)]
pub struct Watched {
    /// The space.
    pub space: Space,
    /// Seconds until the spans of a second have arrived; [`ARRIVAL_SECONDS`] unless the exporters are known.
    pub arrival_seconds: i64,
}

/// Looks once.
async fn look(watched: &Watched, sources: &Sources, clock: &Arc<dyn Clock>, earliest: UnixNanos) -> Look {
    let space = &watched.space;
    let at = UnixNanos(clock.now_unix_nanos()).plus_seconds(-watched.arrival_seconds);
    let mut watch = Watch::new(space.clone(), at, earliest);
    let (mut answers, mut gaps) = (Vec::new(), Vec::new());
    loop {
        let step = watch.step(&answers);
        gaps.extend(step.notes.into_iter().filter(|note| note.kind == NoteKind::Gap).map(|note| note.text));
        match step.next {
            Next::Ask(questions) => answers = sources.ask(&questions, clock).await,
            Next::Done(symptoms) if symptoms.is_empty() => return Look { alert: None, gaps },
            Next::Done(symptoms) => {
                let alert = Alert {
                    space: space.clone(),
                    origin: "watch".to_owned(),
                    at: watch.at(),
                    history_from: watch.history_from(),
                    dedupe_key: format!("watch:{space}"),
                    symptoms,
                };
                return Look { alert: Some(alert), gaps };
            }
        }
    }
}

/// Looks until it is dropped. `on_gap` hears of looks that could not be made.
pub async fn run(
    watched: Watched,
    sources: Sources,
    clock: Arc<dyn Clock>,
    desk: Arc<dyn AlertDesk>,
    on_gap: impl Fn(&str) + Send,
) {
    let earliest = UnixNanos(clock.now_unix_nanos()).plus_seconds(-investigation::watch::HISTORY_SECONDS);
    let mut ticks = tokio::time::interval(EVERY);
    ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        let seen = look(&watched, &sources, &clock, earliest).await;
        seen.gaps.iter().for_each(|gap| on_gap(gap));
        if let Some(alert) = seen.alert {
            desk.accept(alert);
        }
    }
}
