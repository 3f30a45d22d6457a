//! Reading of what systems say in words: error texts, and numbers with their units.
//!
//! Only phrases that a system's own source or manual defines are listed; each list names it.

/// Whether `text` contains one of `phrases`, which are in lower case.
#[must_use]
pub fn says(text: &str, phrases: &[&str]) -> bool {
    let text = text.to_lowercase();
    phrases.iter().any(|phrase| text.contains(phrase))
}

/// A volume without room: ENOSPC (`strerror`), PostgreSQL class 53100 `disk_full`, MySQL 1021, and what hosted
/// databases call it.
pub const NO_ROOM: [&str; 9] = [
    "no space left on device",
    "disk full",
    "disk is full",
    "storage full",
    "storage-full",
    "out of storage",
    "out of disk",
    "insufficient storage",
    "could not extend file",
];

/// A connection refused for want of a slot: PostgreSQL class 53300 `too_many_connections`, MySQL 1040.
pub const NO_SLOT: [&str; 4] = [
    "remaining connection slots are reserved",
    "too many clients already",
    "too many connections",
    "sorry, too many clients",
];

/// A name without an address: `getaddrinfo` (EAI_NONAME, EAI_AGAIN) as the runtimes word it, and DNS's NXDOMAIN.
pub const NO_ADDRESS: [&str; 14] = [
    "enotfound",
    "eai_again",
    "no such host",
    "nxdomain",
    "servfail",
    "name or service not known",
    "nodename nor servname provided",
    "temporary failure in name resolution",
    "failure in name resolution",
    "could not translate host name",
    "could not resolve host",
    "unable to resolve",
    "unknownhostexception",
    "name resolution failed",
];

/// A party that cannot be reached: connect's errors (`errno`) as the runtimes word them.
pub const NO_ANSWER: [&str; 8] = [
    "connection refused",
    "econnrefused",
    "etimedout",
    "connection timed out",
    "i/o timeout",
    "no route to host",
    "ehostunreach",
    "network is unreachable",
];

/// The words of `text`, without what encloses them.
fn words(text: &str) -> impl Iterator<Item = &str> {
    let bare = |word: &'_ str| -> bool { !word.is_empty() };
    text.split([' ', '\t', '\n', ',', ';', '(', ')', '[', ']', '"', '\'', '`', '='])
        .map(|word| word.trim_end_matches(['.', ':', '!']))
        .filter(move |word| bare(word))
}

/// The number that `word` is.
fn number(word: &str) -> Option<f64> {
    word.parse::<f64>().ok().filter(|value| value.is_finite())
}

/// The largest number in `text` that is followed by one of `units`.
#[must_use]
pub fn largest_with_unit(text: &str, units: &[&str]) -> Option<f64> {
    let all: Vec<&str> = words(text).collect();
    let pairs = all.iter().zip(all.iter().skip(1));
    let found = pairs.filter(|(_, unit)| units.contains(&unit.to_lowercase().as_str()));
    found.filter_map(|(value, _)| number(value)).reduce(f64::max)
}

/// The numbers of the first `N of M` in `text`.
#[must_use]
pub fn part_of_whole(text: &str) -> Option<(f64, f64)> {
    let all: Vec<&str> = words(text).collect();
    let triples = all.iter().zip(all.iter().skip(1)).zip(all.iter().skip(2));
    let mut found = triples.filter(|((_, of), _)| **of == "of");
    found.find_map(|((part, _), whole)| Some((number(part)?, number(whole)?)))
}

/// The number after one of `names`, as in `exit_code=1` and `exit code: 1`.
#[must_use]
pub fn number_after(text: &str, names: &[&str]) -> Option<f64> {
    let lower = text.to_lowercase();
    names.iter().find_map(|name| {
        let rest = lower.split_once(name)?.1;
        let rest = rest.trim_start_matches([' ', ':', '=']);
        let digits: String = rest.chars().take_while(char::is_ascii_digit).collect();
        digits.parse().ok()
    })
}

/// The first word of `text` that is the name of a host: parts of letters, digits and dashes between dots, the last one
/// of letters, and at least two of them.
#[must_use]
pub fn host(text: &str) -> Option<&str> {
    let is_part =
        |part: &str| !part.is_empty() && part.chars().all(|c| c.is_ascii_alphanumeric() || c == '-');
    let is_host = |word: &&str| {
        let name = word.split(':').next().unwrap_or(word);
        let last = name.rsplit('.').next().unwrap_or_default();
        name.contains('.')
            && name.split('.').all(is_part)
            && last.len() >= 2
            && last.chars().all(|c| c.is_ascii_alphabetic())
            && !FILES.contains(&last)
    };
    let word = words(text).find(is_host)?;
    word.split(':').next()
}

/// Endings of file names, which are no top-level domains of hosts.
const FILES: [&str; 12] = ["js", "ts", "py", "go", "rb", "rs", "java", "yaml", "yml", "json", "conf", "log"];

/// The first text between quotes (double, or single).
#[must_use]
pub fn quoted(text: &str) -> Option<&str> {
    ['"', '\''].iter().find_map(|mark| {
        let mut parts = text.split(*mark);
        parts.next()?;
        let inside = parts.next()?;
        parts.next().map(|_| inside).filter(|inside| !inside.is_empty())
    })
}

/// A text cut to a length that fits into a sentence.
#[must_use]
pub fn short(text: &str) -> String {
    const CHARS_MAX: usize = 120;
    let line = text.lines().next().unwrap_or_default().trim();
    if line.chars().count() <= CHARS_MAX {
        return line.to_owned();
    }
    let cut: String = line.chars().take(CHARS_MAX).collect();
    format!("{cut}...")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_read_with_their_units_only() {
        assert_eq!(
            largest_with_unit("lag of 5 seconds, then exceeded 900 seconds.", &["seconds"]),
            Some(900.0)
        );
        assert_eq!(largest_with_unit("since 2026 it is slow", &["seconds"]), None);
        assert_eq!(part_of_whole("Current connections: 469 of 500."), Some((469.0, 500.0)));
        assert_eq!(part_of_whole("one of many"), None);
        assert_eq!(number_after("ended (last exit_code=137)", &["exit code", "exit_code"]), Some(137.0));
        assert_eq!(number_after("no code", &["exit code"]), None);
    }

    #[test]
    fn hosts_are_told_from_files_versions_and_sentences() {
        assert_eq!(host("ENOTFOUND db.internal.example at x (node:dns:71:26)"), Some("db.internal.example"));
        assert_eq!(host("dial tcp: lookup db.example on 10.0.0.10:53: no such host"), Some("db.example"));
        assert_eq!(host("at run (server.js:10) in v1.2.3. Next"), None);
        assert_eq!(quoted("Failed to pull image \"a:v1\": not found"), Some("a:v1"));
        assert_eq!(quoted("it's open"), None);
    }
}
