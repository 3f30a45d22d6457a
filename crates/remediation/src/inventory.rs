//! The operator's inventory: what may be acted on, with which fixes and which values.
//!
//! A TOML file, read once and validated. It is the only place from which an action's target, variable or value can
//! come. No entry, no action.

use std::collections::{BTreeMap, BTreeSet};

use serde::Deserialize;

/// The inventory, validated.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Inventory {
    /// What may be acted on.
    #[serde(default, rename = "target")]
    pub targets: Vec<Target>,
}

/// A service that may be acted on.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Target {
    /// `service.name`.
    pub service: String,
    /// `service.instance.id` of each instance, in the order in which they are acted on.
    pub instances: Vec<String>,
    /// What may be done.
    #[serde(default, rename = "fix")]
    pub fixes: Vec<Fix>,
}

/// What may be done about one kind of cause.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Fix {
    /// The fix profile.
    pub profile: String,
    /// The variables that the restart sets.
    pub set: BTreeMap<String, String>,
    /// Whether taking it back restores what was before.
    #[serde(default = "is_reversible_by_default")]
    pub reversible: bool,
}

/// A restart with an override is taken back by a restart without it.
fn is_reversible_by_default() -> bool {
    true
}

/// The inventory cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ReadInventoryError {
    /// It is not the TOML that an inventory is.
    #[error("failed to read the inventory")]
    Syntax(#[from] toml::de::Error),
    /// It is well-formed and wrong.
    #[error("the inventory is wrong: {0}")]
    Invalid(String),
}

impl Inventory {
    /// Reads and validates TOML text.
    ///
    /// # Errors
    /// When the text is not an inventory, names a service or instance twice, an empty fix or an unknown profile.
    pub fn parse(text: &str) -> Result<Self, ReadInventoryError> {
        let inventory: Self = toml::from_str(text)?;
        inventory.validate().map_err(ReadInventoryError::Invalid)?;
        Ok(inventory)
    }

    fn validate(&self) -> Result<(), String> {
        let known: BTreeSet<&str> = crate::profiles::all().iter().map(|profile| profile.name).collect();
        let (mut services, mut instances) = (BTreeSet::new(), BTreeSet::new());
        for target in &self.targets {
            if !services.insert(&target.service) {
                return Err(format!("service `{}` stands twice", target.service));
            }
            if target.instances.is_empty() {
                return Err(format!("service `{}` has no instance", target.service));
            }
            if let Some(twice) = target.instances.iter().find(|name| !instances.insert(*name)) {
                return Err(format!("instance `{twice}` stands twice"));
            }
            for fix in &target.fixes {
                if !known.contains(fix.profile.as_str()) {
                    let known: Vec<_> = known.into_iter().collect();
                    return Err(format!("no profile `{}`; hint: one of {}", fix.profile, known.join(", ")));
                }
                if fix.set.is_empty() {
                    return Err(format!("the fix `{}` of `{}` sets nothing", fix.profile, target.service));
                }
            }
        }
        Ok(())
    }

    /// The target of this service.
    #[must_use]
    pub fn target(&self, service: &str) -> Option<&Target> {
        self.targets.iter().find(|target| target.service == service)
    }
}

impl Target {
    /// What may be done about causes of `profile`.
    #[must_use]
    pub fn fix(&self, profile: &str) -> Option<&Fix> {
        self.fixes.iter().find(|fix| fix.profile == profile)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: &str = r#"
        [[target]]
        service = "orders"
        instances = ["orders-1", "orders-2"]
        [[target.fix]]
        profile = "slow_query"
        set = { CUSTOMER_INDEX = "true" }
    "#;

    #[test]
    fn a_good_inventory_is_read() {
        let inventory = Inventory::parse(GOOD).unwrap();
        let fix = inventory.target("orders").unwrap().fix("slow_query").unwrap();
        assert_eq!(fix.set.get("CUSTOMER_INDEX").map(String::as_str), Some("true"));
        assert!(fix.reversible);
    }

    #[test]
    fn wrong_inventories_are_refused_with_what_is_wrong() {
        let wrong = |text: &str| format!("{}", Inventory::parse(text).unwrap_err());
        assert!(wrong(&GOOD.replace("slow_query", "slow_qerry")).contains("hint: one of blocking_io, "));
        assert!(wrong(&GOOD.replace("orders-2", "orders-1")).contains("stands twice"));
        assert!(wrong(&GOOD.replace("{ CUSTOMER_INDEX = \"true\" }", "{}")).contains("sets nothing"));
        assert!(wrong(&GOOD.replace("instances", "instance")).contains("failed to read"));
    }
}
