//! What the stores on disk have in common: who may use a file, and what its neighbours are called. Everything here blocks.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::path::{Path, PathBuf};

use rejoin_core::port::StoreError;

/// Returns `path` without links and as good as after a change of directory, so that one file has one lock.
pub(super) fn resolved(path: &Path) -> Result<PathBuf, StoreError> {
    fs::canonicalize(path)
        .or_else(|_| std::path::absolute(path))
        .map_err(|error| trouble(path, format!("has no absolute path ({error}); give the path to a file")))
}

/// Takes the lock beside `path`: what is stored cannot carry it, since another file may take its place.
pub(super) fn lock(path: &Path) -> Result<File, StoreError> {
    let lock = beside(path, ".lock");
    let file = private(OpenOptions::new().write(true).create(true).truncate(false)).open(&lock).map_err(
        |error| {
            trouble(path, format!("cannot be locked ({error}); make its directory, and make it writable"))
        },
    )?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => {
            Err(trouble(path, "is in use by another session; end that one, or choose another place"))
        }
        Err(TryLockError::Error(error)) => {
            Err(trouble(path, format!("cannot be locked ({error}); choose a file on a local disk")))
        }
    }
}

/// Keeps what is created from everybody but its owner.
pub(super) fn private(options: &mut OpenOptions) -> &mut OpenOptions {
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(options, 0o600);
    options
}

/// Gives a damaged file another name, under which nothing overwrites it, and returns that.
pub(super) fn set_aside(path: &Path, reason: &str) -> Result<PathBuf, StoreError> {
    let kept = free_name(path);
    fs::rename(path, &kept).map_err(|error| {
        trouble(path, format!("is damaged ({reason}) and cannot be set aside ({error}); move it away"))
    })?;
    Ok(kept)
}

/// Returns the first free name for a damaged file.
fn free_name(path: &Path) -> PathBuf {
    let mut number = 1_u64;
    loop {
        let name = beside(path, &format!(".damaged-{number}"));
        // What cannot be looked at makes the rename fail, which says why.
        if name.symlink_metadata().is_err() {
            return name;
        }
        number += 1;
    }
}

pub(super) fn beside(path: &Path, ending: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(ending);
    PathBuf::from(name)
}

pub(super) fn trouble(path: &Path, what: impl AsRef<str>) -> StoreError {
    StoreError(format!("the file {} {}", path.display(), what.as_ref()))
}
