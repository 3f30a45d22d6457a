//! Reads a page as a browser would, as far as the tests need it: tags, attributes, balance.
//!
//! Strict where a browser forgives, so that what passes here is well-formed.

/// A tag as found.
#[derive(Debug)]
pub(crate) struct Tag {
    pub(crate) name: String,
    pub(crate) is_closing: bool,
    pub(crate) attributes: Vec<(String, String)>,
}

const VOID: [&str; 3] = ["meta", "br", "!doctype"];

/// All tags of a page, or what is wrong with it.
pub(crate) fn tags(page: &str) -> Result<Vec<Tag>, String> {
    let mut tags = Vec::new();
    let mut rest = page;
    while let Some(from) = rest.find('<') {
        if rest[..from].contains('>') {
            return Err(format!("a bare `>` in text: {}", &rest[..from]));
        }
        let to = end_of_tag(&rest[from..]).ok_or("a tag without an end")? + from;
        let tag = tag(&rest[from + 1..to])?;
        rest = &rest[to + 1..];
        if tag.name == "style" && !tag.is_closing {
            rest = &rest[rest.find("</style>").ok_or("style without an end")?..];
        }
        tags.push(tag);
    }
    Ok(tags)
}

fn end_of_tag(text: &str) -> Option<usize> {
    let mut is_quoted = false;
    text.char_indices().find_map(|(at, found)| {
        is_quoted ^= found == '"';
        (found == '>' && !is_quoted).then_some(at)
    })
}

fn tag(inside: &str) -> Result<Tag, String> {
    let (is_closing, inside) = inside.strip_prefix('/').map_or((false, inside), |rest| (true, rest));
    let (name, mut rest) = inside.split_once(' ').unwrap_or((inside, ""));
    if !name.chars().all(|found| found.is_ascii_alphanumeric() || found == '!') {
        return Err(format!("`{name}` is no name of a tag"));
    }
    let mut attributes = Vec::new();
    while let Some((name, after)) = rest.split_once("=\"") {
        let (value, after) = after.split_once('"').ok_or_else(|| format!("no end of {name}"))?;
        let name = name.trim().to_owned();
        if attributes.iter().any(|(known, _)| *known == name) {
            return Err(format!("the attribute {name} stands twice: <{inside}>"));
        }
        attributes.push((name, value.to_owned()));
        rest = after.trim_start();
    }
    Ok(Tag { name: name.to_lowercase(), is_closing, attributes })
}

/// Asserts that every tag is closed in order and every id stands once.
pub(crate) fn assert_well_formed(page: &str) {
    let tags = tags(page).expect("the page can be read");
    let mut open: Vec<&str> = Vec::new();
    let mut ids = std::collections::BTreeSet::new();
    for tag in tags.iter().filter(|tag| !VOID.contains(&tag.name.as_str())) {
        if tag.is_closing {
            assert_eq!(open.pop(), Some(tag.name.as_str()), "a tag is closed that is not open");
        } else {
            open.push(&tag.name);
        }
        for (_, id) in tag.attributes.iter().filter(|(name, _)| name == "id") {
            assert!(ids.insert(id), "the id `{id}` stands twice");
        }
    }
    assert!(open.is_empty(), "not closed: {open:?}");
    for (name, value) in tags.iter().flat_map(|tag| &tag.attributes) {
        let places = match name.as_str() {
            "href" => value.strip_prefix('#').expect("links stay on the page"),
            "aria-labelledby" => value,
            _ => continue,
        };
        for place in places.split(' ') {
            assert!(ids.contains(&place.to_owned()), "`{name}` leads to `{place}`, which is not there");
        }
    }
}

/// Asserts that nothing on the page runs or asks for anything.
pub(crate) fn assert_inert(page: &str) {
    for tag in tags(page).expect("the page can be read") {
        let forbidden =
            ["script", "img", "image", "iframe", "object", "embed", "link", "form", "base", "use", "video"];
        assert!(!forbidden.contains(&tag.name.as_str()), "there is a <{}>", tag.name);
        for (name, value) in &tag.attributes {
            assert!(!name.starts_with("on") && name != "src" && name != "srcset", "there is {name}={value}");
            assert!(name != "href" || value.starts_with('#'), "a link leads away: {value}");
            assert!(!value.contains("url("), "a style asks for {value}");
            let is_plain = |found: char| found.is_ascii_alphanumeric() || ":;.%- ".contains(found);
            assert!(name != "style" || value.chars().all(is_plain), "a style holds {value}");
        }
    }
}
