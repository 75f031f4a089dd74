//! `docs/troubleshooting.md` against the code: every Reason that the function can give is in it, and none that it cannot.
//!
//! Here for what stands in the source, sentence by sentence. That the sentences are put together as the runbook has them is
//! proved by `tests/common/stack.rs`, and by that of the organization function, for every answer of every test.

#[path = "../common/runbook.rs"]
#[allow(dead_code, reason = "what the answers are compared with is for the other tests")]
mod runbook;
mod source;

use runbook::{ANYTHING, quotes};
use source::texts;
use std::collections::BTreeSet;

/// Shorter strings are names, codes and joints.
const FEWEST_WORDS: usize = 4;

/// Only the compiler says it.
const WHILE_COMPILING: &str = "ORCHESTERA_PLATFORM_ACCOUNT_ID must be 12 digits";

/// They stand in IAM, where the runbook's reader may look.
const DESCRIPTIONS_IN_IAM: [&str; 3] = [
    "Assumed by the Orchestera platform to run Apache Spark on EKS in this account",
    "Created for the Orchestera platform by a stack that was deleted and retained it",
    "What the Orchestera platform may do in this account to run Apache Spark on EKS",
];

#[test]
fn every_reason_that_the_code_can_give_is_in_the_runbook() {
    let sentences = texts().strings.into_iter().filter(|(text, _)| text.split_whitespace().count() >= FEWEST_WORDS);
    let missing: Vec<_> = sentences
        .filter(|(text, _)| !DESCRIPTIONS_IN_IAM.contains(&text.as_str()) && text != WHILE_COMPILING)
        .filter(|(text, _)| !quotes().iter().any(|quote| !places(text, quote).is_empty()))
        .map(|(text, path)| format!("{}: {text}", path.display()))
        .collect();
    assert!(missing.is_empty(), "not in docs/troubleshooting.md, as a quote; add it:\n{}", missing.join("\n"));
}

#[test]
fn every_reason_in_the_runbook_is_still_in_the_code() {
    let strings = texts().strings;
    for quote in quotes() {
        let mut is_in_the_code = vec![false; quote.len()];
        for (at, length) in strings.keys().flat_map(|text| places(text, quote)) {
            is_in_the_code[at..at + length].fill(true);
        }
        let invented: String =
            quote.char_indices().map(|(at, c)| if is_in_the_code[at] || c == ANYTHING { ' ' } else { c }).collect();
        assert!(
            !invented.contains(char::is_alphanumeric),
            "no string of the source says {:?}, in: {quote}",
            invented.trim()
        );
    }
}

#[test]
fn every_message_of_the_log_is_in_the_runbook_and_none_that_is_not_written() {
    let runbook = runbook::text();
    let section = runbook.split("\n## ").find(|section| section.starts_with("The function's log\n")).unwrap();
    let rows = section.lines().filter_map(|line| line.strip_prefix("| `")?.split('`').next());
    let listed: BTreeSet<_> = rows.map(str::to_owned).collect();
    let written: BTreeSet<_> = texts().messages.into_keys().collect();
    assert_eq!(listed, written);
}

/// Where in `quote` the constant parts of `text` are; empty unless all of them are there, in their order.
fn places(text: &str, quote: &str) -> Vec<(usize, usize)> {
    let pieces: Vec<_> =
        text.split(ANYTHING).map(str::trim).filter(|piece| piece.contains(char::is_alphanumeric)).collect();
    let mut latest_before = Vec::new();
    let mut end = quote.len();
    for piece in pieces.iter().rev() {
        let Some(at) = whole_words(piece, &quote[..end]).last() else { return Vec::new() };
        latest_before.push(at);
        end = at;
    }
    let mut places = Vec::new();
    let mut start = 0;
    for (piece, latest) in pieces.iter().zip(latest_before.into_iter().rev()) {
        let fits: Vec<_> = whole_words(piece, quote).filter(|at| (start..=latest).contains(at)).collect();
        start = fits[0] + piece.len();
        places.extend(fits.into_iter().map(|at| (at, piece.len())));
    }
    places
}

fn whole_words<'a>(piece: &'a str, quote: &'a str) -> impl Iterator<Item = usize> + 'a {
    let joined =
        |a: Option<char>, b: Option<char>| a.is_some_and(char::is_alphanumeric) && b.is_some_and(char::is_alphanumeric);
    quote.match_indices(piece).map(|(at, _)| at).filter(move |at| {
        let (before, after) = (&quote[..*at], &quote[at + piece.len()..]);
        !joined(before.chars().last(), piece.chars().next()) && !joined(piece.chars().last(), after.chars().next())
    })
}
