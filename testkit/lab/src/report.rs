//! The documents of a measurement: a table of values, a page and a chart.

pub mod chart;
pub mod goals;
pub mod page;
pub mod sample;
pub mod values;
