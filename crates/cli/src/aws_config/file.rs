//! Which file it is, and its replacement in one step.
//!
//! A reader sees the old file or the new one, never a part. If anything fails, the old file is still there, with its
//! owner and mode. A symbolic link stays, and the file that it points at is replaced.

use custom_resource::error::{Error, Result};
use std::ffi::OsString;
use std::fs::{self, DirBuilder, File, Metadata, OpenOptions, Permissions, TryLockError};
use std::io::{self, ErrorKind, Read, Seek, Write};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt, PermissionsExt, fchown};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};
use std::thread;
use std::time::{Duration, Instant};

/// How long another run may take. It needs some milliseconds.
const LONGEST_WAIT: Duration = Duration::from_secs(30);
const BETWEEN_TRIES: Duration = Duration::from_millis(10);
/// As many as Linux follows.
const MOST_LINKS: usize = 40;
/// As the AWS CLI creates the file and its folder.
const MODE_OF_FILE: u32 = 0o600;
const MODE_OF_FOLDER: u32 = 0o700;

/// What became of the file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    Unchanged,
    Written,
}

/// `~/.aws/config`, or what `AWS_CONFIG_FILE` names. `variable` reads the environment.
pub fn config(variable: impl Fn(&str) -> Option<OsString>) -> Result<PathBuf> {
    location("AWS_CONFIG_FILE", ".aws/config", variable)
}

/// `~/.aws/credentials`, or what `AWS_SHARED_CREDENTIALS_FILE` names.
pub fn credentials(variable: impl Fn(&str) -> Option<OsString>) -> Result<PathBuf> {
    location("AWS_SHARED_CREDENTIALS_FILE", ".aws/credentials", variable)
}

fn location(name: &str, of_home: &str, variable: impl Fn(&str) -> Option<OsString>) -> Result<PathBuf> {
    let named = variable(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    let home = || {
        let home = variable("HOME").filter(|home| !home.is_empty()).map(PathBuf::from).or_else(std::env::home_dir);
        home.ok_or_else(|| {
            Error::refused(format!("The home directory is unknown. Set HOME, or {name}, and try again."))
        })
    };
    let Some(named) = named else { return Ok(home()?.join(of_home)) };
    if let Ok(below) = named.strip_prefix("~") {
        return Ok(home()?.join(below));
    }
    // The AWS CLI replaces variables in it, the SDKs do not.
    if named.to_string_lossy().contains('$') {
        let named = named.display();
        return Err(Error::refused(format!("{name} is {named}, with a variable in it. Set it to the path itself.")));
    }
    Ok(named)
}

/// Its bytes. Blank if it is not there.
pub fn read(path: &Path) -> Result<Vec<u8>> {
    match fs::read(path) {
        Ok(bytes) => Ok(bytes),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(Vec::new()),
        Err(error) => Err(refused(path, "cannot be read", &error)),
    }
}

/// Replaces the file by what `edit` makes of its bytes. Runs at the same time wait for each other.
pub fn update(path: &Path, edit: impl Fn(&[u8]) -> Result<Vec<u8>>) -> Result<Outcome> {
    let ends = Instant::now() + LONGEST_WAIT;
    loop {
        let target = target(path)?;
        let opened = Opened::at(&target)?;
        let outcome = opened.locked(ends).and_then(|()| opened.update(&edit));
        if opened.is_created && !matches!(outcome, Ok(Some(Outcome::Written))) {
            opened.remove();
        }
        match outcome? {
            Some(outcome) => return Ok(outcome),
            // Somebody else was at work.
            None if Instant::now() < ends => thread::sleep(BETWEEN_TRIES),
            None => return Err(busy(&target)),
        }
    }
}

/// The file that a symbolic link points at in the end, whether it exists or not.
fn target(path: &Path) -> Result<PathBuf> {
    let mut target = path.to_owned();
    for _ in 0..MOST_LINKS {
        match fs::read_link(&target) {
            Ok(link) => target = folder(&target).join(link),
            Err(_) => return Ok(target),
        }
    }
    Err(Error::refused(format!("{} is a symbolic link that leads in a circle. Delete it.", path.display())))
}

fn folder(path: &Path) -> &Path {
    path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

/// The file, open. Its lock is on the file itself, because a file beside it would stay in the folder.
struct Opened<'a> {
    path: &'a Path,
    file: File,
    metadata: Metadata,
    is_created: bool,
}

impl<'a> Opened<'a> {
    fn at(path: &'a Path) -> Result<Self> {
        // Before it is opened: that would wait for the other end of a pipe.
        if fs::metadata(path).is_ok_and(|metadata| !metadata.is_file()) {
            return Err(Error::refused(format!(
                "{} is no regular file. Set AWS_CONFIG_FILE to a file, or unset it for ~/.aws/config.",
                path.display()
            )));
        }
        let mut is_created = false;
        // Also to write, although it is replaced: who may not write it may not replace it.
        let mut opened = OpenOptions::new().read(true).write(true).open(path);
        if opened.as_ref().is_err_and(|error| error.kind() == ErrorKind::NotFound) {
            let folder = folder(path);
            DirBuilder::new()
                .recursive(true)
                .mode(MODE_OF_FOLDER)
                .create(folder)
                .map_err(|error| refused(folder, "cannot be created", &error))?;
            opened = OpenOptions::new().read(true).write(true).create_new(true).mode(MODE_OF_FILE).open(path);
            is_created = opened.is_ok();
            if opened.as_ref().is_err_and(|error| error.kind() == ErrorKind::AlreadyExists) {
                opened = OpenOptions::new().read(true).write(true).open(path);
            }
        }
        let file = opened.map_err(|error| refused(path, "cannot be written", &error))?;
        let metadata = file.metadata().map_err(|error| refused(path, "cannot be read", &error))?;
        Ok(Self { path, file, metadata, is_created })
    }

    fn locked(&self, ends: Instant) -> Result<()> {
        loop {
            match self.file.try_lock() {
                Ok(()) => return Ok(()),
                Err(TryLockError::WouldBlock) if Instant::now() < ends => thread::sleep(BETWEEN_TRIES),
                Err(TryLockError::WouldBlock) => return Err(busy(self.path)),
                // Some network file systems have no locks. The file is still read again before it is replaced.
                Err(TryLockError::Error(_)) => return Ok(()),
            }
        }
    }

    /// `None` if it has to be tried again.
    fn update(&self, edit: impl Fn(&[u8]) -> Result<Vec<u8>>) -> Result<Option<Outcome>> {
        let old = self.bytes()?;
        let new = edit(&old);
        let beside = match &new {
            Ok(new) if *new != old => Some(self.beside(new)?),
            _ => None,
        };
        // Another run has replaced it before this one had its lock, or somebody wrote it without one: the AWS CLI has none.
        if !self.is_in_place() || self.bytes()? != old {
            return Ok(None);
        }
        new?;
        let Some(beside) = beside else { return Ok(Some(Outcome::Unchanged)) };
        beside.put_in_place(self.path)?;
        Ok(Some(Outcome::Written))
    }

    fn beside(&self, new: &[u8]) -> Result<Beside> {
        if self.metadata.nlink() > 1 {
            return Err(Error::refused(format!(
                "{} has {} names (hard links), which would no longer be one file. Replace them by symbolic links. Nothing \
                 was written.",
                self.path.display(),
                self.metadata.nlink()
            )));
        }
        Beside::new(self.path, &self.metadata, new)
    }

    fn bytes(&self) -> Result<Vec<u8>> {
        let mut bytes = Vec::new();
        let mut file = &self.file;
        file.rewind()
            .and_then(|()| file.read_to_end(&mut bytes))
            .map_err(|error| refused(self.path, "cannot be read", &error))?;
        Ok(bytes)
    }

    /// Whether the name still leads to the file that is open: another run may have replaced it.
    fn is_in_place(&self) -> bool {
        let now = fs::metadata(self.path);
        now.is_ok_and(|now| (now.dev(), now.ino()) == (self.metadata.dev(), self.metadata.ino()))
    }

    /// After a failure. It was created empty.
    fn remove(&self) {
        if self.is_in_place() && self.bytes().is_ok_and(|bytes| bytes.is_empty()) {
            let _ = fs::remove_file(self.path);
        }
    }
}

/// The new file, in the same folder. It is removed unless it is put in place.
struct Beside {
    path: PathBuf,
    is_in_place: bool,
}

impl Beside {
    fn new(of: &Path, metadata: &Metadata, bytes: &[u8]) -> Result<Self> {
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        let folder = folder(of);
        let (path, file) = loop {
            let number = NUMBER.fetch_add(1, Ordering::Relaxed);
            let path = folder.join(format!(".orchestera-aws-config-{}-{number}", std::process::id()));
            match OpenOptions::new().write(true).create_new(true).mode(MODE_OF_FILE).open(&path) {
                Ok(file) => break (path, file),
                // Left by a run that was killed.
                Err(error) if error.kind() == ErrorKind::AlreadyExists => {}
                Err(error) => return Err(refused(folder, "cannot be written", &error)),
            }
        };
        let beside = Self { path, is_in_place: false };
        own(&file, metadata).map_err(|error| {
            Error::refused(format!(
                "{} belongs to the user {} and the group {}, which cannot be kept ({error}). Run the command as that user. \
                 Nothing was written.",
                of.display(),
                metadata.uid(),
                metadata.gid()
            ))
        })?;
        fill(&file, metadata.mode(), bytes).map_err(|error| refused(of, "cannot be written", &error))?;
        Ok(beside)
    }

    fn put_in_place(mut self, of: &Path) -> Result<()> {
        fs::rename(&self.path, of).map_err(|error| refused(of, "cannot be replaced", &error))?;
        self.is_in_place = true;
        // So that the new name is there after a power failure, where the file system can do that. The old file would do too.
        let _ = File::open(folder(of)).and_then(|folder| folder.sync_all());
        Ok(())
    }
}

impl Drop for Beside {
    fn drop(&mut self) {
        if !self.is_in_place {
            let _ = fs::remove_file(&self.path);
        }
    }
}

fn own(file: &File, wanted: &Metadata) -> io::Result<()> {
    let now = file.metadata()?;
    let changed = |now: u32, wanted: u32| (now != wanted).then_some(wanted);
    match (changed(now.uid(), wanted.uid()), changed(now.gid(), wanted.gid())) {
        (None, None) => Ok(()),
        (user, group) => fchown(file, user, group),
    }
}

fn fill(mut file: &File, mode: u32, bytes: &[u8]) -> io::Result<()> {
    file.write_all(bytes)?;
    // The file type is in the mode too.
    file.set_permissions(Permissions::from_mode(mode & 0o7777))?;
    file.sync_all()
}

fn busy(path: &Path) -> Error {
    let (path, seconds) = (path.display(), LONGEST_WAIT.as_secs());
    Error::refused(format!(
        "{path} has been in use by another program for {seconds} seconds. Wait for that program to end, then run the \
         command again. Nothing was written."
    ))
}

/// What cannot be done with the file, and what to do.
fn refused(path: &Path, what: &str, error: &io::Error) -> Error {
    let remedy = match error.kind() {
        ErrorKind::PermissionDenied => "Give your user the permission to write the file and its folder",
        ErrorKind::ReadOnlyFilesystem => "Set AWS_CONFIG_FILE to a file on a file system that you may write",
        ErrorKind::StorageFull | ErrorKind::QuotaExceeded | ErrorKind::FileTooLarge => "Free some space on the disk",
        _ => "Look at the file and its folder",
    };
    let path = path.display();
    Error::refused(format!("{path} {what} ({error}). {remedy}, then run the command again. Nothing was written."))
}
