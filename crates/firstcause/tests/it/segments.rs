//! What left the memory of a running `serve`, read by others: DuckDB and ClickHouse over the Parquet files.

use std::process::Command;

use crate::clients;
use crate::serving::Serving;

/// Scenario: ten minutes of three services, more than the memory of a small `serve` holds.
/// Guarantees: plain SQL of DuckDB and of ClickHouse over the segments gives the figures that Firstcause answers, on twenty
/// questions, and those a script computes from what it sent; the quantiles within their stated error.
#[test]
fn duckdb_and_clickhouse_read_the_segments_and_agree_with_our_answers() {
    let pinned = [("requirements.txt", "chdb-core==26.9.0\nduckdb==2.0.1\n")];
    let python = clients::python("segments", &pinned, &["--no-deps"]);
    let folder = tempfile::tempdir().unwrap();
    let serving = Serving::start(folder.path(), &["--head-mib", "16"]);
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/it/segments.py");
    let (otlp, http) = (format!("http://{}", serving.otlp), format!("http://{}", serving.http));
    let ran =
        Command::new(python).args(["-B", script, &otlp, &http]).arg(folder.path()).arg("7").output().unwrap();
    let told = String::from_utf8_lossy(&ran.stdout);
    assert!(ran.status.success(), "{told}\n{}", String::from_utf8_lossy(&ran.stderr));
    let agreed =
        |engine: &str| told.lines().filter(|line| line.starts_with(&format!("ok   {engine} "))).count();
    assert!(agreed("duckdb") >= 20 && agreed("clickhouse") >= 20, "{told}");
}
