//! What the dialects of other systems read off the questions: typed arguments, filtered rows, figures by group.
//!
//! Here stands what more than one tool needs, without any tool's name or shape. Nothing is computed twice: figures of
//! requests, lines, traces and calls each have one function (C-10).

pub(crate) mod arguments;
pub(crate) mod calls;
pub(crate) mod change_points;
pub(crate) mod correlation;
pub(crate) mod fields_held;
pub(crate) mod filter;
pub(crate) mod histogram;
pub(crate) mod index_list;
pub(crate) mod indices;
pub(crate) mod lines;
pub(crate) mod requests;
pub(crate) mod shape;
pub(crate) mod spans;
pub(crate) mod told;
