//! What our properties accept, compared with the patterns that AWS itself publishes for these values. botocore has them.

use orchestera_access::properties::Properties;
use proptest::prelude::*;
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};
use regex::Regex;
use serde_json::{Value, json};
use std::path::Path;
use std::process::Command;

/// A value of a property, or the shape that AWS publishes for it: the service, its name there, and a property with the value.
type Shape = (&'static str, &'static str, fn(&str) -> Value);

const SHAPES: [Shape; 5] = [
    ("iam", "roleNameType", |text| json!({"RoleName": text})),
    ("iam", "policyNameType", |text| json!({"PolicyName": text})),
    ("iam", "tagKeyType", |text| json!({"Tags": [{"Key": text, "Value": ""}]})),
    ("iam", "tagValueType", |text| json!({"Tags": [{"Key": "k", "Value": text}]})),
    ("sts", "externalIdType", |text| json!({"ExternalId": text})),
];

/// `min`, `max` and `pattern` of a shape.
fn published(service: &str, shape: &str) -> Value {
    let python = Path::new(env!("CARGO_MANIFEST_DIR")).join(".venv/bin/python");
    let script = format!(
        "import botocore.session, json; model = botocore.session.get_session().get_service_model('{service}'); \
         print(json.dumps(dict(model.shape_for('{shape}').metadata)))"
    );
    let ran = Command::new(&python).args(["-c", &script]).output();
    let ran = ran.unwrap_or_else(|error| panic!("{}: {error}; `make tools` installs it", python.display()));
    assert!(ran.status.success(), "{}", String::from_utf8_lossy(&ran.stderr));
    serde_json::from_slice(&ran.stdout).unwrap()
}

/// Texts of the characters that IAM's classes tell apart, of any others, and of the lengths at the limits.
fn texts() -> impl Strategy<Value = String> {
    let usual = proptest::sample::select("AZaz09_+=,.@:/-".chars().collect::<Vec<_>>());
    let odd = proptest::sample::select(
        "éßЖ中कविभाग\u{301}\u{20d0}\u{a0}\u{3000}\u{2028}²Ⅷ٣ \t\n\u{0}\u{7f}\u{200b}😀€%*?\"\\;"
            .chars()
            .collect::<Vec<_>>(),
    );
    let character = prop_oneof![4 => usual.clone(), 3 => odd, 1 => any::<char>()];
    let length =
        prop_oneof![Just(63), Just(64), Just(65), Just(128), Just(129), Just(256), Just(257), Just(1224), Just(1225)];
    prop_oneof![
        prop::collection::vec(character, 0..12).prop_map(String::from_iter),
        (usual.prop_map(String::from), length).prop_map(|(one, length)| one.repeat(length)),
        (proptest::sample::select(vec!["é", "中", "वि"]), 1..200_usize).prop_map(|(one, length)| one.repeat(length)),
    ]
}

#[test]
fn what_our_rules_accept_is_what_the_services_own_patterns_accept() {
    for (service, name, property) in SHAPES {
        let shape = published(service, name);
        let pattern = shape["pattern"].as_str().expect("a pattern");
        // \w is of ASCII in Java, with which AWS checks.
        let pattern = pattern.replace("\\w", "A-Za-z0-9_");
        let pattern = Regex::new(&format!("^(?:{pattern})$")).unwrap();
        let (least, most) = (shape["min"].as_u64().unwrap() as usize, shape["max"].as_u64().unwrap() as usize);
        let config = Config { cases: 4000, failure_persistence: None, ..Config::default() };
        let mut runner = TestRunner::new_with_rng(config, TestRng::deterministic_rng(RngAlgorithm::ChaCha));
        let ran = runner.run(&texts(), |text| {
            // Rules of our own: a blank property counts as not given, the physical id has to fit in a tag, where a comma
            // takes two characters, and keys that are AWS's or ours are reserved.
            let key = text.to_lowercase();
            prop_assume!(!text.is_empty() && !key.starts_with("aws:") && !key.starts_with("orchestera:"));
            prop_assume!(text.matches(',').count() < 60);
            let length = text.chars().count();
            let is_theirs = (least..=most).contains(&length) && pattern.is_match(&text);
            let is_ours = Properties::parse(&property(&text)).is_ok();
            prop_assert_eq!(is_ours, is_theirs, "{} of {} characters: {:?}", name, length, text);
            Ok(())
        });
        ran.unwrap_or_else(|failure| panic!("{name}: {failure}"));
    }
}
