//! The AWS configuration for the SDK, from files that the AWS CLI reads.
//!
//! The SDK is stricter in the form. It refuses a whole file for a setting that is indented, for a comment among nested
//! settings, and for a `:` in place of the `=`. The AWS CLI takes all of them.
//! <https://docs.aws.amazon.com/sdkref/latest/guide/file-format.html>

use crate::aws_config::config_text::{ConfigText, Content, Name, value};
use crate::aws_config::file;
use aws_runtime::env_config::file::{EnvConfigFileKind, EnvConfigFiles};
use std::env;

/// The two files, in the form of the SDK.
pub fn load() -> EnvConfigFiles {
    let of_environment = |name: &str| env::var_os(name);
    // A file that cannot be read has no profile, and that is what is said then.
    let text = |path: custom_resource::Result<_>| {
        path.and_then(|path: std::path::PathBuf| file::read(&path)).unwrap_or_default()
    };
    let (config, credentials) = (text(file::config(of_environment)), text(file::credentials(of_environment)));
    EnvConfigFiles::builder()
        .with_contents(EnvConfigFileKind::Config, config_for_sdk(&config))
        .with_contents(EnvConfigFileKind::Credentials, credentials_for_sdk(&credentials))
        .build()
}

fn config_for_sdk(bytes: &[u8]) -> String {
    let text = ConfigText::read(bytes);
    let names = text.names();
    for_sdk(&text, |index, header| {
        let name = names.iter().find(|(at, _)| *at == index).map(|(_, name)| name);
        match name {
            Some(name) if *name == Name::profile("default") => Some("[default]".to_owned()),
            Some(name) => Some(name.header()),
            // Such as [services local].
            None => Some(format!("[{}]", header.trim())),
        }
    })
}

fn credentials_for_sdk(bytes: &[u8]) -> String {
    for_sdk(&ConfigText::read(bytes), |_, header| Some(format!("[{}]", header.trim())))
}

/// `named` says how a section is written, by its line and header.
fn for_sdk(text: &ConfigText, named: impl Fn(usize, &str) -> Option<String>) -> String {
    let mut lines = Vec::new();
    let (mut is_in_section, mut is_in_setting, mut has_value) = (false, false, false);
    for (index, line) in text.lines.iter().enumerate() {
        if let Some(header) = text.header(index) {
            // A comment would begin in it.
            let section = named(index, header).filter(|section| !section.contains(['#', ';']));
            (is_in_section, is_in_setting) = (section.is_some(), false);
            lines.extend(section);
            continue;
        }
        match &line.content {
            Content::Setting(name) if is_in_section => {
                is_in_setting = !name.contains(['#', ';']);
                has_value = !value(&line.text).is_empty();
                lines.extend(is_in_setting.then(|| format!("{name} = {}", value(&line.text))));
            }
            Content::Continuation if is_in_section && is_in_setting && (has_value || is_nested_setting(&line.text)) => {
                lines.push(format!("  {}", line.text));
            }
            _ => {}
        }
    }
    lines.iter().flat_map(|line| [line, "\n"]).collect()
}

fn is_nested_setting(text: &str) -> bool {
    text.split_once('=').is_some_and(|(name, _)| !name.trim().is_empty() && !name.contains(['#', ';']))
}

#[cfg(test)]
mod tests;
