//! The documents against the code that they speak of.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

fn read(path: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(path);
    std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// The tests of what an event does, beside those in `tests/lifecycle/`.
const OTHER_LIFECYCLES: [&str; 6] = [
    "tests/drift.rs",
    "crates/organization/tests/account.rs",
    "crates/organization/tests/contact.rs",
    "crates/organization/tests/identity_center.rs",
    "crates/organization/tests/organization.rs",
    "crates/organization/tests/people.rs",
];

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

/// The folders whose Markdown files link to each other. A crate's folder has its own.
const FOLDERS: [&str; 9] = ["", "bench", "crates", "docs", "events", "fuzz", "local", "policies", "site"];

/// Every Markdown file in [`FOLDERS`] and in the folders right below `crates`, by its path.
fn documents() -> BTreeMap<String, String> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let inside = |folder: &str| -> Vec<String> {
        let Ok(entries) = std::fs::read_dir(root.join(folder)) else { return Vec::new() };
        let names = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap());
        names.map(|name| if folder.is_empty() { name } else { format!("{folder}/{name}") }).collect()
    };
    let folders = FOLDERS.iter().map(|folder| (*folder).to_owned()).chain(inside("crates"));
    let files = folders.flat_map(|folder| inside(&folder)).filter(|path| path.ends_with(".md"));
    files.map(|path| (path.clone(), read(&path))).collect()
}

/// The text without its blocks of code.
fn without_code(text: &str) -> String {
    let mut is_code = false;
    let lines = text.lines().filter(|line| {
        let is_fence = line.trim_start().starts_with("```");
        is_code ^= is_fence;
        !is_code && !is_fence
    });
    lines.collect::<Vec<_>>().join("\n")
}

/// What GitHub makes of a heading, to link to it.
fn anchor(heading: &str) -> String {
    let heading = heading.trim().to_lowercase();
    let kept = heading.chars().filter(|c| c.is_alphanumeric() || " -_".contains(*c));
    kept.map(|c| if c == ' ' { '-' } else { c }).collect()
}

#[test]
fn every_link_from_a_document_to_another_leads_to_a_file_and_a_heading_of_it() {
    let documents = documents();
    let mut broken = Vec::new();
    let mut links = 0;
    for (path, text) in &documents {
        let text = without_code(text);
        let inline = text.split("](").skip(1).filter_map(|rest| rest.split(')').next());
        let references = text.lines().filter_map(|line| line.strip_prefix('[')?.split_once("]: ").map(|(_, to)| to));
        for link in inline.chain(references).map(str::trim).filter(|link| !link.contains("://")) {
            links += 1;
            let (file, heading) = link.split_once('#').unwrap_or((link, ""));
            let folder = Path::new(path).parent().unwrap();
            let target = if file.is_empty() { path.clone() } else { normal(&folder.join(file)) };
            let exists = Path::new(env!("CARGO_MANIFEST_DIR")).join(&target).exists();
            let has_heading = heading.is_empty()
                || documents.get(&target).is_some_and(|text| {
                    without_code(text)
                        .lines()
                        .any(|line| line.starts_with('#') && anchor(line.trim_start_matches('#')) == heading)
                });
            if !exists || !has_heading {
                broken.push(format!("{path}: {link}"));
            }
        }
    }
    assert!(links > 100, "{links}");
    assert!(broken.is_empty(), "{}", broken.join("\n"));
}

/// The path without `..`.
fn normal(path: &Path) -> String {
    let mut parts: Vec<String> = Vec::new();
    for part in path.components() {
        match part.as_os_str().to_str().unwrap() {
            ".." => drop(parts.pop()),
            "." => {}
            name => parts.push(name.to_owned()),
        }
    }
    parts.join("/")
}
