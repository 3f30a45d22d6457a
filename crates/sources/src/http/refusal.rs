//! Why a request was refused, whether it may be repeated, and after which pause.
//!
//! Understands the headers in which back ends say that they are asked too often; reads no body beyond its first words.

use std::time::Duration;

use reqwest::header::{DATE, HeaderMap, HeaderName, RETRY_AFTER};
use reqwest::{Response, StatusCode};
use telemetry::AskError;

use super::{Asking, ERROR_BYTES_MAX, ERROR_BYTES_READ, body};
use crate::rfc3339;

/// Seconds from which a number is a moment and no pause: GitHub tells when its limit ends, others how long it lasts.
const MOMENT: u64 = 1_000_000_000;

/// Why there was no answer, and whether there may be one later.
#[derive(Debug)]
pub(crate) struct Refusal {
    pub(crate) error: AskError,
    /// What the other side answered, if it did.
    pub(crate) status: Option<u16>,
    pub(super) is_passing: bool,
    pub(super) wait: Option<Duration>,
}

impl From<AskError> for Refusal {
    fn from(error: AskError) -> Self {
        Self { error, status: None, is_passing: false, wait: None }
    }
}

impl From<Refusal> for AskError {
    fn from(refusal: Refusal) -> Self {
        refusal.error
    }
}

impl Refusal {
    pub(super) async fn of(response: Response, asking: &Asking) -> Result<Self, AskError> {
        let status = response.status();
        let wait = wait(response.headers());
        let is_exhausted = response.headers().get("x-ratelimit-remaining").is_some_and(|left| left == "0");
        let is_limit = is_exhausted || response.headers().contains_key(RETRY_AFTER);
        let text = asking.bounded(body(response, ERROR_BYTES_READ)).await?.unwrap_or_default();
        let hint = match status {
            StatusCode::UNAUTHORIZED => "; hint: the source's token or password is missing or wrong",
            StatusCode::FORBIDDEN if is_limit => "; hint: it was asked too often; ask again later",
            StatusCode::FORBIDDEN => "; hint: who asks may not read this",
            StatusCode::NOT_FOUND => "; hint: does the source's `url` end where its interface begins?",
            status if status.is_redirection() => "; hint: give the address that it redirects to as `url`",
            _ => "",
        };
        let said = plain(&text);
        let what = if said.is_empty() {
            format!("answered {status}{hint}")
        } else {
            format!("answered {status}: {said}{hint}")
        };
        let is_passing = matches!(status.as_u16(), 429 | 502 | 503 | 504);
        Ok(Self {
            error: AskError::Unavailable(what),
            status: Some(status.as_u16()),
            // GitHub refuses with 403 what is over its limits.
            is_passing: is_passing || (status == StatusCode::FORBIDDEN && is_limit),
            wait,
        })
    }

    /// A connection that an idle server closed fails at its first use: once more is enough.
    pub(super) fn unsent(error: &reqwest::Error) -> Self {
        let mut what = "failed to ask".to_owned();
        let mut cause: Option<&dyn std::error::Error> = std::error::Error::source(error);
        while let Some(behind) = cause {
            what = format!("{what}: {behind}");
            cause = behind.source();
        }
        let hint = if error.is_connect() { "; hint: is it running at the source's `url`?" } else { "" };
        Self {
            error: AskError::Unavailable(format!("{what}{hint}")),
            status: None,
            is_passing: !error.is_connect(),
            wait: None,
        }
    }
}

/// The pause that the other side asks for: in a header of all, or in one that Datadog and GitHub have.
fn wait(headers: &HeaderMap) -> Option<Duration> {
    let number = |name: &HeaderName| headers.get(name)?.to_str().ok()?.parse::<u64>().ok();
    let told = [RETRY_AFTER, HeaderName::from_static("x-ratelimit-reset")].iter().find_map(number)?;
    if told < MOMENT {
        return Some(Duration::from_secs(told));
    }
    // By the other side's own clock; without it the moment is taken to be far.
    let now = headers.get(DATE).and_then(|date| rfc3339::http_date(date.to_str().ok()?));
    let now = now.and_then(|seconds| u64::try_from(seconds).ok()).unwrap_or_default();
    Some(Duration::from_secs(told.saturating_sub(now)))
}

/// The first characters of an error's text, on one line, without what a terminal would obey.
fn plain(text: &[u8]) -> String {
    let text = String::from_utf8_lossy(text.get(..ERROR_BYTES_MAX).unwrap_or(text)).into_owned();
    let shown: String = text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    shown.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pause_is_told_in_seconds_or_as_a_moment() {
        let headers = |pairs: &[(&'static str, &str)]| {
            pairs
                .iter()
                .map(|(name, value)| (HeaderName::from_static(name), value.parse().unwrap()))
                .collect()
        };
        let seconds = |pairs: &[(&'static str, &str)]| wait(&headers(pairs)).map(|wait| wait.as_secs());
        assert_eq!(seconds(&[("retry-after", "7"), ("x-ratelimit-reset", "9")]), Some(7));
        assert_eq!(seconds(&[("x-ratelimit-reset", "9")]), Some(9));
        let date = ("date", "Tue, 14 Nov 2023 22:13:20 GMT");
        assert_eq!(seconds(&[("x-ratelimit-reset", "1700000003"), date]), Some(3));
        assert!(seconds(&[("x-ratelimit-reset", "1700000003")]).is_some_and(|wait| wait > 1_000_000));
        assert_eq!(seconds(&[("retry-after", "soon")]), None);
    }
}
