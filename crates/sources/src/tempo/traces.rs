//! Traces of a window: found by searches, fetched one by one; and entry spans, which a search tells by itself.

use std::collections::BTreeSet;

use telemetry::answer::Locator;
use telemetry::recorded::Tables;
use telemetry::time::SECOND_NS;
use telemetry::{AskError, Span, TraceId, UnixNanos, Window};
use tokio::task::JoinSet;

use super::wire::{self, Search};
use super::{Door, otlp};
use crate::fetched::Fetched;
use crate::http::Asking;
use crate::parts::Parts;

const SEARCH: &str = "api/search";
/// Traces of a window that are fetched.
const TRACES_MAX: usize = 500;
/// Traces that are fetched at the same time.
const AT_ONCE: usize = 8;
/// Parts of a window from each of which as many traces are fetched where there are more.
const PARTS: i64 = 10;
/// Traces of one search for entry spans.
const SEARCHED_MAX: usize = 1000;
/// Searches for the entry spans of a window.
const SEARCHES_MAX: usize = 64;
/// Spans of one trace that a search tells; Tempo allows no more by default.
const SPANS_OF_TRACE: usize = 100;
/// Seconds after a window in which spans of its traces may still begin.
const AFTER_SECONDS: i64 = 5;
/// The entry spans of services, with what `onset` tells of them.
const ENTRIES: &str = "{ kind = server || kind = consumer } | select(name, status, kind, resource.service.name, \
                       resource.service.instance.id, resource.service.version)";

impl Door {
    /// The traces of a window with all of their spans, or of some of them.
    pub(super) async fn window(&self, window: Window, asking: &Asking) -> Result<Fetched, AskError> {
        let whole = Window::new(window.from, window.to.plus_seconds(AFTER_SECONDS));
        let (found, locator) = self.search("{}", whole, (TRACES_MAX + 1, 1), asking).await?;
        let mut ids: BTreeSet<TraceId> = found.traces.iter().map(|one| one.id).collect();
        let mut is_cut = found.count > TRACES_MAX || !found.is_whole;
        if found.count > TRACES_MAX {
            // Those that a search finds first are the latest: of every part of the window as many stand for it.
            ids.clear();
            let part_ns = whole.to.since(whole.from) / PARTS;
            for part in 0..PARTS {
                let at = |part: i64| UnixNanos(whole.from.0.saturating_add(part_ns * part));
                let limits = (TRACES_MAX / PARTS as usize, 1);
                let (found, _) =
                    self.search("{}", Window::new(at(part), at(part + 1)), limits, asking).await?;
                ids.extend(found.traces.iter().map(|one| one.id));
            }
        }
        let (spans, is_whole) = self.traces(ids, asking).await?;
        is_cut |= !is_whole;
        let tables = Tables { spans, ..Tables::default() };
        let cut = is_cut.then(|| "traces".to_owned()).into_iter().collect();
        Ok(Fetched { tables, cut, locators: vec![locator] })
    }

    /// The spans of these traces, and whether they are all.
    async fn traces(&self, ids: BTreeSet<TraceId>, asking: &Asking) -> Result<(Vec<Span>, bool), AskError> {
        let (mut spans, mut is_whole, mut fetching) = (Vec::new(), true, JoinSet::new());
        let mut ids = ids.into_iter();
        loop {
            // The last third of the time is for what was begun.
            while fetching.len() < AT_ONCE && asking.has_time_left(3) {
                let Some(id) = ids.next() else { break };
                let (door, asking) = (self.clone(), asking.clone());
                fetching.spawn(async move { door.trace(id, &asking).await });
            }
            let Some(fetched) = fetching.join_next().await else { break };
            let (found, is_all) = fetched
                .map_err(|error| AskError::Unavailable(format!("failed to fetch a trace: {error}")))??;
            spans.extend(found);
            is_whole &= is_all;
        }
        Ok((spans, is_whole && ids.next().is_none()))
    }

    /// One trace; none when Tempo has it no more.
    pub(super) async fn trace(&self, id: TraceId, asking: &Asking) -> Result<(Vec<Span>, bool), AskError> {
        let is_not_there =
            |error: &AskError| matches!(error, AskError::Unavailable(why) if why.contains("answered 404"));
        // The second version came with Tempo 2.7; it alone says when a trace is too long to be told.
        for path in [format!("api/v2/traces/{id}"), format!("api/traces/{id}")] {
            match self.get(&path, &[], asking).await {
                Err(error) if is_not_there(&error) => {}
                other => return otlp::trace(&other?),
            }
        }
        Ok((Vec::new(), true))
    }

    /// Every entry span of a window, from searches alone; a part of them is refused.
    pub(super) async fn entries(&self, window: Window, asking: &Asking) -> Result<Fetched, AskError> {
        let mut parts = Parts::new(window, SEARCHES_MAX, SECOND_NS);
        let (mut seen, mut unfinished) = (BTreeSet::new(), BTreeSet::new());
        let mut fetched = Fetched::default();
        while let Some(part) = parts.next() {
            let (found, locator) = self.search(ENTRIES, part, (SEARCHED_MAX, SPANS_OF_TRACE), asking).await?;
            if !found.is_whole {
                return Err(AskError::LimitReached(
                    "Tempo did not look at all of its data: hint: a shorter window".to_owned(),
                ));
            }
            if found.count >= SEARCHED_MAX && !parts.split(part) {
                return Err(too_many());
            }
            fetched.locators.push(locator);
            for one in found.traces {
                if one.has_more {
                    unfinished.insert(one.id);
                }
                let is_new = |span: &Span| seen.insert((span.trace_id, span.span_id));
                fetched.tables.spans.extend(one.spans.into_iter().filter(is_new));
            }
        }
        if !parts.is_done() || unfinished.len() > TRACES_MAX {
            return Err(too_many());
        }
        let (spans, is_whole) = self.traces(unfinished, asking).await?;
        if !is_whole {
            return Err(too_many());
        }
        let is_new = |span: &Span| span.is_entry() && seen.insert((span.trace_id, span.span_id));
        fetched.tables.spans.extend(spans.into_iter().filter(is_new));
        Ok(fetched)
    }

    /// At most so many traces of a window, with so many spans of each.
    async fn search(
        &self,
        query: &str,
        window: Window,
        (traces, spans): (usize, usize),
        asking: &Asking,
    ) -> Result<(Search, Locator), AskError> {
        // Tempo knows whole seconds.
        let seconds = |nanos: i64| nanos.div_euclid(SECOND_NS).to_string();
        let parameters = [
            ("q", query.to_owned()),
            ("start", seconds(window.from.0)),
            ("end", seconds(window.to.0.saturating_add(SECOND_NS - 1))),
            ("limit", traces.to_string()),
            ("spss", spans.to_string()),
        ];
        let found = wire::search(&self.get(SEARCH, &parameters, asking).await?)?;
        let locator = Locator { query: query.to_owned(), link: self.http.link(SEARCH, &parameters) };
        Ok((found, locator))
    }
}

fn too_many() -> AskError {
    AskError::LimitReached(format!(
        "more traces than {SEARCHES_MAX} searches tell: counts over a part would be wrong; hint: metrics that Tempo's \
         generator writes, as a `prometheus` source"
    ))
}
