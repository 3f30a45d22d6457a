//! What it takes to act: inventory, policy, and an actuator that knows the instances and allows the variables.
//!
//! The actuator is asked for its status and for nothing else.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use anyhow::Context as _;
use remediation::{Inventory, Policy};
use serde::Deserialize;
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::UnixStream;
use tokio::time::timeout;

use super::Finding;
use crate::config::Settings;
use crate::wiring::Doors;

/// The actuator answers a question about its state from memory.
const PATIENCE: Duration = Duration::from_secs(3);
/// No status is near this long.
const STATUS_BYTES_MAX: u64 = 1 << 20;

/// How the instances are, of what the actuator says.
#[derive(Debug, Deserialize)]
struct Status {
    instances: Vec<Instance>,
}

#[derive(Debug, Deserialize)]
struct Instance {
    instance: String,
    service: String,
    /// Those that may be changed.
    variables: BTreeMap<String, Option<String>>,
}

/// Looks at the three files, when they are given.
pub(super) async fn check(settings: &Settings, doors: &Doors) -> Vec<Finding> {
    let (Some(inventory), Some(policy), Some(actuator)) =
        (&settings.inventory, &settings.policy, &settings.actuator)
    else {
        return vec![Finding::ok("acting", "no inventory, policy and actuator: Firstcause only reports")];
    };
    let mut findings = Vec::new();
    let inventory = text(doors, inventory).and_then(|text| Ok(Inventory::parse(&text)?));
    let policy = text(doors, policy).and_then(|text| Ok(Policy::parse(&text)?));
    findings.push(match &inventory {
        Ok(inventory) => {
            Finding::ok("inventory", format!("{} services may be acted on", inventory.targets.len()))
        }
        Err(error) => Finding::failed("inventory", error, "give a TOML file with `--inventory`"),
    });
    findings.push(match &policy {
        Ok(_) => Finding::ok("policy", "read"),
        Err(error) => Finding::failed("policy", error, "give a TOML file with `--policy`"),
    });
    match status(actuator).await {
        Ok(status) => {
            let says = format!("answers, with {} instances", status.instances.len());
            findings.push(Finding::ok("actuator", says));
            findings.extend(inventory.iter().flat_map(|inventory| compare(inventory, &status)));
        }
        Err(error) => {
            let error = error.context(format!("failed to ask the actuator at `{}`", actuator.display()));
            findings.push(Finding::failed("actuator", &error, "start it: `firstcause actuate --help`"));
        }
    }
    findings
}

fn text(doors: &Doors, path: &Path) -> anyhow::Result<String> {
    let bytes = doors.disk.read(path).with_context(|| format!("failed to read `{}`", path.display()))?;
    String::from_utf8(bytes).with_context(|| format!("`{}` is not UTF-8", path.display()))
}

async fn status(socket: &Path) -> anyhow::Result<Status> {
    let asked = async {
        let mut stream = UnixStream::connect(socket).await?;
        stream.write_all(b"{\"verb\":\"status\"}\n").await?;
        let mut line = String::new();
        BufReader::new(stream.take(STATUS_BYTES_MAX)).read_line(&mut line).await?;
        anyhow::Ok(line)
    };
    let line = timeout(PATIENCE, asked).await.context("no answer in time")??;
    serde_json::from_str(&line).context("its answer is not understood")
}

/// Each instance is there, belongs to its service, and allows each variable of each fix.
fn compare(inventory: &Inventory, status: &Status) -> Vec<Finding> {
    let mut findings = Vec::new();
    for target in &inventory.targets {
        for name in &target.instances {
            let known = status.instances.iter().find(|known| known.instance == *name);
            let Some(known) = known.filter(|known| known.service == target.service) else {
                let says = format!("the actuator knows no instance `{name}` of `{}`", target.service);
                findings.push(Finding::problem(
                    "inventory",
                    says,
                    "mend the inventory, or the actuator's system",
                ));
                continue;
            };
            for fix in &target.fixes {
                let refused = fix.set.keys().filter(|variable| !known.variables.contains_key(*variable));
                findings.extend(refused.map(|variable| {
                    let says = format!("`{}` sets `{variable}`, which `{name}` does not allow", fix.profile);
                    Finding::problem(
                        "inventory",
                        says,
                        "allow it in the actuator's system, or mend the inventory",
                    )
                }));
            }
        }
    }
    findings
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_variable_of_a_fix_must_be_allowed_by_the_actuator() {
        let inventory = Inventory::parse(
            "[[target]]\nservice = \"orders\"\ninstances = [\"orders-1\"]\n[[target.fix]]\n\
             profile = \"slow_query\"\nset = { CUSTOMER_INDEX = \"true\" }",
        )
        .unwrap();
        let status = |service: &str, variable: &str| -> Status {
            let variables = BTreeMap::from([(variable.to_owned(), None)]);
            Status {
                instances: vec![Instance { instance: "orders-1".into(), service: service.into(), variables }],
            }
        };
        assert!(compare(&inventory, &status("orders", "CUSTOMER_INDEX")).is_empty());
        let refused = compare(&inventory, &status("orders", "OTHER"));
        assert!(refused[0].says.contains("`CUSTOMER_INDEX`, which `orders-1` does not allow"), "{refused:?}");
        assert!(
            compare(&inventory, &status("other", "CUSTOMER_INDEX"))[0]
                .says
                .contains("no instance `orders-1`")
        );
    }
}
