//! `RedbDeliveryStore`: a delivery store in a redb database.

mod confirm_log;
mod database;
mod renumber;
mod row;

use std::fs::{self, File};
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use redb::Database;

use rejoin_core::DeliveryStore;
use rejoin_core::delivery::durable::{Snapshot, StoreChange};
use rejoin_core::port::{ConfirmLog, StoreError};

use crate::store::disk::{lock, resolved, set_aside, store_error, with_suffix};
use confirm_log::RedbConfirmLog;
use database::DatabaseError;

/// A delivery store in a directory, which survives restarts and crashes.
///
/// When `apply` returns, the operating system has the change, so the end of the process cannot undo it.
/// The disk has it some seconds later: a power failure may lose the changes of these seconds. After a reboot the stored
/// messages are sent under new numbers and may arrive a second time.
/// A lock excludes other processes until the store is dropped.
/// A file that cannot be read is renamed to `mail.redb.damaged-<n>`, with a warning in the log.
/// A file of a newer version is not touched, and opening it fails.
/// `load` forgets a peer that was absent for a week.
///
/// On Unix only the owner can read the file.
///
/// ```no_run
/// # fn build() -> Result<(), Box<dyn std::error::Error>> {
/// let store = rejoin_driver::RedbDeliveryStore::open("/var/lib/bot/mail")?;
/// let builder = rejoin_driver::connect("wss://example.org").delivery_store(Box::new(store));
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct RedbDeliveryStore {
    path: PathBuf,
    /// Closed after a failure, and reopened by the next use.
    database: Option<Arc<Database>>,
    confirm_log: Arc<RedbConfirmLog>,
    /// Never read: the system releases the lock when this file closes, however the process ends.
    _lock: File,
}

/// A peer that is absent for longer than a week's holiday is unlikely to return.
const MAX_ABSENCE: Duration = Duration::from_secs(7 * 24 * 60 * 60);

impl RedbDeliveryStore {
    /// Opens the store in `directory`, and creates the directory if it does not exist; its parent must.
    ///
    /// # Errors
    /// Fails if another process or another store uses the directory, if it cannot be created or written,
    /// or if a newer version wrote its content.
    pub fn open(directory: impl AsRef<Path>) -> Result<Self, StoreError> {
        let directory = directory.as_ref();
        create(directory)?;
        let path = resolved(directory)?.join("mail.redb");
        let lock = lock(&path)?;
        let mut store = Self { path, database: None, confirm_log: Arc::default(), _lock: lock };
        store.load()?;
        Ok(store)
    }

    /// Returns the database, and opens it if it is closed.
    fn database(&mut self) -> Result<&Database, StoreError> {
        let database = match self.database.take() {
            Some(database) => database,
            None => match database::open(&self.path) {
                Ok(database) => Arc::new(database),
                Err(DatabaseError::Damaged(reason)) => {
                    self.set_aside(&reason)?;
                    Arc::new(database::open(&self.path).map_err(|error| self.store_error(error))?)
                }
                Err(error) => return Err(self.store_error(error)),
            },
        };
        self.confirm_log.set_database(Some(Arc::clone(&database)));
        Ok(self.database.insert(database))
    }

    /// Closes the database, so that the next use reopens it.
    fn close(&mut self) {
        self.confirm_log.set_database(None);
        self.database = None;
    }

    fn store_error(&self, error: DatabaseError) -> StoreError {
        match error {
            DatabaseError::Damaged(reason) => store_error(
                &self.path,
                format!("is damaged ({reason}); move it away, or choose another directory"),
            ),
            DatabaseError::Newer => store_error(
                &self.path,
                "has a newer version than this program; update it, or choose another directory",
            ),
            DatabaseError::Failed(error) => {
                let remedy = "make room, or make its directory readable and writable";
                store_error(&self.path, format!("cannot be used ({error}); {remedy}"))
            }
        }
    }

    /// Returns `mail`, renumbered if it was stored in an earlier `boot` of the host.
    fn adopt(&mut self, mut mail: Snapshot, boot: Option<String>) -> Result<Snapshot, StoreError> {
        let Some(current) = renumber::current_boot().filter(|current| boot.as_ref() != Some(current)) else {
            return Ok(mail);
        };
        if boot.is_some() {
            let changes = mail.peers.iter_mut().map(renumber::renumber).collect::<Result<Vec<_>, _>>()?;
            self.apply(&changes.concat())?;
        }
        database::set_boot(self.database()?, &current).map_err(|error| self.store_error(error))?;
        Ok(mail)
    }

    fn set_aside(&mut self, reason: &str) -> Result<(), StoreError> {
        self.close();
        let kept = set_aside(&self.path, reason)?;
        let (file, kept) = (self.path.display(), kept.display());
        tracing::warn!(%file, %kept, reason, "the delivery store was damaged and is set aside; its messages are lost");
        Ok(())
    }
}

impl DeliveryStore for RedbDeliveryStore {
    fn load(&mut self) -> Result<Snapshot, StoreError> {
        let oldest = seconds(SystemTime::now()).saturating_sub(MAX_ABSENCE.as_secs());
        match database::load(self.database()?, oldest) {
            Ok((mail, boot)) => self.adopt(mail, boot),
            Err(DatabaseError::Damaged(reason)) => {
                self.set_aside(&reason)?;
                self.database().map(|_| Snapshot::default())
            }
            Err(error) => {
                self.close();
                Err(self.store_error(error))
            }
        }
    }

    fn apply(&mut self, changes: &[StoreChange]) -> Result<(), StoreError> {
        let now = seconds(SystemTime::now());
        database::apply(self.database()?, changes, now).map_err(|error| {
            // After a failed write redb refuses every further write.
            self.close();
            self.store_error(error)
        })
    }

    fn confirm_log(&self) -> Option<Arc<dyn ConfirmLog>> {
        Some(Arc::clone(&self.confirm_log) as Arc<dyn ConfirmLog>)
    }
}

/// Creates `directory`, accessible to its owner only.
fn create(directory: &Path) -> Result<(), StoreError> {
    let mut builder = fs::DirBuilder::new();
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    match builder.create(directory) {
        Err(error) if error.kind() != ErrorKind::AlreadyExists => {
            let path = with_suffix(directory, "");
            Err(store_error(
                &path,
                format!(
                    "cannot be created as a directory ({error}); create its parent, and make it writable"
                ),
            ))
        }
        Ok(()) | Err(_) => Ok(()),
    }
}

fn seconds(time: SystemTime) -> u64 {
    time.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default().as_secs()
}
