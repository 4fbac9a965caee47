//! What `--session` remembers: the wish of the last process, the store that keeps it, and the history beside it.

use std::path::Path;

use rejoin_core::SessionStore as _;
use rejoin_core::id::StreamId;
use rejoin_core::session::SessionRecord;
use rejoin_driver::FileStore;

use crate::history::Recorder;

/// The memory of a session; an empty one remembers nothing and keeps nothing.
#[derive(Debug, Default)]
pub(crate) struct Memory {
    /// What keeps the session from here on.
    pub(crate) store: Option<FileStore>,
    /// What keeps its incidents.
    pub(crate) recorder: Option<Recorder>,
    record: Option<SessionRecord>,
    trouble: Option<String>,
}

impl Memory {
    /// Opens the memory in the file at `path`.
    ///
    /// A file that cannot be used costs the memory and not the link: it is told, and the memory is empty.
    pub(crate) async fn open(path: &Path) -> Self {
        match Self::recall(path).await {
            Ok(memory) => memory,
            Err(trouble) => {
                tracing::warn!("nothing is remembered: {trouble}");
                Self { trouble: Some(trouble), ..Self::default() }
            }
        }
    }

    async fn recall(path: &Path) -> Result<Self, String> {
        let mut store = FileStore::open(path).map_err(|error| error.0)?;
        let record = store.load().await.map_err(|error| error.0)?;
        Ok(Self { store: Some(store), recorder: Some(Recorder::of(path)), record, trouble: None })
    }

    /// Forgets the remembered streams that are published, since another one takes their place.
    pub(crate) async fn publish_instead(&mut self, stream: &StreamId) {
        let (Some(record), Some(store)) = (&mut self.record, &mut self.store) else { return };
        let before = record.streams.len();
        record.streams.retain(|remembered| remembered == stream);
        if record.streams.len() < before
            && let Err(error) = store.save(record).await
        {
            tracing::warn!("the streams of before are published too: {}", error.0);
        }
    }

    /// Returns whether a room or a stream is remembered.
    pub(crate) fn holds_a_wish(&self) -> bool {
        self.record.as_ref().is_some_and(|record| {
            record.room.is_some() || !record.streams.is_empty() || !record.views.is_empty()
        })
    }

    /// Returns the streams that were published.
    pub(crate) fn streams(&self) -> impl Iterator<Item = &StreamId> {
        self.record.iter().flat_map(|record| &record.streams)
    }

    /// Returns the streams that were viewed.
    pub(crate) fn views(&self) -> impl Iterator<Item = &StreamId> {
        self.record.iter().flat_map(|record| &record.views)
    }

    /// Returns why nothing is remembered, if that is a matter of the file.
    pub(crate) fn trouble(&self) -> Option<&str> {
        self.trouble.as_deref()
    }
}

#[cfg(test)]
mod tests {
    use rejoin_core::Identity;

    use super::*;

    #[tokio::test]
    async fn a_new_file_remembers_nothing_yet() {
        let directory = tempfile::tempdir().unwrap();
        let memory = Memory::open(&directory.path().join("bot.json")).await;
        assert!(memory.store.is_some() && !memory.holds_a_wish());
    }

    #[tokio::test]
    async fn a_stream_to_publish_takes_the_place_of_the_remembered() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("bot.json");
        let stream = |name: &str| StreamId(name.into());
        let mut record = SessionRecord::new(Identity(7));
        (record.streams, record.views) = (vec![stream("a"), stream("b")], vec![stream("c")]);
        FileStore::open(&path).unwrap().save(&record).await.unwrap();

        let mut memory = Memory::open(&path).await;
        assert!(memory.holds_a_wish());
        memory.publish_instead(&stream("b")).await;
        drop(memory);

        let kept = FileStore::open(&path).unwrap().load().await.unwrap().unwrap();
        assert_eq!((kept.streams, kept.views), (vec![stream("b")], vec![stream("c")]));
        assert_eq!(kept.identity, Identity(7));
    }

    #[tokio::test]
    async fn a_file_that_cannot_be_used_costs_the_memory_only() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("bot.json");
        let _owner = FileStore::open(&path).unwrap();
        let locked = Memory::open(&path).await;
        assert!(locked.trouble().is_some_and(|trouble| trouble.contains("in use by another session")));

        let path = directory.path().join("newer.json");
        std::fs::write(&path, r#"{"version":99}"#).unwrap();
        let newer = Memory::open(&path).await;
        assert!(
            newer.store.is_none() && newer.trouble().is_some_and(|trouble| trouble.contains("update it"))
        );

        let missing = Memory::open(&directory.path().join("none/bot.json")).await;
        assert!(missing.trouble().is_some_and(|trouble| trouble.contains("make its directory")));
    }
}
