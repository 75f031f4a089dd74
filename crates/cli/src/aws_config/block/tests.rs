use super::super::profiles::tests::{by_identity_center, by_users};
use super::super::profiles::{DEFAULT_PREFIX, SignIn};
use super::*;

const OTHERS: &str =
    "# mine\n[default]\nregion = eu-west-1\ns3 =\n  addressing_style = path\n\n[profile a]\nregion = x\n";

fn edit(old: &str, profiles: &Profiles) -> Result<String> {
    edited(Path::new("config"), old.as_bytes(), profiles).map(|bytes| String::from_utf8(bytes).unwrap())
}

fn edited_text(old: &str, profiles: &Profiles) -> String {
    edit(old, profiles).unwrap_or_else(|error| panic!("{error}"))
}

fn refusal(old: &str, profiles: &Profiles) -> String {
    let reason = edit(old, profiles).unwrap_err().reason();
    assert!(reason.ends_with("Nothing was written."), "{reason}");
    reason
}

fn end_line() -> String {
    format!("{}\n", end(DEFAULT_PREFIX))
}

/// The block of these profiles.
fn block(profiles: &Profiles) -> String {
    edited_text("", profiles)
}

#[test]
fn the_block_comes_behind_everything_else() {
    assert_eq!(edited_text(OTHERS, &by_users()), format!("{OTHERS}{}", block(&by_users())));
}

#[test]
fn the_block_of_the_management_account_says_what_may_be_changed_in_it() {
    let block = block(&by_identity_center());
    let lines: Vec<&str> = block.lines().collect();
    assert_eq!(lines[0], "# BEGIN orchestera aws-config, profiles orchestera-*");
    assert_eq!(
        lines[1],
        "# Management account 111122223333. \"orchestera aws-config\" replaces these lines. It keeps settings that you add to \
         a profile."
    );
    assert_eq!(lines[2], "[sso-session orchestera]");
    // Where `aws configure set` adds to the last profile.
    assert_eq!(lines[lines.len() - 2], "");
    assert_eq!(lines[lines.len() - 1], "# END orchestera aws-config, profiles orchestera-*");
}

#[test]
fn no_comment_of_the_block_looks_like_a_setting_to_the_aws_clis_writer() {
    for line in block(&by_users()).lines().filter(|line| line.starts_with('#')) {
        assert!(!line.contains([':', '=']), "{line}");
    }
}

#[test]
fn a_file_that_does_not_end_with_an_end_of_a_line_gets_one_of_its_own_kind() {
    assert_eq!(edited_text("[default]", &by_users()), format!("[default]\n{}", block(&by_users())));
    let windows = block(&by_users()).replace('\n', "\r\n");
    assert_eq!(edited_text("[default]\r\nx = 1", &by_users()), format!("[default]\r\nx = 1\r\n{windows}"));
    assert_eq!(edited_text("[default]\r", &by_users()), format!("[default]\r\n{windows}"));
}

#[test]
fn a_second_run_changes_nothing() {
    for profiles in [by_users(), by_identity_center()] {
        for others in
            ["", OTHERS, "[default]", "[default]\r", "[default]\r# a\r", &OTHERS.replace('\n', "\r\n"), "\n\n"]
        {
            let once = edited_text(others, &profiles);
            assert_eq!(edited_text(&once, &profiles), once);
        }
    }
}

#[test]
fn another_sign_in_or_account_replaces_what_is_between_the_markers_and_nothing_else() {
    let behind = "[profile z]\nregion = y\n";
    let once = format!("{OTHERS}{}{behind}", block(&by_users()));
    assert_eq!(edited_text(&once, &by_identity_center()), format!("{OTHERS}{}{behind}", block(&by_identity_center())));
    let mut fewer = by_users();
    fewer.members.truncate(1);
    fewer.bootstrap_role_arn = None;
    assert_eq!(edited_text(&once, &fewer), format!("{OTHERS}{}{behind}", block(&fewer)));
}

#[test]
fn a_file_that_ends_with_the_marker_still_does() {
    let once = edited_text("", &by_users());
    let open = once.trim_end();
    assert_eq!(edited_text(open, &by_users()), open);
    assert_eq!(edited_text(open, &by_identity_center()), block(&by_identity_center()).trim_end());
}

#[test]
fn settings_and_comments_that_were_added_to_a_profile_stay_in_it() {
    let login = "login_session = arn:aws:iam::111122223333:user/ann\n";
    let added = format!("{login}s3 =\n    addressing_style = path\n# mine\n");
    let once = block(&by_users()).replacen("region = us-east-1\n", &format!("region = us-east-1\n{added}"), 1);
    assert_eq!(edited_text(&once, &by_users()), once);
    // Also in the other form of the profile.
    let other = edited_text(&once, &by_identity_center());
    assert!(other.contains(&format!("sso_role_name = AdministratorAccess\nregion = us-east-1\n{added}")), "{other}");
}

#[test]
fn bytes_that_are_not_utf8_stay_in_a_profile_too() {
    let once = block(&by_users()).into_bytes();
    let at = once.windows(9).position(|bytes| bytes == b"us-east-1").unwrap() + 10;
    let added = [&once[..at], b"# caf\xe9\n", &once[at..]].concat();
    assert_eq!(edited(Path::new("config"), &added, &by_users()).unwrap(), added);
}

#[test]
fn a_comment_above_the_first_profile_stays() {
    let once = block(&by_users()).replacen("[profile", "# mine\n[profile", 1);
    assert_eq!(edited_text(&once, &by_users()), once);
}

#[test]
fn the_mfa_device_that_somebody_entered_stays() {
    let once = block(&by_users()).replace("YOUR_MFA_DEVICE", "ann-phone");
    assert_eq!(edited_text(&once, &by_users()), once);
    // And one that is asked for where we ask for none.
    let spark = "source_profile = orchestera-management\nregion = us-east-1\n";
    let asked = format!("{spark}mfa_serial = arn:aws:iam::111122223333:mfa/ann-phone\n");
    let once = once.replacen(spark, &asked, 1);
    assert_eq!(edited_text(&once, &by_users()), once);
}

#[test]
fn a_region_that_somebody_entered_stays_unless_another_is_asked_for() {
    let once = block(&by_users()).replacen("us-east-1", "eu-west-1", 1);
    assert_eq!(edited_text(&once, &by_users()), once);
    let asked = Profiles { region: Some("eu-north-1".to_owned()), ..by_users() };
    assert_eq!(edited_text(&once, &asked), block(&by_users()).replace("us-east-1", "eu-north-1"));
}

#[test]
fn another_value_of_a_setting_that_we_write_is_replaced() {
    let once = block(&by_users()).replace("role/OrganizationAccountAccessRole", "role/Old");
    assert_eq!(edited_text(&once, &by_users()), block(&by_users()));
    // With all of its lines.
    let once = block(&by_users()).replace("role/OrganizationAccountAccessRole", "role/Old\n  more");
    assert_eq!(edited_text(&once, &by_users()), block(&by_users()));
}

#[test]
fn a_name_outside_the_markers_is_refused_with_its_line() {
    let taken = |section: &str| refusal(&format!("[default]\n\n{section}\nregion = x\n"), &by_identity_center());
    for section in ["[profile orchestera-spark]", "[profile \"orchestera-spark\"]", "  [profile  'orchestera-spark']"] {
        assert!(
            taken(section).contains("config already has [profile orchestera-spark] in line 3"),
            "{}",
            taken(section)
        );
    }
    assert!(taken("[sso-session orchestera]").contains("[sso-session orchestera] in line 3"));
    assert!(taken("[profile orchestera-spark]").contains("--profile-prefix"));
    // All of them are named.
    let both = refusal("[profile orchestera-spark]\n[profile orchestera-production]\n", &by_users());
    assert!(
        both.contains("[profile orchestera-spark] in line 1 and [profile orchestera-production] in line 2"),
        "{both}"
    );
}

#[test]
fn a_name_that_we_do_not_write_now_is_no_matter() {
    for section in [
        "[profile orchestera-development]",
        "[profile orchestera]",
        "[sso-session orchestera-spark]",
        "[orchestera-spark]",
    ] {
        let others = format!("{section}\nregion = x\n");
        assert!(edited_text(&others, &by_identity_center()).starts_with(&others));
    }
}

#[test]
fn a_name_beside_a_block_that_has_it_too_is_refused() {
    let twice = format!("{}[profile \"orchestera-spark\"]\nregion = x\n", block(&by_users()));
    assert!(refusal(&twice, &by_users()).contains("[profile orchestera-spark] in line"));
}

#[test]
fn a_marker_alone_or_twice_is_refused_with_its_line() {
    let whole = block(&by_users());
    let lines = whole.lines().count();
    let without_end = whole.replace(&end_line(), "");
    let begin_line = format!("{}\n", begin(DEFAULT_PREFIX));
    for (text, line, marker) in [
        (format!("# a\n{without_end}"), 2, "BEGIN"),
        (format!("# a\n{}", whole.replace(&begin_line, "")), lines, "END"),
        (format!("{whole}{begin_line}"), lines + 1, "BEGIN"),
        (format!("{whole}{}", end_line()), lines + 1, "END"),
        (format!("{}{begin_line}", end_line()), 2, "BEGIN"),
    ] {
        let refused = refusal(&text, &by_users());
        assert!(refused.starts_with(&format!("Line {line} of config is \"# {marker} ")), "{text}{refused}");
    }
}

#[test]
fn a_marker_of_another_prefix_is_a_comment() {
    let acme = Profiles { prefix: "acme".to_owned(), management_account_id: "999900001111".to_owned(), ..by_users() };
    let both = edited_text(&block(&by_users()), &acme);
    assert_eq!(both, format!("{}{}", block(&by_users()), block(&acme)));
    assert_eq!(edited_text(&both, &by_users()), both);
    let changed = edited_text(&both, &by_identity_center());
    assert_eq!(changed, format!("{}{}", block(&by_identity_center()), block(&acme)));
}

#[test]
fn the_profiles_of_another_organization_are_not_replaced() {
    let other = Profiles { management_account_id: "999900001111".to_owned(), ..by_users() };
    let refused = refusal(&block(&by_users()), &other);
    assert!(refused.contains("111122223333") && refused.contains("999900001111"), "{refused}");
    assert!(refused.contains("--profile-prefix"), "{refused}");
}

#[test]
fn a_section_of_somebody_else_between_the_markers_is_refused_with_its_line() {
    let inside = block(&by_users()).replace(&end_line(), &format!("[profile mine]\n{}", end_line()));
    let line = inside.lines().position(|line| line == "[profile mine]").unwrap() + 1;
    let refused = refusal(&inside, &by_users());
    assert!(refused.starts_with(&format!("Line {line} of config begins the section [profile mine]")), "{refused}");
}

#[test]
fn a_section_that_is_twice_between_the_markers_is_refused_with_its_line() {
    let twice = block(&by_users()).replace(&end_line(), &format!("[profile \"orchestera-spark\"]\n{}", end_line()));
    let refused = refusal(&twice, &by_users());
    assert!(refused.contains("begins the section [profile \"orchestera-spark\"] for the second time"), "{refused}");
}

#[test]
fn a_setting_between_the_marker_and_the_first_profile_is_refused_with_its_line() {
    let inside = block(&by_users()).replacen("[profile", "output = json\n[profile", 1);
    let refused = refusal(&format!("[default]\n{inside}"), &by_users());
    assert!(refused.starts_with("Line 4 of config stands between \"# BEGIN"), "{refused}");
}

#[test]
fn the_profiles_of_the_block_say_to_which_accounts_they_lead() {
    let accounts = |profiles: &Profiles| {
        let block = present(Path::new("config"), block(profiles).as_bytes(), DEFAULT_PREFIX).unwrap().unwrap();
        assert_eq!(block.management_account_id.as_deref(), Some("111122223333"));
        let accounts = block.sections.iter().map(|one| one.account_id().unwrap_or_default().to_owned());
        accounts.collect::<Vec<_>>()
    };
    assert_eq!(accounts(&by_identity_center()), ["", "111122223333", "444455556666", "777788889999"]);
    assert_eq!(accounts(&by_users()), ["", "444455556666", "777788889999", "111122223333"]);
    assert_eq!(present(Path::new("config"), OTHERS.as_bytes(), DEFAULT_PREFIX).unwrap(), None);
}

#[test]
fn a_setting_behind_the_block_keeps_its_profile_or_is_refused_with_its_line() {
    // `aws configure set` can write it there.
    let behind = format!("{}output = json\n", block(&by_users()));
    assert_eq!(edited_text(&behind, &by_users()), behind);
    let line = behind.lines().count();
    // Its profile would no longer be the last.
    let refused = refusal(&behind, &Profiles { bootstrap_role_arn: None, ..by_users() });
    assert!(refused.starts_with(&format!("Line {line} of config is a setting behind")), "{refused}");
    // A value that goes on behind the block.
    let refused = refusal(&format!("{}  more\n", block(&by_users())), &by_identity_center());
    assert!(refused.starts_with(&format!("Line {line} of config is a setting behind")), "{refused}");
}

#[test]
fn a_file_that_the_aws_cli_cannot_read_is_refused_with_the_line() {
    let refused = refusal("[default]\n[default]\n", &by_users());
    assert!(
        refused.starts_with("The AWS CLI cannot read config: line 2 begins the section [default] for the second time")
    );
    let utf16: Vec<u8> =
        [0xff, 0xfe].into_iter().chain("[default]".encode_utf16().flat_map(u16::to_le_bytes)).collect();
    let refused = edited(Path::new("config"), &utf16, &by_users()).unwrap_err().reason();
    assert!(refused.contains("UTF-16"), "{refused}");
}

#[test]
fn bytes_that_are_not_utf8_stay() {
    let others = b"[default]\n# caf\xe9\nregion = x\n";
    let new = edited(Path::new("config"), others, &by_users()).unwrap();
    assert_eq!(new, [others.as_slice(), block(&by_users()).as_bytes()].concat());
}

#[test]
fn a_profile_with_credentials_of_its_own_is_not_given_others() {
    let credentials = "[orchestera-spark]\naws_access_key_id = x\n[orchestera-management]\naws_access_key_id = y\n";
    let refused = |old: &str, profiles: &Profiles| {
        refuse_taken_in_credentials(Path::new("credentials"), credentials.as_bytes(), old.as_bytes(), profiles)
    };
    let reason = refused(OTHERS, &by_users()).unwrap_err().reason();
    // The keys of the management account's user are where they belong.
    assert!(reason.starts_with("credentials already has [profile orchestera-spark] in line 1, which"), "{reason}");
    assert!(refused(OTHERS, &by_identity_center()).unwrap_err().reason().contains("orchestera-management"));
    // Some tools keep sessions there, under the name of the profile that they took.
    assert!(refused(&block(&by_users()), &by_users()).is_ok());
}

#[test]
fn no_secret_is_in_the_block() {
    for profiles in [by_users(), by_identity_center()] {
        assert!(matches!(profiles.sign_in, SignIn::Users | SignIn::IdentityCenter { .. }));
        let block = block(&profiles).to_lowercase();
        assert!(!["secret", "token", "access_key", "password"].iter().any(|word| block.contains(word)), "{block}");
    }
}
