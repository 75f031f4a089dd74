//! Reading properties one after the other, and collecting what is wrong with them.

use crate::iam::{Tags, has_key};
use crate::ownership;
use custom_resource::{Error, Result};
use serde_json::Value;
use unicode_properties::{GeneralCategoryGroup, UnicodeGeneralCategory};

/// IAM: at most 50 tags on a role or policy.
const MOST_TAGS: usize = 50;

/// Reads one property after the other and collects what is wrong with them.
pub(super) struct Reader<'a> {
    properties: &'a Value,
    problems: Vec<String>,
}

impl<'a> Reader<'a> {
    pub(super) fn new(properties: &'a Value) -> Self {
        let mut problems = Vec::new();
        if !properties.is_object() && !properties.is_null() {
            problems.push("the properties must be a map".to_owned());
        }
        Self { properties, problems }
    }

    pub(super) fn holds_structure(&self, name: &str) -> bool {
        matches!(self.properties[name], Value::Array(_) | Value::Object(_))
    }

    /// The property as text; `None` if it is absent, null or blank, and for a list or map, which is a problem.
    pub(super) fn text(&mut self, name: &str) -> Option<String> {
        if self.holds_structure(name) {
            self.problems.push(format!("{name} must be a text, not a list or map"));
        }
        scalar(&self.properties[name]).filter(|text| !text.is_empty())
    }

    pub(super) fn optional(&mut self, name: &str, valid: fn(&str) -> bool, rule: &str) -> Option<String> {
        let text = self.text(name)?;
        if !valid(&text) {
            self.problems.push(match name {
                // A template may give it as NoEcho.
                "ExternalId" => format!("{name} must be {rule}; what was given is not repeated here"),
                _ => format!("{name} must be {rule}, not '{}'", shortened(&text)),
            });
        }
        Some(text)
    }

    pub(super) fn valid(&mut self, name: &str, default: &str, valid: fn(&str) -> bool, rule: &str) -> String {
        self.optional(name, valid, rule).unwrap_or_else(|| default.to_owned())
    }

    /// A property with one possible value. An earlier release allowed others.
    pub(super) fn constant(&mut self, name: &str, value: &str) {
        if let Some(other) = self.text(name).filter(|text| text != value) {
            self.problems.push(format!(
                "{name} is {value}, which is compiled into this function, and cannot be '{}': leave it out",
                shortened(&other)
            ));
        }
    }

    /// One of the named values.
    pub(super) fn choice<T: Copy>(&mut self, name: &str, default: T, choices: &[(&str, T)]) -> T {
        let Some(text) = self.text(name) else { return default };
        if let Some((_, value)) = choices.iter().find(|(choice, _)| *choice == text) {
            return *value;
        }
        let names: Vec<_> = choices.iter().map(|(choice, _)| *choice).collect();
        self.problems.push(format!("{name} must be one of {}, not '{}'", names.join(", "), shortened(&text)));
        default
    }

    pub(super) fn boolean(&mut self, name: &str, default: bool) -> bool {
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

    pub(super) fn seconds(&mut self, name: &str, range: std::ops::RangeInclusive<i32>) -> i32 {
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

    pub(super) fn tags(&mut self) -> Tags {
        let list = match &self.properties["Tags"] {
            Value::Null => return Tags::new(),
            Value::String(text) if text.is_empty() => return Tags::new(),
            Value::Array(list) => list,
            _ => {
                self.problems.push("Tags must be a list of Key and Value".to_owned());
                return Tags::new();
            }
        };
        let mut tags = Tags::new();
        // The beginning of a list that is too long is enough. Each key is compared with all before it: ten thousand
        // keys would take seconds of a whole core, and no deadline interrupts that.
        for (place, tag) in list.iter().take(MOST_TAGS).enumerate() {
            let place = place + 1;
            let value = match &tag["Value"] {
                Value::Null => Some(String::new()),
                value => scalar(value),
            };
            match (scalar(&tag["Key"]), value) {
                (Some(key), Some(value)) => {
                    self.tag(place, &key, &value, &tags);
                    tags.insert(key, value);
                }
                _ => self.problems.push(format!("Tags: entry {place} must have a Key and a Value, both text")),
            }
        }
        let room = MOST_TAGS - ownership::KEYS.len();
        if list.len() > room {
            self.problems.push(format!(
                "Tags: {} are given, but there is room for {room}, because IAM allows {MOST_TAGS} in all and this resource \
                 needs {} itself",
                list.len(),
                ownership::KEYS.len(),
            ));
        }
        tags
    }

    fn tag(&mut self, place: usize, key: &str, value: &str, before: &Tags) {
        let name = format!("Tags: entry {place} ('{}')", shortened(key));
        if key.is_empty() || key.chars().count() > 128 || !is_tag_text(key) {
            self.problems.push(format!("{name}: a key must be 1 to 128 letters, numbers, spaces or _.:/=+-@"));
        }
        if value.chars().count() > ownership::LONGEST_TAG_VALUE || !is_tag_text(value) {
            self.problems.push(format!("{name}: a value must be at most 256 letters, numbers, spaces or _.:/=+-@"));
        }
        if is_reserved_key(key) {
            self.problems.push(format!("{name}: keys that begin with aws: or {} are reserved", ownership::PREFIX));
        }
        if has_key(before, key) {
            self.problems.push(format!("{name}: the key is given twice (IAM takes no account of case)"));
        }
    }

    /// The physical id must fit in a tag value, where a comma takes two characters.
    pub(super) fn fits_in_a_tag(&mut self, role_name: &str, policy_name: &str) {
        let id = format!("111122223333/{role_name}/{policy_name}");
        let length = ownership::tag_value(&id).len();
        if self.problems.is_empty() && length > ownership::LONGEST_TAG_VALUE {
            self.problems.push(format!(
                "RoleName and PolicyName are too long together: with the account id, and commas counted twice, they take \
                 {length} characters, and a tag holds {}",
                ownership::LONGEST_TAG_VALUE
            ));
        }
    }

    /// # Errors
    /// [`Refused`](custom_resource::Kind::Refused), with every problem in its reason.
    pub(super) fn finish<T>(self, read: T) -> Result<T> {
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

/// IAM's rule for tag keys and values: letters, numbers, separators and `_.:/=+-@`. Marks that combine with a letter, as
/// some scripts have them, are none of these.
/// <https://docs.aws.amazon.com/IAM/latest/APIReference/API_Tag.html>
fn is_tag_text(text: &str) -> bool {
    let is_of_iams_classes = |c: char| {
        let group = c.general_category_group();
        matches!(group, GeneralCategoryGroup::Letter | GeneralCategoryGroup::Number | GeneralCategoryGroup::Separator)
    };
    text.chars().all(|c| is_of_iams_classes(c) || "_.:/=+-@".contains(c))
}

/// A customer's text in a Reason, long enough to be recognised.
fn shortened(text: &str) -> String {
    let mut short: String = text.chars().take(64).collect();
    if short.len() < text.len() {
        short.push('…');
    }
    short
}

/// AWS's keys and ours.
pub(super) fn is_reserved_key(key: &str) -> bool {
    let key = key.to_lowercase();
    key.starts_with("aws:") || key.starts_with(ownership::PREFIX)
}

/// A scalar as the text that CloudFormation would have made of it.
pub(super) fn scalar(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Bool(_) | Value::Number(_) => Some(value.to_string()),
        _ => None,
    }
}
