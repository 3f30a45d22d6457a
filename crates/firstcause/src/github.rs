//! The one flag that speaks to GitHub.

use clap::Args;

/// Whether annotations are wanted.
#[derive(Debug, Args)]
pub(crate) struct Annotations {
    /// Also print annotations for GitHub Actions
    #[arg(long = "github")]
    pub(crate) is_asked: bool,
}
