//! Notes of what the application has, taken in its own thread: no other thread must run for it.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use redb::Database;

use rejoin_core::delivery::Cursor;
use rejoin_core::port::{Receipts, StoreError};

use super::database;

/// Writes past the machine into the database that is open, if one is.
#[derive(Debug, Default)]
pub(super) struct ReceiptBook(Mutex<Option<Arc<Database>>>);

impl ReceiptBook {
    /// Writes into `database` from here on; the last one is in use no more when this returns.
    pub(super) fn turn_to(&self, database: Option<Arc<Database>>) {
        *self.lock() = database;
    }

    /// A note that was half taken is none, so a poisoned lock is as good as any.
    fn lock(&self) -> MutexGuard<'_, Option<Arc<Database>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Receipts for ReceiptBook {
    fn note(&self, position: Cursor) -> Result<(), StoreError> {
        match &*self.lock() {
            Some(open) => database::confirm(open, position)
                .map_err(|_| StoreError("what was received could not be noted at once".to_owned())),
            // the machine's own note waits until it can be stored
            None => Ok(()),
        }
    }
}
