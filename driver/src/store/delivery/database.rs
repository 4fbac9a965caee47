//! The tables of the delivery store, and how changes are applied to them.

use std::fs::OpenOptions;
use std::io::{self, ErrorKind};
use std::ops::Range;
use std::path::Path;

use redb::backends::FileBackend;
use redb::{Database, ReadableDatabase as _, ReadableTable as _, StorageBackend, StorageError};
use redb::{Table, TableDefinition};

use rejoin_core::Payload;
use rejoin_core::delivery::Cursor;
use rejoin_core::delivery::durable::{DeliveryKey, PeerRecord, Snapshot, StoreChange};

use super::row::{self, Row};
use crate::store::disk::private;

/// The version that this program writes and reads; it is increased when an older program would misread the file.
const VERSION: &str = "1";

/// The version, our identity (`owner`), and the boot of the host that wrote the database (`life`).
const ABOUT: TableDefinition<'_, &str, &str> = TableDefinition::new("about");
/// A [`Row`] as JSON for every peer.
const PEERS: TableDefinition<'_, &str, &[u8]> = TableDefinition::new("peers");
/// The undelivered messages, by peer and number.
const KEPT: TableDefinition<'_, (&str, u64), &str> = TableDefinition::new("kept");

/// The last confirmed number of each epoch, where the peer's row is older.
const CONFIRMED: TableDefinition<'_, u64, u64> = TableDefinition::new("confirmed");

/// The reason why the database cannot be used.
#[derive(Debug)]
pub(super) enum DatabaseError {
    /// Its content is not valid.
    Damaged(String),
    /// A newer version wrote it.
    Newer,
    /// The disk or the system refused an operation.
    Failed(Box<redb::Error>),
}

impl<E: Into<redb::Error>> From<E> for DatabaseError {
    fn from(error: E) -> Self {
        match error.into() {
            redb::Error::Corrupted(reason) => Self::Damaged(reason),
            redb::Error::Io(error) if is_damage(&error) => Self::Damaged(error.to_string()),
            redb::Error::RepairAborted => Self::Damaged("it cannot be repaired".to_owned()),
            redb::Error::UpgradeRequired(_) => Self::Newer,
            error => Self::Failed(Box::new(error)),
        }
    }
}

fn is_damage(error: &io::Error) -> bool {
    matches!(error.kind(), ErrorKind::InvalidData | ErrorKind::UnexpectedEof)
}

/// Opens the database at `path`, or creates it.
pub(super) fn open(path: &Path) -> Result<Database, DatabaseError> {
    let mut options = OpenOptions::new();
    let file = private(options.read(true).write(true).create(true).truncate(false)).open(path);
    let file = file.map_err(StorageError::Io)?;
    let backend = Unsynced(FileBackend::new(file)?);
    let database = Database::builder().set_check_integrity_on_open(true).create_with_backend(backend)?;
    let writing = database.begin_write()?;
    {
        let mut about = writing.open_table(ABOUT)?;
        let version = about.get("version")?.map(|version| version.value().to_owned());
        match version.as_deref() {
            None => drop(about.insert("version", VERSION)?),
            Some(VERSION) => {}
            Some(_) => return Err(DatabaseError::Newer),
        }
        writing.open_table(PEERS)?;
        writing.open_table(KEPT)?;
        writing.open_table(CONFIRMED)?;
    }
    writing.commit()?;
    Ok(database)
}

/// Returns the content and the boot of the host that wrote it, and forgets peers that were last seen before `oldest`.
pub(super) fn load(database: &Database, oldest: u64) -> Result<(Snapshot, Option<String>), DatabaseError> {
    let reading = database.begin_read()?;
    let (about, peers, kept) =
        (reading.open_table(ABOUT)?, reading.open_table(PEERS)?, reading.open_table(KEPT)?);
    let owner = match about.get("owner")? {
        Some(owner) => Some(owner.value().parse().map_err(damage)?),
        None => None,
    };
    let confirmed = reading.open_table(CONFIRMED)?;
    let boot = about.get("life")?.map(|boot| boot.value().to_owned());
    let (mut found, mut gone) = (Vec::new(), Vec::new());
    for entry in peers.iter()? {
        let (key, value) = entry?;
        let key = key.value();
        let delivery_key =
            row::address(key).ok_or_else(|| DatabaseError::Damaged("a peer has no name".to_owned()))?;
        let row: Row = serde_json::from_slice(value.value()).map_err(damage)?;
        let mut messages = Vec::new();
        for entry in kept.range((key, 0)..=(key, u64::MAX))? {
            let (number, payload) = entry?;
            messages.push((number.value().1, Payload(payload.value().into())));
        }
        if row.last_seen < oldest {
            tracing::warn!(messages = messages.len(), "forgot a peer that was absent for too long");
            gone.push(StoreChange::Forgotten { delivery_key });
        } else {
            let last_seen = row.last_seen;
            let mut state = row.peer_state();
            if let Some(cursor) = &mut state.received
                && let Some(sequence) = confirmed.get(cursor.epoch.0)?
            {
                cursor.sequence = cursor.sequence.max(sequence.value());
            }
            found.push((last_seen, PeerRecord { delivery_key, state, kept: messages }));
        }
    }
    drop((about, peers, kept, confirmed, reading));
    apply(database, &gone, 0)?;
    found.sort_by_key(|(last_seen, _)| *last_seen);
    Ok((Snapshot { identity: owner, peers: found.into_iter().map(|(_, record)| record).collect() }, boot))
}

/// Stores that the application has confirmed every message up to `position`.
pub(super) fn confirm(database: &Database, position: Cursor) -> Result<(), DatabaseError> {
    let writing = database.begin_write()?;
    writing.open_table(CONFIRMED)?.insert(position.epoch.0, position.sequence)?;
    writing.commit()?;
    Ok(())
}

/// Stores the boot of the host.
pub(super) fn set_boot(database: &Database, boot: &str) -> Result<(), DatabaseError> {
    let writing = database.begin_write()?;
    writing.open_table(ABOUT)?.insert("life", boot)?;
    writing.commit()?;
    Ok(())
}

fn damage(error: impl std::fmt::Display) -> DatabaseError {
    DatabaseError::Damaged(error.to_string())
}

/// Applies all of `changes` or none.
pub(super) fn apply(database: &Database, changes: &[StoreChange], now: u64) -> Result<(), DatabaseError> {
    if changes.is_empty() {
        return Ok(());
    }
    let writing = database.begin_write()?;
    {
        let mut about = writing.open_table(ABOUT)?;
        let mut peers = writing.open_table(PEERS)?;
        let mut kept = writing.open_table(KEPT)?;
        for change in changes {
            match change {
                StoreChange::Identity(identity) => {
                    drop(about.insert("owner", identity.to_string().as_str())?)
                }
                StoreChange::StateChanged { delivery_key, state } => {
                    let key = row::key(delivery_key);
                    let old =
                        peers.get(key.as_str())?.and_then(|old| serde_json::from_slice(old.value()).ok());
                    let row = Row::new(state, old.as_ref(), now);
                    peers.insert(key.as_str(), &*serde_json::to_vec(&row).map_err(damage)?)?;
                    if let Some(Cursor { epoch, sequence }) = state.received {
                        let mut confirmed = writing.open_table(CONFIRMED)?;
                        let ahead =
                            confirmed.get(epoch.0)?.is_some_and(|confirmed| confirmed.value() > sequence);
                        if !ahead {
                            confirmed.remove(epoch.0)?;
                        }
                    }
                }
                StoreChange::Kept { delivery_key, sequence, payload } => {
                    kept.insert((row::key(delivery_key).as_str(), *sequence), &*payload.0)?;
                }
                StoreChange::Released { delivery_key, numbers } => {
                    release(&mut kept, delivery_key, numbers.clone())?
                }
                StoreChange::Forgotten { delivery_key } => {
                    peers.remove(row::key(delivery_key).as_str())?;
                    release(&mut kept, delivery_key, 0..u64::MAX)?;
                }
            }
        }
    }
    writing.commit()?;
    Ok(())
}

fn release(
    kept: &mut Table<'_, (&str, u64), &str>,
    delivery_key: &DeliveryKey,
    numbers: Range<u64>,
) -> Result<(), DatabaseError> {
    let key = row::key(delivery_key);
    kept.retain_in((key.as_str(), numbers.start)..(key.as_str(), numbers.end), |_, _| false)?;
    Ok(())
}

/// A file that is never synced: written data is in the operating system and survives the process.
///
/// A sync takes a hundred times as long.
#[derive(Debug)]
struct Unsynced(FileBackend);

impl StorageBackend for Unsynced {
    fn len(&self) -> Result<u64, io::Error> {
        self.0.len()
    }

    fn read(&self, offset: u64, out: &mut [u8]) -> Result<(), io::Error> {
        self.0.read(offset, out)
    }

    fn set_len(&self, len: u64) -> Result<(), io::Error> {
        self.0.set_len(len)
    }

    fn sync_data(&self) -> Result<(), io::Error> {
        Ok(())
    }

    fn write(&self, offset: u64, data: &[u8]) -> Result<(), io::Error> {
        self.0.write(offset, data)
    }

    fn close(&self) -> Result<(), io::Error> {
        self.0.close()
    }
}
