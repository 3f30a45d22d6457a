//! Which commits ran where, and since when.
//!
//! A deploy carries its own commit and every one before it that its service is built from: the service's own folder,
//! and what belongs to no other service (a shared library, a manifest at the root). Committed is not deployed.

use std::collections::{BTreeMap, BTreeSet};

use telemetry::UnixNanos;
use telemetry::answer::{ChangeKind, ChangeRow};

use super::words;

/// How far a change may seem to follow the onset's interval and still precede it: clocks of hosts that run a time
/// service agree far better than this.
pub const CLOCK_ERROR_NS: i64 = 1_000_000_000;

/// Where and when one commit began to run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Landing {
    /// The service.
    pub service: String,
    /// When.
    pub at: UnixNanos,
    /// The deploy's version.
    pub version: String,
    /// Whether the deploy names this commit, and does not only come after it.
    pub is_named: bool,
}

/// Where each commit landed first, service by service, by its id.
#[must_use]
pub fn landings(rows: &[ChangeRow]) -> BTreeMap<String, Vec<Landing>> {
    let commits: Vec<&ChangeRow> = rows.iter().filter(|row| row.kind == ChangeKind::Commit).collect();
    let made: BTreeMap<&str, UnixNanos> = commits.iter().map(|row| (row.after.as_str(), row.at)).collect();
    let mut deploys: Vec<&ChangeRow> = rows.iter().filter(|row| row.kind == ChangeKind::Deploy).collect();
    deploys.sort_by(|a, b| (a.at, &a.service, &a.after).cmp(&(b.at, &b.service, &b.after)));
    let services: BTreeSet<&str> =
        rows.iter().filter(|row| !row.service.is_empty()).map(|row| row.service.as_str()).collect();
    let mut found: BTreeMap<String, Vec<Landing>> = BTreeMap::new();
    for deploy in deploys {
        let head = deploy.detail.as_ref().map_or("", |detail| detail.commit.as_str());
        for commit in &commits {
            let is_named = commit.after == head;
            // A deploy of an unknown commit carries what was made before it.
            let until = made.get(head).copied().unwrap_or(deploy.at);
            let files = commit.detail.as_ref().map_or(&[] as &[String], |detail| &detail.files);
            let is_carried = is_named
                || (commit.at <= until
                    && commit.at <= deploy.at
                    && builds(files, &deploy.service, &services));
            let landings = found.entry(commit.after.clone()).or_default();
            if is_carried && !landings.iter().any(|landing| landing.service == deploy.service) {
                landings.push(Landing {
                    service: deploy.service.clone(),
                    at: deploy.at,
                    version: deploy.after.clone(),
                    is_named,
                });
            }
        }
    }
    found
}

/// Whether `service` is built from one of `files`: from its own folder, or from one that is no other service's.
#[must_use]
pub fn builds(files: &[String], service: &str, services: &BTreeSet<&str>) -> bool {
    files.iter().any(|file| match owner(file, services) {
        Owner::Of(name) => name == service,
        Owner::Somebody => false,
        Owner::Shared => true,
    })
}

enum Owner<'a> {
    /// This service's.
    Of(&'a str),
    /// A service that nothing else is known of.
    Somebody,
    /// Nobody's alone.
    Shared,
}

/// Whose a path is, by the folder names that services have.
fn owner<'a>(path: &str, services: &BTreeSet<&'a str>) -> Owner<'a> {
    let folders: Vec<&str> = path.split('/').collect();
    let folders = folders.get(..folders.len().saturating_sub(1)).unwrap_or_default();
    for folder in folders {
        if let Some(service) = services.iter().find(|service| bare(service) == bare(folder)) {
            return Owner::Of(service);
        }
    }
    let is_among_services =
        |name: &&str| matches!(*name, "services" | "service" | "apps" | "cmd" | "microservices");
    match folders.iter().position(is_among_services) {
        Some(at) if at + 1 < folders.len() => Owner::Somebody,
        _ => Owner::Shared,
    }
}

/// A service's name without what only says that it is one.
fn bare(name: &str) -> String {
    let joined: String = words::all(name).concat();
    ["service", "svc", "server", "api"].iter().fold(joined.clone(), |name, ending| {
        match name.strip_suffix(ending).filter(|rest| rest.len() > 2) {
            Some(rest) => rest.to_owned(),
            None => name,
        }
    })
}

#[cfg(test)]
pub(crate) mod tests {
    use telemetry::answer::ChangeDetail;

    use super::*;

    pub(crate) fn row(
        kind: ChangeKind,
        second: i64,
        service: &str,
        after: &str,
        commit: &str,
        files: &[&str],
    ) -> ChangeRow {
        let files = files.iter().map(|file| (*file).to_owned()).collect();
        ChangeRow {
            at: UnixNanos(0).plus_seconds(second),
            kind,
            service: service.into(),
            instance: String::new(),
            before: String::new(),
            after: after.into(),
            detail: Some(Box::new(ChangeDetail { commit: commit.into(), files, ..ChangeDetail::default() })),
        }
    }

    #[test]
    fn a_deploy_carries_earlier_commits_of_its_service_and_of_shared_code() {
        let commit = |second, id: &str, file: &str| row(ChangeKind::Commit, second, "", id, id, &[file]);
        let rows = [
            commit(10, "own", "services/cart/a.go"),
            commit(20, "shared", "pkg/db/pool.go"),
            commit(25, "foreign", "services/mail/a.go"),
            commit(30, "head", "services/cart/b.go"),
            commit(40, "later", "services/cart/c.go"),
            row(ChangeKind::Deploy, 50, "cartservice", "v2", "head", &[]),
        ];
        let found = landings(&rows);
        let is_in = |id: &str| !found[id].is_empty();
        assert!(is_in("own") && is_in("shared") && is_in("head"));
        assert!(!is_in("foreign"), "another service's folder");
        assert!(!is_in("later"), "made after the deployed commit");
        assert!(found["head"][0].is_named && !found["own"][0].is_named);
    }
}
