//! A folder with a configuration file, and our profiles in it.

use custom_resource::Result;
use orchestera_cli::aws_config::block;
use orchestera_cli::aws_config::file::{self, Outcome};
use orchestera_cli::aws_config::profiles::{Member, Profiles, SignIn};
use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::Command;

/// The variables that name the file and the prefix, in a process of its own.
pub const IN_CHILD: &str = "ORCHESTERA_TEST_CONFIG";
pub const PREFIX_IN_CHILD: &str = "ORCHESTERA_TEST_PREFIX";
/// No user of the machine.
pub const NOBODY: u32 = 65534;

/// A folder that is deleted with the value.
pub struct Folder(tempfile::TempDir);

impl Folder {
    pub fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    /// One that any user may enter and write.
    pub fn open_to_all() -> Self {
        let folder = Self::new();
        fs::set_permissions(folder.0.path(), PermissionsExt::from_mode(0o777)).unwrap();
        folder
    }

    pub fn path(&self, name: &str) -> PathBuf {
        if name.is_empty() { self.0.path().to_owned() } else { self.0.path().join(name) }
    }

    /// A file with this text.
    pub fn with(&self, name: &str, text: &str) -> PathBuf {
        let path = self.path(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, text).unwrap();
        path
    }

    /// That the file says what it said, and nothing is beside it.
    pub fn is_untouched(&self, text: &str) {
        assert_eq!(fs::read_to_string(self.path("config")).unwrap(), text);
        assert_eq!(names_in(self.0.path()), ["config"]);
    }
}

/// What is in a folder.
pub fn names_in(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let mut names: Vec<String> = entries.collect();
    names.sort();
    names
}

/// Whether the test runs as root, whom no permission stops.
pub fn is_root() -> bool {
    fs::metadata(tempfile::tempdir().unwrap().path()).unwrap().uid() == 0
}

pub fn profiles(prefix: &str) -> Profiles {
    Profiles {
        partition: "aws".to_owned(),
        region: None,
        prefix: prefix.to_owned(),
        management_account_id: "111122223333".to_owned(),
        sign_in: SignIn::IdentityCenter {
            start_url: "https://d-1234567890.awsapps.com/start".to_owned(),
            region: "us-east-1".to_owned(),
            permission_set: "AdministratorAccess".to_owned(),
        },
        members: vec![Member {
            purpose: "spark",
            account_id: "444455556666".to_owned(),
            role_name: "OrganizationAccountAccessRole".to_owned(),
        }],
        bootstrap_role_arn: None,
    }
}

/// The bytes of the file with the profiles.
pub fn bytes(old: &[u8], prefix: &str) -> Result<Vec<u8>> {
    block::edited(Path::new("config"), old, &profiles(prefix))
}

/// The text of a file with the profiles.
pub fn edited(old: &str, prefix: &str) -> String {
    String::from_utf8(bytes(old.as_bytes(), prefix).unwrap()).unwrap()
}

/// The lines of these profiles.
pub fn block(prefix: &str) -> String {
    edited("", prefix)
}

/// As the command does.
pub fn edit(path: &Path, prefix: &str) -> Result<Outcome> {
    file::update(path, |old| bytes(old, prefix))
}

/// Why not.
pub fn refusal(path: &Path) -> String {
    edit(path, "orchestera").unwrap_err().reason()
}

/// A run in a process of its own.
pub struct Child<'a> {
    pub path: &'a Path,
    pub prefix: &'a str,
    /// What the shell does before.
    pub before: &'a str,
    pub is_nobody: bool,
}

impl<'a> Child<'a> {
    pub fn new(path: &'a Path) -> Self {
        Self { path, prefix: "orchestera", before: "", is_nobody: false }
    }

    pub fn said(&self) -> String {
        // Another user may not be able to come to where this program was built. Were it copied by this process, a process
        // that another thread starts meanwhile would still have it open to write, and it could not be run.
        let programs = Folder::open_to_all();
        let program = programs.path("program");
        assert!(Command::new("cp").arg(std::env::current_exe().unwrap()).arg(&program).status().unwrap().success());
        let mut shell = Command::new("sh");
        shell
            .args(["-c", &format!("{} exec \"$0\" \"$@\"", self.before)])
            .arg(&program)
            .args(["--exact", "files::edits_the_file_that_the_environment_names", "--ignored", "--nocapture"])
            .env(IN_CHILD, self.path)
            .env(PREFIX_IN_CHILD, self.prefix);
        if self.is_nobody {
            shell.uid(NOBODY).gid(NOBODY);
        }
        let done = shell.output().unwrap();
        let said = String::from_utf8_lossy(&done.stdout).into_owned();
        assert!(done.status.success() && said.contains("1 passed"), "{said}{}", String::from_utf8_lossy(&done.stderr));
        said
    }
}
