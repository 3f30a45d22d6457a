//! The arguments of `change`.

use clap::{Args, Subcommand, ValueEnum};
use telemetry::answer::ChangeKind;

use super::key::Place;

/// What is done with changes.
#[derive(Debug, Subcommand)]
pub(crate) enum ChangeCommand {
    /// Tell of a change that telemetry does not show: a flag, a setting, a schema, a deploy; also while `serve` runs
    Record(Box<Record>),
}

/// What changed.
#[derive(Debug, Args)]
pub(crate) struct Record {
    /// Where
    #[arg(long, value_name = "NAME")]
    pub(crate) service: String,
    /// What kind of change
    #[arg(long, value_enum, default_value = "deploy")]
    pub(crate) kind: Kind,
    /// What is now: the version, the commit, the switch's new position
    #[arg(long, value_name = "TEXT")]
    pub(crate) after: String,
    /// What was before
    #[arg(long, default_value = "", value_name = "TEXT")]
    pub(crate) before: String,
    /// On which instance [default: all]
    #[arg(long, default_value = "", value_name = "NAME")]
    pub(crate) instance: String,
    /// When it took effect: RFC 3339, or from now as `now-5m`
    #[arg(long, default_value = "now", value_name = "TIME")]
    pub(crate) at: String,
    /// The commit that it carries
    #[arg(long, default_value = "", value_name = "ID")]
    pub(crate) commit: String,
    /// Who did it
    #[arg(long, default_value = "", value_name = "NAME")]
    pub(crate) author: String,
    /// What it does, in a line; of a flag, its name
    #[arg(long, default_value = "", value_name = "TEXT")]
    pub(crate) message: String,
    #[command(flatten)]
    pub(crate) place: Place,
}

/// The kinds that somebody can know; starts of processes are seen by the telemetry.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Kind {
    /// Another version runs
    Deploy,
    /// A flag or a setting was switched while the process ran
    Flag,
    /// The source text changed; it takes effect with the deploy that carries it
    Commit,
}

impl Kind {
    pub(crate) fn known(self) -> ChangeKind {
        match self {
            Self::Deploy => ChangeKind::Deploy,
            Self::Flag => ChangeKind::Flag,
            Self::Commit => ChangeKind::Commit,
        }
    }
}
