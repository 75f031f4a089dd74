//! What `--dry-run` prints: a unified difference.

use super::config_text::{ConfigText, Content};
use similar::{Algorithm, DiffTag, capture_diff_slices, group_diff_ops};
use std::fmt::Write;
use std::path::Path;

/// Lines around a change.
const AROUND: usize = 3;
/// What begins with one of these is a secret. It may stand beside our lines, and is not shown.
const SECRETS: [&str; 2] = ["aws_secret_access_key", "aws_session_token"];

/// Blank if nothing changes. Secrets of other profiles are not in it.
pub fn between(path: &Path, old: &[u8], new: &[u8]) -> String {
    if old == new {
        return String::new();
    }
    let (before, after) = (lines(old), lines(new));
    let operations = capture_diff_slices(Algorithm::Myers, &before, &after);
    let name = path.display();
    let mut text = format!("--- {name}\n+++ {name}\n");
    for group in group_diff_ops(operations, AROUND) {
        let (Some(first), Some(last)) = (group.first(), group.last()) else { continue };
        let old = first.old_range().start..last.old_range().end;
        let new = first.new_range().start..last.new_range().end;
        // A range without lines is named after the line before it.
        let begin = |range: &std::ops::Range<usize>| if range.is_empty() { range.start } else { range.start + 1 };
        let _ = writeln!(text, "@@ -{},{} +{},{} @@", begin(&old), old.len(), begin(&new), new.len());
        for operation in group {
            if operation.tag() == DiffTag::Equal {
                write_lines(&mut text, ' ', &before[operation.old_range()]);
            } else {
                write_lines(&mut text, '-', &before[operation.old_range()]);
                write_lines(&mut text, '+', &after[operation.new_range()]);
            }
        }
    }
    text
}

/// A line, and whether the file ends in it.
type Shown = (String, bool);

fn write_lines(text: &mut String, sign: char, lines: &[Shown]) {
    for (line, is_unfinished) in lines {
        let _ = writeln!(text, "{sign}{line}");
        if *is_unfinished {
            text.push_str("\\ No newline at end of file\n");
        }
    }
}

fn lines(bytes: &[u8]) -> Vec<Shown> {
    let mut in_secret = false;
    let lines = ConfigText::read(bytes).lines.into_iter().map(|line| {
        let whole = String::from_utf8_lossy(&bytes[line.bytes.clone()]).into_owned();
        let is_unfinished = !whole.ends_with(['\n', '\r']);
        let shown = whole.trim_end_matches(['\n', '\r']);
        // Even where the line is a comment.
        let setting = shown.trim_start_matches(['#', ';', ' ', '\t']).to_lowercase();
        let names_secret = SECRETS.iter().any(|name| setting.starts_with(name));
        // Its value may go on, also behind a comment.
        let goes_on = matches!(line.content, Content::Continuation | Content::Unreadable);
        let is_between = matches!(line.content, Content::Blank | Content::Comment);
        let is_secret = names_secret || (in_secret && goes_on);
        in_secret = is_secret || (in_secret && is_between);
        match shown.split_once('=') {
            Some((name, _)) if is_secret => (format!("{name}= (not shown)"), is_unfinished),
            None if is_secret => ("(not shown)".to_owned(), is_unfinished),
            _ => (shown.to_owned(), is_unfinished),
        }
    });
    lines.collect()
}

#[cfg(test)]
mod tests;
