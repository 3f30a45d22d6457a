//! What contracts have in common: known lines, the answer that the neutral tables give, and every way of breaking.

use std::sync::Arc;
use std::time::{Duration, Instant};

use telemetry::recorded::{TableSource, Tables};
use telemetry::signal::Attributes;
use telemetry::{
    Answer, Answerer, Ask, AskError, Cancel, Limits, LogRecord, Question, QuestionId, Resource, Scope,
    Source, Space, Table, UnixNanos, Value, Window,
};

use crate::server::{Reply, Request, Server};
use crate::{ask, open};

/// Where the known lines begin: a day that is over.
pub(crate) const BEGIN: UnixNanos = UnixNanos(1_790_000_000_000_000_000);

pub(crate) fn window(from: i64, to: i64) -> Window {
    Window::new(BEGIN.plus_seconds(from), BEGIN.plus_seconds(to))
}

/// Templates of a window, of everything.
pub(crate) fn templates(from: i64, to: i64) -> Ask {
    Ask::LogTemplates { window: window(from, to), scope: Scope::all() }
}

pub(crate) fn attributes(entries: &[(&str, &str)]) -> Attributes {
    entries.iter().map(|(key, value)| (Arc::from(*key), Value::Text(Arc::from(*value)))).collect()
}

/// Lines of three services, ten a second, some at the same nanosecond, with quotes, numbers and places in the code.
pub(crate) fn logs(count: usize) -> Vec<LogRecord> {
    let resource = |name: &str| {
        let own = [("service.name", name), ("service.instance.id", "a-1"), ("service.version", "2")];
        Arc::new(Resource::of(attributes(&own)))
    };
    let of = [resource("cart"), resource("pay \"eu\""), resource("web")];
    let line = |place: usize| LogRecord {
        at: UnixNanos(BEGIN.0 + (place as i64 / 2) * 200_000_000 + 1),
        trace_id: format!("{:032x}", place + 1).parse().ok(),
        span_id: format!("{:016x}", place + 1).parse().ok(),
        severity: [9, 9, 13, 9, 17][place % 5],
        body: Value::Text(Arc::from(match place % 4 {
            0 => format!("order {place} of user=u{place} paid \"in {place} ms\""),
            1 => format!("OrderService#{} did it {place} times", 80 + place % 3),
            2 => "can't reach\tpayments\\ here".to_owned(),
            _ => format!("took 0.{place}s at 10:15:{:02}: \u{e4}", place % 60),
        })),
        attributes: attributes(&[("order.id", &place.to_string())]),
        resource: Arc::clone(&of[place % 3]),
    };
    (0..count).map(line).collect()
}

fn sorted(answer: &Answer) -> Table {
    let mut table = answer.table.clone();
    table.sort();
    table
}

/// What the tables answer.
pub(crate) fn expected(tables: &Tables, asked: Ask) -> Answer {
    let question = Question {
        id: QuestionId::numbered(1),
        space: Space::default(),
        ask: asked,
        not_before: UnixNanos(0),
    };
    let known = TableSource::new(tables.clone());
    known.answer(&question, &Limits::default(), &Cancel::default()).unwrap()
}

/// Asserts that the source answers as the tables do.
pub(crate) fn same(source: &Arc<dyn Source>, tables: &Tables, asked: Ask) -> Answer {
    let name = asked.name();
    assert!(source.can().answers(name), "{name}");
    let told = ask(source, asked.clone(), 60).unwrap_or_else(|error| panic!("{name}: {error}"));
    let expected = expected(tables, asked);
    assert!(!told.table.is_empty() && !told.truncated, "{name}");
    assert_eq!(told.left_out, expected.left_out, "{name}");
    assert_eq!(sorted(&told), sorted(&expected), "{name}");
    assert!(!told.locators.is_empty(), "{name}");
    told
}

pub(crate) fn settings(kind: &str, server: &Server) -> sources::Settings {
    sources::Settings { kind: kind.to_owned(), url: server.url.clone(), ..sources::Settings::default() }
}

/// Asserts that every way of breaking, once `passes` holds no more, ends in time and is named.
pub(crate) fn check_breaks(
    kind: &'static str,
    asked: &Ask,
    passes: impl Fn(&Request) -> Option<Reply> + Clone + Send + Sync + 'static,
) {
    let named = [
        "failed to ask",
        "no answer within",
        "slow down",
        "oh no",
        "the answer is none of",
        "the answer is none of",
        "broke off",
    ];
    for (how, named) in Reply::broken().into_iter().zip(named) {
        let (broken, passes) = (how.clone(), passes.clone());
        let server = Server::start(move |request| passes(request).unwrap_or_else(|| broken.clone()));
        let source = open(&settings(kind, &server));
        let began = Instant::now();
        let error = ask(&source, asked.clone(), 3).err().unwrap_or_else(|| panic!("{how:?} is an answer"));
        assert!(began.elapsed() < Duration::from_secs(6), "{how:?} took {:?}", began.elapsed());
        assert!(error.to_string().contains(named), "{how:?}: {error}");
        assert!(
            !matches!(error, AskError::Unsupported(_)),
            "{how:?}: a gap, not a question that nobody answers"
        );
    }
}
