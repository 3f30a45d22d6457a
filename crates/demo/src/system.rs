//! What the demo system consists of: instances, their ports, files, settings and versions.
//! It deliberately is a plain description: the supervisor makes it true, and may change settings without
//! writing them here.

use std::collections::BTreeMap;
use std::io;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::credentials::{self, CredentialError};
use crate::data::{self, DataError};
use crate::files;
use crate::service::{ALLOWED, ALLOWED_OUTSIDE, Role};

/// The name of the description in the data directory.
pub const FILE_NAME: &str = "system.json";

/// The version of every service at first.
const VERSION: &str = "1.4.0";
const REPLICAS: usize = 2;

/// The demo system.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub struct System {
    /// The format of this document.
    pub schema: String,
    /// Where data, logs and this description are.
    pub directory: PathBuf,
    /// What the data were made from.
    pub seed: u64,
    /// The program that runs a service.
    pub executable: PathBuf,
    /// The arguments that make it do so.
    pub leading_args: Vec<String>,
    /// All instances, grouped by service.
    pub instances: Vec<Instance>,
}

/// One instance of one service.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub struct Instance {
    /// `service.instance.id`, such as `orders-1`.
    pub id: String,
    /// `service.name`.
    pub service: String,
    /// `service.version`.
    pub version: String,
    /// The port on the loopback interface.
    pub port: u16,
    /// The variables that do not follow from the fields above.
    pub settings: BTreeMap<String, String>,
    /// The variables that an operator may change.
    pub allowed: Vec<String>,
}

impl Instance {
    /// The address of the instance.
    pub fn address(&self) -> SocketAddr {
        SocketAddr::from((Ipv4Addr::LOCALHOST, self.port))
    }
}

/// A system that cannot be created or read.
#[derive(Debug, Error)]
pub enum SystemError {
    /// A file or a port is not to be had.
    #[error("cannot {action} `{path}`")]
    Io {
        /// What was tried.
        action: &'static str,
        /// On what.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// The description is not one.
    #[error("`{path}` does not describe a demo system; hint: create the system again")]
    Format {
        /// The description.
        path: PathBuf,
        /// What is wrong with it.
        #[source]
        source: serde_json::Error,
    },
    /// The certificates cannot be made.
    #[error("cannot make the certificates of the demo")]
    Credentials(#[from] CredentialError),
    /// The data cannot be created.
    #[error("cannot create the data of the demo")]
    Data(#[from] DataError),
}

impl System {
    /// Creates a new system in `directory`: data, free ports and the description. What was there is replaced.
    pub fn create(
        directory: &Path,
        executable: &Path,
        leading_args: &[String],
        otlp_endpoint: &str,
        seed: u64,
    ) -> Result<Self, SystemError> {
        let fail = |action, path: &Path| {
            let path = path.to_owned();
            move |source| SystemError::Io { action, path, source }
        };
        std::fs::create_dir_all(directory).map_err(fail("create", directory))?;
        // Children are started in their own working directory, so every path is absolute.
        let directory = directory.canonicalize().map_err(fail("find", directory))?;
        for part in ["data", "logs", "tls"] {
            let path = directory.join(part);
            if path.exists() {
                std::fs::remove_dir_all(&path).map_err(fail("replace", &path))?;
            }
            std::fs::create_dir(&path).map_err(fail("create", &path))?;
        }
        let ports =
            free_ports((Role::ALL.len() + 1) * REPLICAS).map_err(fail("find free ports for", &directory))?;
        let system = Self {
            schema: "firstcause.demo-system/1".to_owned(),
            instances: instances(&directory, &ports, otlp_endpoint),
            directory,
            seed,
            executable: executable.to_owned(),
            leading_args: leading_args.to_vec(),
        };
        credentials::create(&tls_directory(&system.directory))?;
        data::create_orders(&system.database_files(Role::Orders), seed)?;
        data::create_stock(&system.database_files(Role::Stock))?;
        data::create_queue(&queue_file(&system.directory))?;
        system.write()?;
        Ok(system)
    }

    /// Reads the description of a system.
    pub fn load(path: &Path) -> Result<Self, SystemError> {
        let bytes = std::fs::read(path).map_err(|source| SystemError::Io {
            action: "read",
            path: path.to_owned(),
            source,
        })?;
        serde_json::from_slice(&bytes).map_err(|source| SystemError::Format { path: path.to_owned(), source })
    }

    /// Where the description is.
    pub fn file(&self) -> PathBuf {
        self.directory.join(FILE_NAME)
    }

    /// The addresses where requests enter.
    pub fn gateway_addresses(&self) -> Vec<SocketAddr> {
        self.instances_of(Role::Gateway.name()).map(Instance::address).collect()
    }

    /// The instances of one service.
    pub fn instances_of<'a>(&'a self, service: &'a str) -> impl Iterator<Item = &'a Instance> {
        self.instances.iter().filter(move |instance| instance.service == service)
    }

    /// The log of one instance.
    pub fn log_file(&self, instance: &str) -> PathBuf {
        self.directory.join("logs").join(format!("{instance}.log"))
    }

    /// The databases of one service, one for each instance.
    pub(crate) fn database_files(&self, role: Role) -> Vec<PathBuf> {
        self.instances_of(role.name()).map(|instance| database_file(&self.directory, &instance.id)).collect()
    }

    /// Sets a variable of the instances of `service`, or of all.
    pub(crate) fn set(&mut self, service: Option<&str>, name: &str, value: &str) {
        for instance in &mut self.instances {
            if service.is_none_or(|service| service == instance.service) {
                instance.settings.insert(name.to_owned(), value.to_owned());
            }
        }
    }

    /// Writes the description.
    pub(crate) fn write(&self) -> Result<(), SystemError> {
        let path = self.file();
        let document = serde_json::to_vec_pretty(self)
            .map_err(|source| SystemError::Format { path: path.clone(), source })?;
        files::write_atomically(&path, &document).map_err(|source| SystemError::Io {
            action: "write",
            path,
            source,
        })
    }
}

fn database_file(directory: &Path, instance: &str) -> PathBuf {
    directory.join("data").join(format!("{instance}.db"))
}

/// The queue that announces new orders.
fn queue_file(directory: &Path) -> PathBuf {
    directory.join("data").join("order-events.db")
}

/// Ports that are free now; they are held together, so that none is given twice.
fn free_ports(count: usize) -> io::Result<Vec<u16>> {
    let held =
        (0..count).map(|_| TcpListener::bind((Ipv4Addr::LOCALHOST, 0))).collect::<io::Result<Vec<_>>>()?;
    held.iter().map(|listener| Ok(listener.local_addr()?.port())).collect()
}

fn tls_directory(directory: &Path) -> PathBuf {
    directory.join("tls")
}

fn instances(directory: &Path, ports: &[u16], otlp_endpoint: &str) -> Vec<Instance> {
    // Plain text and last: the outside is no part of the shop.
    let roles = Role::ALL.into_iter().chain([Role::Rates]);
    let ports: BTreeMap<Role, &[u16]> = roles.clone().zip(ports.chunks(REPLICAS)).collect();
    let addresses = |role: Role| {
        let ports = ports.get(&role).into_iter().copied().flatten();
        ports.map(|port| format!("127.0.0.1:{port}")).collect::<Vec<_>>().join(",")
    };
    let mut instances = Vec::new();
    for role in roles {
        for (index, &port) in ports.get(&role).into_iter().copied().flatten().enumerate() {
            let id = format!("{}-{}", role.name(), index + 1);
            let mut settings = BTreeMap::new();
            let mut set = |name: &str, value: String| settings.insert(name.to_owned(), value);
            for upstream in role.upstreams() {
                set(&upstream.upstream_variable(), addresses(*upstream));
            }
            if let Some(party) = role.party() {
                set(party.variable(), addresses(Role::Rates));
            }
            if matches!(role, Role::Checkout | Role::Receipts) {
                set("QUEUE_FILE", queue_file(directory).display().to_string());
            }
            if role == Role::Receipts {
                set("RECEIPT_GIFTS", "true".to_owned());
                set("RECEIPT_DISCARD", "0".to_owned());
            }
            if matches!(role, Role::Stock | Role::Orders | Role::Receipts) {
                set("DATABASE_FILE", database_file(directory, &id).display().to_string());
            }
            if role == Role::Orders {
                set("CUSTOMER_INDEX", "true".to_owned());
                set("READ_AUDIT", "off".to_owned());
            }
            let mut allowed = ALLOWED_OUTSIDE.map(str::to_owned).to_vec();
            if role != Role::Rates {
                set("OTEL_EXPORTER_OTLP_ENDPOINT", otlp_endpoint.to_owned());
                set("TLS_DIRECTORY", tls_directory(directory).display().to_string());
                allowed = ALLOWED.map(str::to_owned).to_vec();
            }
            let (service, version) = (role.name().to_owned(), VERSION.to_owned());
            instances.push(Instance { id, service, version, port, settings, allowed });
        }
    }
    instances
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::service::Settings;

    #[test]
    fn every_instance_has_its_own_port_and_settings_that_a_service_accepts() {
        let ports: Vec<u16> = (9_000..9_014).collect();
        let instances = instances(Path::new("/demo"), &ports, "http://127.0.0.1:4318");
        assert_eq!(instances.len(), 14);
        for instance in instances {
            let mut vars = instance.settings.clone();
            vars.insert("PORT".to_owned(), instance.port.to_string());
            vars.insert("SERVICE_NAME".to_owned(), instance.service.clone());
            vars.insert("SERVICE_INSTANCE_ID".to_owned(), instance.id.clone());
            vars.insert("SERVICE_VERSION".to_owned(), instance.version.clone());
            Settings::from_vars(vars.into_iter()).unwrap();
        }
    }
}
