//! How this dialect writes figures and times (AG-23).

use evidence::health::declared::Declared;
use telemetry::UnixNanos;

/// A share as percent with one decimal.
pub(super) fn percent(share: f64) -> String {
    format!("{:.1}%", 100.0 * share)
}

/// A median latency: two decimals below a millisecond, none below a second, else seconds with one.
pub(super) fn p50(ms: f64) -> String {
    if ms < 1.0 {
        format!("{ms:.2}ms")
    } else if ms < 1_000.0 {
        format!("{ms:.0}ms")
    } else {
        format!("{:.1}s", ms / 1_000.0)
    }
}

/// Any other latency.
pub(super) fn ms(ms: f64) -> String {
    format!("{ms:.0}ms")
}

/// A time to the second.
pub(super) fn stamp(at: UnixNanos) -> String {
    let text = at.rfc3339();
    text.get(..19).map_or_else(|| text.clone(), |seconds| format!("{seconds}Z"))
}

/// A count with a comma at each thousand.
pub(super) fn thousands(count: u64) -> String {
    let digits = count.to_string();
    let mut text = String::new();
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// The count and the noun, which takes an `s` unless it is one.
pub(super) fn counted(count: usize, noun: &str) -> String {
    let plural = if count == 1 { "" } else { "s" };
    format!("{count} {noun}{plural}")
}

/// A name of ours as this dialect writes it.
pub(super) fn upper(name: &str) -> String {
    name.to_uppercase()
}

/// Lines for what is missing.
pub(super) fn gaps(gaps: &[String]) -> String {
    gaps.iter().map(|gap| format!("\ngap: {gap}")).collect()
}

/// Who owns a service, when that is declared.
pub(super) fn owner(declared: &Declared, service: &str) -> Option<String> {
    let service = declared.service(service)?;
    let told = [service.team.as_str(), service.on_call_channel.as_str()];
    let told: Vec<&str> = told.into_iter().filter(|text| !text.is_empty()).collect();
    (!told.is_empty()).then(|| told.join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;

    // covers: AG-23
    #[test]
    fn figures_are_written_as_stated() {
        assert_eq!([percent(0.052), percent(0.0), percent(1.0)], ["5.2%", "0.0%", "100.0%"]);
        assert_eq!(
            [p50(0.456), p50(1.0), p50(312.4), p50(999.4), p50(1_240.0)],
            ["0.46ms", "1ms", "312ms", "999ms", "1.2s"]
        );
        assert_eq!(ms(2_100.0), "2100ms");
        assert_eq!(
            [thousands(0), thousands(999), thousands(10_000), thousands(1_234_567)],
            ["0", "999", "10,000", "1,234,567"]
        );
        assert_eq!(stamp(UnixNanos(1_736_951_400_000_000_000)), "2025-01-15T14:30:00Z");
        assert_eq!([counted(1, "operation"), counted(2, "operation")], ["1 operation", "2 operations"]);
    }
}
