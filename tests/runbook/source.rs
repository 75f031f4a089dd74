//! The texts in the source: sentences for the customer, and messages of the log.

use proc_macro2::{Delimiter, TokenStream, TokenTree};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// Texts with the file that each is in.
#[derive(Default)]
pub struct Texts {
    /// Every string but the messages of the log, with `…` for each argument.
    pub strings: BTreeMap<String, PathBuf>,
    /// What `tracing`'s macros say.
    pub messages: BTreeMap<String, PathBuf>,
}

/// What is compiled into the two functions: the access function's crate, the organization function's, and the framework.
const SOURCES: [&str; 3] = ["src", "crates/organization/src", "crates/custom-resource/src"];

/// Everything that is compiled into the functions.
pub fn texts() -> Texts {
    let mut texts = Texts::default();
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut folders = SOURCES.map(|folder| root.join(folder)).to_vec();
    while let Some(folder) = folders.pop() {
        for path in std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()) {
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|e| e == "rs") && !path.ends_with("tests.rs") {
                let source = std::fs::read_to_string(&path).unwrap();
                walk(source.parse().unwrap(), &path, &mut texts);
            }
        }
    }
    texts
}

fn walk(tokens: TokenStream, path: &Path, texts: &mut Texts) {
    // Without what tells inner attributes, and with them a module's documentation, from the others.
    let is_inner = |pair: &[TokenTree]| pair.iter().map(ToString::to_string).eq(["#", "!"]);
    let mut tokens: Vec<_> = tokens.into_iter().collect();
    let bangs: Vec<_> = (1..tokens.len()).filter(|at| is_inner(&tokens[at - 1..=*at])).collect();
    for at in bangs.into_iter().rev() {
        tokens.remove(at);
    }
    let mut place = 0;
    while place < tokens.len() {
        match &tokens[place..] {
            // Doc comments are attributes too.
            [TokenTree::Punct(hash), TokenTree::Group(attribute), rest @ ..]
                if hash.as_char() == '#' && attribute.delimiter() == Delimiter::Bracket =>
            {
                place += 2;
                if attribute.stream().to_string().replace(' ', "") == "cfg(test)" {
                    place += 1 + rest.iter().position(ends_an_item).unwrap();
                }
            }
            [
                TokenTree::Ident(name),
                TokenTree::Punct(_),
                TokenTree::Punct(_),
                TokenTree::Ident(_),
                TokenTree::Punct(bang),
                TokenTree::Group(of_the_log),
                ..,
            ] if name == "tracing" && bang.as_char() == '!' => {
                for string in of_the_log.stream().into_iter().filter_map(|token| string(&token)) {
                    texts.messages.insert(string, path.to_owned());
                }
                place += 6;
            }
            [TokenTree::Ident(name), TokenTree::Punct(bang), TokenTree::Group(_), ..]
                if name == "compile_error" && bang.as_char() == '!' =>
            {
                place += 3;
            }
            [TokenTree::Group(group), ..] => {
                walk(group.stream(), path, texts);
                place += 1;
            }
            [token, ..] => {
                texts.strings.extend(string(token).map(|string| (string, path.to_owned())));
                place += 1;
            }
            [] => unreachable!(),
        }
    }
}

fn ends_an_item(token: &TokenTree) -> bool {
    match token {
        TokenTree::Group(group) => group.delimiter() == Delimiter::Brace,
        TokenTree::Punct(punct) => punct.as_char() == ';',
        _ => false,
    }
}

/// The text of a string that has letters in it, as the customer may read it.
fn string(token: &TokenTree) -> Option<String> {
    let TokenTree::Literal(literal) = token else { return None };
    let literal = literal.to_string();
    let inner = literal.strip_prefix('"')?.strip_suffix('"')?;
    let text = with_arguments_as_anything(&unescaped(inner));
    text.contains(char::is_alphabetic).then_some(text)
}

fn unescaped(inner: &str) -> String {
    let mut text = String::new();
    let mut rest = inner;
    while let Some((before, after)) = rest.split_once('\\') {
        text.push_str(before);
        rest = match after.chars().next() {
            Some('\n') => after.trim_start(),
            Some(escaped) => {
                text.push(if escaped == 'n' { ' ' } else { escaped });
                &after[escaped.len_utf8()..]
            }
            None => after,
        };
    }
    text + rest
}

/// Two arguments with nothing, or a space, between them are one `…`.
fn with_arguments_as_anything(format: &str) -> String {
    let mut text = String::new();
    let mut rest = format;
    while let Some((before, after)) = rest.split_once('{') {
        text.push_str(before);
        rest = match after.split_once('}') {
            Some((_, after)) => {
                text.push('…');
                after
            }
            None => after,
        };
    }
    (text + rest).replace("… …", "…").replace("……", "…").trim().to_owned()
}
