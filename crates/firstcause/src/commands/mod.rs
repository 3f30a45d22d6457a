//! The commands, one file each.

mod ask;
mod backtest;
mod call;
mod case;
mod change;
mod completions;
mod config;
#[cfg(feature = "demo")]
mod demo;
#[cfg(feature = "demo")]
mod demo_parts;
mod doctor;
mod elastic_kibana;
mod eval;
mod follow;
mod gate;
mod handover;
mod investigate;
mod journal;
mod kept;
mod key;
mod man;
mod mcp;
mod report;
mod rules;
mod serve;
mod store;
mod store_copy;
mod tools;
mod trace;

use anyhow::Context;

use crate::cli::Command;
use crate::failure::Outcome;

/// Runs a command to its outcome.
pub(crate) fn run(command: Command) -> anyhow::Result<Outcome> {
    match command {
        #[cfg(feature = "demo")]
        Command::Demo(args) => block_on(demo::run(args)),
        Command::Serve(args) => block_on(serve::run(args)),
        Command::Ask(args) => block_on(ask::run(args)),
        Command::Key(command) => key::run(command),
        Command::Store(command) => store::run(&command),
        Command::Journal(command) => journal::run(command),
        Command::Report(args) => report::run(&args),
        Command::Gate(args) => block_on(gate::run(args)),
        Command::Setup(installed) => block_on(elastic_kibana::setup(installed)),
        Command::Teardown(installed) => block_on(elastic_kibana::teardown(installed)),
        Command::Verify(args) => block_on(elastic_kibana::verify(args)),
        Command::Follow(args) => block_on(follow::run(args)),
        Command::Investigate(args) => block_on(investigate::run(args)),
        Command::Eval(command) => eval::run(&command),
        Command::Mcp(args) => block_on(mcp::run(args)),
        Command::Tools(args) => tools::run(&args),
        Command::Call(args) => block_on(call::run(args)),
        Command::Handover(args) => block_on(handover::run(args)),
        Command::Rules(args) => rules::run(&args),
        Command::Backtest(args) => backtest::run(&args),
        Command::Case(command) => case::run(&command),
        Command::Change(command) => change::run(command),
        Command::Trace(command) => trace::run(&command),
        Command::Doctor(args) => block_on(doctor::run(args)),
        Command::Config(command) => config::run(&command),
        Command::Completions { shell } => completions::run(shell),
        Command::Man(args) => man::run(&args),
        #[cfg(feature = "demo")]
        Command::Actuate(args) => block_on(demo_parts::actuate(args)),
        #[cfg(feature = "demo")]
        Command::DemoService => block_on(demo_parts::service()),
        #[cfg(feature = "demo")]
        Command::DemoSystem(args) => demo_parts::system(&args),
        #[cfg(feature = "demo")]
        Command::DemoLoad(args) => block_on(demo_parts::load(args)),
        #[cfg(feature = "demo")]
        Command::DemoDirector(args) => block_on(demo_parts::director(args)),
        #[cfg(feature = "demo")]
        Command::DemoStage(args) => block_on(demo_parts::stage(args)),
        #[cfg(feature = "demo")]
        Command::DemoTailSampler(args) => block_on(demo_parts::tail_sampler(args)),
    }
}

fn block_on(work: impl Future<Output = anyhow::Result<Outcome>>) -> anyhow::Result<Outcome> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .context("failed to start the runtime")?;
    let outcome = runtime.block_on(work);
    // A read of standard input may still block a thread; nothing waits for it.
    runtime.shutdown_background();
    outcome
}
