//! The door against a server that answers as it is told: refusals, delays, endless and broken answers.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

use super::*;

/// Answers the nth request with the nth text, and the last one ever after; counts.
async fn server(answers: &'static [&'static str]) -> (Http, Arc<AtomicUsize>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/below", listener.local_addr().unwrap());
    let asked = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&asked);
    tokio::spawn(async move {
        loop {
            let (mut stream, _) = listener.accept().await.unwrap();
            let count = Arc::clone(&count);
            tokio::spawn(async move {
                let mut request = [0; 4096];
                let read = stream.read(&mut request).await.unwrap();
                assert!(
                    request[..read].starts_with(b"GET /below/x?q=a%7Bb HTTP/1.1"),
                    "only GET, below the path"
                );
                let place = count.fetch_add(1, Ordering::SeqCst);
                let answer = answers.get(place).or(answers.last()).unwrap();
                stream.write_all(answer.as_bytes()).await.unwrap();
                if answer.ends_with("...") {
                    std::future::pending::<()>().await;
                }
            });
        }
    });
    let settings = Settings { kind: "prometheus".to_owned(), url, ..Settings::default() };
    (Http::new("m", &settings).unwrap(), asked)
}

async fn get(http: &Http, seconds: u64) -> Result<String, AskError> {
    let asking = http.asking(Limits { seconds_max: seconds, ..Limits::default() }, &Cancel::default());
    let bytes = http.get("x", &[("q", "a{b".to_owned())], &asking).await?;
    Ok(String::from_utf8(bytes).unwrap())
}

const OK: &str = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok";
const LATER: &str =
    "HTTP/1.1 429 Too Many Requests\r\nRetry-After: 1\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";
const MUCH_LATER: &str =
    "HTTP/1.1 429 Too Many Requests\r\nRetry-After: 60\r\nContent-Length: 4\r\nConnection: close\r\n\r\nslow";
const DOWN: &str = "HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";
const FORBIDDEN: &str =
    "HTTP/1.1 403 Forbidden\r\nContent-Length: 9\r\nConnection: close\r\n\r\nno\u{1b}[2J you";
const MOVED: &str =
    "HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:1/\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";
const BROKEN: &str = "HTTP/1.1 200 OK\r\nContent-Length: 900\r\nConnection: close\r\n\r\nonly this";

#[tokio::test]
async fn what_is_refused_for_now_is_asked_again_when_the_other_side_says_so() {
    let (http, asked) = server(&[LATER, OK]).await;
    let began = Instant::now();
    assert_eq!(get(&http, 10).await.unwrap(), "ok");
    assert!(began.elapsed() >= Duration::from_secs(1) && asked.load(Ordering::SeqCst) == 2);
}

#[tokio::test]
async fn a_pause_that_does_not_fit_into_the_time_is_not_waited_for() {
    let (http, asked) = server(&[MUCH_LATER, OK]).await;
    let began = Instant::now();
    let error = get(&http, 5).await.unwrap_err();
    assert!(matches!(&error, AskError::Unavailable(what) if what.contains("429") && what.contains("slow")));
    assert!(began.elapsed() < Duration::from_secs(2) && asked.load(Ordering::SeqCst) == 1);
}

#[tokio::test]
async fn a_server_that_stays_down_is_asked_three_times() {
    let (http, asked) = server(&[DOWN]).await;
    let error = get(&http, 10).await.unwrap_err();
    assert!(matches!(&error, AskError::Unavailable(what) if what.contains("503")), "{error}");
    assert_eq!(asked.load(Ordering::SeqCst), ATTEMPTS_MAX as usize);
}

#[tokio::test]
async fn a_refusal_is_told_with_its_text_and_a_hint_and_not_repeated() {
    let (http, asked) = server(&[FORBIDDEN]).await;
    let error = get(&http, 10).await.unwrap_err().to_string();
    assert!(error.contains("403") && error.contains("hint: who asks may not read this"), "{error}");
    assert!(!error.contains('\u{1b}') && asked.load(Ordering::SeqCst) == 1);
}

#[tokio::test]
async fn a_redirect_is_not_followed_and_a_broken_answer_is_an_error() {
    let (http, _) = server(&[MOVED]).await;
    assert!(get(&http, 10).await.unwrap_err().to_string().contains("redirects to"));
    let (http, _) = server(&[BROKEN]).await;
    assert!(get(&http, 10).await.unwrap_err().to_string().contains("broke off"));
}

#[tokio::test]
async fn an_answer_that_does_not_come_ends_in_time_or_when_the_asker_gives_up() {
    let (http, _) = server(&["HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nnever..."]).await;
    assert_eq!(get(&http, 1).await, Err(AskError::TimedOut(1)));
    let cancel = Cancel::default();
    let asking = http.asking(Limits::default(), &cancel);
    cancel.cancel();
    assert_eq!(http.get("x", &[("q", "a{b".to_owned())], &asking).await, Err(AskError::Cancelled));
}

#[tokio::test]
async fn an_answer_beyond_the_limit_is_not_read_to_its_end() {
    let (http, _) = server(&["HTTP/1.1 200 OK\r\nContent-Length: 20\r\n\r\n01234567890123456789"]).await;
    let budget = |bytes| Budget { bytes: Some(bytes), ..Budget::default() };
    let http = Http { budget: budget(10), ..http };
    assert!(matches!(get(&http, 10).await, Err(AskError::LimitReached(_))));
    // What one request takes, the next one of the same answer has no more.
    let http = Http { budget: budget(30), ..http };
    let asking = http.asking(Limits::default(), &Cancel::default());
    let query = [("q", "a{b".to_owned())];
    assert!(http.get("x", &query, &asking).await.is_ok());
    assert!(matches!(http.get("x", &query, &asking).await, Err(AskError::LimitReached(_))));
}

#[tokio::test]
async fn a_budget_shortens_the_time_and_post_reaches_what_reads_and_nothing_else() {
    let (http, asked) = server(&["HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nnever..."]).await;
    let http = Http { budget: Budget { seconds: Some(1), ..Budget::default() }, ..http };
    assert_eq!(get(&http, 30).await, Err(AskError::TimedOut(1)));
    let asking = http.asking(Limits::default(), &Cancel::default());
    for path in [
        "_bulk",
        "x/_doc",
        "x_search",
        "_search/template",
        "",
        "x/_delete_by_query",
        "_query/async",
        "events",
        "x-events/search",
    ] {
        let refused = http.search(path, &[], &serde_json::json!({}), &asking).await;
        assert_eq!(refused, Err(AskError::Unsupported(format!("POST {path}"))), "{path}");
    }
    assert_eq!(asked.load(Ordering::SeqCst), 1, "none of them left");
}

#[tokio::test]
async fn nobody_there_is_told_at_once() {
    let settings = Settings { url: "http://127.0.0.1:1".to_owned(), ..Settings::default() };
    let http = Http::new("m", &settings).unwrap();
    let began = Instant::now();
    let error = get(&http, 10).await.unwrap_err().to_string();
    assert!(error.contains("hint: is it running") && began.elapsed() < Duration::from_secs(2), "{error}");
}

#[test]
#[allow(clippy::disallowed_methods, reason = "nothing is lost when a test loses a file")]
fn an_authority_that_cannot_be_read_is_told_before_anything_is_asked() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("ca.crt");
    let of = |path: &std::path::Path| Settings {
        url: "https://127.0.0.1:1".to_owned(),
        ca_file: Some(path.display().to_string()),
        ..Settings::default()
    };
    let why = |path: &std::path::Path| Http::new("m", &of(path)).unwrap_err().to_string();
    assert!(why(&file).contains("ca_file `") && why(&file).contains("hint: certificates in PEM"));
    std::fs::write(&file, "no certificate\n").unwrap();
    assert!(why(&file).contains("it holds none"), "{}", why(&file));
}

/// A server with a certificate of its own for 127.0.0.1; its address, and the certificate in PEM.
async fn encrypted() -> (String, String) {
    use tokio_rustls::rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
    use tokio_rustls::rustls::{ServerConfig, crypto::ring};
    let key = rcgen::KeyPair::generate().unwrap();
    let own = rcgen::CertificateParams::new(vec!["127.0.0.1".to_owned()]).unwrap().self_signed(&key).unwrap();
    let private = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.serialize_der()));
    let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![own.der().clone()], private)
        .unwrap();
    let acceptor = tokio_rustls::TlsAcceptor::from(Arc::new(config));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("https://{}", listener.local_addr().unwrap());
    tokio::spawn(async move {
        loop {
            let (stream, _) = listener.accept().await.unwrap();
            // Who does not trust the certificate goes away.
            let Ok(mut stream) = acceptor.accept(stream).await else { continue };
            let mut request = [0; 4096];
            assert!(stream.read(&mut request).await.unwrap() > 0);
            stream.write_all(OK.as_bytes()).await.unwrap();
            stream.shutdown().await.unwrap();
        }
    });
    (url, pem(own.der()))
}

fn pem(der: &[u8]) -> String {
    const LETTERS: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = String::new();
    for part in der.chunks(3) {
        let number =
            part.iter().fold(0_u32, |all, byte| all << 8 | u32::from(*byte)) << (8 * (3 - part.len()));
        for place in 0..4 {
            let letter = LETTERS[(number >> (18 - 6 * place)) as usize & 63];
            text.push(if place <= part.len() { char::from(letter) } else { '=' });
        }
    }
    format!("-----BEGIN CERTIFICATE-----\n{text}\n-----END CERTIFICATE-----\n")
}

#[tokio::test]
#[allow(clippy::disallowed_methods, reason = "nothing is lost when a test loses a file")]
async fn an_authority_of_ones_own_is_trusted_and_without_it_nobody_is() {
    let (url, certificate) = encrypted().await;
    let (_, stranger) = encrypted().await;
    let folder = tempfile::tempdir().unwrap();
    let told = async |ca: Option<&str>| {
        let ca_file = ca.map(|text| {
            std::fs::write(folder.path().join("ca.crt"), text).unwrap();
            folder.path().join("ca.crt").display().to_string()
        });
        let http = Http::new("m", &Settings { url: url.clone(), ca_file, ..Settings::default() }).unwrap();
        get(&http, 5).await
    };
    assert_eq!(told(Some(&certificate)).await, Ok("ok".to_owned()));
    for wrong in [None, Some(stranger.as_str())] {
        let why = told(wrong).await.unwrap_err().to_string();
        assert!(why.contains("certificate"), "{why}");
    }
}
