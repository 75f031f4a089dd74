//! The customer's own tags: those that an object had before a stack adopted it, and those that people put on it since.
//! No event overwrites one or removes one.

use crate::common::fake_iam::World;
use crate::object::{Object, object};
use crate::step::TAG_KEYS;
use orchestera_access::iam::Tags;
use proptest::prelude::*;
use proptest::test_runner::TestCaseError;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};

/// What one stack has to leave alone.
#[derive(Clone, Debug, Default)]
pub struct CustomerTags {
    /// By the name of the object.
    on: BTreeMap<String, Tags>,
    /// Keys, in lower case, that the properties have had. If people put one of them on an object, nobody can say whose
    /// the tag is.
    given: BTreeSet<String>,
}

impl CustomerTags {
    /// Looks at what is under the names before an event. A Create takes whatever is nobody's, and an Update what somebody
    /// else has made.
    pub fn learn(&mut self, world: &World, names: &[String], stack_id: &str, is_create: bool) {
        self.forget_what_is_gone(world);
        for name in names {
            let Some(there) = object(world, name) else { continue };
            let is_ours = there.tags().get("orchestera:stack-id").is_some_and(|owner| owner == stack_id);
            if !is_ours && !self.on.contains_key(name) && (is_create || !there.is_described_as_ours()) {
                self.on.insert(name.clone(), customers(there.tags()));
            }
        }
    }

    /// Remembers which keys these properties have.
    pub fn give(&mut self, properties: &Value) {
        self.given.extend(given(properties).keys().map(|key| key.to_lowercase()));
    }

    /// People put a tag on the object of that name.
    pub fn put_by_hand(&mut self, name: &str, key: &str, value: &str) {
        let Some(tags) = self.on.get_mut(name) else { return };
        if has_key(tags, key) || !self.given.contains(&key.to_lowercase()) {
            tags.retain(|other, _| !is_same_key(other, key));
            tags.insert(key.to_owned(), value.to_owned());
        }
    }

    /// What is made anew under the same name is another object.
    pub fn forget_what_is_gone(&mut self, world: &World) {
        self.on.retain(|name, _| object(world, name).is_some());
    }

    /// Each of them that was there before an event is there after it, to the letter. The object is gone only if an Update
    /// has asked for that.
    pub fn check(&self, before: &World, after: &World) -> Result<(), TestCaseError> {
        for (name, tags) in &self.on {
            let Some(was) = object(before, name) else { continue };
            let Some(is) = object(after, name) else {
                let may_go = was.tags().contains_key("orchestera:delete-adopted");
                prop_assert!(may_go, "{name} existed before the stack, and is gone: {was:?}");
                continue;
            };
            for (key, value) in tags.iter().filter(|(key, value)| was.tags().get(*key) == Some(*value)) {
                let now = is.tags();
                prop_assert_eq!(now.get(key), Some(value), "the customer's tag {} on {}: {:?}", key, name, now);
            }
        }
        Ok(())
    }

    /// Whether a tag on the object is one of them.
    pub fn has(&self, name: &str, (key, value): (&String, &String)) -> bool {
        self.on.get(name).and_then(|tags| tags.get(key)) == Some(value)
    }
}

/// As IAM compares keys.
fn is_same_key(a: &str, b: &str) -> bool {
    a.eq_ignore_ascii_case(b)
}

fn has_key(tags: &Tags, key: &str) -> bool {
    tags.keys().any(|other| is_same_key(other, key))
}

/// The tags in the properties.
pub fn given(properties: &Value) -> Tags {
    if let Some(text) = properties["Tags"].as_str() {
        let tags = text.split(',').filter_map(|tag| tag.split_once('='));
        return tags.map(|(key, value)| (key.to_owned(), value.to_owned())).collect();
    }
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let tags = properties["Tags"].as_array().into_iter().flatten();
    tags.map(|tag| (text(&tag["Key"]), text(&tag["Value"]))).collect()
}

/// Those that are not the product's.
pub fn customers(tags: &Tags) -> Tags {
    let mut tags = tags.clone();
    tags.retain(|key, _| !key.starts_with("orchestera:"));
    tags
}

/// Whether an Update would overwrite a tag of an adopted object. `ours` are tags of the properties before.
pub fn collides(object: &Object, wanted: &Value, ours: &[&Value]) -> bool {
    let is_adopted = object.tags().get("orchestera:ownership").is_some_and(|it| it == "adopted");
    let is_ours = |key: &String| ours.iter().any(|properties| has_key(&given(properties), key));
    is_adopted && given(wanted).keys().any(|key| has_key(object.tags(), key) && !is_ours(key))
}

#[test]
fn a_key_of_tags_is_there_in_two_spellings() {
    let spellings = |key: &str| TAG_KEYS.iter().filter(|other| is_same_key(other, key)).count();
    assert_eq!((spellings("TEAM"), spellings("cost")), (2, 1));
}
