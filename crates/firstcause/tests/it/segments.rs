//! What left the memory of a running `serve`, read by others: DuckDB and ClickHouse over the Parquet files.

use std::path::Path;
use std::process::Command;

use crate::serving::Serving;
use crate::{BINARY, clients};

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
    check_of_the_store(folder.path());
}

/// `store check`, beside the running server: whole, then with one byte changed, then of a directory that is none.
fn check_of_the_store(data_dir: &Path) {
    let check = |dir: &Path| {
        let ran = Command::new(BINARY).args(["store", "check", "--data-dir"]).arg(dir).output().unwrap();
        let told = [ran.stdout, ran.stderr].map(|bytes| String::from_utf8(bytes).unwrap()).concat();
        (ran.status.code(), told)
    };
    let (code, told) = check(data_dir);
    assert_eq!(code, Some(0), "{told}");
    assert!(told.starts_with("default: ") && told.contains("whole: everything could be read"), "{told}");
    let path = data_dir.join("spaces/default/segments/00000001.spans.parquet");
    let mut bytes = std::fs::read(&path).unwrap();
    bytes[100] ^= 1;
    std::fs::write(&path, bytes).unwrap();
    let (code, told) = check(data_dir);
    assert_eq!(code, Some(1), "{told}");
    assert!(told.contains("rows are lost") && told.contains("hint: restore"), "{told}");
    let (code, told) = check(&data_dir.join("nothing"));
    assert_eq!(code, Some(2), "{told}");
    assert!(told.contains("hint: "), "{told}");
}
