//! What the operator of the demo allows: every fix of its table, for every service, without asking a person.
//!
//! Deliberately the same for all services and all runs: neither the inventory nor the policy gives the cause away.

use demo::fault::REMEDIES;
use demo::service::Role;

use crate::cli::Demo;

/// The fixes that this engine has a profile for.
fn remedies() -> impl Iterator<Item = &'static demo::fault::Remedy> {
    let is_known = |name: &str| remediation::profiles::all().iter().any(|profile| profile.name == name);
    REMEDIES.iter().filter(move |remedy| is_known(remedy.profile))
}

/// The demo's policy: these reversible fixes need no person.
pub(super) fn policy() -> String {
    let rule = |remedy: &demo::fault::Remedy| {
        format!("[[rule]]\nspace = \"default\"\nprofile = \"{}\"\nmode = \"auto\"\n\n", remedy.profile)
    };
    remedies().map(rule).collect()
}

/// What the operator of the demo allows. Every service has the same fixes, so that the inventory does not give the
/// cause away.
pub(super) fn inventory(args: &Demo) -> String {
    let fix = |remedy: &demo::fault::Remedy| {
        let (variable, value) = match (args.placebo, args.worse) {
            (true, _) => remedy.placebo,
            (_, true) => remedy.worse,
            _ => remedy.fix,
        };
        format!("[[target.fix]]\nprofile = \"{}\"\nset = {{ {variable} = \"{value}\" }}\n\n", remedy.profile)
    };
    let fixes: String = remedies().map(fix).collect();
    let target = |role: Role| {
        let service = role.name();
        format!(
            "[[target]]\nservice = \"{service}\"\ninstances = [\"{service}-1\", \"{service}-2\"]\n{fixes}"
        )
    };
    Role::ALL.map(target).concat()
}
