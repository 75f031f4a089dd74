use super::*;
use serde_json::json;

fn parse(properties: Value) -> Properties {
    Properties::parse(&properties).unwrap()
}

fn reason(properties: Value) -> String {
    Properties::parse(&properties).unwrap_err().reason()
}

#[test]
fn everything_has_the_default_that_the_contract_names() {
    for nothing in [json!({}), json!(null), json!({"RoleName": "", "Tags": "", "ExternalId": null, "Release": "9.9.9"})]
    {
        let p = parse(nothing);
        assert_eq!((p.role_name.as_str(), p.policy_name.as_str()), ("OrchesteraAccessRole", "OrchesteraAccessPolicy"));
        assert!(p.require_external_id);
        assert_eq!((p.external_id, p.permissions_boundary), (None, None));
        assert_eq!((p.edition.name, p.max_session_duration), ("2025-09-29", 3600));
        assert_eq!((p.on_existing, p.on_delete), (OnExisting::Adopt, OnDelete::DeleteCreated));
        assert!(p.tags.is_empty());
    }
}

#[test]
fn booleans_and_numbers_are_read_as_cloudformation_sends_them_and_as_json() {
    for (yes, number) in
        [(json!("false"), json!("43200")), (json!(false), json!(43200)), (json!("False"), json!("43200"))]
    {
        let p = parse(json!({"RequireExternalId": yes, "MaxSessionDuration": number}));
        assert!(!p.require_external_id);
        assert_eq!(p.max_session_duration, 43200);
    }
    assert!(parse(json!({"RequireExternalId": "true"})).require_external_id);
    assert!(reason(json!({"RequireExternalId": "yes"})).contains("RequireExternalId must be true or false, not 'yes'"));
}

#[test]
fn every_value_is_taken_over() {
    let p = parse(json!({
        "RoleName": "R", "PolicyName": "P", "PlatformAccountId": "017059471480", "ExternalId": "ab",
        "PolicyEdition": "2026-02-06", "PermissionsBoundaryArn": "arn:aws:iam::111122223333:policy/a/b",
        "OnExisting": "Fail", "OnDelete": "Retain", "AccessState": "Suspended", "MemberAccountId": "",
        "Tags": [{"Key": "team", "Value": "data"}, {"Key": "blank"}, {"Key": "n", "Value": 7}],
    }));
    assert_eq!((p.role_name.as_str(), p.policy_name.as_str()), ("R", "P"));
    assert_eq!((p.external_id.as_deref(), p.edition.name), (Some("ab"), "2026-02-06"));
    assert_eq!(p.permissions_boundary.as_deref(), Some("arn:aws:iam::111122223333:policy/a/b"));
    assert_eq!((p.on_existing, p.on_delete), (OnExisting::Fail, OnDelete::Retain));
    assert_eq!(p.access_state, AccessState::Suspended);
    assert_eq!(parse(json!({"AccessState": ""})).access_state, AccessState::Active);
    assert_eq!(p.tags, [("team", "data"), ("blank", ""), ("n", "7")].map(|(k, v)| (k.into(), v.into())).into());
    assert_eq!(parse(json!({"OnDelete": "DeleteAll"})).on_delete, OnDelete::DeleteAll);
}

#[test]
fn the_platforms_account_is_no_choice() {
    for right in [json!("017059471480"), json!(""), json!(null)] {
        assert!(Properties::parse(&json!({"PlatformAccountId": right})).is_ok(), "{right}");
    }
    for other in
        [json!("999988887777"), json!(17059471480u64), json!("17059471480"), json!(" "), json!(["017059471480"])]
    {
        let reason = reason(json!({"PlatformAccountId": other, "RequireExternalId": "false"}));
        assert!(reason.contains("PlatformAccountId"), "{other}: {reason}");
    }
}

#[test]
fn every_problem_is_named_not_only_the_first() {
    let reason = reason(json!({
        "RoleName": "a b", "PolicyName": "p/q", "PlatformAccountId": 17059471480u64, "RequireExternalId": "perhaps",
        "ExternalId": "x", "PolicyEdition": "2024-01-01", "PermissionsBoundaryArn": "arn:aws:iam::1:role/x",
        "MaxSessionDuration": "60", "OnExisting": "Take", "OnDelete": "Burn", "Tags": {"a": "b"},
        "AccessState": "Asleep", "MemberAccountId": "4444", "MemberRoleName": "a/b",
    }));
    for name in [
        "RoleName",
        "PolicyName",
        "PlatformAccountId",
        "RequireExternalId",
        "ExternalId",
        "PolicyEdition",
        "PermissionsBoundaryArn",
        "MaxSessionDuration",
        "OnExisting",
        "OnDelete",
        "Tags",
        "AccessState",
        "MemberAccountId",
        "MemberRoleName",
    ] {
        assert!(reason.contains(&format!(") {name} ")), "{name} is missing in: {reason}");
    }
    assert!(reason.contains("(14) ") && !reason.contains("(15) "), "{reason}");
    assert!(reason.contains("one of 2025-09-29, 2026-02-06, not '2024-01-01'"), "{reason}");
}

#[test]
fn one_problem_reads_as_one_sentence() {
    assert_eq!(
        reason(json!({"MaxSessionDuration": "43201"})),
        "The properties need attention: MaxSessionDuration must be 3600 to 43200 seconds, not '43201'."
    );
    for seconds in ["3599", "-3600", "99999999999", "an hour"] {
        assert!(reason(json!({"MaxSessionDuration": seconds})).contains("must be 3600 to 43200"), "{seconds}");
    }
    assert_eq!(parse(json!({"MaxSessionDuration": "3600"})).max_session_duration, 3600);
}

#[test]
fn lists_and_maps_where_text_is_due_are_a_problem() {
    for (name, value) in [
        ("RoleName", json!(["R"])),
        ("ExternalId", json!({"a": 1})),
        ("AccessState", json!([])),
        ("OnDelete", json!({})),
    ] {
        assert!(
            reason(json!({name: value})).contains(&format!("{name} must be a string, not a list or map")),
            "{name}"
        );
    }
    assert!(reason(json!([])).contains("the properties must be a map"));
}

#[test]
fn external_ids_of_every_legal_length_and_character_are_taken() {
    for id in ["ab".to_owned(), "x".repeat(1224), "AZaz09+=,.@:/_-".to_owned()] {
        assert_eq!(parse(json!({"ExternalId": id})).external_id, Some(id));
    }
    for id in ["a".to_owned(), "x".repeat(1225), "a b".to_owned(), "a*".to_owned(), "é€".to_owned(), " ab".to_owned()]
    {
        let reason = reason(json!({"ExternalId": id}));
        assert!(reason.contains("ExternalId must be 2 to 1224") && reason.contains("is not shown here"), "{id}");
    }
}

#[test]
fn a_boundary_is_the_arn_of_a_managed_policy() {
    for arn in ["arn:aws:iam::aws:policy/job-function/X", "arn:aws-cn:iam::111122223333:policy/x"] {
        assert_eq!(parse(json!({"PermissionsBoundaryArn": arn})).permissions_boundary.as_deref(), Some(arn));
    }
    for arn in [
        "x",
        "arn:aws:iam::111122223333:role/x",
        "arn:aws:iam::1:policy/x",
        "arn:aws:iam:us-east-1:111122223333:policy/x",
        "arn:gcp:iam::111122223333:policy/x",
        "arn:aws:iam::111122223333:policy/",
        "arn:aws:iam::111122223333:policy/a b/x",
    ] {
        assert!(reason(json!({"PermissionsBoundaryArn": arn})).contains("the ARN of a managed policy"), "{arn}");
    }
    let long = format!("arn:aws:iam::111122223333:policy/{}/x", "p".repeat(2048));
    assert!(reason(json!({"PermissionsBoundaryArn": long})).contains("…'"));
}

#[test]
fn tags_follow_iams_rules() {
    let tag = |key: &str, value: &str| json!({"Tags": [{"Key": key, "Value": value}]});
    for (key, value) in [("a b_.:/=+-@é", "ünïcode 9"), (&"k".repeat(128), &"v".repeat(256)), ("orchestera", "")] {
        assert_eq!(parse(tag(key, value)).tags[key], value);
    }
    for (key, value, problem) in [
        ("", "v", "a key must be"),
        (&"k".repeat(129), "v", "a key must be"),
        ("k\n", "v", "a key must be"),
        ("k", "a,b", "a value must be"),
        ("k", &"v".repeat(257), "a value must be"),
        ("aws:x", "v", "are reserved"),
        ("Orchestera:stack-id", "v", "are reserved"),
    ] {
        assert!(reason(tag(key, value)).contains(problem), "{key}={value}");
    }
    assert!(reason(json!({"Tags": [{"Key": "a", "Value": "1"}, {"Key": "A", "Value": "2"}]})).contains("given twice"));
    for entry in [json!("x"), json!({"Value": "v"}), json!({"Key": [], "Value": "v"}), json!({"Key": "k", "Value": {}})]
    {
        assert!(reason(json!({"Tags": [entry]})).contains("entry 1 must have a Key and a Value"), "{entry}");
    }
    for neither in [json!({"team": "data"}), json!(7), json!(true)] {
        assert!(reason(json!({"Tags": neither})).contains("Tags must be text such as"), "{neither}");
    }
}

#[test]
fn tags_are_read_from_a_text_too_and_the_first_equals_sign_ends_the_key() {
    let tags = |text: &str| parse(json!({"Tags": text})).tags;
    let of = |pairs: &[(&str, &str)]| pairs.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect::<Tags>();
    for (text, wanted) in [
        ("team=data", of(&[("team", "data")])),
        ("team=data,cost center=R+D", of(&[("team", "data"), ("cost center", "R+D")])),
        ("key=YWJj==,formula=a=b", of(&[("key", "YWJj=="), ("formula", "a=b")])),
        ("blank=", of(&[("blank", "")])),
        (" team = data , a = b ", of(&[("team", "data"), ("a", "b")])),
        ("équipe=données", of(&[("équipe", "données")])),
        ("", of(&[])),
        ("  ", of(&[])),
    ] {
        assert_eq!(tags(text), wanted, "{text}");
        // What a stack had is read in the same way, whatever else is wrong in it.
        assert_eq!(tags::valid(&json!({"Tags": text, "OnDelete": "Burn"})), wanted, "{text}");
    }
    for (text, problem) in [
        ("team", "entry 1 must have a Key and a Value"),
        ("team=data,", "entry 2 must have a Key and a Value"),
        (",team=data", "entry 1 must have a Key and a Value"),
        ("=data", "entry 1 (''): a key must be"),
        ("team=data,Team=other", "entry 2 ('Team'): the key is given twice"),
        ("aws:x=1", "are reserved"),
        ("ORCHESTERA:stack-id=1", "are reserved"),
        ("team=a;b", "entry 1 ('team'): a value must be"),
    ] {
        let reason = reason(json!({"Tags": text}));
        assert!(reason.contains(problem), "{text}: {reason}");
    }
    let many: Vec<_> = (0..40).map(|i| format!("k{i}=")).collect();
    assert!(reason(json!({"Tags": many.join(",")})).contains("40 are given, but there is room for 39"));
    assert_eq!(tags(&many[..39].join(",")).len(), 39);
}

#[test]
fn a_number_without_a_fraction_is_read_as_cloudformation_may_write_it() {
    for (given, seconds) in [("3600", 3600), ("3600.0", 3600), ("43200.", 43200), ("7200.000", 7200)] {
        assert_eq!(parse(json!({"MaxSessionDuration": given})).max_session_duration, seconds, "{given}");
    }
    for given in ["3600.5", "3600.0.0", "36e2", "3600.-0", ".0"] {
        assert!(reason(json!({"MaxSessionDuration": given})).contains("3600 to 43200 seconds"), "{given}");
    }
}

#[test]
fn there_is_room_for_as_many_tags_as_iam_allows_beside_ours() {
    let tags =
        |n: usize| json!({"Tags": (0..n).map(|i| json!({"Key": format!("k{i}"), "Value": ""})).collect::<Vec<_>>()});
    assert_eq!(parse(tags(39)).tags.len(), 39);
    assert!(reason(tags(40)).contains("40 are given, but there is room for 39"));
    let many = reason(json!({"Tags": vec![json!("x"); 10_000]}));
    assert!(many.contains("10000 are given") && many.contains("entry 50 must") && !many.contains("entry 51"), "{many}");
}

#[test]
fn names_that_do_not_fit_in_the_ownership_tag_are_refused() {
    let named = |commas: usize| json!({"RoleName": "r".repeat(64), "PolicyName": ",".repeat(commas)});
    assert!(Properties::parse(&named(89)).is_ok());
    assert!(reason(named(90)).contains("take 258 characters, and a tag holds 256"));
}

#[test]
fn a_delete_reads_what_it_needs_and_never_fails() {
    let read = DeleteProperties::read(
        &json!({"RoleName": "R", "PolicyName": "", "OnDelete": "Retain", "PlatformAccountId": "999988887777"}),
    );
    assert_eq!((read.role_name.as_deref(), read.policy_name.as_deref()), (Some("R"), Some("OrchesteraAccessPolicy")));
    assert_eq!(read.on_delete, OnDelete::Retain);
    for odd in [
        json!(null),
        json!([1]),
        json!("x"),
        json!({"OnDelete": ["Retain"], "PlatformAccountId": "x", "MaxSessionDuration": []}),
    ] {
        let read = DeleteProperties::read(&odd);
        assert_eq!(read.role_name.as_deref(), Some("OrchesteraAccessRole"), "{odd}");
        assert_eq!(read.on_delete, OnDelete::DeleteCreated, "{odd}");
    }
    let read = DeleteProperties::read(&json!({"RoleName": "a b", "PolicyName": ["P"]}));
    assert_eq!((read.role_name, read.policy_name), (None, None), "no Create can have made these");
    assert_eq!(DeleteProperties::read(&json!({"OnDelete": "DeleteAll"})).on_delete, OnDelete::DeleteAll);
}

#[test]
fn tags_of_an_earlier_template_are_read_leniently() {
    let read = tags::valid(
        &json!({"Tags": [{"Key": "a", "Value": "1"}, {"Key": []}, "x", {"Key": "orchestera:stack-id"}, {"Key": "b"}]}),
    );
    assert_eq!(read, Tags::from([("a".into(), "1".into()), ("b".into(), "".into())]));
    assert!(tags::valid(&json!({"Tags": "x"})).is_empty() && tags::valid(&json!(null)).is_empty());
}
