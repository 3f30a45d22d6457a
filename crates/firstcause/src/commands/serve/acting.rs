//! What `serve` may do about a cause, and what an earlier process left open.
//!
//! Without inventory, policy and actuator nothing is done. A person decides on the page, or through a
//! file in the incidents' folder.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use orchestrator::resume::Open;
use orchestrator::{Desk, Remedy, Resolver};
use remediation::channels::Now;
use remediation::channels::file::FileChannel;
use remediation::channels::first::FirstChannel;
use remediation::channels::page::{Mailbox, PageChannel};
use remediation::channels::policy::PolicyChannel;
use remediation::executors::process::ProcessExecutor;
use remediation::{Authority, Inventory, Policy};

use crate::config::Settings;
use crate::failure::Failure;
use crate::terminal;
use crate::wiring::Doors;

/// How long a person may think.
const PATIENCE: Duration = Duration::from_secs(600);

/// What may be done, when all that it takes is given; `mailbox` is how the page asks.
pub(super) fn remedy(
    args: &Settings,
    doors: &Doors,
    incidents: &Path,
    mailbox: &Mailbox,
) -> anyhow::Result<Option<Remedy>> {
    let (Some(inventory), Some(policy), Some(actuator)) = (&args.inventory, &args.policy, &args.actuator)
    else {
        return Ok(None);
    };
    let inventory = Inventory::parse(&text(doors, inventory, "--inventory")?)
        .map_err(|error| unusable(inventory, error, "--inventory"))?;
    let policy = Policy::parse(&text(doors, policy, "--policy")?)
        .map_err(|error| unusable(policy, error, "--policy"))?;
    doors
        .disk
        .create_dir_all(incidents)
        .with_context(|| format!("failed to make the folder `{}`", incidents.display()))?;
    let clock = Arc::clone(&doors.clock);
    let now: Now = Arc::new(move || clock.now_unix_nanos());
    let file = FileChannel::new(incidents.to_owned(), Authority::new(), PATIENCE, Arc::clone(&now));
    let page = PageChannel::new(mailbox.clone(), Authority::new(), PATIENCE, Arc::clone(&now));
    let person = FirstChannel::new(vec![Arc::new(file), Arc::new(page)]);
    Ok(Some(Remedy {
        inventory,
        approvals: Arc::new(PolicyChannel::new(policy, Authority::new(), Arc::new(person), now)),
        executor: Arc::new(ProcessExecutor::new(actuator.clone())),
    }))
}

fn text(doors: &Doors, path: &Path, flag: &str) -> anyhow::Result<String> {
    let read = doors.disk.read(path).map_err(|error| error.to_string());
    read.and_then(|bytes| String::from_utf8(bytes).map_err(|error| error.to_string())).map_err(|why| {
        Failure::usage(
            format!("failed to read `{}`: {why}", path.display()),
            format!("give a TOML file with `{flag}`"),
        )
    })
}

/// A file that was read and says nothing that can be used.
fn unusable(path: &Path, error: impl std::error::Error + Send + Sync + 'static, flag: &str) -> anyhow::Error {
    let error = anyhow::Error::new(error);
    let why = error.chain().map(ToString::to_string).collect::<Vec<_>>().join(": ");
    Failure::usage(
        format!("failed to use `{}`: {why}", path.display()),
        format!("correct the file given with `{flag}`; `firstcause doctor` looks at it, too"),
    )
}

/// The incidents to take up, which the desk then knows as open. Damaged journals are reported and left alone.
pub(super) fn left_open(resolver: &Resolver, desk: &Desk) -> anyhow::Result<Vec<Open>> {
    let found = resolver.open_incidents().context("failed to look for incidents that were cut off")?;
    for damaged in found.damaged {
        let path = damaged.journal.display().to_string();
        let hint = "what it says is not used; move it away, or compare it with a copy";
        terminal::complain(
            &anyhow::Error::new(damaged.why).context(format!("`{path}` is left as it is; hint: {hint}")),
        );
    }
    for open in &found.open {
        if let Some(alert) = &open.alert {
            desk.adopt(&alert.dedupe_key, &open.incident);
        }
    }
    Ok(found.open)
}
