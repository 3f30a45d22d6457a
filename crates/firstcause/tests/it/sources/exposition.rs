//! A service that is scraped: counters, a gauge and what it is, all of which change from one scrape to the next in a way
//! that is known.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};

/// Scrape from which the service is a new version, and its counters begin anew.
pub(super) const DEPLOYED: u64 = 7;
/// Scrape from which some requests fail.
pub(super) const FAILING: u64 = 4;

/// What was told at the scrape of this number, from 0.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Told {
    /// Requests since the process began that succeeded, and that failed.
    pub(super) requests: (u64, u64),
    /// Seconds that all of them took.
    pub(super) seconds: f64,
    /// Connections in use.
    pub(super) used: u64,
}

impl Told {
    pub(super) fn at(scrape: u64) -> Self {
        let since = if scrape >= DEPLOYED { scrape - DEPLOYED } else { scrape };
        // Uneven, so that a scrape that is mistaken for its neighbour is found out.
        let fine = since * since + 5 * since;
        let failed = if scrape >= FAILING { since.saturating_sub(1) * 2 } else { 0 };
        Self {
            requests: (fine, failed),
            seconds: fine as f64 * 0.25 + failed as f64 * 0.5,
            used: 3 + scrape % 4,
        }
    }

    fn text(self, scrape: u64) -> String {
        let version = if scrape >= DEPLOYED { "2.0" } else { "1.0" };
        let labels = "job=\"shop/web\",instance=\"web-1\"";
        let base = "http_server_request_duration_seconds";
        let (fine, failed) = self.requests;
        let mut text = format!(
            "{base}_count{{{labels},http_response_status_code=\"200\"}} {fine}\n\
             {base}_sum{{{labels},http_response_status_code=\"200\"}} {}\n\
             db_client_connection_count{{{labels},state=\"used\"}} {}\n\
             target_info{{{labels},service_version=\"{version}\"}} 1\n\
             traces_service_graph_request_total{{client=\"web\",server=\"orders\"}} {fine}\n\
             traces_service_graph_request_total{{client=\"user\",server=\"web\"}} {fine}\n",
            fine as f64 * 0.25,
            self.used
        );
        if scrape >= FAILING {
            text += &format!(
                "{base}_count{{{labels},http_response_status_code=\"500\"}} {failed}\n\
                 {base}_sum{{{labels},http_response_status_code=\"500\"}} {}\n",
                failed as f64 * 0.5
            );
        }
        text
    }
}

/// Serves scrapes and counts them, by path, so that two servers may scrape one service and each sees its own.
pub(super) fn serve() -> (u16, Arc<Mutex<std::collections::BTreeMap<String, u64>>>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let scraped = Arc::new(Mutex::new(std::collections::BTreeMap::new()));
    let counts = Arc::clone(&scraped);
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let counts = Arc::clone(&counts);
            std::thread::spawn(move || answer(stream.unwrap(), &counts));
        }
    });
    (port, scraped)
}

fn answer(mut stream: TcpStream, counts: &Mutex<std::collections::BTreeMap<String, u64>>) {
    let mut request = [0; 4096];
    let Ok(read) = stream.read(&mut request) else { return };
    let text = String::from_utf8_lossy(&request[..read]).into_owned();
    let path = text.split_whitespace().nth(1).unwrap_or_default().to_owned();
    let scrape = {
        let mut counts = counts.lock().unwrap();
        let count = counts.entry(path).or_insert(0);
        *count += 1;
        *count - 1
    };
    let body = Told::at(scrape).text(scrape);
    let head = format!(
        "HTTP/1.1 200 OK\r\nContent-Type: text/plain; version=0.0.4\r\nContent-Length: {}\r\nConnection: close\r\n\r\n",
        body.len()
    );
    stream.write_all(head.as_bytes()).ok();
    stream.write_all(body.as_bytes()).ok();
}
