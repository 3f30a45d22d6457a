//! The command line, as `firstcause --help` tells it.

pub(crate) mod ask;
pub(crate) mod asked;
pub(crate) mod backtest;
pub(crate) mod case;
pub(crate) mod change;
#[cfg(feature = "demo")]
mod demo_parts;
pub(crate) mod elastic_kibana;
pub(crate) mod eval;
pub(crate) mod follow;
pub(crate) mod investigate;
pub(crate) mod key;
pub(crate) mod mcp;
pub(crate) mod tools;

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};
#[cfg(feature = "demo")]
use demo::fault::Fault;
#[cfg(feature = "demo")]
pub(crate) use demo_parts::{DemoDirector, DemoLoad, DemoStage, DemoSystem, DemoTailSampler};

use crate::config::{Flags, seconds};

/// Why production broke: evidence, a proven fix, and "I do not know" when that is the truth.
#[derive(Debug, Parser)]
#[command(name = "firstcause", version, about, propagate_version = true)]
pub(crate) struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Break a real system and watch it being explained, fixed and proven (about a minute)
    #[cfg(feature = "demo")]
    Demo(Demo),
    /// Receive OpenTelemetry signals, watch them, and explain what breaks
    Serve(Flags),
    /// Ask one of the questions: changes, compare, coverage, edges, exemplars, health, log_search, log_templates,
    /// message, onset, self_time, series_change, trace
    Ask(ask::Ask),
    /// Explain one symptom from the back ends that you run, without a store of ours
    Investigate(investigate::Investigate),
    /// Follow one identifier over the back ends that you run: lines, traces, instances, deploys
    Follow(follow::Follow),
    /// Give the Agent Builder of a Kibana the tools, the agent and the indices of an investigation
    #[command(subcommand)]
    Setup(elastic_kibana::Installed),
    /// Remove what `setup` made, and nothing else
    #[command(subcommand)]
    Teardown(elastic_kibana::Installed),
    /// Check the Elastic stack that `setup` was run on: eight checks, each made whatever the others find
    Verify(elastic_kibana::Verify),
    /// Make, list and revoke the keys that agents and programs ask with
    #[command(subcommand)]
    Key(key::KeyCommand),
    /// Tell of a change that telemetry does not show
    #[command(subcommand)]
    Change(change::ChangeCommand),
    /// Look into the store of a data directory
    #[command(subcommand)]
    Store(StoreCommand),
    /// Verify or re-run the record of an incident
    #[command(subcommand)]
    Journal(JournalCommand),
    /// Make the report of an incident again from its journal
    Report(ReportCommand),
    /// Judge traces by expectations: green or red, for continuous integration
    Gate(Gate),
    /// Score the engine on labelled incidents
    #[command(subcommand)]
    Eval(eval::EvalCommand),
    /// Speak the Model Context Protocol over standard input and output, for an agent that starts this program
    Mcp(mcp::Mcp),
    /// List the tools that agents can call, and what knowing them costs
    Tools(tools::Tools),
    /// Call one of them in a running Firstcause
    Call(tools::Call),
    /// Tell the next shift: incidents and what became of them, changes, how the system is
    Handover(tools::Handover),
    /// List what the engine measures, and the rules by which it rules out
    Rules(RulesCommand),
    /// Score the engine on your own incidents: what would have been explained, and what was lost and why
    Backtest(backtest::Backtest),
    /// Keep an incident in one file, open it offline, and run it again
    #[command(subcommand)]
    Case(case::CaseCommand),
    /// Compare traces
    #[command(subcommand)]
    Trace(TraceCommand),
    /// Check what `serve` relies on: settings, data directory, disk, ports, clock, limits, journals
    Doctor(Doctor),
    /// Show the settings of `serve`
    #[command(subcommand)]
    Config(ConfigCommand),
    /// Print the completions for a shell
    Completions {
        /// Which shell
        shell: clap_complete::Shell,
    },
    /// Print the manual page, or write the pages of all commands
    Man(ManCommand),
    /// Start, stop and restart the processes of a system on approved request (a separate process by design)
    #[cfg(feature = "demo")]
    Actuate(Actuate),
    /// One service of the demo
    #[cfg(feature = "demo")]
    #[command(hide = true)]
    DemoService,
    /// The data and the description of the demo's system, for `actuate`
    #[cfg(feature = "demo")]
    #[command(hide = true)]
    DemoSystem(DemoSystem),
    /// The load of the demo
    #[cfg(feature = "demo")]
    #[command(hide = true)]
    DemoLoad(DemoLoad),
    /// The deployments of the demo
    #[cfg(feature = "demo")]
    #[command(hide = true)]
    DemoDirector(DemoDirector),
    /// The page of the demo on which a viewer chooses what breaks
    #[cfg(feature = "demo")]
    #[command(hide = true)]
    DemoStage(DemoStage),
    /// The tail sampling of the demo
    #[cfg(feature = "demo")]
    #[command(hide = true)]
    DemoTailSampler(DemoTailSampler),
}

#[cfg(feature = "demo")]
#[derive(Debug, Args)]
pub(crate) struct Demo {
    /// What breaks
    #[arg(long, value_name = "NAME", default_value = "slow_query", value_parser = fault_names())]
    pub(crate) fault: Fault,
    /// You choose what breaks, on a page of another process; this one, the engine, is not told
    #[arg(long, conflicts_with_all = ["fault", "strength", "heal_at", "json", "ask"])]
    pub(crate) you_break_it: bool,
    /// How strong the fault is, where 1 is the default
    #[arg(long, value_name = "0.5..2.0", default_value_t = 1.0, value_parser = strength)]
    pub(crate) strength: f64,
    /// Seed of load, data and the innocent deploy
    #[arg(long, default_value_t = 1)]
    pub(crate) seed: u64,
    /// Print the report as JSON (firstcause.report/1) and nothing else on standard output
    #[arg(long)]
    pub(crate) json: bool,
    /// The fix sets a variable that the service ignores: it must not be called effective
    #[arg(long, conflicts_with = "worse")]
    pub(crate) placebo: bool,
    /// The fix makes it worse: it must be taken back
    #[arg(long)]
    pub(crate) worse: bool,
    /// The fault heals by itself this long after it began, but not before the fix ran (for example 20s)
    #[arg(long, value_parser = seconds, value_name = "DURATION")]
    pub(crate) heal_at: Option<u64>,
    /// Ask before acting instead of letting the demo's policy decide
    #[arg(long)]
    pub(crate) ask: bool,
    /// Seconds of healthy operation before it breaks
    #[arg(long, default_value_t = 25, value_name = "SECONDS", value_parser = clap::value_parser!(u64).range(16..=600))]
    pub(crate) healthy_for: u64,
    /// Requests per second
    #[arg(long, default_value_t = 30.0)]
    pub(crate) rate: f64,
    /// The services record only this share of the traces
    #[arg(long, value_name = "SHARE", value_parser = share)]
    pub(crate) sample: Option<f64>,
    /// Nine of ten traces without an error are dropped on their way
    #[arg(long)]
    pub(crate) keep_errors_tail: bool,
    /// No service sends traces
    #[arg(long, conflicts_with_all = ["sample", "keep_errors_tail"])]
    pub(crate) no_traces: bool,
    /// This service sends no telemetry at all; without a name, the faulty one
    #[arg(long, value_name = "SERVICE", num_args = 0..=1, default_missing_value = demo::conditions::DARK_AUTO)]
    pub(crate) dark: Option<String>,
    /// The clock of one innocent service is this far ahead (for example 5s)
    #[arg(long, value_name = "DURATION", value_parser = seconds)]
    pub(crate) skew: Option<u64>,
    /// Folder of this run; a new one below ./firstcause-data/demo when not given
    #[arg(long, value_name = "DIR")]
    pub(crate) data_dir: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub(crate) struct Doctor {
    #[command(flatten)]
    pub(crate) settings: Flags,
    /// Send one span of the service `firstcause.doctor` to the running instance, and ask for it
    #[arg(long)]
    pub(crate) send: bool,
    /// Print the findings as JSON
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Subcommand)]
pub(crate) enum ConfigCommand {
    /// Print every setting with its origin: flag, environment, file or default
    Print {
        #[command(flatten)]
        settings: Box<Flags>,
        /// Print them as JSON
        #[arg(long)]
        json: bool,
    },
    /// Tell which back ends can be asked, what each answers, what it must allow, and how it is written down
    Sources {
        /// Print it as JSON
        #[arg(long, conflicts_with = "markdown")]
        json: bool,
        /// Print the page `docs/sources.md`
        #[arg(long)]
        markdown: bool,
    },
}

#[derive(Debug, Args)]
pub(crate) struct RulesCommand {
    /// Print JSON (firstcause.rules/1)
    #[arg(long, conflicts_with = "markdown")]
    pub(crate) json: bool,
    /// Print the page `docs/rules.md`
    #[arg(long)]
    pub(crate) markdown: bool,
}

#[derive(Debug, Args)]
pub(crate) struct ManCommand {
    /// Write one page for each command into this folder
    #[arg(long, value_name = "DIR")]
    pub(crate) dir: Option<PathBuf>,
}

#[derive(Debug, Subcommand)]
pub(crate) enum StoreCommand {
    /// Say how much is in it, without reading the rows; changes nothing, a running `serve` is not disturbed
    Stats {
        /// The data directory
        #[arg(long, value_name = "DIR", default_value = "./firstcause-data")]
        data_dir: PathBuf,
        /// Print the result as JSON
        #[arg(long)]
        json: bool,
    },
    /// Copy it, journals and skills included, into an empty folder; also beside a running `serve`
    Backup {
        /// The folder, which must not hold anything
        #[arg(value_name = "FOLDER")]
        to: PathBuf,
        /// The data directory
        #[arg(long, value_name = "DIR", default_value = "./firstcause-data")]
        data_dir: PathBuf,
    },
    /// Make a data directory of a backup
    Restore {
        /// The folder of the backup
        #[arg(value_name = "FOLDER")]
        from: PathBuf,
        /// The data directory, which must not hold anything
        #[arg(long, value_name = "DIR", default_value = "./firstcause-data")]
        data_dir: PathBuf,
    },
    /// Read everything in it once and say what is damaged; changes nothing, a running `serve` is not disturbed
    Check {
        /// The data directory
        #[arg(long, value_name = "DIR", default_value = "./firstcause-data")]
        data_dir: PathBuf,
        /// Print the result as JSON
        #[arg(long)]
        json: bool,
    },
}

#[derive(Debug, Subcommand)]
pub(crate) enum JournalCommand {
    /// Check that no record was changed, dropped, moved or added
    Verify {
        /// The journal
        file: PathBuf,
        /// BLAKE3 of the last record, as the report prints it; without it a cut end stays unseen
        #[arg(long, value_name = "HASH")]
        head: Option<String>,
        /// Print the result as JSON
        #[arg(long)]
        json: bool,
    },
    /// Run the investigation again from the recorded answers and compare byte for byte
    Replay {
        /// The journal
        file: PathBuf,
        /// Write `bodies.jsonl` and `conclusion.json` here
        #[arg(long, value_name = "DIR", default_value = "./replay")]
        out: PathBuf,
        /// Print the result as JSON
        #[arg(long)]
        json: bool,
    },
}

#[derive(Debug, Args)]
pub(crate) struct ReportCommand {
    /// The journal
    pub(crate) file: PathBuf,
    /// Print it as JSON (firstcause.report/1)
    #[arg(long, conflicts_with = "html")]
    pub(crate) json: bool,
    /// Write it as a page to this file
    #[arg(long, value_name = "FILE")]
    pub(crate) html: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub(crate) struct Gate {
    /// What is expected
    #[arg(value_name = "EXPECTATIONS")]
    pub(crate) expectations: PathBuf,
    /// Traces to judge: OTLP/JSON, OTLP protobuf (`.pb`), or the output of `ask trace --json`; repeatable
    #[arg(long, value_name = "FILE", required_unless_present = "url")]
    pub(crate) trace: Vec<PathBuf>,
    /// A running Firstcause to take the traces from, such as http://127.0.0.1:8080
    #[arg(long, value_name = "URL")]
    pub(crate) url: Option<String>,
    /// The trace to take from there; recent exemplars when not given; repeatable
    #[arg(long, value_name = "TRACE_ID", requires = "url")]
    pub(crate) trace_id: Vec<String>,
    /// How far back exemplars are looked for (for example 5m)
    #[arg(long, default_value = "5m", value_parser = seconds, value_name = "DURATION")]
    pub(crate) since: u64,
    /// Traces from when it failed: at least one claim must be red on them; repeatable
    #[arg(long, value_name = "FILE")]
    pub(crate) baseline: Vec<PathBuf>,
    #[command(flatten)]
    pub(crate) forms: VerdictForms,
}

/// How a verdict is told besides the terminal.
#[derive(Debug, Args)]
pub(crate) struct VerdictForms {
    /// Print it as JSON
    #[arg(long)]
    pub(crate) json: bool,
    /// Also write it as JUnit XML to this file
    #[arg(long, value_name = "FILE")]
    pub(crate) junit: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) annotations: crate::Annotations,
}

#[derive(Debug, Subcommand)]
pub(crate) enum TraceCommand {
    /// Tell what differs between two traces, path-, metric- and topology-wise; with expectations they decide
    Diff(TraceDiff),
}

#[derive(Debug, Args)]
pub(crate) struct TraceDiff {
    /// The trace before
    #[arg(value_name = "BASE")]
    pub(crate) base: PathBuf,
    /// The trace now
    #[arg(value_name = "NEW")]
    pub(crate) new: PathBuf,
    /// What is expected of the new one; the other is the baseline
    #[arg(value_name = "EXPECTATIONS")]
    pub(crate) expectations: Option<PathBuf>,
    /// Times are alike when the larger is at most this many times the smaller
    #[arg(long, default_value_t = 2.0, value_name = "RATIO")]
    pub(crate) jitter_ratio: f64,
    /// Times are alike when they differ by at most this many milliseconds
    #[arg(long, default_value_t = 5.0, value_name = "MS")]
    pub(crate) jitter_ms: f64,
    #[command(flatten)]
    pub(crate) forms: VerdictForms,
}

#[cfg(feature = "demo")]
#[derive(Debug, Args)]
pub(crate) struct Actuate {
    /// The description of the system
    #[arg(long, value_name = "FILE")]
    pub(crate) system: PathBuf,
    /// Requests come in here
    #[arg(long, value_name = "SOCKET")]
    pub(crate) socket: PathBuf,
    /// Also deploy new versions on request
    #[arg(long)]
    pub(crate) allow_deploy: bool,
    /// Stop everything when standard input closes
    #[arg(long)]
    pub(crate) stop_with_stdin: bool,
}

/// The faults that this build can bring in, each with its line of help.
#[cfg(feature = "demo")]
fn fault_names() -> impl clap::builder::TypedValueParser<Value = Fault> {
    use clap::builder::{PossibleValue, PossibleValuesParser, TypedValueParser as _};
    let known = Fault::available().into_iter();
    PossibleValuesParser::new(known.map(|fault| PossibleValue::new(fault.name()).help(fault.says())))
        .try_map(|name| name.parse::<Fault>())
}

/// Reads the strength of a fault.
#[cfg(feature = "demo")]
fn strength(text: &str) -> Result<f64, String> {
    let (least, most) = (demo::fault::STRENGTH.start(), demo::fault::STRENGTH.end());
    let number = text.parse::<f64>().ok().filter(|number| demo::fault::STRENGTH.contains(number));
    number.ok_or_else(|| format!("`{text}` is no strength; hint: a number from {least} to {most}"))
}

/// Reads a share.
#[cfg(feature = "demo")]
fn share(text: &str) -> Result<f64, String> {
    let share = text.parse::<f64>().ok().filter(|share| *share > 0.0 && *share <= 1.0);
    share.ok_or_else(|| format!("`{text}` is no share; hint: more than 0 and at most 1, for example 0.1"))
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_command_line_is_consistent() {
        Cli::command().debug_assert();
        assert!(Cli::try_parse_from(["firstcause", "serve"]).is_ok(), "every setting has a default");
    }
}
