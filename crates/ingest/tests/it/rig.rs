//! A receiver on two free ports, one for HTTP and one for gRPC, in front of one store.
//!
//! What is handed to the store is remembered, so that a test sees which bytes were made durable.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use ingest::{Exchange, Limits, Protocol, ServeError, serve};
use otlp::{Intake, Request, Ticket};
use platform::{SimClock, SimDisk};
use store::{Config, Store};
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinHandle;

/// The time of all receivers here: no test waits for a real one.
pub(crate) const CLOCK: i64 = 1_700_000_000_000_000_000;

/// The store, and the last request that it was offered.
pub(crate) struct Recorder {
    store: Store,
    last: Mutex<Option<Request>>,
}

impl Intake for Recorder {
    fn offer(&self, request: Request) -> Ticket {
        *self.last.lock().unwrap() = Some(request.clone());
        self.store.offer(request)
    }
}

pub(crate) struct Rig {
    pub(crate) http: SocketAddr,
    pub(crate) grpc: SocketAddr,
    pub(crate) store: Store,
    pub(crate) disk: SimDisk,
    recorder: Arc<Recorder>,
    stop: watch::Sender<bool>,
    serving: Vec<JoinHandle<Result<(), ServeError>>>,
}

impl Rig {
    pub(crate) async fn with(limits: Limits) -> Self {
        let disk = SimDisk::new();
        let clock = Arc::new(SimClock::at(CLOCK));
        let store = Store::open(Config::new("data"), Arc::new(disk.clone()), clock).unwrap();
        let recorder = Arc::new(Recorder { store: store.clone(), last: Mutex::new(None) });
        let exchange = Arc::new(Exchange::new(Arc::clone(&recorder) as Arc<dyn Intake>, limits));
        let (stop, stopped) = watch::channel(false);
        let (mut addresses, mut serving) = (Vec::new(), Vec::new());
        for protocol in [Protocol::Http, Protocol::Grpc] {
            let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
            addresses.push(listener.local_addr().unwrap());
            let (exchange, mut stopped) = (Arc::clone(&exchange), stopped.clone());
            serving.push(tokio::spawn(serve(listener, protocol, exchange, async move {
                let _outcome = stopped.changed().await;
            })));
        }
        Self { http: addresses[0], grpc: addresses[1], store, disk, recorder, stop, serving }
    }

    /// What the store was offered since this was asked last.
    pub(crate) fn offered(&self) -> Option<Request> {
        self.recorder.last.lock().unwrap().take()
    }

    /// Ends the listeners; every connection must have ended, or does now.
    pub(crate) async fn stop(self) {
        self.stop.send_replace(true);
        for serving in self.serving {
            serving.await.unwrap().unwrap();
        }
        self.store.close();
    }
}
