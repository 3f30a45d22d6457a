//! Reads the JSON of a report from standard input and writes its page to standard output.
//!
//! For looking at a page while it is being designed; the program has a command of its own for it.

use std::io::{Read, Write};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut json = String::new();
    std::io::stdin().read_to_string(&mut json)?;
    let report: incident::Report = serde_json::from_str(&json)?;
    std::io::stdout().write_all(server::page::report(&report).as_bytes())?;
    Ok(())
}
