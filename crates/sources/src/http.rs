//! The one door to the network: reading below a fixed address, bounded in time, bytes and attempts.
//!
//! GET, and POST to the ends of paths that [`READS`] lists, where back ends take a search as a body: nothing else exists, so
//! no back end can be written to. Redirects are not followed: credentials stay where they were meant for. What is refused
//! with 429 or 503 is asked again when the other side says so, if that is still in time.

mod refusal;

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use reqwest::header::{AUTHORIZATION, CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue};
use reqwest::{Certificate, Client, RequestBuilder, Response, Url};
use telemetry::{AskError, Cancel, Limits};
use tokio::time::Instant;

use crate::settings::{Budget, Settings, SettingsError};

pub(crate) use refusal::Refusal;

/// Bytes of one answer that are read; more does not help and is not paid for.
const BYTES_MAX: usize = 64 << 20;
/// Bytes of an error's text that are read.
const ERROR_BYTES_READ: usize = 64 << 10;
/// Bytes of an error's text that are told.
const ERROR_BYTES_MAX: usize = 300;
/// The ends of paths that read what a POST describes, and do nothing else.
const READS: [&str; 4] = [
    // Elasticsearch and OpenSearch.
    "_query",
    "_search",
    // Datadog: spans, logs, events.
    "events/search",
    // Servers of the Model Context Protocol: which of their tools may be called, `mcp` decides.
    "mcp",
];
/// Attempts of one request, the first among them.
const ATTEMPTS_MAX: u32 = 3;
/// The pause before the second attempt when the other side names none; it doubles.
const PAUSE: Duration = Duration::from_millis(250);
/// How often it is looked whether the asker gave up.
const LOOK: Duration = Duration::from_millis(50);
/// Until a connection stands; a back end that is not there is told early.
const CONNECT: Duration = Duration::from_secs(3);

/// What one answer may cost, and who may stop it.
#[derive(Debug, Clone)]
pub(crate) struct Asking {
    limits: Limits,
    cancel: Cancel,
    deadline: Instant,
    bytes_left: Arc<AtomicUsize>,
}

impl Asking {
    /// Time begins now. What the source's own budget allows is the most, whatever is asked.
    pub(crate) fn new(limits: Limits, budget: &Budget, cancel: &Cancel) -> Self {
        let limits = budget.narrowed(limits);
        let deadline = Instant::now() + Duration::from_secs(limits.seconds_max);
        let bytes_left = Arc::new(AtomicUsize::new(budget.bytes.unwrap_or(BYTES_MAX).min(BYTES_MAX)));
        Self { limits, cancel: cancel.clone(), deadline, bytes_left }
    }

    /// What an answer may hold.
    pub(crate) fn limits(&self) -> Limits {
        self.limits
    }

    /// Whether nobody waits for the answer any more.
    pub(crate) fn is_over(&self) -> bool {
        self.cancel.is_cancelled() || self.left().is_zero()
    }

    /// Whether so much of the time is left that more may be asked for than must be.
    pub(crate) fn has_time(&self) -> bool {
        self.left() > Duration::from_secs(self.limits.seconds_max) / 3
    }

    /// Bytes that may still be read.
    pub(crate) fn bytes_left(&self) -> usize {
        self.bytes_left.load(Ordering::Relaxed)
    }

    /// Takes bytes that were read off those that may be.
    pub(crate) fn spend(&self, bytes: usize) {
        self.bytes_left.fetch_sub(bytes.min(self.bytes_left()), Ordering::Relaxed);
    }

    fn left(&self) -> Duration {
        self.deadline.saturating_duration_since(Instant::now())
    }

    fn timed_out(&self) -> AskError {
        AskError::TimedOut(self.limits.seconds_max)
    }

    /// Runs `work` until it ends, time is over or the asker gave up.
    pub(crate) async fn bounded<T>(&self, work: impl Future<Output = T>) -> Result<T, AskError> {
        let mut work = std::pin::pin!(work);
        loop {
            if self.cancel.is_cancelled() {
                return Err(AskError::Cancelled);
            }
            let left = self.left();
            if left.is_zero() {
                return Err(self.timed_out());
            }
            if let Ok(done) = tokio::time::timeout(left.min(LOOK), &mut work).await {
                return Ok(done);
            }
        }
    }
}

/// A back end's address with what it is asked with.
#[derive(Clone)]
pub(crate) struct Http {
    client: Client,
    base: Url,
    login: Option<(String, String)>,
    /// Read anew for every request: tokens of service accounts are replaced while we run.
    token_file: Option<Arc<str>>,
    budget: Budget,
}

impl std::fmt::Debug for Http {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Http").field("base", &self.base.as_str()).finish_non_exhaustive()
    }
}

impl Http {
    /// A door to the address of `settings`.
    pub(crate) fn new(name: &str, settings: &Settings) -> Result<Self, SettingsError> {
        let wrong = |why: &str| SettingsError::Url {
            source_name: name.to_owned(),
            url: settings.url.split('@').next_back().unwrap_or_default().to_owned(),
            why: why.to_owned(),
        };
        let mut base = Url::parse(&settings.url).map_err(|error| wrong(&error.to_string()))?;
        if !matches!(base.scheme(), "http" | "https") || !base.has_host() {
            return Err(wrong("neither http nor https"));
        }
        if !base.username().is_empty() || base.password().is_some() {
            return Err(wrong("it holds a user; `username` and `password_file` say who asks"));
        }
        if base.query().is_some() || base.fragment().is_some() {
            return Err(SettingsError::Url {
                source_name: name.to_owned(),
                url: settings.url.split(['?', '#']).next().unwrap_or_default().to_owned(),
                why: "it holds a query; secrets stand in `token_file` and `password_file`".to_owned(),
            });
        }
        if !base.path().ends_with('/') {
            base.set_path(&format!("{}/", base.path()));
        }
        // A provider that another part installed does as well.
        tokio_rustls::rustls::crypto::ring::default_provider().install_default().unwrap_or_default();
        let secret = |what: String| SettingsError::Value { source_name: name.to_owned(), what };
        let mut builder = Client::builder();
        if let Some(file) = &settings.ca_file {
            builder = builder.tls_certs_only(authorities(file).map_err(secret)?);
        }
        let client = builder
            .connect_timeout(CONNECT)
            .redirect(reqwest::redirect::Policy::none())
            .default_headers(headers(name, settings)?)
            .user_agent(concat!("firstcause/", env!("CARGO_PKG_VERSION")))
            .build()
            .map_err(|error| secret(format!("failed to prepare requests: {error}")))?;
        Ok(Self {
            client,
            base,
            login: settings.login(name)?,
            token_file: settings.token_file.as_deref().map(Arc::from),
            budget: settings.budget.clone(),
        })
    }

    /// The bounds of one answer, over all its requests.
    pub(crate) fn asking(&self, limits: Limits, cancel: &Cancel) -> Asking {
        Asking::new(limits, &self.budget, cancel)
    }

    /// The address for people, of `path` with `query`.
    pub(crate) fn link(&self, path: &str, query: &[(&str, String)]) -> String {
        let mut url = self.base.clone();
        url.set_path(&format!("{}{path}", self.base.path()));
        if !query.is_empty() {
            url.query_pairs_mut().extend_pairs(query);
        }
        url.to_string()
    }

    /// The body of what `path` with `query` answers.
    pub(crate) async fn get(
        &self,
        path: &str,
        query: &[(&str, String)],
        asking: &Asking,
    ) -> Result<Vec<u8>, AskError> {
        Ok(self.reply(path, query, asking).await?.body)
    }

    /// What `path` with `query` answers, with its headers, or by which status it was refused.
    pub(crate) async fn reply(
        &self,
        path: &str,
        query: &[(&str, String)],
        asking: &Asking,
    ) -> Result<Reply, Refusal> {
        self.read(|| self.client.get(self.link(path, query)), asking).await
    }

    /// The body of what `path` with `query` answers to `search`; the path ends as one of [`READS`].
    #[allow(dead_code, reason = "of the back ends that follow")]
    pub(crate) async fn search(
        &self,
        path: &str,
        query: &[(&str, String)],
        search: &serde_json::Value,
        asking: &Asking,
    ) -> Result<Vec<u8>, AskError> {
        Ok(self.search_reply(path, query, search, asking).await?.body)
    }

    /// What `path` with `query` answers to `search`, or by which status it was refused; the path ends as one of [`READS`].
    pub(crate) async fn search_reply(
        &self,
        path: &str,
        query: &[(&str, String)],
        search: &serde_json::Value,
        asking: &Asking,
    ) -> Result<Reply, Refusal> {
        self.search_with(path, query, &[], search, asking).await
    }

    /// The same with further headers.
    pub(crate) async fn search_with(
        &self,
        path: &str,
        query: &[(&str, String)],
        headers: &[(&'static str, String)],
        search: &serde_json::Value,
        asking: &Asking,
    ) -> Result<Reply, Refusal> {
        let ends =
            |end: &str| path.strip_suffix(end).is_some_and(|rest| rest.is_empty() || rest.ends_with('/'));
        if !READS.into_iter().any(ends) {
            return Err(AskError::Unsupported(format!("POST {path}")).into());
        }
        let body = search.to_string();
        let request = || {
            let post = self.client.post(self.link(path, query)).header(CONTENT_TYPE, "application/json");
            headers.iter().fold(post, |post, (name, value)| post.header(*name, value))
        };
        self.read(|| request().body(body.clone()), asking).await
    }

    /// The token as its file holds it now; the one that was there when we began, when it cannot be read.
    fn token(&self) -> Option<HeaderValue> {
        let text = std::fs::read_to_string(&**self.token_file.as_ref()?).ok()?;
        let mut value =
            HeaderValue::try_from(format!("Bearer {}", text.trim_end_matches(['\n', '\r']))).ok()?;
        value.set_sensitive(true);
        Some(value)
    }

    /// What the request answers, tried again where that may help.
    async fn read(&self, request: impl Fn() -> RequestBuilder, asking: &Asking) -> Result<Reply, Refusal> {
        let mut pause = PAUSE;
        for attempt in 1.. {
            let mut request = request();
            if let Some((user, password)) = &self.login {
                request = request.basic_auth(user, Some(password));
            }
            if let Some(token) = self.token() {
                request = request.header(AUTHORIZATION, token);
            }
            let refusal = match asking.bounded(request.send()).await? {
                Ok(response) if response.status().is_success() => {
                    let headers = response.headers().clone();
                    let bytes_max = asking.bytes_left();
                    let body = asking.bounded(body(response, bytes_max)).await??;
                    asking.spend(body.len());
                    return Ok(Reply { body, headers });
                }
                Ok(response) => Refusal::of(response, asking).await?,
                Err(error) => Refusal::unsent(&error),
            };
            let wait = refusal.wait.unwrap_or(pause);
            if !refusal.is_passing || attempt >= ATTEMPTS_MAX || wait >= asking.left() {
                return Err(refusal);
            }
            asking.bounded(tokio::time::sleep(wait)).await?;
            pause *= 2;
        }
        Err(asking.timed_out().into())
    }
}

/// What was answered.
#[derive(Debug)]
pub(crate) struct Reply {
    pub(crate) body: Vec<u8>,
    headers: HeaderMap,
}

impl Reply {
    /// A header's text.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }
}

/// The authorities of `ca_file`, and no others: who names some means these.
fn authorities(file: &str) -> Result<Vec<Certificate>, String> {
    let wrong = |why: String| format!("ca_file `{file}`: {why}; hint: certificates in PEM");
    let text = std::fs::read(file).map_err(|error| wrong(error.to_string()))?;
    let found = Certificate::from_pem_bundle(&text).map_err(|error| wrong(error.to_string()))?;
    if found.is_empty() { Err(wrong("it holds none".to_owned())) } else { Ok(found) }
}

/// Everything that the response carries, up to the limit.
async fn body(mut response: Response, bytes_max: usize) -> Result<Vec<u8>, AskError> {
    let mut bytes = Vec::new();
    loop {
        match response.chunk().await {
            Ok(Some(chunk)) if bytes.len() + chunk.len() > bytes_max => {
                let what = format!("the answer is longer than the {bytes_max} bytes that are left for it");
                return Err(AskError::LimitReached(what));
            }
            Ok(Some(chunk)) => bytes.extend_from_slice(&chunk),
            Ok(None) => return Ok(bytes),
            Err(error) => return Err(AskError::Unavailable(format!("the answer broke off: {error}"))),
        }
    }
}

/// Who asks, and the further headers.
fn headers(name: &str, settings: &Settings) -> Result<HeaderMap, SettingsError> {
    let wrong = |what: String| SettingsError::Value { source_name: name.to_owned(), what };
    let mut headers = HeaderMap::new();
    for (key, value) in &settings.headers {
        let key = HeaderName::try_from(key).map_err(|_| wrong(format!("`{key}` is no name of a header")))?;
        let value =
            HeaderValue::try_from(value).map_err(|_| wrong(format!("the value of `{key}` is no header")))?;
        headers.insert(key, value);
    }
    for (key, value) in settings.secret_headers(name)? {
        let key = HeaderName::try_from(&key).map_err(|_| wrong(format!("`{key}` is no name of a header")))?;
        let mut value = HeaderValue::try_from(value)
            .map_err(|_| wrong(format!("the secret of `{key}` is no header: it holds control characters")))?;
        value.set_sensitive(true);
        headers.insert(key, value);
    }
    if let Some(token) = settings.token(name)? {
        if settings.username.is_some() {
            return Err(wrong("a token and a user are both set; hint: keep one".to_owned()));
        }
        let value = HeaderValue::try_from(format!("Bearer {token}"));
        let mut value =
            value.map_err(|_| wrong("the token is no header: it holds control characters".to_owned()))?;
        value.set_sensitive(true);
        headers.insert(AUTHORIZATION, value);
    }
    Ok(headers)
}

#[cfg(test)]
mod tests;
