//! Verdicts as JUnit XML, which every test reporter reads.

use evidence::expectations::Verdict;

/// One line of a verdict, for those who report it.
#[derive(Debug, Clone, PartialEq)]
pub struct Case {
    /// What was judged.
    pub name: String,
    /// Its line in the file of expectations; zero when there is none.
    pub line: usize,
    /// How it turned out.
    pub verdict: Verdict,
    /// What was seen.
    pub detail: String,
}

/// A document with one suite. What is inconclusive is a failure of the type `inconclusive`: it is not green.
#[must_use]
pub fn document(suite: &str, file: &str, cases: &[Case]) -> String {
    let failures = cases.iter().filter(|case| case.verdict != Verdict::Pass).count();
    let counts = format!("tests=\"{}\" failures=\"{failures}\" errors=\"0\" skipped=\"0\"", cases.len());
    let mut text = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n".to_owned();
    text += &format!("<testsuites {counts}>\n  <testsuite name=\"{}\" {counts}>\n", escaped(suite));
    for case in cases {
        let at = if case.line > 0 { format!(" line=\"{}\"", case.line) } else { String::new() };
        let (name, file) = (escaped(&case.name), escaped(file));
        text +=
            &format!("    <testcase classname=\"{}\" name=\"{name}\" file=\"{file}\"{at}", escaped(suite));
        let kind = match case.verdict {
            Verdict::Pass => {
                text += "/>\n";
                continue;
            }
            Verdict::Fail => "failed",
            Verdict::Inconclusive => "inconclusive",
        };
        let detail = escaped(&case.detail);
        text += &format!(">\n      <failure type=\"{kind}\" message=\"{detail}\"/>\n    </testcase>\n");
    }
    text + "  </testsuite>\n</testsuites>\n"
}

/// XML 1.0 text for an attribute; characters that XML cannot hold become U+FFFD.
fn escaped(text: &str) -> String {
    let mut out = String::new();
    for c in text.chars() {
        match c {
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '&' => out.push_str("&amp;"),
            '"' => out.push_str("&quot;"),
            '\n' | '\r' | '\t' => out.push(' '),
            c if c.is_control() || matches!(u32::from(c), 0xfffe | 0xffff) => out.push('\u{fffd}'),
            c => out.push(c),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn failures_are_counted_and_text_cannot_break_out() {
        let case = |verdict, name: &str| Case {
            name: name.to_owned(),
            line: 4,
            verdict,
            detail: "a \"<b>\" & \u{1b}c".to_owned(),
        };
        let cases = [
            case(Verdict::Pass, "fine"),
            case(Verdict::Fail, "</testsuite>"),
            case(Verdict::Inconclusive, "open"),
        ];
        let text = document("gate", "e.yaml", &cases);
        assert!(text.contains("tests=\"3\" failures=\"2\""), "{text}");
        assert!(text.contains("name=\"&lt;/testsuite&gt;\" file=\"e.yaml\" line=\"4\">"), "{text}");
        assert!(
            text.contains("type=\"inconclusive\" message=\"a &quot;&lt;b&gt;&quot; &amp; \u{fffd}c\""),
            "{text}"
        );
        assert_eq!(text.matches("</testsuite>").count(), 1);
    }
}
