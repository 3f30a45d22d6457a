//! What a system emits, the questions one may ask of it, and how a trace is assembled.
//!
//! Reading order: [`time`], [`ids`], [`signal`], [`trace`], [`question`], [`answer`], [`inquiry`], [`source`];
//! [`rows`], [`peer`], [`template`], [`logs`] and [`paths`] for sources that answer from raw signals; [`recorded`] answers from
//! tables of them.
//!
//! Deliberately absent: any wire format, any IO, any clock. What a signal means for an incident is said in
//! `incident` and `evidence`, never here.

pub mod answer;
pub mod ids;
pub mod inquiry;
pub mod logs;
pub mod number;
pub mod paths;
pub mod peer;
pub mod question;
pub mod recorded;
pub mod rows;
pub mod signal;
pub mod source;
pub mod template;
pub mod time;
pub mod trace;

pub use answer::{Answer, Table};
pub use ids::{QuestionId, SourceName, Space, SpanId, TraceId};
pub use inquiry::{Answered, Inquiry, Next, Note, NoteKind, Stage, Step};
pub use question::{Ask, Question, Scope};
pub use signal::{LogRecord, MetricPoint, Resource, Span, SpanKind, StatusCode, Temporality, Value};
pub use source::{Answerer, AskError, Cancel, Capabilities, Limits, Source};
pub use time::{UnixNanos, Window};
