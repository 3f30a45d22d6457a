//! `ask`: one question to a running Firstcause, or to a back end.

use server::client::AskServerError;
use telemetry::{Ask, Cancel, Limits, Question, QuestionId, Scope, UnixNanos, Window};

use crate::asked;
use crate::cli;
use crate::config::{self, Flags};
use crate::failure::{Failure, Outcome};
use crate::remote;
use crate::terminal;
use crate::wiring::Doors;

/// What is said beside a refusal that is not about the key.
const ANSWERED: &str = "answered today: changes, compare, coverage, edges, exemplars, health, log_search, log_templates, \
                        message, onset, self_time, series_change, trace";

/// Exemplars of each choice that a person wants to see.
const EXEMPLARS: u8 = 5;

/// Runs the command.
pub(crate) async fn run(args: cli::ask::Ask) -> anyhow::Result<Outcome> {
    let question = question(&args)?;
    if let Some(source) = &args.source {
        return ask_source(source, &args, &question).await;
    }
    let answer = remote::ask(args.at, &question).await.map_err(|error| match &error {
        AskServerError::Unreachable { .. } => {
            Failure::unreachable(error.to_string(), "is `firstcause serve` running? `--at` says where")
        }
        AskServerError::Refused { code, .. } => {
            Failure::usage(error.to_string(), remote::hint(code).unwrap_or(ANSWERED))
        }
    })?;
    let text = if args.json { serde_json::to_string_pretty(&answer)? } else { terminal::table(&answer) };
    terminal::say(&text)?;
    Ok(Outcome::AsAsked)
}

/// Asks one back end, as an investigation would.
async fn ask_source(source: &str, args: &cli::ask::Ask, question: &Question) -> anyhow::Result<Outcome> {
    let flags = Flags { config: args.config.clone(), ..Flags::default() };
    let asked = config::resolve(&flags, &*Doors::real().disk)?.asked;
    let given: Vec<String> = source.contains('=').then(|| source.to_owned()).into_iter().collect();
    let mut opened = asked::open(&asked, &given)?;
    let name = source.split([':', '=']).next().unwrap_or(source);
    opened.retain(|one| one.name().0 == name);
    let Some(one) = opened.pop() else {
        let names: Vec<String> = asked.sources.keys().cloned().collect();
        let hint = if names.is_empty() { "KIND=URL".to_owned() } else { config::nearest(source, &names) };
        return Err(Failure::usage(format!("no source `{source}` is configured"), hint));
    };
    if !one.can().answers(question.ask.name()) {
        let what = format!("`{name}` does not answer {}", question.ask.name());
        return Err(Failure::usage(what, format!("it answers {}", one.can().questions.join(", "))));
    }
    let answer = one.ask(question, Limits::default(), &Cancel::default()).await.map_err(|error| {
        let text = error.to_string();
        let (what, hint) =
            text.split_once("; hint: ").unwrap_or((&text, "`firstcause doctor` looks at each source"));
        Failure::unreachable(format!("`{name}`: {what}"), hint)
    })?;
    terminal::say(&if args.json {
        serde_json::to_string_pretty(&answer)?
    } else {
        terminal::table(&answer)
    })?;
    Ok(Outcome::AsAsked)
}

fn question(args: &cli::ask::Ask) -> anyhow::Result<Question> {
    let space =
        args.space.parse().map_err(|error| Failure::usage(format!("{error}"), "try `--space default`"))?;
    let now = UnixNanos(Doors::real().clock.now_unix_nanos());
    let back = i64::try_from(args.since).unwrap_or(i64::MAX / 2_000_000_000);
    let window = Window::new(now.plus_seconds(-back), now);
    let scope = Scope {
        service: args.service.clone(),
        operation: args.operation.clone(),
        instance: args.instance.clone(),
    };
    Ok(Question { id: QuestionId::numbered(1), space, ask: ask(args, window, scope)?, not_before: now })
}

/// The stretch right before `window` that it is compared with.
fn before(args: &cli::ask::Ask, window: Window) -> Window {
    let back = i64::try_from(args.before.unwrap_or(args.since)).unwrap_or(i64::MAX / 2_000_000_000);
    Window::new(window.from.plus_seconds(-back), window.from)
}

fn ask(args: &cli::ask::Ask, window: Window, scope: Scope) -> anyhow::Result<Ask> {
    Ok(match args.question.as_str() {
        "health" => Ask::Health { window, scope },
        "onset" => Ask::Onset { window, scope },
        "self_time" => Ask::SelfTime { window, scope },
        "exemplars" => Ask::Exemplars { window, scope, limit: EXEMPLARS },
        "edges" => Ask::Edges { window, scope },
        "changes" => Ask::Changes { window, scope },
        "paths" => Ask::Paths { window, scope },
        "log_templates" => Ask::LogTemplates { window, scope },
        "log_search" => Ask::LogSearch { window, scope, text: args.text.clone().unwrap_or_default() },
        "state" => Ask::State { window, scope },
        "topology" => Ask::Topology { window },
        "compare" => Ask::Compare { good: before(args, window), bad: window, scope },
        "series_change" => {
            let good = before(args, window);
            Ask::SeriesChange { good, bad: window, scope, metrics: args.metric.clone() }
        }
        "coverage" => Ask::Coverage { window },
        "message" => match &args.message {
            Some(message_id) => Ask::Message { message_id: message_id.clone() },
            None => {
                let hint = "`--message ID`: what the spans call `messaging.message.id`";
                return Err(Failure::usage("which message is not said", hint));
            }
        },
        "trace" => {
            let text = args.trace.as_deref().unwrap_or_default();
            let trace_id = text.parse().map_err(|error| {
                Failure::usage(format!("`--trace`: {error}"), "`firstcause ask exemplars` lists trace ids")
            })?;
            Ask::Trace { trace_id }
        }
        other => {
            let names = telemetry::question::NAMES.join(", ");
            return Err(Failure::usage(format!("no question `{other}`"), format!("one of {names}")));
        }
    })
}
