//! The lines of a selector and window, page by page in the order of time.
//!
//! A page begins at the time of the last line before it, as there may be more of that nanosecond; what came already is left
//! out. Where one nanosecond holds more than a page, Loki cannot be asked for the rest: the answer then says that it is cut.

use std::collections::BTreeSet;

use telemetry::answer::Locator;
use telemetry::{AskError, UnixNanos, Window};

use super::wire::{self, Line};
use super::{Loki, RANGE};
use crate::http::Asking;

/// Lines of one request that Loki allows by default.
const PAGE: usize = 5000;

/// What was found of a selector.
#[derive(Debug, Default)]
pub(super) struct Pages {
    pub(super) lines: Vec<Line>,
    pub(super) is_cut: bool,
    pub(super) locators: Vec<Locator>,
}

impl Loki {
    /// At most `max` lines of the window, the earliest first.
    pub(super) async fn pages(
        &self,
        selector: &str,
        window: Window,
        max: usize,
        asking: &Asking,
    ) -> Result<Pages, AskError> {
        let mut pages = Pages::default();
        let (mut from, mut page) = (window.from, PAGE);
        let mut of_last: BTreeSet<Line> = BTreeSet::new();
        while from < window.to {
            let limit = page.min(max.saturating_sub(pages.lines.len()).saturating_add(of_last.len() + 1));
            let parameters = parameters(selector, Window::new(from, window.to), limit);
            let body = match self.get(RANGE, &parameters, asking).await {
                Err(error) => match wire::allowed(&error).filter(|allowed| *allowed < limit) {
                    Some(allowed) => {
                        page = allowed;
                        continue;
                    }
                    None => return Err(error),
                },
                Ok(body) => body,
            };
            let mut found = wire::lines(&body)?;
            found.sort();
            if pages.locators.is_empty() && !found.is_empty() {
                let whole = self::parameters(selector, window, PAGE);
                pages
                    .locators
                    .push(Locator { query: selector.to_owned(), link: self.http.link(RANGE, &whole) });
            }
            let (is_full, last) = (found.len() >= limit, found.last().map(|line| line.at));
            let known = pages.lines.len();
            pages.lines.extend(found.into_iter().filter(|line| !of_last.contains(line)));
            if pages.lines.len() > max {
                pages.lines.truncate(max);
                pages.is_cut = true;
                break;
            }
            let Some(last) = last.filter(|_| is_full) else { break };
            if pages.lines.len() == known {
                // Nothing but what came already: the rest of this nanosecond is out of reach.
                pages.is_cut = true;
                from = UnixNanos(last.0.saturating_add(1));
                of_last.clear();
                continue;
            }
            from = last;
            of_last = pages.lines.iter().rev().take_while(|line| line.at == last).cloned().collect();
        }
        Ok(pages)
    }
}

fn parameters(selector: &str, window: Window, limit: usize) -> [(&'static str, String); 5] {
    [
        ("query", selector.to_owned()),
        ("start", window.from.0.to_string()),
        ("end", window.to.0.to_string()),
        ("limit", limit.to_string()),
        ("direction", "forward".to_owned()),
    ]
}
