//! A system with its fault and its traffic, watched as the product watches.

use incident::Alert;
use investigation::Watch;
use investigation::watch::HISTORY_SECONDS;
use telemetry::recorded::Change;
use telemetry::recorded::Tables;
use telemetry::time::SECOND_NS;
use telemetry::{Answered, Answerer, Cancel, Inquiry, Limits, Next, SourceName, Space, UnixNanos};

use super::fault::{Fault, FaultKind};
use super::graph::{Graph, Shape};
use super::traffic::{self, Deploy};
use crate::dice::Dice;

/// Deploys that change nothing.
const DECOYS: usize = 5;
/// Seconds between two looks of the watch.
const LOOK_SECONDS: i64 = 2;

/// What happened in a generated system.
#[derive(Debug)]
pub struct Scene {
    /// The fault.
    pub fault: Fault,
    /// Since when.
    pub onset: UnixNanos,
    /// Services whose deploy did nothing.
    pub decoys: Vec<String>,
    /// Everything that was sent.
    pub tables: Tables,
    seconds_after: i64,
}

impl Scene {
    /// The scene of a seed, with a fault of `kind`; none when the system has no place for it.
    #[must_use]
    pub fn new(seed: u64, kind: FaultKind, shape: &Shape) -> Option<Self> {
        let graph = Graph::new(seed, shape);
        let fault = Fault::new(seed, kind, &graph, shape)?;
        let onset =
            UnixNanos(1_750_000_000 * SECOND_NS + Dice::part(seed, 4).below(SECOND_NS as usize) as i64);
        let mut deploys = decoys(seed, &graph, &fault, onset);
        let decoys = deploys.iter().map(|deploy| graph.name(deploy.service).to_owned()).collect();
        if kind == FaultKind::BadDeploy {
            deploys.push(Deploy { at: onset, service: fault.service });
        }
        let spans = traffic::spans(seed, (&graph, shape), Some(&fault), onset, &deploys);
        let changes = deploys.iter().map(|deploy| change(&graph, *deploy)).collect();
        let mut tables = Tables { spans, changes, ..Tables::default() };
        tables.sort();
        Some(Self { fault, onset, decoys, tables, seconds_after: shape.seconds_after })
    }

    /// The alert that the watch raises over `source`, looking every two seconds since before the onset; none when it
    /// stays silent to the end.
    #[must_use]
    pub fn watch(&self, source: &dyn Answerer) -> Option<Alert> {
        let looks =
            (-2..self.seconds_after / LOOK_SECONDS).map(|look| self.onset.plus_seconds(look * LOOK_SECONDS));
        looks.into_iter().find_map(|at| look(source, at))
    }
}

/// One look of the watch.
fn look(source: &dyn Answerer, at: UnixNanos) -> Option<Alert> {
    let space = Space::default();
    let mut watch = Watch::new(space.clone(), at, at.plus_seconds(-HISTORY_SECONDS));
    let mut answers: Vec<Answered> = Vec::new();
    loop {
        match watch.step(&answers).next {
            Next::Ask(questions) => {
                let answer = |question: &telemetry::Question| Answered {
                    question: question.id.clone(),
                    source: SourceName("tables".to_owned()),
                    result: source.answer(
                        question,
                        &Limits { rows_max: 1_000_000, ..Limits::default() },
                        &Cancel::default(),
                    ),
                };
                answers = questions.iter().map(answer).collect();
            }
            Next::Done(symptoms) if symptoms.is_empty() => return None,
            Next::Done(symptoms) => {
                return Some(Alert {
                    space,
                    origin: "watch".to_owned(),
                    at: watch.at(),
                    history_from: watch.history_from(),
                    dedupe_key: "watch".to_owned(),
                    symptoms,
                });
            }
        }
    }
}

/// Deploys of other services around the onset: before, just before, and after.
fn decoys(seed: u64, graph: &Graph, fault: &Fault, onset: UnixNanos) -> Vec<Deploy> {
    let mut dice = Dice::part(seed, 5);
    let mut services: Vec<usize> = (0..graph.services.len())
        .filter(|service| ![fault.service, fault.caller].contains(service))
        .collect();
    dice.shuffle(&mut services);
    let seconds = [-40, -15, -3, -1, 3];
    let places = services.into_iter().zip(seconds).take(DECOYS);
    places.map(|(service, second)| Deploy { at: onset.plus_seconds(second), service }).collect()
}

fn change(graph: &Graph, deploy: Deploy) -> Change {
    Change {
        at: deploy.at,
        kind: "deploy".to_owned(),
        service: graph.name(deploy.service).to_owned(),
        before: "1".to_owned(),
        after: "2".to_owned(),
        ..Change::default()
    }
}
