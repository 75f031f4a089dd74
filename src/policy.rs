//! Policy documents: the editions of the permission policy, and how two documents are compared.
//!
//! `policies/` is the only place where permissions are written: one file per edition, compiled in, with
//! `policies/README.md` giving a reason for each group of actions. Adding an edition is one file there and one line in
//! [`EDITIONS`].

use crate::hex;
use serde_json::{Map, Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::OnceLock;

/// A published edition of the permission policy.
#[derive(Debug)]
pub struct Edition {
    /// The date of the guide that published it, such as `2025-09-29`. What the property `PolicyEdition` says.
    pub name: &'static str,
    text: &'static str,
    sha256: OnceLock<String>,
}

/// The guide that this project was asked to implement; what is used when the property is blank.
pub static DEFAULT_EDITION: Edition = Edition::new("2025-09-29", include_str!("../policies/2025-09-29.json"));
static EDITION_OF_2026: Edition = Edition::new("2026-02-06", include_str!("../policies/2026-02-06.json"));

/// Every edition, the oldest first.
pub static EDITIONS: [&Edition; 2] = [&DEFAULT_EDITION, &EDITION_OF_2026];

impl Edition {
    const fn new(name: &'static str, text: &'static str) -> Self {
        Self { name, text, sha256: OnceLock::new() }
    }

    /// The edition of that name.
    pub fn named(name: &str) -> Option<&'static Self> {
        EDITIONS.into_iter().find(|edition| edition.name == name)
    }

    /// The document as a value. Every edition is a file of this repository that a test reads, so that it is always JSON.
    pub fn document(&self) -> Value {
        serde_json::from_str(self.text).unwrap_or_default()
    }

    /// [`sha256`] of the document, which every plan asks for.
    pub fn sha256(&self) -> &str {
        self.sha256.get_or_init(|| sha256(&self.document()))
    }
}

/// The document without what makes no difference to IAM, so that two spellings of one policy are equal values: a statement
/// that is not in a list, a text that stands for a list of one, the order and the repetition in such a list, the case of
/// actions, a bare account id for an account's root.
pub fn canonical(document: &Value) -> Value {
    let Value::Object(document) = document else { return document.clone() };
    let parts = document.iter().map(|(key, value)| {
        let value = match (key.as_str(), value) {
            ("Statement", Value::Array(statements)) => Value::Array(statements.iter().map(statement).collect()),
            ("Statement", one) => Value::Array(vec![statement(one)]),
            (_, value) => value.clone(),
        };
        (key.clone(), value)
    });
    Value::Object(parts.collect())
}

/// SHA-256 in hex of the canonical document, written with sorted keys and without white space.
pub fn sha256(document: &Value) -> String {
    // serde_json's map is sorted (its feature `preserve_order` is off, which a test below would notice).
    let text = canonical(document).to_string();
    hex::sha256(&text)
}

/// Whether two documents are the same policy to IAM. Most are equal to the letter.
pub fn same(a: &Value, b: &Value) -> bool {
    a == b || comparable(a) == comparable(b)
}

/// The [canonical] document without further differences that do not matter to IAM: the order and repetition of
/// statements, the case of condition keys, `true` for `"true"`, an empty condition, `"*"` for
/// `{"AWS": "*"}`. The digests of the editions do not depend on it.
/// <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_condition.html>
fn comparable(document: &Value) -> Value {
    let mut document = canonical(document);
    if let Some(statements) = document.get_mut("Statement").and_then(Value::as_array_mut) {
        statements.iter_mut().filter_map(Value::as_object_mut).for_each(make_comparable);
        statements.sort_by_cached_key(ToString::to_string);
        statements.dedup();
    }
    document
}

fn make_comparable(statement: &mut Map<String, Value>) {
    if statement.get("Principal").is_some_and(|principal| principal == "*") {
        statement.insert("Principal".to_owned(), json!({ "AWS": ["*"] }));
    }
    let Some(Value::Object(operators)) = statement.remove("Condition") else { return };
    let mut condition = BTreeMap::<String, BTreeMap<String, BTreeSet<String>>>::new();
    for (operator, keys) in &operators {
        // The values of these are true and false, which have no case.
        let is_boolean = operator == "Null" || operator.contains("Bool");
        for (key, values) in keys.as_object().into_iter().flatten() {
            let values = values.as_array().into_iter().flatten().map(|value| match scalar_text(value) {
                text if is_boolean => text.to_ascii_lowercase(),
                text => text,
            });
            let keys = condition.entry(operator.clone()).or_default();
            // A key that is there twice, spelled differently, stays two: what IAM makes of it is not documented.
            let lower = key.to_ascii_lowercase();
            let name = if keys.contains_key(&lower) { key.clone() } else { lower };
            keys.insert(name, values.collect());
        }
    }
    if !condition.is_empty() {
        statement.insert("Condition".to_owned(), json!(condition));
    }
}

/// A value of a condition as IAM reads it: numbers and booleans need no quotes.
pub(crate) fn scalar_text(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

/// What `new` grants and `old` does not name, and the other way round: each `action on resource`, in order. Only a
/// statement that allows by `Action` and `Resource` can be told apart like this, which is what every edition consists of.
pub fn difference(old: &Value, new: &Value) -> (Vec<String>, Vec<String>) {
    let (old, new) = (granted(old), granted(new));
    (new.difference(&old).cloned().collect(), old.difference(&new).cloned().collect())
}

/// Whether `document` grants everything that `part` does. `false` where that cannot be told simply: it has to consist of
/// statements that allow by `Action` and `Resource`.
pub fn covers(document: &Value, part: &Value) -> bool {
    let simple = |statement: &Value| {
        statement["Effect"] == "Allow"
            && statement.as_object().is_some_and(|parts| {
                parts.keys().all(|key| ["Sid", "Effect", "Action", "Resource"].contains(&key.as_str()))
            })
    };
    let statements = match &document["Statement"] {
        Value::Array(statements) => statements.iter().all(simple),
        one => simple(one),
    };
    let (all, part) = (granted(document), granted(part));
    let covered = |permission: &String| {
        all.iter().any(|pattern| match (pattern.split_once(" on "), permission.split_once(" on ")) {
            (Some((actions, resources)), Some((action, resource))) => {
                matches(&actions.to_lowercase(), &action.to_lowercase()) && matches(resources, resource)
            }
            _ => false,
        })
    };
    statements && part.iter().all(covered)
}

/// Whether a text is one of those that a pattern with `*` and `?` stands for. Takes at most pattern times text steps, because
/// only the last `*` is ever tried again: patterns come from documents that others wrote.
pub(crate) fn matches(pattern: &str, text: &str) -> bool {
    matches_in_steps(pattern, text).0
}

/// The same, and how many characters were compared.
fn matches_in_steps(pattern: &str, text: &str) -> (bool, usize) {
    let (pattern, text): (Vec<char>, Vec<char>) = (pattern.chars().collect(), text.chars().collect());
    let (mut at, mut from) = (0, 0);
    // The place behind the last `*`, and how much of the text it has taken.
    let (mut star, mut steps) = (None, 0);
    while from < text.len() {
        steps += 1;
        match pattern.get(at) {
            Some('*') => {
                at += 1;
                star = Some((at, from));
            }
            Some(one) if *one == '?' || *one == text[from] => {
                at += 1;
                from += 1;
            }
            _ => {
                let Some((behind, taken)) = star else { return (false, steps) };
                (at, from) = (behind, taken + 1);
                star = Some((behind, taken + 1));
            }
        }
    }
    (pattern[at..].iter().all(|one| *one == '*'), steps)
}

fn granted(document: &Value) -> BTreeSet<String> {
    let list = |value: &Value| match value {
        Value::Array(list) => list.clone(),
        Value::Null => Vec::new(),
        one => vec![one.clone()],
    };
    let texts = |value: &Value| list(value).iter().filter_map(Value::as_str).map(str::to_owned).collect::<Vec<_>>();
    let mut granted = BTreeSet::new();
    for statement in list(&document["Statement"]).iter().filter(|statement| statement["Effect"] == "Allow") {
        for action in texts(&statement["Action"]) {
            granted.extend(texts(&statement["Resource"]).iter().map(|resource| format!("{action} on {resource}")));
        }
    }
    granted
}

fn statement(statement: &Value) -> Value {
    let Value::Object(statement) = statement else { return statement.clone() };
    let parts = statement.iter().map(|(key, value)| {
        let value = match key.as_str() {
            "Action" | "NotAction" => set(value, &str::to_ascii_lowercase),
            "Resource" | "NotResource" => set(value, &str::to_owned),
            "Principal" | "NotPrincipal" => each(value, |principals| set(principals, &root_of_bare_account)),
            "Condition" => each(value, |keys| each(keys, |values| set(values, &str::to_owned))),
            _ => value.clone(),
        };
        (key.clone(), value)
    });
    Value::Object(parts.collect())
}

/// Applies `to` to every value of a map; anything else stays.
fn each(value: &Value, to: impl Fn(&Value) -> Value) -> Value {
    match value {
        Value::Object(map) => Value::Object(map.iter().map(|(k, v)| (k.clone(), to(v))).collect::<Map<_, _>>()),
        other => other.clone(),
    }
}

/// One text, or a list of them, as a sorted list without repetition.
fn set(value: &Value, spell: &dyn Fn(&str) -> String) -> Value {
    let mut texts: Vec<Value> = match value {
        Value::Array(list) => list.clone(),
        one => vec![one.clone()],
    };
    for text in &mut texts {
        if let Value::String(text) = text {
            *text = spell(text);
        }
    }
    // Cached: written anew for each comparison, the keys were a fifth of all that a Create computes.
    texts.sort_by_cached_key(ToString::to_string);
    texts.dedup();
    Value::Array(texts)
}

/// IAM holds `"AWS": "111122223333"` for `"AWS": "arn:aws:iam::111122223333:root"` and stores the latter. The partition is
/// not known here, so that both are reduced to the id.
/// <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_principal.html>
fn root_of_bare_account(principal: &str) -> String {
    match principal.split(':').collect::<Vec<_>>()[..] {
        ["arn", _, "iam", "", account_id, "root"] => account_id.to_owned(),
        _ => principal.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What `PolicySha256` is for ever.
    const DIGESTS: [&str; 2] = [
        "4318a6ac6f1ea97db8b234e4e4dcd6574e925ba974801c10b4f04ca083af90a1",
        "3ba9cdb520bd1bdd23a7cc14a281af1048b62394e1d35509966adeb7c95cc7c4",
    ];

    #[test]
    fn the_difference_of_two_documents_names_each_permission_with_its_resource() {
        let old = json!({"Statement": [{"Effect": "Allow", "Action": ["a:1", "a:2"], "Resource": "*"}]});
        let new = json!({"Statement": [
            {"Effect": "Allow", "Action": "a:2", "Resource": "*"},
            {"Effect": "Allow", "Action": "a:3", "Resource": ["x", "y"]},
            {"Effect": "Deny", "Action": "a:4", "Resource": "*"},
        ]});
        let texts = |texts: &[&str]| texts.iter().map(|text| (*text).to_owned()).collect::<Vec<_>>();
        assert_eq!(difference(&old, &new), (texts(&["a:3 on x", "a:3 on y"]), texts(&["a:1 on *"])));
        assert_eq!(difference(&new, &new), (Vec::new(), Vec::new()));
        assert_eq!(difference(&Value::Null, &old).0.len(), 2);
    }

    #[test]
    fn a_document_covers_a_part_of_it_by_wildcards_too_and_nothing_that_cannot_be_told_simply() {
        let allow = |action: Value, resource: Value| json!({"Effect": "Allow", "Action": action, "Resource": resource});
        let document = |statements: Value| json!({"Version": "2012-10-17", "Statement": statements});
        let part = document(json!([
            allow(json!(["ec2:DescribeVpcs", "iam:*"]), json!("*")),
            allow(json!("s3:Get*"), json!("arn:aws:s3:::a-*"))
        ]));
        let everything = allow(json!("*"), json!("*"));
        for statements in [
            part["Statement"].clone(),
            json!([everything]),
            json!([allow(json!(["EC2:describe*", "iam:*", "s3:*"]), json!("*"))]),
            json!([
                allow(json!(["ec2:DescribeVpc?", "iam:*"]), json!("*")),
                allow(json!("s3:*"), json!("arn:aws:s3:::*"))
            ]),
        ] {
            assert!(covers(&document(statements.clone()), &part), "{statements}");
        }
        let conditional = {
            let mut statement = everything.clone();
            statement["Condition"] = json!({"Bool": {"aws:SecureTransport": "true"}});
            statement
        };
        let denied = json!({"Effect": "Deny", "Action": "s3:*", "Resource": "*"});
        for statements in [
            json!([]),
            json!([allow(json!(["ec2:DescribeVpcs", "iam:Get*"]), json!("*"))]),
            json!([allow(json!(["ec2:*", "iam:*", "s3:*"]), json!("arn:aws:s3:::A-*"))]),
            json!([everything, denied]),
            json!([conditional]),
            json!([{"Effect": "Allow", "NotAction": "sts:*", "Resource": "*"}]),
        ] {
            assert!(!covers(&document(statements.clone()), &part), "{statements}");
        }
    }

    #[test]
    fn a_pattern_is_matched_in_few_steps_whoever_wrote_it() {
        for (pattern, text, is_match) in [
            ("", "", true),
            ("*", "", true),
            ("a*c", "abbc", true),
            ("a*c", "abbcd", false),
            ("*a*", "bab", true),
            ("?", "é", true),
            ("??", "é", false),
            ("a**b?", "axbxbc", true),
        ] {
            assert_eq!(matches(pattern, text), is_match, "{pattern} {text}");
        }
        // Tried one by one, the places of thirty stars in such a text would take for ever.
        for (pattern, text) in [
            (format!("{}z", "a*".repeat(30)), "a".repeat(5000)),
            (format!("{}b", "*a".repeat(40)), "a".repeat(3000)),
            ("a*b*c*d*e*f*g*h*z".to_owned(), "abcdefgh".repeat(500)),
            (format!("*{}b", "a".repeat(200)), "a".repeat(4000)),
            ("*".repeat(300), "x".repeat(300)),
            (format!("{}x", "?*".repeat(50)), "y".repeat(2000)),
        ] {
            let (is_match, steps) = matches_in_steps(&pattern, &text);
            assert_eq!(is_match, pattern.chars().all(|c| c == '*'), "{pattern}");
            assert!(steps <= (pattern.len() + 1) * (text.len() + 1), "{steps} steps for {pattern}");
        }
    }

    #[test]
    fn every_edition_is_a_policy_without_repetition_and_within_iams_limit() {
        for edition in EDITIONS {
            let document = edition.document();
            assert_eq!(document["Version"], "2012-10-17", "{}", edition.name);
            let without_white_space = document.to_string().len();
            assert!(without_white_space <= 6144, "{}: {without_white_space} characters", edition.name);
            for statement in document["Statement"].as_array().expect(edition.name) {
                assert_eq!(statement["Effect"], "Allow", "{}", edition.name);
                let actions = statement["Action"].as_array().expect(edition.name);
                let once = set(&statement["Action"], &str::to_ascii_lowercase);
                assert_eq!(once.as_array().map(Vec::len), Some(actions.len()), "{} repeats an action", edition.name);
                assert!(statement.get("Resource").is_some(), "{}", edition.name);
            }
        }
        assert!(Edition::named("2024-01-01").is_none());
    }

    #[test]
    fn editions_are_in_the_order_they_were_published() {
        assert!(EDITIONS.is_sorted_by_key(|edition| edition.name));
    }

    #[test]
    fn spelling_makes_no_difference() {
        let a = json!({"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Principal": {"AWS": "017059471480"},
            "Action": "STS:AssumeRole", "Condition": {"StringEquals": {"sts:ExternalId": "x"}}}});
        let b = json!({"Statement": [{"Condition": {"StringEquals": {"sts:ExternalId": ["x"]}}, "Action": ["sts:assumerole"],
            "Principal": {"AWS": ["arn:aws:iam::017059471480:root"]}, "Effect": "Allow"}], "Version": "2012-10-17"});
        assert!(same(&a, &b));
        assert_eq!(sha256(&a), sha256(&b));
        let list = |actions: Value| json!({"Statement": [{"Action": actions, "Resource": "*"}]});
        assert!(same(&list(json!(["a:B", "c:D", "a:B"])), &list(json!(["c:D", "a:b"]))));
    }

    #[test]
    fn documents_are_compared_as_iam_understands_them() {
        let of = |condition: Value| {
            json!({"Version": "2012-10-17", "Statement": [
                {"Effect": "Allow", "Principal": {"AWS": "*"}, "Action": "sts:AssumeRole", "Condition": condition},
                {"Effect": "Deny", "Principal": "*", "Action": "sts:TagSession"},
            ]})
        };
        let bools = |value: Value| of(json!({"Bool": {"aws:MultiFactorAuthPresent": value}}));
        for (a, b) in [
            (
                of(json!({"StringEquals": {"sts:ExternalId": "x"}})),
                of(json!({"StringEquals": {"STS:externalid": ["x"]}})),
            ),
            (
                of(json!({"StringEquals": {"sts:ExternalId": "x"}})),
                of(json!({"StringEquals": {"sts:externalId": "x"}})),
            ),
            (bools(json!(true)), bools(json!("true"))),
            (bools(json!("True")), bools(json!(["true"]))),
            (of(json!({"NumericLessThan": {"a:b": 60}})), of(json!({"NumericLessThan": {"A:B": "60"}}))),
            (of(json!({})), of(json!({"StringEquals": {}}))),
        ] {
            assert!(same(&a, &b), "{a} {b}");
            let mut reordered = b.clone();
            reordered["Statement"].as_array_mut().unwrap().reverse();
            reordered["Statement"][0]["Principal"] = json!({"AWS": ["*"]});
            assert!(same(&a, &reordered), "{a} {reordered}");
        }
        for (a, b) in [
            (
                of(json!({"StringEquals": {"sts:ExternalId": "x"}})),
                of(json!({"StringEquals": {"sts:ExternalId": "X"}})),
            ),
            (of(json!({"StringEquals": {"sts:ExternalId": "x"}})), of(json!({"StringLike": {"sts:ExternalId": "x"}}))),
            (of(json!({"StringEquals": {"sts:ExternalId": "x"}})), of(json!({}))),
            (bools(json!(true)), bools(json!(false))),
            (
                of(json!({"StringEquals": {"sts:ExternalId": "x", "sts:externalid": "y"}})),
                of(json!({"StringEquals": {"sts:ExternalId": ["x", "y"]}})),
            ),
        ] {
            assert!(!same(&a, &b), "{a} {b}");
        }
    }

    #[test]
    fn the_digests_of_the_editions_do_not_change() {
        let digests = EDITIONS.map(|edition| edition.sha256().to_owned());
        assert_eq!(digests, DIGESTS);
    }

    #[test]
    fn what_makes_a_difference_is_seen() {
        let base =
            json!({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": ["a:b"], "Resource": "*"}]});
        for (pointer, value) in [
            ("/Version", json!("2008-10-17")),
            ("/Statement/0/Effect", json!("Deny")),
            ("/Statement/0/Action", json!(["a:b", "a:c"])),
            ("/Statement/0/Resource", json!("arn:aws:s3:::A")),
            ("/Statement", json!([])),
        ] {
            let mut other = base.clone();
            *other.pointer_mut(pointer).unwrap() = value;
            assert!(!same(&base, &other), "{pointer}");
        }
        let resource = |r: &str| json!({"Statement": [{"Resource": r}]});
        assert!(!same(&resource("arn:aws:s3:::A"), &resource("arn:aws:s3:::a")), "the case of a resource counts");
        let external = |id: &str| json!({"Statement": [{"Condition": {"StringEquals": {"sts:ExternalId": id}}}]});
        assert!(!same(&external("abc"), &external("ABC")), "the case of an external id counts");
        assert!(!same(&base, &Value::Null));
    }

    #[test]
    fn the_digest_is_that_of_the_sorted_document_without_white_space() {
        // printf '{"Statement":[{"Action":["a:b"],"Resource":["*"]}],"Version":"2012-10-17"}' | sha256sum
        let document = json!({"Version": "2012-10-17", "Statement": {"Resource": "*", "Action": "a:B"}});
        assert_eq!(sha256(&document), "fdb3a9995dff9fd16fcdeec9f2cc3921797e9db231bb8591d7894bc4c602a7de");
    }
}
