//! What a switch must do, for the tests that own a world in which its measure or rule has something to say.

use incident::Conclusion;
use investigation::Settings;

/// Asserts that what `is_told` sees in the conclusion is there, and gone when the measure or rule `id` is switched off;
/// and that the conclusion then says so.
pub(crate) fn check(id: &str, run: impl Fn(Settings) -> Conclusion, is_told: impl Fn(&Conclusion) -> bool) {
    let on = run(Settings::default());
    assert!(is_told(&on), "`{id}` has nothing to say here: {}", on.statement);
    assert!(!on.gaps.iter().any(|gap| gap.missing.contains("switched off")));
    let off = run(Settings::default().without(id).unwrap());
    assert!(!is_told(&off), "`{id}` is not silenced: {}", off.statement);
    let gap = format!("`{id}` is switched off");
    assert!(off.gaps.iter().any(|known| known.missing == gap), "{:?}", off.gaps);
}

/// Whether the rule of this id rules something out.
pub(crate) fn rules_out(id: &str) -> impl Fn(&Conclusion) -> bool {
    move |conclusion| conclusion.ruled_out.iter().any(|item| item.rule == id)
}
