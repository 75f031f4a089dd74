//! The output file.

use custom_resource::{Error, Result};
use std::fs::{self, OpenOptions, Permissions};
use std::io::{self, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

/// Refuses a file that cannot be written, and leaves it as it is.
///
/// # Errors
/// If it cannot be written.
pub fn check(path: &Path) -> Result<()> {
    let path = target(path);
    match path.is_dir() {
        _ if is_special(&path) => Ok(()),
        true => Err(unwritable(&path, &io::Error::from(io::ErrorKind::IsADirectory))),
        false => beside(&path).map(drop).map_err(|error| unwritable(&path, &error)),
    }
}

/// Writes the file whole or not at all.
///
/// # Errors
/// If it cannot be written.
pub fn write(path: &Path, text: &str) -> Result<()> {
    if is_special(path) {
        let written = OpenOptions::new().write(true).open(path).and_then(|mut file| file.write_all(text.as_bytes()));
        return written.map_err(|error| unwritable(path, &error));
    }
    let path = target(path);
    let written = beside(&path).and_then(|mut file| {
        file.write_all(text.as_bytes())?;
        file.as_file().sync_all()?;
        file.persist(&path).map_err(|error| error.error)
    });
    written.map(drop).map_err(|error| unwritable(&path, &error))
}

/// A pipe or a device, such as `/dev/stdout`. There is no file to replace.
fn is_special(path: &Path) -> bool {
    fs::metadata(path).is_ok_and(|about| !about.is_file() && !about.is_dir())
}

/// A link stays: the file that it names is written.
fn target(path: &Path) -> PathBuf {
    fs::canonicalize(path).unwrap_or_else(|_| path.to_owned())
}

/// A new file in the same folder, with the mode of the old one, or of any new file.
fn beside(path: &Path) -> io::Result<tempfile::NamedTempFile> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let mode = fs::metadata(path).map(|about| about.permissions());
    let file = tempfile::Builder::new().permissions(Permissions::from_mode(0o666)).tempfile_in(folder)?;
    if let Ok(mode) = mode {
        file.as_file().set_permissions(mode)?;
    }
    Ok(file)
}

fn unwritable(path: &Path, error: &io::Error) -> Error {
    let cause = error.to_string();
    // tempfile names the file beside it, which nobody knows.
    let cause = cause.split(" at path ").next().unwrap_or_default();
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty() && !folder.exists());
    if let Some(folder) = folder {
        return Error::refused(format!(
            "The folder {} does not exist, so nothing was written. Create it, or give another path.",
            folder.display()
        ));
    }
    let now = if path.exists() { "It was not changed" } else { "Nothing was written" };
    Error::refused(format!(
        "{} cannot be written: {cause}. {now}. Give a path in a folder that you may write to.",
        path.display()
    ))
}
