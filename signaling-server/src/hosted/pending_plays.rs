//! Who waits for a stream that nobody publishes to them yet, in order of arrival.

use std::collections::BTreeMap;

use crate::route::Route;

/// Viewers by stream id; no viewer twice, no stream without a viewer.
#[derive(Debug, Default)]
pub(super) struct PendingPlays {
    by_stream: BTreeMap<String, Vec<Route>>,
    count: usize,
}

impl PendingPlays {
    /// Adds a viewer that does not wait for this stream yet.
    pub(super) fn add(&mut self, stream: &str, viewer: Route) {
        self.by_stream.entry(stream.to_owned()).or_default().push(viewer);
        self.count += 1;
    }

    pub(super) fn remove(&mut self, stream: &str, viewer: Route) {
        let Some(viewers) = self.by_stream.get_mut(stream) else { return };
        let before = viewers.len();
        viewers.retain(|waiting| *waiting != viewer);
        self.count -= before - viewers.len();
        if viewers.is_empty() {
            self.by_stream.remove(stream);
        }
    }

    pub(super) fn of(&self, stream: &str) -> Vec<Route> {
        self.by_stream.get(stream).cloned().unwrap_or_default()
    }

    pub(super) fn len(&self) -> usize {
        self.count
    }

    #[cfg(test)]
    pub(super) fn pairs(&self) -> impl Iterator<Item = (&str, Route)> {
        self.by_stream
            .iter()
            .flat_map(|(stream, viewers)| viewers.iter().map(|viewer| (stream.as_str(), *viewer)))
    }
}
