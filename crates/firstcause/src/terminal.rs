//! What people see on a terminal: errors, the running investigation, the report on one screen.
//!
//! Plain text; colours only on a terminal and never as the only sign. Text that comes from telemetry is stripped of
//! control characters, so that a service name cannot move the cursor.

mod report;
mod stream;
mod table;

use std::io::Write;

pub(crate) use report::render;
pub(crate) use stream::Stream;
pub(crate) use table::table;

/// Prints an error with its whole chain to standard error.
pub(crate) fn complain(error: &anyhow::Error) {
    let mut text = format!("error: {error}");
    for cause in error.chain().skip(1) {
        text.push_str(&format!("\n  because {cause}"));
    }
    say_aside(&text);
}

/// Prints a line to standard error; a closed pipe is no reason to fail.
pub(crate) fn say_aside(text: &str) {
    let mut out = std::io::stderr().lock();
    out.write_all(text.as_bytes()).and_then(|()| out.write_all(b"\n")).ok();
}

/// Prints text to standard output.
///
/// # Errors
/// When standard output is closed.
pub(crate) fn say(text: &str) -> std::io::Result<()> {
    let mut out = std::io::stdout().lock();
    out.write_all(text.as_bytes())?;
    out.write_all(b"\n")?;
    out.flush()
}

/// `text` without control characters.
pub(crate) fn plain(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { '\u{fffd}' } else { c }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    // covers: W-23
    #[test]
    fn telemetry_cannot_move_the_cursor() {
        assert_eq!(plain("a\u{1b}[2Jb"), "a\u{fffd}[2Jb");
    }
}
