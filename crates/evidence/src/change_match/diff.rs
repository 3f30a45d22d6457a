//! Reads the hunks of a change and keeps what they really change.
//!
//! Lines that are only moved, re-indented or re-wrapped cancel out; comments are no change. What is left is the net
//! change: the lines and words on one side only. Does not parse any language.

use std::collections::{BTreeMap, BTreeSet};

use telemetry::answer::FileDiff;

use super::words;

/// The net change of one file.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Net {
    /// Its path.
    pub path: String,
    /// Code lines that are gone.
    pub removed: Vec<String>,
    /// Code lines that are new.
    pub added: Vec<String>,
    /// Every line of the new side in order, with whether it is new: what stands around a new line.
    pub after: Vec<(String, bool)>,
    /// The text of hunk headers: usually the function around.
    pub headers: Vec<String>,
}

impl Net {
    fn is_empty(&self) -> bool {
        self.removed.is_empty() && self.added.is_empty()
    }
}

/// Words that stand on one side only, over all files of a change: what is moved or renamed around keeps its words.
/// A line whose number changed names in its words what the number is of.
#[must_use]
pub fn changed_words(nets: &[Net]) -> BTreeSet<String> {
    let side = |lines: fn(&Net) -> &Vec<String>| {
        nets.iter().flat_map(lines).flat_map(|line| words::all(line)).collect::<BTreeSet<String>>()
    };
    let (gone, new) = (side(|net| &net.removed), side(|net| &net.added));
    let mut found: BTreeSet<String> = gone.symmetric_difference(&new).cloned().collect();
    for net in nets {
        let is_paired = |line: &&String| net.added.iter().any(|new| is_same_but_numbers(line, new));
        found.extend(net.removed.iter().filter(is_paired).flat_map(|line| words::all(line)));
    }
    found
}

/// Whether two lines differ in their numbers only (and differ).
fn is_same_but_numbers(one: &str, other: &str) -> bool {
    let bare = |line: &str| line.chars().filter(|c| !c.is_ascii_digit() && *c != '.').collect::<String>();
    one != other && words::all(&bare(one)) == words::all(&bare(other))
}

/// The net changes of all files; what is moved from one to another cancels out, too.
#[must_use]
pub fn nets(files: &[FileDiff]) -> Vec<Net> {
    let mut nets: Vec<Net> = files.iter().map(read).collect();
    cancel(&mut nets);
    nets.retain(|net| !net.is_empty() || !net.headers.is_empty());
    nets
}

fn read(file: &FileDiff) -> Net {
    let mut net = Net { path: file.path.clone(), ..Net::default() };
    let mut is_commented = false;
    for line in &file.lines {
        if line.starts_with("@@") || line.starts_with("+++") || line.starts_with("---") {
            net.headers.push(line.trim_matches(['@', ' ', '+', '-']).to_owned());
            continue;
        }
        let (mark, text) = match line.chars().next() {
            Some(mark @ ('+' | '-' | ' ')) => (mark, line.get(1..).unwrap_or_default()),
            _ => (' ', line.as_str()),
        };
        let code = without_comment(&file.path, text, &mut is_commented);
        if code.trim().is_empty() {
            continue;
        }
        match mark {
            '-' => net.removed.push(code),
            '+' => {
                net.after.push((code.clone(), true));
                net.added.push(code);
            }
            _ => net.after.push((code, false)),
        }
    }
    net
}

/// Takes out what is on both sides, whatever its place and its blanks. A line counts once for each time it is there.
fn cancel(nets: &mut [Net]) {
    let plain = |line: &str| line.split_whitespace().collect::<String>();
    let mut spare: BTreeMap<String, usize> = BTreeMap::new();
    for line in nets.iter().flat_map(|net| &net.added) {
        *spare.entry(plain(line)).or_default() += 1;
    }
    let mut moved: BTreeMap<String, usize> = BTreeMap::new();
    let take = |left: &mut BTreeMap<String, usize>, line: &str| match left.get_mut(line) {
        Some(count) if *count > 0 => {
            *count -= 1;
            true
        }
        _ => false,
    };
    for net in nets.iter_mut() {
        net.removed.retain(|line| {
            let line = plain(line);
            let is_moved = take(&mut spare, &line);
            if is_moved {
                *moved.entry(line).or_default() += 1;
            }
            !is_moved
        });
    }
    for net in nets {
        net.added.retain(|line| !take(&mut moved, &plain(line)));
    }
}

/// The code of a line: comments are cut off. A `#` begins one outside of the languages in which it means something
/// else, `--` in SQL and Lua only.
fn without_comment(path: &str, text: &str, is_commented: &mut bool) -> String {
    let trimmed = text.trim();
    if *is_commented {
        *is_commented = !trimmed.contains("*/");
        return String::new();
    }
    if trimmed.starts_with("/*") {
        *is_commented = !trimmed.contains("*/");
        return String::new();
    }
    let ending = extension(path);
    let is_hash =
        matches!(ending, "py" | "rb" | "sh" | "yaml" | "yml" | "toml" | "tf" | "conf" | "ini" | "properties");
    let is_dash = matches!(ending, "sql" | "lua" | "hs");
    let begins = |mark: &str| trimmed.starts_with(mark);
    if begins("//") || begins("* ") || trimmed == "*" || (is_hash && begins("#")) || (is_dash && begins("--"))
    {
        return String::new();
    }
    // A trailing comment; `://` belongs to an address.
    match text.find(" // ") {
        Some(at) => text.get(..at).unwrap_or(text).to_owned(),
        None => text.to_owned(),
    }
}

/// What a path ends in, without the dot.
#[must_use]
pub fn extension(path: &str) -> &str {
    path.rsplit('/').next().and_then(|name| name.rsplit_once('.')).map_or("", |(_, ending)| ending)
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    pub(crate) fn net(file: &FileDiff) -> Net {
        nets(std::slice::from_ref(file)).into_iter().next().unwrap_or_default()
    }

    pub(crate) fn file(path: &str, text: &str) -> FileDiff {
        FileDiff { path: path.into(), lines: text.lines().map(str::to_owned).collect() }
    }

    #[test]
    fn moved_and_wrapped_lines_cancel_out() {
        let text = "@@ func a() {\n-\tx := load(k)\n-\tif err != nil { return err }\n+  if err != nil { return err }\n+    x := load(k)\n+\treturn helper(x)";
        let net = net(&file("a.go", text));
        assert!(net.removed.is_empty(), "{net:?}");
        assert_eq!(net.added, ["\treturn helper(x)"]);
    }

    #[test]
    fn comments_are_no_change() {
        let net = net(&file("a.go", "-\t// old words\n+\t// new words\n+/* a\n+ b */\n+x := 1 // why"));
        assert_eq!(net.added, ["x := 1"]);
        assert!(net.removed.is_empty());
    }

    #[test]
    fn a_setting_keeps_its_name_among_the_words() {
        let net = net(&file("a.go", "-const maxConns = 50\n+const maxConns = 10"));
        assert!(changed_words(&[net]).contains("conn"));
    }

    #[test]
    fn what_moves_to_another_file_cancels_out() {
        let files = [file("a.go", "-defer rows.Close()\n+use(b)"), file("b.go", "+  defer rows.Close()")];
        let nets = nets(&files);
        assert_eq!(nets.len(), 1, "{nets:?}");
        assert!(nets[0].removed.is_empty());
    }
}
