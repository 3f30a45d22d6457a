//! What the director wants of the load: a factor on its rate, in a file that the load reads again and again.
//! It deliberately is a file and no connection: a load that outlives its director goes on as it was told.

use std::io;
use std::path::Path;

use serde::{Deserialize, Serialize};

use crate::files;

/// The largest factor; a larger one is a mistake.
const FACTOR_MAX: f64 = 10.0;

#[derive(Debug, Deserialize, Serialize)]
struct Wanted {
    factor: f64,
}

/// Tells the load that reads `path` to multiply its rate by `factor`.
pub(crate) fn write(path: &Path, factor: f64) -> io::Result<()> {
    let document = serde_json::to_vec(&Wanted { factor })?;
    files::write_atomically(path, &document)
}

/// The factor in `path`; 1 when there is no file, or no factor in it that makes a load.
pub(super) fn read(path: &Path) -> f64 {
    let wanted = std::fs::read(path).ok().and_then(|bytes| serde_json::from_slice::<Wanted>(&bytes).ok());
    let factor = wanted.map_or(1.0, |wanted| wanted.factor);
    if factor > 0.0 && factor <= FACTOR_MAX { factor } else { 1.0 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read_and_nonsense_is_one() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("load");
        assert_eq!(read(&path), 1.0);
        write(&path, 2.0).unwrap();
        assert_eq!(read(&path), 2.0);
        write(&path, -3.0).unwrap();
        assert_eq!(read(&path), 1.0);
    }
}
