//! Answers `series_change`: how metric series moved between two windows. A series with nothing to say in either
//! window has no row.

use crate::answer::{SeriesFigures, SeriesRow};
use crate::{Scope, Window};

use super::tables::Series;

/// Characters of an attribute shown, as the store cuts them.
const VALUE_CHARS_MAX: usize = 200;

pub(super) fn rows(
    series: &[Series],
    (good, bad): (Window, Window),
    scope: &Scope,
    metrics: &[String],
) -> Vec<SeriesRow> {
    let operation = scope.operation.as_deref().unwrap_or_default();
    let is_asked = |one: &&Series| {
        (metrics.is_empty() || metrics.contains(&one.key.metric))
            && scope.admits(&one.key.service, operation, &one.key.instance)
    };
    let row = |one: &Series| {
        let (good, bad) = (figures(one, good), figures(one, bad));
        (good.n > 0 || bad.n > 0).then(|| row(one, good, bad))
    };
    series.iter().filter(is_asked).filter_map(row).collect()
}

fn row(series: &Series, good: SeriesFigures, bad: SeriesFigures) -> SeriesRow {
    let key = &series.key;
    let cut = |value: &String| value.chars().take(VALUE_CHARS_MAX).collect();
    SeriesRow {
        service: key.service.clone(),
        instance: key.instance.clone(),
        version: String::new(),
        metric: key.metric.clone(),
        unit: key.unit.clone(),
        attributes: key.attributes.iter().map(|(name, value)| (name.clone(), cut(value))).collect(),
        kind: key.kind,
        good,
        bad,
    }
}

fn figures(series: &Series, window: Window) -> SeriesFigures {
    let values: Vec<f64> =
        series.points.iter().filter(|(at, _)| window.contains(*at)).map(|(_, value)| *value).collect();
    SeriesFigures::of(&values)
}
