//! Each fault, shown to do what it says by small probes.

mod delay;
