//! Watches the host: an event opens a window, and at its end the host is looked at.

use std::io;

use tokio::task::JoinHandle;

use crate::sight::Sight;
use crate::window::{Events, Window};

/// A look that is being taken on a thread of its own.
pub(crate) type Looking = JoinHandle<io::Result<Sight>>;

/// What hears of changes and can look at them.
pub(crate) trait Lookout: Events + Send {
    /// Begins a look; what changes during it is an event after it.
    fn look(&self) -> Looking;
}

/// A lookout, and what follows from its events.
#[derive(Debug)]
pub(crate) struct Watch<L> {
    lookout: L,
    window: Window,
    looking: Option<Looking>,
}

impl<L: Lookout> Watch<L> {
    /// Begins with a look by `lookout`, which hears of changes already.
    pub(crate) fn begin(lookout: L, window: Window) -> Self {
        let looking = Some(lookout.look());
        Self { lookout, window, looking }
    }

    /// Returns what was seen after the next event. Cancel-safe.
    pub(crate) async fn next(&mut self) -> io::Result<Sight> {
        let looking = match &mut self.looking {
            Some(looking) => looking,
            None => {
                self.window.pass(&mut self.lookout).await?;
                self.looking.insert(self.lookout.look())
            }
        };
        let found = looking.await;
        self.looking = None;
        found.map_err(io::Error::other).flatten()
    }
}
