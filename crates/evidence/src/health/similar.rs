//! Past incidents that look like this one, by their signature and with a score (AG-64, W-10).
//!
//! A signature says where an incident was, what failed there and what it looked like; not what caused it, which is what one
//! wants to learn from the past. The score is the weighted share of agreement over what both sides know; what one of them
//! does not know counts for half its weight as a disagreement, so that a bare signature is not like everything. The place
//! alone never suffices: the kind of error, known on both sides, or a pattern must be the same.

use std::collections::BTreeSet;

use super::errors::ErrorKind;
use crate::patterns::Pattern;

/// Incidents told.
pub const MATCHES_MAX: usize = 3;
/// Score below which incidents are not similar.
pub const SCORE_MIN: f64 = 0.55;
/// Weights: the service, the operation in it, the kind of error, the patterns.
const WEIGHTS: [f64; 4] = [0.30, 0.20, 0.25, 0.25];
/// Share of its weight that a field costs when one side does not know it.
const UNKNOWN_COST: f64 = 0.5;

/// What an incident looks like.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Signature {
    /// Where it was seen.
    pub service: String,
    /// In which operation; empty when in all.
    pub operation: String,
    /// The kind of most of its errors; nothing when nothing failed or nobody can tell.
    pub error: Option<ErrorKind>,
    /// The patterns shown.
    pub patterns: BTreeSet<Pattern>,
}

/// An incident of the past.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PastIncident {
    /// Its id.
    pub id: String,
    /// What it looked like.
    pub signature: Signature,
    /// What caused it.
    pub cause: String,
    /// What helped; empty when nothing was done.
    pub fix: String,
}

/// A similar incident.
#[derive(Debug, Clone, PartialEq)]
pub struct Match<'a> {
    /// Which.
    pub incident: &'a PastIncident,
    /// How similar, 0 to 1.
    pub score: f64,
}

/// The most similar incidents of `past`, the best first; equal ones as they stand.
#[must_use]
pub fn nearest<'a>(signature: &Signature, past: &'a [PastIncident]) -> Vec<Match<'a>> {
    let mut matches: Vec<Match<'a>> = past
        .iter()
        .filter(|incident| shows_the_same(signature, &incident.signature))
        .map(|incident| Match { incident, score: score(signature, &incident.signature) })
        .filter(|found| found.score >= SCORE_MIN)
        .collect();
    matches.sort_by(|a, b| b.score.total_cmp(&a.score));
    matches.truncate(MATCHES_MAX);
    matches
}

/// Whether two signatures have more in common than where they were seen: unlike causes meet in one place.
fn shows_the_same(one: &Signature, other: &Signature) -> bool {
    let is_known = one.error.is_some_and(|kind| kind != ErrorKind::Unknown);
    (is_known && one.error == other.error) || !one.patterns.is_disjoint(&other.patterns)
}

/// How similar two signatures are, 0 to 1.
#[must_use]
pub fn score(one: &Signature, other: &Signature) -> f64 {
    let text = |one: &str, other: &str| match (one.is_empty(), other.is_empty()) {
        (true, true) => None,
        (false, false) => Some(f64::from(u8::from(one == other))),
        _ => Some(1.0 - UNKNOWN_COST),
    };
    // Two services share names of operations without having anything in common.
    let operation =
        if one.service == other.service { text(&one.operation, &other.operation) } else { Some(0.0) };
    let error = match (one.error, other.error) {
        (None, None) => None,
        (Some(one), Some(other)) => Some(f64::from(u8::from(one == other))),
        _ => Some(1.0 - UNKNOWN_COST),
    };
    let union = one.patterns.union(&other.patterns).count();
    let patterns =
        (union > 0).then(|| one.patterns.intersection(&other.patterns).count() as f64 / union as f64);
    let fields = [text(&one.service, &other.service), operation, error, patterns];
    let (mut agreed, mut whole) = (0.0, 0.0);
    for (weight, agreement) in WEIGHTS.iter().zip(fields) {
        if let Some(agreement) = agreement {
            agreed += weight * agreement;
            whole += weight;
        }
    }
    if whole > 0.0 { agreed / whole } else { 0.0 }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::statistics::null::Seeded;

    fn incident(id: &str, service: &str, error: Option<ErrorKind>, patterns: &[Pattern]) -> PastIncident {
        PastIncident {
            id: id.into(),
            signature: Signature {
                service: service.into(),
                operation: "POST /".into(),
                error,
                patterns: patterns.iter().copied().collect(),
            },
            cause: String::new(),
            fix: String::new(),
        }
    }

    // covers: AG-64
    #[test]
    fn the_same_signature_scores_one_and_the_place_alone_is_not_similar() {
        let timeout = Some(ErrorKind::DependencyTimeout);
        let past = [
            incident("other-kind", "a", Some(ErrorKind::CodeBug), &[Pattern::MemoryLeak]),
            incident("same", "a", timeout, &[Pattern::ErrorRateSpike]),
            incident("elsewhere", "b", timeout, &[Pattern::ErrorRateSpike]),
            incident("partly", "a", timeout, &[Pattern::ErrorRateSpike, Pattern::LatencyDegradation]),
        ];
        let found = nearest(&past[1].signature, &past);
        let ids: Vec<&str> = found.iter().map(|found| found.incident.id.as_str()).collect();
        assert_eq!(ids, ["same", "partly"]);
        assert_eq!(found[0].score, 1.0);
        assert!((found[1].score - 0.875).abs() < 1e-12 && nearest(&past[0].signature, &[]).is_empty());
    }

    // covers: AG-64
    #[test]
    fn in_the_same_place_an_equal_error_or_a_shared_pattern_is_needed_and_an_unknown_error_is_none() {
        let (timeout, unknown) = (Some(ErrorKind::DependencyTimeout), Some(ErrorKind::Unknown));
        let slow = [Pattern::LatencyDegradation];
        let is_told = |one: (Option<ErrorKind>, &[Pattern]), other: (Option<ErrorKind>, &[Pattern])| {
            let (now, then) = (incident("now", "a", one.0, one.1), incident("then", "a", other.0, other.1));
            !nearest(&now.signature, &[then]).is_empty()
        };
        assert!(!is_told((None, &[]), (None, &[])), "all that agrees is the place");
        assert!(!is_told((unknown, &[]), (unknown, &[])), "nobody knows whether the errors are of one kind");
        assert!(!is_told((timeout, &[]), (None, &slow)) && !is_told((None, &[]), (None, &slow)));
        assert!(is_told((timeout, &[]), (timeout, &[])) && is_told((None, &slow), (None, &slow)));
    }

    #[test]
    fn a_bare_signature_is_like_nothing_and_scores_do_not_depend_on_the_side() {
        let full = incident("x", "a", Some(ErrorKind::CodeBug), &[Pattern::ColdStart]).signature;
        let bare = Signature { service: "a".into(), ..Signature::default() };
        assert_eq!(score(&full, &bare), score(&bare, &full));
        assert!(score(&full, &bare) < SCORE_MIN, "{}", score(&full, &bare));
        assert_eq!(score(&Signature::default(), &Signature::default()), 0.0);
    }

    /// Six causes recur; each shows itself in its own service, now and then in a neighbour, its errors are sometimes not
    /// recognised and its patterns sometimes not shown.
    // covers: W-10
    #[test]
    fn leaving_one_out_the_nearest_has_the_right_cause_far_more_often_than_the_latest_three_hold_it() {
        let causes: [(&str, Option<ErrorKind>, Pattern); 6] = [
            ("a", Some(ErrorKind::DependencyTimeout), Pattern::LatencyDegradation),
            ("a", Some(ErrorKind::CodeBug), Pattern::ErrorRateSpike),
            ("b", None, Pattern::MemoryLeak),
            ("b", Some(ErrorKind::ConnectionError), Pattern::CascadeFailure),
            ("c", Some(ErrorKind::RateLimited), Pattern::ThunderingHerd),
            ("c", None, Pattern::ColdStart),
        ];
        let mut noise = Seeded(11);
        let past: Vec<PastIncident> = (0..120)
            .map(|at| {
                let cause = (noise.next() % 6) as usize;
                let (service, error, pattern) = causes[cause];
                let service = if noise.uniform() < 0.1 { "d" } else { service };
                let error = error.filter(|_| noise.uniform() < 0.8);
                let patterns = if noise.uniform() < 0.8 { vec![pattern] } else { Vec::new() };
                PastIncident {
                    cause: cause.to_string(),
                    ..incident(&at.to_string(), service, error, &patterns)
                }
            })
            .collect();
        let (mut right, mut told, mut latest) = (0_u32, 0_u32, 0_u32);
        for left_out in 0..past.len() {
            let mut others = past.clone();
            let one = others.remove(left_out);
            if let Some(found) = nearest(&one.signature, &others).first() {
                told += 1;
                right += u32::from(found.incident.cause == one.cause);
            }
            latest += u32::from(others.iter().rev().take(3).any(|other| other.cause == one.cause));
        }
        let is_mute =
            |one: &&PastIncident| one.signature.error.is_none() && one.signature.patterns.is_empty();
        let mute = past.iter().filter(is_mute).count() as u32;
        assert!((1..=20).contains(&mute) && told + mute >= 115, "told {told}, {mute} show nothing");
        assert!(f64::from(right) / f64::from(told) >= 0.8, "right {right} of {told}");
        assert!(right >= latest + 30, "the latest three hold it in {latest}");
    }
}
