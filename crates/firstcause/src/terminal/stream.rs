//! The running investigation, stage by stage, with elapsed time and what was learned.

use std::io::{IsTerminal, Write};
use std::sync::Mutex;

use orchestrator::{Entry, Observer};
use telemetry::{Note, NoteKind, UnixNanos};

use super::plain;

/// Shows entries on standard error as they are written.
#[derive(Debug)]
pub(crate) struct Stream {
    began_at: UnixNanos,
    has_colour: bool,
    out: Mutex<std::io::Stderr>,
}

impl Stream {
    /// Times are told since `began_at`.
    pub(crate) fn new(began_at: UnixNanos) -> Self {
        let out = std::io::stderr();
        let has_colour = out.is_terminal() && std::env::var_os("NO_COLOR").is_none();
        Self { began_at, has_colour, out: Mutex::new(out) }
    }

    /// Shows a line of our own.
    pub(crate) fn line(&self, at: UnixNanos, text: &str) {
        self.write(at, "", text);
    }

    fn write(&self, at: UnixNanos, head: &str, text: &str) {
        let seconds = at.since(self.began_at) as f64 / 1e9;
        let head = if self.has_colour && !head.is_empty() {
            format!("\u{1b}[1m{head:<12}\u{1b}[0m")
        } else {
            format!("{head:<12}")
        };
        let line = format!("{seconds:>6.1}s  {head} {}\n", plain(text));
        let mut out = self.out.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        out.write_all(line.as_bytes()).ok();
    }

    fn note(&self, at: UnixNanos, note: &Note) {
        let text = match note.kind {
            NoteKind::Began => return self.write(at, note.stage.title(), &note.text),
            NoteKind::Ended if note.text.is_empty() => return,
            NoteKind::Learned | NoteKind::Ended => note.text.clone(),
            NoteKind::RuledOut => format!("ruled out: {}", note.text),
            NoteKind::Gap => format!("gap: {}", note.text),
            NoteKind::Failed => format!("failed: {}", note.text),
        };
        self.write(at, "", &text);
    }
}

impl Observer for Stream {
    fn saw(&self, at: UnixNanos, entry: &Entry) {
        match entry {
            Entry::Note(note) | Entry::Progress(note) | Entry::Resumed(note) => self.note(at, note),
            Entry::Approval(record) => {
                let verb = if record.is_granted { "approved" } else { "refused" };
                let principal: String = record.principal.chars().take(24).collect();
                self.write(at, "", &format!("{verb} by {principal}"));
            }
            _ => {}
        }
    }
}
