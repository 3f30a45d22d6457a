//! One part of the demo in a process of its own, for the integration test and for trying things out.
//! It deliberately has no options beyond positions: the real command line is `firstcause`'s.

use std::error::Error;
use std::io::Write as _;
use std::path::PathBuf;
use std::process::ExitCode;

use demo::director::{self, Plan};
use demo::service::{self, Settings};
use demo::system::System;
use demo::{load, supervisor};

#[tokio::main]
async fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let args: Vec<&str> = args.iter().map(String::as_str).collect();
    match dispatch(&args).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            let mut message = error.to_string();
            let mut source = error.source();
            while let Some(cause) = source {
                message = format!("{message}: {cause}");
                source = cause.source();
            }
            // Without a standard error there is nobody to tell.
            drop(writeln!(std::io::stderr(), "demo_part: {message}"));
            ExitCode::FAILURE
        }
    }
}

async fn dispatch(args: &[&str]) -> Result<(), Box<dyn Error>> {
    match args {
        ["service"] => service::run(Settings::from_vars(std::env::vars())?).await?,
        ["create", directory, otlp_endpoint, seed] => {
            let executable = std::env::current_exe()?;
            System::create(
                directory.as_ref(),
                &executable,
                &["service".to_owned()],
                otlp_endpoint,
                seed.parse()?,
            )?;
        }
        ["actuate", system_file, socket] => {
            let (system_file, socket) = (PathBuf::from(system_file), PathBuf::from(socket));
            let options =
                supervisor::Options { system_file, socket, allow_deploy: true, stop_with_stdin: true };
            supervisor::run(options).await?;
        }
        ["load", system_file, rate, seconds, summary_file] => {
            let summary = load::run(load::Options {
                targets: System::load(system_file.as_ref())?.gateway_addresses(),
                rate_per_s: rate.parse()?,
                seed: 1,
                duration: Some(std::time::Duration::from_secs(seconds.parse()?)),
                stop_with_stdin: false,
                summary_file: Some(summary_file.into()),
                control_file: None,
                live_file: None,
            });
            summary.await?;
        }
        ["director", system_file, socket, fault, seed, fault_after_s, heal_at_s, truth_file] => {
            let plan = Plan {
                system_file: system_file.into(),
                socket: socket.into(),
                fault: fault.parse()?,
                strength: 1.0,
                seed: seed.parse()?,
                fault_after_s: fault_after_s.parse()?,
                heal_at_s: heal_at_s.parse().ok(),
                heal_after_file: None,
                load_control: None,
                truth_file: Some(truth_file.into()),
                stop_with_stdin: false,
            };
            director::run(plan).await?;
        }
        _ => return Err("usage: demo_part create|service|actuate|load|director ...".into()),
    }
    Ok(())
}
