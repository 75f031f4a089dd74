//! Trust policies: who may assume the role. Built from values, never by pasting text.

use crate::account::Account;
use serde_json::{Value, json};

/// `Sid` of the statement that shuts everybody out.
pub const SUSPENDED_SID: &str = "OrchesteraSuspended";

/// The guide's trust: the platform's account, and, unless `external_id` is `None`, only with that external id.
pub fn document(account: &Account, platform_account_id: &str, external_id: Option<&str>) -> Value {
    let mut statement = json!({
        "Effect": "Allow",
        "Principal": { "AWS": account.root_arn(platform_account_id) },
        "Action": "sts:AssumeRole",
    });
    if let Some(external_id) = external_id {
        statement["Condition"] = json!({ "StringEquals": { "sts:ExternalId": external_id } });
    }
    json!({ "Version": "2012-10-17", "Statement": [statement] })
}

/// The same trust with a Deny for every principal *beside* what it holds, so that nothing is lost by it.
pub fn with_everybody_denied(trust: &Value) -> Value {
    let mut statements: Vec<_> = statements(trust).cloned().collect();
    statements.push(json!({
        "Sid": SUSPENDED_SID,
        "Effect": "Deny",
        "Principal": "*",
        "Action": "sts:AssumeRole",
    }));
    json!({ "Version": "2012-10-17", "Statement": statements })
}

/// The trust without the statement that [`with_everybody_denied`] adds.
pub fn with_nobody_denied(trust: &Value) -> Value {
    let statements: Vec<_> = statements(trust).filter(|statement| statement["Sid"] != SUSPENDED_SID).collect();
    json!({ "Version": "2012-10-17", "Statement": statements })
}

/// Whether the platform's account, or anything in it, may assume the role as things stand: an Allow names it and no
/// unconditional Deny names everybody.
pub fn admits(trust: &Value, platform_account_id: &str) -> bool {
    allows(trust, |principal| names_account(principal, platform_account_id)) && !is_shut(trust)
}

/// The same for anybody in an account that is not `account_id`, the role's own.
pub fn admits_another_account(trust: &Value, account_id: &str) -> bool {
    let is_another = |principal: &str| principal.split(':').nth(4).unwrap_or(principal) != account_id;
    allows(trust, |principal| names_everybody(principal) || texts(&principal["AWS"]).into_iter().any(is_another))
        && !is_shut(trust)
}

fn allows(trust: &Value, whom: impl Fn(&Value) -> bool) -> bool {
    statements(trust).any(|statement| statement["Effect"] == "Allow" && whom(&statement["Principal"]))
}

fn is_shut(trust: &Value) -> bool {
    statements(trust).any(|s| {
        s["Effect"] == "Deny"
            && s.get("Condition").is_none()
            && names_everybody(&s["Principal"])
            && assumes(&s["Action"])
    })
}

/// Whether the trust is recognisably the guide's: the platform's account and nobody else may assume the role, with one
/// external id or without a condition. IAM stores the root ARN for a bare account id; both are taken.
pub fn is_the_guides(trust: &Value, platform_account_id: &str) -> bool {
    let mut statements = statements(trust);
    let (Some(Value::Object(statement)), None) = (statements.next(), statements.next()) else { return false };
    let known = ["Sid", "Effect", "Principal", "Action", "Condition"];
    let part = |name: &str| statement.get(name).unwrap_or(&Value::Null);
    statement.keys().all(|key| known.contains(&key.as_str()))
        && part("Effect") == "Allow"
        && is_only_account(part("Principal"), platform_account_id)
        && matches!(texts(part("Action"))[..], [action] if action.eq_ignore_ascii_case("sts:AssumeRole"))
        && is_no_condition_or_external_id(part("Condition"))
}

fn is_only_account(principal: &Value, account_id: &str) -> bool {
    let is_account = |principal: &str| {
        principal == account_id
            || matches!(principal.split(':').collect::<Vec<_>>()[..],
                ["arn", _, "iam", "", id, "root"] if id == account_id)
    };
    principal.as_object().is_some_and(|kinds| kinds.len() == 1)
        && matches!(texts(&principal["AWS"])[..], [one] if is_account(one))
}

fn is_no_condition_or_external_id(condition: &Value) -> bool {
    let only = |value: &Value, key: &str| value.as_object().is_some_and(|map| map.len() == 1 && map.contains_key(key));
    match condition {
        Value::Null => true,
        // What the console writes where no condition is chosen.
        Value::Object(operators) if operators.is_empty() => true,
        _ => {
            let keys = &condition["StringEquals"];
            only(condition, "StringEquals")
                && only(keys, "sts:ExternalId")
                && matches!(texts(&keys["sts:ExternalId"])[..], [_])
        }
    }
}

/// The trust without whatever lets more in than `wanted`, which has one Allow; `None` if nothing does. Nobody comes in by it
/// who could not before: where nothing is left of what is wanted, everybody is denied.
pub fn narrowed(trust: &Value, wanted: &Value, platform_account_id: &str) -> Option<Value> {
    let is_allow = |statement: &Value| statement["Effect"] == "Allow";
    let wanted_allow = statements(wanted).find(|statement| is_allow(statement))?;
    let (mut kept, extra): (Vec<_>, Vec<_>) = statements(trust)
        .partition(|statement| !is_allow(statement) || is_within(statement, wanted_allow, platform_account_id));
    if extra.is_empty() {
        return None;
    }
    // The same without the condition, or for others too: what is wanted is a part of it.
    let is_wider = |statement: &&Value| {
        statement.get("Condition").is_none_or(|condition| *condition == json!({}))
            && names_whole_account(&statement["Principal"], platform_account_id)
            && assumes(&statement["Action"])
    };
    if !kept.iter().any(|statement| is_allow(statement)) && extra.iter().any(is_wider) {
        kept.push(wanted_allow);
    }
    Some(match kept[..] {
        [] => with_everybody_denied(wanted),
        _ => json!({ "Version": "2012-10-17", "Statement": kept }),
    })
}

/// Whether a statement lets in nobody but whom `wanted` does: the platform's account or somebody in it, to assume the role,
/// under the same condition or more.
fn is_within(statement: &Value, wanted: &Value, platform_account_id: &str) -> bool {
    let known = ["Sid", "Effect", "Principal", "Action", "Condition"];
    let is_of_account = |principal: &&str| {
        *principal == platform_account_id || principal.split(':').nth(4) == Some(platform_account_id)
    };
    let contains_condition = match &wanted["Condition"] {
        Value::Null => true,
        _ => {
            let asked = |statement: &Value| external_id(&json!({ "Statement": [statement] })).map(str::to_owned);
            asked(statement).is_some() && asked(statement) == asked(wanted)
        }
    };
    statement.as_object().is_some_and(|parts| parts.keys().all(|key| known.contains(&key.as_str())))
        && statement["Principal"].as_object().is_some_and(|kinds| kinds.len() == 1)
        && !texts(&statement["Principal"]["AWS"]).is_empty()
        && texts(&statement["Principal"]["AWS"]).iter().all(is_of_account)
        && matches!(texts(&statement["Action"])[..], [action] if action.eq_ignore_ascii_case("sts:AssumeRole"))
        && contains_condition
}

fn names_whole_account(principal: &Value, account_id: &str) -> bool {
    names_everybody(principal)
        || texts(&principal["AWS"]).iter().any(|p| {
            *p == account_id
                || matches!(p.split(':').collect::<Vec<_>>()[..], ["arn", _, "iam", "", id, "root"] if id == account_id)
        })
}

/// The external id that the trust asks for, if one statement asks for exactly one.
pub fn external_id(trust: &Value) -> Option<&str> {
    statements(trust).find_map(|s| match &s["Condition"]["StringEquals"]["sts:ExternalId"] {
        Value::Array(ids) => match &ids[..] {
            [one] => one.as_str(),
            _ => None,
        },
        id => id.as_str(),
    })
}

/// A policy document may hold one statement or a list of them.
fn statements(document: &Value) -> impl Iterator<Item = &Value> {
    match &document["Statement"] {
        Value::Array(statements) => statements.as_slice(),
        Value::Null => &[],
        one => std::slice::from_ref(one),
    }
    .iter()
}

/// Texts in a value that may be one text or a list of them.
fn texts(value: &Value) -> Vec<&str> {
    match value {
        Value::String(text) => vec![text],
        Value::Array(list) => list.iter().filter_map(Value::as_str).collect(),
        _ => Vec::new(),
    }
}

fn names_everybody(principal: &Value) -> bool {
    principal == "*" || texts(&principal["AWS"]).contains(&"*")
}

fn names_account(principal: &Value, account_id: &str) -> bool {
    names_everybody(principal)
        || texts(&principal["AWS"]).iter().any(|p| *p == account_id || p.split(':').nth(4) == Some(account_id))
}

fn assumes(action: &Value) -> bool {
    texts(action).iter().any(|a| ["sts:assumerole", "sts:*", "*"].contains(&a.to_ascii_lowercase().as_str()))
}

#[cfg(test)]
mod tests {
    use super::*;

    const PLATFORM: &str = "017059471480";

    fn account() -> Account {
        Account { partition: "aws".into(), id: "111122223333".into() }
    }

    #[test]
    fn the_trust_is_the_guides_with_the_external_id_as_a_condition() {
        assert_eq!(
            document(&account(), PLATFORM, Some("x\"y")),
            json!({"Version": "2012-10-17", "Statement": [{"Effect": "Allow",
                "Principal": {"AWS": "arn:aws:iam::017059471480:root"}, "Action": "sts:AssumeRole",
                "Condition": {"StringEquals": {"sts:ExternalId": "x\"y"}}}]})
        );
        assert_eq!(document(&account(), PLATFORM, None)["Statement"][0].get("Condition"), None);
    }

    #[test]
    fn the_platform_is_admitted_by_root_by_bare_id_by_a_role_of_it_and_by_a_star() {
        let trust = |principal: Value| json!({"Statement": {"Effect": "Allow", "Principal": principal, "Action": "sts:AssumeRole"}});
        for principal in [
            json!({"AWS": "arn:aws:iam::017059471480:root"}),
            json!({"AWS": "017059471480"}),
            json!({"AWS": ["444455556666", "arn:aws:iam::017059471480:role/x"]}),
            json!({"AWS": "*"}),
            json!("*"),
        ] {
            assert!(admits(&trust(principal.clone()), PLATFORM), "{principal}");
        }
        for principal in [json!({"AWS": "444455556666"}), json!({"Service": "ec2.amazonaws.com"}), Value::Null] {
            assert!(!admits(&trust(principal.clone()), PLATFORM), "{principal}");
        }
        assert!(!admits(&Value::Null, PLATFORM));
    }

    #[test]
    fn the_guides_trust_is_recognised_in_every_spelling_and_nothing_else_is() {
        let statement = json!({"Effect": "Allow", "Principal": {"AWS": PLATFORM}, "Action": "sts:AssumeRole"});
        let with = |changes: Value| {
            let mut statement = statement.clone();
            for (key, value) in changes.as_object().unwrap() {
                statement[key] = value.clone();
            }
            json!({"Version": "2012-10-17", "Statement": [statement]})
        };
        let root = "arn:aws:iam::017059471480:root";
        let external_id = |id: Value| json!({"Condition": {"StringEquals": {"sts:ExternalId": id}}});
        for changes in [
            json!({}),
            json!({"Principal": {"AWS": root}}),
            json!({"Principal": {"AWS": [root]}, "Action": ["sts:assumerole"], "Sid": "Statement1"}),
            json!({"Condition": {}}),
            external_id(json!("abc")),
            external_id(json!(["abc"])),
        ] {
            assert!(is_the_guides(&with(changes.clone()), PLATFORM), "{changes}");
        }
        assert!(is_the_guides(&json!({"Statement": statement}), PLATFORM), "one statement outside a list");
        for changes in [
            json!({"Effect": "Deny"}),
            json!({"Principal": "*"}),
            json!({"Principal": {"AWS": "*"}}),
            json!({"Principal": {"AWS": [root, "arn:aws:iam::444455556666:root"]}}),
            json!({"Principal": {"AWS": "arn:aws:iam::017059471480:role/x"}}),
            json!({"Principal": {"AWS": "444455556666"}}),
            json!({"Principal": {"AWS": root, "Service": "ec2.amazonaws.com"}}),
            json!({"Action": ["sts:AssumeRole", "sts:TagSession"]}),
            json!({"Action": "sts:*"}),
            json!({"NotAction": "sts:AssumeRole"}),
            external_id(json!(["abc", "def"])),
            json!({"Condition": {"StringLike": {"sts:ExternalId": "abc"}}}),
            json!({"Condition": {"StringEquals": {"sts:ExternalId": "abc", "aws:PrincipalOrgID": "o-1"}}}),
            json!({"Condition": {"StringEquals": {"sts:ExternalId": "abc"}, "Bool": {"aws:SecureTransport": "true"}}}),
        ] {
            assert!(!is_the_guides(&with(changes.clone()), PLATFORM), "{changes}");
        }
        let twice = json!({"Statement": [statement, statement]});
        assert!(!is_the_guides(&twice, PLATFORM) && !is_the_guides(&Value::Null, PLATFORM));
        assert!(!is_the_guides(&with_everybody_denied(&with(json!({}))), PLATFORM));
    }

    #[test]
    fn another_account_is_admitted_by_whatever_principal_and_the_roles_own_account_is_not_another() {
        let trust = |principal: Value| json!({"Statement": {"Effect": "Allow", "Principal": principal, "Action": "sts:AssumeRole"}});
        for principal in [
            json!({"AWS": PLATFORM}),
            json!({"AWS": ["arn:aws:iam::111122223333:root", "arn:aws:iam::444455556666:user/x"]}),
            json!("*"),
        ] {
            assert!(admits_another_account(&trust(principal.clone()), "111122223333"), "{principal}");
            assert!(!admits_another_account(&with_everybody_denied(&trust(principal)), "111122223333"));
        }
        for principal in [json!({"AWS": "arn:aws:iam::111122223333:role/x"}), json!({"Service": "ec2.amazonaws.com"})] {
            assert!(!admits_another_account(&trust(principal.clone()), "111122223333"), "{principal}");
        }
    }

    #[test]
    fn a_trust_is_narrowed_to_what_is_wanted_and_nobody_new_comes_in() {
        let wanted = document(&account(), PLATFORM, Some("abc"));
        let allow = |principal: Value| json!({"Effect": "Allow", "Principal": principal, "Action": "sts:AssumeRole"});
        let ours = wanted["Statement"][0].clone();
        let stranger = allow(json!({"AWS": "444455556666"}));
        let deny = json!({"Effect": "Deny", "Principal": {"AWS": "x"}, "Action": "sts:AssumeRole"});
        let trust = |statements: Value| json!({"Version": "2012-10-17", "Statement": statements});
        let narrow = |statements: Value| narrowed(&trust(statements), &wanted, PLATFORM);
        // As wanted, or less: a person may have done that on purpose.
        for statements in [json!([ours]), json!([ours, deny]), json!([deny])] {
            assert_eq!(narrow(statements.clone()), None, "{statements}");
        }
        for (statements, left) in [
            (json!([ours, stranger]), json!([ours])),
            (json!([stranger, deny, ours]), json!([deny, ours])),
            // Without the condition, or for others too: what is wanted is a part of it.
            (json!([allow(json!({"AWS": PLATFORM}))]), json!([ours])),
            (json!([allow(json!({"AWS": [PLATFORM, "444455556666"]}))]), json!([ours])),
            (json!([allow(json!("*")), deny]), json!([deny, ours])),
        ] {
            assert_eq!(narrow(statements.clone()), Some(trust(left)), "{statements}");
        }
        // Somebody has narrowed it further: that is no drift to mend.
        let mut narrower = ours.clone();
        narrower["Sid"] = "x".into();
        narrower["Condition"]["IpAddress"] = json!({"aws:SourceIp": "10.0.0.0/8"});
        narrower["Principal"]["AWS"] = "arn:aws:iam::017059471480:role/x".into();
        assert_eq!(narrow(json!([narrower])), None);
        assert_eq!(narrow(json!([narrower, stranger])), Some(trust(json!([narrower]))));
        // One role of the platform without the condition is not widened to all of it.
        let one_role = allow(json!({"AWS": "arn:aws:iam::017059471480:role/x"}));
        assert_eq!(narrow(json!([one_role])), Some(with_everybody_denied(&wanted)));
        // Another external id may be a brake: it is not put back.
        let other = document(&account(), PLATFORM, Some("other"))["Statement"].clone();
        assert_eq!(narrow(other), Some(with_everybody_denied(&wanted)));
        assert_eq!(narrow(json!([stranger])), Some(with_everybody_denied(&wanted)));
        assert_eq!(narrow(json!([stranger, deny])), Some(trust(json!([deny]))));
    }

    #[test]
    fn a_deny_for_everybody_shuts_the_platform_out_and_keeps_the_allow() {
        let open = document(&account(), PLATFORM, Some("abc"));
        let shut = with_everybody_denied(&open);
        assert!(admits(&open, PLATFORM) && !admits(&shut, PLATFORM));
        assert_eq!(shut["Statement"][0], open["Statement"][0]);
        assert_eq!(external_id(&shut), Some("abc"));
        assert_eq!(with_nobody_denied(&shut), open);
    }

    #[test]
    fn a_deny_with_a_condition_or_for_somebody_else_shuts_nobody_out() {
        let deny = |statement: Value| {
            let mut trust = document(&account(), PLATFORM, None);
            trust["Statement"].as_array_mut().unwrap().push(statement);
            trust
        };
        assert!(admits(
            &deny(json!({"Effect": "Deny", "Principal": "*", "Action": "sts:AssumeRole", "Condition": {"Bool": {}}})),
            PLATFORM
        ));
        assert!(admits(
            &deny(json!({"Effect": "Deny", "Principal": {"AWS": "444455556666"}, "Action": "sts:AssumeRole"})),
            PLATFORM
        ));
        assert!(admits(&deny(json!({"Effect": "Deny", "Principal": "*", "Action": "sts:TagSession"})), PLATFORM));
        assert!(!admits(&deny(json!({"Effect": "Deny", "Principal": {"AWS": ["*"]}, "Action": ["sts:*"]})), PLATFORM));
    }

    #[test]
    fn the_external_id_is_read_as_text_or_as_a_list_of_one() {
        let trust = |id: Value| json!({"Statement": [{"Condition": {"StringEquals": {"sts:ExternalId": id}}}]});
        assert_eq!(external_id(&trust(json!("abc"))), Some("abc"));
        assert_eq!(external_id(&trust(json!(["abc"]))), Some("abc"));
        assert_eq!(external_id(&trust(json!(["abc", "def"]))), None);
        assert_eq!(external_id(&json!({})), None);
    }
}
