//! The customer's tags, read from the properties.

use crate::iam::{Tags, has_key};
use crate::ownership;
use custom_resource::properties::{Reader, scalar, shortened};
use serde_json::Value;
use unicode_properties::{GeneralCategoryGroup, UnicodeGeneralCategory};

/// IAM: at most 50 tags on a role or policy.
const MOST_TAGS: usize = 50;

/// Reads `Tags`. What is wrong with them becomes a problem of the reader.
pub(super) fn read(reader: &mut Reader<'_>) -> Tags {
    let Some(entries) = entries(reader.value("Tags")) else {
        reader.problem("Tags must be text such as Team=Data,CostCenter=1234, or a list of Key and Value".to_owned());
        return Tags::new();
    };
    let mut tags = Tags::new();
    // The beginning of a list that is too long is enough. Each key is compared with all before it: ten thousand
    // keys would take seconds of a whole core, and no deadline interrupts that.
    for (place, entry) in entries.iter().take(MOST_TAGS).enumerate() {
        let place = place + 1;
        match entry {
            Some((key, value)) => {
                check(reader, place, key, value, &tags);
                tags.insert(key.clone(), value.clone());
            }
            None => reader.problem(format!(
                "Tags: entry {place} must have a Key and a Value, both text; in text, write Key=Value, and a comma \
                 between two of them"
            )),
        }
    }
    let room = MOST_TAGS - ownership::KEYS.len();
    if entries.len() > room {
        reader.problem(format!(
            "Tags: {} are given, but there is room for {room}, because IAM allows {MOST_TAGS} in all and this resource \
             needs {} itself",
            entries.len(),
            ownership::KEYS.len(),
        ));
    }
    tags
}

/// The tags that IAM accepts, from properties that may not be valid.
pub(super) fn valid(properties: &Value) -> Tags {
    let entries = entries(&properties["Tags"]).unwrap_or_default();
    entries.into_iter().flatten().filter(|(key, _)| !is_reserved_key(key)).collect()
}

/// Each entry of a list of `Key` and `Value`, or of a text `Key=Value,Key=Value`, where the first `=` ends the key.
/// `None` for anything else, in the list too.
fn entries(value: &Value) -> Option<Vec<Option<(String, String)>>> {
    match value {
        Value::Null => Some(Vec::new()),
        Value::String(text) if text.trim().is_empty() => Some(Vec::new()),
        Value::String(text) => Some(text.split(',').map(of_text).collect()),
        Value::Array(list) => Some(list.iter().map(of_map).collect()),
        _ => None,
    }
}

/// IAM ignores no blank of a tag. One beside a comma or `=` is there to be read.
fn of_text(text: &str) -> Option<(String, String)> {
    text.split_once('=').map(|(key, value)| (key.trim().to_owned(), value.trim().to_owned()))
}

fn of_map(tag: &Value) -> Option<(String, String)> {
    let value = match &tag["Value"] {
        Value::Null => String::new(),
        value => scalar(value)?,
    };
    Some((scalar(&tag["Key"])?, value))
}

fn check(reader: &mut Reader<'_>, place: usize, key: &str, value: &str, before: &Tags) {
    let name = format!("Tags: entry {place} ('{}')", shortened(key));
    if key.is_empty() || key.chars().count() > 128 || !is_tag_text(key) {
        reader.problem(format!("{name}: a key must be 1 to 128 letters, numbers, spaces or _.:/=+-@"));
    }
    if value.chars().count() > ownership::LONGEST_TAG_VALUE || !is_tag_text(value) {
        reader.problem(format!("{name}: a value must be at most 256 letters, numbers, spaces or _.:/=+-@"));
    }
    if is_reserved_key(key) {
        reader.problem(format!("{name}: keys that begin with aws: or {} are reserved", ownership::PREFIX));
    }
    if has_key(before, key) {
        reader.problem(format!("{name}: the key is given twice (IAM takes no account of case)"));
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

/// AWS's keys and ours.
fn is_reserved_key(key: &str) -> bool {
    let key = key.to_lowercase();
    key.starts_with("aws:") || key.starts_with(ownership::PREFIX)
}
