//! Rust source as a flat list of tokens without documentation and, on request, without test code.
//!
//! Rules about words look here instead of at the syntax tree because macro bodies are tokens only.
//! Meaning is out of reach: a name imported under another name is not followed.

use proc_macro2::{Delimiter, Group, TokenStream, TokenTree};

/// One token and its line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Token {
    /// 1-based.
    pub(crate) line: usize,
    /// What it is.
    pub(crate) kind: Kind,
}

/// The kinds a rule may look for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Kind {
    /// An identifier or keyword.
    Word(String),
    /// A literal as written, quotes included.
    Literal(String),
    /// One punctuation character or bracket.
    Mark(char),
}

impl Token {
    /// The identifier, when it is one.
    pub(crate) fn word(&self) -> Option<&str> {
        match &self.kind {
            Kind::Word(word) => Some(word),
            _ => None,
        }
    }

    /// Whether this is the given character.
    pub(crate) fn is(&self, mark: char) -> bool {
        self.kind == Kind::Mark(mark)
    }
}

/// Which code to keep.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Keep {
    /// Everything.
    All,
    /// Nothing that is compiled for tests only.
    Production,
}

/// The tokens in order.
pub(crate) fn flatten(stream: &TokenStream, keep: Keep) -> Vec<Token> {
    let mut flat = Vec::new();
    append(stream.clone(), keep, &mut flat);
    flat
}

fn append(stream: TokenStream, keep: Keep, flat: &mut Vec<Token>) {
    let trees: Vec<TokenTree> = stream.into_iter().collect();
    let mut index = 0;
    while let Some(tree) = trees.get(index) {
        if let Some((attribute, after)) = attribute_at(&trees, index) {
            if is_documentation(attribute) {
                index = after;
                continue;
            }
            if keep == Keep::Production && is_test_only(attribute) {
                index = end_of_item(&trees, after);
                continue;
            }
        }
        push(tree, keep, flat);
        index += 1;
    }
}

fn push(tree: &TokenTree, keep: Keep, flat: &mut Vec<Token>) {
    let line = tree.span().start().line;
    let kind = match tree {
        TokenTree::Ident(word) => Kind::Word(word.to_string()),
        TokenTree::Literal(literal) => Kind::Literal(literal.to_string()),
        TokenTree::Punct(mark) => Kind::Mark(mark.as_char()),
        TokenTree::Group(group) => {
            let (open, close) = brackets(group);
            flat.push(Token { line, kind: Kind::Mark(open) });
            append(group.stream(), keep, flat);
            Kind::Mark(close)
        }
    };
    flat.push(Token { line, kind });
}

fn brackets(group: &Group) -> (char, char) {
    match group.delimiter() {
        Delimiter::Brace => ('{', '}'),
        Delimiter::Bracket => ('[', ']'),
        Delimiter::Parenthesis | Delimiter::None => ('(', ')'),
    }
}

/// The group of an attribute that starts at `index`, and the index after it.
fn attribute_at(trees: &[TokenTree], index: usize) -> Option<(&Group, usize)> {
    let is_mark = |at: usize, mark| matches!(trees.get(at), Some(TokenTree::Punct(p)) if p.as_char() == mark);
    if !is_mark(index, '#') {
        return None;
    }
    let at = if is_mark(index + 1, '!') { index + 2 } else { index + 1 };
    match trees.get(at) {
        Some(TokenTree::Group(group)) if group.delimiter() == Delimiter::Bracket => Some((group, at + 1)),
        _ => None,
    }
}

fn words(group: &Group) -> Vec<String> {
    flatten(&group.stream(), Keep::All).iter().filter_map(|token| token.word().map(str::to_owned)).collect()
}

fn is_documentation(attribute: &Group) -> bool {
    words(attribute).first().is_some_and(|word| word == "doc")
}

/// `#[test]`, `#[tokio::test]` and `#[cfg(test)]`, but not `#[cfg(not(test))]` or `#[cfg(any(test, ..))]`.
fn is_test_only(attribute: &Group) -> bool {
    let words = words(attribute);
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    matches!(
        words.as_slice(),
        ["test"] | ["cfg", "test"] | ["cfg", "all", "test", ..] | ["tokio", "test", ..]
    )
}

/// The index after the item that follows an attribute: its body, or its semicolon.
fn end_of_item(trees: &[TokenTree], from: usize) -> usize {
    let ends = |tree: &TokenTree| match tree {
        TokenTree::Group(group) => group.delimiter() == Delimiter::Brace,
        TokenTree::Punct(mark) => mark.as_char() == ';',
        _ => false,
    };
    let mut index = from;
    while let Some(tree) = trees.get(index) {
        index += 1;
        // `use a::{b};` holds a brace group before its semicolon.
        let is_import = trees.get(from).is_some_and(|tree| tree.to_string() == "use");
        if ends(tree) && !(is_import && matches!(tree, TokenTree::Group(_))) {
            break;
        }
    }
    index
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words_of(source: &str, keep: Keep) -> Vec<String> {
        let stream: TokenStream = source.parse().expect("the source is Rust");
        flatten(&stream, keep).iter().filter_map(|token| token.word().map(str::to_owned)).collect()
    }

    #[test]
    fn documentation_is_never_kept() {
        assert_eq!(words_of("/// slack\nfn a() {}", Keep::All), ["fn", "a"]);
    }

    #[test]
    fn test_code_is_dropped_and_the_item_after_it_kept() {
        let source = "#[cfg(test)] use a::{b, c}; fn d() {} #[cfg(test)] mod e { fn f() {} } struct G;";
        assert_eq!(words_of(source, Keep::Production), ["fn", "d", "struct", "G"]);
        assert!(words_of(source, Keep::All).contains(&"f".to_owned()));
    }

    #[test]
    fn code_that_is_absent_from_tests_is_production() {
        assert!(words_of("#[cfg(not(test))] fn a() {}", Keep::Production).contains(&"a".to_owned()));
    }
}
