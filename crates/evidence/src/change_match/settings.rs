//! Numbers that a change moves: which setting, from what to what, in plain units.
//!
//! A number belongs to the names before it on its line. Durations become seconds, sizes bytes. Versions and colours
//! are no settings.

use super::diff::Net;
use super::words;

/// What a setting bounds; the direction of its effect follows from this.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Class {
    /// How long to wait for an answer.
    Timeout,
    /// How long something is kept.
    Ttl,
    /// How long something unused is kept.
    Idle,
    /// How long to wait before trying again.
    Backoff,
    /// How often to try.
    Attempts,
    /// How many connections.
    Pool,
    /// How much works side by side.
    Concurrency,
    /// How much is let through.
    RateLimit,
    /// How much a cache holds.
    CacheSize,
    /// Memory of a process.
    Memory,
    /// Computing time of a process.
    Cpu,
    /// How many instances.
    Replicas,
    /// How many items at once.
    Batch,
    /// How often something runs.
    Interval,
    /// How many rows are read.
    Rows,
    /// Anything else.
    Other,
}

impl Class {
    /// Whether something stops working beyond it, so that setting one where there was none can break things.
    #[must_use]
    pub fn is_bound(self) -> bool {
        use Class as C;
        matches!(self, C::Timeout | C::Pool | C::RateLimit | C::Memory | C::Cpu | C::Concurrency)
    }
}

/// One number that was moved. `None` means that the setting is not there on that side.
#[derive(Debug, Clone, PartialEq)]
pub struct Setting {
    /// What it bounds.
    pub class: Class,
    /// The words of its name.
    pub name: Vec<String>,
    /// Before, in seconds, bytes or plain.
    pub before: Option<f64>,
    /// Now.
    pub after: Option<f64>,
    /// Before and now as written.
    pub text: (String, String),
}

impl Setting {
    /// Whether it was made smaller.
    #[must_use]
    pub fn is_lowered(&self) -> bool {
        matches!((self.before, self.after), (Some(before), Some(after)) if after < before)
    }

    /// Whether it was made larger.
    #[must_use]
    pub fn is_raised(&self) -> bool {
        matches!((self.before, self.after), (Some(before), Some(after)) if after > before)
    }
}

/// The words that decide a class, most specific first: all of one alternative must be in the name.
const CLASSES: &[(Class, &[&[&str]])] = &[
    (Class::Idle, &[&["idle"]]),
    (Class::Backoff, &[&["backoff"], &["delay"], &["sleep"], &["jitter"]]),
    (Class::Ttl, &[&["ttl"], &["expir*"], &["lifetime"], &["max", "age"], &["retention"]]),
    (Class::Timeout, &[&["timeout"], &["deadline"], &["budget"]]),
    (Class::Attempts, &[&["attempt"], &["retry"], &["try"]]),
    (Class::Interval, &[&["interval"], &["period"], &["every"], &["poll*"], &["frequency"]]),
    (Class::CacheSize, &[&["cache", "size"], &["cache", "max"], &["cache", "capacity"], &["max", "entry"]]),
    (Class::Pool, &[&["conn"], &["connection"], &["pool"]]),
    (
        Class::Concurrency,
        &[&["worker"], &["concurren*"], &["parallel*"], &["thread"], &["inflight"], &["partition"]],
    ),
    (Class::RateLimit, &[&["rate"], &["qps"], &["rps"], &["burst"], &["quota"], &["throttl*"]]),
    (Class::Memory, &[&["memory"], &["mem"], &["heap"], &["xmx"]]),
    (Class::Cpu, &[&["cpu"]]),
    (Class::Replicas, &[&["replica"], &["instance"]]),
    (Class::Batch, &[&["batch"], &["chunk"], &["page"], &["fetch"], &["prefetch"]]),
    (Class::Rows, &[&["limit"], &["top"]]),
];

fn class_of(name: &[String]) -> Class {
    let set = name.iter().cloned().collect();
    let fits = |alternatives: &[&[&str]]| alternatives.iter().any(|wanted| words::holds(&set, wanted));
    CLASSES.iter().find(|(_, alternatives)| fits(alternatives)).map_or(Class::Other, |(class, _)| *class)
}

/// The settings that a net change moves.
#[must_use]
pub fn moved(net: &Net) -> Vec<Setting> {
    let before: Vec<Figure> = net.removed.iter().flat_map(|line| figures(line)).collect();
    let mut after: Vec<Figure> = net.added.iter().flat_map(|line| figures(line)).collect();
    let mut found = Vec::new();
    for old in before {
        let shared = |new: &Figure| new.name.iter().filter(|word| old.name.contains(word)).count();
        let best = (0..after.len()).max_by_key(|&place| {
            after.get(place).map_or((0, usize::MAX), |new| (shared(new), usize::MAX - place))
        });
        let partner = best
            .filter(|&place| after.get(place).is_some_and(|new| shared(new) * 2 >= old.name.len().max(1)));
        let new = partner.map(|place| after.remove(place));
        if new.as_ref().is_some_and(|new| new.value == old.value) {
            continue;
        }
        found.push(Setting {
            class: class_of(&old.name),
            before: Some(old.value),
            after: new.as_ref().map(|new| new.value),
            text: (old.text, new.map(|new| new.text).unwrap_or_default()),
            name: old.name,
        });
    }
    let appeared = after.into_iter().map(|new| Setting {
        class: class_of(&new.name),
        before: None,
        after: Some(new.value),
        text: (String::new(), new.text),
        name: new.name,
    });
    found.extend(appeared);
    found
}

#[derive(Debug, Clone, PartialEq)]
struct Figure {
    name: Vec<String>,
    value: f64,
    text: String,
}

/// Every number of a line with the names before it.
fn figures(line: &str) -> Vec<Figure> {
    let tokens = tokens(line);
    let mut found = Vec::new();
    let mut names: Vec<String> = Vec::new();
    for (place, token) in tokens.iter().enumerate() {
        let Some((number, suffix)) = numeric(token) else {
            if token.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_') {
                names.extend(
                    words::all(token).into_iter().filter(|word| unit(word).is_none() || word == "min"),
                );
            }
            continue;
        };
        // `5 * time.Second`, `time.Second * 5`, `5s`, `from_millis(5)`.
        let near = |at: usize| tokens.get(at).map(String::as_str).unwrap_or_default();
        let by_name = || names_of_unit(&tokens, place);
        let (factor, shown) = match unit(&suffix) {
            Some(factor) => (factor, token.clone()),
            None if near(place + 1) == "*" => {
                let after = unit_in(near(place + 2));
                (after.unwrap_or(1.0), format!("{token}*{}", near(place + 2)))
            }
            None => (by_name().unwrap_or(1.0), token.clone()),
        };
        if !names.is_empty() {
            found.push(Figure {
                name: nearest(&std::mem::take(&mut names)),
                value: number * factor,
                text: shown,
            });
        }
    }
    found
}

/// The words that name a number, nearest last: each once, five at most, since what stands further left on a line is
/// rarely about it.
fn nearest(names: &[String]) -> Vec<String> {
    let mut found: Vec<String> = Vec::new();
    for name in names.iter().rev() {
        if !found.contains(name) && found.len() < 5 {
            found.insert(0, name.clone());
        }
    }
    found
}

/// The unit that the call or name right before a number says.
fn names_of_unit(tokens: &[String], place: usize) -> Option<f64> {
    let before = tokens.get(..place)?;
    let name = before.iter().rev().find(|token| token.starts_with(|c: char| c.is_ascii_alphabetic()))?;
    unit_in(name)
}

fn unit_in(name: &str) -> Option<f64> {
    words::all(name).iter().rev().find_map(|word| unit(word))
}

/// Seconds or bytes of a unit word.
fn unit(word: &str) -> Option<f64> {
    Some(match word {
        "ns" | "nano" | "nanosecond" => 1e-9,
        "us" | "micro" | "microsecond" => 1e-6,
        "ms" | "milli" | "milliseconds" | "millisecond" => 1e-3,
        "s" | "sec" | "second" => 1.0,
        "m" | "min" | "minute" => 60.0,
        "h" | "hour" => 3600.0,
        "d" | "day" => 86_400.0,
        "ki" | "kb" | "kib" => 1024.0,
        "mi" | "mb" | "mib" => 1_048_576.0,
        "gi" | "gb" | "gib" => 1_073_741_824.0,
        _ => return None,
    })
}

/// A number and the letters that follow it, when the token is one; versions and hexadecimal are none.
fn numeric(token: &str) -> Option<(f64, String)> {
    if !token.starts_with(|c: char| c.is_ascii_digit()) || token.starts_with("0x") {
        return None;
    }
    let digits: String = token.chars().take_while(|c| c.is_ascii_digit() || matches!(c, '.' | '_')).collect();
    let plain: String = digits.chars().filter(|c| *c != '_').collect();
    let suffix = token.get(digits.len()..).unwrap_or_default().to_ascii_lowercase();
    Some((plain.parse().ok()?, suffix))
}

/// Names, numbers and single signs. A colour, a placeholder and a version stay one token that is no number.
fn tokens(line: &str) -> Vec<String> {
    let mut found: Vec<String> = Vec::new();
    let mut word = String::new();
    for c in line.chars() {
        let is_number = word.starts_with(|c: char| c.is_ascii_digit());
        let joins = c.is_ascii_alphanumeric()
            || c == '_'
            || (c == '.' && (is_number || !word.is_empty()))
            || (word.is_empty() && matches!(c, '#' | '$'));
        if joins {
            word.push(c);
            continue;
        }
        if !word.is_empty() {
            found.push(std::mem::take(&mut word));
        }
        if !c.is_whitespace() {
            found.push(c.to_string());
        }
    }
    if !word.is_empty() {
        found.push(word);
    }
    found
}

#[cfg(test)]
mod tests {
    use super::super::diff::tests::{file, net};
    use super::*;

    fn one(path: &str, text: &str) -> Vec<(Class, Option<f64>, Option<f64>)> {
        moved(&net(&file(path, text))).into_iter().map(|s| (s.class, s.before, s.after)).collect()
    }

    #[test]
    fn durations_of_every_spelling_are_seconds() {
        let expected = |class| vec![(class, Some(900.0), Some(15.0))];
        assert_eq!(
            one("a.go", "-DefaultTTL: 15 * time.Minute,\n+DefaultTTL: 15 * time.Second,"),
            expected(Class::Ttl)
        );
        assert_eq!(one("a.yaml", "-default_ttl: 15m\n+default_ttl: 15s"), expected(Class::Ttl));
        let rust = "-timeout: Duration::from_secs(900),\n+timeout: Duration::from_secs(15),";
        assert_eq!(one("a.rs", rust)[0].0, Class::Timeout);
        let go = "-ctx, cancel := context.WithTimeout(ctx, 5*time.Second)\n+call, cancel := context.WithTimeout(ctx, 300*time.Millisecond)";
        assert_eq!(one("a.go", go), [(Class::Timeout, Some(5.0), Some(0.3))]);
    }

    #[test]
    fn counts_keep_their_class_and_direction() {
        assert_eq!(
            one("a.go", "-const maxConns = 50\n+const maxConns = 10"),
            [(Class::Pool, Some(50.0), Some(10.0))]
        );
        assert_eq!(one("a.go", "-cfg.MaxConnIdleTime = 30\n+cfg.MaxConnIdleTime = 60")[0].0, Class::Idle);
        let both = one("a.go", "-P{MaxAttempts: 8, BaseDelay: 5 * time.Millisecond}\n+P{MaxAttempts: 2}");
        assert_eq!(both, [(Class::Attempts, Some(8.0), Some(2.0)), (Class::Backoff, Some(0.005), None)]);
    }

    #[test]
    fn versions_and_colours_are_no_settings() {
        assert!(one("a.ts", "-accent: \"#3b82f6\"\n+accent: \"#2563eb\"").is_empty());
        assert!(one("go.mod", "-a/b v1.2.3\n+a/b v1.2.4").is_empty());
    }
}
