//! Settings, completions and manual, through the binary.

use std::path::Path;
use std::process::{Command, Output};

use crate::BINARY;
use crate::serving::Serving;

/// The binary, in `folder`, with nothing of this process' own settings.
pub(crate) fn firstcause(folder: &Path, args: &[&str]) -> Command {
    let mut command = Command::new(BINARY);
    let ours = std::env::vars_os().map(|(name, _)| name);
    for name in ours.filter(|name| name.to_string_lossy().starts_with("FIRSTCAUSE_")) {
        command.env_remove(name);
    }
    command.args(args).current_dir(folder);
    command
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// Value and origin of `key`.
fn printed(output: &Output, key: &str) -> (String, String) {
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
    let json: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    let rows = json["settings"].as_array().unwrap();
    let row = rows.iter().find(|row| row["key"] == key).unwrap();
    (row["value"].as_str().unwrap().to_owned(), row["origin"].as_str().unwrap().to_owned())
}

#[test]
fn a_flag_beats_the_environment_beats_the_file_beats_the_default() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path();
    let ask = |args: &[&str], variable: Option<&str>| {
        let mut command = firstcause(path, &["config", "print", "--json"]);
        command.args(args);
        if let Some(value) = variable {
            command.env("FIRSTCAUSE_OTLP__HTTP", value);
        }
        printed(&command.output().unwrap(), "otlp.http")
    };
    let is = |value: &str, origin: &str| (value.to_owned(), origin.to_owned());
    assert_eq!(ask(&[], None), is("127.0.0.1:4318", "default"));
    std::fs::write(path.join("firstcause.toml"), "# ours\n[otlp]\nhttp = \"127.0.0.1:1\"\n").unwrap();
    assert_eq!(ask(&[], None), is("127.0.0.1:1", "firstcause.toml:3"));
    assert_eq!(ask(&[], Some("127.0.0.1:2")), is("127.0.0.1:2", "env FIRSTCAUSE_OTLP__HTTP"));
    let flag = ["--otlp-http", "127.0.0.1:3"];
    assert_eq!(ask(&flag, Some("127.0.0.1:2")), is("127.0.0.1:3", "flag --otlp-http"));
    std::fs::write(path.join("other.toml"), "\narrival = \"9s\"\n").unwrap();
    let other = firstcause(path, &["config", "print", "--json", "--config", "other.toml"]).output().unwrap();
    assert_eq!(printed(&other, "arrival"), is("9s", "other.toml:2"));
    assert_eq!(printed(&other, "otlp.http"), is("127.0.0.1:4318", "default"));
    let shown = text(&firstcause(path, &["config", "print"]).output().unwrap().stdout);
    assert!(shown.lines().any(|line| line.starts_with("otlp.http") && line.ends_with("firstcause.toml:3")));
}

#[test]
fn serve_takes_its_settings_from_the_file() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("firstcause.toml"), "durability = \"perhaps\"\n").unwrap();
    let refused = firstcause(folder.path(), &["serve"]).output().unwrap();
    assert_eq!(refused.status.code(), Some(2));
    let why = text(&refused.stderr);
    assert!(why.contains("`durability` (firstcause.toml:1)") && why.contains("hint: fsync or none"), "{why}");
    let unknown = "budget_mib = 8\nhaed_mib = 32\n";
    std::fs::write(folder.path().join("firstcause.toml"), unknown).unwrap();
    let refused = firstcause(folder.path(), &["serve"]).output().unwrap();
    let why = text(&refused.stderr);
    assert!(
        why.contains("no setting `haed_mib` (firstcause.toml:2)\nhint: did you mean `head_mib`?"),
        "{why}"
    );
    // Negative control: the same file without its mistake is served.
    std::fs::write(folder.path().join("firstcause.toml"), "budget_mib = 8\nhead_mib = 32\n").unwrap();
    let serving = Serving::of(firstcause(folder.path(), &["serve"]), &folder.path().join("data"));
    assert_eq!(serving.stats()["schema"], "firstcause.stats/1");
}

// covers: W-20
#[test]
fn a_duration_without_a_unit_is_refused_wherever_it_is_given() {
    let folder = tempfile::tempdir().unwrap();
    let flag = firstcause(folder.path(), &["config", "print", "--arrival", "5"]).output().unwrap();
    assert_eq!(flag.status.code(), Some(2));
    assert!(text(&flag.stderr).contains("hint: `5s` for seconds"), "{}", text(&flag.stderr));
    let variable =
        firstcause(folder.path(), &["config", "print"]).env("FIRSTCAUSE_ARRIVAL", "5").output().unwrap();
    assert_eq!(variable.status.code(), Some(2));
    assert!(text(&variable.stderr).contains("(env FIRSTCAUSE_ARRIVAL)"), "{}", text(&variable.stderr));
    let good = firstcause(folder.path(), &["config", "print", "--json", "--arrival", "5s"]).output().unwrap();
    assert_eq!(printed(&good, "arrival").0, "5s");
}

#[test]
fn completions_know_the_commands_and_parse_in_bash() {
    let folder = tempfile::tempdir().unwrap();
    for shell in ["bash", "elvish", "fish", "powershell", "zsh"] {
        let output = firstcause(folder.path(), &["completions", shell]).output().unwrap();
        let script = text(&output.stdout);
        assert!(output.status.success() && script.contains("doctor"), "{shell}");
        assert!(script.contains("otlp-grpc"), "{shell}");
        assert!(!script.contains("demo-load"), "{shell}: a hidden command is not completed");
        std::fs::write(folder.path().join(shell), script).unwrap();
    }
    let parsed = Command::new("bash").arg("-n").arg(folder.path().join("bash")).output().unwrap();
    assert!(parsed.status.success(), "{}", text(&parsed.stderr));
}

#[test]
fn the_manual_has_a_page_for_each_command_and_none_for_hidden_ones() {
    let folder = tempfile::tempdir().unwrap();
    let output = firstcause(folder.path(), &["man", "--dir", "pages"]).output().unwrap();
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
    let pages = folder.path().join("pages");
    let names: Vec<_> = std::fs::read_dir(&pages)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    for name in ["firstcause.1", "firstcause-serve.1", "firstcause-config-print.1", "firstcause-doctor.1"] {
        assert!(names.iter().any(|found| found == name), "{name} is not in {names:?}");
    }
    assert!(!names.iter().any(|name| name.contains("demo-")), "{names:?}");
    for name in &names {
        let page = std::fs::read_to_string(pages.join(name)).unwrap();
        assert!(page.contains(".TH ") && page.contains(".SH NAME"), "{name}");
    }
    let page = text(&firstcause(folder.path(), &["man"]).output().unwrap().stdout);
    assert!(page.contains("firstcause\\-serve(1)") && !page.contains("demo\\-load"), "{page}");
    // Where there is a `man`, it renders the page without a complaint.
    let rendered =
        Command::new("man").args(["--warnings", "-l"]).arg(pages.join("firstcause-serve.1")).output();
    if let Ok(rendered) = rendered.as_ref().map_err(|error| error.kind())
        && rendered.status.success()
    {
        assert!(text(&rendered.stdout).contains("--otlp-http"), "{}", text(&rendered.stdout));
    }
}

#[test]
fn a_mistake_in_what_may_be_done_is_a_usage_error_before_anything_listens() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("inventory.toml"), "").unwrap();
    std::fs::write(folder.path().join("policy.toml"), "").unwrap();
    for (broken, flag) in [("policy.toml", "--policy"), ("inventory.toml", "--inventory")] {
        std::fs::write(folder.path().join(broken), "[[").unwrap();
        let any = "127.0.0.1:0";
        let mut command = firstcause(folder.path(), &["serve", "--data-dir", "data", "--http", any]);
        command.args(["--otlp-http", any, "--otlp-grpc", any, "--actuator", "socket"]);
        command.args(["--inventory", "inventory.toml", "--policy", "policy.toml"]);
        let output = command.output().unwrap();
        assert_eq!((output.status.code(), text(&output.stdout).as_str()), (Some(2), ""), "{broken}");
        let said = text(&output.stderr);
        assert!(said.contains(broken) && said.contains(flag), "{said}");
    }
}
