//! The thread that makes segments, and how it is called.
//!
//! What a call leads to is in `seal`. Closing lets it finish what it is at.

use std::io;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use crate::seal::Sealer;

/// How often room is looked for while there is none: as often as senders are told to come again.
const ROOM_EVERY: Duration = Duration::from_secs(1);

/// What the thread is to do.
#[derive(Debug, Default)]
struct State {
    is_called: bool,
    is_busy: bool,
    is_closing: bool,
    /// Segments written.
    written: u64,
}

impl State {
    fn is_at_work(&self) -> bool {
        (self.is_called || self.is_busy) && !self.is_closing
    }
}

/// Where the thread is called, and where it tells that it is done.
#[derive(Debug, Default)]
pub(crate) struct Bell {
    state: Mutex<State>,
    changed: Condvar,
}

impl Bell {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Changes the state and wakes whoever waits for that.
    fn set(&self, change: impl FnOnce(&mut State)) {
        change(&mut self.lock());
        self.changed.notify_all();
    }

    /// Waits until no segment is being written and none was asked for.
    pub(crate) fn settle(&self) {
        drop(self.changed.wait_while(self.lock(), |state| state.is_at_work()));
    }

    /// Waits for a call, for `patience` at most where one is given. Says whether to go on.
    fn wait(&self, patience: Option<Duration>) -> bool {
        let idle = |state: &mut State| !state.is_called && !state.is_closing;
        let state = self.lock();
        let mut state = match patience {
            None => self.changed.wait_while(state, idle).unwrap_or_else(PoisonError::into_inner),
            Some(patience) => {
                self.changed
                    .wait_timeout_while(state, patience, idle)
                    .unwrap_or_else(PoisonError::into_inner)
                    .0
            }
        };
        (state.is_called, state.is_busy) = (false, true);
        !state.is_closing
    }
}

/// Calls the thread. Dropped, it waits for its end.
#[derive(Debug)]
pub(crate) struct Sealing {
    bell: Arc<Bell>,
    thread: Option<JoinHandle<()>>,
}

impl Sealing {
    /// Starts the thread.
    pub(crate) fn start(sealer: Sealer) -> io::Result<Self> {
        let bell = Arc::new(Bell::default());
        let heard = Arc::clone(&bell);
        let work = move || {
            let at_work = AtWork { sealer: &sealer, bell: &heard };
            let patience = || sealer.is_full.load(Ordering::Relaxed).then_some(ROOM_EVERY);
            while heard.wait(patience()) {
                while sealer.make_room() {
                    heard.set(|state| state.written += 1);
                }
                heard.set(|state| state.is_busy = false);
            }
            drop(at_work);
        };
        let thread = std::thread::Builder::new().name("store-sealer".to_owned()).spawn(work)?;
        Ok(Self { bell, thread: Some(thread) })
    }

    /// Asks for room.
    pub(crate) fn call(&self) {
        self.bell.set(|state| state.is_called = true);
    }

    /// Waits until the next segment is written, for `patience` at most where one is given; not at all when none is.
    pub(crate) fn wait_for_segment(&self, patience: Option<Duration>) {
        let state = self.bell.lock();
        let before = state.written;
        let is_awaited = |state: &mut State| state.is_at_work() && state.written == before;
        match patience {
            None => drop(self.bell.changed.wait_while(state, is_awaited)),
            Some(patience) => drop(self.bell.changed.wait_timeout_while(state, patience, is_awaited)),
        }
    }

    /// Where it is called.
    pub(crate) fn bell(&self) -> Arc<Bell> {
        Arc::clone(&self.bell)
    }
}

/// However the thread ends, nobody waits for it, and no more is taken than there is room for.
struct AtWork<'a> {
    sealer: &'a Sealer,
    bell: &'a Bell,
}

impl Drop for AtWork<'_> {
    fn drop(&mut self) {
        self.sealer.is_full.store(true, Ordering::Relaxed);
        self.bell.set(|state| state.is_closing = true);
    }
}

impl Drop for Sealing {
    fn drop(&mut self) {
        self.bell.set(|state| state.is_closing = true);
        if let Some(thread) = self.thread.take() {
            // One that panicked has left its rows in the log.
            let _outcome = thread.join();
        }
    }
}
