//! Rows of `/select/logsql/query`: one JSON object a line, whose values are all text.

use std::collections::BTreeMap;

use telemetry::{AskError, LogRecord, UnixNanos};

use super::logsql::{EARLIEST, FIRST, LINES, MASKED};
use crate::lines::{Fields, Names, Reader, sort};
use crate::rfc3339;

/// What VictoriaLogs refuses because of its own limits.
const LIMITS: [&str; 4] = [
    "MB of memory",
    "-search.maxQueryTimeRange",
    "-search.maxQueryDuration",
    "-search.maxConcurrentRequests",
];

/// A refusal because of a limit is told as one.
pub(super) fn error(error: AskError) -> AskError {
    match error {
        AskError::Unavailable(text) if LIMITS.iter().any(|limit| text.contains(limit)) => {
            AskError::LimitReached(text)
        }
        other => other,
    }
}

/// The rows of an answer.
pub(super) fn read(body: &[u8]) -> Result<Vec<Fields>, AskError> {
    let text = std::str::from_utf8(body).map_err(|_| unreadable("it is no text"))?;
    text.lines()
        .filter(|line| !line.is_empty())
        .map(|line| serde_json::from_str(line).map_err(|error| unreadable(&error.to_string())))
        .collect()
}

fn unreadable(why: &str) -> AskError {
    AskError::Unavailable(format!(
        "the answer is none of VictoriaLogs': {why}; hint: does `url` name VictoriaLogs?"
    ))
}

/// A count that a row holds.
pub(super) fn count(row: &Fields) -> Result<u64, AskError> {
    let text = row.get(LINES).map_or("", String::as_str);
    text.parse().map_err(|_| unreadable(&format!("`{text}` is no count")))
}

/// The lines, in their order.
pub(super) fn lines(rows: Vec<Fields>, names: &Names) -> Result<Vec<LogRecord>, AskError> {
    let mut reader = Reader::new(names);
    let mut logs: Vec<LogRecord> =
        rows.into_iter().map(|row| line(row, &mut reader)).collect::<Result<_, _>>()?;
    sort(&mut logs);
    Ok(logs)
}

fn line(mut row: Fields, reader: &mut Reader<'_>) -> Result<LogRecord, AskError> {
    let mut take = |name: &str| row.remove(name).unwrap_or_default();
    let (time, message, stream) = (take("_time"), take("_msg"), take("_stream"));
    ["_stream_id", MASKED, "_hash", "_part"].into_iter().for_each(|own| drop(take(own)));
    let at = rfc3339::parse(&time).ok_or_else(|| unreadable(&format!("`{time}` is no time")))?;
    let in_stream = stream_names(&stream);
    let (of_stream, own) = row.into_iter().partition(|(name, _)| in_stream.iter().any(|known| known == name));
    Ok(reader.record(at, &message, &of_stream, &own))
}

/// The names of the fields in `{a="1",b.c="2"}`.
fn stream_names(stream: &str) -> Vec<String> {
    let mut names = Vec::new();
    let mut rest = stream.trim_start_matches('{');
    while let Some((name, value)) = rest.split_once("=\"") {
        let name = name.trim_start_matches([',', ' ']).trim_matches('"');
        names.push(name.to_owned());
        let mut is_escaped = false;
        let end = value.bytes().position(|byte| {
            let ends = byte == b'"' && !is_escaped;
            is_escaped = byte == b'\\' && !is_escaped;
            ends
        });
        rest = end.and_then(|end| value.get(end + 1..)).unwrap_or_default();
    }
    names
}

/// Lines that are alike: how many, and the earliest of them.
#[derive(Debug)]
pub(super) struct Group {
    pub(super) count: u64,
    pub(super) earliest: Vec<LogRecord>,
}

/// The groups of an answer; nothing when the server does not tell the earliest lines of a group (before 1.52 it told some).
pub(super) fn groups(rows: Vec<Fields>, names: &Names) -> Result<Option<Vec<Group>>, AskError> {
    let mut reader = Reader::new(names);
    let mut groups = Vec::new();
    for row in rows {
        let told = row.get(EARLIEST).map_or("", String::as_str);
        let told: Vec<BTreeMap<String, String>> =
            serde_json::from_str(told).map_err(|error| unreadable(&error.to_string()))?;
        let mut earliest: Vec<LogRecord> =
            told.into_iter().map(|row| line(row, &mut reader)).collect::<Result<_, _>>()?;
        sort(&mut earliest);
        let first: Option<UnixNanos> = row.get(FIRST).and_then(|text| rfc3339::parse(text));
        if earliest.first().map(|log| log.at) != first {
            return Ok(None);
        }
        groups.push(Group { count: count(&row)?, earliest });
    }
    Ok(Some(groups))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::settings::Settings;

    #[test]
    fn a_row_is_a_line_and_what_is_of_its_stream_is_of_who_wrote_it() {
        let row = r#"{"_msg":"order 2 failed","_stream":"{k8s.pod.name=\"a,b=\\\"c\",service.name=\"web\"}","_stream_id":"0",
            "_time":"2026-11-27T17:27:06.000000002Z","k8s.pod.name":"a,b=\"c","service.name":"web","n":"2",
            "severity_number":"17","trace_id":"0af7651916cd43dd8448eb211c80319c"}"#;
        let names = Names::of("logs", &Settings::default()).unwrap();
        let logs = lines(read(row.replace('\n', " ").as_bytes()).unwrap(), &names).unwrap();
        let log = &logs[0];
        assert_eq!((&*log.resource.service, log.severity, log.at.0 % 10), ("web", 17, 2));
        assert_eq!((log.attributes.len(), log.resource.attributes.len()), (1, 2));
    }

    #[test]
    fn what_is_no_answer_and_what_is_a_limit_is_told() {
        assert!(read(b"<html>").unwrap_err().to_string().contains("none of VictoriaLogs'"));
        assert!(read(b"{\"a\":\"b\"}\n{\"a\":").is_err());
        let refused =
            AskError::Unavailable("answered 400: since it requires more than 12MB of memory".to_owned());
        assert!(matches!(error(refused), AskError::LimitReached(_)));
        let other = AskError::Unavailable("answered 400: cannot parse".to_owned());
        assert!(matches!(error(other), AskError::Unavailable(_)));
    }
}
