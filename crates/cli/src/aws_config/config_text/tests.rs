use super::*;

fn names_of(text: &str) -> Vec<Name> {
    ConfigText::read(text.as_bytes()).names().into_iter().map(|(_, name)| name).collect()
}

/// The line of the problem, and what it is.
fn problem(text: &str) -> Option<(usize, String)> {
    ConfigText::read(text.as_bytes()).problem.map(|problem| (problem.line, problem.what))
}

#[test]
fn a_profile_is_named_as_the_aws_cli_and_the_sdks_name_it() {
    for (header, name) in [
        ("[profile a]", "a"),
        ("[profile  a]", "a"),
        ("[profile \"a b\"]", "a b"),
        ("[profile 'a']", "a"),
        ("[profile a\\ b]", "a b"),
        ("[profile \"a\\\"b\"]", "a\"b"),
        ("[profile a] # of the team", "a"),
        ("  [profile a]", "a"),
        ("[default]", "default"),
        // By its beginning, to the AWS CLI.
        ("[profilex a]", "a"),
        // To the SDKs only.
        ("[ profile a ]", "a"),
        ("[profile\ta]", "a"),
        // To the AWS CLI, the name goes on to the last bracket.
        ("[profile a]# ]", "a]#"),
        ("[profile a]# ]", "a"),
    ] {
        assert!(names_of(header).contains(&Name::profile(name)), "{header}");
    }
    assert_eq!(names_of("[sso-session \"a\"]")[0], Name::sso_session("a"));
}

#[test]
fn a_section_of_another_kind_and_a_comment_define_no_name() {
    for text in
        ["[a]", "[preview]", "[services a]", "[plugins]", "[DEFAULT]", "# [profile a]", "; [profile a]", " # [default]"]
    {
        assert_eq!(names_of(text), [], "{text}");
    }
}

#[test]
fn a_section_that_is_indented_below_a_setting_is_a_part_of_its_value() {
    assert_eq!(names_of("[default]\nregion = x\n  [profile a]\n"), [Name::profile("default")]);
    assert_eq!(names_of("[default]\nregion = x\n\u{a0}[profile a]\n"), [Name::profile("default")]);
    // Below a section or a setting that is indented as far, it is none.
    assert_eq!(names_of("[default]\n  [profile a]\n").len(), 2);
    assert_eq!(names_of("[default]\n  region = x\n  [profile a]\n").len(), 2);
    assert_eq!(names_of("[default]\nregion = x\n[profile a]\n  [profile b]\n").len(), 3);
}

#[test]
fn every_end_of_a_line_that_python_knows_is_one() {
    for end in ["\n", "\r\n", "\r"] {
        let text = ["[profile a]", "region = x", "", "[profile b]"].join(end);
        let read = ConfigText::read(text.as_bytes());
        assert_eq!(read.lines.len(), 4, "{end:?}");
        assert_eq!(read.names(), [(0, Name::profile("a")), (3, Name::profile("b"))], "{end:?}");
    }
}

#[test]
fn what_the_aws_cli_refuses_is_found_with_its_line() {
    for (text, line, what) in [
        ("[profile a]\n\n[profile a]\n", 3, "section [profile a] for the second time"),
        ("[profile a]\nx = 1\nX: 2\n", 3, "sets x for the second time"),
        ("# c\nregion = x\n", 2, "before the first section"),
        ("\u{feff}[default]\n", 1, "byte order mark"),
        ("[profile a\n[default]\n", 1, "before the first section"),
        ("[default]\n[profile a\n", 2, "neither a section, nor a setting"),
        ("[default]\nregion\n", 2, "neither a section, nor a setting"),
        ("[default]\n= x\n", 2, "neither a section, nor a setting"),
        ("[default]\ns3 =\n  a = b\n  c\n", 4, "no nested setting"),
    ] {
        let (found, sentence) = problem(text).expect(text);
        assert_eq!(found, line, "{text:?}");
        assert!(sentence.contains(what), "{text:?}: {sentence}");
    }
}

#[test]
fn what_the_aws_cli_reads_is_no_problem() {
    for text in [
        "",
        "\n\n# only a comment",
        "[default]\nregion: x\n\ns3 =\n\n  a = b\n  # c\n\tc = d # e\noutput = json",
        // Twice the same section to the eye, not to configparser.
        "[profile a]\n[profile \"a\"]\n",
        "[DEFAULT]\nx = 1\n[DEFAULT]\ny = 1\n",
        "[default]\nregion = x\n  is continued\n",
        "[default]\nregion = x\n\u{a0}is continued\n",
        "[default]\n  x = 1\n y = 2\nz = 3\n",
    ] {
        assert_eq!(problem(text), None, "{text:?}");
    }
}

#[test]
fn bytes_that_are_not_utf8_are_found_with_their_line_and_hide_no_name() {
    let bytes = b"[default]\n# caf\xe9\n[profile a]\n";
    assert_eq!(ConfigText::not_utf8(bytes), Some(2));
    assert_eq!(ConfigText::not_utf8("# café".as_bytes()), None);
    assert_eq!(ConfigText::read(bytes).names().len(), 2);
}
