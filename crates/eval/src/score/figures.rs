//! The figures of one system.

use serde::Serialize;

use super::interval::{Share, mcnemar};
use super::judged::Judged;

/// The places that are told of.
const PLACES: usize = 5;

/// What a run is worth on one system.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Figures {
    /// Cases with a root: a root among the first k, for k from 1 to 5.
    pub ac: Vec<Share>,
    /// The mean of those five.
    pub avg_at_5: f64,
    /// The mean of one by the place of the root.
    pub mrr: f64,
    /// Cases with a root: exactly the roots were blamed.
    pub exact: Share,
    /// Of a system whose labels tell kinds of fault, all cases: component and kind are right, or nobody is blamed where
    /// nobody is to be.
    pub fault: Share,
    /// Cases with an inner label: the first component and something inside it are right.
    pub inner: Share,
    /// Cases whose label names a change: that change was blamed, and no other.
    pub change: Share,
    /// Cases in which somebody is blamed, of alerts that name a service and data that hold calls: a way of calls leads
    /// from the one to the other.
    pub grounded: Share,
    /// Of the cases in which nobody was blamed, those with nobody to blame.
    pub abstention_precision: Share,
    /// Of the cases with nobody to blame, those in which nobody was blamed.
    pub abstention_recall: Share,
    /// Decoys blamed, in how many that there are.
    pub decoys_blamed: Share,
    /// Cases with a root: the loudest service is a root. The baseline of the first place.
    pub loudest: Share,
    /// The first place where the root is the loudest.
    pub ac1_root_is_loudest: Share,
    /// The first place where it is not.
    pub ac1_root_is_not_loudest: Share,
    /// The first place against the baseline, paired.
    pub against_loudest: Against,
    /// The first place against another run, paired.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub against_baseline: Option<Against>,
    /// Median seconds a case, reading included.
    pub seconds_median: f64,
    /// Most seconds of a case.
    pub seconds_max: f64,
    /// Median seconds of the engine's own computing.
    pub engine_seconds_median: f64,
    /// Most memory that was held, in bytes.
    pub peak_bytes_max: u64,
}

/// Two runs on the same cases.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Against {
    /// Right here, wrong there.
    pub wins: usize,
    /// Wrong here, right there.
    pub losses: usize,
    /// McNemar's exact p.
    pub p: f64,
}

impl Against {
    fn new(pairs: impl Iterator<Item = (bool, bool)>) -> Self {
        let (mut wins, mut losses) = (0, 0);
        for (here, there) in pairs {
            wins += usize::from(here && !there);
            losses += usize::from(!here && there);
        }
        Self { wins, losses, p: mcnemar(wins, losses) }
    }
}

fn share<'a>(cases: impl Iterator<Item = &'a Judged>, has: impl Fn(&Judged) -> bool) -> Share {
    let (mut hits, mut of) = (0, 0);
    for case in cases {
        of += 1;
        hits += usize::from(has(case));
    }
    Share::new(hits, of)
}

/// Whether the change that the label names was blamed, and no other.
fn is_change(case: &Judged) -> bool {
    case.line.as_ref().is_some_and(|line| line.changes == [case.label.change.as_str()])
}

fn is_grounded(case: &Judged) -> Option<bool> {
    case.line.as_ref()?.is_grounded
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(0.0)
}

impl Figures {
    /// The figures of `cases`, with another run over all cases beside them.
    #[must_use]
    pub fn new(cases: &[&Judged], baseline: Option<&[Judged]>) -> Self {
        let all = || cases.iter().copied();
        let rooted = || all().filter(|case| !case.label.is_none);
        let ac: Vec<Share> = (1..=PLACES).map(|k| share(rooted(), move |case| case.is_within(k))).collect();
        let reciprocal: f64 = rooted().map(|case| case.rank.map_or(0.0, |rank| 1.0 / rank as f64)).sum();
        let there = |case: &Judged| {
            let other = baseline?.iter().find(|other| other.label.case == case.label.case)?;
            Some((case.is_won(), other.is_won()))
        };
        let lines = || all().filter_map(|case| case.line.as_ref());
        let has_kinds = all().any(|case| !case.label.fault_kinds.is_empty());
        let decoys: usize = all().map(|case| case.label.decoys.len()).sum();
        Self {
            avg_at_5: ac.iter().map(|share| share.share).sum::<f64>() / PLACES as f64,
            mrr: reciprocal / rooted().count().max(1) as f64,
            exact: share(rooted(), |case| case.is_exact),
            fault: share(all().filter(|_| has_kinds), Judged::is_won),
            inner: share(rooted().filter(|case| !case.label.inner.is_empty()), |case| case.is_inner),
            change: share(rooted().filter(|case| !case.label.change.is_empty()), is_change),
            grounded: share(all().filter(|case| is_grounded(case).is_some()), |case| {
                is_grounded(case) == Some(true)
            }),
            abstention_precision: share(all().filter(|case| case.abstained), |case| case.label.is_none),
            abstention_recall: share(all().filter(|case| case.label.is_none), |case| case.abstained),
            decoys_blamed: Share::new(all().map(|case| case.decoys.len()).sum(), decoys),
            loudest: share(rooted(), |case| case.is_loudest),
            ac1_root_is_loudest: share(rooted().filter(|case| case.is_loudest), |case| case.is_within(1)),
            ac1_root_is_not_loudest: share(rooted().filter(|case| !case.is_loudest), |case| {
                case.is_within(1)
            }),
            against_loudest: Against::new(rooted().map(|case| (case.is_within(1), case.is_loudest))),
            against_baseline: baseline.map(|_| Against::new(all().filter_map(there))),
            seconds_median: median(lines().map(|line| line.seconds).collect()),
            seconds_max: lines().map(|line| line.seconds).fold(0.0, f64::max),
            engine_seconds_median: median(lines().map(|line| line.engine_seconds).collect()),
            peak_bytes_max: lines().map(|line| line.peak_bytes).max().unwrap_or(0),
            ac,
        }
    }

    /// The figures in one line.
    #[must_use]
    pub fn headline(&self, name: &str) -> String {
        let place = |k: usize| {
            self.ac.get(k - 1).map_or(String::new(), |share| format!("{}/{}", share.hits, share.of))
        };
        let fault = match self.fault.of {
            0 => String::new(),
            of => format!("fault {}/{of}, ", self.fault.hits),
        };
        format!(
            "{name}: {fault}AC@1 {}, AC@3 {}, inner {}/{}, exact {}/{}, nobody rightly blamed {}/{}, loudest {}/{}, \
             {:.2} s a case",
            place(1),
            place(3),
            self.inner.hits,
            self.inner.of,
            self.exact.hits,
            self.exact.of,
            self.abstention_recall.hits,
            self.abstention_recall.of,
            self.loudest.hits,
            self.loudest.of,
            self.seconds_median
        )
    }
}
