use super::*;
use crate::account::PLATFORM_ACCOUNT_ID;
use serde_json::json;

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
fn the_platform_of_the_file_is_the_one_that_is_compiled_in() {
    let file: Value = serde_json::from_str(include_str!("../../policies/trust.json")).unwrap();
    let platform = &file["Statement"][0]["Principal"]["AWS"];
    assert_eq!(*platform, format!("arn:${{AWS::Partition}}:iam::{}:root", PLATFORM_ACCOUNT_ID));
    assert_eq!(file["Statement"].as_array().unwrap().len(), 1);
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
        json!({"Condition": {"StringEquals": {"sts:externalId": "abc"}}}),
        json!({"Condition": {"StringEquals": {"STS:ExternalId": ["abc"]}}}),
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
        json!({"Condition": {"StringEquals": {"sts:ExternalId": "abc", "sts:externalid": "abc"}}}),
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
fn a_role_is_open_to_whomever_an_allow_names_until_our_deny_covers_the_action() {
    let trust = |principal: Value, action: Value| json!({"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Principal": principal, "Action": action}});
    let provider = "arn:aws:iam::111122223333:oidc-provider/token.example.com";
    for (principal, action) in [
        (json!({"AWS": PLATFORM}), json!("sts:AssumeRole")),
        (json!({"AWS": "arn:aws:iam::111122223333:role/x"}), json!(["sts:TagSession", "sts:assumerole"])),
        (json!({"Service": "ec2.amazonaws.com"}), json!("sts:*")),
        (json!({"Federated": provider}), json!("sts:AssumeRoleWithWebIdentity")),
        (json!({"Federated": "arn:aws:iam::111122223333:saml-provider/x"}), json!("sts:AssumeRoleWithSAML")),
        (json!("*"), json!("*")),
    ] {
        let open = trust(principal, action);
        assert!(is_open(&open), "{open}");
        assert!(!is_open(&with_everybody_denied(&open)), "{open}");
    }
    assert!(!is_open(&trust(json!("*"), json!("sts:TagSession"))), "it opens no session by itself");
    assert!(!is_open(&json!({"Statement": []})) && !is_open(&Value::Null));
}

#[test]
fn the_deny_of_an_older_release_closes_what_it_lists_and_is_replaced() {
    let older = json!({"Sid": "OrchesteraSuspended", "Effect": "Deny", "Principal": "*", "Action": "sts:AssumeRole"});
    let allow = |action: &str| json!({"Effect": "Allow", "Principal": "*", "Action": action});
    let trust = |statements: Value| json!({"Version": "2012-10-17", "Statement": statements});
    assert!(!is_open(&trust(json!([allow("sts:AssumeRole"), older]))));
    let federated = trust(json!([allow("sts:AssumeRoleWithWebIdentity"), older]));
    assert!(is_open(&federated) && is_closed_by_us(&federated));
    let closed = with_everybody_denied(&federated);
    assert_eq!(closed["Statement"].as_array().map(Vec::len), Some(2));
    assert_eq!(with_nobody_denied(&closed), trust(json!([allow("sts:AssumeRoleWithWebIdentity")])));
}

#[test]
fn a_deny_of_others_or_one_that_somebody_softened_is_none_of_ours() {
    let allow = json!({"Effect": "Allow", "Principal": "*", "Action": "sts:AssumeRole"});
    let deny = json!({"Sid": "OrchesteraSuspended", "Effect": "Deny", "Principal": "*", "Action": "sts:AssumeRole"});
    for (part, value) in [
        ("Sid", json!("Theirs")),
        ("Principal", json!({"AWS": PLATFORM})),
        ("Condition", json!({"Bool": {"aws:SecureTransport": "false"}})),
        ("Effect", json!("Allow")),
    ] {
        let mut softened = deny.clone();
        softened[part] = value;
        let trust = json!({"Version": "2012-10-17", "Statement": [allow, softened]});
        assert!(is_open(&trust) && !is_closed_by_us(&trust), "{part}");
        assert!(!is_open(&with_everybody_denied(&trust)), "{part}");
        let closed = with_everybody_denied(&trust);
        let sids = closed["Statement"].as_array().unwrap().iter().filter(|one| one["Sid"] == SUSPENDED_SID);
        assert_eq!(sids.count(), 1, "IAM wants a Sid once: {closed}");
    }
}

#[test]
fn closing_leaves_out_principals_that_have_been_deleted_and_nothing_else() {
    let (deleted, root) = ("AROADBQP57FF2AEXAMPLE", "arn:aws:iam::017059471480:root");
    let statement =
        |effect: &str, principal: Value| json!({"Effect": effect, "Principal": principal, "Action": "sts:AssumeRole"});
    let closed = |statement: Value| {
        let trust = json!({"Version": "2008-10-17", "Id": "theirs", "Statement": statement});
        let closed = with_everybody_denied(&trust);
        assert_eq!((&closed["Version"], &closed["Id"]), (&json!("2008-10-17"), &json!("theirs")));
        let mut statements = closed["Statement"].as_array().unwrap().clone();
        assert_eq!(statements.pop(), only_the_deny()["Statement"].get(0).cloned());
        statements
    };
    for effect in ["Allow", "Deny"] {
        let of = |principal: Value| statement(effect, principal);
        assert_eq!(closed(of(json!({"AWS": deleted}))), Vec::<Value>::new());
        assert_eq!(closed(of(json!({"AWS": [deleted, "AIDACKCEVSQ6C2EXAMPLE"]}))), Vec::<Value>::new());
        assert_eq!(closed(of(json!({"AWS": [deleted, root]}))), [of(json!({"AWS": [root]}))]);
        assert_eq!(
            closed(of(json!({"AWS": deleted, "Service": "ec2.amazonaws.com"}))),
            [of(json!({"Service": "ec2.amazonaws.com"}))]
        );
        for untouched in [json!("*"), json!({"AWS": "*"}), json!({"AWS": [root, PLATFORM]}), json!({"Federated": "x"})]
        {
            assert_eq!(closed(of(untouched.clone())), [of(untouched)]);
        }
    }
}

#[test]
fn where_the_deny_has_no_room_beside_the_rest_it_is_written_alone() {
    let mut trust = document(&account(), PLATFORM, Some(&"x".repeat(1224)));
    assert_eq!(with_everybody_denied(&trust)["Statement"].as_array().map(Vec::len), Some(2), "the longest of our own");
    let deny = only_the_deny()["Statement"][0].to_string().chars().count() + 1;
    let fill = |trust: &mut Value, characters: usize| {
        trust["Statement"][0]["Sid"] = "".into();
        let length = trust.to_string().chars().count() + deny;
        trust["Statement"][0]["Sid"] = "é".repeat(characters - length).into();
    };
    fill(&mut trust, 2048);
    assert_eq!(with_everybody_denied(&trust).to_string().chars().count(), 2048);
    fill(&mut trust, 2049);
    assert_eq!(with_everybody_denied(&trust), only_the_deny());
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
    // One role of the platform without the condition gets the condition, and is not widened to all of the platform.
    let mut one_role = allow(json!({"AWS": "arn:aws:iam::017059471480:role/x"}));
    let before = one_role.clone();
    one_role["Condition"] = ours["Condition"].clone();
    assert_eq!(narrow(json!([before])), Some(trust(json!([one_role]))));
    // Another external id may be a brake: it is not put back.
    let other = document(&account(), PLATFORM, Some("other"))["Statement"].clone();
    assert_eq!(narrow(other), Some(with_everybody_denied(&wanted)));
    assert_eq!(narrow(json!([stranger])), Some(with_everybody_denied(&wanted)));
    assert_eq!(narrow(json!([stranger, deny])), Some(trust(json!([deny]))));
}

#[test]
fn each_allow_is_cut_to_the_part_that_is_wanted_and_its_other_conditions_stay() {
    let wanted = document(&account(), PLATFORM, Some("abc"));
    let with = |part: &str, value: Value| {
        let mut trust = wanted.clone();
        trust["Statement"][0][part] = value;
        trust
    };
    let root = "arn:aws:iam::017059471480:root";
    for wider in [
        with("Action", json!(["sts:AssumeRole", "sts:TagSession"])),
        with("Action", json!(["sts:SetSourceIdentity", "STS:ASSUMEROLE"])),
        with("Action", json!("sts:Assume*")),
        with("Principal", json!({"AWS": [root, "arn:aws:iam::444455556666:root"]})),
        with("Principal", json!({"AWS": [root, "AROADBQP57FF2AEXAMPLE"]})),
        with("Principal", json!({"AWS": root, "Service": "ec2.amazonaws.com"})),
        with("Principal", json!("*")),
        with("Condition", json!({"StringEquals": {"sts:ExternalId": ["abc", "other"]}})),
        with("Condition", json!({"StringEqualsIgnoreCase": {"sts:ExternalId": "ABC"}})),
        with("Condition", json!({"StringLike": {"sts:ExternalId": "a*"}})),
        with("Condition", json!({"StringEqualsIfExists": {"sts:ExternalId": "abc"}})),
        with("Condition", json!({"ForAllValues:StringEquals": {"sts:ExternalId": ["abc"]}})),
        with("Condition", json!({"StringNotEquals": {"sts:ExternalId": "other"}})),
        with("Condition", json!({"Null": {"sts:ExternalId": "false"}})),
        with("Condition", json!({"StringEquals": {"STS:ExternalId": "abc"}, "StringLike": {"sts:EXTERNALID": "*"}})),
    ] {
        assert_eq!(narrowed(&wider, &wanted, PLATFORM), Some(wanted.clone()), "{wider}");
    }
    let respelled = with("Condition", json!({"StringEquals": {"sts:externalid": ["abc"]}}));
    assert_eq!(narrowed(&respelled, &wanted, PLATFORM), None, "IAM reads it as the wanted one");
    for never in [
        with("Action", json!("sts:TagSession")),
        with("Condition", json!({"StringEquals": {"sts:ExternalId": "ABC"}})),
        with("Condition", json!({"StringNotLike": {"sts:ExternalId": "a*"}})),
        with("Condition", json!({"Null": {"sts:ExternalId": "true"}})),
    ] {
        assert_eq!(narrowed(&never, &wanted, PLATFORM), Some(with_everybody_denied(&wanted)), "{never}");
    }
    let kept = json!({"IpAddress": {"aws:SourceIp": "10.0.0.0/8"}, "StringEquals": {"aws:PrincipalOrgID": "o-1"}});
    let mut narrower = with("Condition", kept.clone());
    narrower["Statement"][0]["Condition"]["StringEquals"]["sts:ExternalId"] = "abc".into();
    assert_eq!(narrowed(&with("Condition", kept), &wanted, PLATFORM), Some(narrower));
    // What cannot be judged stays, and the wanted condition comes to it.
    let unknown = json!({"StringLike": {"sts:ExternalId": "${aws:username}"}});
    let mut both = with("Condition", unknown.clone());
    both["Statement"][0]["Condition"]["StringEquals"] = json!({"sts:ExternalId": "abc"});
    assert_eq!(narrowed(&with("Condition", unknown), &wanted, PLATFORM), Some(both));
}

#[test]
fn parts_that_are_cut_alike_are_written_once_and_a_trust_without_room_is_closed() {
    let long = "x".repeat(1224);
    let wanted = document(&account(), PLATFORM, Some(&long));
    let allow = |principal: &str, vpc: &str| {
        json!({"Effect": "Allow", "Principal": {"AWS": principal}, "Action": "sts:AssumeRole",
        "Condition": {"StringEquals": {"aws:SourceVpc": vpc}}})
    };
    let role = "arn:aws:iam::017059471480:role/x";
    let trust = |statements: Value| json!({"Version": "2012-10-17", "Statement": statements});
    let once =
        narrowed(&trust(json!([allow(role, "1"), allow(role, "1"), allow("444455556666", "1")])), &wanted, PLATFORM);
    assert_eq!(once.unwrap()["Statement"].as_array().map(Vec::len), Some(1));
    let two = trust(json!([allow(role, "1"), allow(role, "2")]));
    assert_eq!(narrowed(&two, &wanted, PLATFORM), Some(only_the_deny()));
}

#[test]
fn a_trust_without_external_id_is_within_itself_whatever_the_console_wrote_for_no_condition() {
    let mut wanted = document(&account(), PLATFORM, None);
    assert_eq!(narrowed(&wanted, &wanted, PLATFORM), None);
    wanted["Statement"][0]["Condition"] = json!({});
    assert_eq!(narrowed(&wanted, &wanted, PLATFORM), None);
    let asking = document(&account(), PLATFORM, Some("abc"));
    assert_eq!(narrowed(&asking, &wanted, PLATFORM), None, "it lets in less");
    let mut wider = wanted.clone();
    wider["Statement"][0]["Principal"] = json!("*");
    assert_eq!(narrowed(&wider, &wanted, PLATFORM), Some(wanted));
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
