//! Who may do what: every role, scope, tool and fault against a table that is written down, and verifiers with one
//! mistake each, which the table must find.

pub(crate) mod oracle;
pub(crate) mod world;

use std::collections::BTreeSet;
use std::sync::Arc;

use hyper::header::{HeaderMap, HeaderValue};
use serde_json::{Value, json};
use server::identity::{Identity, LOCAL_ROLE, Reach, Refusal};
use tools::budget::Budget;
use tools::{About, Permission, Role};

use oracle::{FAULTS, Fault, Outcome, ROLES, Scope};
use platform::sim_disk::SimDisk;
use world::{Lax, NOW, Three, World};

use super::kept::Kept;

const PERMISSIONS: [Permission; 5] = [
    Permission::Read,
    Permission::Diagnose,
    Permission::Remediate,
    Permission::Approve,
    Permission::Administer,
];

/// Every tool of every dialect, and one tool for each permission.
fn abouts() -> Vec<About> {
    let mut abouts: Vec<About> = tools::dialects::all()
        .iter()
        .flat_map(|dialect| (dialect.tools)().iter().map(|tool| tool.about().clone()).collect::<Vec<_>>())
        .collect();
    abouts.extend(PERMISSIONS.into_iter().enumerate().map(|(place, permission)| About {
        name: format!("p{place}"),
        description: String::new(),
        permission,
        budget: Budget::LINE,
        is_read_only: true,
    }));
    abouts
}

/// How one request is judged: the headers, the space, the tool's name, its arguments, the tool.
type Verifier<'a> = dyn Fn(&Three, Fault, &HeaderMap, &About) -> Outcome + 'a;

fn name(role: Role) -> &'static str {
    ROLES[Role::ALL.iter().position(|known| *known == role).expect("a role")]
}

fn arguments(fault: Fault) -> Value {
    match fault {
        Fault::RaisedByArgument | Fault::RaisedAfterLowering => json!({ "_agent_role": "admin" }),
        Fault::LoweredByArgument => json!({ "_agent_role": "observer" }),
        _ => json!({}),
    }
}

/// The verifier of the product.
fn real(identity: &Identity, fault: Fault, headers: &HeaderMap, about: &About) -> Outcome {
    let status = |refusal: Refusal| refusal.status().as_u16();
    let admitted = identity.admit(headers, oracle::space(fault)).map_err(status)?;
    let tool = if fault == Fault::OtherTool { "none_of_these" } else { &about.name };
    let mut arguments = arguments(fault);
    let caller = admitted.caller("default", tool, &mut arguments).map_err(status)?;
    assert_eq!(arguments, json!({}), "a tool sees nothing of it");
    assert!(caller.principal.starts_with("key:"), "{}", caller.principal);
    tools::tool::allowed(about, &caller).map_err(|_| 403_u16)?;
    Ok(name(caller.role))
}

/// How many requests were judged, and the faults of those that were judged wrongly.
fn judged(keys: &[Three], verifier: &Verifier<'_>) -> (usize, Vec<Fault>) {
    let (mut count, mut wrong) = (0, Vec::new());
    let abouts = abouts();
    for three in keys {
        for fault in FAULTS {
            let headers = world::headers(three, fault);
            for about in &abouts {
                let permission = oracle::permission(&about.name);
                let expected = oracle::expected(three.role, three.scope, fault, (&about.name, permission));
                count += 1;
                if verifier(three, fault, &headers, about) != expected {
                    wrong.push(fault);
                }
            }
        }
    }
    (count, wrong)
}

// covers: AG-03, AG-04, C-09, W-08, AW-15
#[test]
fn every_role_scope_tool_and_fault_comes_out_as_the_table_says() {
    let world = World::new(Lax::default());
    let (count, wrong) =
        judged(&world.keys, &|_, fault, headers, about| real(&world.identity, fault, headers, about));
    assert!(count >= 5 * 6 * FAULTS.len() * 15, "{count}");
    assert_eq!(wrong, [], "of {count}");
}

/// A mistake that a verifier could make.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Mistake {
    RevokesNothing,
    LetsNothingExpire,
    LooksAtNoList,
    BelievesTheHeader,
    BelievesTheArgument,
    ComparesIdsOnly,
    TakesTheFirstHeader,
    TakesNobodyForSomebody,
}

/// Each mistake, and the faults that must come out wrongly: these and no others.
const MISTAKES: [(Mistake, &[Fault]); 8] = [
    (Mistake::RevokesNothing, &[Fault::Revoked]),
    (Mistake::LetsNothingExpire, &[Fault::Expired]),
    (
        Mistake::LooksAtNoList,
        &[
            Fault::None,
            Fault::ApiKeyScheme,
            Fault::OtherSpace,
            Fault::OtherTool,
            Fault::RaisedByHeader,
            Fault::RaisedByArgument,
            Fault::RaisedAfterLowering,
            Fault::LoweredByHeader,
            Fault::LoweredByArgument,
        ],
    ),
    (Mistake::BelievesTheHeader, &[Fault::RaisedByHeader]),
    (Mistake::BelievesTheArgument, &[Fault::RaisedByArgument, Fault::RaisedAfterLowering]),
    (Mistake::ComparesIdsOnly, &[Fault::Truncated, Fault::BitFlipped, Fault::Trailing, Fault::OtherSecret]),
    (Mistake::TakesTheFirstHeader, &[Fault::TwoHeaders]),
    (Mistake::TakesNobodyForSomebody, &[Fault::Missing]),
];

/// Headers that show this key.
fn shown(key: &str) -> HeaderMap {
    with("authorization", &format!("Bearer {key}"))
}

/// The verifier of the product over a world without something, before it or after it.
fn mistaken(
    mistake: Mistake,
    world: &World,
    three: &Three,
    (fault, headers): (Fault, &HeaderMap),
    about: &About,
) -> Outcome {
    let raised = |by: &[Fault]| match real(&world.identity, fault, headers, about) {
        Ok(_) if by.contains(&fault) => Ok("admin"),
        other => other,
    };
    let is_shown = match mistake {
        Mistake::BelievesTheHeader => return raised(&[Fault::RaisedByHeader]),
        Mistake::BelievesTheArgument => {
            return raised(&[Fault::RaisedByArgument, Fault::RaisedAfterLowering]);
        }
        Mistake::ComparesIdsOnly => {
            let same_id = [Fault::Truncated, Fault::BitFlipped, Fault::Trailing, Fault::OtherSecret];
            same_id.contains(&fault)
        }
        Mistake::TakesTheFirstHeader => fault == Fault::TwoHeaders,
        Mistake::TakesNobodyForSomebody => fault == Fault::Missing,
        Mistake::RevokesNothing | Mistake::LetsNothingExpire | Mistake::LooksAtNoList => false,
    };
    let other = shown(&three.good);
    real(&world.identity, fault, if is_shown { &other } else { headers }, about)
}

#[test]
fn a_verifier_with_one_mistake_is_found_by_the_table() {
    for (mistake, faults) in MISTAKES {
        let world = World::new(Lax {
            never_revokes: mistake == Mistake::RevokesNothing,
            never_expires: mistake == Mistake::LetsNothingExpire,
            has_no_lists: mistake == Mistake::LooksAtNoList,
        });
        let (_, wrong) = judged(&world.keys, &|three, fault, headers, about| {
            mistaken(mistake, &world, three, (fault, headers), about)
        });
        let found: Vec<Fault> = FAULTS.into_iter().filter(|fault| wrong.contains(fault)).collect();
        assert_eq!(found, faults, "{mistake:?}");
    }
}

/// A world with no key, reached so.
fn keyless(reach: Reach) -> (Identity, SimDisk) {
    let disk = SimDisk::new();
    (Identity::new(Arc::new(Kept(disk.clone())), reach, Arc::new(|| NOW)), disk)
}

fn with(name: &'static str, value: &str) -> HeaderMap {
    let mut headers = HeaderMap::new();
    headers.insert(name, HeaderValue::from_str(value).expect("a header"));
    headers
}

const ALL: Scope = Scope { spaces: &[], dialects: &[], tools: &[] };

#[test]
fn without_a_key_the_person_at_this_machine_may_propose_and_nobody_else_comes_in() {
    let (here, _) = keyless(Reach::Loopback);
    let local = here.admit(&HeaderMap::new(), "default").expect("the local person");
    let caller = local.caller("default", "status", &mut Value::Null).expect("any tool");
    assert_eq!((caller.principal.as_str(), caller.role), ("local", LOCAL_ROLE));
    assert!(caller.role.may(Permission::Remediate) && !caller.role.may(Permission::Approve));
    let lowered = here.admit(&with("x-agent-role", "observer"), "default").expect("lowered");
    assert_eq!(lowered.caller("default", "status", &mut Value::Null).expect("any").role, Role::Observer);
    let (beyond, _) = keyless(Reach::Beyond);
    let refused = beyond.admit(&HeaderMap::new(), "default").expect_err("nobody");
    assert_eq!(refused.status().as_u16(), 401);
    assert!(refused.to_string().contains("hint: `firstcause key new"), "{refused}");
    let proxied = here.admit(&with("x-forwarded-for", "203.0.113.7"), "default").expect_err("a proxy");
    assert_eq!(proxied, Refusal::Forwarded);
    let wrong = here.admit(&with("authorization", "Bearer nonsense"), "default").expect_err("shown");
    assert_eq!(wrong.status().as_u16(), 401, "a wrong key is never taken for none");
}

#[test]
fn one_key_closes_the_door_for_all_others_and_revoking_it_does_not_open_it_again() {
    let (here, disk) = keyless(Reach::Loopback);
    assert!(here.admit(&HeaderMap::new(), "default").is_ok());
    let key = world::make(&disk, 7, world::order("observer", ALL));
    assert_eq!(here.admit(&HeaderMap::new(), "default").expect_err("closed"), Refusal::NoKey);
    let shown = shown(&key);
    assert!(here.admit(&shown, "default").is_ok(), "seen without a restart");
    world::revoke(&disk, &key);
    assert_eq!(here.admit(&shown, "default").expect_err("revoked"), Refusal::Revoked);
    assert_eq!(here.admit(&HeaderMap::new(), "default").expect_err("still closed"), Refusal::NoKey);
}

#[test]
fn no_persisted_byte_holds_a_key_or_its_secret() {
    let world = World::new(Lax::default());
    let kept = server::identity::Control::read(&Kept(world.disk.clone())).expect("it is there");
    let text = String::from_utf8(kept).expect("JSON Lines");
    let ids: BTreeSet<&str> =
        world.keys.iter().map(|three| server::identity::key::id_of(&three.good)).collect();
    assert_eq!(ids.len(), 30);
    assert!(ids.iter().all(|id| text.contains(id)), "a key can be found without its secret");
    for three in &world.keys {
        let secret = three.good.rsplit_once('_').expect("a secret").1;
        // Half of a secret would be too much already.
        assert!(!text.contains(&secret[..32]) && !text.contains(&secret[32..]));
    }
}
