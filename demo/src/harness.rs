//! What the demonstration and `testkit/lab` share: processes, their event stream and the audit of their messages.

mod delivery_guarantee;
mod link_event;
mod message_audit;
mod process;
mod process_set;
mod recovery;
mod role;
mod run_state;
mod server;
mod traffic;

pub use delivery_guarantee::DeliveryGuarantee;
pub use link_event::{Link, LinkEvent};
pub use message_audit::{MessageAudit, MessageCounts, SentNumbers};
pub use process::{EventKind, MessageFormat, NumberedMessages, Process, ProcessEvent};
pub use process_set::ProcessSet;
pub use recovery::{PeerIdentity, PhaseDuration, Recovery, RecoveryStep, TIMELINE_TOLERANCE_MS};
pub use role::{NumberedMessage, ProcessId, Role};
pub use run_state::RunState;
pub use server::ServerProcess;
