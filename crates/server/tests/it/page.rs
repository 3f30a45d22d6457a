//! The page of a report: it says everything, it is well-formed, and hostile text stays text.

use crate::markup::{assert_inert, assert_well_formed};
use incident::{AlertSignal, EvidenceId, Report, Verdict};
use server::page;

use crate::fixture;
use telemetry::UnixNanos;
use telemetry::answer::ChangeKind;

fn assert_says(page: &str, sentences: &[&str]) {
    // Numbers and their units are held together by a space of their own.
    let page = page.replace('\u{A0}', " ");
    for sentence in sentences {
        assert!(page.contains(sentence), "the page does not say `{sentence}`");
    }
}

#[test]
fn the_page_says_what_broke_why_since_when_what_was_done_and_whether_it_worked() {
    let page = page::report(&fixture::rich());
    let top = page.split("<nav").next().expect("there is a top");
    assert_says(
        top,
        &[
            "slow_query in orders; fix effective",
            "root cause found",
            "GET /checkout",
            "61.0 ms",
            "866 ms",
            "SELECT orders of orders takes 764 ms",
            "deploy of orders to 2.4.0",
            "7.0 s before the onset",
            "Kept up by:",
            "15:09:00.0",
            "restart_with_override",
            "ORDERS_USE_INDEX=on",
            "effective",
            "\u{2212}771 ms [\u{2212}792, \u{2212}748]",
            "95 % interval",
            "unmeasured",
            "4 min 00 s",
            "183 ms",
        ],
    );
}

#[test]
fn every_section_is_there_with_what_the_report_holds() {
    let page = page::report(&fixture::rich());
    for place in [
        "timeline",
        "symptoms",
        "verification",
        "stages",
        "map",
        "traces",
        "hypotheses",
        "ruled-out",
        "gaps",
        "changes",
        "evidence",
        "record",
    ] {
        assert!(page.contains(&format!("id=\"{place}\"")), "no section {place}");
    }
    assert_says(
        &page,
        &[
            "trigger: deploy orders 2.4.0 \u{D7}2",
            "ruled out: deploy gateway 5.2.0",
            "ready: orders-1 (canary)",
            "DETECT",
            "VERIFY",
            "no spans of its own",
            "own 810 ms",
            "db.query.text",
            "Treated, before",
            "approved",
            "go ahead",
            "nothing was taken back",
            "held",
            "unknown",
            "more traffic",
            "spans of the database itself",
            "href=\"#ev_1b2c3d4e5f60\"",
            "id=\"ev_1b2c3d4e5f60\"",
            "share_of_excess",
            "firstcause journal verify --head 7f3c0d1e",
            "firstcause journal replay FILE",
        ],
    );
}

#[test]
fn the_page_is_well_formed_and_asks_for_nothing() {
    let page = page::report(&fixture::rich());
    assert_well_formed(&page);
    assert_inert(&page);
    for outside in ["http://", "https://", "src=", "@import", "url(", "<script"] {
        assert!(!page.contains(outside), "the page holds `{outside}`");
    }
    assert_says(
        &page,
        &["default-src 'none'; style-src 'unsafe-inline'", "prefers-color-scheme:dark", "@media print"],
    );
}

#[test]
fn the_same_report_gives_the_same_page() {
    assert_eq!(page::report(&fixture::rich()), page::report(&fixture::rich()));
}

#[test]
fn an_empty_report_says_what_is_missing() {
    let page = page::report(&fixture::empty());
    assert_well_formed(&page);
    assert_inert(&page);
    assert_says(
        &page,
        &[
            "insufficient evidence",
            "No symptom is recorded.",
            "The onset could not be told.",
            "Nothing was done.",
            "Not measured: nothing was tried.",
            "unmeasured",
            "No series:",
            "No service map:",
            "Missing: the report holds no trace that shows the symptom",
            "No hypothesis was formed.",
            "Nothing was ruled out.",
            "None recorded.",
            "No evidence is recorded.",
            "No change was seen",
            "did not run",
        ],
    );
}

/// Puts `text` wherever a stranger's text can stand, by way of the report's JSON.
fn poisoned(text: &str) -> Report {
    fn visit(value: &mut serde_json::Value, text: &str) {
        match value {
            serde_json::Value::String(own) => {
                // Ids and names of kinds are read strictly; all else is free text.
                let is_free = own.contains([' ', '.', '/', '_'])
                    || own.starts_with("orders")
                    || own.starts_with("gateway");
                let is_kind =
                    own.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_') && own.contains('_');
                if is_free && !is_kind {
                    *own = format!("{text}{own}");
                }
            }
            serde_json::Value::Array(items) => items.iter_mut().for_each(|item| visit(item, text)),
            serde_json::Value::Object(fields) => fields.values_mut().for_each(|field| visit(field, text)),
            _ => {}
        }
    }
    let mut json = serde_json::to_value(fixture::rich()).expect("a report is JSON");
    visit(&mut json, text);
    let mut report: Report = serde_json::from_value(json).expect("it still is a report");
    report
        .diagnosis
        .evidence
        .push(incident::Evidence { id: EvidenceId(text.to_owned()), ..first_fact(&report) });
    report.diagnosis.hypotheses.iter_mut().for_each(|one| one.evidence.push(EvidenceId(text.to_owned())));
    report.incident = text.to_owned();
    report.journal_head = text.to_owned();
    report.changes.push(fixture::change(200, ChangeKind::Deploy, text, text, (text, text)));
    report.service_map.push(fixture::call(text, text, false, (1.0, 2.0)));
    report.diagnosis.symptoms.push(fixture::symptom(text, text, AlertSignal::Errors, (0.0, 1.0)));
    report.resolution.iter_mut().for_each(|resolution| {
        for action in &mut resolution.actions {
            action.set.insert(text.to_owned(), text.to_owned());
        }
    });
    report
}

fn first_fact(report: &Report) -> incident::Evidence {
    report.diagnosis.evidence.first().expect("there is evidence").clone()
}

#[test]
fn hostile_text_stays_text() {
    let attacks = [
        "<script>alert(1)</script>",
        "\"><img src=x onerror=alert(1)>",
        "</style><script>alert(1)</script>",
        "' onmouseover='alert(1)",
        "</title></svg><iframe src=//x>",
        "&lt;script&gt;",
        "--><!-- ]]>",
        "\u{202E}\u{0}\u{1b}[31m",
        "javascript:alert(1)",
    ];
    for attack in attacks {
        let page = page::report(&poisoned(attack));
        assert_well_formed(&page);
        assert_inert(&page);
        assert!(
            !page.contains(attack) || !attack.contains(['<', '"', '&', '\u{202E}']),
            "{attack} is not escaped"
        );
    }
}

#[test]
fn huge_and_empty_names_do_not_break_the_page() {
    for text in ["x".repeat(50_000), String::new(), "\u{1F4A5}".repeat(2000), " ".to_owned()] {
        let page = page::report(&poisoned(&text));
        assert_well_formed(&page);
        assert!(page.len() < 3_000_000, "the page has {} bytes", page.len());
    }
}

#[test]
fn long_lists_are_cut_and_say_so() {
    let mut report = fixture::rich();
    let row = report.bad_trace.iter().flatten().next().expect("there is a span").clone();
    let spans = (1..=300u16).map(|id| {
        let [high, low] = id.to_be_bytes();
        telemetry::answer::TraceRow {
            span_id: telemetry::SpanId([9, 9, 9, 9, 9, 9, high, low]),
            ..row.clone()
        }
    });
    report.bad_trace = Some(spans.collect());
    report.changes =
        (0..700).map(|second| fixture::change(second, ChangeKind::Restart, "a", "a-1", ("", ""))).collect();
    let page = page::report(&report);
    assert_well_formed(&page);
    assert_says(&page, &["100 more spans in the report as JSON", "500 more in the report as JSON"]);
}

#[test]
fn times_at_the_ends_of_the_scale_do_not_break_the_page() {
    for end in [i64::MIN, i64::MAX, 0] {
        let mut report = fixture::rich();
        report.opened_at = UnixNanos(end);
        if let Some(onset) = &mut report.diagnosis.onset {
            onset.at = UnixNanos(end);
            onset.earliest = UnixNanos(i64::MIN);
        }
        report.changes.iter_mut().for_each(|row| row.at = UnixNanos(end));
        for point in report.series.iter_mut().flat_map(|series| series.points.first_mut()) {
            point.second = UnixNanos(end);
        }
        for row in report.bad_trace.iter_mut().flatten() {
            (row.start, row.duration_ns) = (UnixNanos(end), i64::MAX);
        }
        assert_well_formed(&page::report(&report));
    }
}

#[test]
fn each_verdict_has_its_word() {
    for verdict in [
        Verdict::Effective,
        Verdict::NotEffective,
        Verdict::Worse,
        Verdict::Inconclusive,
        Verdict::RecoveredUnattributed,
    ] {
        let mut report = fixture::rich();
        report.verification.iter_mut().for_each(|summary| summary.verdict = verdict);
        let page = page::report(&report);
        let top = page.split("<nav").next().expect("there is a top").to_owned();
        assert_says(&top, &[verdict.name()]);
    }
}

/// Writes the page of the fixture where a person can look at it: set `FIRSTCAUSE_PAGE_JSON` to a file.
#[test]
fn the_fixture_survives_its_own_json() {
    let json = serde_json::to_string(&fixture::rich()).expect("a report is JSON");
    let read: Report = serde_json::from_str(&json).expect("it can be read");
    assert_eq!(page::report(&read), page::report(&fixture::rich()));
    if let Some(path) = std::env::var_os("FIRSTCAUSE_PAGE_JSON") {
        let mut file =
            std::fs::OpenOptions::new().create(true).write(true).truncate(true).open(path).expect("opens");
        std::io::Write::write_all(&mut file, json.as_bytes()).expect("writes");
    }
}
