//! The queries: LogsQL, with the window in nanoseconds, and every name and text quoted.

use telemetry::{Scope, Window};

use crate::lines::Names;
use crate::quoted::text;
use crate::rfc3339;

/// The field that holds a line with its numbers masked, while lines are counted.
pub(super) const MASKED: &str = "_masked";
/// The field that holds how many lines there are.
pub(super) const LINES: &str = "_lines";
/// The field that holds the earliest line's time.
pub(super) const FIRST: &str = "_first";
/// The field that holds the earliest lines.
pub(super) const EARLIEST: &str = "_earliest";
/// How many of the earliest lines of a group are told: a template is dated by its third line.
const EARLIEST_MAX: usize = 3;

/// What stays in a line whose numbers are masked: a place in the code, after which its template is named (`Order#88`,
/// `order.py:88`), a number that is a severity, and letters that JSON writes as numbers.
const KEPT: [&str; 4] = [
    r"(?:[A-Za-z_][A-Za-z0-9_.$\[\]-]*[.A-Z][A-Za-z0-9_.$\[\]-]*|[A-Z][A-Za-z0-9_.$\[\]-]*)#[0-9]{1,6}",
    r"[A-Za-z_][A-Za-z0-9_.$\[\]-]*[.](?:c|cc|cpp|cs|go|java|js|kt|php|py|rb|rs|scala|swift|ts):[0-9]{1,6}",
    r"\\u[0-9A-Fa-f]{4}",
    r#"(?:level|lvl|severity|severity_number|severity_text)"?[:=] *"?[A-Za-z]*[0-9]+"#,
];
/// What varies within a word: from a digit on, up to what may end a name, a quote or the word. Templates mask more; what is
/// alike here is alike there, whatever the line.
const VARYING: &str = "[0-9][0-9A-Za-z.,_-]*";

/// The lines of a window that may be of the scope: of the service by any of its names. Which name counts is looked at later.
pub(super) fn lines(window: Window, scope: &Scope, names: &Names) -> String {
    let within = format!("_time:[{}, {})", rfc3339::text(window.from), rfc3339::text(window.to));
    let narrowed = [(&scope.service, names.services()), (&scope.instance, names.instances())];
    narrowed.into_iter().fold(within, |query, (wanted, names)| match wanted {
        Some(wanted) if wanted != "unknown_service" => {
            let any: Vec<String> =
                names.iter().map(|name| format!("{}:={}", text(name), text(wanted))).collect();
            format!("{query} ({})", any.join(" or "))
        }
        _ => query,
    })
}

/// How many lines `lines` are.
pub(super) fn count(lines: &str) -> String {
    format!("{lines} | stats count() as {LINES}")
}

/// At most so many of the lines.
pub(super) fn up_to(lines: &str, max: usize) -> String {
    format!("{lines} | limit {max}")
}

/// The same part of the lines whenever it is asked for: one in `part`, by a hash of their time.
pub(super) fn share(lines: &str, part: u64, max: usize) -> String {
    format!("{lines} | hash(_time) as _hash | math _hash % {part} as _part | filter _part:=0 | limit {max}")
}

/// The lines in groups that differ in numbers only, each with its count and its earliest lines.
pub(super) fn grouped(lines: &str, names: &Names, max: usize, by_instance: bool) -> String {
    let instances = if by_instance { names.instances() } else { &[] };
    let by: Vec<String> =
        names.services().iter().chain(names.severities()).chain(instances).map(|name| text(name)).collect();
    format!(
        "{lines} | copy _msg as {MASKED} | replace_regexp ({}, \"${{1}}0\") at {MASKED} \
         | stats by ({}, {MASKED}) count() as {LINES}, min(_time) as {FIRST}, \
         json_values() sort by (_time) limit {EARLIEST_MAX} as {EARLIEST} | limit {max}",
        text(&format!("({})|{VARYING}", KEPT.join("|"))),
        by.join(", ")
    )
}

#[cfg(test)]
mod tests {
    use telemetry::UnixNanos;

    use super::*;
    use crate::settings::Settings;

    #[test]
    fn text_of_a_scope_cannot_end_its_string() {
        let names = Names::of("logs", &Settings::default()).unwrap();
        let window = Window::new(UnixNanos(1), UnixNanos(2));
        let query = lines(window, &Scope::service("x\" or * | delete"), &names);
        assert!(query.contains("\"service.name\":=\"x\\\" or * | delete\" or"), "{query}");
        assert!(
            query.starts_with("_time:[1970-01-01T00:00:00.000000001Z, 1970-01-01T00:00:00.000000002Z) (")
        );
    }
}
