//! The protocol over standard input and output, for a client that starts the program itself.
//!
//! One client, one session, no key: who can start the program may use it. Lines go through `arrays`, because the
//! library reads no arrays and the older revisions have them.

mod arrays;

use rmcp::ServerHandler;
use rmcp::ServiceExt;
use rmcp::transport::async_rw::AsyncRwTransport;
use tokio::io::{AsyncRead, AsyncWrite, DuplexStream, duplex};

/// Bytes of one line, which is one message or one array of them.
const LINE_MAX_BYTES: usize = 1 << 20;
/// Bytes that may lie between the client and the library.
const BETWEEN_BYTES: usize = 64 << 10;

/// Why the conversation ended early.
#[derive(Debug, thiserror::Error)]
pub enum StdioError {
    /// The client did not come to an understanding.
    #[error("begin the conversation over standard input")]
    Beginning(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// The task that served it ended.
    #[error("go on with the conversation over standard input")]
    Going(#[source] Box<dyn std::error::Error + Send + Sync>),
}

/// Serves `handler` over a pair of byte streams until the client closes its own.
///
/// # Errors
/// [`StdioError`], but for a client that leaves before it says anything.
pub async fn serve<H, R, W>(handler: H, input: R, output: W) -> Result<(), StdioError>
where
    H: ServerHandler,
    R: AsyncRead + Send + Unpin + 'static,
    W: AsyncWrite + Send + Unpin + 'static,
{
    let (to_library, from_client) = duplex(BETWEEN_BYTES);
    let (to_client, from_library) = duplex(BETWEEN_BYTES);
    let passing = arrays::pass((input, to_library), (from_library, output));
    let serving = converse(handler, from_client, to_client);
    // What was answered is passed on before this ends.
    let (served, ()) = tokio::join!(serving, passing);
    served
}

async fn converse<H: ServerHandler>(
    handler: H,
    input: DuplexStream,
    output: DuplexStream,
) -> Result<(), StdioError> {
    let transport = AsyncRwTransport::new(input, output).with_max_line_length(LINE_MAX_BYTES);
    let running = match handler.serve(transport).await {
        Ok(running) => running,
        Err(rmcp::service::ServerInitializeError::ConnectionClosed(_)) => return Ok(()),
        Err(error) => return Err(StdioError::Beginning(Box::new(error))),
    };
    match running.waiting().await {
        Ok(_) => Ok(()),
        Err(error) => Err(StdioError::Going(Box::new(error))),
    }
}
