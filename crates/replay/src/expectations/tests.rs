//! The published example in both of its forms, and what is refused with which line.

use evidence::expectations::{Bound, Claim, Level, Operator, Statement, to_yaml};

use super::read;

const PLAYBOOK: &str = include_str!("../../fixtures/playbook.expectations.yaml");
const FLATTENED: &str = include_str!("../../fixtures/playbook.flattened.txt");

#[track_caller]
fn assert_refused(text: &str, line: usize, words: &str) {
    let error = read(text).unwrap_err();
    assert_eq!(error.line, line, "{error}");
    assert!(error.what.contains(words), "{error}");
}

// covers: PB-19
#[test]
fn the_published_example_is_read_as_it_stands() {
    let items = read(PLAYBOOK).unwrap().expectations.items;
    let Statement::Span(pay) = &items[0].states else { panic!("{items:?}") };
    assert_eq!(pay.selector.span, "payments-api POST /pay");
    assert_eq!(pay.claims, [(3, Claim::IsError(false)), (4, Claim::MaxMs(120.0))]);
    let Statement::Span(charge) = &items[1].states else { panic!("{items:?}") };
    assert_eq!(charge.selector.span, "payments-db SELECT charge");
    assert_eq!(charge.claims, [(6, Claim::Retries(Bound { operator: Operator::AtMost, number: 1 }))]);
    let Statement::LogAbsent(deadlock) = &items[2].states else { panic!("{items:?}") };
    assert_eq!(deadlock.level, Some(Level::Error));
    assert_eq!(deadlock.message.as_deref(), Some(".*deadlock detected.*"));
    assert_eq!(items.len(), 3);
}

// covers: PB-19
#[test]
fn the_example_flattened_onto_one_line_means_the_same() {
    let statements = |text: &str| -> Vec<String> {
        let file = read(text).unwrap();
        to_yaml(&file.expectations).lines().map(str::to_owned).collect()
    };
    assert_eq!(statements(FLATTENED), statements(PLAYBOOK));
    assert_eq!(statements(FLATTENED.trim_start_matches("yaml")), statements(PLAYBOOK));
    assert_eq!(FLATTENED.lines().count(), 1);
}

// covers: PB-19
#[test]
fn what_is_not_known_is_refused_with_its_line() {
    assert_refused(
        "expectations:\n  - span: a b\n    max_mss: 3\n",
        3,
        "unknown key `max_mss`; hint: one of span",
    );
    assert_refused("expectations:\n  - spam: a b\n", 2, "unknown key `spam`");
    assert_refused("expectation:\n  - span: a b\n", 1, "unknown key `expectation`");
    assert_refused("expectations:\n  - span: a b\n    status: fine\n", 3, "ok or error");
    assert_refused("expectations:\n  - span: a b\n    retries: few\n", 3, "no comparison");
    assert_refused("expectations:\n  - span: a b\n    max_ms: fast\n", 3, "milliseconds");
    assert_refused("expectations:\n  - span: a b\n    max_ms: 3\n    max_ms: 4\n", 4, "stands twice");
    assert_refused("expectations:\n  - log_absent:\n      level: LOUD\n", 3, "level `LOUD`");
    assert_refused("expectations:\n  - log_absent:\n      text: x\n", 3, "unknown key `text`");
    assert_refused("expectations:\n  - log_absent:\n", 2, "neither");
    assert_refused("expectations:\n  - log_absent:\n      message: \"(\"\n", 3, "no regular expression");
    assert_refused("expectations:\n  - topology: changed\n", 2, "hint: `preserved`");
    assert_refused("expectations:\n  - topology: preserved\n    edges: [ab]\n", 3, "no edge");
    assert_refused("expectations:\n  - span:\n", 2, "missing");
    assert_refused("expectations:\n  - span: [a b\n", 3, "no YAML");
    assert_refused("expectations:\n  - &x span\n", 2, "anchors");
    assert_refused("", 1, "empty");
    assert_refused("expectations: 3\n", 1, "must be a list");
}

#[test]
fn every_operator_may_stand_unquoted_and_quoted() {
    for (sign, operator) in Operator::SIGNS {
        for (open, close) in [("", ""), ("\"", "\""), ("'", "'")] {
            let text = format!("expectations:\n  - span: a b\n    count: {open}{sign} 2{close}\n");
            let items = read(&text).unwrap().expectations.items;
            let Statement::Span(span) = &items[0].states else { panic!("{items:?}") };
            assert_eq!(span.claims, [(3, Claim::Count(Bound { operator, number: 2 }))], "{text}");
        }
    }
}

#[test]
fn all_statements_survive_being_written_and_read() {
    let text = "expectations:
  - span: POST /pay
    service: payments api
    attributes: {region: \"eu \\\" west\", http.response.status_code: 200}
    optional: true
    p50_ms: 80.5
    p95_ms: 120
    count: >= 1
  - log_present: {level: warning, message: \"/refund [0-9]+/\"}
  - topology: preserved
    edges: [a -> b, b -> c]
    allow:
      - c
  - traceparent: continuous
    allow: [b -> c]
  - errors: cleared
";
    let first = read(text).unwrap().expectations;
    let written = to_yaml(&first);
    let second = read(&written).unwrap().expectations;
    assert_eq!(to_yaml(&second), written);
    assert_eq!(first.items.len(), 5);
    let strip = |items: &[evidence::expectations::Item]| -> Vec<Statement> {
        let states = items.iter().map(|item| item.states.clone());
        states
            .map(|states| match states {
                Statement::Span(mut span) => {
                    span.claims.iter_mut().for_each(|(line, _)| *line = 0);
                    Statement::Span(span)
                }
                other => other,
            })
            .collect()
    };
    assert_eq!(strip(&first.items), strip(&second.items));
}

#[test]
fn a_pattern_matches_anywhere_in_a_message() {
    use evidence::expectations::Texts;
    let file = read(PLAYBOOK).unwrap();
    assert!(file.patterns.is_match(".*deadlock detected.*", "ERROR: deadlock detected at 3"));
    assert!(!file.patterns.is_match(".*deadlock detected.*", "no such thing"));
}
