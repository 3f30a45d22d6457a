//! What a tool is: a name, a description, a typed input, a typed answer, and a function between them.
//!
//! [`Typed`] is what one file of this crate implements; [`Tool`] is the same without its types, so that a list can hold
//! many. Transport, identity and the choice of tools are others' business.

use std::marker::PhantomData;
use std::sync::Arc;

use schemars::JsonSchema;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};
use telemetry::source::BoxFuture;

use crate::access::{Caller, Permission};
use crate::budget::{Budget, Shorten, fit};
use crate::hint::Hint;
use crate::installation::{Installation, InstallationError};
use crate::schema;

/// What a tool is called and what it costs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct About {
    /// Its name: letters, digits and underscores, at most 64.
    pub name: String,
    /// What it does, when to use it and when not, which other tool then.
    pub description: String,
    /// What its caller must be allowed.
    pub permission: Permission,
    /// What its answer may cost.
    pub budget: Budget,
    /// Whether it leaves everything as it was. No tool destroys anything.
    pub is_read_only: bool,
}

/// What a call happens in.
#[derive(Clone)]
pub struct Context {
    /// What is asked.
    pub installation: Arc<dyn Installation>,
    /// Who calls.
    pub caller: Caller,
}

impl std::fmt::Debug for Context {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Context").field("caller", &self.caller).finish_non_exhaustive()
    }
}

/// An answer before it is shortened.
#[derive(Debug)]
pub struct Found<T> {
    /// What was found, the most important first.
    pub answer: T,
    /// Whether more was there than `answer` holds.
    pub is_truncated: bool,
    /// What to ask next, best first.
    pub next: Vec<Hint>,
}

impl<T> Found<T> {
    /// A whole answer with what to ask next.
    pub fn whole(answer: T, next: Vec<Hint>) -> Self {
        Self { answer, is_truncated: false, next }
    }
}

/// Why there is no answer. The caller is shown it and can correct itself.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ToolError {
    /// The arguments cannot be used.
    #[error("{0}")]
    Input(String),
    /// The caller may not.
    #[error(
        "`{tool}` needs the permission `{permission}`, which the role `{role}` does not have; hint: {hint}"
    )]
    NotAllowed {
        /// Which tool.
        tool: String,
        /// What it takes.
        permission: &'static str,
        /// What the caller is.
        role: &'static str,
        /// What to do.
        hint: &'static str,
    },
    /// The installation could not say.
    #[error(transparent)]
    Installation(#[from] InstallationError),
}

/// A tool with its types.
pub trait Typed: Send + Sync + 'static {
    /// Its arguments. Unknown ones are refused: `deny_unknown_fields`.
    type Input: DeserializeOwned + JsonSchema + Send;
    /// Its answer.
    type Answer: Shorten + JsonSchema + Send;

    /// What it is called and what it costs.
    fn about() -> About;

    /// Answers.
    fn call(
        context: &Context,
        input: Self::Input,
    ) -> impl Future<Output = Result<Found<Self::Answer>, ToolError>> + Send;
}

/// The answer of a tool as it leaves.
#[derive(Debug, Clone, PartialEq)]
pub struct Reply {
    /// For a reader: inside the tool's token budget, the hints included.
    pub text: String,
    /// The same for a program: an object that holds by the tool's output schema.
    pub structured: Value,
    /// Whether something was left out.
    pub is_truncated: bool,
    /// What to ask next, best first.
    pub next: Vec<Hint>,
}

/// A tool.
pub trait Tool: Send + Sync {
    /// What it is called and what it costs.
    fn about(&self) -> &About;

    /// JSON Schema of the arguments, an object.
    fn input_schema(&self) -> Map<String, Value>;

    /// JSON Schema of [`Reply::structured`], an object.
    fn output_schema(&self) -> Map<String, Value>;

    /// Answers; refuses whoever may not ask.
    fn call<'a>(&'a self, context: &'a Context, arguments: Value) -> BoxFuture<'a, Result<Reply, ToolError>>;
}

/// Makes a [`Tool`] of a [`Typed`] one.
#[must_use]
pub fn registered<T: Typed>() -> Arc<dyn Tool> {
    Arc::new(Registered::<T> { about: T::about(), typed: PhantomData })
}

struct Registered<T> {
    about: About,
    typed: PhantomData<fn() -> T>,
}

/// What stands beside every answer.
#[derive(Serialize, JsonSchema)]
struct Beside<'a, T> {
    #[serde(flatten)]
    answer: &'a T,
    truncated: bool,
    next: &'a [Hint],
}

impl<T: Typed> Tool for Registered<T> {
    fn about(&self) -> &About {
        &self.about
    }

    fn input_schema(&self) -> Map<String, Value> {
        schema::of_input::<T::Input>()
    }

    fn output_schema(&self) -> Map<String, Value> {
        output_schema::<T::Answer>()
    }

    fn call<'a>(&'a self, context: &'a Context, arguments: Value) -> BoxFuture<'a, Result<Reply, ToolError>> {
        Box::pin(async move {
            allowed(&self.about, &context.caller)?;
            let input = input::<T::Input>(&self.about, arguments)?;
            let found = T::call(context, input).await?;
            reply(self.about.budget, found)
        })
    }
}

/// Refuses a caller who may not.
///
/// # Errors
/// When the role lacks the permission.
pub fn allowed(about: &About, caller: &Caller) -> Result<(), ToolError> {
    if caller.role.may(about.permission) {
        return Ok(());
    }
    let permission = match about.permission {
        Permission::Read => "read",
        Permission::Diagnose => "diagnose",
        Permission::Remediate => "remediate",
        Permission::Approve => "approve",
        Permission::Administer => "administer",
    };
    Err(ToolError::NotAllowed {
        tool: about.name.clone(),
        permission,
        role: caller.role.name(),
        hint: "`firstcause key new --role ROLE` makes a key that may",
    })
}

fn input<T: DeserializeOwned>(about: &About, arguments: Value) -> Result<T, ToolError> {
    // Some clients send no arguments as null.
    let arguments = if arguments.is_null() { Value::Object(Map::new()) } else { arguments };
    if !arguments.is_object() {
        return Err(ToolError::Input(format!("the arguments of `{}` are an object", about.name)));
    }
    serde_json::from_value(arguments)
        .map_err(|error| ToolError::Input(format!("the arguments of `{}`: {error}", about.name)))
}

/// The schema of an answer and of what stands beside it.
pub(crate) fn output_schema<T: JsonSchema>() -> Map<String, Value> {
    schema::of_output::<Beside<'_, T>>()
}

/// Brings what was found within its budget.
///
/// # Errors
/// Never for an answer made of names, texts and numbers; kept because serialisation can fail by type.
pub fn reply<T: Shorten + JsonSchema>(budget: Budget, found: Found<T>) -> Result<Reply, ToolError> {
    let Found { mut answer, is_truncated, mut next } = found;
    next.truncate(Hint::MOST);
    let hints = Hint::lines(&next);
    let left = Budget {
        tokens: budget.tokens.saturating_sub(crate::budget::tokens(&hints)),
        bytes: budget.bytes.saturating_sub(serde_json::to_vec(&next).map_or(0, |json| json.len())),
    };
    let (text, is_cut) = fit(&mut answer, left);
    let is_truncated = is_truncated || is_cut;
    let beside = Beside { answer: &answer, truncated: is_truncated, next: &next };
    let mut structured = serde_json::to_value(&beside)
        .map_err(|error| ToolError::Installation(InstallationError::Failed(error.to_string())))?;
    schema::without_nulls(&mut structured);
    Ok(Reply { text: format!("{text}{hints}"), structured, is_truncated, next })
}
