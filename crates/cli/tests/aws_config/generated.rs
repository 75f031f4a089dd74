//! Files that are made of odd parts. The same in every run; a failure prints the smallest file that fails.

use crate::folder::profiles;

use orchestera_cli::aws_config::block::{begin, edited, end};
use orchestera_cli::aws_config::config_text::ConfigText;
use orchestera_cli::aws_config::profiles::{Profiles, SignIn};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};
use std::cell::Cell;
use std::fmt;
use std::path::Path;

/// Lines, some of which the AWS CLI refuses.
const LINES: [&[u8]; 48] = [
    b"[default]",
    b"[profile a]",
    b"[profile \"b c\"]",
    b"[profile 'd']",
    b"  [profile e]",
    b"[profile f] ; of the team",
    b"[profile g]# ]",
    b"[ profile h ]",
    b"[sso-session s]",
    b"[sso-session \"t u\"]",
    b"[services v]",
    b"[preview]",
    b"[DEFAULT]",
    b"[profile orchestera-spark]",
    b"[profile  \"orchestera-management\"]",
    b"[sso-session 'orchestera']",
    b"[profile orchestera-other]",
    b"[]",
    b"[profile",
    b"region = x",
    b"output: json",
    b"s3 =",
    b"  addressing_style = path",
    b"\tmax_queue_size=1 # c",
    b"  no nested setting",
    b"  # an indented comment",
    b"; comment",
    b"# comment : with = signs",
    b"",
    b"",
    b"   ",
    b"\t",
    b"cli_history = [on]",
    b"key",
    b"= value",
    b"aws_secret_access_key = wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY",
    b"credential_process = \"/a b/c\" --profile 'd'",
    b"\xc2\xa0nbsp = 1",
    b"\x0cformfeed = 1",
    b"\x1ff = 1",
    b"caf\xc3\xa9 = 1",
    b"# caf\xe9 in Latin 1",
    b"latin1 = \xe9\xff",
    b"\xef\xbb\xbf",
    b"nul = \0",
    b"# BEGIN orchestera aws-config, profiles acme-*",
    b"# END orchestera aws-config, profiles orchestera-",
    b"  # BEGIN orchestera",
];

/// A file, which a failure prints as text.
#[derive(Clone)]
struct Odd(Vec<u8>);

impl fmt::Debug for Odd {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "b\"{}\"", self.0.escape_ascii())
    }
}

fn lines(most: usize) -> impl Strategy<Value = Vec<u8>> {
    // Mostly one kind of end. The last line may have none.
    let end = prop_oneof![4 => Just("\n"), 3 => Just("\r\n"), 1 => Just("\r")];
    let line = (
        proptest::sample::select(&LINES[..]),
        proptest::option::weighted(0.05, proptest::sample::select(&["\n", "\r\n", "\r"][..])),
    );
    (vec(line, 0..most), end, any::<bool>()).prop_map(|(lines, end, is_whole)| {
        let mut bytes: Vec<u8> =
            lines.iter().flat_map(|(line, other)| [line, other.unwrap_or(end).as_bytes()].concat()).collect();
        if !is_whole {
            while bytes.last().is_some_and(|byte| matches!(byte, b'\n' | b'\r')) {
                bytes.pop();
            }
        }
        bytes
    })
}

/// The AWS CLI refuses most files of many odd lines. So there are short ones, and those that it reads.
fn files() -> impl Strategy<Value = Odd> {
    let readable = vec(lines(3), 0..6).prop_map(|parts| {
        parts.into_iter().fold(Vec::new(), |file: Vec<u8>, part| {
            let longer = [file.as_slice(), &part].concat();
            if ConfigText::read(&longer).problem.is_none() { longer } else { file }
        })
    });
    prop_oneof![3 => readable, 1 => lines(6)].prop_map(Odd)
}

fn by_users() -> Profiles {
    let bootstrap_role_arn = Some("arn:aws:iam::111122223333:role/mgmt-org-admin".to_owned());
    Profiles { sign_in: SignIn::Users, bootstrap_role_arn, ..profiles("orchestera") }
}

fn run(old: &[u8], profiles: &Profiles) -> custom_resource::Result<Vec<u8>> {
    edited(Path::new("config"), old, profiles)
}

/// Before, between and behind the markers. The markers themselves are between.
fn parts(bytes: &[u8]) -> (&[u8], &[u8], &[u8]) {
    let text = ConfigText::read(bytes);
    let at = |marker: String| text.lines.iter().find(|line| line.text == marker).unwrap().bytes.clone();
    let (first, last) = (at(begin("orchestera")).start, at(end("orchestera")).end);
    (&bytes[..first], &bytes[first..last], &bytes[last..])
}

/// Plays the same cases in every run, and returns how many of them counted.
fn play<T: Strategy>(strategy: T, check: impl Fn(T::Value) -> Result<bool, TestCaseError>) -> u32 {
    let config = Config { cases: 4000, failure_persistence: None, ..Config::default() };
    let mut runner = TestRunner::new_with_rng(config, TestRng::deterministic_rng(RngAlgorithm::ChaCha));
    let counted = Cell::new(0);
    let ran = runner.run(&strategy, |value| {
        counted.set(counted.get() + u32::from(check(value)?));
        Ok(())
    });
    ran.unwrap_or_else(|failure| panic!("{failure}"));
    counted.get()
}

fn shown(bytes: &[u8]) -> String {
    bytes.escape_ascii().to_string()
}

#[test]
fn everything_of_others_stays_and_a_second_run_changes_nothing() {
    let written = play((files(), any::<bool>()), |(Odd(old), is_by_users)| {
        let profiles = if is_by_users { by_users() } else { profiles("orchestera") };
        let Ok(new) = run(&old, &profiles) else { return Ok(false) };
        let (before, _, behind) = parts(&new);
        prop_assert!(behind.is_empty());
        // Without the block, the file is as it was. Its last line may have got an end.
        let added = before.strip_prefix(old.as_slice()).map(shown);
        let is_whole = old.is_empty() || old.ends_with(b"\n");
        let expected: &[&str] = if is_whole { &[""] } else { &["\\n", "\\r\\n"] };
        prop_assert!(
            added.as_ref().is_some_and(|added| expected.contains(&added.as_str())),
            "{added:?}: {}",
            shown(&new)
        );
        prop_assert_eq!(shown(&run(&new, &profiles).unwrap()), shown(&new));
        Ok(true)
    });
    assert!(written > 1500, "only {written} were written");
}

#[test]
fn a_file_that_is_written_can_be_read_and_defines_what_it_defined_and_our_names() {
    let written = play(files(), |Odd(old)| {
        let profiles = by_users();
        let Ok(new) = run(&old, &profiles) else { return Ok(false) };
        let text = ConfigText::read(&new);
        prop_assert_eq!(&text.problem, &None);
        let names = |text: &ConfigText| text.names().into_iter().map(|(_, name)| name).collect::<Vec<_>>();
        let ours = profiles.sections().unwrap().into_iter().map(|section| section.name);
        let expected: Vec<_> = names(&ConfigText::read(&old)).into_iter().chain(ours).collect();
        prop_assert_eq!(names(&text), expected);
        Ok(true)
    });
    assert!(written > 1500, "only {written} were written");
}

#[test]
fn what_is_refused_has_a_reason_that_the_file_shows() {
    let refused = play(files(), |Odd(old)| {
        let profiles = profiles("orchestera");
        let Err(error) = run(&old, &profiles) else { return Ok(false) };
        let (reason, text) = (error.reason(), ConfigText::read(&old));
        let ours: Vec<_> = profiles.sections().unwrap().into_iter().map(|section| section.name).collect();
        let is_taken = text.names().iter().any(|(_, name)| ours.contains(name));
        let shown_by = [("The AWS CLI cannot read config", text.problem.is_some()), ("config already has [", is_taken)];
        prop_assert!(
            shown_by.iter().any(|(begins, is)| *is && reason.starts_with(begins)),
            "{reason}: {}",
            shown(&old)
        );
        Ok(true)
    });
    assert!(refused > 500, "only {refused} were refused");
}

#[test]
fn a_block_between_the_lines_of_others_is_replaced_where_it_is() {
    let replaced = play((files(), files()), |(Odd(before), Odd(behind))| {
        let Ok(first) = run(&before, &profiles("orchestera")) else { return Ok(false) };
        let old = [first.as_slice(), &behind].concat();
        let Ok(new) = run(&old, &by_users()) else { return Ok(false) };
        let (old, new) = (parts(&old), parts(&new));
        prop_assert_eq!(shown(old.0), shown(new.0));
        prop_assert_eq!(shown(old.2), shown(new.2));
        prop_assert!(old.1 != new.1);
        // And back, unless the names of the first profiles have been taken meanwhile.
        if let Ok(again) = run(&[new.0, new.1, new.2].concat(), &profiles("orchestera")) {
            prop_assert_eq!(shown(&again), shown(&[old.0, old.1, old.2].concat()));
        }
        Ok(true)
    });
    assert!(replaced > 400, "only {replaced} were replaced");
}
