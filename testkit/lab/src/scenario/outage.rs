//! The actions that most scenarios share: a fault for some seconds, and the recovery after it.

use std::time::Duration;

use crate::fault::Fault;
use crate::scenario::action::{Action, Checkpoint, Limit, Since};

/// The checkpoint of most outages: from the end of the fault, with a new connection as the limit.
pub(super) const REBUILT: Checkpoint =
    Checkpoint { name: "recovery", since: Since::Heal, limit: Limit::Rebuild };

pub(super) fn outage(fault: Fault, lasting: u64, checkpoint: Checkpoint) -> Vec<Action> {
    vec![
        Action::Inject(fault.clone()),
        seconds(lasting),
        Action::Heal(fault),
        Action::AwaitRecovery(checkpoint),
    ]
}

pub(super) fn seconds(number: u64) -> Action {
    Action::Wait(Duration::from_secs(number))
}
