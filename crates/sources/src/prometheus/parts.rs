//! Requests of more services than one answer holds: asked for in parts, by the addresses that are scraped.
//!
//! All series of an address come together, because which of them are new is told by the others; each part is counted before the
//! next one comes. An address alone that is too much, as a collector that counts for everybody may be, is a gap.

use telemetry::{AskError, Window};

use super::counters::Requests;
use super::families::Family;
use super::{BEFORE_SECONDS, Queries};
use crate::quoted::text;

/// Samples of requests in one part; with those of their durations some 25 MB.
const SAMPLES_MAX: f64 = 400_000.0;
/// Addresses in one part: they stand in the query.
const ADDRESSES_MAX: usize = 100;
/// Parts of a family that are asked for.
const PARTS_MAX: usize = 256;

impl Queries<'_> {
    /// Counts the requests of a family, in parts where it is too much at once.
    pub(super) async fn family(
        &mut self,
        family: &Family,
        window: Window,
        requests: &mut Requests<'_>,
    ) -> Result<(), AskError> {
        let names = format!("__name__=~\"{}_(count|sum)\"", family.base);
        match self.samples(&format!("{{{names}}}"), window).await {
            Err(AskError::LimitReached(_)) => {}
            other => {
                requests.take(family, &other?);
                return Ok(());
            }
        }
        self.asking = self.asking.wide();
        let mut parts = self.addresses(family, window).await?;
        for _ in 0..PARTS_MAX {
            let Some(mut part) = parts.pop() else { return Ok(()) };
            let selector = format!("{{{names},instance=~{}}}", text(&part.join("|")));
            match self.samples(&selector, window).await {
                // The other side allows less.
                Err(AskError::LimitReached(_)) if part.len() > 1 => {
                    parts.push(part.split_off(part.len() / 2));
                    parts.push(part);
                }
                series => requests.take(family, &series?),
            }
        }
        Err(AskError::LimitReached(format!(
            "the requests of `{}` are more than {PARTS_MAX} parts; hint: a shorter history",
            family.base
        )))
    }

    /// The addresses that the family is scraped at, in parts.
    async fn addresses(&mut self, family: &Family, window: Window) -> Result<Vec<Vec<String>>, AskError> {
        let millis = window.to.since(window.from.plus_seconds(-BEFORE_SECONDS)) / 1_000_000;
        let query = format!("sum by (instance) (count_over_time({}_count[{millis}ms]))", family.base);
        let mut found: Vec<(String, f64)> = self
            .query(&query, window.to)
            .await?
            .iter()
            .map(|one| (escaped(one.label("instance")), one.samples.first().map_or(0.0, |(_, count)| *count)))
            .collect();
        found.sort_by(|a, b| a.0.cmp(&b.0));
        Ok(packed(found))
    }
}

/// Addresses in parts that are small enough, in their order.
fn packed(found: Vec<(String, f64)>) -> Vec<Vec<String>> {
    let (mut parts, mut part, mut samples) = (Vec::new(), Vec::new(), 0.0);
    for (address, count) in found {
        if !part.is_empty() && (samples + count > SAMPLES_MAX || part.len() == ADDRESSES_MAX) {
            parts.push(std::mem::take(&mut part));
            samples = 0.0;
        }
        part.push(address);
        samples += count;
    }
    parts.extend((!part.is_empty()).then_some(part));
    parts
}

/// The text as a regular expression for itself.
fn escaped(text: &str) -> String {
    text.chars().fold(String::new(), |mut escaped, letter| {
        if r"\.+*?()|[]{}^$".contains(letter) {
            escaped.push('\\');
        }
        escaped.push(letter);
        escaped
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_hold_every_address_once_and_not_too_much() {
        let found =
            (0..250).map(|place| (format!("a{place}"), if place == 3 { 900_000.0 } else { 10.0 })).collect();
        let parts = packed(found);
        assert_eq!(parts.iter().map(Vec::len).collect::<Vec<_>>(), [3, 1, 100, 100, 46]);
        assert!(packed(Vec::new()).is_empty());
    }

    #[test]
    fn an_address_is_matched_as_it_is() {
        assert_eq!(escaped("10.0.0.1:80|x"), "10\\.0\\.0\\.1:80\\|x");
        assert_eq!(text(&escaped("a.b\"")), "\"a\\\\.b\\\"\"");
    }
}
