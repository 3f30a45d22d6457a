//! The known names that lie nearest to one that is not known.

/// Characters of what was asked that are looked at.
const ASKED_MAX: usize = 80;
/// How many are named.
const MOST: usize = 3;

/// A sentence that names the known ones nearest to `asked`.
#[must_use]
pub fn unknown(what: &str, asked: &str, known: &[String]) -> String {
    let asked_plain: String = asked.chars().take(ASKED_MAX).collect();
    let near = nearest(asked, known);
    if near.is_empty() {
        return format!("no {what} `{asked_plain}` is known; no {what} is known in this window at all");
    }
    format!("no {what} `{asked_plain}` is known in this window; nearest: {}", near.join(", "))
}

/// The nearest names, best first.
#[must_use]
pub fn nearest(asked: &str, known: &[String]) -> Vec<String> {
    // An argument may be long; a name is not.
    let asked = asked.chars().take(ASKED_MAX).collect::<String>().to_lowercase();
    let mut scored: Vec<(f64, &String)> =
        known.iter().map(|name| (strsim::jaro_winkler(&asked, &name.to_lowercase()), name)).collect();
    scored.sort_by(|one, other| other.0.total_cmp(&one.0).then_with(|| one.1.cmp(other.1)));
    scored.dedup_by(|one, other| one.1 == other.1);
    scored.into_iter().take(MOST).map(|(_, name)| name.clone()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_unknown_name_meets_the_nearest_known_ones() {
        let known = ["orders", "payments", "gateway", "order-history"].map(str::to_owned);
        assert_eq!(nearest("order", &known)[0], "orders");
        assert!(unknown("service", "paymnets", &known).contains("payments"));
        assert!(unknown("service", "x", &[]).contains("at all"));
    }
}
