//! Skills as resources: documents that tell an agent how to go about something, chosen by their description.
//!
//! Three come with the program; others lie in the data directory, `skills/NAME/SKILL.md`, with `name` and `description`
//! between two lines of `---` (AW-16). Documents only: nothing in them is executed, and nothing in them approves.

use rmcp::model::{Resource, ResourceContents};

use crate::investigations::Investigations;

/// Before the name of a skill.
pub(super) const BEFORE: &str = "firstcause://skills/";
const KIND: &str = "text/markdown";
/// Bounds of AW-16.
const NAME_MAX: usize = 64;
const DESCRIPTION_MAX: usize = 1024;
/// Bytes of a document.
const BYTES_MAX: usize = 256 * 1024;
/// Those of the program.
const OWN: [&str; 3] = [
    include_str!("../../../skills/investigate-an-alert.md"),
    include_str!("../../../skills/propose-a-fix.md"),
    include_str!("../../../skills/review-an-incident.md"),
];

/// A document that can be used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Skill {
    name: String,
    description: String,
    text: String,
}

/// All of them by name, an operator's own before one of the program of the same name; and why others cannot be used.
pub(super) fn all(investigations: &Investigations) -> (Vec<Skill>, Vec<String>) {
    let (mut skills, mut wrong) = (Vec::new(), Vec::new());
    let found = investigations.skills().unwrap_or_else(|error| {
        wrong.push(format!("the folder `skills` cannot be read: {error}"));
        Vec::new()
    });
    for (folder, bytes) in found {
        match String::from_utf8(bytes).map_err(|_| "it is no UTF-8".to_owned()).and_then(|text| read(&text)) {
            Ok(skill) if skill.name == folder => skills.push(skill),
            Ok(skill) => wrong.push(format!(
                "`skills/{folder}/SKILL.md` is called `{}`; hint: a skill lies in a folder of its name",
                skill.name
            )),
            Err(why) => wrong.push(format!("`skills/{folder}/SKILL.md` cannot be used: {why}")),
        }
    }
    for own in OWN.iter().filter_map(|text| read(text).ok()) {
        if skills.iter().all(|skill: &Skill| skill.name != own.name) {
            skills.push(own);
        }
    }
    skills.sort_by(|one, other| one.name.cmp(&other.name));
    (skills, wrong)
}

/// Why some of an operator's skills cannot be used, a sentence each.
#[must_use]
pub fn unusable(investigations: &Investigations) -> Vec<String> {
    all(investigations).1
}

/// The document of a text.
fn read(text: &str) -> Result<Skill, String> {
    if text.len() > BYTES_MAX {
        return Err(format!("it is longer than {BYTES_MAX} bytes"));
    }
    let plain = text.replace("\r\n", "\n");
    let (head, _) = plain
        .strip_prefix("---\n")
        .and_then(|rest| rest.split_once("\n---"))
        .ok_or("it does not begin with `name` and `description` between two lines of `---`")?;
    let field = |wanted: &str| {
        let line = head.lines().find_map(|line| line.strip_prefix(wanted)?.strip_prefix(':'));
        line.map(|value| value.trim().trim_matches(['"', '\'']).to_owned()).filter(|value| !value.is_empty())
    };
    let name = field("name").ok_or("`name` is not said")?;
    let fits = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    if name.len() > NAME_MAX || !name.chars().all(fits) {
        return Err(format!("the name `{name}` is none; hint: at most {NAME_MAX} of a-z, 0-9 and `-`"));
    }
    let description = field("description").ok_or("`description` is not said")?;
    if description.chars().count() > DESCRIPTION_MAX {
        return Err(format!("the description is longer than {DESCRIPTION_MAX} characters"));
    }
    Ok(Skill { name, description, text: plain })
}

impl Skill {
    /// As it is listed.
    pub(super) fn resource(&self) -> Resource {
        Resource::new(format!("{BEFORE}{}", self.name), self.name.clone())
            .with_description(self.description.clone())
            .with_mime_type(KIND)
    }

    /// As it is read, if it is the one of this address.
    pub(super) fn content(&self, uri: &str) -> Option<ResourceContents> {
        let is_it = uri.strip_prefix(BEFORE) == Some(self.name.as_str());
        is_it.then(|| ResourceContents::text(self.text.clone(), uri).with_mime_type(KIND))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    // covers: EL-57
    #[test]
    fn the_programs_own_can_be_used_and_name_only_tools_and_skills_that_exist() {
        let tools: Vec<String> =
            (tools::dialects::default().tools)().iter().map(|tool| tool.about().name.clone()).collect();
        for text in OWN {
            let skill = read(text).expect("it can be used");
            let quoted = skill.text.split('`').skip(1).step_by(2);
            for word in quoted.filter(|word| !word.contains([' ', ':', '.'])) {
                assert!(tools.iter().any(|tool| tool == word), "{}: {word}", skill.name);
            }
            let parts = skill.description.split(['(', ')']).skip(1).step_by(2);
            for other in parts {
                assert!(OWN.iter().any(|text| text.contains(&format!("name: {other}\n"))), "{other}");
            }
        }
    }

    // covers: AW-16
    #[test]
    fn what_has_no_name_or_too_long_a_description_is_refused_and_says_why() {
        let document = |name: &str, description: &str| {
            format!("---\nname: {name}\ndescription: {description}\n---\ntext\n")
        };
        let skill = read(&document("our-runbook", "\"When the queue grows.\"")).expect("it can be used");
        assert_eq!(
            (skill.name.as_str(), skill.description.as_str()),
            ("our-runbook", "When the queue grows.")
        );
        assert!(read(&document("our-runbook", &"x".repeat(1024))).is_ok());
        assert!(read(&document("x", "y").replace('\n', "\r\n")).is_ok());
        for (wrong, why) in [
            ("just text".to_owned(), "does not begin"),
            (document("", "x"), "`name` is not said"),
            (document("Our_Runbook", "x"), "is none"),
            (document(&"a".repeat(65), "x"), "is none"),
            (document("a", ""), "`description` is not said"),
            (document("a", &"x".repeat(1025)), "longer than 1024"),
            (document("a", "b") + &"x".repeat(BYTES_MAX), "longer than 262144"),
        ] {
            let said = read(&wrong).expect_err("it cannot be used");
            assert!(said.contains(why), "{said}");
        }
    }
}
