//! `mcp`: the tools for an agent that starts this program, over standard input and output.
//!
//! Asks what `serve` has kept where no other process holds it, and every back end of the configuration. Receives
//! nothing, watches nothing, and acts on nothing. Standard output belongs to the protocol.

use std::sync::Arc;

use orchestrator::{Resolver, Sources};
use server::identity::LOCAL_ROLE;
use server::investigations::{Feed, Investigations};
use server::mcp::product::Product;
use server::mcp::product::offered::Open;
use server::mcp::stdio;
use server::toolbox::Toolbox;
use store::Store;
use telemetry::Limits;

use super::serve;
use crate::cli::mcp::Mcp;
use crate::config::{self, Flags, Resolved};
use crate::failure::{Failure, Outcome};
use crate::installation::Running;
use crate::live::Folder;
use crate::recorded::Recorded;
use crate::wiring::Doors;
use crate::{asked, kept_tools, terminal};

/// Runs until the client closes its end.
pub(crate) async fn run(args: Mcp) -> anyhow::Result<Outcome> {
    let doors = Doors::real();
    let flags = Flags {
        config: args.asked.config.clone(),
        data_dir: args.data_dir.clone(),
        dialect: args.dialect,
        ..Flags::default()
    };
    let resolved = config::resolve(&flags, &*doors.disk)?;
    for ignored in &resolved.ignored {
        terminal::say_aside(&format!("warning: {ignored}"));
    }
    let (store, sources) = sources(&args, &resolved, &doors)?;
    let registry = asked::registry(resolved.settings.dialect, &resolved.asked)?;
    let data_dir = resolved.settings.data_dir;
    kept_tools::restore(&doors, &data_dir, &registry)?;
    let resolver = Resolver {
        sources,
        clock: Arc::clone(&doors.clock),
        disk: Arc::clone(&doors.disk),
        data_dir: data_dir.clone(),
        remedy: None,
    };
    let shelf = Folder { disk: Arc::clone(&doors.disk), data_dir };
    let investigations = Investigations::new(Arc::new(shelf), Arc::new(Feed::default()));
    let declared = Arc::new(resolved.asked.health.clone());
    let running = Running::new(&resolver, investigations.clone()).declaring(declared);
    let toolbox = Toolbox::new(registry, Arc::new(running));
    let offered = Open::new(toolbox, LOCAL_ROLE);
    let product = Product::new(Arc::new(offered), investigations);
    let ended = stdio::serve(product, tokio::io::stdin(), tokio::io::stdout()).await;
    if let Some(store) = store {
        store.close();
    }
    ended?;
    Ok(Outcome::AsAsked)
}

/// Whom the tools ask: our store, where nobody else holds it, and the back ends.
fn sources(args: &Mcp, resolved: &Resolved, doors: &Doors) -> anyhow::Result<(Option<Store>, Sources)> {
    let limits = Limits { seconds_max: args.asked.patience, ..Limits::default() };
    let backends = asked::open(&resolved.asked, &args.asked.source)?;
    match serve::open_store(&resolved.settings, doors) {
        Ok(store) => {
            let recorded = Recorded::new(doors, &resolved.settings.data_dir);
            let all = asked::all_beside(&store, recorded, backends, &resolved.asked);
            Ok((Some(store), all.within(limits)))
        }
        Err(error) if backends.is_empty() => {
            let hint = "a running `serve` answers agents itself, at http://ADDRESS/mcp; or name a back end with `--source`";
            Err(Failure::usage(format!("{error:#}"), hint))
        }
        Err(error) => {
            terminal::say_aside(&format!("warning: only back ends are asked: {error:#}"));
            Ok((None, asked::with_preferences(backends, &resolved.asked).within(limits)))
        }
    }
}
