//! What brings a way of failing about, and how directly.
//!
//! Common knowledge of operations as one table of effects against ways of failing. It knows no product.

use super::effects::Effect;
use super::modes::Mode;
use super::settings::Class;

/// How directly an effect brings a way of failing about: 1 by itself, 0.7 under ordinary load, 0.5 together with
/// something else, 0 not at all. What only makes a failure larger (more attempts) is no cause of it.
#[must_use]
pub fn of(mode: Mode, effect: &Effect) -> f64 {
    if let Some(class) = effect.lowered() {
        return lowered(mode, class);
    }
    if let Some(class) = effect.raised() {
        return raised(mode, class);
    }
    match effect {
        Effect::Setting(setting) if setting.after.is_none() => taken_away(mode, setting.class),
        // A bound where there was none is a bound lowered, if it is low enough.
        Effect::Setting(setting) if setting.before.is_none() && setting.class.is_bound() => {
            0.7 * lowered(mode, setting.class)
        }
        Effect::Setting(_) => 0.0,
        Effect::Dependency { .. } => match mode {
            Mode::Version => 1.0,
            Mode::Unreadable | Mode::Null | Mode::Memory => 0.5,
            _ => 0.0,
        },
        other => of_code(mode, other),
    }
}

fn lowered(mode: Mode, class: Class) -> f64 {
    use Class as C;
    match (mode, class) {
        (Mode::Deadline, C::Timeout)
        | (Mode::Pool, C::Pool)
        | (Mode::Attempts, C::Attempts)
        | (Mode::CacheMiss, C::Ttl | C::CacheSize)
        | (Mode::Memory, C::Memory)
        | (Mode::Cpu | Mode::Slow, C::Cpu)
        | (Mode::RateLimited, C::RateLimit)
        | (Mode::Backlog, C::Concurrency | C::Replicas | C::Batch) => 1.0,
        (Mode::MoreCalls, C::Ttl | C::CacheSize | C::Interval | C::Batch)
        | (Mode::Slow | Mode::Deadline, C::Pool | C::Concurrency | C::Replicas | C::CacheSize | C::Ttl)
        | (Mode::SlowQuery, C::Ttl | C::CacheSize)
        | (Mode::Attempts, C::Backoff | C::Timeout)
        | (Mode::Cpu, C::Replicas | C::Interval | C::Ttl)
        | (Mode::Unreachable, C::Idle | C::Replicas | C::Timeout)
        | (Mode::SlowQuery, C::Timeout)
        | (Mode::RateLimited | Mode::MoreCalls, C::Backoff) => 0.7,
        (Mode::Unreachable | Mode::Unknown, C::Memory | C::Cpu)
        | (Mode::Pool, C::Idle)
        | (Mode::Deadline, C::Attempts | C::Cpu | C::Memory)
        | (Mode::Unknown, C::Timeout | C::Attempts | C::Pool | C::RateLimit) => 0.5,
        _ => 0.0,
    }
}

fn raised(mode: Mode, class: Class) -> f64 {
    use Class as C;
    match (mode, class) {
        (Mode::Memory, C::CacheSize | C::Batch) => 1.0,
        (Mode::Memory, C::Ttl | C::Concurrency | C::Rows | C::Pool)
        | (Mode::Backlog, C::Interval | C::Backoff)
        | (Mode::SlowQuery, C::Rows | C::Batch)
        | (Mode::Pool, C::Concurrency | C::Replicas)
        | (Mode::Deadline | Mode::Slow, C::Backoff | C::Batch | C::Rows)
        | (Mode::MoreCalls | Mode::RateLimited, C::Concurrency)
        | (Mode::Exhausted, C::Ttl) => 0.7,
        (Mode::Pool | Mode::Locked, C::Timeout)
        | (Mode::Cpu, C::Concurrency | C::Batch)
        | (Mode::MoreCalls, C::Attempts) => 0.5,
        _ => 0.0,
    }
}

/// A bound that is gone altogether.
fn taken_away(mode: Mode, class: Class) -> f64 {
    use Class as C;
    match (mode, class) {
        (Mode::Misconfigured, _) => 0.7,
        (Mode::SlowQuery | Mode::Memory, C::Rows) => 1.0,
        (Mode::Memory, C::CacheSize | C::Ttl) => 1.0,
        (Mode::Attempts | Mode::RateLimited | Mode::MoreCalls, C::Backoff) => 0.7,
        (Mode::Slow | Mode::Deadline | Mode::Pool, C::Timeout | C::Rows) => 0.7,
        (Mode::CacheMiss, C::Ttl) => 0.7,
        _ => 0.0,
    }
}

fn of_code(mode: Mode, effect: &Effect) -> f64 {
    use Effect as E;
    match (mode, effect) {
        (Mode::Null, E::NullCheckRemoved)
        | (Mode::OutOfBounds, E::BoundsCheckRemoved)
        | (Mode::SlowQuery, E::RowBoundRemoved | E::FilterRemoved | E::IndexDropped)
        | (Mode::MissingRelation, E::QueryAdded | E::FieldRenamed)
        | (Mode::MoreCalls, E::CallInLoop(_) | E::CacheRemoved)
        | (Mode::CacheMiss, E::CacheRemoved | E::CacheKeyChanged)
        | (Mode::Memory, E::GrowthAdded)
        | (Mode::Pool, E::CleanupRemoved)
        | (Mode::Locked, E::LockAdded)
        | (Mode::Unreadable, E::FieldRenamed)
        | (Mode::Expired | Mode::Denied, E::Credential)
        | (Mode::Unreachable, E::Address) => 1.0,
        (Mode::Slow | Mode::Deadline, E::CallInLoop(_) | E::SleepAdded | E::LockAdded | E::IndexDropped)
        | (Mode::Slow | Mode::Deadline, E::RowBoundRemoved | E::FilterRemoved | E::CacheRemoved)
        | (Mode::SlowQuery, E::QueryAdded | E::CacheRemoved | E::LockAdded | E::CallInLoop(_))
        | (Mode::MoreCalls, E::CacheKeyChanged | E::BackoffRemoved)
        | (Mode::RateLimited, E::CallInLoop(_) | E::BackoffRemoved | E::CacheRemoved)
        | (Mode::Attempts, E::BackoffRemoved)
        | (
            Mode::Cpu,
            E::CallInLoop(_) | E::RowBoundRemoved | E::FilterRemoved | E::CacheRemoved | E::IndexDropped,
        )
        | (Mode::Memory, E::CleanupRemoved | E::RowBoundRemoved | E::FilterRemoved)
        | (Mode::Pool, E::CallInLoop(_) | E::LockAdded | E::SleepAdded)
        | (Mode::Locked, E::CleanupRemoved)
        | (Mode::Backlog, E::SleepAdded | E::LockAdded | E::CallInLoop(_) | E::CleanupRemoved)
        | (Mode::Exhausted, E::CleanupRemoved | E::GrowthAdded)
        | (Mode::Null, E::FieldRenamed | E::BoundsCheckRemoved)
        | (Mode::Misconfigured, E::TextSetting)
        | (Mode::External | Mode::Unknown, E::Address | E::Credential)
        | (Mode::Denied, E::TextSetting | E::Address)
        | (Mode::Unreachable, E::Credential) => 0.7,
        (Mode::Unknown, E::NullCheckRemoved | E::BoundsCheckRemoved | E::LockRemoved | E::FieldRenamed)
        | (Mode::Null | Mode::Unreadable | Mode::OutOfBounds, E::LockRemoved)
        | (Mode::Slow | Mode::Deadline | Mode::Pool, E::QueryAdded)
        | (Mode::Unknown | Mode::Unreachable | Mode::CacheMiss, E::TextSetting) => 0.5,
        _ => 0.0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn more_attempts_cause_no_failure_of_the_other_side() {
        let setting = super::super::settings::Setting {
            class: Class::Attempts,
            name: vec!["max".into(), "attempt".into()],
            before: Some(2.0),
            after: Some(3.0),
            text: ("2".into(), "3".into()),
        };
        for mode in [Mode::External, Mode::Deadline, Mode::RateLimited, Mode::Attempts] {
            assert_eq!(of(mode, &Effect::Setting(setting.clone())), 0.0, "{mode:?}");
        }
    }
}
