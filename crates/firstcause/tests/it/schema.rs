//! The committed JSON Schema of the report is the schema of the types.
//!
//! `FIRSTCAUSE_BLESS=1 cargo test -p firstcause --test it schema::` writes it anew; the difference is reviewed as
//! code, because programs of others read this format.

use std::path::Path;

#[test]
fn the_committed_schema_of_the_report_is_fresh() {
    let file =
        Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/schemas/firstcause.report-1.schema.json");
    let schema = schemars::schema_for!(incident::Report);
    let fresh = serde_json::to_string_pretty(&schema).unwrap() + "\n";
    if std::env::var("FIRSTCAUSE_BLESS").is_ok_and(|value| value == "1") {
        std::fs::create_dir_all(file.parent().unwrap()).unwrap();
        std::fs::write(&file, &fresh).unwrap();
    }
    let committed = std::fs::read_to_string(&file).unwrap_or_default();
    assert!(committed == fresh, "hint: FIRSTCAUSE_BLESS=1 cargo test -p firstcause --test it schema::");
}
