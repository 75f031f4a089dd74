//! The lines of `~/.aws/config` between our two markers, and how they come into the file.
//!
//! Every byte outside the markers stays as it is. Between them, a setting or a comment that somebody added to one of our
//! profiles stays too: `aws login` and `aws configure set` write there.

use super::config_text::{ConfigText, Content, Name};
use super::profiles::{MFA_PLACEHOLDER, Profiles, Section};
use custom_resource::error::{Error, Result};
use std::collections::HashSet;
use std::ops::Range;
use std::path::Path;

mod markers;
mod present;

pub use markers::{begin, end};
pub use present::{Block, Present};
use present::{OWNER, found};

// `aws configure set` takes a comment with a `:` or a `=` for a setting, and then writes in the wrong place.
const NOTICE: &str = "\"orchestera aws-config\" replaces these lines. It keeps settings that you add to a profile.";

/// The file with these profiles, as bytes. The same bytes if they are in it already.
pub fn edited(path: &Path, old: &[u8], profiles: &Profiles) -> Result<Vec<u8>> {
    let sections = profiles.sections()?;
    let text = readable(path, old)?;
    let found = found(path, &text, old, &profiles.prefix)?;
    if let Some(found) = &found {
        refuse_another_organization(path, found, profiles)?;
    }
    let of_block = found.as_ref().map_or(0..0, |found| found.lines.clone());
    refuse_taken(path, &sections, text.names().into_iter().filter(|(line, _)| !of_block.contains(line)))?;

    let end_of_line = end_of_line(old);
    let lines = lines(profiles, &sections, found.as_ref());
    let block: Vec<u8> = lines.into_iter().flat_map(|line| [line, end_of_line.into()].concat()).collect();
    let new = match &found {
        Some(found) => {
            let bytes = text.lines[found.lines.start].bytes.start..text.lines[found.lines.end - 1].bytes.end;
            // The file may end with our marker, without the end of a line.
            let is_last_without_end = bytes.end == old.len() && !old.ends_with(b"\n");
            let block = if is_last_without_end { block.trim_ascii_end() } else { &block };
            [&old[..bytes.start], block, &old[bytes.end..]].concat()
        }
        None if old.is_empty() || old.ends_with(b"\n") => [old, &block].concat(),
        // Behind a CR this makes the CR LF of Windows, which is still one end of a line.
        None if old.ends_with(b"\r") => [old, b"\n", &block].concat(),
        None => [old, end_of_line.as_bytes(), &block].concat(),
    };
    prove(path, &text, of_block, &new, &profiles.prefix)?;
    Ok(new)
}

/// The block with this prefix. `None` if there is none.
pub fn present(path: &Path, bytes: &[u8], prefix: &str) -> Result<Option<Block>> {
    found(path, &readable(path, bytes)?, bytes, prefix)
}

/// The names in `~/.aws/credentials` must not be those of our profiles: an SDK would mix the two. It is not refused for
/// profiles that are in the block already, nor for a profile whose credentials are meant to be there.
pub fn refuse_taken_in_credentials(path: &Path, credentials: &[u8], old: &[u8], profiles: &Profiles) -> Result<()> {
    let present: HashSet<Name> = ConfigText::read(old).names().into_iter().map(|(_, name)| name).collect();
    let is_new = |section: &Section| {
        !present.contains(&section.name) && section.settings.iter().any(|(setting, _)| *setting != "region")
    };
    let sections: Vec<Section> = profiles.sections()?.into_iter().filter(is_new).collect();
    refuse_taken(path, &sections, ConfigText::read(credentials).names_of_credentials().into_iter())
}

/// That of the first line. A CR alone at the end of the file is going to be the first half of one.
fn end_of_line(bytes: &[u8]) -> &'static str {
    let first = bytes.iter().position(|byte| matches!(byte, b'\n' | b'\r')).map_or(&[][..], |at| &bytes[at..]);
    if first.starts_with(b"\r\n") || first == b"\r" { "\r\n" } else { "\n" }
}

fn readable(path: &Path, bytes: &[u8]) -> Result<ConfigText> {
    if bytes.starts_with(b"\xff\xfe") || bytes.starts_with(b"\xfe\xff") {
        return Err(Error::refused(format!(
            "{} is UTF-16, which the AWS CLI cannot read. Save it as UTF-8, without a byte order mark. Nothing was written.",
            path.display()
        )));
    }
    let text = ConfigText::read(bytes);
    match &text.problem {
        None => Ok(text),
        Some(problem) => Err(Error::refused(format!(
            "The AWS CLI cannot read {}: line {} {}. Correct that line, then run the command again. Nothing was written.",
            path.display(),
            problem.line,
            problem.what
        ))),
    }
}

fn refuse_another_organization(path: &Path, found: &Block, profiles: &Profiles) -> Result<()> {
    match &found.management_account_id {
        Some(id) if *id != profiles.management_account_id => Err(Error::refused(format!(
            "The profiles {}-* in {} belong to the organization of account {id}, and not to that of account {}. Give \
             --profile-prefix to have both. Nothing was written.",
            profiles.prefix,
            path.display(),
            profiles.management_account_id
        ))),
        _ => Ok(()),
    }
}

fn refuse_taken(path: &Path, sections: &[Section], others: impl Iterator<Item = (usize, Name)>) -> Result<()> {
    let mut taken: Vec<String> = others
        .filter(|(_, name)| sections.iter().any(|section| section.name == *name))
        .map(|(line, name)| format!("{} in line {}", name.header(), line + 1))
        .collect();
    taken.dedup();
    if taken.is_empty() {
        return Ok(());
    }
    Err(Error::refused(format!(
        "{} already has {}, which this command did not write. Rename or delete it, or give another --profile-prefix. Nothing \
         was written.",
        path.display(),
        taken.join(" and ")
    )))
}

/// The lines of the block, both markers included. What somebody added may not be UTF-8.
fn lines(profiles: &Profiles, sections: &[Section], found: Option<&Block>) -> Vec<Vec<u8>> {
    let owner = format!("{OWNER}{}. {NOTICE}", profiles.management_account_id);
    let mut lines = vec![begin(&profiles.prefix).into_bytes(), owner.into_bytes()];
    lines.extend(found.into_iter().flat_map(|found| found.added.iter().cloned()));
    for (index, section) in sections.iter().enumerate() {
        if index > 0 {
            lines.push(vec![]);
        }
        lines.push(section.name.header().into_bytes());
        let present = found.and_then(|found| found.sections.iter().find(|present| present.name == section.name));
        let value = |setting: &str| present.and_then(|present| present.value(setting));
        for (setting, wanted) in &section.settings {
            let kept = match *setting {
                "region" if profiles.region.is_none() => value("region"),
                "mfa_serial" => value("mfa_serial").filter(|device| !device.ends_with(MFA_PLACEHOLDER)),
                _ => None,
            };
            lines.push(format!("{setting} = {}", kept.unwrap_or(wanted)).into_bytes());
        }
        let writes_mfa = section.settings.iter().any(|(setting, _)| *setting == "mfa_serial");
        let is_mfa = |line: &[u8]| line.trim_ascii_start().to_ascii_lowercase().starts_with(b"mfa_serial");
        let added = present.into_iter().flat_map(|present| &present.added);
        lines.extend(added.filter(|line| !(writes_mfa && is_mfa(line))).cloned());
    }
    // `aws configure set` writes two lines behind the last setting of the file: without this line, behind our marker.
    lines.push(vec![]);
    lines.push(end(&profiles.prefix).into_bytes());
    lines
}

/// That what was edited can be read, and that every line of others says what it said before. A setting behind the block
/// belongs to the section that is the last in it.
fn prove(path: &Path, before: &ConfigText, block: Range<usize>, new: &[u8], prefix: &str) -> Result<()> {
    let after = ConfigText::read(new);
    let of_others = |text: &ConfigText, block: Range<usize>| -> Vec<(usize, Content, Option<String>)> {
        let lines = text.lines.iter().enumerate().filter(|(index, _)| !block.contains(index));
        lines
            .map(|(index, line)| {
                let section = line.section.and_then(|at| text.header(at)).map(str::to_owned);
                (index, line.content.clone(), section.filter(|_| says(&line.content)))
            })
            .collect()
    };
    let at = |marker: String| after.lines.iter().position(|line| line.text == marker);
    let now = at(begin(prefix)).zip(at(end(prefix))).map_or(0..0, |(first, last)| first..last + 1);
    let (before, now) = (of_others(before, block), of_others(&after, now));
    let moved = before.iter().zip(&now).find(|((_, content, section), (_, content_now, section_now))| {
        (content, section) != (content_now, section_now)
    });
    match (moved, &after.problem) {
        (None, None) if before.len() == now.len() => Ok(()),
        (Some(((line, ..), _)), _) => Err(Error::refused(format!(
            "Line {} of {} is a setting behind {:?}. It would belong to another profile. Move it to its profile, above that \
             line. Nothing was written.",
            line + 1,
            path.display(),
            end(prefix)
        ))),
        (None, problem) => Err(Error::refused(format!(
            "With our profiles the AWS CLI could not read {}: line {} {}. Nothing was written.",
            path.display(),
            problem.as_ref().map_or(0, |problem| problem.line),
            problem.as_ref().map_or("is not as it was", |problem| &problem.what)
        ))),
    }
}

fn says(content: &Content) -> bool {
    matches!(content, Content::Setting(_) | Content::Continuation)
}

#[cfg(test)]
mod tests;
