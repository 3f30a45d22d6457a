//! The reliability curve as a small picture: how often it is right against how often it says so.

use super::{Bin, Calibration};

/// Width and height of the square.
const SIDE: f64 = 320.0;
/// Room for the axes.
const ROOM: f64 = 48.0;

/// The picture of all systems, each as it was left out.
pub(super) fn draw(calibration: &Calibration) -> String {
    let whole = SIDE + 2.0 * ROOM;
    let bins = &calibration.overall.reliability;
    let ticks: String = (0..=5).map(|fifth| tick(f64::from(fifth) / 5.0)).collect();
    let points: Vec<String> =
        bins.iter().map(|bin| format!("{:.1},{:.1}", across(bin.predicted), up(bin.right.share))).collect();
    format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {whole} {whole}\" width=\"{whole}\" height=\"{whole}\" \
         font-family=\"sans-serif\" font-size=\"12\" role=\"img\" aria-label=\"reliability curve\">\n\
         <title>Reliability on systems that were left out: share that is right against the confidence</title>\n\
         <rect width=\"{whole}\" height=\"{whole}\" fill=\"#ffffff\"/>\n\
         {ticks}<line x1=\"{:.1}\" y1=\"{:.1}\" x2=\"{:.1}\" y2=\"{:.1}\" stroke=\"#999999\" stroke-dasharray=\"4 4\"/>\n\
         <polyline points=\"{}\" fill=\"none\" stroke=\"#1f5fa8\" stroke-width=\"1.5\"/>\n\
         {}<text x=\"{:.1}\" y=\"{:.1}\" text-anchor=\"middle\">confidence</text>\n\
         <text x=\"14\" y=\"{:.1}\" text-anchor=\"middle\" transform=\"rotate(-90 14 {:.1})\">share that is right</text>\n\
         </svg>\n",
        across(0.0),
        up(0.0),
        across(1.0),
        up(1.0),
        points.join(" "),
        bins.iter().map(point).collect::<String>(),
        across(0.5),
        whole - 10.0,
        up(0.5),
        up(0.5),
    )
}

fn across(share: f64) -> f64 {
    ROOM + SIDE * share
}

fn up(share: f64) -> f64 {
    ROOM + SIDE * (1.0 - share)
}

fn tick(share: f64) -> String {
    format!(
        "<path d=\"M{x:.1} {top:.1}V{bottom:.1}M{left:.1} {y:.1}H{right:.1}\" stroke=\"#e4e4e4\" fill=\"none\"/>\
         <text x=\"{x:.1}\" y=\"{below:.1}\" text-anchor=\"middle\">{share:.1}</text>\
         <text x=\"{before:.1}\" y=\"{middle:.1}\" text-anchor=\"end\">{share:.1}</text>\n",
        x = across(share),
        y = up(share),
        top = up(1.0),
        bottom = up(0.0),
        left = across(0.0),
        right = across(1.0),
        below = up(0.0) + 16.0,
        before = across(0.0) - 6.0,
        middle = up(share) + 4.0,
    )
}

/// A bin: its interval as a bar, its size as an area and as a number.
fn point(bin: &Bin) -> String {
    let (x, y) = (across(bin.predicted), up(bin.right.share));
    let radius = (bin.right.of as f64).sqrt().clamp(2.0, 16.0) / 2.0 + 1.0;
    format!(
        "<line x1=\"{x:.1}\" y1=\"{:.1}\" x2=\"{x:.1}\" y2=\"{:.1}\" stroke=\"#1f5fa8\"/>\
         <circle cx=\"{x:.1}\" cy=\"{y:.1}\" r=\"{radius:.1}\" fill=\"#1f5fa8\"/>\
         <text x=\"{:.1}\" y=\"{:.1}\" fill=\"#555555\">{}</text>\n",
        up(bin.right.low),
        up(bin.right.high),
        x + radius + 3.0,
        y + 14.0,
        bin.right.of,
    )
}
