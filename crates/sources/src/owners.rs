//! Whose a file or a resource is, by how its name begins.
//!
//! The longest beginning that ends where a part of the name ends; nothing is guessed from likeness.

/// A beginning of names, and the service whose they are.
pub(crate) type Owners = Vec<(String, String)>;

/// The service that the name belongs to; parts end before one of `ends`. An empty beginning holds every name.
pub(crate) fn of<'a>(name: &str, owners: &'a [(String, String)], ends: &[char]) -> Option<&'a str> {
    let holds = |begin: &str| {
        begin.is_empty()
            || name.strip_prefix(begin).is_some_and(|rest| rest.is_empty() || rest.starts_with(ends))
    };
    let longest = owners.iter().filter(|(begin, _)| holds(begin)).max_by_key(|(begin, _)| begin.len());
    longest.map(|(_, service)| service.as_str())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_longest_beginning_that_ends_with_a_part_is_the_owner() {
        let owners: Owners = [("services/orders", "orders"), ("services", "all"), ("", "rest")]
            .map(|(begin, service)| (begin.to_owned(), service.to_owned()))
            .into();
        for (name, service) in [
            ("services/orders/db.py", "orders"),
            ("services/orders", "orders"),
            ("services/orders-old/db.py", "all"),
            ("service", "rest"),
        ] {
            assert_eq!(of(name, &owners, &['/']), Some(service), "{name}");
        }
        assert_eq!(of("services/orders-old", &owners, &['/', '-']), Some("orders"));
        assert_eq!(of("x", &owners[..2], &['/']), None);
    }
}
