//! Log templates: what stays the same in the lines that one log statement writes.
//!
//! A line that names the place in the code that wrote it (`OrderService#88`, `order.py:88`) is of that place,
//! whatever else it says: the place is the statement. Of other lines, the parts that hold a digit or stand in quotes
//! are masked; the words are kept. No learning, no state: the same line gives the same template everywhere.

/// The longest template, in characters; what follows varies more often than it tells anything.
pub const LENGTH_MAX: usize = 160;
/// What stands for a masked part.
const MASK: &str = "<*>";

/// The template of one log line. Lines after the first are a stack trace and are not looked at.
#[must_use]
pub fn of(line: &str) -> String {
    let first = line.trim_start().lines().next().unwrap_or_default();
    if let Some(place) = first.split_whitespace().find_map(code_place) {
        return place.to_owned();
    }
    let mut template = String::new();
    for word in unquoted(first).split_whitespace() {
        if !template.is_empty() {
            template.push(' ');
        }
        masked(word, &mut template);
        if template.chars().count() >= LENGTH_MAX {
            return template.chars().take(LENGTH_MAX).collect();
        }
    }
    template
}

/// The place in the code that `word` names: a class or file, `#` or `:`, and a line number.
fn code_place(word: &str) -> Option<&str> {
    let place = word.trim_end_matches([',', ':', ';', ']', ')', '.']);
    let (name, line) = place.rsplit_once(['#', ':'])?;
    let is_line = (1..=6).contains(&line.len()) && line.bytes().all(|byte| byte.is_ascii_digit());
    let begins = name.chars().next().is_some_and(|first| first.is_ascii_alphabetic() || first == '_');
    let allowed = |letter: char| letter.is_ascii_alphanumeric() || "_.$[]-".contains(letter);
    if !is_line || !begins || !name.chars().all(allowed) {
        return None;
    }
    // `order#1234` is data, `OrderService#1234` and `web.order#1234` are code; `db:5432` is a host, `db.py:54` a file.
    let is_class =
        place.contains('#') && name.contains(|letter: char| letter == '.' || letter.is_ascii_uppercase());
    let is_file = name.rsplit_once('.').is_some_and(|(_, extension)| EXTENSIONS.contains(&extension));
    (is_class || (!place.contains('#') && is_file)).then_some(place)
}

/// Endings of source files in which log statements stand.
const EXTENSIONS: [&str; 15] =
    ["c", "cc", "cpp", "cs", "go", "java", "js", "kt", "php", "py", "rb", "rs", "scala", "swift", "ts"];

/// The line with every quoted part masked. A quote that is not closed, or an apostrophe within a word, is kept.
fn unquoted(line: &str) -> String {
    let (mut out, mut rest) = (String::new(), line);
    while let Some(start) = rest.find(['"', '`']) {
        let (before, from) = rest.split_at(start);
        out.push_str(before);
        let quote = from.chars().next().unwrap_or_default();
        let inside = from.get(quote.len_utf8()..).unwrap_or_default();
        let Some(end) = inside.find(quote) else {
            rest = from;
            break;
        };
        out.push_str(MASK);
        rest = inside.get(end + quote.len_utf8()..).unwrap_or_default();
    }
    out.push_str(rest);
    out
}

/// `word` with the part that varies masked: what holds a digit, after the `=` or `:` that names it.
fn masked(word: &str, out: &mut String) {
    if !word.contains(|letter: char| letter.is_ascii_digit()) {
        out.push_str(word);
        return;
    }
    let name_end = word.find(['=', ':']).map_or(0, |at| at + 1);
    let (name, _) = word.split_at(name_end);
    if !name.contains(|letter: char| letter.is_ascii_digit()) {
        out.push_str(name);
    }
    out.push_str(MASK);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_that_names_its_statement_is_of_that_statement() {
        let line = |route: &str| {
            format!("16:42:22.383 INFO  t.s.TravelServiceImpl#532 TraceID: ab12 [Route is: {route}]")
        };
        assert_eq!(of(&line("Route(id=1)")), "t.s.TravelServiceImpl#532");
        assert_eq!(of(&line("Route(id=2, stations=[a, b])")), of(&line("null")));
        assert_eq!(of("orders.py:88: took 5 ms"), "orders.py:88");
        assert_eq!(
            of("o.a.c.c.C.[.[.[.[dispatcherServlet]#175 threw"),
            "o.a.c.c.C.[.[.[.[dispatcherServlet]#175"
        );
    }

    #[test]
    fn data_that_looks_like_a_place_is_masked() {
        assert_eq!(of("order#1234 paid"), "<*> paid");
        assert_eq!(of("connect to db:5432 failed"), "connect to db:<*> failed");
        assert_eq!(of("at 10:15:00 user=17 said \"hello 5\" to `x y`"), "at <*> user=<*> said <*> to <*>");
    }

    #[test]
    fn words_are_kept_and_only_the_first_line_counts() {
        assert_eq!(of("can't reach payments\n  at Foo.java:12"), "can't reach payments");
        assert_eq!(of("  \n"), "");
        assert_eq!(of("an \"open quote 5"), "an \"open quote <*>");
        let long = of(&"word ".repeat(100));
        assert_eq!(long.chars().count(), LENGTH_MAX);
        assert!(of(&"\u{e4} ".repeat(200)).is_char_boundary(2), "cut between characters");
    }
}
