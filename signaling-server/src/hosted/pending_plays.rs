//! Plays of streams that have no publisher yet, in order of arrival.

use std::collections::{BTreeMap, BTreeSet};

use crate::close_reason::CloseReason;
use crate::route::Route;

/// Maps streams to waiting viewers, and viewers to streams.
#[derive(Debug)]
pub(super) struct PendingPlays {
    /// How many streams one viewer may wait for.
    limit: usize,
    by_stream: BTreeMap<String, Vec<Route>>,
    by_viewer: BTreeMap<Route, BTreeSet<String>>,
    len: usize,
}

impl PendingPlays {
    pub(super) fn new(limit: usize) -> Self {
        Self { limit, by_stream: BTreeMap::new(), by_viewer: BTreeMap::new(), len: 0 }
    }

    /// Adds a play unless it is pending already; `Err` means that the viewer waits for too many streams.
    pub(super) fn insert(&mut self, stream: &str, viewer: Route) -> Result<(), CloseReason> {
        let streams = self.by_viewer.get(&viewer);
        if streams.is_some_and(|streams| streams.contains(stream)) {
            return Ok(());
        }
        if streams.map_or(0, BTreeSet::len) >= self.limit {
            return Err(CloseReason::TooManyPlays(self.limit));
        }
        self.by_viewer.entry(viewer).or_default().insert(stream.to_owned());
        self.by_stream.entry(stream.to_owned()).or_default().push(viewer);
        self.len += 1;
        Ok(())
    }

    pub(super) fn remove(&mut self, stream: &str, viewer: Route) {
        let Some(streams) = self.by_viewer.get_mut(&viewer) else { return };
        if streams.remove(stream) {
            if streams.is_empty() {
                self.by_viewer.remove(&viewer);
            }
            self.remove_from_stream(stream, viewer);
        }
    }

    pub(super) fn remove_viewer(&mut self, viewer: Route) {
        for stream in self.by_viewer.remove(&viewer).unwrap_or_default() {
            self.remove_from_stream(&stream, viewer);
        }
    }

    pub(super) fn viewers(&self, stream: &str) -> Vec<Route> {
        self.by_stream.get(stream).cloned().unwrap_or_default()
    }

    pub(super) fn len(&self) -> usize {
        self.len
    }

    fn remove_from_stream(&mut self, stream: &str, viewer: Route) {
        let Some(viewers) = self.by_stream.get_mut(stream) else { return };
        viewers.retain(|waiting| *waiting != viewer);
        if viewers.is_empty() {
            self.by_stream.remove(stream);
        }
        self.len -= 1;
    }

    #[cfg(test)]
    pub(super) fn is_consistent(&self, is_open: impl Fn(Route) -> bool) -> bool {
        let pairs =
            self.by_stream.iter().flat_map(|(stream, viewers)| viewers.iter().map(move |v| (stream, v)));
        let agrees =
            |(stream, viewer)| self.by_viewer.get(viewer).is_some_and(|streams| streams.contains(stream));
        pairs.clone().count() == self.len
            && pairs.into_iter().all(agrees)
            && self.by_stream.values().all(|viewers| !viewers.is_empty())
            && self.by_viewer.values().map(BTreeSet::len).sum::<usize>() == self.len
            && self
                .by_viewer
                .iter()
                .all(|(viewer, s)| is_open(*viewer) && (1..=self.limit).contains(&s.len()))
    }
}
