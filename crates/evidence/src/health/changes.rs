//! Which changes to look at first when something breaks: those shortly before the onset, by their prior score (AG-35).
//!
//! The score is of `prior` and orders; it blames nothing. A change after the onset and a commit, which takes effect with
//! the deploy that carries it, score nothing and are told all the same.

use telemetry::UnixNanos;
use telemetry::answer::{ChangeKind, ChangeRow};

use crate::prior::{self, CHANGES_MAX, Kind};

/// Files that pin what a program depends on; a change of nothing else updates dependencies.
const LOCK_FILES: &[&str] = &[
    "Cargo.lock",
    "Gemfile.lock",
    "composer.lock",
    "go.mod",
    "go.sum",
    "package-lock.json",
    "package.json",
    "pnpm-lock.yaml",
    "poetry.lock",
    "pom.xml",
    "requirements.txt",
    "uv.lock",
    "yarn.lock",
];

/// Seconds before the onset in which a deployment is one that it may come from: for a suggestion and for a playbook alike.
pub const DEPLOYMENT_SECONDS: f64 = 1_800.0;

/// A change with its place in time.
#[derive(Debug, Clone, PartialEq)]
pub struct Ranked<'a> {
    /// The change.
    pub change: &'a ChangeRow,
    /// What was changed.
    pub kind: Option<Kind>,
    /// Seconds from it to the onset; negative when it came later.
    pub seconds_before: f64,
    /// How much it is worth looking at, 0 to 1; no probability.
    pub prior_score: f64,
}

/// Changes in the order to look at.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct RankedChanges<'a> {
    /// The highest score first, then the latest.
    pub changes: Vec<Ranked<'a>>,
    /// How many there were in all.
    pub total: usize,
}

impl RankedChanges<'_> {
    /// Whether some were left out: the earliest beyond 200.
    #[must_use]
    pub fn is_truncated(&self) -> bool {
        self.changes.len() < self.total
    }

    /// The latest deployment that was there when it began.
    #[must_use]
    pub fn deployment_before(&self) -> Option<&ChangeRow> {
        self.latest_deployment(f64::INFINITY)
    }

    /// The latest deployment that came at most [`DEPLOYMENT_SECONDS`] before it began: one that might be taken back.
    #[must_use]
    pub fn deployment_shortly_before(&self) -> Option<&ChangeRow> {
        self.latest_deployment(DEPLOYMENT_SECONDS)
    }

    /// How many deployments came shortly before it began.
    #[must_use]
    pub fn deployments_shortly_before(&self) -> usize {
        self.deployments(DEPLOYMENT_SECONDS).count()
    }

    fn deployments(&self, seconds_max: f64) -> impl Iterator<Item = &Ranked<'_>> {
        self.changes.iter().filter(move |one| {
            one.change.kind == ChangeKind::Deploy && (0.0..=seconds_max).contains(&one.seconds_before)
        })
    }

    fn latest_deployment(&self, seconds_max: f64) -> Option<&ChangeRow> {
        self.deployments(seconds_max)
            .min_by(|a, b| a.seconds_before.total_cmp(&b.seconds_before))
            .map(|one| one.change)
    }
}

/// The changes by their prior score for an onset.
#[must_use]
pub fn rank(changes: &[ChangeRow], onset: UnixNanos) -> RankedChanges<'_> {
    let mut latest: Vec<&ChangeRow> = changes.iter().collect();
    latest.sort_by(|a, b| (b.at, &a.service, &a.after).cmp(&(a.at, &b.service, &b.after)));
    let mut ranked: Vec<Ranked<'_>> = latest
        .into_iter()
        .take(CHANGES_MAX)
        .map(|change| {
            let seconds_before = onset.since(change.at) as f64 / 1e9;
            let kind = kind(change);
            let prior_score = kind.map_or(0.0, |kind| prior::score(kind, seconds_before));
            Ranked { change, kind, seconds_before, prior_score }
        })
        .collect();
    // Stable: the latest stays first among equals.
    ranked.sort_by(|a, b| b.prior_score.total_cmp(&a.prior_score));
    RankedChanges { changes: ranked, total: changes.len() }
}

/// What was changed, nothing for what takes no effect by itself. An instance that was added or started again counts as
/// scaling, which is what it does to the others.
#[must_use]
pub fn kind(change: &ChangeRow) -> Option<Kind> {
    match change.kind {
        ChangeKind::Commit => None,
        ChangeKind::Deploy if only_updates_dependencies(change) => Some(Kind::DependencyUpdate),
        ChangeKind::Deploy => Some(Kind::Deployment),
        ChangeKind::Flag => Some(Kind::FeatureFlag),
        ChangeKind::InstanceAdded | ChangeKind::Restart => Some(Kind::Scaling),
    }
}

fn only_updates_dependencies(change: &ChangeRow) -> bool {
    let is_lock = |path: &String| path.rsplit('/').next().is_some_and(|name| LOCK_FILES.contains(&name));
    let files = change.detail.as_ref().map(|detail| detail.files.as_slice()).unwrap_or_default();
    !files.is_empty() && files.iter().all(is_lock)
}

#[cfg(test)]
mod tests {
    use telemetry::answer::ChangeDetail;

    use super::*;
    use crate::health::planted::change;

    fn onset() -> UnixNanos {
        UnixNanos(0).plus_seconds(1_000)
    }

    // covers: AG-35
    #[test]
    fn the_nearest_deployment_before_comes_first_and_what_came_after_scores_nothing() {
        let changes = [
            change(1_001, ChangeKind::Deploy, "late"),
            change(990, ChangeKind::Commit, "committed"),
            change(970, ChangeKind::InstanceAdded, "scaled"),
            change(800, ChangeKind::Deploy, "deployed"),
            change(99, ChangeKind::Deploy, "long-ago"),
            change(980, ChangeKind::Flag, "flagged"),
        ];
        let ranked = rank(&changes, onset());
        let order: Vec<(&str, f64)> =
            ranked.changes.iter().map(|one| (one.change.service.as_str(), one.prior_score)).collect();
        let scores: Vec<f64> = order.iter().map(|(_, score)| *score).collect();
        assert_eq!(
            order.iter().map(|(name, _)| *name).collect::<Vec<_>>(),
            ["deployed", "flagged", "scaled", "late", "committed", "long-ago"]
        );
        assert!((scores[0] - 0.8).abs() < 1e-12 && (scores[1] - 0.76).abs() < 1e-12);
        assert_eq!(scores[3..], [0.0, 0.0, 0.0]);
        assert_eq!(ranked.deployment_before().map(|row| row.service.as_str()), Some("deployed"));
        assert!(!ranked.is_truncated());
        assert_eq!(ranked.deployments_shortly_before(), 2);
        let at = |seconds: i64| {
            let deployed = [change(1_000 - seconds, ChangeKind::Deploy, "a")];
            rank(&deployed, onset()).deployment_shortly_before().is_some()
        };
        assert_eq!([at(1_800), at(1_801), at(-1)], [true, false, false]);
    }

    // covers: AG-35
    #[test]
    fn lock_files_alone_are_a_dependency_update_and_two_hundred_changes_are_the_most() {
        let with = |files: &[&str]| {
            let files = files.iter().map(|file| (*file).to_owned()).collect();
            let detail = Some(Box::new(ChangeDetail { files, ..ChangeDetail::default() }));
            kind(&ChangeRow { detail, ..change(0, ChangeKind::Deploy, "a") })
        };
        assert_eq!(with(&["app/Cargo.lock", "go.sum"]), Some(Kind::DependencyUpdate));
        assert_eq!([with(&["Cargo.lock", "src/main.rs"]), with(&[])], [Some(Kind::Deployment); 2]);
        let many: Vec<ChangeRow> = (0..300).map(|at| change(at, ChangeKind::Deploy, "a")).collect();
        let ranked = rank(&many, onset());
        assert_eq!((ranked.changes.len(), ranked.total, ranked.is_truncated()), (200, 300, true));
        assert!(
            ranked.changes.iter().all(|one| one.change.at >= UnixNanos(0).plus_seconds(100)),
            "the latest"
        );
        assert!(rank(&[change(2_000, ChangeKind::Deploy, "a")], onset()).deployment_before().is_none());
    }
}
