//! What must come out, as literal tables: nothing here asks the code under test.

/// The roles, as people write them.
pub(crate) const ROLES: [&str; 5] = ["observer", "diagnostician", "remediator", "approver", "admin"];

/// Which of the permissions `read, diagnose, remediate, approve, administer` each role has; AG-04.
const PERMISSIONS: [[bool; 5]; 5] = [
    [true, false, false, false, false],
    [true, true, false, false, false],
    [true, true, true, false, false],
    [true, false, false, true, false],
    [true, true, true, false, true],
];

/// What a role (row) is when it says that it wants to be another (column): less, or as before.
const LOWERED: [[&str; 5]; 5] = [
    ["observer", "observer", "observer", "observer", "observer"],
    ["observer", "diagnostician", "diagnostician", "diagnostician", "diagnostician"],
    ["observer", "diagnostician", "remediator", "remediator", "remediator"],
    ["observer", "approver", "approver", "approver", "approver"],
    ["observer", "diagnostician", "remediator", "admin", "admin"],
];

/// The permission that a tool asks for: `p0` to `p4` are tools of the test, one a permission.
pub(crate) fn permission(tool: &str) -> usize {
    match tool {
        "p1" | "investigate" | "verify_remediation_effect" | "create_session" | "add_session_entry" => 1,
        "p2" | "propose_action" | "execute_remediation" | "list_remediation_actions" => 2,
        "p3" => 3,
        "p4" => 4,
        // Everything else, in every dialect, reads and does nothing else.
        _ => 0,
    }
}

pub(crate) fn may(role: &str, permission: usize) -> bool {
    PERMISSIONS[place(role)][permission]
}

pub(crate) fn lowered(role: &str, wished: &str) -> &'static str {
    LOWERED[place(role)][place(wished)]
}

fn place(role: &str) -> usize {
    ROLES.iter().position(|known| *known == role).expect("a role")
}

/// What is wrong with a request, or meant to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fault {
    None,
    ApiKeyScheme,
    Missing,
    Empty,
    WrongScheme,
    NoScheme,
    Truncated,
    BitFlipped,
    UpperCase,
    Trailing,
    OtherSecret,
    NeverMade,
    Revoked,
    Expired,
    OtherSpace,
    OtherTool,
    RaisedByHeader,
    RaisedByArgument,
    RaisedAfterLowering,
    LoweredByHeader,
    LoweredByArgument,
    NoSuchRole,
    TwoRoles,
    TwoHeaders,
    NotAscii,
    TooLong,
}

pub(crate) const FAULTS: [Fault; 26] = [
    Fault::None,
    Fault::ApiKeyScheme,
    Fault::Missing,
    Fault::Empty,
    Fault::WrongScheme,
    Fault::NoScheme,
    Fault::Truncated,
    Fault::BitFlipped,
    Fault::UpperCase,
    Fault::Trailing,
    Fault::OtherSecret,
    Fault::NeverMade,
    Fault::Revoked,
    Fault::Expired,
    Fault::OtherSpace,
    Fault::OtherTool,
    Fault::RaisedByHeader,
    Fault::RaisedByArgument,
    Fault::RaisedAfterLowering,
    Fault::LoweredByHeader,
    Fault::LoweredByArgument,
    Fault::NoSuchRole,
    Fault::TwoRoles,
    Fault::TwoHeaders,
    Fault::NotAscii,
    Fault::TooLong,
];

/// What a key is narrowed to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Scope {
    pub(crate) spaces: &'static [&'static str],
    pub(crate) dialects: &'static [&'static str],
    pub(crate) tools: &'static [&'static str],
}

pub(crate) const SCOPES: [Scope; 6] = [
    Scope { spaces: &[], dialects: &[], tools: &[] },
    Scope { spaces: &["default"], dialects: &[], tools: &[] },
    Scope { spaces: &["staging", "test"], dialects: &[], tools: &[] },
    Scope { spaces: &[], dialects: &["default"], tools: &[] },
    Scope { spaces: &[], dialects: &["another"], tools: &[] },
    Scope {
        spaces: &["default", "staging"],
        dialects: &[],
        tools: &["status", "investigate", "propose_action", "p3"],
    },
];

/// What must come out: who the caller is, or the status of the refusal.
pub(crate) type Outcome = Result<&'static str, u16>;

/// The space that is asked about: one that no scope with spaces opens, when that is the fault.
pub(crate) fn space(fault: Fault) -> &'static str {
    if fault == Fault::OtherSpace { "elsewhere" } else { "default" }
}

/// The outcome of a call of `tool`, which takes `permission`, of the dialect `default`.
pub(crate) fn expected(
    role: &'static str,
    scope: Scope,
    fault: Fault,
    (tool, permission): (&str, usize),
) -> Outcome {
    let is_in = |list: &[&str], name: &str| list.is_empty() || list.contains(&name);
    let role = match fault {
        Fault::Missing
        | Fault::Empty
        | Fault::WrongScheme
        | Fault::NoScheme
        | Fault::Truncated
        | Fault::BitFlipped
        | Fault::UpperCase
        | Fault::Trailing
        | Fault::OtherSecret
        | Fault::NeverMade
        | Fault::Revoked
        | Fault::Expired
        | Fault::TwoHeaders
        | Fault::NotAscii
        | Fault::TooLong => return Err(401),
        Fault::NoSuchRole | Fault::TwoRoles => return Err(400),
        Fault::LoweredByHeader | Fault::LoweredByArgument | Fault::RaisedAfterLowering => "observer",
        Fault::RaisedByHeader | Fault::RaisedByArgument => lowered(role, "admin"),
        Fault::None | Fault::ApiKeyScheme | Fault::OtherSpace | Fault::OtherTool => role,
    };
    let tool = if fault == Fault::OtherTool { "none_of_these" } else { tool };
    if !is_in(scope.spaces, space(fault)) || !is_in(scope.dialects, "default") || !is_in(scope.tools, tool) {
        return Err(403);
    }
    if may(role, permission) { Ok(role) } else { Err(403) }
}
