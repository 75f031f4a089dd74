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
fn the_platform_of_the_file_is_the_default_of_the_property() {
    let file: Value = serde_json::from_str(include_str!("../../policies/trust.json")).unwrap();
    let platform = &file["Statement"][0]["Principal"]["AWS"];
    assert_eq!(*platform, format!("arn:${{AWS::Partition}}:iam::{}:root", crate::properties::PLATFORM_ACCOUNT_ID));
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
