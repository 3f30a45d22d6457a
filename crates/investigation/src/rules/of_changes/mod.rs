//! Rules that rule single changes out: by what they do, where they ran, and when.
//!
//! One file each; a rule is listed in [`all`]. They see one judged change and the onset, never raw answers.

pub mod change_after_onset;
pub mod change_elsewhere;
pub mod change_inert;
pub mod change_not_deployed;
pub mod change_outweighed;
pub mod change_without_mechanism;

use evidence::change_match::judge::Judged;
use telemetry::UnixNanos;

/// A rule that rules single changes out.
#[derive(Clone, Copy)]
pub struct ChangeRule {
    /// Its name, as reports cite it.
    pub id: &'static str,
    /// What it rules out, and why that is sound.
    pub says: &'static str,
    /// Why the change is ruled out; nothing when it is not.
    pub(crate) why: fn(&Judged, UnixNanos) -> Option<String>,
}

impl std::fmt::Debug for ChangeRule {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ChangeRule").field("id", &self.id).finish_non_exhaustive()
    }
}

/// Every rule, sorted by id.
#[must_use]
pub fn all() -> &'static [ChangeRule] {
    &[
        change_after_onset::RULE,
        change_elsewhere::RULE,
        change_inert::RULE,
        change_not_deployed::RULE,
        change_outweighed::RULE,
        change_without_mechanism::RULE,
    ]
}

/// A change as people call it: the commit's short id, or the flag's name, with what was said about it.
pub(crate) fn name(judged: &Judged) -> String {
    let row = &judged.change;
    let detail = row.detail.as_deref();
    let message = detail.map(|detail| detail.message.as_str()).unwrap_or_default();
    match row.kind {
        telemetry::answer::ChangeKind::Flag => format!("flag {message}"),
        _ if message.is_empty() => format!("commit {}", short(&row.after)),
        _ => format!("commit {} (\"{message}\")", short(&row.after)),
    }
}

/// Twelve characters of a commit's id tell it from all others.
pub(crate) fn short(id: &str) -> &str {
    id.get(..12).unwrap_or(id)
}

#[cfg(test)]
mod tests {
    #[test]
    fn rules_are_sorted_and_say_something() {
        let all = super::all();
        assert!(all.windows(2).all(|pair| pair[0].id < pair[1].id));
        assert!(all.iter().all(|rule| rule.says.len() > 20));
    }
}
