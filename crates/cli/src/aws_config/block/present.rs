//! The block that stands in the file.

use super::super::config_text::{ConfigText, Content, Name, value};
use super::super::profiles::{WRITTEN, names};
use super::markers::{begin, end};
use custom_resource::error::{Error, Result};
use std::collections::{HashMap, HashSet};
use std::ops::Range;
use std::path::Path;

/// How the line begins that says whose accounts these are.
pub(super) const OWNER: &str = "# Management account ";

/// A section of the block.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Present {
    pub name: Name,
    /// By setting.
    values: HashMap<String, String>,
    /// Lines that this command did not write.
    pub(super) added: Vec<Vec<u8>>,
}

impl Present {
    fn new(name: Name) -> Self {
        Self { name, values: HashMap::new(), added: vec![] }
    }

    /// `None` if it is blank.
    pub fn value(&self, setting: &str) -> Option<&str> {
        self.values.get(setting).map(String::as_str).filter(|value| !value.is_empty())
    }

    /// The account that it leads to, if it says so.
    pub fn account_id(&self) -> Option<&str> {
        let of_role = || self.value("role_arn").and_then(|arn| arn.split(':').nth(4));
        self.value("sso_account_id").or_else(of_role)
    }
}

/// The lines between the markers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Block {
    /// Both markers included.
    pub(super) lines: Range<usize>,
    pub sections: Vec<Present>,
    /// Comments before the first section that this command did not write.
    pub(super) added: Vec<Vec<u8>>,
    pub management_account_id: Option<String>,
}

/// The block with this prefix. `None` if the file has neither of the two markers.
pub(super) fn found(path: &Path, text: &ConfigText, bytes: &[u8], prefix: &str) -> Result<Option<Block>> {
    let at = |marker: String| -> Vec<usize> {
        let lines = text.lines.iter().enumerate();
        lines
            .filter(|(_, line)| line.content == Content::Comment && line.text == marker)
            .map(|(index, _)| index)
            .collect()
    };
    let refused = |line: usize, what: &str| {
        Err(Error::refused(format!("Line {} of {} {what} Nothing was written.", line + 1, path.display())))
    };
    let (begin, end) = (begin(prefix), end(prefix));
    let lines = match (at(begin.clone()).as_slice(), at(end.clone()).as_slice()) {
        ([], []) => return Ok(None),
        ([first], [last]) if first < last => *first..last + 1,
        ([_, second, ..], _) => {
            return refused(
                *second,
                &format!("is {begin:?} for the second time. Delete one of the two blocks of lines."),
            );
        }
        (_, [_, second, ..]) => {
            return refused(*second, &format!("is {end:?} for the second time. Delete the extra marker."));
        }
        ([first], _) => {
            return refused(
                *first,
                &format!("is {begin:?}, but {end:?} does not follow. Add it behind the last profile."),
            );
        }
        ([], [last]) => {
            return refused(
                *last,
                &format!("is {end:?}, but {begin:?} is not before it. Add it before the first profile."),
            );
        }
    };
    let ours: HashSet<Name> = names(prefix).into_iter().collect();
    let mut found = Block { lines: lines.clone(), sections: vec![], added: vec![], management_account_id: None };
    let mut is_added = false;
    for index in lines.start + 1..lines.end - 1 {
        let line = &text.lines[index];
        let whole = without_end(&bytes[line.bytes.clone()]);
        if let Content::Section(header) = &line.content {
            let of_line = text.names().into_iter().find(|(at, name)| *at == index && ours.contains(name));
            let Some((_, name)) = of_line else {
                let what =
                    format!("begins the section [{header}] between our two markers. Move that section behind {end:?}.");
                return refused(index, &what);
            };
            if found.sections.iter().any(|present| present.name == name) {
                return refused(
                    index,
                    &format!("begins the section [{header}] for the second time. Delete one of the two."),
                );
            }
            found.sections.push(Present::new(name));
            continue;
        }
        let Some(present) = found.sections.last_mut() else {
            match line.text.strip_prefix(OWNER).and_then(|rest| rest.split_once('.')) {
                Some((id, _)) => found.management_account_id = Some(id.to_owned()),
                None if line.content == Content::Comment => found.added.push(whole.to_vec()),
                None if line.content == Content::Blank => {}
                None => {
                    return refused(
                        index,
                        &format!("stands between {begin:?} and the first profile. Move it to its section."),
                    );
                }
            }
            continue;
        };
        match &line.content {
            Content::Blank => {}
            Content::Comment => present.added.push(whole.to_vec()),
            Content::Setting(setting) => {
                present.values.insert(setting.clone(), value(&line.text).to_owned());
                // Anyone may ask for a code in a profile of theirs.
                is_added = !WRITTEN.contains(&setting.as_str()) || setting == "mfa_serial";
                if is_added {
                    present.added.push(whole.to_vec());
                }
            }
            _ if is_added => present.added.push(whole.to_vec()),
            _ => {}
        }
    }
    Ok(Some(found))
}

fn without_end(line: &[u8]) -> &[u8] {
    let end = line.iter().rposition(|byte| !matches!(byte, b'\r' | b'\n'));
    &line[..end.map_or(0, |last| last + 1)]
}
