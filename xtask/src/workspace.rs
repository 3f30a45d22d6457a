//! Where the workspace is and how files are written there.
//!
//! It does not read sources: `tree` does.

use std::path::{Path, PathBuf};

use anyhow::Context as _;

/// The workspace root: the parent of this package, or the nearest workspace above the current directory.
pub(crate) fn root() -> anyhow::Result<PathBuf> {
    if let Some(package) = std::env::var_os("CARGO_MANIFEST_DIR")
        && let Some(parent) = Path::new(&package).parent()
        && is_workspace(parent)
    {
        return Ok(parent.to_path_buf());
    }
    let current = std::env::current_dir().context("failed to read the current directory")?;
    current
        .ancestors()
        .find(|folder| is_workspace(folder))
        .map(Path::to_path_buf)
        .context("failed to find a workspace here or above; hint: run this inside the checkout")
}

fn is_workspace(folder: &Path) -> bool {
    std::fs::read_to_string(folder.join("Cargo.toml")).is_ok_and(|text| text.contains("[workspace]"))
}

/// Writes a file of the repository, creating its folder.
#[expect(
    clippy::disallowed_methods,
    reason = "a development tool writes files that git keeps; xtask may not depend on platform"
)]
pub(crate) fn write(path: &Path, text: &str) -> anyhow::Result<()> {
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder)
            .with_context(|| format!("failed to create `{}`", folder.display()))?;
    }
    std::fs::write(path, text).with_context(|| format!("failed to write `{}`", path.display()))
}
