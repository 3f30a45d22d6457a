//! What is committed and made from code is fresh: the JSON Schema of the report, the OpenAPI document of the interface, the
//! page of measures and rules, and that of sources.
//!
//! `FIRSTCAUSE_BLESS=1 cargo test -p firstcause --test it schema::` writes them anew; the difference is reviewed as
//! code, because programs of others read this format.

use std::path::Path;

#[test]
fn the_committed_schema_of_the_report_is_fresh() {
    let file =
        Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/schemas/firstcause.report-1.schema.json");
    let schema = schemars::schema_for!(incident::Report);
    assert_fresh(&file, &(serde_json::to_string_pretty(&schema).unwrap() + "\n"));
}

#[test]
fn the_committed_document_of_the_interface_is_fresh() {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/schemas/openapi.json");
    let document = server::rest::openapi::document(&tools::Registry::new(tools::dialects::default()));
    assert_fresh(&file, &(serde_json::to_string_pretty(&document).unwrap() + "\n"));
}

#[test]
fn the_committed_page_of_measures_and_rules_is_what_the_program_says() {
    let output = std::process::Command::new(crate::BINARY).args(["rules", "--markdown"]).output().unwrap();
    let fresh = String::from_utf8(output.stdout).unwrap();
    assert!(
        fresh.contains("| `cause_after_onset` |") && fresh.contains("| `exclusive_latency` |"),
        "{fresh}"
    );
    assert_fresh(&Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/rules.md"), &fresh);
}

#[test]
fn the_committed_page_of_sources_is_what_the_program_says() {
    let output =
        std::process::Command::new(crate::BINARY).args(["config", "sources", "--markdown"]).output().unwrap();
    let fresh = String::from_utf8(output.stdout).unwrap();
    assert!(fresh.contains("| `jaeger` |") && fresh.contains("[sources.metrics]"), "{fresh}");
    assert_fresh(&Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/sources.md"), &fresh);
}

#[test]
fn the_committed_page_of_metrics_is_what_the_server_tells() {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/metrics.md");
    assert_fresh(&file, &server::rest::prometheus::page());
}

fn assert_fresh(file: &Path, fresh: &str) {
    if std::env::var("FIRSTCAUSE_BLESS").is_ok_and(|value| value == "1") {
        std::fs::create_dir_all(file.parent().unwrap()).unwrap();
        std::fs::write(file, fresh).unwrap();
    }
    let committed = std::fs::read_to_string(file).unwrap_or_default();
    assert!(committed == fresh, "hint: FIRSTCAUSE_BLESS=1 cargo test -p firstcause --test it schema::");
}
