//! Alerts on error budgets: what is told when, and told once.
//!
//! An alert is the crossing of a bound and not the state behind it: whoever asks keeps the last [`Alarm`] of each
//! objective and gets the difference. Nothing is kept here.

use super::{BURN_RULES, BurnRule, SloState};

/// How much of a budget is used up (AG-39).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub enum BudgetLevel {
    /// More than half is left, or nothing is known.
    #[default]
    Fine,
    /// At most half.
    Info,
    /// At most a quarter.
    Warning,
    /// At most a tenth.
    Critical,
}

/// What of an objective alarms.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Alarm {
    /// By what is left of the budget.
    pub budget: BudgetLevel,
    /// Which of the pairs of windows burn.
    pub burning: [bool; BURN_RULES.len()],
}

/// Something that began or ended.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Event {
    /// The budget passed a bound, downwards when `to` is the higher level.
    Budget {
        /// Before.
        from: BudgetLevel,
        /// Now.
        to: BudgetLevel,
    },
    /// A pair of windows began to burn.
    BurnBegan(BurnRule),
    /// A pair of windows no longer burns.
    BurnEnded(BurnRule),
}

/// What of `state` alarms.
#[must_use]
pub fn alarm(state: &SloState) -> Alarm {
    let budget = match state.budget_left {
        Some(left) if left <= 0.10 => BudgetLevel::Critical,
        Some(left) if left <= 0.25 => BudgetLevel::Warning,
        Some(left) if left <= 0.50 => BudgetLevel::Info,
        _ => BudgetLevel::Fine,
    };
    let is_burning = |rule: BurnRule| state.burns.iter().any(|burn| burn.rule == rule && burn.is_burning);
    Alarm { budget, burning: BURN_RULES.map(is_burning) }
}

/// What changed between two looks; nothing when nothing did, however bad it is.
#[must_use]
pub fn events(before: Alarm, now: Alarm) -> Vec<Event> {
    let mut events = Vec::new();
    if before.budget != now.budget {
        events.push(Event::Budget { from: before.budget, to: now.budget });
    }
    for (rule, (was, is)) in BURN_RULES.iter().zip(before.burning.iter().zip(now.burning)) {
        match (*was, is) {
            (false, true) => events.push(Event::BurnBegan(*rule)),
            (true, false) => events.push(Event::BurnEnded(*rule)),
            _ => {}
        }
    }
    events
}
