use super::*;

pub fn by_identity_center() -> Profiles {
    Profiles {
        sign_in: SignIn::IdentityCenter {
            start_url: "https://d-1234567890.awsapps.com/start".to_owned(),
            region: "eu-central-1".to_owned(),
            permission_set: "AdministratorAccess".to_owned(),
        },
        ..by_users()
    }
}

pub fn by_users() -> Profiles {
    let member = |purpose, account_id: &str| Member {
        purpose,
        account_id: account_id.to_owned(),
        role_name: "OrganizationAccountAccessRole".to_owned(),
    };
    Profiles {
        partition: "aws".to_owned(),
        region: None,
        prefix: DEFAULT_PREFIX.to_owned(),
        management_account_id: "111122223333".to_owned(),
        sign_in: SignIn::Users,
        members: vec![member("spark", "444455556666"), member("production", "777788889999")],
        bootstrap_role_arn: Some("arn:aws:iam::111122223333:role/mgmt-org-admin".to_owned()),
    }
}

fn text(profiles: &Profiles) -> String {
    let sections = profiles.sections().unwrap();
    let lines = sections.iter().map(|section| {
        let settings: String = section.settings.iter().map(|(name, value)| format!("{name} = {value}\n")).collect();
        format!("{}\n{settings}", section.name.header())
    });
    lines.collect()
}

#[test]
fn with_identity_center_every_profile_is_of_one_session() {
    assert_eq!(
        text(&by_identity_center()),
        "[sso-session orchestera]\nsso_start_url = https://d-1234567890.awsapps.com/start\nsso_region = eu-central-1\n\
         sso_registration_scopes = sso:account:access\n\
         [profile orchestera-management]\nsso_session = orchestera\nsso_account_id = 111122223333\n\
         sso_role_name = AdministratorAccess\nregion = us-east-1\n\
         [profile orchestera-spark]\nsso_session = orchestera\nsso_account_id = 444455556666\n\
         sso_role_name = AdministratorAccess\nregion = us-east-1\n\
         [profile orchestera-production]\nsso_session = orchestera\nsso_account_id = 777788889999\n\
         sso_role_name = AdministratorAccess\nregion = us-east-1\n"
    );
}

#[test]
fn without_it_the_profiles_assume_roles_from_the_management_accounts() {
    assert_eq!(
        text(&by_users()),
        "[profile orchestera-management]\nregion = us-east-1\n\
         [profile orchestera-spark]\nrole_arn = arn:aws:iam::444455556666:role/OrganizationAccountAccessRole\n\
         source_profile = orchestera-management\nregion = us-east-1\n\
         [profile orchestera-production]\nrole_arn = arn:aws:iam::777788889999:role/OrganizationAccountAccessRole\n\
         source_profile = orchestera-management\nregion = us-east-1\n\
         [profile mgmt-org-admin]\nrole_arn = arn:aws:iam::111122223333:role/mgmt-org-admin\n\
         source_profile = orchestera-management\nmfa_serial = arn:aws:iam::111122223333:mfa/YOUR_MFA_DEVICE\n\
         region = us-east-1\n"
    );
}

#[test]
fn partition_region_and_prefix_are_those_that_are_asked_for() {
    let profiles = Profiles {
        partition: "aws-us-gov".to_owned(),
        region: Some("us-gov-west-1".to_owned()),
        prefix: "acme".to_owned(),
        ..by_users()
    };
    let text = text(&profiles);
    assert!(text.contains("[profile acme-spark]\nrole_arn = arn:aws-us-gov:iam::444455556666:role/"), "{text}");
    assert!(text.contains("[profile acme-mgmt-org-admin]"), "{text}");
    assert!(text.contains("mfa_serial = arn:aws-us-gov:iam::111122223333:mfa/"), "{text}");
    assert!(!text.contains("orchestera-") && !text.contains("us-east-1"), "{text}");
}

#[test]
fn every_section_is_among_the_names_that_the_prefix_claims_and_every_setting_among_those_that_are_written() {
    for profiles in [by_identity_center(), by_users(), Profiles { prefix: "acme".to_owned(), ..by_users() }] {
        let claimed = names(&profiles.prefix);
        for section in profiles.sections().unwrap() {
            assert!(claimed.contains(&section.name), "{:?}", section.name);
            assert!(section.settings.iter().all(|(setting, _)| WRITTEN.contains(setting)));
        }
    }
}

#[test]
fn a_prefix_that_would_need_quotation_marks_is_refused() {
    for prefix in ["", "a b", "a]", "-a", "é", "a\n", "a=b", &"a".repeat(65)] {
        let profiles = Profiles { prefix: prefix.to_owned(), ..by_users() };
        assert!(profiles.sections().unwrap_err().reason().contains("prefix"), "{prefix:?}");
    }
    assert_eq!(checked_prefix("acme_2.eu-west").unwrap(), "acme_2.eu-west");
}

#[test]
fn a_value_that_is_more_than_one_line_or_has_a_blank_is_refused() {
    for start_url in ["https://a/start\n[profile x]", "https://a/start #x", "", "http://a/start", "a"] {
        let SignIn::IdentityCenter { region, permission_set, .. } = by_identity_center().sign_in else {
            unreachable!()
        };
        let sign_in = SignIn::IdentityCenter { start_url: start_url.to_owned(), region, permission_set };
        let refused = Profiles { sign_in, ..by_users() }.sections().unwrap_err().reason();
        assert!(refused.contains("sso_start_url") || refused.contains("start URL"), "{refused}");
    }
    assert!(Profiles { region: Some("a b".to_owned()), ..by_users() }.sections().is_err());
}
