//! Verdicts as workflow commands of GitHub Actions, which mark the line of the expectation in a change request.
//!
//! Source: GitHub, "Workflow commands for GitHub Actions", and the escapes of its toolkit (`command.ts`).

use evidence::expectations::Verdict;

use crate::junit::Case;

/// One command a line for each case that is not green.
#[must_use]
pub fn commands(file: &str, cases: &[Case]) -> Vec<String> {
    let red = cases.iter().filter(|case| case.verdict != Verdict::Pass);
    red.map(|case| {
        let title = match case.verdict {
            Verdict::Inconclusive => format!("inconclusive: {}", case.name),
            _ => case.name.clone(),
        };
        let line = if case.line > 0 { format!(",line={}", case.line) } else { String::new() };
        format!("::error file={}{line},title={}::{}", property(file), property(&title), data(&case.detail))
    })
    .collect()
}

fn data(text: &str) -> String {
    text.replace('%', "%25").replace('\r', "%0D").replace('\n', "%0A")
}

fn property(text: &str) -> String {
    data(text).replace(':', "%3A").replace(',', "%2C")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_not_green_is_marked_and_text_stays_one_command() {
        let case = |verdict, line| Case {
            name: "span a b: status ok, max".to_owned(),
            line,
            verdict,
            detail: "100% failed\n::warning::x".to_owned(),
        };
        let found = commands(
            "e.yaml",
            &[case(Verdict::Pass, 1), case(Verdict::Fail, 3), case(Verdict::Inconclusive, 0)],
        );
        assert_eq!(
            found,
            [
                "::error file=e.yaml,line=3,title=span a b%3A status ok%2C max::100%25 failed%0A::warning::x",
                "::error file=e.yaml,title=inconclusive%3A span a b%3A status ok%2C max::100%25 failed%0A::warning::x",
            ]
        );
    }
}
