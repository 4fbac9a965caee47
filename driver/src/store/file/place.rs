//! Where a session file lies, and how it is read, replaced and set aside. Everything here blocks.

use std::fs::{self, File, OpenOptions};
use std::io::{self, ErrorKind, Write as _};
use std::path::{Path, PathBuf};

use rejoin_core::port::StoreError;
use rejoin_core::session::SessionRecord;

use super::document::{self, Flaw, VERSION};
use crate::store::disk::{beside, lock, private, resolved, set_aside, trouble};

/// A session file that is ours for as long as this exists.
#[derive(Debug)]
pub(super) struct Place {
    path: PathBuf,
    /// Whether the file is known to hold nothing that a save must not replace.
    replaceable: bool,
    /// Held, not read: the system lets go of the lock when this closes, however the process ends.
    _lock: File,
}

impl Place {
    /// Takes the file at `path` for this process.
    pub(super) fn occupy(path: &Path) -> Result<Self, StoreError> {
        let path = resolved(path)?;
        if fs::metadata(&path).is_ok_and(|found| !found.is_file()) || path.file_name().is_none() {
            return Err(trouble(&path, "is no regular file; give a path to a file"));
        }
        let lock = lock(&path)?;
        Ok(Self { path, replaceable: false, _lock: lock })
    }

    /// Returns the session in the file; one that is damaged is set aside.
    pub(super) fn load(&mut self) -> Result<Option<SessionRecord>, StoreError> {
        self.replaceable = false;
        let record = match fs::read(&self.path) {
            Ok(text) => self.understand(&text)?,
            Err(error) if error.kind() == ErrorKind::NotFound => None,
            Err(error) => {
                return Err(trouble(
                    &self.path,
                    format!("cannot be read ({error}); make it readable, or move it away"),
                ));
            }
        };
        self.replaceable = true;
        Ok(record)
    }

    /// Puts `record` in place of what the file holds.
    pub(super) fn save(&mut self, record: &SessionRecord) -> Result<(), StoreError> {
        if !self.replaceable {
            self.load()?;
        }
        let text = document::encode(record).map_err(|error| {
            trouble(&self.path, format!("cannot hold this session ({error}); choose simpler names"))
        })?;
        self.replace(&text).map_err(|error| {
            trouble(
                &self.path,
                format!(
                    "stays whole but cannot be replaced ({error}); make room, or make its directory writable"
                ),
            )
        })
    }

    /// Returns the session that `text`, what the file holds, tells of.
    fn understand(&self, text: &[u8]) -> Result<Option<SessionRecord>, StoreError> {
        match document::decode(text) {
            Ok(record) => Ok(Some(record)),
            Err(Flaw::Damaged(reason)) => self.set_aside(&reason).map(|()| None),
            Err(Flaw::Newer(version)) => Err(trouble(
                &self.path,
                format!(
                    "has version {version}, but this program knows {VERSION}; update it, or choose another file"
                ),
            )),
        }
    }

    fn replace(&self, text: &[u8]) -> io::Result<()> {
        let draft = beside(&self.path, ".tmp");
        let replaced = write(&draft, text).and_then(|()| fs::rename(&draft, &self.path));
        if replaced.is_err() {
            // Half a draft must not keep a full disk full; if that fails too, the next save clears it.
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

/// Writes a new file at `path` and returns when the disk has it.
fn write(path: &Path, text: &[u8]) -> io::Result<()> {
    // What a crash left behind goes first: a link in its place must not be written through.
    match fs::remove_file(path) {
        Err(error) if error.kind() != ErrorKind::NotFound => return Err(error),
        Ok(()) | Err(_) => {}
    }
    let mut file = private(OpenOptions::new().write(true).create_new(true)).open(path)?;
    file.write_all(text)?;
    file.sync_all()
}

/// Returns when the disk knows under which name the file at `path` lies.
#[cfg(unix)]
fn sync_directory(path: &Path) -> io::Result<()> {
    let Some(directory) = path.parent() else { return Ok(()) };
    match File::open(directory)?.sync_all() {
        // Some network file systems sync no directories; the rename has happened all the same.
        Err(error) if error.kind() == ErrorKind::InvalidInput => Ok(()),
        answer => answer,
    }
}

/// Does nothing: elsewhere the system offers no way to sync a directory.
#[cfg(not(unix))]
fn sync_directory(_: &Path) -> io::Result<()> {
    Ok(())
}
