//! What people see of an incident over HTTP: the page of its report, and the serving of one page.
//!
//! Deliberately absent: reasoning (the report holds every conclusion already), storage, and any outbound request.
//! A page is one file that asks for nothing: it can be mailed, printed and read years later.

pub mod page;
pub mod serve;
