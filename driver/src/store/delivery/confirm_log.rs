//! Stores confirmations on the caller's thread, so that they do not depend on the driver's task.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use redb::Database;

use rejoin_core::delivery::Cursor;
use rejoin_core::port::{ConfirmLog, StoreError};

use super::database;

/// Writes confirmations directly to the database while it is open.
#[derive(Debug, Default)]
pub(super) struct RedbConfirmLog(Mutex<Option<Arc<Database>>>);

impl RedbConfirmLog {
    /// Switches to `database`; when this returns, the previous one is not in use.
    pub(super) fn set_database(&self, database: Option<Arc<Database>>) {
        *self.lock() = database;
    }

    /// An interrupted confirmation is rolled back, so a poisoned lock is usable.
    fn lock(&self) -> MutexGuard<'_, Option<Arc<Database>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl ConfirmLog for RedbConfirmLog {
    fn record(&self, position: Cursor) -> Result<(), StoreError> {
        match &*self.lock() {
            Some(open) => database::confirm(open, position)
                .map_err(|_| StoreError("a confirmation could not be stored at once".to_owned())),
            // The machine stores the confirmation when the database is open again.
            None => Ok(()),
        }
    }
}
