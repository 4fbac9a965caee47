//! What the machine has asked for so far: every connection from its creation to its end.

use std::collections::BTreeMap;
use std::time::Instant;

use super::*;
use crate::message::ChannelMessage;
use crate::port::{PeerAction, SignalingAction};

/// The life of one peer connection.
#[derive(Debug, Default)]
pub(super) struct Life {
    pub(super) closed: bool,
    /// Tokens of the pings that left, and when.
    pub(super) pings: BTreeMap<String, Instant>,
}

/// Everything that was created.
#[derive(Debug, Default)]
pub(super) struct Audit {
    pub(super) connections: BTreeMap<Generation, Life>,
    pub(super) sockets: Vec<Generation>,
    /// WebSocket pings on the newest socket.
    pub(super) socket_pings: usize,
}

impl Audit {
    /// Notes outputs and fails on what no transport should be asked.
    pub(super) fn record(&mut self, outputs: &[Output], now: Instant) -> Result<(), String> {
        outputs.iter().try_for_each(|output| match output {
            Output::Peer(generation, action) => self.peer(*generation, action, now),
            Output::Signaling(generation, action) => self.signaling(*generation, action),
            Output::Persist(_) | Output::StoreDelivery(_) | Output::Event(_) => Ok(()),
        })
    }

    fn peer(&mut self, generation: Generation, action: &PeerAction, now: Instant) -> Result<(), String> {
        if let PeerAction::Create(_) = action {
            let used = self.sockets.contains(&generation);
            return match self.connections.insert(generation, Life::default()) {
                None if !used => Ok(()),
                None | Some(_) => Err(format!("{generation} is used twice")),
            };
        }
        let life = self.connections.get_mut(&generation);
        let life = life.ok_or_else(|| format!("{generation} was never created"))?;
        if life.closed {
            return Err(format!("{generation} is closed and yet asked for {action:?}"));
        }
        match action {
            PeerAction::Close => life.closed = true,
            PeerAction::Send { message: ChannelMessage::Ping(token), .. } => {
                life.pings.insert(token.0.to_string(), now);
            }
            PeerAction::Create(_)
            | PeerAction::RestartIce(_)
            | PeerAction::Accept(_)
            | PeerAction::AddCandidates(_)
            | PeerAction::Send { .. }
            | PeerAction::ReadStats => {}
        }
        Ok(())
    }

    fn signaling(&mut self, generation: Generation, action: &SignalingAction) -> Result<(), String> {
        match action {
            SignalingAction::Open { .. } => {
                if self.sockets.contains(&generation) || self.connections.contains_key(&generation) {
                    return Err(format!("{generation} is used twice"));
                }
                self.sockets.push(generation);
                self.socket_pings = 0;
                Ok(())
            }
            SignalingAction::Ping => {
                self.socket_pings += 1;
                self.newest(generation)
            }
            SignalingAction::Send(_) | SignalingAction::Close => self.newest(generation),
        }
    }

    fn newest(&self, generation: Generation) -> Result<(), String> {
        match self.sockets.last() {
            Some(newest) if *newest == generation => Ok(()),
            Some(_) | None => Err(format!("{generation} is not the newest socket")),
        }
    }
}
