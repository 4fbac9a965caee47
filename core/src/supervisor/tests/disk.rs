//! What a store holds of a random run: all that the machine keeps, before anything of it leaves.

use std::collections::BTreeMap;

use super::*;
use crate::delivery::DeliveryFrame;
use crate::delivery::durable::{DeliveryKey, PeerState, StoreChange};
use crate::message::{ChannelMessage, Payload};
use crate::port::PeerAction;

#[derive(Debug, Default)]
pub(super) struct Disk(BTreeMap<DeliveryKey, Record>);

#[derive(Debug, Default)]
struct Record {
    state: Option<PeerState>,
    kept: BTreeMap<u64, Payload>,
}

impl Disk {
    /// Stores what the machine says, and fails on what it should not say or has not said in time.
    pub(super) fn check(&mut self, machine: &Supervisor, outputs: &[Output]) -> Result<(), String> {
        for output in outputs {
            if let Output::StoreDelivery(change) = output {
                if machine.context.settings.durability == Durability::InMemory {
                    return Err(format!("nothing shall outlive the process, and yet {change:?}"));
                }
                self.apply(change)?;
            }
        }
        if machine.context.settings.durability == Durability::InMemory {
            return Ok(());
        }
        outputs.iter().try_for_each(|output| match output {
            Output::Peer(
                _,
                PeerAction::Send {
                    message: ChannelMessage::Delivery(DeliveryFrame::Message { sequence, .. }),
                    ..
                },
            ) => {
                let stored = self.0.values().any(|record| record.kept.contains_key(sequence));
                stored.then_some(()).ok_or_else(|| format!("message {sequence} is sent and not stored"))
            }
            Output::Peer(..)
            | Output::Signaling(..)
            | Output::Persist(_)
            | Output::StoreDelivery(_)
            | Output::Event(_) => Ok(()),
        })?;
        machine
            .peers
            .values()
            .filter(|link| link.delivery.stored_key().is_some())
            .try_for_each(|link| self.agrees(link))
    }

    fn apply(&mut self, change: &StoreChange) -> Result<(), String> {
        match change {
            StoreChange::Identity(_) => {}
            StoreChange::StateChanged { delivery_key, state } => {
                self.record(delivery_key).state = Some(state.clone());
            }
            StoreChange::Kept { delivery_key, sequence, payload } => {
                if self.record(delivery_key).kept.insert(*sequence, payload.clone()).is_some() {
                    return Err(format!("message {sequence} is stored twice for {delivery_key:?}"));
                }
            }
            StoreChange::Released { delivery_key, numbers } => {
                self.record(delivery_key).kept.retain(|sequence, _| !numbers.contains(sequence));
            }
            StoreChange::Forgotten { delivery_key } => {
                if self.0.remove(delivery_key).is_none() {
                    return Err(format!("{delivery_key:?} is forgotten and was never known"));
                }
            }
        }
        Ok(())
    }

    fn record(&mut self, delivery_key: &DeliveryKey) -> &mut Record {
        self.0.entry(delivery_key.clone()).or_default()
    }

    fn agrees(&self, link: &PeerLink) -> Result<(), String> {
        let record = link.delivery_key().and_then(|delivery_key| self.0.get(&delivery_key));
        let Some(record) = record else {
            return Err(format!("nothing is stored of {}", link.connectivity.remote.key));
        };
        // this world's channels also give back what nobody sent, under the number of something else
        let kept = link.delivery.kept_numbers();
        let stored: Vec<_> = record.kept.keys().copied().collect();
        let received = record.state.as_ref().and_then(|state| state.received);
        if kept != stored || received != link.delivery.received() {
            return Err(format!("{} keeps {kept:?}, and stored is {record:?}", link.connectivity.remote.key));
        }
        Ok(())
    }
}
