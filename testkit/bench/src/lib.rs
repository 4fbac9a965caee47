//! rejoin-bench measures what delivery costs: two sessions over a real connection, compared with a bare data channel.
//!
//! `cargo bench -p rejoin-bench --bench throughput` prints the bytes that a message costs and both throughputs;
//! `cargo bench -p rejoin-bench --bench fan_out` measures the core by the number of viewers;
//! `cargo bench -p rejoin-bench --bench idle` prints what an idle link costs with each profile.

mod bare;
mod fan_out;
mod sessions;

pub use bare::Bare;
pub use fan_out::Publisher;
pub use sessions::{MESSAGE, Sessions};
