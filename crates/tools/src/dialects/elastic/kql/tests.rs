//! Filters against records whose answer is known, and against a second evaluation that shares no code with the first.

use serde_json::json;
use telemetry::UnixNanos;

use super::{KqlError, Query, Record};
use crate::when;

fn now() -> UnixNanos {
    when::parse("2026-03-25T12:00:00Z", UnixNanos(0)).unwrap()
}

fn query(text: &str) -> Query {
    Query::parse(text, now()).unwrap_or_else(|error| panic!("{text}: {error}"))
}

fn error(text: &str) -> KqlError {
    Query::parse(text, now()).err().unwrap_or_else(|| panic!("`{text}` was read"))
}

/// One request as the two conventions write it, and a filter holds for both or for none.
fn both() -> [Record; 2] {
    let ecs = json!({
        "@timestamp": "2026-03-25T10:30:00Z",
        "service": { "name": "check-out", "environment": "production", "node": { "name": "i-1" } },
        "transaction": { "name": "GET /cart", "duration": { "us": 150_000 } },
        "event": { "outcome": "failure" },
        "trace": { "id": "0af7651916cd43dd8448eb211c80319c" },
        "kubernetes": { "pod": { "name": "cart-7f" } },
        "message": "Connection to db-1.local refused after 3.5 s",
        "log": { "level": "error" },
        "error": { "exception": { "type": "java.net.ConnectException" } },
        "labels": { "customer": "acme" },
    });
    let otel = json!({
        "@timestamp": "2026-03-25T10:30:00Z",
        "resource": { "attributes": {
            "service.name": "check-out", "deployment.environment.name": "production",
            "service.instance.id": "i-1", "k8s.pod.name": "cart-7f",
        } },
        "name": "GET /cart",
        "duration": 150_000_000,
        "status": { "code": "Error" },
        "trace_id": "0af7651916cd43dd8448eb211c80319c",
        "body": { "text": "Connection to db-1.local refused after 3.5 s" },
        "severity_text": "ERROR",
        "attributes": { "exception.type": "java.net.ConnectException", "customer": "acme" },
    });
    [Record::of_document(&ecs), Record::of_document(&otel)]
}

// covers: EL-35, EL-45, W-20
#[test]
fn a_filter_holds_alike_for_documents_of_both_conventions() {
    for (text, expected) in [
        ("", true),
        ("*", true),
        ("*:*", true),
        ("service.name: check-out", true),
        ("service.name: \"check-out\"", true),
        ("service.name: Check-out", false),
        ("service.name: check*", true),
        ("service.name: *out and transaction.name: GET*", true),
        ("resource.attributes.service.name: check-out", true),
        ("span.name: \"GET /cart\"", true),
        ("transaction.duration.us >= 150000 and duration <= 150000000", true),
        ("transaction.duration.us > 150000", false),
        ("transaction.duration.us: 150000", true),
        ("duration < 1.5e8", false),
        ("event.outcome: failure", true),
        ("status.code: Error", true),
        ("status.code: Ok or event.outcome: success", false),
        ("service.environment: production and deployment.environment: production", true),
        ("deployment.environment.name: production", true),
        ("k8s.pod.name: cart-7f and kubernetes.pod.name: *", true),
        ("k8s.namespace.name: *", false),
        ("not k8s.namespace.name: *", true),
        ("message: refused", true),
        ("message: REFUSED", true),
        ("message: \"to db-1.local refused\"", true),
        ("message: \"refused connection\"", false),
        ("message: reset refused", true),
        ("message: refus*", true),
        ("message: *refused after*", true),
        ("message: *after refused*", false),
        ("body.text: db*", true),
        ("log.level: ERROR and severity_text: error", true),
        ("error.exception.type: java.net.*", true),
        ("exception.type: java.net.ConnectException", true),
        ("labels.customer: acme and customer: acme", true),
        ("trace.id: 0af7651916cd43dd8448eb211c80319c", true),
        ("refused", true),
        ("\"after 3.5 s\"", true),
        ("granted", false),
        ("@timestamp >= \"2026-03-25\" and @timestamp < now-1h", true),
        ("@timestamp > \"2026-03-25\"", false),
        ("@timestamp <= \"2026-03-25\"", true),
        ("@timestamp < now-2h", false),
        ("@timestamp < now-1d/d", false),
        ("@timestamp: \"2026-03-25\"", true),
        ("@timestamp: \"2026-03-24\"", false),
        ("service.name: (a or check-out or b)", true),
        ("service.name: (a or b)", false),
        ("service.name: (not a)", true),
        ("message: (connection and refused)", true),
        ("message: (connection and not refused)", false),
        ("service.*: check-out", true),
        ("k8s.*: cart-7f", true),
        ("a: b or service.name: check-out and not event.outcome: success", true),
        ("(a: b or service.name: check-out) and event.outcome: success", false),
        ("NOT a: b AND service.name: check-out", true),
        ("not(a: b)", true),
        ("not not a: b", false),
    ] {
        for (record, convention) in both().iter().zip(["ECS", "OpenTelemetry"]) {
            assert_eq!(query(text).holds(record), expected, "{text} on {convention}");
        }
    }
}

#[test]
fn escapes_stand_for_themselves() {
    let record = Record::default().with("a", "x:(y) \"or\" *z\\ \t\u{e9} and {not}");
    for text in [
        r#"a: x\:\(y\) \"or\" \*z\\ \t\u00e9 \and \{\not\}"#,
        r#"a: "x:(y) \"or\" *z\\ \t\u00e9 and {not}""#,
        "a: x*",
        r"a: *\{not\}",
        r"a: x\:* \*z*",
    ] {
        assert!(query(text).holds(&record), "{text}");
    }
    assert!(!query(r"a: x\*").holds(&record));
    // In quotation marks a `\` before anything else stands for itself.
    assert!(query(r#"a: "d\w\*\"x""#).holds(&Record::default().with("a", r#"d\w\*"x"#)));
    assert!(query("a: \"or\"").holds(&Record::default().with("a", "or")));
    assert!(query("a: order").holds(&Record::default().with("a", "order")));
    assert!(query("a: nothing new").holds(&Record::default().with("a", "nothing new")));
}

#[test]
fn objects_of_a_list_are_looked_at_one_by_one() {
    let record = Record::of_document(&json!({
        "items": [{ "name": "a", "n": 1 }, { "name": "b", "n": 5, "parts": [{ "id": "p" }] }],
        "tags": ["x", "y"],
    }));
    for (text, expected) in [
        ("items: { name: b and n > 1 }", true),
        ("items: { name: a and n > 1 }", false),
        ("items: { name: a } and items: { n > 1 }", true),
        ("items: { parts: { id: p } }", true),
        ("items: { name: a and parts: { id: p } }", false),
        ("not items: { name: c }", true),
        ("tags: x and tags: y", true),
        ("tags: (x or z)", true),
    ] {
        assert_eq!(query(text).holds(&record), expected, "{text}");
    }
}

#[test]
fn an_error_points_at_its_place() {
    for (text, at, what) in [
        ("a: ", 3, "expected a value"),
        ("a: b and ", 9, "expected a field"),
        ("(a: b", 5, "expected `)`"),
        ("a: b)", 4, "expected `and`, `or` or the end"),
        ("a: \"b", 3, "not closed"),
        ("a: (b or", 8, "expected"),
        ("a > b*", 4, "not at a pattern"),
        ("a: { b: c", 9, "expected `}`"),
        ("transaction.duration.us > slow", 26, "is a number"),
        ("@timestamp < soon", 13, "is no time"),
        ("a: \\x", 3, "stands before"),
        ("a: b and or c", 9, "before `or`"),
        ("a: not b", 3, "before `not`"),
        (": b", 0, "expected a field"),
    ] {
        let error = error(text);
        assert_eq!(error.at, at, "{text}: {error}");
        assert!(error.to_string().contains(what), "{text}: {error}");
    }
    assert!(error(&"(".repeat(5000)).what.contains("4096"));
    assert!(error(&"(".repeat(4000)).what.contains("within each other"));
    assert!(query(&format!("{}a: b", "not ".repeat(1000))).holds(&Record::default().with("a", "b")));
}

// covers: EL-43
#[test]
fn a_filter_of_4096_characters_is_read_and_one_more_is_refused() {
    let longest = format!("a: {}", "b".repeat(4093));
    assert!(Query::parse(&longest, now()).is_ok());
    assert!(Query::parse(&(longest + "b"), now()).is_err());
}

#[test]
fn what_a_filter_demands_is_only_what_no_match_can_do_without() {
    for (text, field, expected) in [
        ("service.name: a and b: c", "service.name", Some("a")),
        ("resource.attributes.service.name: a", "service.name", Some("a")),
        ("service.name: a or b: c", "service.name", None),
        ("service.name: a*", "service.name", None),
        ("not service.name: a", "service.name", None),
    ] {
        assert_eq!(query(text).demanded(field).as_deref(), expected, "{text}");
    }
    assert_eq!(query("message: \"is refused\" and a: b").demanded_word().as_deref(), Some("refused"));
    assert_eq!(query("message: is refused").demanded_word(), None);
    let asked = query("k8s.pod.name: a and items: { n > 1 } and x*: 1").fields();
    let plain: Vec<&str> = asked.iter().map(|(plain, _)| plain.as_str()).collect();
    assert_eq!(plain, ["kubernetes.pod.name", "items", "items.n", "x*"]);
}

/// Filters made at random, written down in several ways, and evaluated without the reader and without the record.
mod oracle {
    use super::{Query, Record, now};

    struct Draw(u64);

    impl Draw {
        fn below(&mut self, bound: usize) -> usize {
            self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (self.0 >> 33) as usize % bound
        }
    }

    enum Tree {
        Equal(usize, usize),
        Any(usize),
        Starts(usize, usize),
        OneOf(usize, Vec<usize>),
        More(i64),
        Not(Box<Tree>),
        All(Vec<Tree>),
        Some(Vec<Tree>),
    }

    const NAMES: [&str; 3] = ["service.name", "host.name", "region"];
    const OTHERS: [&str; 3] = ["resource.attributes.service.name", "host.hostname", "labels.region"];
    const VALUES: [&str; 4] = ["alpha", "alpine", "beta two", "and: (gamma)"];
    const WRITTEN: [&str; 4] = ["alpha", "\"alpine\"", "beta two", r"\and\: \(gamma\)"];

    fn tree(draw: &mut Draw, depth: usize) -> Tree {
        let some =
            |draw: &mut Draw| (0..2 + draw.below(2)).map(|_| tree(draw, depth - 1)).collect::<Vec<_>>();
        match draw.below(if depth == 0 { 5 } else { 8 }) {
            0 => Tree::Equal(draw.below(3), draw.below(4)),
            1 => Tree::Any(draw.below(3)),
            2 => Tree::Starts(draw.below(3), draw.below(4)),
            3 => Tree::OneOf(draw.below(3), (0..2).map(|_| draw.below(4)).collect()),
            4 => Tree::More(draw.below(10) as i64),
            5 => Tree::Not(Box::new(tree(draw, depth - 1))),
            6 => Tree::All(some(draw)),
            _ => Tree::Some(some(draw)),
        }
    }

    fn name(draw: &mut Draw, field: usize) -> &'static str {
        if draw.below(2) == 0 { NAMES[field] } else { OTHERS[field] }
    }

    fn written(tree: &Tree, draw: &mut Draw) -> String {
        let blank = |draw: &mut Draw| ["", " ", "  "][draw.below(3)];
        let join = |trees: &[Tree], with: &str, draw: &mut Draw| {
            let parts: Vec<String> = trees.iter().map(|tree| format!("({})", written(tree, draw))).collect();
            parts.join(with)
        };
        match tree {
            Tree::Equal(field, value) => {
                format!("{}{}:{}{}", name(draw, *field), blank(draw), blank(draw), WRITTEN[*value])
            }
            Tree::Any(field) => format!("{}:{}*", name(draw, *field), blank(draw)),
            Tree::Starts(field, value) => {
                let start = ["alp", "alpi", "beta t", r"and\:"][*value];
                format!("{}: {start}*", name(draw, *field))
            }
            Tree::OneOf(field, values) => {
                let values: Vec<&str> = values.iter().map(|value| WRITTEN[*value]).collect();
                format!("{}: ({})", name(draw, *field), values.join(" or "))
            }
            Tree::More(bound) => match draw.below(2) {
                0 => format!("duration > {}", bound * 1000),
                _ => format!("transaction.duration.us>{bound}"),
            },
            Tree::Not(inner) => format!("not ({})", written(inner, draw)),
            Tree::All(trees) => join(trees, [" and ", " AND "][draw.below(2)], draw),
            Tree::Some(trees) => join(trees, [" or ", "  OR "][draw.below(2)], draw),
        }
    }

    fn is_so(tree: &Tree, row: &([Option<usize>; 3], i64)) -> bool {
        match tree {
            Tree::Equal(field, value) => row.0[*field] == Some(*value),
            Tree::Any(field) => row.0[*field].is_some(),
            Tree::Starts(field, value) => {
                let starts = ["alp", "alpi", "beta t", "and:"][*value];
                row.0[*field].is_some_and(|held| VALUES[held].starts_with(starts))
            }
            Tree::OneOf(field, values) => row.0[*field].is_some_and(|held| values.contains(&held)),
            Tree::More(bound) => row.1 > *bound,
            Tree::Not(inner) => !is_so(inner, row),
            Tree::All(trees) => trees.iter().all(|tree| is_so(tree, row)),
            Tree::Some(trees) => trees.iter().any(|tree| is_so(tree, row)),
        }
    }

    #[test]
    fn random_filters_hold_where_a_second_evaluation_says_so() {
        let mut draw = Draw(20_260_325);
        let (mut held, mut checked) = (0, 0);
        for round in 0..2_000 {
            let tree = tree(&mut draw, 3);
            let text = written(&tree, &mut draw);
            let query = Query::parse(&text, now()).unwrap_or_else(|error| panic!("{round}: {text}: {error}"));
            for _ in 0..20 {
                let value = |draw: &mut Draw| Some(draw.below(5)).filter(|value| *value < 4);
                let row = ([value(&mut draw), value(&mut draw), value(&mut draw)], draw.below(10) as i64);
                let mut record = Record::default().with_number("transaction.duration.us", row.1 as f64);
                for (field, value) in NAMES.iter().zip(row.0) {
                    record = value.map_or(record.clone(), |value| record.clone().with(field, VALUES[value]));
                }
                let expected = is_so(&tree, &row);
                assert_eq!(query.holds(&record), expected, "{round}: {text} on {row:?}");
                held += usize::from(expected);
                checked += 1;
            }
        }
        assert!(held > checked / 5 && held < checked * 4 / 5, "{held} of {checked}");
    }

    #[test]
    fn no_text_makes_the_reader_fall() {
        let mut draw = Draw(7);
        let signs = [
            "a", "b.c", ":", "(", ")", "{", "}", "\"", "\\", "*", "<", ">=", " ", " and ", " or ", " not ",
            "5", "\u{e9}",
        ];
        let mut read = 0;
        for _ in 0..20_000 {
            let text: String = (0..draw.below(12)).map(|_| signs[draw.below(signs.len())]).collect();
            match Query::parse(&text, now()) {
                Ok(query) => {
                    read += usize::from(query.holds(&Record::default()) || !query.fields().is_empty())
                }
                Err(error) => assert!(error.at <= text.chars().count(), "{text}: {error}"),
            }
        }
        assert!(read > 1000, "{read}");
    }
}
