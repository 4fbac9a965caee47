//! Mail that outlives the process: the store is told of every change before anything depends on it.

use std::time::Duration;

use crate::delivery::Cursor;
use crate::delivery::Inbox;
use crate::fault::Phase;
use crate::ice::Role;
use crate::id::{Direction, PeerKey, StreamId};
use crate::mail::{Address, MailChange, MailRecord, Memory, PeerNote, Saved};
use crate::output::{Event, Output};
use crate::supervisor::Supervisor;
use crate::supervisor::desk::Desk;
use crate::supervisor::peer_link::PeerLink;
use crate::supervisor::shelf::{Awaited, Mail};

/// A peer that has two links to us has both again within this, even if it is patient.
const RETURN: Duration = Duration::from_secs(60);

impl Supervisor {
    /// Takes up what an earlier process kept, before anything else happens.
    ///
    /// Whoever is in it is awaited: messages are kept for it until it is back.
    pub fn restore(&mut self, mail: Vec<MailRecord>) {
        let limit = self.desk.peer_limit(Phase::PeerAway, Role::Offerer, 0, None);
        let now = self.desk.now;
        let awaited = Awaited { preferred_until: now + RETURN.min(limit), until: now + limit };
        for MailRecord { address, note, kept } in mail {
            let outbox = self.desk.outbox().restored(&note, kept);
            let inbox = Inbox::restored(note.received);
            let saved = Saved::restored(address.clone(), note, &outbox);
            self.desk.shelf.restore(address, Mail { outbox: Some(outbox), inbox, saved }, awaited);
        }
        self.forget_absent();
    }

    /// Tells the store what it does not know yet.
    pub(super) fn keep_mail(&mut self) {
        if self.desk.settings.memory == Memory::Process {
            return;
        }
        let keys: Vec<PeerKey> = self.peers.keys().cloned().collect();
        for key in keys {
            let Some(link) = self.peers.get(&key).filter(|link| link.outlives()) else { continue };
            let Some(address) = link.address() else { continue };
            if link.saved.address().is_none() && self.is_kept(&address) {
                continue;
            }
            if let Some(link) = self.peers.get_mut(&key) {
                let note = link.note();
                let changes = link.saved.changes(&address, note, &mut link.outbox);
                changes.into_iter().for_each(|change| self.desk.output(Output::Keep(change)));
            }
        }
        for change in self.desk.shelf.changes() {
            self.desk.output(Output::Keep(change));
        }
    }

    /// Forgets absent peers that are too many or too long away; called when that begins to cost something.
    pub(super) fn forget_absent(&mut self) {
        for (change, peer, messages) in self.desk.shelf.forget(self.desk.now) {
            self.desk.output(Output::Keep(change));
            if messages > 0 {
                self.desk.event(Event::Dropped { peer: Some(peer), messages });
            }
        }
    }

    /// Returns whether another link has this address.
    fn is_kept(&self, address: &Address) -> bool {
        self.peers.values().any(|link| link.saved.address() == Some(address))
    }

    /// The application has a message, and all before it.
    pub(super) fn confirm(&mut self, from: &PeerKey, position: Cursor) {
        let Some(link) = self.peers.get_mut(from) else { return self.desk.shelf.confirm(position) };
        if link.inbox.confirm(position) {
            link.owe_acknowledgement(&mut self.desk);
        }
    }
}

impl PeerLink {
    /// Returns with whom this link exchanges mail, as soon as that is known.
    pub(super) fn address(&self) -> Option<Address> {
        let stream = self.stream.clone();
        if let Some(address) = self.saved.address() {
            return Some(address.clone());
        }
        match self.key.direction {
            Direction::Viewing => Some(Address::Publisher { stream }),
            Direction::Publishing => self.identity().map(|identity| Address::Viewer { identity, stream }),
        }
    }

    /// Returns whether its mail is kept: a publisher's always, a viewer's if it says how it delivers.
    fn outlives(&self) -> bool {
        let delivers = self.hello.rejoin.as_ref().is_some_and(|rejoin| rejoin.delivery.is_some());
        self.key.direction == Direction::Viewing || delivers || self.saved.address().is_some()
    }

    /// Returns for how long the peer keeps how far it has come.
    pub(super) fn memory(&self) -> Memory {
        let said = self.hello.rejoin.as_ref().and_then(|rejoin| rejoin.delivery);
        let before = self.saved.note().map(|note| note.memory);
        said.map(|delivery| delivery.memory).or(before).unwrap_or_default()
    }

    fn note(&self) -> PeerNote {
        let before = self.saved.note();
        PeerNote {
            identity: self.identity(),
            label: self.hello.label.clone().or_else(|| before.and_then(|note| note.label.clone())),
            memory: self.memory(),
            epoch: self.outbox.epoch(),
            newest: self.outbox.newest(),
            acknowledged: self.outbox.through(),
            received: self.inbox.cursor(),
        }
    }

    /// Goes on with mail that waited for this peer.
    pub(super) fn take_up(&mut self, mail: Mail) {
        self.inbox = mail.inbox;
        if let Some(outbox) = mail.outbox {
            (self.outbox, self.saved) = (outbox, mail.saved);
        }
    }

    /// Lets the store forget the mail of this link; it ends with the link.
    pub(super) fn discard(&mut self, desk: &mut Desk) {
        if let Some(address) = self.saved.address().cloned() {
            self.saved = Saved::default();
            desk.output(Output::Keep(MailChange::Forgotten { address }));
        }
    }
}

impl Desk {
    /// Returns the mail of a new link.
    pub(super) fn mail_for(&mut self, direction: Direction, stream: &StreamId) -> Mail {
        let kept = match direction {
            Direction::Viewing => self.shelf.take(&Address::Publisher { stream: stream.clone() }),
            // who views is not known before it says so
            Direction::Publishing => None,
        };
        kept.unwrap_or_else(|| {
            let (inbox, saved) = (Inbox::new(self.settings.memory), Saved::default());
            Mail { outbox: Some(self.outbox()), inbox, saved }
        })
    }
}
