//! How an event is read: the response's address first, from anything; then the request.

use custom_resource::Request;
use custom_resource::event::{Envelope, ResponseUrl};
use serde_json::Value;
use serde_json::value::RawValue;

fn open(json: &str) -> Envelope<'static> {
    Envelope::open(Box::leak(RawValue::from_string(json.to_owned()).unwrap())).unwrap()
}

const ADDRESS: &str = r#""ResponseURL": "https://x.example/?Signature=secret", "StackId": "s", "RequestId": "r",
    "LogicalResourceId": "l""#;

/// An event that CloudFormation sends, with these further fields.
fn event(kind: &str, fields: &str) -> Envelope<'static> {
    open(&format!(r#"{{{ADDRESS}, "ResourceType": "Custom::X", "RequestType": "{kind}"{fields}}}"#))
}

fn refusal(envelope: &Envelope<'_>) -> String {
    envelope.request().expect_err("a refusal").reason()
}

#[test]
fn the_url_is_never_shown() {
    let address = open(&format!("{{{ADDRESS}}}")).address().unwrap();
    assert!(!format!("{address:?}").contains("secret"));
    assert_eq!(address.url.expose().as_str(), "https://x.example/?Signature=secret");
    assert_eq!(address.url.origin().unwrap().as_str(), "https://x.example/");
    let refused = ResponseUrl::new("http://x.example/?Signature=secret").unwrap_err();
    assert!(!format!("{refused:?} {refused}").contains("secret"));
}

#[test]
fn the_url_is_https_or_on_loopback() {
    for url in ["https://a.s3.amazonaws.com/x?y=z", "http://127.0.0.1:1/x", "http://localhost/x", "http://[::1]:2/"] {
        assert!(ResponseUrl::new(url).is_ok(), "{url}");
    }
    for (odd, sent) in [
        ("  https://a.example/b c\n", "https://a.example/b%20c"),
        ("https://a.example/?é=\"\u{0}\"", "https://a.example/?%C3%A9=%22%00%22"),
        ("https://a.example/arn%3Aaws%7C1?a=b%2Bc&d=e~f", "https://a.example/arn%3Aaws%7C1?a=b%2Bc&d=e~f"),
    ] {
        assert_eq!(ResponseUrl::new(odd).unwrap().expose().as_str(), sent);
    }
    for url in [
        "",
        "x",
        "http://10.0.0.1/x",
        "http://127.0.0.1.evil.example/",
        "ftp://localhost/",
        "http://localhost.evil.example/",
        "file:///etc/passwd",
    ] {
        assert!(ResponseUrl::new(url).is_err(), "{url}");
    }
}

#[test]
fn the_address_is_read_from_events_that_are_otherwise_unreadable() {
    let deep = format!("{}1{}", "[".repeat(100_000), "]".repeat(100_000));
    for rest in [
        "".to_owned(),
        r#", "RequestType": 7"#.to_owned(),
        r#", "RequestType": "Create", "ResourceProperties": "x", "ServiceToken": {}"#.to_owned(),
        format!(r#", "RequestType": "Create", "ResourceProperties": {deep}"#),
    ] {
        let address = open(&format!("{{{ADDRESS}{rest}}}")).address().unwrap();
        assert_eq!((&*address.stack_id, &*address.request_id, &*address.logical_id), ("s", "r", "l"));
    }
}

#[test]
fn identifiers_that_are_missing_or_no_text_are_blank() {
    let address = open(r#"{"ResponseURL": "https://x.example/", "StackId": 7, "LogicalResourceId": null}"#);
    let address = address.address().unwrap();
    assert_eq!((&*address.stack_id, &*address.request_id, &*address.logical_id), ("", "", ""));
    assert_eq!(address.physical_id, None);
}

#[test]
fn without_a_url_there_is_nobody_to_respond_to() {
    for json in ["{}", r#"{"ResponseURL": 7}"#, r#"{"ResponseURL": null}"#] {
        assert!(open(json).address().unwrap_err().reason().contains("no ResponseURL"), "{json}");
    }
    for json in ["[]", "7", "null", "\"x\""] {
        assert!(Envelope::open(&RawValue::from_string(json.to_owned()).unwrap()).is_err(), "{json}");
    }
}

#[test]
fn each_request_is_what_the_typed_event_says() {
    let create = event("Create", r#", "ResourceProperties": {"A": "1"}, "Later": {}"#).request().unwrap();
    assert!(matches!(create, Request::Create { properties } if properties["A"] == "1"));
    let update =
        r#", "PhysicalResourceId": "p", "ResourceProperties": {"A": "2"}, "OldResourceProperties": {"A": "1"}"#;
    let Request::Update { physical_id, properties, old_properties } = event("Update", update).request().unwrap() else {
        panic!("another request")
    };
    assert_eq!((&*physical_id, &properties["A"], &old_properties["A"]), ("p", &"2".into(), &"1".into()));
    let delete = event("Delete", r#", "PhysicalResourceId": "p", "ResourceProperties": {"A": "1"}"#).request().unwrap();
    assert!(matches!(delete, Request::Delete { properties, .. } if properties["A"] == "1"));
}

#[test]
fn a_create_or_update_that_the_typed_event_rejects_is_refused_and_every_field_is_named() {
    let deep = format!("{}1{}", "[".repeat(1000), "]".repeat(1000));
    for (envelope, fields) in [
        (event("Create", ""), "ResourceProperties"),
        (event("Create", &format!(r#", "ResourceProperties": {deep}"#)), "ResourceProperties"),
        (event("Create", r#", "ResourceProperties": {}, "ServiceToken": 7"#), "ServiceToken"),
        (
            event("Create", r#", "ResourceProperties": {}, "StackId": "s""#),
            "a field that appears twice, or the properties",
        ),
        (event("Update", r#", "PhysicalResourceId": "p""#), "ResourceProperties, OldResourceProperties"),
        (
            open(r#"{"RequestType": "Create", "StackId": 7, "ResourceProperties": {}}"#),
            "StackId, RequestId, LogicalResourceId, ResourceType",
        ),
    ] {
        let reason = refusal(&envelope);
        assert!(reason.contains(&format!("too deeply: {fields}. Check")), "{reason}");
        assert!(!reason.contains("secret"));
    }
}

#[test]
fn a_delete_is_read_although_nothing_else_of_the_event_is() {
    let deep = format!("{}1{}", "[".repeat(1000), "]".repeat(1000));
    for rest in [
        format!(r#", "ResourceProperties": {deep}"#),
        r#", "ServiceToken": 7, "ResourceType": {}"#.to_owned(),
        r#", "StackId": "s", "ResourceType": "twice""#.to_owned(),
    ] {
        let request = event("Delete", &format!(r#", "PhysicalResourceId": "p"{rest}"#)).request().unwrap();
        let Request::Delete { physical_id, properties } = request else { panic!("another request") };
        assert_eq!((&*physical_id, properties), ("p", Value::Null), "{rest}");
    }
}

#[test]
fn update_and_delete_need_a_physical_id_and_a_known_type_is_needed() {
    for kind in ["Update", "Delete"] {
        assert!(refusal(&event(kind, r#", "PhysicalResourceId": """#)).contains("no PhysicalResourceId"), "{kind}");
    }
    for kind in ["Read", "create", ""] {
        assert!(refusal(&event(kind, "")).contains("RequestType is not Create"), "{kind}");
    }
}
