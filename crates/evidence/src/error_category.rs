//! Which category an error is of, from its type, its status and its topmost frame; and none when they do not say.
//!
//! A type counts by its own name, whole, without its package: `TimeoutError` is one and `NoTimeoutConfigured` is none.
//! What says nothing (`Error`, `RuntimeException`) leaves it to the status and the frame. When two of the three contradict each
//! other nothing is said. The names are those of the standard libraries of common languages; statuses are those of RFC
//! 9110 and of gRPC. There is no chance in it; how often it is right is measured on the labelled set in the tests.

/// The categories.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum ErrorCategory {
    /// The caller may not.
    Access,
    /// The program is wrong: a null, an index, a type.
    Code,
    /// The other side cannot be reached.
    Connection,
    /// Something stored contradicts what was asked.
    Data,
    /// The request is wrong.
    Request,
    /// Memory, files, threads or a quota are used up.
    Resource,
    /// The other side failed or is not available.
    Upstream,
    /// It took too long.
    Timeout,
}

/// What is known of an error; what is not stays empty.
#[derive(Debug, Clone, Copy, Default)]
pub struct Failure<'a> {
    /// `exception.type`, with or without its package.
    pub kind: &'a str,
    /// Status of HTTP, if there is one.
    pub http_status: Option<u16>,
    /// Status of gRPC, if there is one.
    pub grpc_status: Option<u8>,
    /// The topmost frame of the stack, as written.
    pub frame: &'a str,
}

/// The category, or nothing.
#[must_use]
pub fn of(failure: &Failure<'_>) -> Option<ErrorCategory> {
    let by_type = by_type(failure.kind);
    let statuses = [failure.http_status.and_then(by_http), failure.grpc_status.and_then(by_grpc)];
    let mut said: Vec<ErrorCategory> = statuses.into_iter().flatten().collect();
    // A status tells the other side's view: `Upstream` is what every failure looks like from there.
    said.retain(|category| *category != ErrorCategory::Upstream || by_type.is_none());
    said.extend(by_type);
    if said.is_empty() {
        said.extend(by_frame(failure.frame));
    }
    said.sort();
    said.dedup();
    match said.as_slice() {
        [only] => Some(*only),
        _ => None,
    }
}

/// The type's own name: what stands behind the last separator of a package.
fn own_name(kind: &str) -> &str {
    kind.trim().rsplit(['.', ':', '/', '\\', '$']).next().unwrap_or_default()
}

fn by_type(kind: &str) -> Option<ErrorCategory> {
    Some(match own_name(kind) {
        "TimeoutError"
        | "TimeoutException"
        | "SocketTimeoutException"
        | "ReadTimeout"
        | "ConnectTimeout"
        | "TaskCanceledException"
        | "DeadlineExceeded"
        | "HttpTimeoutException"
        | "AsyncTimeoutException" => ErrorCategory::Timeout,
        "ConnectException"
        | "ConnectionRefusedError"
        | "ConnectionResetError"
        | "ConnectionError"
        | "UnknownHostException"
        | "SocketException"
        | "NoRouteToHostException"
        | "BrokenPipeError"
        | "ECONNREFUSED"
        | "ECONNRESET"
        | "SSLHandshakeException"
        | "gaierror"
        | "OpError" => ErrorCategory::Connection,
        "NullPointerException"
        | "TypeError"
        | "AttributeError"
        | "IndexError"
        | "KeyError"
        | "IndexOutOfBoundsException"
        | "ArrayIndexOutOfBoundsException"
        | "ClassCastException"
        | "NullReferenceException"
        | "ReferenceError"
        | "UnboundLocalError"
        | "ZeroDivisionError"
        | "ArithmeticException"
        | "NotImplementedError" => ErrorCategory::Code,
        "OutOfMemoryError"
        | "MemoryError"
        | "OutOfMemoryException"
        | "StackOverflowError"
        | "RejectedExecutionException"
        | "EMFILE"
        | "ENOSPC"
        | "ENOMEM"
        | "BlockingIOError" => ErrorCategory::Resource,
        "IntegrityError"
        | "SQLIntegrityConstraintViolationException"
        | "DataIntegrityViolationException"
        | "UniqueViolation"
        | "JSONDecodeError"
        | "UnicodeDecodeError" => ErrorCategory::Data,
        "IllegalArgumentException"
        | "ValidationError"
        | "ArgumentException"
        | "ArgumentNullException"
        | "MethodArgumentNotValidException" => ErrorCategory::Request,
        "AccessDeniedException"
        | "PermissionError"
        | "UnauthorizedAccessException"
        | "AuthenticationException" => ErrorCategory::Access,
        _ => return None,
    })
}

fn by_http(status: u16) -> Option<ErrorCategory> {
    Some(match status {
        401 | 403 | 407 => ErrorCategory::Access,
        408 | 504 => ErrorCategory::Timeout,
        409 => ErrorCategory::Data,
        413 | 429 | 507 => ErrorCategory::Resource,
        400..=499 => ErrorCategory::Request,
        502 | 503 => ErrorCategory::Upstream,
        // 500 says that something failed, which is known.
        _ => return None,
    })
}

fn by_grpc(status: u8) -> Option<ErrorCategory> {
    Some(match status {
        3 | 5 | 9 | 11 => ErrorCategory::Request,
        4 => ErrorCategory::Timeout,
        6 | 15 => ErrorCategory::Data,
        7 | 16 => ErrorCategory::Access,
        8 => ErrorCategory::Resource,
        14 => ErrorCategory::Upstream,
        _ => return None,
    })
}

/// A frame in the part of a standard library that only does one thing.
fn by_frame(frame: &str) -> Option<ErrorCategory> {
    let place = frame.trim().trim_start_matches("at ").trim_start_matches("File \"");
    let is_in = |starts: &[&str]| starts.iter().any(|start| place.starts_with(start));
    if is_in(&[
        "java.net.",
        "sun.nio.ch.",
        "System.Net.Sockets.",
        "net.(*Dialer)",
        "node:net",
        "internal/net",
    ]) {
        Some(ErrorCategory::Connection)
    } else if is_in(&["java.sql.", "System.Data.", "database/sql."]) {
        Some(ErrorCategory::Data)
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ErrorCategory::{Access, Code, Connection, Data, Request, Resource, Timeout, Upstream};

    fn typed(kind: &'static str) -> Failure<'static> {
        Failure { kind, ..Failure::default() }
    }

    fn http(kind: &'static str, status: u16) -> Failure<'static> {
        Failure { http_status: Some(status), ..typed(kind) }
    }

    /// Errors as instrumentations report them, labelled by hand; `None` where nobody could tell.
    // covers: W-07
    #[test]
    fn of_the_labelled_errors_none_is_wrong_and_few_are_left_open() {
        let frame = |kind: &'static str, frame: &'static str| Failure { frame, ..typed(kind) };
        let grpc = |status: u8| Failure { grpc_status: Some(status), ..typed("StatusRuntimeException") };
        let labelled = [
            (typed("java.net.SocketTimeoutException"), Some(Timeout)),
            (typed("System.TimeoutException"), Some(Timeout)),
            (http("Error", 504), Some(Timeout)),
            (grpc(4), Some(Timeout)),
            (typed("java.net.ConnectException"), Some(Connection)),
            (typed("builtins.ConnectionRefusedError"), Some(Connection)),
            (frame("java.io.IOException", "at java.net.Socket.connect(Socket.java:591)"), Some(Connection)),
            (typed("java.lang.NullPointerException"), Some(Code)),
            (typed("TypeError"), Some(Code)),
            (http("KeyError", 500), Some(Code)),
            (typed("java.lang.OutOfMemoryError"), Some(Resource)),
            (http("", 429), Some(Resource)),
            (grpc(8), Some(Resource)),
            (typed("psql.errors.UniqueViolation"), Some(Data)),
            (frame("RuntimeException", "at java.sql.Statement.execute(Statement.java)"), Some(Data)),
            (http("", 404), Some(Request)),
            (http("ValidationError", 400), Some(Request)),
            (http("", 403), Some(Access)),
            (typed("PermissionError"), Some(Access)),
            (http("HttpRequestException", 503), Some(Upstream)),
            (grpc(14), Some(Upstream)),
            (http("NullPointerException", 502), Some(Code)),
            (typed("java.lang.RuntimeException"), None),
            (http("Error", 500), None),
            (typed("com.shop.NoTimeoutConfiguredException"), None),
            (http("TimeoutError", 403), None),
        ];
        let answers: Vec<(Option<ErrorCategory>, Option<ErrorCategory>)> =
            labelled.iter().map(|(failure, label)| (of(failure), *label)).collect();
        let wrong = answers.iter().filter(|(said, label)| said.is_some() && said != label).count();
        let open = answers.iter().filter(|(said, label)| said.is_none() && label.is_some()).count();
        assert_eq!((wrong, open), (0, 0), "{answers:?}");
    }

    // covers: W-07
    #[test]
    fn parts_of_names_and_contradictions_say_nothing() {
        assert_eq!(of(&typed("MyTimeoutErrorHandler")), None);
        assert_eq!(of(&Failure::default()), None);
        assert_eq!(of(&Failure { grpc_status: Some(3), ..http("", 403) }), None);
        assert_eq!(of(&http("", 200)), None);
    }
}
