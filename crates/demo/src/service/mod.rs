//! One service process: the role its settings name, served over HTTP until it is told to stop.
//! It deliberately contains one injected delay, which only `LEGACY_COMPAT_DELAY_MS` turns on: every other
//! millisecond of an answer is work, or a wait for others' work.

mod access_key;
mod call;
mod catalog;
mod checkout;
mod connections;
mod database;
mod exchange_rates;
mod failure;
mod gateway;
mod listener;
mod messaging;
mod orders;
mod pool;
mod queue;
mod rates;
mod receipts;
mod settings;
mod stock;
mod upstream;

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::Response;
use axum::routing::get;
use thiserror::Error;
use tokio::net::TcpListener;
use tokio::sync::oneshot;

use crate::credentials::{CredentialError, Credentials};
use crate::instrument::server::{Observer, observe};
use crate::instrument::{ExportError, Identity, Telemetry};
use crate::lifetime::Lifetime;
use access_key::AccessKey;
use database::{Database, DatabaseError};
use exchange_rates::ExchangeRates;
use failure::Failure;
use listener::Greeter;
use messaging::{Consumer, Producer};
use queue::Queue;
pub use receipts::Receipts;
use receipts::Worker;
pub(crate) use settings::ALLOWED_OUTSIDE;
pub use settings::{ALLOWED, RatesClient, ReadAudit, Role, SettingError, Settings};
use upstream::Upstream;

/// How long requests that have begun may take to finish after a stop.
const DRAIN_LIMIT: Duration = Duration::from_secs(1);

/// Why a service did not start, or did not go on.
#[derive(Debug, Error)]
pub enum ServeError {
    /// The settings do not describe a service.
    #[error("the settings do not describe a service")]
    Setting(#[from] SettingError),
    /// Signals cannot be received.
    #[error("cannot listen for signals")]
    Signal(#[source] io::Error),
    /// The telemetry exporters cannot be built.
    #[error("cannot start telemetry")]
    Telemetry(#[from] ExportError),
    /// The database is not usable.
    #[error("cannot open the database")]
    Database(#[from] DatabaseError),
    /// The certificates are not usable.
    #[error("cannot use the certificates")]
    Credentials(#[from] CredentialError),
    /// The runtime of the service cannot be built.
    #[error("cannot start the runtime")]
    Runtime(#[source] io::Error),
    /// The address is not free.
    #[error("cannot listen on {address}; hint: another process has taken the port, create the system again")]
    Bind {
        /// The address.
        address: SocketAddr,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// The server failed while serving.
    #[error("the server failed")]
    Serve(#[source] io::Error),
}

/// Runs one service until SIGTERM, then drains, flushes its telemetry and returns.
pub async fn run(settings: Settings) -> Result<(), ServeError> {
    let mut lifetime = Lifetime::watch(settings.stop_with_stdin).map_err(ServeError::Signal)?;
    let identity = Identity {
        service: settings.role.name().to_owned(),
        version: settings.version.clone(),
        instance: settings.instance.clone(),
    };
    // What leaves travels on the runtime of the caller, so that a service that stands still still says so.
    let telemetry = Telemetry::start(&identity, &settings.outlet)?;
    let serving = Arc::clone(&telemetry);
    let (stop, stopped) = oneshot::channel();
    let served = tokio::task::spawn_blocking(move || on_one_thread(&settings, &serving, stopped));
    let mut served = std::pin::pin!(served);
    let ended = tokio::select! {
        served = &mut served => served,
        () = lifetime.ended() => {
            drop(stop);
            served.await
        }
    };
    let flushed = tokio::task::spawn_blocking(move || telemetry.shutdown()).await;
    ended.map_err(|panic| ServeError::Serve(panic.into()))??;
    flushed.map_err(|panic| ServeError::Serve(panic.into()))
}

/// Requests are served by one thread, as in a container with one processor: who blocks it blocks them all.
fn on_one_thread(
    settings: &Settings,
    telemetry: &Arc<Telemetry>,
    stopped: oneshot::Receiver<()>,
) -> Result<(), ServeError> {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build();
    let runtime = runtime.map_err(ServeError::Runtime)?;
    let (settings, telemetry) = (settings.clone(), Arc::clone(telemetry));
    let serving = runtime.spawn(async move { serve(&settings, &telemetry, stopped).await });
    let served = runtime.block_on(serving).map_err(|panic| ServeError::Serve(panic.into()));
    // What has not drained by now is not waited for a second time.
    runtime.shutdown_background();
    served?
}

async fn serve(
    settings: &Settings,
    telemetry: &Arc<Telemetry>,
    stopped: oneshot::Receiver<()>,
) -> Result<(), ServeError> {
    let credentials = settings.tls_directory.as_deref().map(Credentials::load).transpose()?;
    let tls = credentials.as_ref().map(Credentials::server).transpose()?;
    let services = Services { settings, telemetry, credentials };
    let mut router = services.router().await?;
    if settings.role == Role::Gateway {
        let key = AccessKey::new(settings.hash_cost);
        router = router.layer(axum::middleware::from_fn_with_state(key, access_key::check));
    }
    if !settings.legacy_delay.is_zero() {
        router = router.layer(axum::middleware::from_fn_with_state(settings.legacy_delay, compatible));
    }
    if settings.role != Role::Rates {
        let scheme = if tls.is_some() { "https" } else { "http" };
        let observer = Observer { telemetry: Arc::clone(telemetry), port: settings.port, scheme };
        // Around the answer to unknown routes as well: they are requests like any other.
        let router_of_all = router.fallback(async || Failure::NoRoute);
        router = router_of_all.layer(axum::middleware::from_fn_with_state(observer, observe));
    }
    let router = router.route("/healthz", get(async || "ok\n"));

    // Bound last: the port is open only once the schema follows the configuration.
    let address = SocketAddr::from((Ipv4Addr::LOCALHOST, settings.port));
    let listener = TcpListener::bind(address).await.map_err(|source| ServeError::Bind { address, source })?;
    let listener = Greeter::start(listener, tls).map_err(|source| ServeError::Bind { address, source })?;

    let worker = services.worker().await?.map(Worker::start);
    let (drain, draining) = oneshot::channel::<()>();
    let server = axum::serve(listener, router).with_graceful_shutdown(async { drop(draining.await) });
    let mut server = std::pin::pin!(server.into_future());
    tokio::select! {
        served = &mut server => return served.map_err(ServeError::Serve),
        _ = stopped => drop(drain),
    }
    if let Some(worker) = worker {
        worker.stop(DRAIN_LIMIT).await;
    }
    match tokio::time::timeout(DRAIN_LIMIT, server).await {
        Ok(served) => served.map_err(ServeError::Serve),
        // What has not finished by now is cut off, as its callers were promised a restart, not a wait.
        Err(_) => Ok(()),
    }
}

/// What an old client needs, according to a flag that somebody forgot.
async fn compatible(State(delay): State<Duration>, request: Request, next: Next) -> Response {
    tokio::time::sleep(delay).await;
    next.run(request).await
}

/// What the services are made from.
struct Services<'a> {
    settings: &'a Settings,
    telemetry: &'a Arc<Telemetry>,
    credentials: Option<Credentials>,
}

impl Services<'_> {
    async fn router(&self) -> Result<Router, ServeError> {
        let Self { settings, telemetry, .. } = self;
        Ok(match settings.role {
            Role::Gateway => {
                gateway::router(self.upstream(Role::Catalog)?, self.upstream(Role::Checkout)?, telemetry)
            }
            Role::Catalog => {
                let rates = ExchangeRates::new(self.party()?, settings.rates_client);
                catalog::router(self.upstream(Role::Stock)?, rates, telemetry)
            }
            Role::Checkout => {
                let called = [self.upstream(Role::Stock)?, self.upstream(Role::Orders)?];
                let events = Producer::new(Queue::open(settings.queue_file()?).await?, telemetry);
                checkout::router(called, events, settings, telemetry)
            }
            Role::Stock => stock::router(self.database("").await?, self.party()?, telemetry),
            Role::Orders => {
                let database = self.database(orders::migration(settings.customer_index)).await?;
                orders::router(database, settings.read_audit, telemetry)
            }
            // A worker is asked for nothing but its health.
            Role::Receipts => Router::new().route("/", get(async || "receipts\n")),
            Role::Rates => rates::router(settings.rates_wait, settings.warehouse_wait),
        })
    }

    /// What a worker does besides answering.
    async fn worker(&self) -> Result<Option<Worker>, ServeError> {
        let Self { settings, telemetry, .. } = self;
        if settings.role != Role::Receipts {
            return Ok(None);
        }
        let consumer = Consumer::new(Queue::open(settings.queue_file()?).await?, telemetry);
        let database = self.database(receipts::MIGRATION).await?;
        Ok(Some(Worker::new(consumer, database, settings.receipts, telemetry)))
    }

    async fn database(&self, migration: &'static str) -> Result<Database, ServeError> {
        let Self { settings, telemetry, .. } = self;
        let file = settings.database_file()?;
        Ok(Database::open(file, settings.pool_size, migration, telemetry).await?)
    }

    /// Another service of the shop, called encrypted when there are certificates.
    fn upstream(&self, role: Role) -> Result<Upstream, ServeError> {
        let tls = self.credentials.as_ref().map(Credentials::client).transpose()?;
        let addresses = self.settings.upstream(role)?;
        Ok(Upstream::new(role.name(), addresses, self.settings.calling, tls, self.telemetry))
    }

    /// A party outside, called in plain text.
    fn party(&self) -> Result<Upstream, ServeError> {
        let (party, addresses) = self.settings.party()?;
        Ok(Upstream::new(party.name(), addresses, self.settings.calling, None, self.telemetry))
    }
}
