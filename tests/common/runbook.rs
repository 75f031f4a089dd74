//! `docs/troubleshooting.md`, read as patterns: every paragraph of a block quote in it is a Reason, or a part of one, with `…`
//! for what varies.

use std::collections::{BTreeSet, HashMap};
use std::path::Path;
use std::sync::{LazyLock, Mutex};

/// What stands for anything.
pub const ANYTHING: char = '…';

static QUOTES: LazyLock<Vec<String>> = LazyLock::new(|| quoted(&text()));
/// Thousands of generated cases end in the same few Reasons.
static JUDGED: LazyLock<Mutex<HashMap<String, bool>>> = LazyLock::new(Mutex::default);

/// The document. It is in the workspace's folder, which is the crate's own or one above it.
pub fn text() -> String {
    let folders = Path::new(env!("CARGO_MANIFEST_DIR")).ancestors();
    let mut paths = folders.map(|folder| folder.join("docs/troubleshooting.md"));
    std::fs::read_to_string(paths.find(|path| path.exists()).unwrap()).unwrap()
}

/// Every Reason that the runbook quotes.
pub fn quotes() -> &'static [String] {
    &QUOTES
}

fn quoted(runbook: &str) -> Vec<String> {
    let line = |line: &str| line.strip_prefix('>').unwrap_or_default().trim().to_owned();
    let lines: Vec<_> = runbook.lines().map(line).collect();
    let paragraphs = lines.split(String::is_empty).filter(|lines| !lines.is_empty());
    paragraphs.map(|lines| lines.join(" ")).collect()
}

/// Fails unless the Reason, or the note of a SUCCESS, is made of what the runbook quotes.
#[track_caller]
pub fn assert_explained(reason: &str) {
    assert!(
        is_explained(reason),
        "this Reason is not in docs/troubleshooting.md, as a quote with … for what varies; add it: {reason}"
    );
}

fn is_explained(reason: &str) -> bool {
    let reason = reason.trim();
    if let Some(judged) = JUDGED.lock().unwrap().get(reason) {
        return *judged;
    }
    let explained = match reason.strip_suffix(ANYTHING) {
        // It did not fit into the answer: how it begins is all that can be told.
        Some(cut) => QUOTES.iter().any(|quote| begins(quote).is_some_and(|first| cut.starts_with(first))),
        None => is_made_of_quotes(reason),
    };
    JUDGED.lock().unwrap().insert(reason.to_owned(), explained);
    explained
}

fn begins(quote: &str) -> Option<&str> {
    quote.split(ANYTHING).next().map(str::trim).filter(|first| !first.is_empty())
}

/// Whether one quote follows the other from the beginning to the end, with nothing but the joints of a list between them.
fn is_made_of_quotes(text: &str) -> bool {
    let joint = |c: char| " ;.()".contains(c) || c.is_ascii_digit();
    let mut reached = vec![false; text.len() + 1];
    reached[0] = true;
    for place in 0..text.len() {
        if !reached[place] {
            continue;
        }
        let start = text.len() - text[place..].trim_start_matches(joint).len();
        reached[start] = true;
        for quote in QUOTES.iter() {
            for end in ends(quote, text, start) {
                reached[end] = true;
            }
        }
    }
    reached[text.len()]
}

/// Where in `text` the quote can end, if it begins at `start`.
fn ends(quote: &str, text: &str, start: usize) -> Vec<usize> {
    let mut pieces = quote.split(ANYTHING).map(str::trim);
    let mut before = pieces.next().unwrap_or_default();
    if !text[start..].starts_with(before) {
        return Vec::new();
    }
    let mut ends = vec![start + before.len()];
    for piece in pieces {
        let next: BTreeSet<_> = ends.into_iter().flat_map(|from| ends_of(piece, before, text, from)).collect();
        ends = next.into_iter().collect();
        before = piece;
    }
    ends
}

/// Where `piece` can end, with a `…` between it and what is `before` it and ends at `from`. The `…` is a name, a value, AWS's
/// words, but no sentence that nobody knows; after a colon it may be other Reasons.
fn ends_of(piece: &str, before: &str, text: &str, from: usize) -> Vec<usize> {
    let fits = |gap: &str| !gap.trim().contains(". ") || (before.ends_with(':') && is_made_of_quotes(gap));
    if piece.is_empty() {
        let sentence = text[from..].find(". ").map(|end| from + end);
        return sentence.into_iter().chain(fits(&text[from..]).then_some(text.len())).collect();
    }
    let found = text[from..].match_indices(piece).map(|(at, _)| from + at);
    found.filter(|at| fits(&text[from..*at])).map(|at| at + piece.len()).collect()
}
