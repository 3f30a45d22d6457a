//! Why a request is turned away, and how that reads.
//!
//! A body is the transport's own; here are the status, the code, the sentence and the challenge (RFC 6750, section 3).

use hyper::StatusCode;

/// Why a request is turned away.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// Keys are asked for and none was shown.
    #[error("a key is needed; hint: `Authorization: Bearer KEY`; `firstcause key new --role ROLE` makes one")]
    NoKey,
    /// Nobody made a key yet, and others than this machine can ask.
    #[error(
        "this listens beyond this machine and has no key yet; hint: `firstcause key new --role ROLE` makes the first one, \
         or listen on 127.0.0.1"
    )]
    NoKeyYet,
    /// Nobody made a key yet, and somebody asks through a proxy.
    #[error(
        "the request came through a proxy and there is no key yet; hint: `firstcause key new --role ROLE` makes the first \
         one"
    )]
    Forwarded,
    /// What was shown is no key.
    #[error("{0}; hint: `Authorization: Bearer fck_...`, once")]
    NotAKey(&'static str),
    /// No such key.
    #[error("the key is not known here; hint: `firstcause key list` shows which are")]
    Unknown,
    /// It was revoked.
    #[error("the key was revoked; hint: `firstcause key new --role ROLE` makes another one")]
    Revoked,
    /// Its time is over.
    #[error("the key has expired; hint: `firstcause key new --role ROLE` makes another one")]
    Expired,
    /// It opens other spaces.
    #[error("the key does not open the space `{space}`; hint: it opens {}", .opens.join(", "))]
    OtherSpace {
        /// Which was asked about.
        space: String,
        /// Which it opens.
        opens: Vec<String>,
    },
    /// It may use other tools.
    #[error("the key may not call `{tool}`; hint: it may call {may}")]
    OtherTool {
        /// Which was called.
        tool: String,
        /// Which it may call.
        may: String,
    },
    /// The agent says something of itself that cannot be read.
    #[error("{0}")]
    NotUnderstood(String),
    /// The keys cannot be read, so nobody is let in.
    #[error("the keys cannot be read: {0}; hint: `firstcause key list` says more")]
    Unavailable(String),
}

impl Refusal {
    /// The status of the response.
    #[must_use]
    pub fn status(&self) -> StatusCode {
        match self {
            Self::NoKey
            | Self::NoKeyYet
            | Self::Forwarded
            | Self::NotAKey(_)
            | Self::Unknown
            | Self::Revoked
            | Self::Expired => StatusCode::UNAUTHORIZED,
            Self::OtherSpace { .. } | Self::OtherTool { .. } => StatusCode::FORBIDDEN,
            Self::NotUnderstood(_) => StatusCode::BAD_REQUEST,
            Self::Unavailable(_) => StatusCode::SERVICE_UNAVAILABLE,
        }
    }

    /// The stable code.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::NoKey | Self::NoKeyYet | Self::Forwarded => "FC-0040",
            Self::NotAKey(_) | Self::Unknown | Self::Revoked | Self::Expired => "FC-0041",
            Self::OtherSpace { .. } | Self::OtherTool { .. } => "FC-0042",
            Self::NotUnderstood(_) => "FC-0043",
            Self::Unavailable(_) => "FC-0044",
        }
    }

    /// The error of the challenge (RFC 6750, section 3.1): none for who showed nothing.
    #[must_use]
    pub fn error(&self) -> Option<&'static str> {
        match self.code() {
            "FC-0041" => Some("invalid_token"),
            "FC-0042" => Some("insufficient_scope"),
            _ => None,
        }
    }

    /// The value of `WWW-Authenticate`, where there is to be one; `metadata` is the address of the metadata of the
    /// protected resource (RFC 9728, section 5.1).
    #[must_use]
    pub fn challenge(&self, metadata: Option<&str>) -> Option<String> {
        if !matches!(self.status(), StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN) {
            return None;
        }
        Some(challenge(self.error(), metadata))
    }
}

/// The value of `WWW-Authenticate` with this error, and with the address of the metadata of the protected resource.
pub(crate) fn challenge(error: Option<&str>, metadata: Option<&str>) -> String {
    let named = |name: &str, value: &str| format!("{name}=\"{value}\"");
    let metadata = metadata.map(|address| named("resource_metadata", address));
    let error = error.map(|error| named("error", error));
    let parts: Vec<String> =
        [Some(named("realm", "firstcause")), metadata, error].into_iter().flatten().collect();
    format!("Bearer {}", parts.join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;

    // covers: AW-20
    #[test]
    fn a_challenge_names_an_error_only_to_who_showed_something() {
        assert_eq!(Refusal::NoKey.challenge(None).unwrap(), "Bearer realm=\"firstcause\"");
        let challenge = Refusal::Revoked.challenge(Some("http://localhost/m")).unwrap();
        assert_eq!(
            challenge,
            "Bearer realm=\"firstcause\", resource_metadata=\"http://localhost/m\", error=\"invalid_token\""
        );
        assert_eq!(Refusal::Unavailable(String::new()).challenge(None), None);
    }
}
