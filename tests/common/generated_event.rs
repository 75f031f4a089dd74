//! Events of odd shapes, as the text that Lambda would deliver: what CloudFormation sends, with here and there something else.

use proptest::prelude::*;

pub const URL: &str = "https://bucket.s3.amazonaws.com/answer?X-Amz-Signature=0123456789abcdef";
pub const STACK_ID: &str =
    "arn:aws:cloudformation:us-east-1:111122223333:stack/access/0a1b2c3d-1111-2222-3333-444455556666";
pub const ID: &str = "111122223333/OrchesteraAccessRole/OrchesteraAccessPolicy";

/// Most of an event is as it should be, so that what is not gets far: `usual` or, now and then, `odd`.
fn mostly(
    usual: impl Strategy<Value = String> + 'static,
    odd: impl Strategy<Value = String> + 'static,
) -> BoxedStrategy<String> {
    prop_oneof![12 => usual, 1 => odd].boxed()
}

fn quoted(text: impl Strategy<Value = String> + 'static) -> BoxedStrategy<String> {
    text.prop_map(|text| serde_json::Value::from(text).to_string()).boxed()
}

fn one_of(texts: &'static [&'static str]) -> BoxedStrategy<String> {
    proptest::sample::select(texts).prop_map(str::to_owned).boxed()
}

/// Neither list nor map, as JSON text: also what no decoder's value can hold, such as half a surrogate.
fn any_scalar() -> impl Strategy<Value = String> + Clone {
    prop_oneof![
        one_of(&["null", "true", "false", "0", "-0", "1e999", "-1.5e-300", "123456789012345678901234567890", r#""""#]),
        one_of(&[
            r#""\ud800""#,
            r#""\udc00\ud83d""#,
            r#""\u0000\u001b\u007f\u0085""#,
            r#""\u2028\u202e\ufeff""#,
            r#"" ""#
        ]),
        one_of(&[
            "17059471480",
            r#""no""#,
            r#""2024-01-01""#,
            r#""arn:aws:iam::""#,
            r#""3599""#,
            "7200.0",
            r#""suspended""#
        ]),
        any::<i64>().prop_map(|number| number.to_string()),
        quoted(prop::collection::vec(any::<char>(), 0..80).prop_map(String::from_iter)),
        quoted(name(1300)),
        (1..200_usize).prop_map(|depth| format!("{}{}", "[".repeat(depth), "]".repeat(depth))),
    ]
}

/// A JSON value of any kind, as text; a key may be there twice.
fn any_json() -> impl Strategy<Value = String> + Clone {
    let key = prop_oneof![one_of(&["Key", "Value", "RoleName", "", "$serde_json::private::RawValue"]), any::<String>()];
    let nested = any_scalar().prop_recursive(4, 32, 6, move |inner| {
        let field = (quoted(key.clone()), inner.clone()).prop_map(|(key, value)| format!("{key}: {value}"));
        prop_oneof![
            prop::collection::vec(inner, 0..6).prop_map(|entries| format!("[{}]", entries.join(","))),
            prop::collection::vec(field, 0..6).prop_map(|fields| format!("{{{}}}", fields.join(","))),
        ]
    });
    prop_oneof![any_scalar(), nested]
}

/// Of every character that IAM allows in a name, and at times of one more.
fn name(longest: usize) -> impl Strategy<Value = String> {
    text_of("AZaz09_+=,.@-", longest)
}

/// Of these characters, and at times of one more.
fn text_of(usual: &'static str, longest: usize) -> impl Strategy<Value = String> {
    let character = proptest::sample::select(usual.chars().collect::<Vec<_>>());
    let other = prop_oneof![2000 => character, 1 => proptest::sample::select(vec![':', '/', ' ', 'é', '\n'])];
    prop::collection::vec(other, 1..longest).prop_map(String::from_iter)
}

/// `Tags`: a list or a text whose keys may exist before, in this or another spelling.
pub fn tags() -> impl Strategy<Value = String> {
    // Of every kind of character that IAM allows in a tag.
    let text = |longest| text_of("AZaz09 éß字٣_.:/=+-@", longest);
    // A key that is there before, in its own and in other spellings.
    let team = one_of(&[r#""Team""#, r#""team""#, r#""TEAM""#, r#""ｔｅａｍ""#, r#""Team ""#]);
    let key = prop_oneof![2 => quoted(text(140)), 1 => one_of(&[r#""a""#, r#""A""#, r#""Orchestera:x""#, r#""aws:x""#]), 4 => team];
    let value =
        prop_oneof![quoted(text(40)), one_of(&[r#""data""#, r#""DATA""#, r#""विभाग""#, r#""""#, r#"" data ""#])];
    let tag = (key, mostly(value, any_json()));
    let tag = tag.prop_map(|(key, value)| format!(r#"{{"Key": {key}, "Value": {value}}}"#));
    let list = prop::collection::vec(mostly(tag, any_json()), 0..6).prop_map(|tags| format!("[{}]", tags.join(",")));
    let entry = (text_of("AZaz09 éß_.:/=+-@", 20), text_of("AZaz09 ß_.:/=+-@", 20));
    let entry = entry.prop_map(|(key, value)| format!("{key}={value}"));
    let entry = prop_oneof![4 => entry, 1 => one_of(&["Team=data", "TEAM=x", "Orchestera:x=1", "aws:x=1", "blank="])];
    let text = prop::collection::vec(entry, 0..6).prop_map(|entries| entries.join(","));
    prop_oneof![2 => list, 1 => quoted(text)]
}

/// A map of the known properties, each there or not, with what belongs there or with anything.
fn properties() -> impl Strategy<Value = String> {
    let property = |name: &'static str, usual: BoxedStrategy<String>| {
        prop::option::weighted(0.3, mostly(usual, any_json()))
            .prop_map(move |value| value.map(|value| format!("\"{name}\": {value}")))
    };
    let known = (
        property("RoleName", quoted(name(70))),
        property("PolicyName", quoted(name(140))),
        property("PlatformAccountId", one_of(&[r#""017059471480""#, r#""111122223333""#])),
        property("RequireExternalId", one_of(&[r#""true""#, r#""False""#, "false"])),
        property("ExternalId", quoted(name(1300))),
        property("PolicyEdition", one_of(&[r#""2025-09-29""#, r#""2026-02-06""#])),
        property(
            "PermissionsBoundaryArn",
            one_of(&[r#""arn:aws:iam::aws:policy/ReadOnlyAccess""#, r#""arn:aws:iam::111122223333:policy/none""#]),
        ),
        property("MaxSessionDuration", one_of(&[r#""3600""#, "43200"])),
        property("AccessState", one_of(&[r#""Active""#, r#""Suspended""#])),
    );
    let more = (
        property("OnExisting", one_of(&[r#""Adopt""#, r#""Fail""#, r#""""#])),
        property("OnDelete", one_of(&[r#""DeleteCreated""#, r#""DeleteAll""#, r#""Retain""#])),
        property("MemberAccountId", one_of(&[r#""""#, r#""111122223333""#, r#""222233334444""#])),
        property("MemberRoleName", quoted(name(70))),
        property("Tags", tags().boxed()),
        // Given twice, or unknown.
        property("RoleName", quoted(name(70))),
        property("Release", quoted(any::<String>())),
    );
    (known, more).prop_map(|((a, b, c, d, e, f, g, h, i), (j, k, l, m, n, o, p))| {
        let given: Vec<_> = [a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p].into_iter().flatten().collect();
        format!("{{{}}}", given.join(", "))
    })
}

/// An event: the fields that CloudFormation sends, each with what belongs there, with anything, or not at all.
pub fn events() -> impl Strategy<Value = String> {
    let field = |name: &'static str, usual: BoxedStrategy<String>| {
        prop::option::weighted(0.95, prop_oneof![12 => usual, 1 => any_json()])
            .prop_map(move |value| value.map(|value| format!("\"{name}\": {value}")))
    };
    let ids = [ID, "failed/Access/request-0", "access-Access-1A2B3C", "222233334444/R/P", "111122223333/r/p"];
    let own = "arn:aws:lambda:us-east-1:111122223333:function:access";
    let other = "arn:aws-us-gov:lambda:us-gov-west-1:222233334444:function:access";
    (
        field("RequestType", one_of(&[r#""Create""#, r#""Update""#, r#""Delete""#])),
        field("ResponseURL", quoted(Just(URL.to_owned()))),
        field("StackId", quoted(Just(STACK_ID.to_owned()))),
        field("RequestId", quoted(name(40))),
        field("ResourceType", quoted(Just("Custom::OrchesteraAccess".to_owned()))),
        field("LogicalResourceId", quoted(name(255))),
        field("PhysicalResourceId", quoted(proptest::sample::select(ids.to_vec()).prop_map(str::to_owned))),
        field("ServiceToken", quoted(prop_oneof![6 => Just(own.to_owned()), 1 => Just(other.to_owned())])),
        field("ResourceProperties", properties().boxed()),
        field("OldResourceProperties", properties().boxed()),
    )
        .prop_map(|(a, b, c, d, e, f, g, h, i, j)| {
            let fields: Vec<_> = [a, b, c, d, e, f, g, h, i, j].into_iter().flatten().collect();
            format!("{{{}}}", fields.join(", "))
        })
}
