//! Which change did it: what it does must bring about what fails, where it fails, and it must have run before.
//!
//! Score = how directly the effect brings the failure about x how near it runs to the failure x how much both speak
//! of the same things. Recency has no part in it. A change is named only when it stands out.

use std::collections::{BTreeMap, BTreeSet};

use telemetry::UnixNanos;
use telemetry::answer::{ChangeKind, ChangeRow, FileDiff};

use super::deployed::{self, CLOCK_ERROR_NS, Landing};
use super::diff::{self, Net};
use super::effects::{self, Effect};
use super::inert;
use super::modes::Mode;
use super::rarity::Rarity;
use super::settings::Class;
use super::signs::{self, Picture, Sign};
use super::strength;
use super::words;
use crate::Thresholds;

/// Shared words, each by its rarity, that are all one can ask for: one may be chance, two of them hardly are.
const SHARED_FULL: f64 = 2.0;
/// Words that a change only stands near to (its path, its function) count this much.
const NEAR_WORDS: f64 = 0.5;
/// A deadline this many times the usual is hit by nothing usual.
const ROOM_MIN: f64 = 3.0;

/// Everything that is looked at.
#[derive(Debug, Clone, Copy)]
pub struct Case<'a> {
    /// Deploys, commits, flags.
    pub changes: &'a [ChangeRow],
    /// What fails.
    pub signs: &'a [Sign],
    /// Messages of the time before.
    pub healthy: &'a [String],
    /// Who calls whom.
    pub calls: &'a BTreeSet<(String, String)>,
    /// Every service of the system.
    pub services: &'a BTreeSet<String>,
    /// The longest that anything took in a service in the time before, in milliseconds.
    pub usual_ms: &'a BTreeMap<String, f64>,
    /// From where on a change is named.
    pub thresholds: &'a Thresholds,
    /// What is not asked.
    pub skipped: Skipped,
}

/// Questions about a change that are not asked when their rule is switched off.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Skipped {
    /// Whether it can matter at all.
    pub inert: bool,
    /// Whether a deploy carried it; a commit then runs where and when it was made.
    pub deployed: bool,
    /// Whether it ran before the onset.
    pub after_onset: bool,
    /// Whether it ran near what fails.
    pub elsewhere: bool,
}

/// What became of one change.
#[derive(Debug, Clone, PartialEq)]
pub enum Verdict {
    /// It is the one.
    Named,
    /// It could be, and so could another.
    Tied,
    /// It could be, and another fits better.
    Weaker,
    /// It cannot matter, and why.
    Inert(&'static str),
    /// No deploy carries it.
    NotDeployed,
    /// It ran after the onset only.
    AfterOnset,
    /// It runs where nothing fails, and nothing that fails calls it or is called by it.
    Elsewhere,
    /// Nothing that it does brings this failure about.
    NoMechanism,
    /// What it does is not told.
    Unread,
}

/// One change with its verdict.
#[derive(Debug, Clone, PartialEq)]
pub struct Judged {
    /// The commit's or flag's row.
    pub change: ChangeRow,
    /// Where and when it ran first before the onset, or at all.
    pub landing: Option<Landing>,
    /// From 0 to 1.
    pub score: f64,
    /// What it does that matters most, in words.
    pub does: String,
    /// The way of failing that this brings about.
    pub mode: Option<Mode>,
    /// Words that it shares with the failing, most telling first.
    pub shared: Vec<String>,
    /// What became of it.
    pub verdict: Verdict,
}

/// What explains a failure without a change of ours.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outside {
    /// A party outside fails by itself.
    Party(String),
    /// Something was valid until a date.
    Expired,
    /// A volume is full or a quota used up.
    Exhausted,
    /// More is asked of a service that nobody in the system calls.
    Load(String),
}

/// Which change did it, or why none.
#[derive(Debug, Clone, PartialEq)]
pub struct Attribution {
    /// What fails.
    pub picture: Picture,
    /// Every change, best first.
    pub judged: Vec<Judged>,
    /// What is seen that needs no change.
    pub outside: Option<Outside>,
}

impl Attribution {
    /// The change that did it.
    #[must_use]
    pub fn named(&self) -> Option<&Judged> {
        self.judged.iter().find(|judged| judged.verdict == Verdict::Named)
    }
}

/// Judges every change.
#[must_use]
pub fn attribute(case: Case<'_>) -> Attribution {
    let picture = signs::picture(case.signs, case.services);
    let outside = explained(case, &picture);
    let landings = deployed::landings(case.changes);
    let read: Vec<Read> = case.changes.iter().filter(|row| is_judged(row)).map(Read::of).collect();
    let rarity = rarity(case, &read);
    let mut judged: Vec<Judged> = read
        .iter()
        .map(|read| {
            let lands = landings.get(&read.row.after).cloned().unwrap_or_default();
            judge(case, &picture, &rarity, read, &lands)
        })
        .collect();
    judged.sort_by(|a, b| b.score.total_cmp(&a.score).then_with(|| a.change.after.cmp(&b.change.after)));
    choose(&mut judged, outside.is_some(), case.thresholds);
    Attribution { picture, judged, outside }
}

fn is_judged(row: &ChangeRow) -> bool {
    matches!(row.kind, ChangeKind::Commit | ChangeKind::Flag)
}

/// What is seen that needs no change: most telling first.
fn explained(case: Case<'_>, picture: &Picture) -> Option<Outside> {
    if picture.modes.contains_key(&Mode::Expired) {
        return Some(Outside::Expired);
    }
    if let Some(host) = picture.outside.iter().next().filter(|_| picture.modes.contains_key(&Mode::External))
    {
        return Some(Outside::Party(host.clone()));
    }
    if picture.modes.contains_key(&Mode::Exhausted) {
        return Some(Outside::Exhausted);
    }
    // Without calls nobody can tell who is asked from outside.
    let is_called = |service: &&String| case.calls.iter().any(|(_, callee)| callee == *service);
    let entry = picture.busier.iter().find(|service| !is_called(service));
    entry.filter(|_| !case.calls.is_empty()).cloned().map(Outside::Load)
}

/// A change as read once.
struct Read<'a> {
    row: &'a ChangeRow,
    nets: Vec<Net>,
    files: Vec<String>,
    effects: Vec<Effect>,
    /// Words that change.
    changed: BTreeSet<String>,
    /// Words of lines that change.
    touched: BTreeSet<String>,
    /// Words around.
    near: BTreeSet<String>,
}

impl<'a> Read<'a> {
    fn of(row: &'a ChangeRow) -> Self {
        let detail = row.detail.as_deref();
        let files = detail.map(|detail| detail.files.clone()).unwrap_or_default();
        let diffs = detail.map_or(&[] as &[_], |detail| &detail.diffs);
        let live: Vec<FileDiff> =
            diffs.iter().filter(|file| inert::by_path(&file.path).is_none()).cloned().collect();
        let nets = diff::nets(&live);
        let effects = effects::of(&nets);
        let mut changed = diff::changed_words(&nets);
        for effect in &effects {
            if let Effect::Setting(setting) = effect {
                changed.extend(setting.name.iter().cloned());
            }
        }
        let lines = nets.iter().flat_map(|net| net.removed.iter().chain(&net.added));
        let mut touched: BTreeSet<String> = lines.flat_map(|line| words::telling(line)).collect();
        touched.extend(changed.iter().cloned());
        let headers = nets.iter().flat_map(|net| &net.headers).flat_map(|line| words::all(line));
        let mut near: BTreeSet<String> = headers.chain(touched.iter().cloned()).collect();
        near.extend(files.iter().flat_map(|file| words::all(file)));
        if row.kind == ChangeKind::Flag {
            changed.extend(detail.map(|detail| words::all(&detail.message)).unwrap_or_default());
        }
        changed.retain(|word| words::is_telling(word));
        near.retain(|word| words::is_telling(word) && !changed.contains(word));
        Self { row, nets, files, effects, changed, touched, near }
    }

    /// Why it cannot matter.
    fn inert(&self) -> Option<&'static str> {
        if self.row.kind == ChangeKind::Flag {
            return None;
        }
        let paths: Vec<Option<&'static str>> = self.files.iter().map(|file| inert::by_path(file)).collect();
        if !paths.is_empty() && paths.iter().all(Option::is_some) {
            return paths.first().copied().flatten();
        }
        if self.nets.is_empty() { None } else { inert::by_text(&self.nets) }
    }
}

fn rarity(case: Case<'_>, read: &[Read<'_>]) -> Rarity {
    let of_changes =
        read.iter().map(|read| read.changed.union(&read.near).cloned().collect::<BTreeSet<String>>());
    let of_messages = case.healthy.iter().map(|text| words::telling(text));
    let documents: Vec<BTreeSet<String>> = of_changes.chain(of_messages).collect();
    let mute = case.services.iter().flat_map(|service| {
        let mut names: Vec<String> = words::all(service);
        let joined = names.concat();
        names.extend(
            ["service", "svc"].iter().filter_map(|ending| joined.strip_suffix(ending)).map(str::to_owned),
        );
        names.push(joined);
        names
    });
    Rarity::over(&documents, mute.collect())
}

/// Words in common with the failing, and how much they tell, from 0 to 1.
fn shared(read: &Read<'_>, failing: &BTreeMap<String, usize>, rarity: &Rarity) -> (f64, f64, Vec<String>) {
    let sum = |words: &BTreeSet<String>| {
        words
            .iter()
            .filter(|word| failing.contains_key(*word))
            .map(|word| rarity.of(word))
            .fold(0.0, |a, b| a + b)
    };
    let (own, around) = (sum(&read.changed), sum(&read.near));
    let mut names: Vec<String> = read
        .changed
        .union(&read.near)
        .filter(|word| failing.contains_key(*word) && rarity.of(word) > 0.0)
        .cloned()
        .collect();
    names.sort_by(|a, b| rarity.of(b).total_cmp(&rarity.of(a)).then_with(|| a.cmp(b)));
    names.truncate(5);
    (((own + NEAR_WORDS * around) / SHARED_FULL).min(1.0), (own / SHARED_FULL).min(1.0), names)
}

fn judge(case: Case<'_>, picture: &Picture, rarity: &Rarity, read: &Read<'_>, lands: &[Landing]) -> Judged {
    let row = read.row;
    let (all, own, names) = shared(read, &picture.words, rarity);
    let mut judged = Judged {
        change: row.clone(),
        landing: lands.iter().min_by_key(|landing| landing.at).cloned(),
        score: 0.0,
        does: String::new(),
        mode: None,
        shared: names,
        verdict: Verdict::NoMechanism,
    };
    if let Some(why) = read.inert().filter(|_| !case.skipped.inert) {
        judged.verdict = Verdict::Inert(why);
        return judged;
    }
    let places: Vec<(String, UnixNanos)> = match row.kind {
        ChangeKind::Commit if lands.is_empty() && case.skipped.deployed => {
            vec![(row.service.clone(), row.at)]
        }
        ChangeKind::Flag => vec![(row.service.clone(), row.at)],
        _ => lands.iter().map(|landing| (landing.service.clone(), landing.at)).collect(),
    };
    if places.is_empty() {
        judged.verdict = Verdict::NotDeployed;
        return judged;
    }
    let onset = picture.onset.unwrap_or(UnixNanos(i64::MAX));
    let early: Vec<&(String, UnixNanos)> = places
        .iter()
        .filter(|(_, at)| case.skipped.after_onset || at.since(onset) <= CLOCK_ERROR_NS)
        .collect();
    if early.is_empty() {
        judged.verdict = Verdict::AfterOnset;
        return judged;
    }
    if !case.skipped.elsewhere && !early.iter().any(|(service, _)| is_near(case, picture, service)) {
        judged.verdict = Verdict::Elsewhere;
        return judged;
    }
    for (service, _) in early {
        let (score, mode, does) = best(case, picture, read, service, (all, own));
        if score > judged.score {
            (judged.score, judged.mode, judged.does) = (score, mode, does);
            if let Some(landing) = lands.iter().find(|landing| landing.service == *service) {
                judged.landing = Some(landing.clone());
            }
        }
    }
    if read.nets.is_empty() && judged.score < case.thresholds.named_min {
        judged.verdict = Verdict::Unread;
    }
    judged
}

/// Whether a service fails, or calls or is called by one that does.
fn is_near(case: Case<'_>, picture: &Picture, service: &str) -> bool {
    picture.services.contains(service)
        || case.calls.iter().any(|(caller, callee)| {
            (caller == service && picture.services.contains(callee))
                || (callee == service && picture.services.contains(caller))
        })
}

/// How near a change in `service` runs to those that show a way of failing: in them (1), one call away (0.85),
/// further (0.7).
fn nearness(case: Case<'_>, service: &str, showing: &BTreeSet<String>) -> f64 {
    if showing.contains(service) {
        return 1.0;
    }
    let is_next = case.calls.iter().any(|(caller, callee)| {
        (caller == service && showing.contains(callee)) || (callee == service && showing.contains(caller))
    });
    if is_next { 0.85 } else { 0.7 }
}

/// The strongest way from what the change does to what fails.
fn best(
    case: Case<'_>,
    picture: &Picture,
    read: &Read<'_>,
    service: &str,
    shared: (f64, f64),
) -> (f64, Option<Mode>, String) {
    let (all, own) = shared;
    let mut best = (0.0, None, String::new());
    // Another version of a module says nothing of what is in it: its name alone is no mechanism.
    let is_pin = !read.effects.is_empty()
        && read.effects.iter().all(|effect| matches!(effect, Effect::Dependency { .. }));
    for (mode, showing) in &picture.modes {
        let near = mode.weight() * nearness(case, service, showing);
        for effect in &read.effects {
            let is_about = !needs_subject(*mode, effect) || speaks_of(effect, read, picture);
            let strength = strength::of(*mode, effect) * size(case, service, effect);
            let score = if is_about { strength * near * (0.5 + 0.5 * all) } else { 0.0 };
            if score > best.0 {
                best = (score, Some(*mode), effect.text());
            }
        }
        let is_vague = mode.is_passed_on() && *mode != Mode::Unknown;
        let score = if is_vague || is_pin { 0.0 } else { case.thresholds.subject_only * near * own };
        if score > best.0 {
            best = (score, Some(*mode), "changes the very things that fail".to_owned());
        }
    }
    best
}

/// Whether a moved bound is moved far enough to matter: a deadline that still leaves three times the usual does not
/// bite, and a bound moved by less than a third rarely does (half).
fn size(case: Case<'_>, service: &str, effect: &Effect) -> f64 {
    let Effect::Setting(setting) = effect else { return 1.0 };
    let (Some(before), Some(after)) = (setting.before, setting.after) else { return 1.0 };
    let callees =
        case.calls.iter().filter(|(caller, _)| caller == service).map(|(_, callee)| callee.as_str());
    let usual =
        callees.chain([service]).filter_map(|name| case.usual_ms.get(name)).copied().fold(0.0, f64::max);
    if setting.class == Class::Timeout && usual > 0.0 && after * 1000.0 >= ROOM_MIN * usual {
        return 0.0;
    }
    let (small, large) = (before.min(after), before.max(after));
    if small * 1.5 > large { 0.5 } else { 1.0 }
}

/// Whether an effect counts only when the failing names what it touches: any query makes a table, any module a
/// version.
fn needs_subject(mode: Mode, effect: &Effect) -> bool {
    matches!(
        mode,
        Mode::MissingRelation | Mode::Version | Mode::Misconfigured | Mode::Unknown | Mode::Unreadable
    ) || matches!(
        effect,
        Effect::Dependency { .. }
            | Effect::TextSetting
            | Effect::QueryAdded
            | Effect::Credential
            | Effect::Address
    )
}

/// Whether the failing names what an effect touches.
fn speaks_of(effect: &Effect, read: &Read<'_>, picture: &Picture) -> bool {
    let named = match effect {
        Effect::Dependency { module, .. } => words::telling(module),
        _ => read.touched.clone(),
    };
    named.iter().any(|word| picture.words.contains_key(word))
}

/// Names the best, if it stands out.
fn choose(judged: &mut [Judged], is_explained: bool, thresholds: &Thresholds) {
    let Thresholds { named_min, named_min_explained, lead_min, .. } = *thresholds;
    let min = if is_explained { named_min_explained } else { named_min };
    let best = judged.first().map_or(0.0, |judged| judged.score);
    if best < min {
        return;
    }
    let tied = judged.iter().filter(|judged| judged.score * lead_min > best).count();
    for (place, judged) in judged.iter_mut().enumerate() {
        judged.verdict = match judged.score {
            score if score * lead_min > best && tied > 1 => Verdict::Tied,
            _ if place == 0 => Verdict::Named,
            score if score >= named_min => Verdict::Weaker,
            _ => continue,
        };
    }
}
