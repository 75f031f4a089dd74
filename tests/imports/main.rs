//! Imports run one way: no file of `src/` or of a crate imports a file that imports it, directly or through others.

mod graph;

use graph::{Crate, Files, Imports, cycles, imports};
use std::path::Path;

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// The crates that the function is built of.
fn crates() -> Vec<Crate> {
    let folders = std::fs::read_dir(root().join("crates")).into_iter().flatten();
    let folders = folders.map(|folder| format!("crates/{}/", folder.unwrap().file_name().display()));
    let mut folders: Vec<_> = folders.filter(|folder| root().join(folder).join("Cargo.toml").exists()).collect();
    folders.push(String::new());
    let name = |folder: &String| {
        let manifest = std::fs::read_to_string(root().join(folder).join("Cargo.toml")).unwrap();
        let package = manifest.split("[package]").nth(1).expect("a package");
        let name = package.lines().find_map(|line| line.strip_prefix("name = ")).expect("its name");
        name.trim_matches('"').replace('-', "_")
    };
    folders.iter().map(|folder| (name(folder), format!("{folder}src"))).collect()
}

fn read(folder: &str, files: &mut Files) {
    for entry in std::fs::read_dir(root().join(folder)).unwrap() {
        let path = format!("{folder}/{}", entry.unwrap().file_name().display());
        if root().join(&path).is_dir() {
            read(&path, files);
        } else if path.ends_with(".rs") {
            let text = std::fs::read_to_string(root().join(&path)).unwrap();
            files.insert(path, text);
        }
    }
}

#[test]
fn no_file_imports_a_file_that_imports_it() {
    let (crates, mut files) = (crates(), Files::new());
    crates.iter().for_each(|(_, folder)| read(folder, &mut files));
    let imports = imports(&files, &crates);
    // Enough is seen, so that no cycle means something.
    assert!(imports.len() * 2 > files.len(), "{} of {} files import another", imports.len(), files.len());
    assert!(imports["src/goal.rs"].contains_key("src/properties.rs"), "{:?}", imports["src/goal.rs"]);
    assert_eq!(shown(&imports), "", "files that import each other; move what both need to a file that imports neither");
}

/// A line for each cycle.
fn shown(imports: &Imports) -> String {
    let step = |(file, path): &(String, String)| format!("{file} ({path})");
    let line = |cycle: &Vec<_>| cycle.iter().map(step).collect::<Vec<_>>().join(" -> ");
    cycles(imports).iter().map(line).collect::<Vec<_>>().join("\n")
}

/// The cycles in a crate `k` of these files.
fn cycles_in(files: &[(&str, &str)]) -> String {
    let files = files.iter().map(|(path, code)| ((*path).to_owned(), (*code).to_owned())).collect();
    let crates =
        [("k", "src"), ("other", "crates/other/src")].map(|(name, folder)| (name.to_owned(), folder.to_owned()));
    shown(&imports(&files, &crates))
}

#[test]
fn two_files_that_import_each_other_are_a_cycle_however_they_do() {
    for back in [
        "use crate::a::A;",
        "use crate::{a::A, c::C};",
        "use crate::a::{self as x, A};",
        "use crate::a::*;",
        "pub use crate::a::A;",
        "use super::a::A;",
        "use super::a;",
        "use self::inner::X; mod inner { use super::super::a::A; }",
        "fn f() { crate::a::f() }",
        "fn f() { use crate::a::A; }",
        "fn f(a: &[crate::a::A]) {}",
        "fn f() { println!(\"{}\", crate::a::NAME); }",
        "use crate as here; fn f() { here::a::f() }",
        "#[cfg(not(test))] use crate::a::A;",
        "impl crate::a::Trait for B {}",
    ] {
        let found = cycles_in(&[
            ("src/lib.rs", "mod a; mod b; mod c;"),
            ("src/a.rs", "use crate::b::B;"),
            ("src/b.rs", back),
            ("src/c.rs", ""),
        ]);
        assert!(found.starts_with("src/a.rs (k::b::B) -> src/b.rs (k::a"), "{back}: {found}");
    }
}

#[test]
fn three_files_in_a_circle_are_a_cycle_and_so_are_a_parent_and_its_child() {
    let found = cycles_in(&[
        ("src/lib.rs", "mod a; mod b; mod c;"),
        ("src/a.rs", "use crate::b::B;"),
        ("src/b.rs", "use crate::c::C;"),
        ("src/c.rs", "use crate::a::A;"),
    ]);
    assert_eq!(found, "src/a.rs (k::b::B) -> src/b.rs (k::c::C) -> src/c.rs (k::a::A)");
    for (parent, child) in [
        ("mod child; use child::C; pub struct P;", "use super::P;"),
        ("mod child; fn f() { child::f() }", "use crate::parent::P;"),
        ("pub mod child; pub use child::C;", "fn f(p: super::P) {}"),
    ] {
        let found =
            cycles_in(&[("src/lib.rs", "mod parent;"), ("src/parent.rs", parent), ("src/parent/child.rs", child)]);
        assert!(found.contains("src/parent.rs") && found.contains("src/parent/child.rs"), "{parent}: {found}");
    }
    // A re-export counts for the file that has it: who imports through it imports that file.
    let found = cycles_in(&[
        ("src/lib.rs", "mod a; mod b; mod c;"),
        ("src/a.rs", "pub use crate::b::B;"),
        ("src/b.rs", "use crate::c::C;"),
        ("src/c.rs", "use crate::a::B;"),
    ]);
    assert_eq!(found, "src/a.rs (k::b::B) -> src/b.rs (k::c::C) -> src/c.rs (k::a::B)");
}

#[test]
fn crates_and_executables_are_seen_too() {
    let found = cycles_in(&[
        ("src/lib.rs", "pub mod a;"),
        ("src/a.rs", ""),
        ("src/main.rs", "use k::a::A;"),
        ("crates/other/src/lib.rs", "mod a; mod b;"),
        ("crates/other/src/a/mod.rs", "use crate::b::B; use k::a::A;"),
        ("crates/other/src/b.rs", "use other::a::A;"),
    ]);
    assert_eq!(found, "crates/other/src/a/mod.rs (other::b::B) -> crates/other/src/b.rs (other::a::A)");
}

#[test]
fn declarations_tests_and_visibilities_are_no_imports() {
    for parent in [
        "mod child; pub struct P;",
        "pub mod child; pub struct P;",
        "mod child; #[cfg(test)] use child::C;",
        "mod child; #[cfg(test)] mod checks { use super::child::C; }",
        "mod child; mod tests { use super::child::C; }",
        "mod child; #[cfg(all(test, unix))] fn f() { child::f() }",
        "mod child; impl P { #[cfg(test)] fn f() { child::f() } }",
        "mod child; #[cfg(test)] mod tests;",
        "/// See [`child::C`]. use child::C;\nmod child; const TEXT: &str = \"use child::C;\";",
    ] {
        let child = "use super::P; pub(super) fn f() {} pub(in crate::parent) struct C; use std::fmt;";
        let found = cycles_in(&[
            ("src/lib.rs", "mod parent;"),
            ("src/parent.rs", parent),
            ("src/parent/child.rs", child),
            ("src/parent/tests.rs", "use super::child::C;"),
        ]);
        assert_eq!(found, "", "{parent}");
    }
}
