//! Judges one run: what the engine said against what the director knows.
//!
//! It only reads what a run left behind, so its own tests need no run.

use serde_json::{Value, json};

use super::run::{Order, Ran};

/// What the engine said, against the truth.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Answer {
    /// All causes, and nothing else.
    Right,
    /// Some of several causes, and nothing else.
    Partial,
    /// Something that is no cause, alone or beside one.
    WrongComponent,
    /// The evidence does not suffice.
    Insufficient,
    /// The cause is not in the system.
    NoCause,
    /// No alarm.
    NoIncident,
    /// There was no answer.
    NoRun,
}

impl Answer {
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Right => "right",
            Self::Partial => "partial",
            Self::WrongComponent => "wrong_component",
            Self::Insufficient => "insufficient",
            Self::NoCause => "no_cause",
            Self::NoIncident => "no_incident",
            Self::NoRun => "no_run",
        }
    }
}

/// One run, judged.
#[derive(Clone, Debug)]
pub(super) struct Row {
    pub(super) fault: String,
    pub(super) seed: u64,
    pub(super) switch: String,
    /// What the engine named.
    pub(super) said: String,
    pub(super) answer: Answer,
    /// The profiles of the proposed actions are those of the truth.
    pub(super) is_profile_right: bool,
    /// Actions proposed, as `profile on service`; none twice.
    pub(super) proposed: Vec<String>,
    /// An action was proposed for a service or with a profile that the truth does not name.
    pub(super) is_action_wrong: bool,
    pub(super) is_decoy_blamed: bool,
    /// Who only calls what is to blame was named.
    pub(super) is_caller_blamed: bool,
    pub(super) verdict: String,
    /// How many trials were called effective.
    pub(super) effective_trials: usize,
    /// Every instance has the fix and is better, and the exit code says so.
    pub(super) is_fixed: bool,
    /// Nothing was spoilt and there is a fix, so that it had to be mended.
    pub(super) is_to_be_fixed: bool,
    pub(super) explained_s: Option<f64>,
    pub(super) verdict_s: Option<f64>,
    /// Why the first attempt gave nothing.
    pub(super) repeated: Option<String>,
}

/// Who is to blame: kind, name, other names as right.
struct Blame {
    kind: String,
    names: Vec<String>,
}

/// Judges a run.
pub(super) fn judge(order: &Order, ran: &Ran) -> Row {
    let is_dark = order.more.contains(&"--dark");
    let blames = blames(&ran.truth, is_dark);
    let proposed = proposed(&ran.journal);
    let truths = list(&ran.truth["causes"]);
    let fits = |(profile, service): &(String, String)| {
        truths.iter().any(|cause| cause["profile"] == **profile && cause["name"] == **service)
    };
    let seconds = |kind: &str| {
        let record = ran.journal.iter().find(|record| record["kind"] == kind)?;
        Some((record["at"].as_i64()? - onset(&ran.truth)?) as f64 / 1e9)
    };
    Row {
        fault: order.fault.to_owned(),
        seed: order.seed,
        switch: order.switch.to_owned(),
        said: said(&ran.output),
        answer: answer(&ran.output, &blames),
        is_profile_right: !proposed.is_empty() && proposed.iter().all(fits),
        is_action_wrong: !proposed.iter().all(fits),
        proposed: proposed.iter().map(|(profile, service)| format!("{profile} on {service}")).collect(),
        is_decoy_blamed: list(&ran.truth["decoys"])
            .iter()
            .any(|decoy| blames_decoy(&ran.output, &decoy["service"])),
        is_caller_blamed: blames_caller(&ran.output, &blames),
        verdict: ran.output["verification"]["verdict"].as_str().unwrap_or("none").to_owned(),
        effective_trials: list(&ran.output["resolution"]["verifications"])
            .iter()
            .filter(|trial| trial["verdict"] == "effective")
            .count(),
        is_to_be_fixed: order.more.is_empty() && truths.iter().any(|cause| cause["profile"].is_string()),
        is_fixed: is_fixed(&ran.output) && ran.code == Some(0),
        explained_s: seconds("conclusion"),
        verdict_s: seconds("verification"),
        repeated: None,
    }
}

fn list(value: &Value) -> &[Value] {
    value.as_array().map_or(&[], Vec::as_slice)
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

/// When the first cause began.
pub(super) fn onset(truth: &Value) -> Option<i64> {
    list(&truth["causes"]).iter().filter_map(|cause| cause["onset_unix_nanos"].as_i64()).min()
}

/// A dark service can only be known as something behind those that call it.
fn blames(truth: &Value, is_dark: bool) -> Vec<Blame> {
    let blame = |cause: &Value| {
        let also = list(&cause["also"]).iter().filter(|_| !is_dark);
        Blame {
            kind: if is_dark { "dependency".to_owned() } else { text(&cause["kind"]) },
            names: std::iter::once(&cause["name"]).chain(also).map(text).collect(),
        }
    };
    list(&truth["causes"]).iter().map(blame).collect()
}

/// The causes that the engine names, the first one first.
fn named(output: &Value) -> Vec<&Value> {
    let first = Some(&output["root_cause"]).filter(|cause| cause.is_object());
    first.into_iter().chain(list(&output["diagnosis"]["further_causes"])).collect()
}

fn matches(cause: &Value, blame: &Blame) -> bool {
    let name = text(&cause["service"]);
    // Old reports had services only.
    let kind = cause["component"].as_str().unwrap_or("service");
    (kind == blame.kind && blame.names.first() == Some(&name))
        || blame.names.iter().skip(1).any(|also| *also == name)
}

fn answer(output: &Value, blames: &[Blame]) -> Answer {
    let named = named(output);
    if output["incident"].is_null() {
        Answer::NoIncident
    } else if named.is_empty() {
        if output["conclusion"] == "no_cause" { Answer::NoCause } else { Answer::Insufficient }
    } else if !named.iter().all(|cause| blames.iter().any(|blame| matches(cause, blame))) {
        Answer::WrongComponent
    } else if blames.iter().all(|blame| named.iter().any(|cause| matches(cause, blame))) {
        Answer::Right
    } else {
        Answer::Partial
    }
}

fn said(output: &Value) -> String {
    let cause = |cause: &&Value| {
        format!(
            "{} {}: {}",
            cause["component"].as_str().unwrap_or("service"),
            text(&cause["service"]),
            text(&cause["fault"])
        )
    };
    let causes: Vec<_> = named(output).iter().map(cause).collect();
    match output["incident"].as_str() {
        None => "no incident".to_owned(),
        Some(_) if causes.is_empty() => text(&output["conclusion"]),
        Some(_) => causes.join(" and "),
    }
}

/// Profile and service of every action proposed, each pair once.
fn proposed(journal: &[Value]) -> Vec<(String, String)> {
    let proposals = journal.iter().filter(|record| record["kind"] == "proposal");
    let mut pairs: Vec<_> = proposals
        .flat_map(|record| list(&record["body"]))
        .map(|action| (text(&action["profile"]), text(&action["service"])))
        .collect();
    pairs.sort();
    pairs.dedup();
    pairs
}

/// Whether an innocent deployment stands anywhere as a cause, a trigger or a supported hypothesis.
fn blames_decoy(output: &Value, decoy: &Value) -> bool {
    let is_blamed =
        |cause: &&Value| cause["service"] == *decoy || cause["trigger"]["change"]["service"] == *decoy;
    let is_supported = |hypothesis: &Value| {
        hypothesis["status"] == "supported" && hypothesis["candidate"]["service"] == *decoy
    };
    named(output).iter().any(is_blamed) || list(&output["diagnosis"]["hypotheses"]).iter().any(is_supported)
}

/// Whether a service is named that calls what is to blame and is not to blame itself, or the way between them.
fn blames_caller(output: &Value, blames: &[Blame]) -> bool {
    let is_culprit = |name: &Value| blames.iter().any(|blame| blame.names.iter().any(|known| name == known));
    let calls_culprit = |caller: &Value| {
        let seen_from = named(output).into_iter().filter(|cause| is_culprit(&cause["service"]));
        let is_map = |call: &Value| call["caller"] == *caller && is_culprit(&call["callee"]);
        list(&output["service_map"]).iter().any(is_map)
            || seen_from.flat_map(|cause| list(&cause["seen_from"])).any(|seen| seen == caller)
    };
    named(output).into_iter().any(|cause| {
        let name = &cause["service"];
        let is_way = cause["component"] == "edge"
            && text(name).split_once(" -> ").is_some_and(|(_, callee)| is_culprit(&json!(callee)));
        is_way || (!is_culprit(name) && calls_culprit(name))
    })
}

fn is_fixed(output: &Value) -> bool {
    let verification = &output["verification"];
    verification["verdict"] == "effective"
        && verification["instances_fixed"] == verification["instances_proposed"]
}

impl Row {
    /// A run that gave no answer.
    pub(super) fn no_run(order: &Order, why: &str) -> Self {
        Self {
            fault: order.fault.to_owned(),
            seed: order.seed,
            switch: order.switch.to_owned(),
            said: format!("no run: {why}"),
            answer: Answer::NoRun,
            is_profile_right: false,
            proposed: Vec::new(),
            is_action_wrong: false,
            is_decoy_blamed: false,
            is_caller_blamed: false,
            verdict: "none".to_owned(),
            effective_trials: 0,
            is_to_be_fixed: false,
            is_fixed: false,
            explained_s: None,
            verdict_s: None,
            repeated: None,
        }
    }

    /// Right component and right profile.
    pub(super) fn is_right_with_profile(&self) -> bool {
        self.answer == Answer::Right && self.is_profile_right
    }

    /// Right component and nothing proposed.
    pub(super) fn is_right_without_action(&self) -> bool {
        self.answer == Answer::Right && self.proposed.is_empty()
    }

    /// Whether nobody needs to look at it.
    pub(super) fn is_plain(&self) -> bool {
        matches!(self.answer, Answer::Right | Answer::NoIncident)
            && self.repeated.is_none()
            && !self.is_decoy_blamed
            && !self.is_action_wrong
            && (self.is_fixed || !self.is_to_be_fixed)
    }

    /// What two runs of one order must have in common.
    pub(super) fn judgement(&self) -> Value {
        json!([self.answer.name(), self.proposed, self.is_decoy_blamed, self.verdict, self.is_fixed])
    }

    /// For whoever watches.
    pub(super) fn line(&self) -> String {
        let seconds = self.verdict_s.map_or_else(String::new, |seconds| format!(" after {seconds:.1} s"));
        let decoy = if self.is_decoy_blamed { ", DECOY BLAMED" } else { "" };
        let action = if self.is_action_wrong { ", WRONG ACTION" } else { "" };
        let unfixed = if self.is_to_be_fixed && !self.is_fixed { ", NOT FIXED" } else { "" };
        let again = if self.repeated.is_some() { ", repeated" } else { "" };
        format!(
            "{} {} seed {}: {} ({}); verdict {}{seconds}{decoy}{action}{unfixed}{again}",
            self.fault,
            self.switch,
            self.seed,
            self.answer.name(),
            self.said,
            self.verdict
        )
    }

    pub(super) fn to_json(&self) -> Value {
        let rounded = |seconds: Option<f64>| seconds.map(|seconds| (seconds * 100.0).round() / 100.0);
        json!({
            "fault": self.fault, "seed": self.seed, "switch": self.switch, "said": self.said,
            "answer": self.answer.name(), "is_profile_right": self.is_profile_right, "proposed": self.proposed,
            "is_action_wrong": self.is_action_wrong, "is_decoy_blamed": self.is_decoy_blamed,
            "is_caller_blamed": self.is_caller_blamed, "verdict": self.verdict, "is_fixed": self.is_fixed,
            "explained_s": rounded(self.explained_s), "verdict_s": rounded(self.verdict_s),
            "repeated": self.repeated,
        })
    }
}
