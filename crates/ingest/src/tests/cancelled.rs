//! A request whose sender has gone while the store is at work.

use std::sync::{Arc, Mutex, mpsc};
use std::time::Duration;

use otlp::{Intake, Receipt, Signal, Ticket};
use telemetry::Space;
use tokio::time::timeout;

use crate::body::{Decoder, Encoding};
use crate::{Exchange, Limits};

/// A store that works until it is told to end.
struct Slow(Mutex<mpsc::Receiver<()>>);

impl Intake for Slow {
    fn offer(&self, _: otlp::Request) -> Ticket {
        self.0.lock().unwrap().recv().unwrap();
        Ticket::resolved(Ok(Receipt::default()))
    }
}

#[tokio::test]
async fn its_memory_and_its_place_are_held_until_the_store_is_done_with_it() {
    let (end, ended) = mpsc::channel();
    let limits = Limits { offers_max: 1, ..Limits::default() };
    let exchange = Exchange::new(Arc::new(Slow(Mutex::new(ended))), limits);
    let read = || {
        let mut decoder = Decoder::new(Encoding::Identity, exchange.limits(), exchange.bodies());
        decoder.take(b"12345").unwrap();
        decoder.finish().unwrap()
    };
    let soon = Duration::from_millis(100);
    let offer = || exchange.offer(Space::default(), Signal::Traces, read());
    assert!(timeout(soon, offer()).await.is_err(), "the store is still at work");
    let held = exchange.bodies().used_bytes();
    assert!(held > 0, "the bytes are still there");
    // The one place is taken: the next request waits for it and, cancelled, gives back what is its own.
    assert!(timeout(soon, offer()).await.is_err());
    assert_eq!(exchange.bodies().used_bytes(), held);
    end.send(()).unwrap();
    end.send(()).unwrap();
    assert!(timeout(Duration::from_secs(5), offer()).await.unwrap().is_ok());
    assert_eq!(exchange.bodies().used_bytes(), 0);
}
