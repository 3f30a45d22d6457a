//! The settings of a service, read from variables such as a process environment.
//! It deliberately ignores variables that it does not know, `QUERY_HINT` among them: an operator may set it, and
//! nothing changes.

mod vars;

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use thiserror::Error;

use super::receipts::Receipts;
use crate::instrument::Outlet;
use vars::{Vars, invalid};

/// The variables that an operator may change, on every instance of every service alike: which of them mean
/// something to a service does not follow from the list.
pub const ALLOWED: [&str; 13] = [
    "CUSTOMER_INDEX",
    "DB_POOL_SIZE",
    "HTTP_CLIENT_REUSE",
    "HTTP_CLIENT_TIMEOUT_MS",
    "LEGACY_COMPAT_DELAY_MS",
    "ORDER_ALERTS",
    "PASSWORD_HASH_COST",
    "QUERY_HINT",
    "RATES_CLIENT",
    "READ_AUDIT",
    "RECEIPT_DISCARD",
    "RECEIPT_GIFTS",
    "RETRY_MAX",
];

/// What an operator may change of the outside world.
pub(crate) const ALLOWED_OUTSIDE: [&str; 2] = ["RATES_WAIT_MS", "WAREHOUSE_WAIT_MS"];

/// What a service does.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub enum Role {
    /// The entry: takes requests from outside.
    Gateway,
    /// Describes products.
    Catalog,
    /// Takes orders and shows a customer's history.
    Checkout,
    /// Knows how many of a product there are.
    Stock,
    /// Keeps the orders.
    Orders,
    /// Writes a receipt for each order that the queue announces.
    Receipts,
    /// The outside world: parties that the shop calls and that emit no telemetry. Not one of the services.
    Rates,
}

impl Role {
    /// The services of the shop, in the order in which a request meets them.
    pub const ALL: [Self; 6] =
        [Self::Gateway, Self::Catalog, Self::Checkout, Self::Stock, Self::Orders, Self::Receipts];

    /// The service name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Gateway => "gateway",
            Self::Catalog => "catalog",
            Self::Checkout => "checkout",
            Self::Stock => "stock",
            Self::Orders => "orders",
            Self::Receipts => "receipts",
            Self::Rates => "rates",
        }
    }

    /// The variable that lists the addresses of this service for its callers.
    pub(crate) fn upstream_variable(self) -> String {
        format!("UPSTREAM_{}", self.name().to_ascii_uppercase())
    }

    /// The services that this one calls.
    pub(crate) fn upstreams(self) -> &'static [Self] {
        match self {
            Self::Gateway => &[Self::Catalog, Self::Checkout],
            Self::Catalog => &[Self::Stock],
            Self::Checkout => &[Self::Stock, Self::Orders],
            Self::Stock | Self::Orders | Self::Receipts | Self::Rates => &[],
        }
    }
}

/// A party outside the shop, under the name that its callers know it by. One process plays them all.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub(crate) enum Party {
    /// Quotes the price of a currency; asked by `catalog`.
    Rates,
    /// Confirms reservations; asked by `stock`.
    Warehouse,
}

impl Party {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Rates => "rates",
            Self::Warehouse => "warehouse",
        }
    }

    pub(crate) fn variable(self) -> &'static str {
        match self {
            Self::Rates => "UPSTREAM_RATES",
            Self::Warehouse => "UPSTREAM_WAREHOUSE",
        }
    }
}

impl Role {
    /// The party outside that this service calls.
    pub(crate) fn party(self) -> Option<Party> {
        match self {
            Self::Catalog => Some(Party::Rates),
            Self::Stock => Some(Party::Warehouse),
            _ => None,
        }
    }
}

/// How the rates are asked for.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum RatesClient {
    /// All at once, waiting on the executor.
    #[default]
    Async,
    /// One after the other, and the thread of the executor waits in the system call.
    Blocking,
}

/// How a service calls others.
#[derive(Clone, Copy, Debug)]
pub(super) struct Calling {
    /// Whether a connection serves more than one request.
    pub(super) reuse: bool,
    /// Attempts after the first that failed.
    pub(super) retries: u32,
    /// What one attempt may take.
    pub(super) attempt_limit: Duration,
}

/// Whether reads of orders are audited.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum ReadAudit {
    /// Not at all.
    #[default]
    Off,
    /// Every read first computes a checksum over the whole table.
    Full,
}

/// The settings of one instance.
#[derive(Clone, Debug)]
pub struct Settings {
    pub(super) port: u16,
    pub(super) role: Role,
    pub(super) instance: String,
    pub(super) version: String,
    pub(super) outlet: Outlet,
    pub(super) calling: Calling,
    pub(super) pool_size: usize,
    pub(super) rates_client: RatesClient,
    pub(super) legacy_delay: Duration,
    pub(super) hash_cost: u32,
    pub(super) order_alerts: bool,
    pub(super) rates_wait: Duration,
    pub(super) warehouse_wait: Duration,
    pub(super) customer_index: bool,
    pub(super) read_audit: ReadAudit,
    /// Set by the supervisor, which holds the other end of the pipe.
    pub(super) stop_with_stdin: bool,
    pub(super) receipts: Receipts,
    /// Where the certificates are; without them calls are plain text.
    pub(super) tls_directory: Option<PathBuf>,
    database_file: Option<PathBuf>,
    queue_file: Option<PathBuf>,
    upstreams: BTreeMap<Role, Vec<SocketAddr>>,
    party: Option<(Party, Vec<SocketAddr>)>,
}

/// Connections of a database pool.
const POOL_SIZE: usize = 4;
/// Iterations of the hash that checks a key: a fraction of a millisecond.
const HASH_COST: u32 = 1_000;
/// A call, its failover and retries included; and an attempt, unless a setting says less.
pub(super) const CALL_LIMIT: Duration = Duration::from_secs(5);
/// What the outside world takes for a rate.
const RATES_WAIT_MS: u64 = 10;
/// What the outside world takes to confirm a reservation.
const WAREHOUSE_WAIT_MS: u64 = 200;

/// A variable that is absent or cannot be read.
#[derive(Debug, Error, PartialEq, Eq)]
pub enum SettingError {
    /// A variable that this service needs is absent.
    #[error("`{0}` is not set; hint: start services through the supervisor, which sets it")]
    Missing(String),
    /// A variable has a value that it cannot have.
    #[error("`{variable}` is `{value}`; hint: it is {expected}")]
    Invalid {
        /// The variable.
        variable: String,
        /// Its value.
        value: String,
        /// What it can be.
        expected: &'static str,
    },
}

impl Settings {
    /// Reads the settings from `vars`.
    pub fn from_vars(vars: impl Iterator<Item = (String, String)>) -> Result<Self, SettingError> {
        let vars = Vars::new(vars);
        let expected = "gateway, catalog, checkout, stock, orders, receipts or rates";
        let role = vars.parsed("SERVICE_NAME", expected, |name| {
            Role::ALL.into_iter().chain([Role::Rates]).find(|role| role.name() == name)
        })?;
        let mut upstreams = BTreeMap::new();
        for &upstream in role.upstreams() {
            upstreams.insert(upstream, vars.addresses(&upstream.upstream_variable())?);
        }
        let party = match role.party() {
            Some(party) => Some((party, vars.addresses(party.variable())?)),
            None => None,
        };
        let audits = [("off", ReadAudit::Off), ("full", ReadAudit::Full)];
        let clients = [("async", RatesClient::Async), ("blocking", RatesClient::Blocking)];
        let limit = u64::try_from(CALL_LIMIT.as_millis()).unwrap_or(u64::MAX);
        Ok(Self {
            port: vars.parsed("PORT", "a port number", |port| port.parse().ok())?,
            role,
            instance: vars.required("SERVICE_INSTANCE_ID")?.to_owned(),
            version: vars.required("SERVICE_VERSION")?.to_owned(),
            receipts: Receipts {
                gifts: vars.flag("RECEIPT_GIFTS", true)?,
                discard: vars.share("RECEIPT_DISCARD")?,
            },
            outlet: outlet(&vars)?,
            calling: Calling {
                reuse: vars.flag("HTTP_CLIENT_REUSE", true)?,
                retries: vars.number("RETRY_MAX", 0, 0)?,
                attempt_limit: vars.millis("HTTP_CLIENT_TIMEOUT_MS", limit)?,
            },
            pool_size: vars.number("DB_POOL_SIZE", POOL_SIZE, 1)?,
            rates_client: vars.choice("RATES_CLIENT", RatesClient::Async, &clients)?,
            legacy_delay: vars.millis("LEGACY_COMPAT_DELAY_MS", 0)?,
            hash_cost: vars.number("PASSWORD_HASH_COST", HASH_COST, 1)?,
            order_alerts: vars.choice("ORDER_ALERTS", false, &[("on", true), ("off", false)])?,
            rates_wait: vars.millis("RATES_WAIT_MS", RATES_WAIT_MS)?,
            warehouse_wait: vars.millis("WAREHOUSE_WAIT_MS", WAREHOUSE_WAIT_MS)?,
            customer_index: vars.flag("CUSTOMER_INDEX", true)?,
            read_audit: vars.choice("READ_AUDIT", ReadAudit::Off, &audits)?,
            stop_with_stdin: vars.flag("STOP_WITH_STDIN", false)?,
            tls_directory: vars.optional("TLS_DIRECTORY").map(PathBuf::from),
            database_file: vars.optional("DATABASE_FILE").map(PathBuf::from),
            queue_file: vars.optional("QUEUE_FILE").map(PathBuf::from),
            upstreams,
            party,
        })
    }

    pub(super) fn party(&self) -> Result<(Party, &[SocketAddr]), SettingError> {
        let party = self.party.as_ref().map(|(party, addresses)| (*party, addresses.as_slice()));
        party.ok_or_else(|| SettingError::Missing("UPSTREAM_RATES".to_owned()))
    }

    pub(super) fn database_file(&self) -> Result<&Path, SettingError> {
        self.database_file.as_deref().ok_or_else(|| SettingError::Missing("DATABASE_FILE".to_owned()))
    }

    pub(super) fn queue_file(&self) -> Result<&Path, SettingError> {
        self.queue_file.as_deref().ok_or_else(|| SettingError::Missing("QUEUE_FILE".to_owned()))
    }

    pub(super) fn upstream(&self, role: Role) -> Result<&[SocketAddr], SettingError> {
        let addresses = self.upstreams.get(&role).map(Vec::as_slice);
        addresses.ok_or_else(|| SettingError::Missing(role.upstream_variable()))
    }
}

/// What leaves the process, by the variables of OpenTelemetry and three of our own: `TELEMETRY=off` makes the
/// service dark, `TELEMETRY_TRACES=off` keeps its spans, and `CLOCK_SKEW_MS` sets its clock wrong.
fn outlet(vars: &Vars) -> Result<Outlet, SettingError> {
    let switch = |variable| vars.choice(variable, true, &[("on", true), ("off", false)]);
    let ratio = match vars.optional("OTEL_TRACES_SAMPLER") {
        None | Some("parentbased_always_on") => None,
        Some("parentbased_traceidratio") => {
            let ratio = |text: &str| text.parse().ok().filter(|ratio| (0.0..=1.0).contains(ratio));
            Some(vars.parsed("OTEL_TRACES_SAMPLER_ARG", "a number from 0 to 1", ratio)?)
        }
        Some(other) => {
            let expected = "parentbased_always_on or parentbased_traceidratio";
            return Err(invalid("OTEL_TRACES_SAMPLER", other, expected));
        }
    };
    Ok(Outlet {
        endpoint: vars.optional("OTEL_EXPORTER_OTLP_ENDPOINT").map(str::to_owned),
        is_dark: !switch("TELEMETRY")?,
        with_traces: switch("TELEMETRY_TRACES")?,
        ratio,
        skew_ms: vars.number("CLOCK_SKEW_MS", 0, i64::MIN)?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings(extra: &[(&str, &str)]) -> Result<Settings, SettingError> {
        let base = [
            ("PORT", "8000"),
            ("SERVICE_NAME", "orders"),
            ("SERVICE_INSTANCE_ID", "orders-1"),
            ("SERVICE_VERSION", "1.4.0"),
        ];
        let vars = base.iter().chain(extra).map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        Settings::from_vars(vars.collect::<Vec<_>>().into_iter())
    }

    #[test]
    fn the_index_is_there_and_reads_are_not_audited_by_default() {
        let settings = settings(&[("QUERY_HINT", "anything"), ("UNKNOWN", "x")]).unwrap();
        assert!(settings.customer_index);
        assert_eq!(settings.read_audit, ReadAudit::Off);
    }

    #[test]
    fn without_variables_nothing_is_wrong() {
        let settings = settings(&[]).unwrap();
        assert!(settings.calling.reuse && settings.calling.retries == 0 && settings.pool_size == POOL_SIZE);
        assert!(settings.legacy_delay.is_zero() && !settings.order_alerts);
        assert_eq!((settings.rates_client, settings.hash_cost), (RatesClient::Async, HASH_COST));
        assert!(settings.outlet.with_traces && !settings.outlet.is_dark && settings.outlet.ratio.is_none());
    }

    #[test]
    fn what_leaves_the_process_follows_its_variables() {
        let vars = [
            ("OTEL_TRACES_SAMPLER", "parentbased_traceidratio"),
            ("OTEL_TRACES_SAMPLER_ARG", "0.1"),
            ("CLOCK_SKEW_MS", "-5000"),
            ("TELEMETRY_TRACES", "off"),
        ];
        let outlet = settings(&vars).unwrap().outlet;
        assert_eq!((outlet.ratio, outlet.skew_ms, outlet.with_traces), (Some(0.1), -5_000, false));
        assert!(settings(&[("TELEMETRY", "off")]).unwrap().outlet.is_dark);
        assert!(settings(&vars[..1]).is_err(), "a ratio that is not given");
        assert!(settings(&[("OTEL_TRACES_SAMPLER", "xray")]).is_err());
    }

    #[test]
    fn a_pool_without_a_connection_is_refused() {
        assert!(settings(&[("DB_POOL_SIZE", "0")]).is_err());
        assert_eq!(settings(&[("DB_POOL_SIZE", "1")]).unwrap().pool_size, 1);
    }

    #[test]
    fn a_value_that_a_variable_cannot_have_is_refused_by_name() {
        let error = settings(&[("CUSTOMER_INDEX", "maybe")]).unwrap_err();
        assert!(error.to_string().starts_with("`CUSTOMER_INDEX` is `maybe`"), "{error}");
    }

    #[test]
    fn a_service_that_calls_others_needs_their_addresses() {
        let error = settings(&[("SERVICE_NAME", "catalog")]).unwrap_err();
        assert_eq!(error, SettingError::Missing("UPSTREAM_STOCK".to_owned()));
    }
}
