//! Reading a resource's properties one after the other, and collecting what is wrong with them.
//!
//! CloudFormation sends every property as text, booleans and numbers too. Other senders may not, so both forms are read.
//! A blank text means that the property was not given. Every problem is reported, not only the first.

use crate::error::{Error, Result};
use serde_json::Value;

/// Reads one property after the other and collects what is wrong with them.
pub struct Reader<'a> {
    properties: &'a Value,
    /// A property whose value is repeated nowhere.
    hidden: &'static str,
    problems: Vec<String>,
}

impl<'a> Reader<'a> {
    pub fn new(properties: &'a Value) -> Self {
        let mut problems = Vec::new();
        if !properties.is_object() && !properties.is_null() {
            problems.push("the properties must be a map".to_owned());
        }
        Self { properties, hidden: "", problems }
    }

    /// Repeats the value of this property in no problem, because a template may give it as `NoEcho`.
    pub fn hiding(self, name: &'static str) -> Self {
        Self { hidden: name, ..self }
    }

    /// The property as CloudFormation sent it; [`Value::Null`] if it is absent.
    pub fn value(&self, name: &str) -> &'a Value {
        &self.properties[name]
    }

    /// Adds a problem: a part of a sentence, without a full stop.
    pub fn problem(&mut self, problem: String) {
        self.problems.push(problem);
    }

    pub fn has_problems(&self) -> bool {
        !self.problems.is_empty()
    }

    /// Whether the property is a list or a map.
    pub fn holds_structure(&self, name: &str) -> bool {
        matches!(self.properties[name], Value::Array(_) | Value::Object(_))
    }

    /// The property as text; `None` if it is absent, null or blank, and for a list or map, which is a problem.
    pub fn text(&mut self, name: &str) -> Option<String> {
        if self.holds_structure(name) {
            self.problems.push(format!("{name} must be a string, not a list or map"));
        }
        scalar(&self.properties[name]).filter(|text| !text.is_empty())
    }

    /// The property as text, which must follow a rule. `rule` completes "must be …".
    pub fn optional(&mut self, name: &str, valid: fn(&str) -> bool, rule: &str) -> Option<String> {
        let text = self.text(name)?;
        if !valid(&text) {
            self.problems.push(match name == self.hidden {
                true => format!("{name} must be {rule}; the value that was given is not shown here"),
                false => format!("{name} must be {rule}, not '{}'", shortened(&text)),
            });
        }
        Some(text)
    }

    /// The same, with a default.
    pub fn valid(&mut self, name: &str, default: &str, valid: fn(&str) -> bool, rule: &str) -> String {
        self.optional(name, valid, rule).unwrap_or_else(|| default.to_owned())
    }

    /// One of the named values.
    pub fn choice<T: Copy>(&mut self, name: &str, default: T, choices: &[(&str, T)]) -> T {
        let Some(text) = self.text(name) else { return default };
        if let Some((_, value)) = choices.iter().find(|(choice, _)| *choice == text) {
            return *value;
        }
        let names: Vec<_> = choices.iter().map(|(choice, _)| *choice).collect();
        self.problems.push(format!("{name} must be one of {}, not '{}'", names.join(", "), shortened(&text)));
        default
    }

    /// `true` or `false`, in any case.
    pub fn boolean(&mut self, name: &str, default: bool) -> bool {
        match self.text(name).map(|text| text.to_ascii_lowercase()).as_deref() {
            None => default,
            Some("true") => true,
            Some("false") => false,
            Some(other) => {
                self.problems.push(format!("{name} must be true or false, not '{}'", shortened(other)));
                default
            }
        }
    }

    /// A whole number of seconds; the least of the range by default.
    pub fn seconds(&mut self, name: &str, range: std::ops::RangeInclusive<i32>) -> i32 {
        let Some(text) = self.text(name) else { return *range.start() };
        // A parameter of the type Number accepts 3600.0 too.
        let (whole, fraction) = text.split_once('.').unwrap_or((&text, ""));
        match whole.parse() {
            Ok(seconds) if range.contains(&seconds) && fraction.bytes().all(|digit| digit == b'0') => seconds,
            _ => {
                let (least, most) = (range.start(), range.end());
                self.problems.push(format!("{name} must be {least} to {most} seconds, not '{}'", shortened(&text)));
                *least
            }
        }
    }

    /// A list of texts, without blank ones: a `CommaDelimitedList` that is blank is a list of one blank text.
    pub fn texts(&mut self, name: &str) -> Vec<String> {
        let texts = match self.value(name) {
            Value::Array(list) => list.iter().map(scalar).collect(),
            Value::Object(_) => None,
            value => Some(scalar(value).unwrap_or_default().split(',').map(|text| text.trim().to_owned()).collect()),
        };
        let Some(texts): Option<Vec<String>> = texts else {
            self.problems.push(format!("{name} must be a list of strings"));
            return Vec::new();
        };
        texts.into_iter().filter(|text| !text.is_empty()).collect()
    }

    /// # Errors
    /// [`Refused`](crate::Kind::Refused), with every problem in its reason.
    pub fn finish<T>(self, read: T) -> Result<T> {
        match &self.problems[..] {
            [] => Ok(read),
            [problem] => Err(Error::refused(format!("The properties need attention: {problem}."))),
            problems => {
                let list: Vec<_> = problems.iter().enumerate().map(|(i, p)| format!("({}) {p}", i + 1)).collect();
                Err(Error::refused(format!("The properties need attention: {}.", list.join("; "))))
            }
        }
    }
}

/// A customer's text in a Reason, long enough to be recognised.
pub fn shortened(text: &str) -> String {
    let mut short: String = text.chars().take(64).collect();
    if short.len() < text.len() {
        short.push('…');
    }
    short
}

/// A scalar as the text that CloudFormation would have made of it.
pub fn scalar(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Bool(_) | Value::Number(_) => Some(value.to_string()),
        _ => None,
    }
}
