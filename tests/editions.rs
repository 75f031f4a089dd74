//! The permission policy's editions against what was published, and against the reasons that a reviewer reads.

use orchestera_access::policy::{EDITIONS, Edition};
use serde_json::Value;
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

fn repository() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// Every single permission: effect, action, resource, and whatever else a statement says.
fn granted(document: &Value) -> BTreeSet<String> {
    let list = |value: &Value| match value {
        Value::Array(list) => list.clone(),
        one => vec![one.clone()],
    };
    let mut granted = BTreeSet::new();
    for statement in list(&document["Statement"]) {
        let mut rest = statement.clone();
        for key in ["Action", "Resource"] {
            rest.as_object_mut().unwrap().remove(key);
        }
        for action in list(&statement["Action"]) {
            for resource in list(&statement["Resource"]) {
                granted.insert(format!("{rest} {action} on {resource}"));
            }
        }
    }
    granted
}

fn published(edition: &Edition) -> PathBuf {
    repository().join(format!("tests/published/access-policy-{}.json", edition.name))
}

#[test]
fn every_edition_grants_exactly_what_was_published() {
    for edition in EDITIONS {
        let original: Value = serde_json::from_str(&std::fs::read_to_string(published(edition)).unwrap()).unwrap();
        assert!(granted(&original).len() > 10);
        assert_eq!(granted(&edition.document()), granted(&original), "{}", edition.name);
    }
}

#[test]
fn every_file_of_policies_but_the_trust_policies_is_an_edition() {
    let files = std::fs::read_dir(repository().join("policies")).unwrap().flatten();
    let names = files.filter_map(|file| Some(file.file_name().to_str()?.strip_suffix(".json")?.to_owned()));
    let editions = EDITIONS.iter().map(|edition| edition.name.to_owned());
    let trust = ["trust", "trust-suspended"].map(str::to_owned);
    assert_eq!(names.collect::<BTreeSet<_>>(), editions.chain(trust).collect());
}

#[test]
fn every_action_of_every_edition_has_a_reason_that_a_reviewer_finds() {
    let reasons = std::fs::read_to_string(repository().join("policies/README.md")).unwrap();
    let mut sections = reasons.split("\n## Edition ").skip(1);
    for edition in EDITIONS {
        let section = sections.next().unwrap();
        assert!(section.starts_with(edition.name), "the sections are in the order of the editions");
        for permission in granted(&edition.document()) {
            let action = permission.split('"').rev().nth(3).unwrap();
            assert!(section.contains(&format!("`{action}`")), "{action} has no reason in edition {}", edition.name);
        }
    }
}
