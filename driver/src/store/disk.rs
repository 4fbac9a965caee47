//! What the stores on disk have in common: who may use a file, and what its neighbours are called. Everything here blocks.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, Instant};

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
    match try_lock(&file) {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => {
            Err(trouble(path, "is in use by another session; end that one, or choose another place"))
        }
        Err(TryLockError::Error(error)) => {
            Err(trouble(path, format!("cannot be locked ({error}); choose a file on a local disk")))
        }
    }
}

/// How long a lock may be held by nobody: a process that is about to run another program has copies of all open files
/// until it does, also of those that have been closed meanwhile.
const INHERITED: Duration = Duration::from_millis(100);

fn try_lock(file: &File) -> Result<(), TryLockError> {
    let deadline = Instant::now() + INHERITED;
    loop {
        match file.try_lock() {
            Err(TryLockError::WouldBlock) if Instant::now() < deadline => thread::sleep(INHERITED / 50),
            taken => return taken,
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_copy_that_a_starting_process_holds_for_a_moment_is_no_other_session() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("session.json");
        let closed = lock(&path).unwrap();
        let copy = closed.try_clone().unwrap();
        drop(closed);
        let starting = thread::spawn(move || {
            thread::sleep(INHERITED / 10); // time itself: what a starting process takes
            drop(copy);
        });
        let again = lock(&path);
        starting.join().unwrap();
        assert!(again.is_ok(), "{again:?}");
        assert!(lock(&path).is_err());
    }
}
