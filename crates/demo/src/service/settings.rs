//! The settings of a service, read from variables such as a process environment.
//! It deliberately ignores variables that it does not know, `QUERY_HINT` among them: an operator may set it, and
//! nothing changes.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use thiserror::Error;

use super::receipts::Receipts;

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
}

impl Role {
    /// All roles, in the order in which a request meets them.
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
            Self::Stock | Self::Orders | Self::Receipts => &[],
        }
    }
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
    pub(super) otlp_endpoint: Option<String>,
    pub(super) customer_index: bool,
    pub(super) read_audit: ReadAudit,
    /// Set by the supervisor, which holds the other end of the pipe.
    pub(super) stop_with_stdin: bool,
    pub(super) receipts: Receipts,
    database_file: Option<PathBuf>,
    queue_file: Option<PathBuf>,
    upstreams: BTreeMap<Role, Vec<SocketAddr>>,
}

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
        let vars = Vars(vars.collect());
        let role =
            vars.parsed("SERVICE_NAME", "gateway, catalog, checkout, stock, orders or receipts", |name| {
                Role::ALL.into_iter().find(|role| role.name() == name)
            })?;
        let mut upstreams = BTreeMap::new();
        for &upstream in role.upstreams() {
            let addresses = vars.parsed(&upstream.upstream_variable(), "a list of ADDRESS:PORT", |list| {
                list.split(',').map(|address| address.trim().parse().ok()).collect::<Option<Vec<_>>>()
            })?;
            upstreams.insert(upstream, addresses);
        }
        Ok(Self {
            port: vars.parsed("PORT", "a port number", |port| port.parse().ok())?,
            role,
            instance: vars.required("SERVICE_INSTANCE_ID")?.to_owned(),
            version: vars.required("SERVICE_VERSION")?.to_owned(),
            otlp_endpoint: vars.optional("OTEL_EXPORTER_OTLP_ENDPOINT").map(str::to_owned),
            customer_index: vars.choice("CUSTOMER_INDEX", true, &[("true", true), ("false", false)])?,
            read_audit: vars.choice(
                "READ_AUDIT",
                ReadAudit::Off,
                &[("off", ReadAudit::Off), ("full", ReadAudit::Full)],
            )?,
            stop_with_stdin: vars.choice("STOP_WITH_STDIN", false, &[("true", true), ("false", false)])?,
            receipts: Receipts {
                gifts: vars.choice("RECEIPT_GIFTS", true, &[("true", true), ("false", false)])?,
                discard: vars.share("RECEIPT_DISCARD")?,
            },
            database_file: vars.optional("DATABASE_FILE").map(PathBuf::from),
            queue_file: vars.optional("QUEUE_FILE").map(PathBuf::from),
            upstreams,
        })
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

struct Vars(BTreeMap<String, String>);

impl Vars {
    /// An empty variable counts as absent, as the OpenTelemetry specification has it for its own.
    fn optional(&self, variable: &str) -> Option<&str> {
        self.0.get(variable).map(String::as_str).filter(|value| !value.is_empty())
    }

    fn required(&self, variable: &str) -> Result<&str, SettingError> {
        self.optional(variable).ok_or_else(|| SettingError::Missing(variable.to_owned()))
    }

    fn parsed<T>(
        &self,
        variable: &str,
        expected: &'static str,
        parse: impl FnOnce(&str) -> Option<T>,
    ) -> Result<T, SettingError> {
        let value = self.required(variable)?;
        parse(value).ok_or_else(|| invalid(variable, value, expected))
    }

    /// A share from 0 to 1; 0 when absent.
    fn share(&self, variable: &str) -> Result<f64, SettingError> {
        let Some(value) = self.optional(variable) else {
            return Ok(0.0);
        };
        let share = value.parse::<f64>().ok().filter(|share| (0.0..=1.0).contains(share));
        share.ok_or_else(|| invalid(variable, value, "a number from 0 to 1"))
    }

    fn choice<T: Copy>(&self, variable: &str, default: T, values: &[(&str, T)]) -> Result<T, SettingError> {
        let Some(value) = self.optional(variable) else {
            return Ok(default);
        };
        let chosen = values.iter().find(|(name, _)| *name == value);
        let expected = "one of its documented values (true or false; for READ_AUDIT off or full)";
        chosen.map(|(_, chosen)| *chosen).ok_or_else(|| invalid(variable, value, expected))
    }
}

fn invalid(variable: &str, value: &str, expected: &'static str) -> SettingError {
    SettingError::Invalid { variable: variable.to_owned(), value: value.to_owned(), expected }
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
