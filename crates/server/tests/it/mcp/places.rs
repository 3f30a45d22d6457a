//! 400 seeded combinations of `Host` and `Origin`, each labelled when it is made and not by looking at it.

use server::mcp::Settings;

use super::{mounted, raw};

const CASES: usize = 400;

/// A small generator of numbers: the same cases every time.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: usize) -> usize {
        // The constants of Knuth's MMIX.
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(self.0 >> 33).expect("31 bits") % sides
    }

    fn pick<'a>(&mut self, of: &[&'a str]) -> &'a str {
        of[self.roll(of.len())]
    }

    /// The same text in any case.
    fn cased(&mut self, text: &str) -> String {
        let up = |one: char, dice: &mut Self| if dice.roll(2) == 0 { one } else { one.to_ascii_uppercase() };
        text.chars().map(|one| up(one, self)).collect()
    }

    fn port(&mut self) -> String {
        if self.roll(2) == 0 { String::new() } else { format!(":{}", 1 + self.roll(65_535)) }
    }

    fn word(&mut self) -> String {
        (0..1 + self.roll(8))
            .map(|_| char::from(b'a' + u8::try_from(self.roll(26)).expect("a letter")))
            .collect()
    }
}

/// A value of `Host`, and whether the rule lets it pass.
fn host(dice: &mut Dice) -> (String, bool) {
    let port = dice.port();
    match dice.roll(12) {
        0..3 => {
            let parts: Vec<String> = (0..4).map(|_| dice.roll(256).to_string()).collect();
            (format!("{}{port}", parts.join(".")), true)
        }
        3 => {
            let parts: Vec<String> = (0..8).map(|_| format!("{:x}", dice.roll(65_536))).collect();
            (format!("[{}]{port}", parts.join(":")), true)
        }
        4 => (format!("{}{port}", dice.pick(&["[::1]", "[fe80::7]", "[::ffff:127.0.0.1]"])), true),
        5 | 6 => (format!("{}{port}", dice.cased("localhost")), true),
        7 => (format!("{}{port}", dice.cased("tools.example")), true),
        8 => (
            format!("{}.{}{port}", dice.word(), dice.pick(&["example", "localhost", "tools.example"])),
            false,
        ),
        9 => (
            format!("{}.{}{port}", dice.pick(&["localhost", "127.0.0.1", "tools.example"]), dice.word()),
            false,
        ),
        10 => {
            let odd = [
                "localhost:",
                "localhost:65536",
                "localhost:80x",
                "[::1",
                "::1",
                "[::1]x",
                "[fe80::1%25eth0]",
            ];
            (dice.pick(&odd).to_owned(), false)
        }
        _ => {
            let odd = [
                "",
                "localhost.",
                "2130706433",
                "127.1",
                "0x7f.0.0.1",
                "010.0.0.1",
                "256.0.0.1",
                "a@localhost",
            ];
            (dice.pick(&odd).to_owned(), false)
        }
    }
}

/// Headers of a page or a program that asks `host`, and whether the rule lets them pass.
fn origin(dice: &mut Dice, host: &str) -> (Vec<(&'static str, String)>, bool) {
    let own = format!("http://{host}");
    let one = |text: String| vec![("origin", text)];
    match dice.roll(14) {
        0..4 => (Vec::new(), true),
        4 | 5 => (one(own), true),
        6 => (one(dice.cased(&own)), true),
        7 => (one(dice.cased("https://app.example:8443")), true),
        8 => (vec![("sec-fetch-site", dice.pick(&["same-origin", "none"]).to_owned())], true),
        9 => (vec![("sec-fetch-site", dice.pick(&["cross-site", "same-site"]).to_owned())], false),
        10 => (one(format!("http://{}.example{}", dice.word(), dice.port())), false),
        11 => (vec![("origin", own.clone()), ("origin", own)], false),
        12 => (one(format!("{}{host}", dice.pick(&["https://", "http://x", "", "ftp://"]))), false),
        _ => {
            let odd =
                ["null", "", "https://app.example", "https://app.example:8443/", "https://app.example:84433"];
            (one(dice.pick(&odd).to_owned()), false)
        }
    }
}

#[tokio::test]
async fn of_400_hosts_and_origins_exactly_those_that_the_rule_names_are_answered() {
    let mut settings = Settings::default();
    settings.allowed_hosts = vec!["tools.example".to_owned()];
    settings.allowed_origins = vec!["https://app.example:8443".to_owned()];
    let address = mounted(settings).await;
    let mut dice = Dice(6);
    let mut passed = 0;
    for case in 0..CASES {
        let (host, is_host) = host(&mut dice);
        let (origin, is_origin) = origin(&mut dice, &host);
        let mut headers = vec![("host", host.as_str()), ("content-type", "application/json")];
        headers.extend(origin.iter().map(|(name, value)| (*name, value.as_str())));
        let answer =
            raw(address, "POST", "/mcp", &headers, r#"{"jsonrpc":"2.0","id":1,"method":"ping"}"#).await;
        let expected = if is_host && is_origin { 200 } else { 403 };
        assert_eq!(answer.status, expected, "case {case}: `{host}` and {origin:?}: {}", answer.text);
        passed += usize::from(is_host && is_origin);
    }
    // Neither kind is rare, or the figure would say little.
    assert!((CASES / 4..CASES * 3 / 4).contains(&passed), "{passed} of {CASES} were let in");
}

#[tokio::test]
async fn two_hosts_or_none_are_no_host() {
    let address = mounted(Settings::default()).await;
    let ping = r#"{"jsonrpc":"2.0","id":1,"method":"ping"}"#;
    let json = ("content-type", "application/json");
    raw(address, "POST", "/mcp", &[json], ping).await.check(403, "");
    raw(address, "POST", "/mcp", &[json, ("host", "localhost"), ("host", "evil.example")], ping)
        .await
        .check(403, "");
}

/// A page of an allowed origin asks what it may send, sends it and may read the answer; any other page is told nothing.
#[tokio::test]
async fn the_page_of_an_allowed_origin_may_read_what_it_is_answered_and_no_other() {
    const GOOD: &str = "https://console.example";
    let settings = Settings::reached(vec!["tools.example".to_owned()], vec![GOOD.to_owned()], None);
    let address = mounted(settings).await;
    let local = address.to_string();
    let asks = ("access-control-request-method", "POST");
    for (host, origin, status, is_told) in [
        (local.as_str(), GOOD, 204, true),
        ("tools.example", GOOD, 204, true),
        ("evil.example", GOOD, 403, false),
        (local.as_str(), "https://evil.example", 403, false),
        (local.as_str(), "null", 403, false),
    ] {
        let answer = raw(address, "OPTIONS", "/mcp", &[("host", host), ("origin", origin), asks], "").await;
        assert_eq!(answer.status, status, "{host} {origin}: {}", answer.text);
        let allowed = answer.header("access-control-allow-origin");
        assert_eq!(allowed, is_told.then_some(origin), "{host} {origin}");
        let methods = answer.header("access-control-allow-methods");
        assert_eq!(methods.is_some_and(|methods| methods.contains("POST")), is_told, "{host} {origin}");
    }
    let list = r#"{"jsonrpc":"2.0","id":1,"method":"tools/list"}"#;
    let json = ("content-type", "application/json");
    let read = raw(address, "POST", "/mcp", &[("host", &local), ("origin", GOOD), json], list).await;
    assert_eq!(read.header("access-control-allow-origin"), Some(GOOD), "{}", read.text);
    assert!(
        read.header("access-control-expose-headers").is_some_and(|names| names.contains("mcp-session-id"))
    );
    let evil = ("origin", "https://evil.example");
    let unread = raw(address, "POST", "/mcp", &[("host", &local), evil, json], list).await;
    let told = unread.header("access-control-allow-origin");
    assert_eq!((unread.status, told), (403, None), "not even a refusal can be read: {}", unread.text);
    let program = raw(address, "POST", "/mcp", &[("host", &local), json], list).await;
    assert_eq!(program.header("access-control-allow-origin"), None, "a program needs no such word");
}
