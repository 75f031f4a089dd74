//! The file itself: owner, mode, links, locks, and what cannot be written.

use crate::folder::{
    Child, Folder, IN_CHILD, NOBODY, PREFIX_IN_CHILD, block, bytes, edit, edited, is_root, names_in, profiles, refusal,
};
use orchestera_cli::aws_config::file::{self, Outcome};
use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt, chown, symlink};
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;

const OTHERS: &str = "# mine\n[default]\nregion = eu-west-1\n";
/// The limit counts for files of the process. Its signal is ignored, so that the write fails, as on a full disk.
const DISK_IS_FULL: &str = "trap '' XFSZ; ulimit -f 0;";

fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().permissions().mode() & 0o7777
}

#[test]
fn a_file_that_is_not_there_is_created_with_its_folder_for_its_owner_alone() {
    let folder = Folder::new();
    let path = folder.path("home/.aws/config");
    assert_eq!(edit(&path, "orchestera").unwrap(), Outcome::Written);
    assert_eq!(fs::read_to_string(&path).unwrap(), block("orchestera"));
    assert_eq!((mode(&path), mode(path.parent().unwrap())), (0o600, 0o700));
    assert_eq!(names_in(path.parent().unwrap()), ["config"]);
}

#[test]
fn the_mode_of_the_file_stays() {
    for wanted in [0o600, 0o640, 0o666, 0o700] {
        let folder = Folder::new();
        let path = folder.with("config", OTHERS);
        fs::set_permissions(&path, PermissionsExt::from_mode(wanted)).unwrap();
        edit(&path, "orchestera").unwrap();
        assert_eq!(mode(&path), wanted, "{wanted:o}");
        assert_eq!(fs::read_to_string(&path).unwrap(), edited(OTHERS, "orchestera"));
    }
}

#[test]
fn the_owner_of_the_file_stays() {
    if !is_root() {
        eprintln!("Not tried: only root can give a file to another user.");
        return;
    }
    let folder = Folder::new();
    let path = folder.with("config", OTHERS);
    chown(&path, Some(1234), Some(4321)).unwrap();
    fs::set_permissions(&path, PermissionsExt::from_mode(0o640)).unwrap();
    edit(&path, "orchestera").unwrap();
    let metadata = fs::metadata(&path).unwrap();
    assert_eq!((metadata.uid(), metadata.gid(), mode(&path)), (1234, 4321, 0o640));
    assert_eq!(fs::read_to_string(&path).unwrap(), edited(OTHERS, "orchestera"));
}

#[test]
fn a_file_whose_owner_cannot_be_kept_stays_as_it_is() {
    if !is_root() {
        eprintln!("Not tried: only root can make a file that belongs to another user.");
        return;
    }
    let folder = Folder::open_to_all();
    let path = folder.with("config", OTHERS);
    fs::set_permissions(&path, PermissionsExt::from_mode(0o666)).unwrap();
    let said = Child { is_nobody: true, ..Child::new(&path) }.said();
    assert!(said.contains("belongs to the user 0 and the group 0, which cannot be kept"), "{said}");
    assert!(said.contains("Run the command as that user."), "{said}");
    folder.is_untouched(OTHERS);
}

#[test]
fn a_file_that_is_the_same_afterwards_is_not_written() {
    let folder = Folder::new();
    let path = folder.with("config", &edited(OTHERS, "orchestera"));
    let before = fs::metadata(&path).unwrap();
    assert_eq!(edit(&path, "orchestera").unwrap(), Outcome::Unchanged);
    let after = fs::metadata(&path).unwrap();
    assert_eq!((after.ino(), after.modified().unwrap()), (before.ino(), before.modified().unwrap()));
}

#[test]
fn a_symbolic_link_stays_and_the_file_behind_it_is_replaced() {
    let folder = Folder::new();
    let dotfiles = folder.with("dotfiles/aws", OTHERS);
    symlink("aws", folder.path("dotfiles/link")).unwrap();
    fs::create_dir(folder.path(".aws")).unwrap();
    let path = folder.path(".aws/config");
    symlink("../dotfiles/link", &path).unwrap();
    edit(&path, "orchestera").unwrap();
    assert_eq!(fs::read_link(&path).unwrap(), Path::new("../dotfiles/link"));
    assert_eq!(fs::read_link(folder.path("dotfiles/link")).unwrap(), Path::new("aws"));
    assert_eq!(fs::read_to_string(dotfiles).unwrap(), edited(OTHERS, "orchestera"));
    assert_eq!(names_in(&folder.path("dotfiles")), ["aws", "link"]);
    assert_eq!(names_in(&folder.path(".aws")), ["config"]);
}

#[test]
fn a_symbolic_link_to_a_file_that_is_not_there_creates_that_file() {
    let folder = Folder::new();
    let path = folder.path("config");
    symlink("dotfiles/aws", &path).unwrap();
    edit(&path, "orchestera").unwrap();
    assert_eq!(fs::read_link(&path).unwrap(), Path::new("dotfiles/aws"));
    assert_eq!(fs::read_to_string(folder.path("dotfiles/aws")).unwrap(), block("orchestera"));
}

#[test]
fn symbolic_links_in_a_circle_are_refused() {
    let folder = Folder::new();
    symlink("b", folder.path("a")).unwrap();
    symlink("a", folder.path("b")).unwrap();
    assert!(refusal(&folder.path("a")).contains("leads in a circle"));
}

#[test]
fn a_file_with_a_second_name_is_refused() {
    let folder = Folder::new();
    let path = folder.with("config", OTHERS);
    fs::hard_link(&path, folder.path("other")).unwrap();
    assert!(refusal(&path).contains("has 2 names (hard links)"));
    assert_eq!(fs::read_to_string(&path).unwrap(), OTHERS);
    assert_eq!(names_in(&folder.path("")), ["config", "other"]);
}

#[test]
fn what_is_no_regular_file_is_refused_and_not_waited_for() {
    let folder = Folder::new();
    fs::create_dir(folder.path("config")).unwrap();
    let pipe = folder.path("pipe");
    assert!(std::process::Command::new("mkfifo").arg(&pipe).status().unwrap().success());
    for path in [folder.path("config"), pipe, "/dev/null".into()] {
        assert!(refusal(&path).contains("is no regular file. Set AWS_CONFIG_FILE"), "{}", path.display());
    }
}

#[test]
fn a_folder_that_may_not_be_written_leaves_the_file_as_it_was() {
    let folder = Folder::open_to_all();
    let path = folder.with("config", OTHERS);
    give_to_nobody(&path);
    give_to_nobody(&folder.path(""));
    fs::set_permissions(folder.path(""), PermissionsExt::from_mode(0o555)).unwrap();
    let said = Child { is_nobody: is_root(), ..Child::new(&path) }.said();
    fs::set_permissions(folder.path(""), PermissionsExt::from_mode(0o755)).unwrap();
    assert!(said.contains("cannot be written (Permission denied"), "{said}");
    assert!(said.contains("Give your user the permission to write the file and its folder"), "{said}");
    folder.is_untouched(OTHERS);
}

#[test]
fn a_file_that_may_not_be_written_is_not_replaced_either() {
    let folder = Folder::open_to_all();
    let path = folder.with("config", OTHERS);
    give_to_nobody(&path);
    give_to_nobody(&folder.path(""));
    fs::set_permissions(&path, PermissionsExt::from_mode(0o444)).unwrap();
    let said = Child { is_nobody: is_root(), ..Child::new(&path) }.said();
    assert!(said.contains("config cannot be written (Permission denied"), "{said}");
    folder.is_untouched(OTHERS);
}

/// What no permission stops is tried as another user.
fn give_to_nobody(path: &Path) {
    if is_root() {
        chown(path, Some(NOBODY), Some(NOBODY)).unwrap();
    }
}

#[test]
fn a_full_disk_leaves_the_file_as_it_was() {
    let folder = Folder::new();
    let path = folder.with("config", OTHERS);
    let said = Child { before: DISK_IS_FULL, ..Child::new(&path) }.said();
    assert!(said.contains("cannot be written (File too large"), "{said}");
    assert!(said.contains("Free some space on the disk, then run the command again. Nothing was written."), "{said}");
    folder.is_untouched(OTHERS);
}

#[test]
fn a_full_disk_leaves_no_file_where_there_was_none() {
    let folder = Folder::new();
    let said = Child { before: DISK_IS_FULL, ..Child::new(&folder.path("config")) }.said();
    assert!(said.contains("Free some space on the disk"), "{said}");
    assert_eq!(names_in(&folder.path("")), [""; 0]);
}

#[test]
fn a_refusal_leaves_no_file_where_there_was_none() {
    let folder = Folder::new();
    let path = folder.path("config");
    assert!(file::update(&path, |_| Err(custom_resource::Error::refused("no"))).is_err());
    assert_eq!(names_in(&folder.path("")), [""; 0]);
}

#[test]
fn runs_at_the_same_time_all_end_up_in_the_file() {
    for others in [None, Some(OTHERS)] {
        let folder = Folder::new();
        let path = folder.path("config");
        if let Some(others) = others {
            folder.with("config", others);
        }
        let prefixes: Vec<String> = (0..16).map(|number| format!("p{number}")).collect();
        thread::scope(|scope| {
            for prefix in &prefixes {
                scope.spawn(|| edit(&path, prefix).unwrap());
            }
        });
        let text = fs::read_to_string(&path).unwrap();
        assert!(text.starts_with(others.unwrap_or_default()));
        for prefix in &prefixes {
            assert_eq!(text.matches(&block(prefix)).count(), 1, "{prefix}: {text}");
        }
        assert_eq!(names_in(&folder.path("")), ["config"]);
    }
}

#[test]
fn processes_at_the_same_time_all_end_up_in_the_file() {
    let folder = Folder::new();
    let path = folder.with("config", OTHERS);
    let prefixes = ["a", "b", "c", "d"];
    thread::scope(|scope| {
        for prefix in prefixes {
            let path = &path;
            scope.spawn(move || Child { prefix, ..Child::new(path) }.said());
        }
    });
    let text = fs::read_to_string(&path).unwrap();
    assert!(prefixes.iter().all(|prefix| text.contains(&block(prefix))), "{text}");
}

#[test]
fn a_reader_sees_the_old_file_or_the_new_one() {
    let folder = Folder::new();
    let path = folder.with("config", OTHERS);
    let (one, other) = (OTHERS.to_owned(), OTHERS.repeat(100).replace("[default]", "# more"));
    let is_over = AtomicBool::new(false);
    let seen = AtomicUsize::new(0);
    thread::scope(|scope| {
        scope.spawn(|| {
            while !is_over.load(Ordering::Relaxed) {
                let read = fs::read_to_string(&path).unwrap();
                assert!(read == one || read == other, "{} bytes", read.len());
                seen.fetch_add(1, Ordering::Relaxed);
            }
        });
        for round in 0..200 {
            let new = if round % 2 == 0 { &other } else { &one };
            file::update(&path, |_| Ok(new.as_bytes().to_vec())).unwrap();
        }
        is_over.store(true, Ordering::Relaxed);
    });
    assert!(seen.load(Ordering::Relaxed) > 0);
}

#[test]
fn what_somebody_writes_without_a_lock_meanwhile_is_kept() {
    let replaced = |path: &Path, text: &str| {
        fs::write(path.with_extension("new"), text).unwrap();
        fs::rename(path.with_extension("new"), path).unwrap();
    };
    // In place, as the AWS CLI does, and by another file, as an editor does.
    for write in [|path: &Path, text: &str| fs::write(path, text).unwrap(), replaced] {
        let folder = Folder::new();
        let path = folder.with("config", OTHERS);
        let theirs = format!("{OTHERS}[profile theirs]\nregion = x\n");
        let rounds = AtomicUsize::new(0);
        let outcome = file::update(&path, |old| {
            if rounds.fetch_add(1, Ordering::Relaxed) == 0 {
                write(&path, &theirs);
            }
            bytes(old, "orchestera")
        });
        assert_eq!(outcome.unwrap(), Outcome::Written);
        assert_eq!(fs::read_to_string(&path).unwrap(), edited(&theirs, "orchestera"));
        assert_eq!(rounds.into_inner(), 2);
    }
}

#[test]
fn what_was_decided_on_an_older_text_is_decided_again() {
    for decide in [|_: &[u8]| Err(custom_resource::Error::refused("no")), |old: &[u8]| Ok(old.to_vec())] {
        let folder = Folder::new();
        let path = folder.with("config", OTHERS);
        let theirs = format!("{OTHERS}[profile theirs]\n");
        let rounds = AtomicUsize::new(0);
        let outcome = file::update(&path, |old| {
            if rounds.fetch_add(1, Ordering::Relaxed) > 0 {
                return bytes(old, "orchestera");
            }
            fs::write(folder.path("new"), &theirs).unwrap();
            fs::rename(folder.path("new"), &path).unwrap();
            decide(old)
        });
        assert_eq!(outcome.unwrap(), Outcome::Written);
        assert_eq!(fs::read_to_string(&path).unwrap(), edited(&theirs, "orchestera"));
    }
}

#[test]
fn the_file_is_where_the_aws_cli_looks_for_it() {
    let config = |set: &[(&str, &str)]| {
        let set: Vec<(String, String)> = set.iter().map(|(name, value)| ((*name).into(), (*value).into())).collect();
        file::config(|name| set.iter().find(|(one, _)| one == name).map(|(_, value)| value.into()))
    };
    let home = ("HOME", "/home/ann");
    assert_eq!(config(&[home]).unwrap(), Path::new("/home/ann/.aws/config"));
    assert_eq!(config(&[home, ("AWS_CONFIG_FILE", "")]).unwrap(), Path::new("/home/ann/.aws/config"));
    assert_eq!(config(&[home, ("AWS_CONFIG_FILE", "/etc/aws")]).unwrap(), Path::new("/etc/aws"));
    assert_eq!(config(&[home, ("AWS_CONFIG_FILE", "~/aws")]).unwrap(), Path::new("/home/ann/aws"));
    assert!(config(&[home, ("AWS_CONFIG_FILE", "$HOME/aws")]).unwrap_err().reason().contains("with a variable in it"));
    let credentials = file::credentials(|name| (name == "HOME").then(|| "/home/ann".into()));
    assert_eq!(credentials.unwrap(), Path::new("/home/ann/.aws/credentials"));
}

#[test]
#[ignore = "other tests run it in a process of its own"]
#[expect(clippy::print_stdout, reason = "the test that runs this one reads it")]
fn edits_the_file_that_the_environment_names() {
    let path = std::env::var_os(IN_CHILD).expect("set by the test that runs this one");
    let prefix = std::env::var(PREFIX_IN_CHILD).unwrap();
    match edit(Path::new(&path), &prefix) {
        Ok(outcome) => println!("{outcome:?}, {} profiles", profiles(&prefix).members.len()),
        Err(error) => println!("{}", error.reason()),
    }
}
