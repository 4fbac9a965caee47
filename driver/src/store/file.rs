//! `FileStore`: keeps the session in one file that is whole at every moment.

mod document;
mod place;

use std::path::Path;
use std::sync::Arc;

use async_trait::async_trait;
use tokio::sync::Mutex;
use tokio::task::spawn_blocking;

use rejoin_core::SessionStore;
use rejoin_core::port::StoreError;
use rejoin_core::session::SessionRecord;

use place::Place;

/// A store that keeps the session in a file of JSON, across restarts and crashes.
///
/// A save writes to `<file>.tmp`, waits for the disk and renames, so the file always holds one whole record:
/// that of the last completed save, or of the one that a crash interrupted.
/// A lock on `<file>.lock` refuses a second process until this store is dropped; the empty lock file stays.
/// A file that cannot be read as a session is renamed to `<file>.damaged-<n>`, with a warning in the log.
/// A file of a newer version is left alone: `load` fails, and so does `save` until somebody moves it away.
///
/// On Unix only the owner can read the file.
/// Dropping a future of this store abandons no write halfway, and a later save is always the one that stays.
///
/// ```no_run
/// # fn plan() -> Result<(), Box<dyn std::error::Error>> {
/// let store = rejoin_driver::FileStore::open("/var/lib/bot/session.json")?;
/// let builder = rejoin_driver::connect("wss://example.org").remembering_in(Box::new(store));
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct FileStore {
    /// Fair, so saves reach the disk in the order in which they were asked for.
    place: Arc<Mutex<Place>>,
}

impl FileStore {
    /// Opens the store in the file at `path`, which need not exist; its directory must.
    ///
    /// Only the lock is touched, and it is tried, not waited for; the session is read by `load`.
    ///
    /// # Errors
    /// Fails if another process or another store uses the file, if the path leads to something that is not a file,
    /// or if the lock file cannot be made.
    pub fn open(path: impl AsRef<Path>) -> Result<Self, StoreError> {
        Ok(Self { place: Arc::new(Mutex::new(Place::occupy(path.as_ref())?)) })
    }

    /// Runs `work` where it may block; the place stays taken until it is done, even if nobody waits any more.
    async fn work<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut Place) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        let mut place = Arc::clone(&self.place).lock_owned().await;
        match spawn_blocking(move || work(&mut place)).await {
            Ok(answer) => answer,
            Err(error) => Err(StoreError(format!(
                "the runtime ended before the file was written ({error}); leave the session before the runtime"
            ))),
        }
    }
}

#[async_trait]
impl SessionStore for FileStore {
    async fn load(&mut self) -> Result<Option<SessionRecord>, StoreError> {
        self.work(Place::load).await
    }

    async fn save(&mut self, record: &SessionRecord) -> Result<(), StoreError> {
        let record = record.clone();
        self.work(move |place| place.save(&record)).await
    }
}
