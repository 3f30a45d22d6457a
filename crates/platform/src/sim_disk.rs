//! A disk in memory that loses what a real one may lose.
//!
//! A crash keeps of each file what was synced and a random part of the rest, possibly damaged; of each folder
//! the synced names and a random prefix of the later changes of names. A failed sync loses what it should have
//! written, even when a later one succeeds. Not modelled: permissions, links, reordering between the names of
//! one folder.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

use crate::chance::Chance;
use crate::disk::{Disk, DiskFile, DiskLock};

/// The calls that can be made to fail.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Call {
    /// Opening or creating a file or folder.
    Open,
    /// Appending; half of the bytes arrive.
    Append,
    /// Making content durable.
    SyncData,
    /// Making names durable.
    SyncDir,
    /// Renaming or removing.
    Rename,
    /// Cutting.
    Truncate,
}

/// A simulated disk; clones are the same disk.
#[derive(Debug, Clone, Default)]
pub struct SimDisk {
    state: Arc<Mutex<State>>,
    gate: Arc<Gate>,
}

/// Holds syncs up while it is closed.
#[derive(Debug, Default)]
struct Gate {
    /// How the paths end that it is closed for.
    closed_for: Mutex<Option<String>>,
    opened: Condvar,
}

impl Gate {
    fn pass(&self, path: &Path) {
        let path = path.to_string_lossy();
        let is_held = |closed: &mut Option<String>| closed.as_ref().is_some_and(|end| path.ends_with(end));
        let closed = self.closed_for.lock().unwrap_or_else(PoisonError::into_inner);
        drop(self.opened.wait_while(closed, is_held));
    }

    fn set(&self, closed_for: Option<String>) {
        *self.closed_for.lock().unwrap_or_else(PoisonError::into_inner) = closed_for;
        self.opened.notify_all();
    }
}

#[derive(Debug, Default)]
struct State {
    files: BTreeMap<u64, Content>,
    names: BTreeMap<PathBuf, u64>,
    durable_names: BTreeMap<PathBuf, u64>,
    /// Changes of names that are not yet durable, oldest first.
    pending: Vec<NameChange>,
    dirs: BTreeSet<PathBuf>,
    locks: BTreeSet<PathBuf>,
    next_id: u64,
    /// Raised by a crash: handles of an earlier life are dead.
    life: u64,
    faults: Vec<(Call, u64, io::ErrorKind)>,
    calls_until_power_off: Option<u64>,
    is_off: bool,
    ignores_sync: bool,
    /// Syncs of this kind do nothing on paths that end so.
    ignored: Vec<(Call, String)>,
    /// Changing calls of each kind so far.
    calls: BTreeMap<Call, u64>,
}

#[derive(Debug, Default, Clone)]
struct Content {
    bytes: Vec<u8>,
    synced_len: usize,
    /// A sync failed: nothing after `synced_len` ever becomes durable.
    has_lost_pages: bool,
}

#[derive(Debug, Clone)]
enum NameChange {
    Add(PathBuf, u64),
    Remove(PathBuf),
    Rename(PathBuf, PathBuf),
    Folder(PathBuf),
}

impl NameChange {
    fn folder(&self) -> &Path {
        let (Self::Add(path, _) | Self::Remove(path) | Self::Rename(_, path) | Self::Folder(path)) = self;
        path.parent().unwrap_or(path)
    }

    fn apply(&self, names: &mut BTreeMap<PathBuf, u64>, dirs: &mut BTreeSet<PathBuf>) {
        match self {
            Self::Add(path, id) => {
                names.insert(path.clone(), *id);
            }
            Self::Remove(path) => {
                names.remove(path);
            }
            Self::Rename(from, to) => {
                if let Some(id) = names.remove(from) {
                    names.insert(to.clone(), id);
                }
            }
            Self::Folder(path) => {
                dirs.insert(path.clone());
            }
        }
    }
}

impl SimDisk {
    /// An empty disk.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    fn lock_state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Makes the `nth` such call from now on (counted from one) fail once with `kind`.
    pub fn fail(&self, call: Call, nth: u64, kind: io::ErrorKind) {
        self.lock_state().faults.push((call, nth.max(1), kind));
    }

    /// Lets `calls` more changing calls through; then the power is off and every call fails until
    /// [`SimDisk::crash`].
    pub fn power_off_after(&self, calls: u64) {
        self.lock_state().calls_until_power_off = Some(calls);
    }

    /// Whether syncs do nothing while they report success: the negative control of every crash test.
    pub fn ignore_sync(&self, ignores: bool) {
        self.lock_state().ignores_sync = ignores;
    }

    /// Makes syncs of one kind do nothing on paths that end with `suffix`, while they report success: what a program
    /// does that forgot that one.
    pub fn ignore_sync_of(&self, call: Call, suffix: &str) {
        self.lock_state().ignored.push((call, suffix.to_owned()));
    }

    /// Calls of one kind so far: with [`SimDisk::fail`], each of them can be made to fail.
    #[must_use]
    pub fn calls(&self, call: Call) -> u64 {
        self.lock_state().calls.get(&call).copied().unwrap_or_default()
    }

    /// Whether syncs of content wait until this is set to false again: a disk that stalls.
    pub fn hold_syncs(&self, holds: bool) {
        self.gate.set(holds.then(String::new));
    }

    /// Makes syncs of files whose paths end with `suffix` wait until [`SimDisk::hold_syncs`] is set to false.
    pub fn hold_syncs_of(&self, suffix: &str) {
        self.gate.set(Some(suffix.to_owned()));
    }

    /// Cuts the power and turns it on again: what was not durable is lost in part, all handles and locks die.
    pub fn crash(&self, chance: &mut dyn Chance) {
        let mut state = self.lock_state();
        let mut names = std::mem::take(&mut state.durable_names);
        let mut dirs: BTreeSet<PathBuf> = state.dirs.clone();
        for change in &state.pending {
            if let NameChange::Folder(path) = change {
                dirs.remove(path);
            }
        }
        let mut lost: BTreeSet<PathBuf> = BTreeSet::new();
        for change in std::mem::take(&mut state.pending) {
            let folder = change.folder().to_path_buf();
            if lost.contains(&folder) || chance.below(2) == 0 {
                lost.insert(folder);
            } else {
                change.apply(&mut names, &mut dirs);
            }
        }
        names.retain(|path, _| has_folders(path, &dirs));
        dirs = dirs.iter().filter(|path| has_folders(path, &dirs)).cloned().collect();
        let kept: BTreeSet<u64> = names.values().copied().collect();
        state.files.retain(|id, _| kept.contains(id));
        state.files.values_mut().for_each(|content| content.crash(chance));
        state.names = names.clone();
        state.durable_names = names;
        state.dirs = dirs;
        state.locks.clear();
        state.faults.clear();
        state.life += 1;
        state.calls_until_power_off = None;
        state.is_off = false;
    }
}

/// Whether every named folder above `path` exists.
fn has_folders(path: &Path, dirs: &BTreeSet<PathBuf>) -> bool {
    path.ancestors()
        .skip(1)
        .all(|folder| folder.parent().is_none() || folder.as_os_str().is_empty() || dirs.contains(folder))
}

impl Content {
    fn crash(&mut self, chance: &mut dyn Chance) {
        let at_risk = self.bytes.len().saturating_sub(self.synced_len);
        let kept = usize::try_from(chance.below(at_risk as u64 + 1)).unwrap_or(0);
        self.bytes.truncate(self.synced_len + kept);
        if kept > 0 && chance.below(3) == 0 {
            let hit = self.synced_len + usize::try_from(chance.below(kept as u64)).unwrap_or(0);
            for byte in self.bytes.iter_mut().skip(hit).take(512) {
                *byte = 0;
            }
        }
        self.synced_len = self.bytes.len();
        self.has_lost_pages = false;
    }
}

impl State {
    /// Counts one changing call and says whether it fails.
    fn allow(&mut self, call: Call) -> io::Result<()> {
        self.powered()?;
        *self.calls.entry(call).or_default() += 1;
        match &mut self.calls_until_power_off {
            Some(0) => {
                self.is_off = true;
                return self.powered();
            }
            Some(left) => *left -= 1,
            None => {}
        }
        let mut failure = None;
        self.faults.retain_mut(|(of, nth, kind)| {
            if *of != call {
                return true;
            }
            *nth -= 1;
            if *nth == 0 {
                failure = Some(*kind);
            }
            *nth > 0
        });
        failure.map_or(Ok(()), |kind| Err(kind.into()))
    }

    fn powered(&self) -> io::Result<()> {
        if self.is_off {
            return Err(io::Error::other("the power is off"));
        }
        Ok(())
    }

    fn ignores(&self, call: Call, path: &Path) -> bool {
        let path = path.to_string_lossy();
        self.ignored.iter().any(|(of, suffix)| *of == call && path.ends_with(suffix.as_str()))
    }

    fn change(&mut self, change: NameChange) {
        change.apply(&mut self.names, &mut self.dirs);
        self.pending.push(change);
    }

    /// The name of a file, empty when it has none any more.
    fn path_of(&self, id: u64) -> PathBuf {
        self.names.iter().find(|(_, of)| **of == id).map(|(path, _)| path.clone()).unwrap_or_default()
    }

    fn id_of(&self, path: &Path) -> io::Result<u64> {
        self.names.get(path).copied().ok_or_else(|| io::ErrorKind::NotFound.into())
    }
}

impl Disk for SimDisk {
    fn create_dir_all(&self, path: &Path) -> io::Result<()> {
        let mut state = self.lock_state();
        state.allow(Call::Open)?;
        let mut missing: Vec<PathBuf> = path
            .ancestors()
            .filter(|folder| folder.parent().is_some() && !folder.as_os_str().is_empty())
            .filter(|folder| !state.dirs.contains(*folder))
            .map(Path::to_path_buf)
            .collect();
        missing.reverse();
        for folder in missing {
            state.change(NameChange::Folder(folder));
        }
        Ok(())
    }

    fn open_append(&self, path: &Path) -> io::Result<Box<dyn DiskFile>> {
        let mut state = self.lock_state();
        state.allow(Call::Open)?;
        let id = state.id_of(path)?;
        Ok(Box::new(self.file(id, state.life)))
    }

    fn open_new(&self, path: &Path) -> io::Result<Box<dyn DiskFile>> {
        let mut state = self.lock_state();
        state.allow(Call::Open)?;
        if state.names.contains_key(path) {
            return Err(io::ErrorKind::AlreadyExists.into());
        }
        if !has_folders(path, &state.dirs) {
            return Err(io::ErrorKind::NotFound.into());
        }
        state.next_id += 1;
        let id = state.next_id;
        state.files.insert(id, Content::default());
        state.change(NameChange::Add(path.to_path_buf(), id));
        Ok(Box::new(self.file(id, state.life)))
    }

    fn read(&self, path: &Path) -> io::Result<Vec<u8>> {
        let state = self.lock_state();
        state.powered()?;
        let id = state.id_of(path)?;
        Ok(state.files.get(&id).map(|content| content.bytes.clone()).unwrap_or_default())
    }

    fn list(&self, dir: &Path) -> io::Result<Vec<String>> {
        let state = self.lock_state();
        state.powered()?;
        if !state.dirs.contains(dir) {
            return Err(io::ErrorKind::NotFound.into());
        }
        let within = state.names.keys().chain(state.dirs.iter());
        let mut names: Vec<String> = within
            .filter(|path| path.parent() == Some(dir))
            .filter_map(|path| path.file_name())
            .map(|name| name.to_string_lossy().into_owned())
            .collect();
        names.sort();
        Ok(names)
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        let mut state = self.lock_state();
        state.allow(Call::Rename)?;
        state.id_of(from)?;
        state.change(NameChange::Rename(from.to_path_buf(), to.to_path_buf()));
        Ok(())
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        let mut state = self.lock_state();
        state.allow(Call::Rename)?;
        state.id_of(path)?;
        state.change(NameChange::Remove(path.to_path_buf()));
        Ok(())
    }

    fn truncate(&self, path: &Path, len: u64) -> io::Result<()> {
        let mut state = self.lock_state();
        state.allow(Call::Truncate)?;
        let id = state.id_of(path)?;
        let len = usize::try_from(len).unwrap_or(usize::MAX);
        if let Some(content) = state.files.get_mut(&id) {
            content.bytes.truncate(len);
            content.synced_len = content.synced_len.min(len);
            if !content.has_lost_pages {
                content.synced_len = content.bytes.len();
            }
        }
        Ok(())
    }

    fn sync_dir(&self, dir: &Path) -> io::Result<()> {
        let mut state = self.lock_state();
        state.allow(Call::SyncDir)?;
        if state.ignores_sync || state.ignores(Call::SyncDir, dir) {
            return Ok(());
        }
        let State { pending, durable_names, dirs, .. } = &mut *state;
        pending.retain(|change| {
            let is_here = change.folder() == dir;
            if is_here {
                change.apply(durable_names, dirs);
            }
            !is_here
        });
        Ok(())
    }

    fn lock(&self, path: &Path) -> io::Result<Box<dyn DiskLock>> {
        let mut state = self.lock_state();
        state.allow(Call::Open)?;
        if !state.locks.insert(path.to_path_buf()) {
            return Err(io::ErrorKind::WouldBlock.into());
        }
        Ok(Box::new(SimLock { disk: self.clone(), path: path.to_path_buf(), life: state.life }))
    }
}

impl SimDisk {
    fn file(&self, id: u64, life: u64) -> SimFile {
        SimFile { disk: self.clone(), id, life }
    }
}

#[derive(Debug)]
struct SimFile {
    disk: SimDisk,
    id: u64,
    life: u64,
}

#[derive(Debug)]
struct SimLock {
    disk: SimDisk,
    path: PathBuf,
    life: u64,
}

impl DiskLock for SimLock {}

impl Drop for SimLock {
    fn drop(&mut self) {
        let mut state = self.disk.lock_state();
        if state.life == self.life {
            state.locks.remove(&self.path);
        }
    }
}

impl SimFile {
    fn with_content<T>(
        &self,
        call: Call,
        act: impl FnOnce(&mut Content, bool, io::Result<()>) -> io::Result<T>,
    ) -> io::Result<T> {
        let mut state = self.disk.lock_state();
        if state.life != self.life {
            return Err(io::Error::other("the file was open before the crash"));
        }
        let was_off = state.is_off;
        let allowed = state.allow(call);
        if was_off {
            allowed?;
            return Err(io::Error::other("the power is off"));
        }
        let ignores_sync = state.ignores_sync
            || (call == Call::SyncData && state.ignores(Call::SyncData, &state.path_of(self.id)));
        match state.files.get_mut(&self.id) {
            Some(content) => act(content, ignores_sync, allowed),
            None => Err(io::ErrorKind::NotFound.into()),
        }
    }
}

impl DiskFile for SimFile {
    fn append(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.with_content(Call::Append, |content, _, allowed| {
            let arrives = if allowed.is_ok() { bytes.len() } else { bytes.len() / 2 };
            content.bytes.extend(bytes.iter().take(arrives));
            allowed
        })
    }

    fn sync_data(&mut self) -> io::Result<()> {
        let path = self.disk.lock_state().path_of(self.id);
        self.disk.gate.pass(&path);
        self.with_content(Call::SyncData, |content, ignores_sync, allowed| {
            content.has_lost_pages |= allowed.is_err();
            allowed?;
            if !ignores_sync && !content.has_lost_pages {
                content.synced_len = content.bytes.len();
            }
            Ok(())
        })
    }

    fn len(&self) -> u64 {
        let state = self.disk.lock_state();
        state.files.get(&self.id).map_or(0, |content| content.bytes.len() as u64)
    }
}

#[cfg(test)]
mod tests;
