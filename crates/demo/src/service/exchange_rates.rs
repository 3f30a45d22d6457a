//! Asks the outside for the rates of the currencies in which a price is shown: all at once on the executor, or,
//! when the settings say so, with a client that blocks the thread it is called on.
//! It deliberately is content without rates: a page without foreign prices is better than no page.

use std::io::{self, BufRead as _, BufReader, Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::sync::{Arc, Mutex, PoisonError};

use axum::http::StatusCode;
use bytes::Bytes;
use opentelemetry::Context;
use opentelemetry::trace::FutureExt as _;
use tokio::task::JoinSet;

use super::settings::{CALL_LIMIT, RatesClient};
use super::upstream::{Answer, Call, CallError, Upstream};

const CURRENCIES: [&str; 5] = ["CHF", "EUR", "GBP", "JPY", "USD"];
/// A rate is some tens of bytes; more is not one.
const BODY_LIMIT: usize = 1 << 16;

/// The client.
#[derive(Debug)]
pub(super) struct ExchangeRates {
    upstream: Arc<Upstream>,
    client: RatesClient,
    blocking: Mutex<Vec<(SocketAddr, BufReader<TcpStream>)>>,
}

impl ExchangeRates {
    pub(super) fn new(upstream: Upstream, client: RatesClient) -> Self {
        Self { upstream: Arc::new(upstream), client, blocking: Mutex::default() }
    }

    /// The rates that are to be had, each as the document that came.
    pub(super) async fn all(&self) -> Vec<Bytes> {
        let calls = CURRENCIES.map(|currency| Call::get("/rates/{currency}", format!("/rates/{currency}")));
        let answers = match self.client {
            RatesClient::Async => {
                let mut asked = JoinSet::new();
                for call in calls {
                    let upstream = Arc::clone(&self.upstream);
                    let asking = async move { upstream.call(call).await };
                    asked.spawn(asking.with_context(Context::current()));
                }
                asked.join_all().await
            }
            RatesClient::Blocking => calls.iter().map(|call| self.block_on(call)).collect(),
        };
        let mut rates: Vec<_> = answers.into_iter().filter_map(usable).collect();
        rates.sort();
        rates
    }

    /// The call on this very thread, which serves nobody else until the answer is there.
    fn block_on(&self, call: &Call) -> Result<Answer, CallError> {
        let mut outcome = None;
        for (resend, address) in self.upstream.order().take(self.upstream.instances()).enumerate() {
            let attempt = self.upstream.begin(call, address, resend);
            let service = attempt.service;
            let exchanged = self.exchange(call, address).map_err(|_| CallError::Unreachable { service });
            let answer = attempt.finish(exchanged);
            let is_answered = answer.is_ok();
            outcome = Some(answer);
            if is_answered {
                break;
            }
        }
        outcome.unwrap_or(Err(CallError::Unreachable { service: "rates" }))
    }

    fn exchange(&self, call: &Call, address: SocketAddr) -> io::Result<(StatusCode, Bytes)> {
        let mut idle = self.blocking.lock().unwrap_or_else(PoisonError::into_inner);
        let kept = idle.iter().position(|(to, _)| *to == address).map(|index| idle.swap_remove(index).1);
        if let Some(mut stream) = kept
            && let Ok(answer) = ask(&mut stream, call, address)
        {
            idle.push((address, stream));
            return Ok(answer);
        }
        let mut stream = connect(address)?;
        let answer = ask(&mut stream, call, address)?;
        idle.push((address, stream));
        Ok(answer)
    }
}

fn usable(answer: Result<Answer, CallError>) -> Option<Bytes> {
    Some(answer.ok()?.document().ok()?.0)
}

fn connect(address: SocketAddr) -> io::Result<BufReader<TcpStream>> {
    let stream = TcpStream::connect_timeout(&address, CALL_LIMIT)?;
    stream.set_nodelay(true)?;
    stream.set_read_timeout(Some(CALL_LIMIT))?;
    Ok(BufReader::new(stream))
}

/// One exchange of HTTP/1.1 with an answer that states its length, as those of the outside do.
fn ask(
    stream: &mut BufReader<TcpStream>,
    call: &Call,
    address: SocketAddr,
) -> io::Result<(StatusCode, Bytes)> {
    let head = format!("{} {} HTTP/1.1\r\nhost: {address}\r\n\r\n", call.method, call.target);
    stream.get_mut().write_all(head.as_bytes())?;
    let invalid = || io::Error::new(io::ErrorKind::InvalidData, "the answer is no HTTP with a length");
    let mut line = String::new();
    stream.read_line(&mut line)?;
    let status = line.split(' ').nth(1).and_then(|status| status.parse().ok()).ok_or_else(invalid)?;
    let mut length = None;
    loop {
        line.clear();
        if stream.read_line(&mut line)? == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        let Some((name, value)) = line.trim_end().split_once(':') else { break };
        if name.eq_ignore_ascii_case("content-length") {
            length = value.trim().parse::<usize>().ok().filter(|length| *length <= BODY_LIMIT);
        }
    }
    let mut body = vec![0; length.ok_or_else(invalid)?];
    stream.read_exact(&mut body)?;
    Ok((status, body.into()))
}
