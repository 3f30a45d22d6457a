//! What was fetched of a window, kept for the questions that follow, and the answers made of it.
//!
//! Knows no back end: how a window is fetched, each of them says.

use std::sync::Arc;

use telemetry::answer::Locator;
use telemetry::recorded::{TableSource, Tables};
use telemetry::{Answer, Answerer, AskError, Cancel, Limits, Question, Window};
use tokio::sync::{Mutex, OnceCell};

/// Windows, or other keys, that are kept.
const KEPT_MAX: usize = 4;
/// Seconds before the end of a longer window from which its spans are taken to have been there when it was fetched.
const LATE_SECONDS: i64 = 10;

/// What was fetched.
#[derive(Debug, Default)]
pub(crate) struct Fetched {
    pub(crate) tables: Tables,
    /// Of what there is more than was fetched; nothing when all is there.
    pub(crate) cut: Vec<String>,
    pub(crate) locators: Vec<Locator>,
}

/// The answer from what was fetched; spans of two windows that overlap count once.
pub(crate) fn answer(
    question: &Question,
    fetched: &[Arc<Fetched>],
    limits: Limits,
    cancel: &Cancel,
) -> Result<Answer, AskError> {
    let mut tables = Tables::default();
    for one in fetched {
        tables.spans.extend(one.tables.spans.iter().cloned());
        tables.logs.extend(one.tables.logs.iter().cloned());
        tables.changes.extend(one.tables.changes.iter().cloned());
        tables.series.extend(one.tables.series.iter().cloned());
    }
    tables.spans.sort_by_key(|span| (span.trace_id, span.span_id));
    tables.spans.dedup_by_key(|span| (span.trace_id, span.span_id));
    tables.sort();
    let answer = TableSource::new(tables).answer(question, &limits, cancel)?;
    let is_cut = fetched.iter().any(|one| !one.cut.is_empty());
    let locators = fetched.iter().flat_map(|one| one.locators.iter().cloned()).collect();
    Ok(Answer { locators, truncated: answer.truncated || is_cut, ..answer })
}

/// What is made once for each key while somebody asks for it, the latest few.
#[derive(Debug)]
pub(crate) struct Once<K, V>(Mutex<Vec<(K, Arc<OnceCell<V>>)>>);

impl<K, V> Default for Once<K, V> {
    fn default() -> Self {
        Self(Mutex::new(Vec::new()))
    }
}

impl<K: Clone + PartialEq, V: Clone> Once<K, V> {
    /// The value of `key`, by `make` when nobody asked for it lately. Who asks at the same time waits for the first, and for
    /// nobody who asks for another key.
    pub(crate) async fn get(
        &self,
        key: K,
        make: impl Future<Output = Result<V, AskError>>,
    ) -> Result<V, AskError> {
        self.get_where(|known, _| *known == key, key.clone(), make).await
    }

    /// The same, for a key that others may stand for.
    async fn get_where(
        &self,
        stands: impl Fn(&K, &OnceCell<V>) -> bool,
        key: K,
        make: impl Future<Output = Result<V, AskError>>,
    ) -> Result<V, AskError> {
        let mut kept = self.0.lock().await;
        let cell = if let Some((_, cell)) = kept.iter().find(|(known, cell)| stands(known, cell)) {
            Arc::clone(cell)
        } else {
            if kept.len() == KEPT_MAX {
                kept.remove(0);
            }
            let cell = Arc::default();
            kept.push((key, Arc::clone(&cell)));
            cell
        };
        drop(kept);
        cell.get_or_try_init(|| make).await.cloned()
    }
}

/// The latest windows that were fetched.
#[derive(Debug, Default)]
pub(crate) struct Kept(Once<Window, Arc<Fetched>>);

impl Kept {
    /// The window, by `fetch` when nobody asked for it lately.
    pub(crate) async fn window(
        &self,
        window: Window,
        fetch: impl Future<Output = Result<Fetched, AskError>>,
    ) -> Result<Arc<Fetched>, AskError> {
        // A part of a longer window is there, too, if that is whole.
        let stands = |known: &Window, cell: &OnceCell<Arc<Fetched>>| {
            let is_within = known.from <= window.from && window.to.plus_seconds(LATE_SECONDS) <= known.to;
            *known == window || (is_within && cell.get().is_some_and(|fetched| fetched.cut.is_empty()))
        };
        self.0.get_where(stands, window, async { fetch.await.map(Arc::new) }).await
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use telemetry::UnixNanos;

    use super::*;

    fn window(from: i64, to: i64) -> Window {
        Window::new(UnixNanos(0).plus_seconds(from), UnixNanos(0).plus_seconds(to))
    }

    #[tokio::test]
    async fn a_window_is_fetched_once_and_its_parts_are_in_it_while_it_is_whole() {
        let count = AtomicUsize::new(0);
        let fetch = async |cut: &[&str]| {
            count.fetch_add(1, Ordering::SeqCst);
            let cut = cut.iter().map(|one| (*one).to_owned()).collect();
            Ok(Fetched { cut, ..Fetched::default() })
        };
        let kept = Kept::default();
        for asked in [window(0, 100), window(0, 100), window(20, 80)] {
            kept.window(asked, fetch(&[])).await.unwrap();
        }
        assert_eq!(count.load(Ordering::SeqCst), 1);
        kept.window(window(20, 95), fetch(&[])).await.unwrap();
        assert_eq!(count.load(Ordering::SeqCst), 2, "its last spans may have come late");
        for asked in [window(200, 300), window(200, 300), window(220, 230)] {
            kept.window(asked, fetch(&["web"])).await.unwrap();
        }
        assert_eq!(count.load(Ordering::SeqCst), 4, "a cut window is kept, and stands for itself alone");
        let failed = kept.window(window(500, 600), async { Err(AskError::Cancelled) }).await;
        assert!(failed.is_err() && kept.window(window(500, 600), fetch(&[])).await.is_ok(), "tried again");
    }
}
