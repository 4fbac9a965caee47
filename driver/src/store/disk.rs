//! Locks, permissions and names of the files of the stores on disk. Every function blocks.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, Instant};

use rejoin_core::port::StoreError;

/// Returns `path` as an absolute path without links, so that one file has one lock.
pub(super) fn resolved(path: &Path) -> Result<PathBuf, StoreError> {
    fs::canonicalize(path).or_else(|_| std::path::absolute(path)).map_err(|error| {
        store_error(path, format!("has no absolute path ({error}); give the path to a file"))
    })
}

/// Locks the file `<path>.lock`: the stored file cannot hold the lock, because a rename replaces it.
pub(super) fn lock(path: &Path) -> Result<File, StoreError> {
    let lock = with_suffix(path, ".lock");
    let file = private(OpenOptions::new().write(true).create(true).truncate(false)).open(&lock).map_err(
        |error| {
            store_error(path, format!("cannot be locked ({error}); make its directory, and make it writable"))
        },
    )?;
    match try_lock(&file) {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => {
            Err(store_error(path, "is in use by another session; end that one, or choose another place"))
        }
        Err(TryLockError::Error(error)) => {
            Err(store_error(path, format!("cannot be locked ({error}); choose a file on a local disk")))
        }
    }
}

/// How long a closed lock may stay taken: a forked process holds copies of all open files until it executes its program,
/// including files that were closed meanwhile.
const INHERITED_LOCK_GRACE: Duration = Duration::from_millis(100);

fn try_lock(file: &File) -> Result<(), TryLockError> {
    let deadline = Instant::now() + INHERITED_LOCK_GRACE;
    loop {
        match file.try_lock() {
            Err(TryLockError::WouldBlock) if Instant::now() < deadline => {
                thread::sleep(INHERITED_LOCK_GRACE / 50)
            }
            taken => return taken,
        }
    }
}

/// Makes a created file accessible to its owner only.
pub(super) fn private(options: &mut OpenOptions) -> &mut OpenOptions {
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(options, 0o600);
    options
}

/// Renames a damaged file to a name that no store overwrites, and returns that name.
pub(super) fn set_aside(path: &Path, reason: &str) -> Result<PathBuf, StoreError> {
    let kept = free_name(path);
    fs::rename(path, &kept).map_err(|error| {
        store_error(path, format!("is damaged ({reason}) and cannot be set aside ({error}); move it away"))
    })?;
    Ok(kept)
}

/// Returns the first unused name for a damaged file.
fn free_name(path: &Path) -> PathBuf {
    let mut number = 1_u64;
    loop {
        let name = with_suffix(path, &format!(".damaged-{number}"));
        // A name that cannot be examined makes the rename fail, which reports the reason.
        if name.symlink_metadata().is_err() {
            return name;
        }
        number += 1;
    }
}

/// Returns `path` with `ending` appended.
pub(super) fn with_suffix(path: &Path, ending: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(ending);
    PathBuf::from(name)
}

/// Returns the error that the file at `path` has this `problem`.
pub(super) fn store_error(path: &Path, problem: impl AsRef<str>) -> StoreError {
    StoreError(format!("the file {} {}", path.display(), problem.as_ref()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lock_copied_by_a_starting_process_is_not_another_session() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("session.json");
        let closed = lock(&path).unwrap();
        let copy = closed.try_clone().unwrap();
        drop(closed);
        let starting = thread::spawn(move || {
            thread::sleep(INHERITED_LOCK_GRACE / 10); // real time: the duration of fork and exec
            drop(copy);
        });
        let again = lock(&path);
        starting.join().unwrap();
        assert!(again.is_ok(), "{again:?}");
        assert!(lock(&path).is_err());
    }
}
