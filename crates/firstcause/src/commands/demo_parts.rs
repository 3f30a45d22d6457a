//! The processes of the demo: a service, the load, the deployments, the actuator.

use anyhow::Context;

use crate::cli::{Actuate, DemoDirector, DemoLoad, DemoStage, DemoSystem, DemoTailSampler};
use crate::failure::Outcome;

/// One service, configured by its environment.
pub(crate) async fn service() -> anyhow::Result<Outcome> {
    let settings =
        demo::service::Settings::from_vars(std::env::vars()).context("failed to read the settings")?;
    demo::service::run(settings).await.context("failed to serve")?;
    Ok(Outcome::AsAsked)
}

/// The data and the description of a system: what `actuate` reads.
pub(crate) fn system(args: &DemoSystem) -> anyhow::Result<Outcome> {
    let binary = std::env::current_exe().context("failed to find this very binary")?;
    let (words, otlp) = (["demo-service".to_owned()], format!("http://{}", args.otlp_http));
    let system = demo::system::System::create(&args.folder, &binary, &words, &otlp, args.seed)
        .context("failed to make the system")?;
    crate::terminal::say(&system.file().display().to_string())?;
    Ok(Outcome::AsAsked)
}

/// The actuator.
pub(crate) async fn actuate(args: Actuate) -> anyhow::Result<Outcome> {
    let options = demo::supervisor::Options {
        system_file: args.system,
        socket: args.socket,
        allow_deploy: args.allow_deploy,
        stop_with_stdin: args.stop_with_stdin,
    };
    demo::supervisor::run(options).await.context("failed to supervise")?;
    Ok(Outcome::AsAsked)
}

/// The load.
pub(crate) async fn load(args: DemoLoad) -> anyhow::Result<Outcome> {
    let system = demo::system::System::load(&args.system).context("failed to read the system")?;
    let options = demo::load::Options {
        targets: system.gateway_addresses(),
        rate_per_s: args.rate,
        seed: args.seed,
        duration: None,
        stop_with_stdin: true,
        summary_file: Some(args.summary),
        control_file: Some(args.control),
        live_file: Some(args.live),
    };
    demo::load::run(options).await.context("failed to make load")?;
    Ok(Outcome::AsAsked)
}

/// The deployments: the faulty one, the innocent one, and what heals by itself.
pub(crate) async fn director(args: DemoDirector) -> anyhow::Result<Outcome> {
    let plan = demo::director::Plan {
        system_file: args.system,
        socket: args.socket,
        fault: args.fault,
        strength: args.strength,
        seed: args.seed,
        fault_after_s: args.fault_after,
        heal_at_s: args.heal_at,
        heal_after_file: None,
        load_control: Some(args.load_control),
        truth_file: Some(args.truth),
        stop_with_stdin: true,
    };
    demo::director::run(plan).await.context("failed to deploy")?;
    Ok(Outcome::AsAsked)
}

/// The tail sampling.
pub(crate) async fn tail_sampler(args: DemoTailSampler) -> anyhow::Result<Outcome> {
    let options = demo::sampler::Options { listen: args.listen, forward: args.forward };
    demo::sampler::run(options).await.context("failed to sample")?;
    Ok(Outcome::AsAsked)
}

/// The page on which a viewer chooses what breaks.
pub(crate) async fn stage(args: DemoStage) -> anyhow::Result<Outcome> {
    let options = demo::stage::Options {
        system_file: args.system,
        socket: args.socket,
        seed: args.seed,
        healthy_for_s: args.healthy_for,
        load_control: args.load_control,
        live_file: args.live,
        folder: args.folder,
        listen: args.listen,
    };
    demo::stage::run(options).await.context("failed to serve the stage")?;
    Ok(Outcome::AsAsked)
}
