//! Where did message X stop: the way of one message over several traces.

use opentelemetry_proto::tonic::trace::v1::span::Link;
use telemetry::Ask;
use telemetry::answer::{MessageRow, MessageStep, Table};

use super::build::*;

const PRODUCER: i32 = 4;
const CONSUMER: i32 = 5;

fn message(rig: &Rig, id: &str) -> Vec<MessageRow> {
    let Table::Message(rows) = rig.ask(Ask::Message { message_id: id.to_owned() }).unwrap().table else {
        panic!("no message table")
    };
    rows
}

#[test]
fn a_message_is_followed_by_its_id_and_by_the_links_of_takers_that_do_not_repeat_it() {
    let rig = Rig::new();
    let about = |id: &str| {
        vec![attribute("messaging.message.id", id), attribute("messaging.destination.name", "mails")]
    };
    let mut sent = span(1, 1, 0, "send mails", PRODUCER, (0, MS));
    sent.attributes = about("m-1");
    let mut other = span(2, 1, 0, "send mails", PRODUCER, (MS, 2 * MS));
    other.attributes = about("m-2");
    let taken = |trace: u64, name: &str, from: i64, of: u64| {
        let mut span = span(trace, 9, 0, name, CONSUMER, (from * MS, (from + 1) * MS));
        span.links = vec![Link { trace_id: trace_id(of).0.to_vec(), span_id: vec![1; 8], ..Link::default() }];
        span
    };
    let mut fetched = taken(3, "receive mails", 5, 1);
    fetched.attributes = about("m-1");
    fetched.attributes.push(attribute("messaging.operation.type", "receive"));
    let tried = failed(taken(4, "process mails", 7, 1));
    let done = taken(5, "process mails", 9, 1);
    let elsewhere = taken(6, "process mails", 9, 2);
    rig.send(export(vec![
        group(["mailer", "m1", "1"], &[], vec![elsewhere, done, tried, fetched]),
        group(["shop", "s1", "1"], &[], vec![sent, other]),
    ]))
    .unwrap();
    let rows = message(&rig, "m-1");
    let way: Vec<_> =
        rows.iter().map(|row| (row.step, row.subject.service.as_str(), row.trace_id, row.is_error)).collect();
    assert_eq!(
        way,
        [
            (MessageStep::Sent, "shop", trace_id(1), false),
            (MessageStep::Received, "mailer", trace_id(3), false),
            (MessageStep::Processed, "mailer", trace_id(4), true),
            (MessageStep::Processed, "mailer", trace_id(5), false),
        ]
    );
    assert_eq!((rows[0].queue.as_str(), rows[2].queue.as_str()), ("mails", ""));
    assert_eq!(message(&rig, "m-2").len(), 2);
    assert!(message(&rig, "m-3").is_empty());
}
