//! The processes: one for each instance, started with the settings of the instance and nothing else.
//! It deliberately runs only the program that `system.json` names, and changes only what `allowed` lists.

use std::collections::BTreeMap;
use std::io;
use std::process::Stdio;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};
use tokio::process::{Child, Command};
use tokio::time::{interval, timeout};

use super::wire::{InstanceStatus, Refusal, Restart, RestartKind, Restarted, Variables};
use crate::clock;
use crate::files;
use crate::outbound::{self, Client};
use crate::system::{Instance, System};

/// How long a process may take to stop before it is killed.
const STOP_LIMIT: Duration = Duration::from_secs(2);
/// How long a process may take to answer: it may have to build an index first, on a busy machine.
const READY_LIMIT: Duration = Duration::from_secs(20);
const READY_POLL: Duration = Duration::from_millis(10);
/// Starts that the status remembers.
const REMEMBERED_RESTARTS: usize = 32;

/// A change of one instance.
#[derive(Clone, Debug)]
pub(super) struct Change {
    pub(super) kind: RestartKind,
    pub(super) version: Option<String>,
    pub(super) set: Variables,
    pub(super) unset: Vec<String>,
}

impl Change {
    /// A start with the settings as they are.
    pub(super) fn none(kind: RestartKind) -> Self {
        Self { kind, version: None, set: Variables::new(), unset: Vec::new() }
    }
}

/// One instance and its process.
#[derive(Debug)]
pub(super) struct Slot {
    system: Arc<System>,
    probe: Client,
    /// What the status shows; held for moments only, so that a status never waits for a restart.
    state: Mutex<State>,
    /// The process; held for the whole of a restart, so that there is one restart of an instance at a time.
    process: tokio::sync::Mutex<Option<Child>>,
}

#[derive(Debug)]
struct State {
    instance: Instance,
    pid: Option<u32>,
    crashes: u32,
    restarts: Vec<Restart>,
}

impl Slot {
    pub(super) fn new(system: &Arc<System>, instance: &Instance, probe: &Client) -> Self {
        let state = State { instance: instance.clone(), pid: None, crashes: 0, restarts: Vec::new() };
        Self {
            system: Arc::clone(system),
            probe: probe.clone(),
            state: Mutex::new(state),
            process: tokio::sync::Mutex::new(None),
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn status(&self) -> InstanceStatus {
        let state = self.state();
        let Instance { id, service, version, settings, allowed, .. } = &state.instance;
        let latest = state.restarts.last();
        InstanceStatus {
            instance: id.clone(),
            service: service.clone(),
            version: version.clone(),
            pid: state.pid,
            ready: state.pid.is_some() && latest.is_some_and(|restart| restart.ready_at_unix_nanos.is_some()),
            ready_at_unix_nanos: state.restarts.iter().rev().find_map(|restart| restart.ready_at_unix_nanos),
            variables: allowed.iter().map(|name| (name.clone(), settings.get(name).cloned())).collect(),
            crashes: state.crashes,
            restarts: state.restarts.clone(),
        }
    }

    /// Whether `change` names only variables that may be changed.
    pub(super) fn check(&self, change: &Change) -> Result<(), Refusal> {
        let state = self.state();
        let Instance { id, allowed, .. } = &state.instance;
        let Some(other) = change.set.keys().chain(&change.unset).find(|name| !allowed.contains(name)) else {
            return Ok(());
        };
        let names = if allowed.is_empty() { "none".to_owned() } else { allowed.join(", ") };
        let error = format!("`{other}` of {id} may not be changed; hint: allowed are {names}");
        Err(Refusal { allowed: Some(allowed.clone()), ..Refusal::new(error) })
    }

    /// Stops the process if there is one, starts another with `change`, and waits until it answers.
    pub(super) async fn restart(&self, change: Change) -> Result<Restarted, Refusal> {
        self.check(&change)?;
        let mut process = self.process.lock().await;
        let previous = self.begin(change);
        if let Some(child) = process.take() {
            stop(child).await;
        }
        self.start(&mut process, previous).await
    }

    /// If the process has ended by itself, starts it again. Returns whether it had.
    pub(super) async fn revive(&self) -> bool {
        // A restart that is under way holds the lock and sees to the process itself.
        let Ok(mut process) = self.process.try_lock() else {
            return false;
        };
        let ended = match process.as_mut() {
            Some(child) => !matches!(child.try_wait(), Ok(None)),
            // The process could not be started at all.
            None => true,
        };
        if !ended {
            return false;
        }
        *process = None;
        self.begin(Change::none(RestartKind::Crash));
        // The status shows an instance that does not come back; the monitor tries again.
        drop(self.start(&mut process, BTreeMap::new()).await);
        true
    }

    /// Stops the process for good.
    pub(super) async fn stop(&self) {
        let child = self.process.lock().await.take();
        if let Some(child) = child {
            stop(child).await;
        }
        self.state().pid = None;
    }

    /// Applies `change` to the settings and returns the values before.
    fn begin(&self, change: Change) -> BTreeMap<String, Option<String>> {
        let mut state = self.state();
        state.pid = None;
        state.crashes += u32::from(change.kind == RestartKind::Crash);
        if state.restarts.len() == REMEMBERED_RESTARTS {
            state.restarts.remove(0);
        }
        state.restarts.push(Restart {
            kind: change.kind,
            begun_at_unix_nanos: clock::unix_nanos(),
            ready_at_unix_nanos: None,
        });
        let instance = &mut state.instance;
        if let Some(version) = change.version {
            instance.version = version;
        }
        let mut previous = BTreeMap::new();
        for name in change.unset {
            let before = instance.settings.remove(&name);
            previous.insert(name, before);
        }
        for (name, value) in change.set {
            let before = instance.settings.insert(name.clone(), value);
            previous.entry(name).or_insert(before);
        }
        previous
    }

    async fn start(
        &self,
        process: &mut Option<Child>,
        previous: BTreeMap<String, Option<String>>,
    ) -> Result<Restarted, Refusal> {
        let instance = self.state().instance.clone();
        let id = &instance.id;
        let child = spawn(&self.system, &instance).map_err(|error| {
            Refusal::new(format!("cannot start {id}: {error}; hint: see `executable` in system.json"))
        })?;
        let pid = child.id();
        self.state().pid = pid;
        let child = process.insert(child);
        if timeout(READY_LIMIT, self.answers(child, &instance)).await != Ok(true) {
            let log = self.system.log_file(id);
            return Err(Refusal::new(format!("{id} does not answer; hint: see `{}`", log.display())));
        }
        let ready_at_unix_nanos = clock::unix_nanos();
        if let Some(restart) = self.state().restarts.last_mut() {
            restart.ready_at_unix_nanos = Some(ready_at_unix_nanos);
        }
        let pid = pid.unwrap_or_default();
        Ok(Restarted {
            ok: true,
            instance: instance.id,
            version: instance.version,
            ready_at_unix_nanos,
            previous,
            pid,
        })
    }

    /// Waits until the instance answers; false if its process ends instead.
    async fn answers(&self, child: &mut Child, instance: &Instance) -> bool {
        let mut poll = interval(READY_POLL);
        loop {
            poll.tick().await;
            if !matches!(child.try_wait(), Ok(None)) {
                return false;
            }
            if outbound::is_healthy(&self.probe, instance.address()).await {
                return true;
            }
        }
    }
}

fn spawn(system: &System, instance: &Instance) -> io::Result<Child> {
    let log = files::open_log(&system.log_file(&instance.id))?;
    Command::new(&system.executable)
        .args(&system.leading_args)
        .env_clear()
        .envs(&instance.settings)
        .env("PORT", instance.port.to_string())
        .env("SERVICE_NAME", &instance.service)
        .env("SERVICE_INSTANCE_ID", &instance.id)
        .env("SERVICE_VERSION", &instance.version)
        // The pipe closes when this process ends, however it ends, and the service ends with it.
        .env("STOP_WITH_STDIN", "true")
        .stdin(Stdio::piped())
        .stdout(log.try_clone()?)
        .stderr(log)
        .current_dir(&system.directory)
        // Ctrl-C is for the supervisor, which then stops its children in order.
        .process_group(0)
        .kill_on_drop(true)
        .spawn()
}

/// SIGTERM, a while, SIGKILL.
async fn stop(mut child: Child) {
    let pid = child.id().and_then(|id| i32::try_from(id).ok()).and_then(Pid::from_raw);
    // The process cannot be another one: it keeps its id until it is waited for, which only happens below.
    let asked = pid.is_some_and(|pid| kill_process(pid, Signal::TERM).is_ok());
    if asked && timeout(STOP_LIMIT, child.wait()).await.is_ok() {
        return;
    }
    // An error means that it has ended already.
    drop(child.kill().await);
}
