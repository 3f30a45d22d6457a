//! Reading the body of a request, within its bounds.
//!
//! How a refusal reads is the reader's own business.

use std::time::Duration;

use http_body_util::{BodyExt, Limited};
use hyper::Request;
use hyper::body::{Bytes, Incoming};

/// Longest body that is read: the longest honest question has three names in it.
const BYTES_MAX: usize = 64 * 1024;
/// How long a client may take to send it.
pub(crate) const TIMEOUT: Duration = Duration::from_secs(10);

/// Why a body was not read to its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Unread {
    /// It is longer than is read here, or the connection ended.
    Long,
    /// It did not arrive in time.
    Slow,
}

/// The whole body.
pub(crate) async fn read(request: Request<Incoming>) -> Result<Bytes, Unread> {
    read_at_most(request, BYTES_MAX).await
}

/// The whole body, of at most so many bytes.
pub(crate) async fn read_at_most(request: Request<Incoming>, bytes_max: usize) -> Result<Bytes, Unread> {
    let body = Limited::new(request.into_body(), bytes_max).collect();
    match tokio::time::timeout(TIMEOUT, body).await {
        Ok(Ok(body)) => Ok(body.to_bytes()),
        Ok(Err(_)) => Err(Unread::Long),
        Err(_) => Err(Unread::Slow),
    }
}
