//! How AWS's tools read `~/.aws/config` and `~/.aws/credentials`.
//!
//! The AWS CLI reads them with Python's `configparser`, in its strict form, and is the stricter reader. So a file that it
//! refuses counts as unreadable here. The SDKs read the names of sections a little differently. A name counts as taken
//! if either of the two reads it.
//!
//! * The AWS CLI: <https://github.com/boto/botocore/blob/develop/botocore/configloader.py>
//! * The SDKs: <https://docs.aws.amazon.com/sdkref/latest/guide/file-format.html>

use std::collections::HashSet;
use std::ops::Range;

/// What a section is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    Profile,
    SsoSession,
}

/// A name that a section of the file defines.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Name {
    pub kind: Kind,
    pub name: String,
}

impl Name {
    pub fn profile(name: impl Into<String>) -> Self {
        Self { kind: Kind::Profile, name: name.into() }
    }

    pub fn sso_session(name: impl Into<String>) -> Self {
        Self { kind: Kind::SsoSession, name: name.into() }
    }

    /// As AWS's documents write it in `~/.aws/config`.
    pub fn header(&self) -> String {
        match self.kind {
            Kind::Profile => format!("[profile {}]", self.name),
            Kind::SsoSession => format!("[sso-session {}]", self.name),
        }
    }
}

/// What a line is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Content {
    Blank,
    Comment,
    /// The text between the brackets.
    Section(String),
    /// Its name, in lower case.
    Setting(String),
    /// More of the setting above: a nested setting, or any other line that is indented further.
    Continuation,
    /// The AWS CLI refuses the file because of it.
    Unreadable,
}

/// A line of the file.
#[derive(Clone, Debug)]
pub struct Line {
    /// Its bytes, with the end of the line.
    pub bytes: Range<usize>,
    /// Its text, without the white space around it. What is not UTF-8 is replaced.
    pub text: String,
    pub content: Content,
    /// The line, counted from 0, of the section that it belongs to.
    pub section: Option<usize>,
}

/// Why the AWS CLI cannot read the file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// Counted from 1.
    pub line: usize,
    /// The end of a sentence that begins with the line.
    pub what: String,
}

/// A file as AWS's tools read it.
#[derive(Clone, Debug)]
pub struct ConfigText {
    pub lines: Vec<Line>,
    /// The first.
    pub problem: Option<Problem>,
}

/// As `str.isspace` of Python.
fn is_space(char: char) -> bool {
    char.is_whitespace() || ('\u{1c}'..='\u{1f}').contains(&char)
}

/// Python's universal newlines: a line ends with LF, CR LF, or CR.
fn line_spans(bytes: &[u8]) -> Vec<Range<usize>> {
    let mut spans = Vec::new();
    let mut start = 0;
    while start < bytes.len() {
        let end = match bytes[start..].iter().position(|byte| matches!(byte, b'\n' | b'\r')).map(|at| start + at) {
            Some(at) if bytes[at..].starts_with(b"\r\n") => at + 2,
            Some(at) => at + 1,
            None => bytes.len(),
        };
        spans.push(start..end);
        start = end;
    }
    spans
}

impl ConfigText {
    pub fn read(bytes: &[u8]) -> Self {
        let mut lines: Vec<Line> = Vec::new();
        let mut problems: Vec<Problem> = Vec::new();
        let mut sections: HashSet<String> = HashSet::new();
        let mut settings: HashSet<(String, String)> = HashSet::new();
        let mut section: Option<(usize, String)> = None;
        // Of the setting that lines may follow: whether it has no value of its own. Then they are nested settings.
        let mut open: Option<bool> = None;
        // Of the last line that continued nothing, be it a section.
        let mut indent = 0;
        for (index, span) in line_spans(bytes).into_iter().enumerate() {
            let whole = String::from_utf8_lossy(&bytes[span.clone()]).into_owned();
            let text = whole.trim_matches(is_space).to_owned();
            let its_indent = whole.chars().take_while(|char| is_space(*char)).count();
            let mut problem = |what: String| {
                problems.push(Problem { line: index + 1, what });
                Content::Unreadable
            };
            let content = if text.is_empty() {
                Content::Blank
            } else if text.starts_with(['#', ';']) {
                Content::Comment
            } else if let Some(has_nested) = open.filter(|_| its_indent > indent) {
                if has_nested && !text.contains('=') {
                    problem("is indented below a setting without a value, but it is no nested setting".to_owned())
                } else {
                    Content::Continuation
                }
            } else {
                indent = its_indent;
                if let Some(header) = header(&text) {
                    section = Some((index, header.to_owned()));
                    open = None;
                    // Settings of [DEFAULT] count for all sections, and it may stand there twice.
                    if sections.insert(header.to_owned()) || header == "DEFAULT" {
                        Content::Section(header.to_owned())
                    } else {
                        problem(format!("begins the section [{header}] for the second time"))
                    }
                } else if let Some((_, header)) = &section {
                    match setting(&text) {
                        Some((name, value)) => {
                            open = Some(value.is_empty());
                            if settings.insert((header.clone(), name.clone())) {
                                Content::Setting(name)
                            } else {
                                problem(format!("sets {name} for the second time in the section [{header}]"))
                            }
                        }
                        None => problem("is neither a section, nor a setting, nor a comment".to_owned()),
                    }
                } else if index == 0 && text.starts_with('\u{feff}') {
                    problem("begins with a byte order mark. Save the file as UTF-8 without it".to_owned())
                } else {
                    problem("stands before the first section".to_owned())
                }
            };
            let of = section.as_ref().map(|(index, _)| *index);
            lines.push(Line { bytes: span, text, content, section: of });
        }
        Self { lines, problem: problems.into_iter().next() }
    }

    /// The first line, counted from 1, with bytes that are not UTF-8. The SDKs do not read such a file. The AWS CLI does
    /// where the locale has that encoding.
    pub fn not_utf8(bytes: &[u8]) -> Option<usize> {
        let valid = std::str::from_utf8(bytes).err()?.valid_up_to();
        line_spans(bytes).iter().position(|span| span.contains(&valid)).map(|index| index + 1)
    }

    /// The header of a section, if that line begins one, be it for the second time.
    pub fn header(&self, index: usize) -> Option<&str> {
        let line = &self.lines[index];
        (line.section == Some(index)).then(|| header(&line.text)).flatten()
    }

    /// The names that are defined in `~/.aws/config`, each with its line, counted from 0.
    pub fn names(&self) -> Vec<(usize, Name)> {
        let headers = (0..self.lines.len()).filter_map(|index| Some((index, self.header(index)?)));
        let names = |index: usize, header| names(header, &self.lines[index].text);
        headers.flat_map(|(index, header)| names(index, header).into_iter().map(move |name| (index, name))).collect()
    }

    /// The same for `~/.aws/credentials`, where a section is named as its profile.
    pub fn names_of_credentials(&self) -> Vec<(usize, Name)> {
        let headers = (0..self.lines.len()).filter_map(|index| Some((index, self.header(index)?)));
        headers.map(|(index, header)| (index, Name::profile(header.trim_matches(is_space)))).collect()
    }
}

/// The text between the first `[` and the last `]` of a line. Anything may follow.
fn header(text: &str) -> Option<&str> {
    let inner = text.strip_prefix('[')?;
    let inner = &inner[..inner.rfind(']')?];
    (!inner.is_empty()).then_some(inner)
}

/// The name, in lower case, and the value. configparser also takes a `:`.
fn setting(text: &str) -> Option<(String, &str)> {
    let (name, value) = text.split_once(['=', ':'])?;
    let name = name.trim_matches(is_space);
    (!name.is_empty()).then(|| (name.to_lowercase(), value.trim_matches(is_space)))
}

/// The value of a line that is a setting.
pub fn value(text: &str) -> &str {
    setting(text).map_or("", |(_, value)| value)
}

/// What a line with this header defines in `~/.aws/config`, as any of AWS's tools reads it.
fn names(header: &str, line: &str) -> Vec<Name> {
    let of_cli = match words(header).as_deref() {
        _ if header == "default" => Some(Name::profile("default")),
        // botocore asks for the beginning of the header only.
        Some([_, name]) if header.starts_with("profile") => Some(Name::profile(name)),
        Some([_, name]) if header.starts_with("sso-session") => Some(Name::sso_session(name)),
        _ => None,
    };
    // To the SDKs, a comment begins anywhere in the line.
    let without_comment = line.split(['#', ';']).next().unwrap_or_default().trim_end_matches([' ', '\t']);
    let header = without_comment.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).unwrap_or_default();
    let header = header.trim_matches([' ', '\t']);
    let of_sdk = match header.split_once([' ', '\t']).map(|(prefix, name)| (prefix, name.trim())) {
        Some(("profile", name)) => Some(Name::profile(name)),
        Some(("sso-session", name)) => Some(Name::sso_session(name)),
        _ => None,
    };
    let mut names: Vec<Name> = of_cli.into_iter().chain(of_sdk).collect();
    names.dedup();
    names
}

/// `shlex.split` of Python: words as a shell splits them. `None` if a quotation mark is not closed.
fn words(text: &str) -> Option<Vec<String>> {
    let mut words = Vec::new();
    let mut word: Option<String> = None;
    let mut chars = text.chars();
    while let Some(char) = chars.next() {
        match char {
            ' ' | '\t' | '\r' | '\n' => words.extend(word.take()),
            '\\' => word.get_or_insert_default().push(chars.next()?),
            '\'' | '"' => {
                let quoted = word.get_or_insert_default();
                loop {
                    match chars.next()? {
                        end if end == char => break,
                        '\\' if char == '"' => match chars.next()? {
                            escaped @ ('"' | '\\') => quoted.push(escaped),
                            other => quoted.extend(['\\', other]),
                        },
                        other => quoted.push(other),
                    }
                }
            }
            other => word.get_or_insert_default().push(other),
        }
    }
    words.extend(word);
    Some(words)
}

#[cfg(test)]
mod tests;
