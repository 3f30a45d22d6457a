//! What fails, as signs: log lines, spans and figures, with when each had begun for sure.
//!
//! A sign that only passes on what another failing service does is a symptom, and its words are not asked.

use std::collections::{BTreeMap, BTreeSet};

use telemetry::UnixNanos;

use super::modes::{self, Mode};
use super::words;

/// One thing that is not as it was.
#[derive(Debug, Clone, PartialEq)]
pub struct Sign {
    /// Of which service.
    pub service: String,
    /// What is seen.
    pub kind: SignKind,
    /// The message, the span's name and error, or the figure's name.
    pub text: String,
    /// What it is said of beside the text: values of attributes (statements, hosts).
    pub attributes: Vec<(String, String)>,
    /// When it had begun for sure.
    pub since: UnixNanos,
}

/// What kind of sign.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum SignKind {
    /// A log line.
    Log,
    /// A span that failed.
    Span,
    /// A figure that rose.
    Risen,
    /// A figure that fell.
    Fallen,
}

/// What the signs say together.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Picture {
    /// When it had begun for sure: the earliest sign.
    pub onset: Option<UnixNanos>,
    /// The ways of failing, each with the services that show it.
    pub modes: BTreeMap<Mode, BTreeSet<String>>,
    /// Words of the failing, by how many signs hold them.
    pub words: BTreeMap<String, usize>,
    /// Services with a sign.
    pub services: BTreeSet<String>,
    /// Hosts outside the system that fail by themselves.
    pub outside: BTreeSet<String>,
    /// Services of which more is asked than before.
    pub busier: BTreeSet<String>,
}

/// Reads the signs; `services` are all services of the system.
#[must_use]
pub fn picture(signs: &[Sign], services: &BTreeSet<String>) -> Picture {
    let mut picture = Picture {
        onset: signs.iter().map(|sign| sign.since).min(),
        services: signs.iter().map(|sign| sign.service.clone()).collect(),
        ..Picture::default()
    };
    for sign in signs {
        let (found, host) = modes_of(sign, services);
        picture.outside.extend(host);
        if sign.kind == SignKind::Risen && is_load(&sign.text) {
            picture.busier.insert(sign.service.clone());
        }
        let is_symptom =
            names_another(sign, &picture.services) && found.iter().all(|mode| mode.is_passed_on());
        for word in words::telling(&full_text(sign)) {
            *picture.words.entry(word).or_default() += 1;
        }
        if is_symptom {
            continue;
        }
        for mode in found {
            picture.modes.entry(mode).or_default().insert(sign.service.clone());
        }
    }
    // What names itself is asked before what does not.
    if picture.modes.keys().any(|mode| *mode != Mode::Unknown) {
        picture.modes.remove(&Mode::Unknown);
    }
    picture
}

/// Whether a figure counts what is asked of a service.
fn is_load(metric: &str) -> bool {
    let words: BTreeSet<String> = words::all(metric).into_iter().collect();
    let any = ["rps", "qps", "throughput", "traffic"].iter().any(|word| words.contains(*word));
    let of_requests =
        words::holds(&words, &["request"]) && !words.contains("error") && !words.contains("duration");
    any || (of_requests && ["per", "rate", "total", "count"].iter().any(|word| words.contains(*word)))
}

fn full_text(sign: &Sign) -> String {
    let values = sign.attributes.iter().map(|(_, value)| value.as_str());
    std::iter::once(sign.text.as_str()).chain(values).collect::<Vec<&str>>().join(" ")
}

fn modes_of(sign: &Sign, services: &BTreeSet<String>) -> (BTreeSet<Mode>, Option<String>) {
    match sign.kind {
        SignKind::Risen => (modes::measured(&sign.text, true), None),
        SignKind::Fallen => (modes::measured(&sign.text, false), None),
        SignKind::Log | SignKind::Span => {
            let mut found = modes::said(&sign.text);
            let host = outside(sign, services).filter(|_| is_their_fault(sign));
            if host.is_some() {
                found.insert(Mode::External);
            }
            (found, host)
        }
    }
}

/// Whether the text names another service that shows signs itself.
fn names_another(sign: &Sign, failing: &BTreeSet<String>) -> bool {
    let text = sign.text.to_ascii_lowercase();
    failing.iter().any(|service| *service != sign.service && text.contains(&service.to_ascii_lowercase()))
}

/// The host outside the system that the sign speaks of.
fn outside(sign: &Sign, services: &BTreeSet<String>) -> Option<String> {
    const KEYS: [&str; 6] =
        ["server.address", "net.peer.name", "upstream.host", "http.url", "url.full", "peer.service"];
    let told = KEYS
        .iter()
        .filter_map(|key| sign.attributes.iter().find(|(name, _)| name == key))
        .map(|(_, value)| value.as_str());
    let written =
        sign.text.split(|c: char| c.is_whitespace() || matches!(c, '"' | '\'' | '(' | ')' | '=' | ','));
    told.chain(written).find_map(host_of).filter(|host| {
        let first = host.split('.').next().unwrap_or_default();
        let is_ours = services
            .iter()
            .any(|service| service.eq_ignore_ascii_case(first) || service.eq_ignore_ascii_case(host));
        let is_inside = [".svc", ".local", ".internal", ".cluster", ".lan"]
            .iter()
            .any(|ending| host.ends_with(ending) || host.contains(&format!("{ending}.")));
        !is_ours && !is_inside
    })
}

/// A host name with a public ending, out of an address or alone.
fn host_of(text: &str) -> Option<String> {
    let rest = text.split_once("://").map_or(text, |(_, rest)| rest);
    let host = rest.split(['/', ':', '?']).next()?.trim_end_matches('.').to_ascii_lowercase();
    let ending = host.rsplit('.').next().unwrap_or_default();
    let is_public =
        ["com", "net", "org", "io", "dev", "cloud", "app", "co", "ai", "eu", "gov"].contains(&ending);
    let is_name = host.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_'));
    (is_public && is_name && host.contains('.') && host.len() > 4).then_some(host)
}

/// Whether the other side says that it is its own fault: a status of 500 and above, or in words. A refusal (400) is
/// about what was asked, and may well be ours.
fn is_their_fault(sign: &Sign) -> bool {
    let words: BTreeSet<String> = words::all(&sign.text).into_iter().collect();
    let says = ["unavailable", "outage", "slowdown", "throttled"].iter().any(|word| words.contains(*word))
        || words::holds(&words, &["slow", "down"])
        || words::holds(&words, &["internal", "error"]);
    let is_status =
        |text: &str| text.len() == 3 && text.starts_with('5') && text.chars().all(|c| c.is_ascii_digit());
    let written = sign.text.split(|c: char| !c.is_ascii_alphanumeric()).any(is_status);
    let told = sign.attributes.iter().any(|(name, value)| name.contains("status") && is_status(value));
    says || written || told
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    pub(crate) fn log(service: &str, second: i64, text: &str) -> Sign {
        Sign {
            service: service.into(),
            kind: SignKind::Log,
            text: text.into(),
            attributes: Vec::new(),
            since: UnixNanos(0).plus_seconds(second),
        }
    }

    fn of(signs: &[Sign]) -> Picture {
        let services = ["cart", "mail", "shop"].map(str::to_owned).into();
        picture(signs, &services)
    }

    #[test]
    fn what_is_passed_on_is_no_failure_of_its_own() {
        let picture =
            of(&[log("cart", 5, "pool exhausted"), log("shop", 6, "upstream cart timeout after 5 s")]);
        assert_eq!(picture.modes.keys().copied().collect::<Vec<_>>(), [Mode::Pool]);
        assert_eq!(picture.onset, Some(UnixNanos(0).plus_seconds(5)));
    }

    #[test]
    fn a_party_outside_that_fails_by_itself_is_seen_and_a_peer_inside_is_not() {
        let theirs = of(&[log("cart", 5, "POST https://api.example.com/v1/x returned 503")]);
        assert!(theirs.modes.contains_key(&Mode::External) && theirs.outside.contains("api.example.com"));
        let ours = of(&[log("cart", 5, "POST https://mail.svc:80/x returned 503")]);
        assert!(!ours.modes.contains_key(&Mode::External));
        let asked = of(&[log("cart", 5, "POST https://api.example.com/v1/x returned 400")]);
        assert!(!asked.modes.contains_key(&Mode::External), "a refusal may be our fault");
    }
}
