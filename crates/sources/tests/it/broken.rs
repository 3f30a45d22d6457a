//! What every back end is held to: whatever breaks on the other side ends in time, with an error that says what it was.

use std::time::{Duration, Instant};

use sources::Settings;
use telemetry::{Ask, AskError};

use crate::server::{Reply, Server};
use crate::{ask, open};

/// Seconds that the question may take.
const SECONDS: u64 = 2;

/// Asks a server that breaks in each of the ways, and once where nobody listens.
pub(crate) fn assert_ends_in_time(settings: impl Fn(&str) -> Settings, what: &Ask) {
    for reply in Reply::broken() {
        let shown = format!("{reply:?}");
        let expected: &[&str] = match &reply {
            Reply::Close => &["failed to ask"],
            Reply::Silence => &["no answer within"],
            Reply::Torn => &["broke off"],
            Reply::Of(429, ..) => &["429", "slow down"],
            Reply::Of(500, ..) => &["500", "oh no"],
            Reply::Of(..) => &["the answer is none of", "hint: "],
        };
        let server = Server::start(move |_| reply.clone());
        let began = Instant::now();
        let error = ask(&open(&settings(&server.url)), what.clone(), SECONDS).unwrap_err();
        assert!(began.elapsed() < Duration::from_secs(SECONDS + 2), "{shown} took {:?}", began.elapsed());
        let said = error.to_string();
        assert!(expected.iter().all(|word| said.contains(word)), "{shown}: {said}");
    }
    let gone = ask(&open(&settings("http://127.0.0.1:1")), what.clone(), SECONDS);
    assert!(
        matches!(&gone, Err(AskError::Unavailable(why)) if why.contains("hint: is it running")),
        "{gone:?}"
    );
}

/// Every request was one of `allowed`: a method, and the beginning of a path.
pub(crate) fn assert_asked_only(server: &Server, allowed: &[(&str, &str)]) {
    assert!(!server.seen().is_empty(), "nothing was asked");
    assert_eq!(beyond(server, allowed), Vec::<String>::new());
}

/// The requests that were none of `allowed`.
fn beyond(server: &Server, allowed: &[(&str, &str)]) -> Vec<String> {
    let seen = server.seen().into_iter().filter(|request| {
        !allowed.iter().any(|(method, path)| request.method == *method && request.path.starts_with(path))
    });
    seen.map(|request| format!("{} {}", request.method, request.path)).collect()
}

#[test]
fn a_request_that_nobody_allowed_is_caught() {
    let server = Server::start(|_| Reply::status(200, "{}"));
    crate::server::send(&server.url, "DELETE /api/v1/pods HTTP/1.1\r\n\r\n");
    assert_eq!(beyond(&server, &[("GET", "/api/v1/pods")]), ["DELETE /api/v1/pods"]);
    assert_eq!(beyond(&server, &[("DELETE", "/api/v1/")]), Vec::<String>::new());
}
