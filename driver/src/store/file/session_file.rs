//! A locked session file: reading, atomic replacement, and setting aside a damaged one. Every function blocks.

use std::fs::{self, File, OpenOptions};
use std::io::{self, ErrorKind, Write as _};
use std::path::{Path, PathBuf};

use rejoin_core::port::StoreError;
use rejoin_core::session::SessionRecord;

use super::document::{self, FormatError, VERSION};
use crate::store::disk::{lock, private, resolved, set_aside, store_error, with_suffix};

/// A session file, locked until this value is dropped.
#[derive(Debug)]
pub(super) struct SessionFile {
    path: PathBuf,
    /// Whether a save may replace the file: it was loaded, or does not exist.
    replaceable: bool,
    /// Never read: the system releases the lock when this file closes, however the process ends.
    _lock: File,
}

impl SessionFile {
    /// Locks the file at `path` for this process.
    pub(super) fn open(path: &Path) -> Result<Self, StoreError> {
        let path = resolved(path)?;
        if fs::metadata(&path).is_ok_and(|found| !found.is_file()) || path.file_name().is_none() {
            return Err(store_error(&path, "is not a regular file; give the path of a file"));
        }
        let lock = lock(&path)?;
        Ok(Self { path, replaceable: false, _lock: lock })
    }

    /// Returns the session in the file; a damaged file is set aside.
    pub(super) fn load(&mut self) -> Result<Option<SessionRecord>, StoreError> {
        self.replaceable = false;
        let record = match fs::read(&self.path) {
            Ok(text) => self.parse(&text)?,
            Err(error) if error.kind() == ErrorKind::NotFound => None,
            Err(error) => {
                return Err(store_error(
                    &self.path,
                    format!("cannot be read ({error}); make it readable, or move it away"),
                ));
            }
        };
        self.replaceable = true;
        Ok(record)
    }

    /// Replaces the content of the file by `record`.
    pub(super) fn save(&mut self, record: &SessionRecord) -> Result<(), StoreError> {
        if !self.replaceable {
            self.load()?;
        }
        let text = document::encode(record).map_err(|error| {
            store_error(&self.path, format!("cannot hold this session ({error}); choose simpler names"))
        })?;
        self.replace(&text).map_err(|error| {
            store_error(
                &self.path,
                format!(
                    "is intact but cannot be replaced ({error}); make room, or make its directory writable"
                ),
            )
        })
    }

    /// Returns the session in `text`, the content of the file.
    fn parse(&self, text: &[u8]) -> Result<Option<SessionRecord>, StoreError> {
        match document::decode(text) {
            Ok(record) => Ok(Some(record)),
            Err(FormatError::Damaged(reason)) => self.set_aside(&reason).map(|()| None),
            Err(FormatError::Newer(version)) => Err(store_error(
                &self.path,
                format!(
                    "has version {version}, but this program reads version {VERSION}; update it, or choose another file"
                ),
            )),
        }
    }

    fn replace(&self, text: &[u8]) -> io::Result<()> {
        let draft = with_suffix(&self.path, ".tmp");
        let replaced = write(&draft, text).and_then(|()| fs::rename(&draft, &self.path));
        if replaced.is_err() {
            // A partial draft must not occupy a full disk; if its removal fails too, the next save removes it.
            let _ = fs::remove_file(&draft);
        }
        replaced.and_then(|()| sync_directory(&self.path))
    }

    fn set_aside(&self, reason: &str) -> Result<(), StoreError> {
        let kept = set_aside(&self.path, reason)?;
        let (file, kept) = (self.path.display(), kept.display());
        tracing::warn!(%file, %kept, reason, "the session file was damaged and is set aside");
        Ok(())
    }
}

/// Writes a new file at `path` and syncs it.
fn write(path: &Path, text: &[u8]) -> io::Result<()> {
    // Removes what a crash left behind: the write must not follow a link in its place.
    match fs::remove_file(path) {
        Err(error) if error.kind() != ErrorKind::NotFound => return Err(error),
        Ok(()) | Err(_) => {}
    }
    let mut file = private(OpenOptions::new().write(true).create_new(true)).open(path)?;
    file.write_all(text)?;
    file.sync_all()
}

/// Syncs the directory of `path`, so that the rename is on the disk.
#[cfg(unix)]
fn sync_directory(path: &Path) -> io::Result<()> {
    let Some(directory) = path.parent() else { return Ok(()) };
    match File::open(directory)?.sync_all() {
        // Some network file systems cannot sync directories; the rename has happened nevertheless.
        Err(error) if error.kind() == ErrorKind::InvalidInput => Ok(()),
        answer => answer,
    }
}

/// Does nothing: other systems cannot sync a directory.
#[cfg(not(unix))]
fn sync_directory(_: &Path) -> io::Result<()> {
    Ok(())
}
