//! The session file of `--session`: its store, the intent of the last process, and the history beside it.

use std::path::Path;

use rejoin::FileStore;
use rejoin::SessionStore as _;
use rejoin::id::StreamId;
use rejoin::session::SessionRecord;

use crate::history::Recorder;

/// A session file; the default one has no store.
#[derive(Debug, Default)]
pub(crate) struct SessionFile {
    /// The store of the session record.
    pub(crate) store: Option<FileStore>,
    /// The recorder of incidents.
    pub(crate) recorder: Option<Recorder>,
    record: Option<SessionRecord>,
    failure: Option<String>,
}

impl SessionFile {
    /// Opens the file at `path`.
    ///
    /// A file that cannot be used does not end the program: this logs a warning and returns a file without a store.
    pub(crate) async fn open(path: &Path) -> Self {
        match Self::load(path).await {
            Ok(file) => file,
            Err(failure) => {
                tracing::warn!("the session is not stored: {failure}");
                Self { failure: Some(failure), ..Self::default() }
            }
        }
    }

    async fn load(path: &Path) -> Result<Self, String> {
        let mut store = FileStore::open(path).map_err(|error| error.0)?;
        let record = store.load().await.map_err(|error| error.0)?;
        Ok(Self { store: Some(store), recorder: Some(Recorder::new(path)), record, failure: None })
    }

    /// Replaces the published streams of the record by `stream`.
    pub(crate) async fn replace_streams(&mut self, stream: &StreamId) {
        let (Some(record), Some(store)) = (&mut self.record, &mut self.store) else { return };
        let before = record.streams.len();
        record.streams.retain(|stored| stored == stream);
        if record.streams.len() < before
            && let Err(error) = store.save(record).await
        {
            tracing::warn!("the streams of the last process are published too: {}", error.0);
        }
    }

    /// Returns whether the record names a room or a stream.
    pub(crate) fn has_intent(&self) -> bool {
        self.record.as_ref().is_some_and(|record| {
            record.room.is_some() || !record.streams.is_empty() || !record.views.is_empty()
        })
    }

    /// Returns the streams that the last process published.
    pub(crate) fn streams(&self) -> impl Iterator<Item = &StreamId> {
        self.record.iter().flat_map(|record| &record.streams)
    }

    /// Returns the streams that the last process viewed.
    pub(crate) fn views(&self) -> impl Iterator<Item = &StreamId> {
        self.record.iter().flat_map(|record| &record.views)
    }

    /// Returns why the file cannot be used, if it cannot.
    pub(crate) fn failure(&self) -> Option<&str> {
        self.failure.as_deref()
    }
}

#[cfg(test)]
mod tests {
    use rejoin::Identity;

    use super::*;

    #[tokio::test]
    async fn a_new_file_has_no_intent() {
        let directory = tempfile::tempdir().unwrap();
        let file = SessionFile::open(&directory.path().join("bot.json")).await;
        assert!(file.store.is_some() && !file.has_intent());
    }

    #[tokio::test]
    async fn a_stream_to_publish_replaces_the_stored_ones() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("bot.json");
        let stream = |name: &str| StreamId(name.into());
        let mut record = SessionRecord::new(Identity(7));
        (record.streams, record.views) = (vec![stream("a"), stream("b")], vec![stream("c")]);
        FileStore::open(&path).unwrap().save(&record).await.unwrap();

        let mut file = SessionFile::open(&path).await;
        assert!(file.has_intent());
        file.replace_streams(&stream("b")).await;
        drop(file);

        let kept = FileStore::open(&path).unwrap().load().await.unwrap().unwrap();
        assert_eq!((kept.streams, kept.views), (vec![stream("b")], vec![stream("c")]));
        assert_eq!(kept.identity, Identity(7));
    }

    #[tokio::test]
    async fn a_file_that_cannot_be_used_is_reported_and_not_used() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("bot.json");
        let _owner = FileStore::open(&path).unwrap();
        let locked = SessionFile::open(&path).await;
        assert!(locked.failure().is_some_and(|failure| failure.contains("in use by another session")));

        let path = directory.path().join("newer.json");
        std::fs::write(&path, r#"{"version":99}"#).unwrap();
        let newer = SessionFile::open(&path).await;
        assert!(
            newer.store.is_none() && newer.failure().is_some_and(|failure| failure.contains("update it"))
        );

        let missing = SessionFile::open(&directory.path().join("none/bot.json")).await;
        assert!(missing.failure().is_some_and(|failure| failure.contains("make its directory")));
    }
}
