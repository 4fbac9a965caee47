//! rejoin-recovery chooses repairs: one file per strategy, each a plain value that reads the incident so far.
//!
//! ```
//! use rejoin_core::policy::RecoveryContext;
//! use rejoin_core::{Fault, NetworkSnapshot, RecoveryStep, RecoveryStrategy, Role};
//! use rejoin_recovery::Ladder;
//!
//! let network = NetworkSnapshot::default();
//! let context = RecoveryContext::new(Role::Offerer, &Fault::IceDisconnected, &network);
//! assert_eq!(Ladder::default().next_step(&context), RecoveryStep::Wait);
//! ```

mod feasibility;
mod hedged;
mod ladder;
mod rebuild;

pub use hedged::{First, Hedged};
pub use ladder::{Ladder, LadderOptions};
pub use rebuild::{Patience, Rebuild};
