//! `FileStore`: a session store in one file that is replaced atomically.

mod document;
mod session_file;

use std::path::Path;
use std::sync::Arc;

use async_trait::async_trait;
use tokio::sync::Mutex;
use tokio::task::spawn_blocking;

use rejoin_core::SessionStore;
use rejoin_core::port::StoreError;
use rejoin_core::session::SessionRecord;

use session_file::SessionFile;

/// A session store in a JSON file, which survives restarts and crashes.
///
/// A save writes `<file>.tmp`, syncs it and renames it, so the file always holds one complete record:
/// that of the last completed save, or of a save that a crash interrupted.
/// A lock on `<file>.lock` excludes other processes until the store is dropped; the empty lock file remains.
/// A file that is not a valid session is renamed to `<file>.damaged-<n>`, with a warning in the log.
/// A file of a newer version is not touched: `load` and `save` fail until it is moved away.
///
/// On Unix only the owner can read the file.
/// A dropped future of this store still completes its write, and the record of the latest save wins.
///
/// ```no_run
/// # fn build() -> Result<(), Box<dyn std::error::Error>> {
/// let store = rejoin_driver::FileStore::open("/var/lib/bot/session.json")?;
/// let builder = rejoin_driver::connect("wss://example.org").session_store(Box::new(store));
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct FileStore {
    /// The mutex is fair, so saves reach the disk in the order of the calls.
    file: Arc<Mutex<SessionFile>>,
}

impl FileStore {
    /// Opens the store in the file at `path`, which need not exist; its directory must.
    ///
    /// This takes the lock without waiting for it, and does not read the file; `load` does.
    ///
    /// # Errors
    /// Fails if another process or another store uses the file, if `path` is not a regular file,
    /// or if the lock file cannot be created.
    pub fn open(path: impl AsRef<Path>) -> Result<Self, StoreError> {
        Ok(Self { file: Arc::new(Mutex::new(SessionFile::open(path.as_ref())?)) })
    }

    /// Runs `work` on a blocking thread with the file locked until it is done, even if the caller stops waiting.
    async fn run_blocking<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut SessionFile) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        let mut file = Arc::clone(&self.file).lock_owned().await;
        match spawn_blocking(move || work(&mut file)).await {
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
        self.run_blocking(SessionFile::load).await
    }

    async fn save(&mut self, record: &SessionRecord) -> Result<(), StoreError> {
        let record = record.clone();
        self.run_blocking(move |file| file.save(&record)).await
    }
}
