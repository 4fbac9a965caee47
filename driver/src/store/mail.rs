//! `MailDirectory`: keeps mail in a database that is whole at every moment.

mod database;
mod reboot;
mod receipts;
mod row;

use std::fs::{self, File};
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use redb::Database;

use rejoin_core::MailStore;
use rejoin_core::mail::{MailChange, Mailbag};
use rejoin_core::port::{Receipts, StoreError};

use crate::store::disk::{beside, lock, resolved, set_aside, trouble};
use database::Flaw;
use receipts::ReceiptBook;

/// A store that keeps mail in a directory, across restarts and crashes.
///
/// A change is with the operating system when `apply` returns, so no end of the process can undo it.
/// It is on the disk some seconds later: a loss of power may cost what was accepted in these seconds, and when the
/// host has started anew, what is kept goes out under new numbers and may arrive a second time.
/// A lock refuses a second process until this store is dropped.
/// A file that cannot be read is renamed to `mail.redb.damaged-<n>`, with a warning in the log.
/// A file of a newer version is left alone, and opening it fails.
/// A peer that has not been heard of for a week is forgotten when the store is loaded.
///
/// On Unix only the owner can read the file.
///
/// ```no_run
/// # fn plan() -> Result<(), Box<dyn std::error::Error>> {
/// let mail = rejoin_driver::MailDirectory::open("/var/lib/bot/mail")?;
/// let builder = rejoin_driver::connect("wss://example.org").keeping_mail_in(Box::new(mail));
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct MailDirectory {
    path: PathBuf,
    /// Closed after a failure, and opened again by the next use.
    database: Option<Arc<Database>>,
    receipts: Arc<ReceiptBook>,
    /// Held, not read: the system lets go of the lock when this closes, however the process ends.
    _lock: File,
}

/// Whoever stays away for longer than a holiday of a week may not come back at all.
const LONGEST_ABSENCE: Duration = Duration::from_secs(7 * 24 * 60 * 60);

impl MailDirectory {
    /// Opens the store in `directory`, which is made if it does not exist; its parent must.
    ///
    /// # Errors
    /// Fails if another process or another store uses the directory, if it cannot be made or written to,
    /// or if a newer version wrote what is in it.
    pub fn open(directory: impl AsRef<Path>) -> Result<Self, StoreError> {
        let directory = directory.as_ref();
        make(directory)?;
        let path = resolved(directory)?.join("mail.redb");
        let lock = lock(&path)?;
        let mut store = Self { path, database: None, receipts: Arc::default(), _lock: lock };
        store.load()?;
        Ok(store)
    }

    /// Returns the database, opened if it is not.
    fn database(&mut self) -> Result<&Database, StoreError> {
        let database = match self.database.take() {
            Some(database) => database,
            None => match database::open(&self.path) {
                Ok(database) => Arc::new(database),
                Err(Flaw::Damaged(reason)) => {
                    self.set_aside(&reason)?;
                    Arc::new(database::open(&self.path).map_err(|flaw| self.complaint(flaw))?)
                }
                Err(flaw) => return Err(self.complaint(flaw)),
            },
        };
        self.receipts.turn_to(Some(Arc::clone(&database)));
        Ok(self.database.insert(database))
    }

    /// Closes the database, so that the next use opens it again.
    fn close(&mut self) {
        self.receipts.turn_to(None);
        self.database = None;
    }

    fn complaint(&self, flaw: Flaw) -> StoreError {
        match flaw {
            Flaw::Damaged(reason) => trouble(
                &self.path,
                format!("is damaged ({reason}); move it away, or choose another directory"),
            ),
            Flaw::Newer => trouble(
                &self.path,
                "has a newer version than this program; update it, or choose another directory",
            ),
            Flaw::Failed(error) => {
                let remedy = "make room, or make its directory readable and writable";
                trouble(&self.path, format!("cannot be used ({error}); {remedy}"))
            }
        }
    }

    /// Takes up `mail`, which was kept in this or another `life` of the host.
    fn live(&mut self, mut mail: Mailbag, life: Option<String>) -> Result<Mailbag, StoreError> {
        let Some(present) = reboot::present_life().filter(|present| life.as_ref() != Some(present)) else {
            return Ok(mail);
        };
        if life.is_some() {
            let changes = mail.mail.iter_mut().map(reboot::renumber).collect::<Result<Vec<_>, _>>()?;
            self.apply(&changes.concat())?;
        }
        database::live(self.database()?, &present).map_err(|flaw| self.complaint(flaw))?;
        Ok(mail)
    }

    fn set_aside(&mut self, reason: &str) -> Result<(), StoreError> {
        self.close();
        let kept = set_aside(&self.path, reason)?;
        let (file, kept) = (self.path.display(), kept.display());
        tracing::warn!(%file, %kept, reason, "the kept mail was damaged and is set aside; what was in it is lost");
        Ok(())
    }
}

impl MailStore for MailDirectory {
    fn load(&mut self) -> Result<Mailbag, StoreError> {
        let oldest = seconds(SystemTime::now()).saturating_sub(LONGEST_ABSENCE.as_secs());
        match database::load(self.database()?, oldest) {
            Ok((mail, life)) => self.live(mail, life),
            Err(Flaw::Damaged(reason)) => {
                self.set_aside(&reason)?;
                self.database().map(|_| Mailbag::default())
            }
            Err(flaw) => {
                self.close();
                Err(self.complaint(flaw))
            }
        }
    }

    fn apply(&mut self, changes: &[MailChange]) -> Result<(), StoreError> {
        let now = seconds(SystemTime::now());
        database::apply(self.database()?, changes, now).map_err(|flaw| {
            // After a failed write it refuses every other one.
            self.close();
            self.complaint(flaw)
        })
    }

    fn receipts(&self) -> Option<Arc<dyn Receipts>> {
        Some(Arc::clone(&self.receipts) as Arc<dyn Receipts>)
    }
}

/// Makes `directory` for its owner alone.
fn make(directory: &Path) -> Result<(), StoreError> {
    let mut builder = fs::DirBuilder::new();
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    match builder.create(directory) {
        Err(error) if error.kind() != ErrorKind::AlreadyExists => {
            let path = beside(directory, "");
            Err(trouble(
                &path,
                format!("cannot be made a directory ({error}); make its parent, and make it writable"),
            ))
        }
        Ok(()) | Err(_) => Ok(()),
    }
}

fn seconds(time: SystemTime) -> u64 {
    time.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default().as_secs()
}
