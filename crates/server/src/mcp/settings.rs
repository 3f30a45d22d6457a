//! What the operator decides about the protocol's door: from where, with which key, how much.

use std::time::Duration;

use super::bearer::Bearer;

/// The bounds and the rule of the door. [`Settings::default`] answers on addresses and `localhost`, without a key.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Settings {
    /// Names, without a port, under which this server may be asked besides addresses and `localhost`.
    pub allowed_hosts: Vec<String>,
    /// Origins, as `https://name:port`, whose pages may ask besides our own.
    pub allowed_origins: Vec<String>,
    /// Who checks keys; absent, nobody is asked for one.
    pub bearer: Option<Bearer>,
    /// How the world reaches this server, as `https://name`; absent, what the request says.
    pub public_url: Option<String>,
    /// Who issues tokens for this server (RFC 9728, `authorization_servers`).
    pub authorization_servers: Vec<String>,
    /// Bytes of one request.
    pub body_max_bytes: usize,
    /// Messages of one array.
    pub batch_max: usize,
    /// Sessions at a time; a further one is refused.
    pub sessions_max: usize,
    /// A session that nobody uses for this long ends.
    pub session_idle: Duration,
    /// Streams of notifications at a time; a further one is refused, so that there is room for calls.
    pub streams_max: usize,
}

impl Settings {
    /// The default, reached under `allowed_hosts`, from pages of `allowed_origins`, by the world at `public_url`.
    #[must_use]
    pub fn reached(
        allowed_hosts: Vec<String>,
        allowed_origins: Vec<String>,
        public_url: Option<String>,
    ) -> Self {
        Self { allowed_hosts, allowed_origins, public_url, ..Self::default() }
    }

    /// The same, where `bearer` lets in.
    #[must_use]
    pub fn checking(self, bearer: Bearer) -> Self {
        Self { bearer: Some(bearer), ..self }
    }
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            allowed_hosts: Vec::new(),
            allowed_origins: Vec::new(),
            bearer: None,
            public_url: None,
            authorization_servers: Vec::new(),
            body_max_bytes: 1 << 20,
            batch_max: 50,
            sessions_max: 256,
            session_idle: Duration::from_secs(300),
            streams_max: 32,
        }
    }
}
