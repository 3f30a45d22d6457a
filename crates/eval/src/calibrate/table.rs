//! The fitted weights as the source text that the engine reads them from.

use investigation::confidence::{Model, Route, SIGNS};

/// The text of `investigation::confidence::table`.
pub(super) fn text(model: &Model, measured: &[Route]) -> String {
    let routes: Vec<String> = measured.iter().map(|route| format!("Route::{route:?}")).collect();
    let used = if measured.is_empty() { "Model, Table" } else { "Model, Route, Table" };
    let named: Vec<&str> = measured.iter().map(|route| route.name()).collect();
    let named = if named.is_empty() { "none".to_owned() } else { named.join("; ") };
    let [margin, lead, kinds, told, first] = model.weights;
    format!(
        "//! The fitted weights, and the ways to a conclusion that are measured: {named}.\n\
         //!\n\
         //! Written by `firstcause eval calibrate NEZHA PETSHOP ROOTCAUSEBENCH OPENSRE --keep DIR --table FILE`, never by hand;\n\
         //! `docs/results/calibration.md` has the figures.\n\
         \n\
         use super::{{{used}}};\n\
         \n\
         /// What confidence is read from. The weights are those of: {}.\n\
         pub const TABLE: Table = Table {{\n    \
             model: Model {{ intercept: {:.4}, weights: [{margin:.4}, {lead:.4}, {kinds:.4}, {told:.4}, {first:.4}] }},\n    \
             measured: &[{}],\n\
         }};\n",
        SIGNS.join(", "),
        model.intercept,
        routes.join(", "),
    )
}

#[cfg(test)]
mod tests {
    use investigation::confidence::table::TABLE;

    use super::*;

    #[test]
    fn the_committed_table_is_as_it_is_written() {
        let committed = include_str!("../../../investigation/src/confidence/table.rs");
        assert_eq!(text(&TABLE.model, TABLE.measured), committed);
    }
}
