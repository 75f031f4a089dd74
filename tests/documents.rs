//! The documents against the code that they speak of.

use std::collections::BTreeSet;
use std::path::Path;

fn read(path: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(path);
    std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// The tests of what an event does, beside those in `tests/lifecycle/`.
const OTHER_LIFECYCLES: [&str; 3] =
    ["tests/drift.rs", "crates/organization/tests/account.rs", "crates/organization/tests/organization.rs"];

/// Names of the tests in `tests/lifecycle/` and [`OTHER_LIFECYCLES`].
fn lifecycle_tests() -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/lifecycle");
    let files = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| format!("tests/lifecycle/{}", entry.unwrap().file_name().display()));
    for file in files.chain(OTHER_LIFECYCLES.map(str::to_owned)) {
        let text = read(&file);
        for after in text.split("#[tokio::test(start_paused = true)]\nasync fn ").skip(1) {
            names.insert(after.split('(').next().unwrap().to_owned());
        }
    }
    assert!(names.len() > 100);
    names
}

#[test]
fn every_row_of_the_semantics_names_tests_that_exist_and_no_test_is_without_a_row() {
    let semantics = read("docs/semantics.md");
    let rows = semantics.lines().filter(|line| line.starts_with("| ")).filter_map(|row| row.rsplit(" | ").next());
    let named: BTreeSet<String> = rows
        .flat_map(|cell| cell.split('`').skip(1).step_by(2))
        .filter(|name| name.contains('_'))
        .map(str::to_owned)
        .collect();
    let tests = lifecycle_tests();
    assert_eq!(
        named.difference(&tests).collect::<Vec<_>>(),
        Vec::<&String>::new(),
        "rows name tests that do not exist"
    );
    assert_eq!(tests.difference(&named).collect::<Vec<_>>(), Vec::<&String>::new(), "tests without a row");
}

#[test]
fn the_release_that_the_documents_speak_of_is_this_one() {
    let version = env!("CARGO_PKG_VERSION");
    assert!(read("CHANGELOG.md").contains(&format!("## [{version}]")), "CHANGELOG.md has no section {version}");
}

#[test]
fn every_event_of_the_folder_is_played_to_the_built_function() {
    let plays = read("tests/process.rs");
    let files = std::fs::read_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("events")).unwrap().flatten();
    let names = files.filter_map(|file| Some(file.file_name().to_str()?.strip_suffix(".json")?.to_owned()));
    let left_out: Vec<_> = names.filter(|name| !plays.contains(&format!("\"{name}\""))).collect();
    assert_eq!(left_out, Vec::<String>::new());
}
