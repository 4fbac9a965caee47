//! rejoin-lab: runs scenarios in a lab; see the library for what a lab is.

fn main() {}
