//! Resolution on a simulated disk and a made-up environment.

use std::path::Path;

use clap::CommandFactory as _;
use platform::sim_disk::SimDisk;

use super::environment::variable_of;
use super::*;

fn disk(text: &str) -> SimDisk {
    let disk = SimDisk::default();
    let mut file = disk.open_new(Path::new(FILE)).unwrap();
    file.append(text.as_bytes()).unwrap();
    disk
}

fn resolved(text: &str, variables: &[(&str, &str)]) -> anyhow::Result<Resolved> {
    let variables = variables.iter().map(|(name, value)| (OsString::from(name), OsString::from(value)));
    resolve_in(&Flags::default(), variables, &disk(text))
}

fn refused(text: &str) -> String {
    resolved(text, &[]).unwrap_err().to_string()
}

// covers: W-20
#[test]
fn a_bare_number_is_no_duration() {
    assert_eq!(
        (seconds("20s"), seconds("5m"), seconds("2h"), seconds("3000ms")),
        (Ok(20), Ok(300), Ok(7200), Ok(3))
    );
    for wrong in ["5", "", "5x", "s", "250ms", "-5s", "5 s", "1h30m", "99999999h"] {
        let why = seconds(wrong).unwrap_err();
        assert!(why.contains("hint: "), "{wrong}: {why}");
    }
    let why = refused("\narrival = 5\n");
    assert!(why.contains("`arrival` (firstcause.toml:2)") && why.contains("hint: `5s`"), "{why}");
}

#[test]
fn an_unknown_key_is_refused_with_its_line_and_the_nearest() {
    let why = refused("data_dir = \"d\"\n[otlp]\nhtpp = \"127.0.0.1:1\"\n");
    assert!(why.contains("no setting `otlp.htpp` (firstcause.toml:3)"), "{why}");
    assert!(why.contains("did you mean `otlp.http`?"), "{why}");
    assert!(refused("otlp_http = 1").contains("did you mean `otlp.http`?"));
    assert!(refused("completely_other = 1").contains("one of actuator, "));
    assert!(refused("[data_dir]\nx = 1").contains("found table"));
    assert!(refused("data_dir = 5").contains("put it in quotes"));
    assert!(refused("otlp = 5").contains("no setting `otlp`"));
}

#[test]
fn a_syntax_error_names_its_line_and_quotes_nothing() {
    let why = refused("http = \"127.0.0.1:1\"\npassword = hunter2\n");
    assert!(why.contains("firstcause.toml:2") && !why.contains("hunter2"), "{why}");
}

#[test]
fn an_overridden_mistake_is_still_a_mistake() {
    let why = resolved("budget_mib = 0", &[("FIRSTCAUSE_BUDGET_MIB", "32")]).unwrap_err().to_string();
    assert!(why.contains("firstcause.toml:1"), "{why}");
}

#[test]
fn acting_takes_all_three_or_none() {
    let why = resolved("inventory = \"i.toml\"", &[("FIRSTCAUSE_POLICY", "p.toml")]).unwrap_err().to_string();
    assert!(why.contains("not set: actuator"), "{why}");
    let all = "inventory = \"i\"\npolicy = \"p\"\nactuator = \"a\"";
    assert_eq!(resolved(all, &[]).unwrap().settings.actuator, Some(PathBuf::from("a")));
}

#[test]
fn names_are_lists_and_what_could_be_no_name_is_refused() {
    let text = "allowed_hosts = \"firstcause, fc.internal\"\nallowed_origins = \"https://a.example:8443\"\npublic_url = \"https://fc.example/\"";
    let names = resolved(text, &[]).unwrap().settings.names;
    assert_eq!(names.hosts.0, ["firstcause", "fc.internal"]);
    assert_eq!(names.origins.0, ["https://a.example:8443"]);
    assert_eq!(names.public_url.as_deref(), Some("https://fc.example"));
    for wrong in [
        "allowed_hosts = \"https://firstcause\"",
        "allowed_hosts = \"firstcause:8080\"",
        "allowed_hosts = \"*\"",
        "allowed_origins = \"a.example\"",
        "allowed_origins = \"https://a.example/path\"",
        "public_url = \"fc.example\"",
    ] {
        let why = resolved(wrong, &[]).unwrap_err().to_string();
        assert!(why.contains("firstcause.toml:1"), "{wrong}: {why}");
    }
}

#[test]
fn a_variable_that_is_no_setting_is_told_without_its_value() {
    let found = resolved("", &[("FIRSTCAUSE_OTLP_HTTP", "secret"), ("FIRSTCAUSE_HTTP", ""), ("OTHER", "x")]);
    let ignored = found.unwrap().ignored;
    assert_eq!(ignored, ["FIRSTCAUSE_OTLP_HTTP is no setting; hint: did you mean `FIRSTCAUSE_OTLP__HTTP`?"]);
}

#[test]
fn every_key_has_one_row_a_flag_and_a_help_that_tells_default_and_variable() {
    let found = resolved("", &[]).unwrap();
    assert_eq!(found.rows.iter().map(|row| row.key).collect::<Vec<_>>(), KEYS);
    let command = crate::cli::Cli::command();
    let serve = command.find_subcommand("serve").unwrap();
    for row in &found.rows {
        let flag = flag_of(row.key);
        let argument = serve
            .get_arguments()
            .find(|argument| argument.get_long().is_some_and(|long| format!("--{long}") == flag));
        let help = argument.unwrap().get_help().unwrap().to_string();
        assert!(help.contains(&format!("[env: {}]", variable_of(row.key))), "{flag}: {help}");
        assert!(
            row.value.is_empty() || help.contains(&format!("[default: {}]", row.value)),
            "{flag}: {help}"
        );
    }
}

/// The example that the documentation shows.
fn documented() -> String {
    let text = include_str!("../../../../docs/health.md");
    let (_, rest) = text.split_once("```toml\n").unwrap();
    rest.split_once("```").unwrap().0.to_owned()
}

// covers: AG-61, AG-62
#[test]
fn the_documented_declaration_is_read_and_a_misspelt_key_or_what_cannot_be_meant_is_refused() {
    let health = resolved(&documented(), &[]).unwrap().asked.health;
    let service = health.service("payment-service").unwrap();
    assert_eq!((service.slos.len(), service.dependencies.len(), health.playbooks().len()), (2, 1, 5));
    let operation = health.operation("payment-service", "POST /api/payments").unwrap();
    assert_eq!((operation.retryable, operation.expected_error_rate), (Some(false), Some(0.001)));
    let misspelt = refused(&documented().replace("on-call-channel", "oncall-channel"));
    assert!(misspelt.contains("unknown field `oncall-channel`"), "{misspelt}");
    let impossible = refused(&documented().replace("target = 0.999", "target = 1.0"));
    assert!(impossible.contains("[health]") && impossible.contains("`payment-availability`"), "{impossible}");
    let dangling = refused(&documented().replace("on-success = \"look\"", "on-success = \"nowhere\""));
    assert!(dangling.contains("`nowhere`, which is no step"), "{dangling}");
}
