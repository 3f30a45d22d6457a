//! Who may ask: no page of another site, under whatever name it reaches us.
//!
//! A name that an attacker points at this address (DNS rebinding) never is an address literal or `localhost`, so
//! those alone are answered. A change also needs the origin of our own page and the token.

use std::net::IpAddr;

use hyper::header::{self, HeaderMap};

/// Whether a request was sent to an address and not to a name.
pub(crate) fn host(headers: &HeaderMap) -> bool {
    is_literal(headers.get(header::HOST).and_then(|host| host.to_str().ok()).unwrap_or_default())
}

/// The same, or under one of the names that the operator allows. A request that names several hosts is asked for under none.
pub(crate) fn host_among(headers: &HeaderMap, allowed: &[String]) -> bool {
    if headers.get_all(header::HOST).iter().count() != 1 {
        return false;
    }
    let host = headers.get(header::HOST).and_then(|host| host.to_str().ok()).unwrap_or_default();
    let name = match host.rsplit_once(':') {
        Some((name, port)) if is_port(Some(port)) => name,
        _ => host,
    };
    self::host(headers) || allowed.iter().any(|allowed| allowed.eq_ignore_ascii_case(name))
}

/// Whether a change comes from our own page. A program sends no `Origin`; a form of a page always does.
pub(crate) fn origin(headers: &HeaderMap) -> bool {
    let text = |name: header::HeaderName| headers.get(name).map(|value| value.to_str().unwrap_or("null"));
    let is_same_site =
        headers.get("sec-fetch-site").is_none_or(|site| matches!(site.to_str(), Ok("same-origin" | "none")));
    let host = text(header::HOST).unwrap_or_default();
    // Under a name a proxy may stand before us that speaks TLS; that the name is ours was seen before.
    let is_ours = |origin: &str| {
        let https = origin.strip_prefix("https://").filter(|_| !is_literal(host));
        https.or_else(|| origin.strip_prefix("http://")) == Some(host)
    };
    is_same_site && text(header::ORIGIN).is_none_or(is_ours)
}

fn is_literal(host: &str) -> bool {
    let name = match host.strip_prefix('[') {
        Some(rest) => match rest.split_once(']') {
            Some((name, port)) if port.is_empty() || is_port(port.strip_prefix(':')) => name,
            _ => return false,
        },
        None => match host.split_once(':') {
            Some((name, port)) if is_port(Some(port)) => name,
            Some(_) => return false,
            None => host,
        },
    };
    name.eq_ignore_ascii_case("localhost") || name.parse::<IpAddr>().is_ok()
}

fn is_port(text: Option<&str>) -> bool {
    text.is_some_and(|port| port.parse::<u16>().is_ok())
}

/// Whether two texts are the same, in a time that does not tell where they differ.
pub(crate) fn same(one: &str, other: &str) -> bool {
    let (one, other) = (one.as_bytes(), other.as_bytes());
    one.len() == other.len() && one.iter().zip(other).fold(0, |found, (a, b)| found | (a ^ b)) == 0
}

#[cfg(test)]
mod tests {
    use hyper::header::HeaderValue;

    use super::*;

    #[test]
    fn a_name_that_could_be_pointed_at_us_is_not_answered() {
        for host in ["127.0.0.1:8080", "localhost", "LOCALHOST:1", "[::1]:8080", "10.0.0.7"] {
            assert!(is_literal(host), "{host}");
        }
        for host in
            ["", "evil.example", "evil.example:8080", "127.0.0.1.evil.example", "[::1]x", "localhost:x"]
        {
            assert!(!is_literal(host), "{host}");
        }
    }

    #[test]
    fn a_change_from_another_origin_is_refused() {
        let headers = |origin: Option<&'static str>, site: Option<&'static str>| {
            let mut headers = HeaderMap::new();
            headers.insert(header::HOST, HeaderValue::from_static("127.0.0.1:8080"));
            origin.map(|origin| headers.insert(header::ORIGIN, HeaderValue::from_static(origin)));
            site.map(|site| headers.insert("sec-fetch-site", HeaderValue::from_static(site)));
            headers
        };
        assert!(origin(&headers(None, None)));
        assert!(origin(&headers(Some("http://127.0.0.1:8080"), Some("same-origin"))));
        assert!(!origin(&headers(Some("http://127.0.0.1:9"), None)));
        assert!(!origin(&headers(Some("null"), None)));
        assert!(!origin(&headers(Some("http://evil.example"), Some("cross-site"))));
        assert!(!origin(&headers(None, Some("cross-site"))));
    }

    #[test]
    fn a_name_is_answered_when_it_is_allowed_and_behind_tls_only_then() {
        let allowed = ["firstcause.internal".to_owned()];
        let headers = |host: &'static str, origin: &'static str| {
            let pair = |name, value| (name, HeaderValue::from_static(value));
            HeaderMap::from_iter([pair(header::HOST, host), pair(header::ORIGIN, origin)])
        };
        for (host, is_answered) in [
            ("firstcause.internal", true),
            ("FIRSTCAUSE.internal:8443", true),
            ("127.0.0.1:8080", true),
            ("x.firstcause.internal", false),
            ("firstcause.internal.evil", false),
            ("firstcause.internal:x", false),
        ] {
            assert_eq!(host_among(&headers(host, "null"), &allowed), is_answered, "{host}");
        }
        let mut twice = headers("firstcause.internal", "null");
        twice.append(header::HOST, HeaderValue::from_static("firstcause.internal"));
        assert!(!host_among(&twice, &allowed));
        assert!(origin(&headers("firstcause.internal", "https://firstcause.internal")));
        assert!(!origin(&headers("firstcause.internal", "https://evil.example")));
        assert!(
            !origin(&headers("127.0.0.1:8080", "https://127.0.0.1:8080")),
            "nobody speaks TLS for an address"
        );
    }

    #[test]
    fn texts_are_the_same_only_when_they_are() {
        assert!(same("abc", "abc"));
        assert!(!same("abc", "abd") && !same("abc", "ab") && !same("", "a"));
    }
}
