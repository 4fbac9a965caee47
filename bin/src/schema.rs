//! `rejoin schema`: the JSON Schema of what rejoin reads.

use clap::ValueEnum;
use rejoin::Registry;

use crate::failure::Failure;
use crate::stdout::print;

/// The documents that have a schema.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub(crate) enum Document {
    /// The configuration: profile pages, the file of `--config`, variables and `--set`
    Config,
}

/// Prints the schema of `document`.
pub(crate) fn run(document: Document) -> Result<(), Failure> {
    let schema = match document {
        Document::Config => Registry::builtin().schema(),
    };
    let page = serde_json::to_string_pretty(&schema).map_err(anyhow::Error::from)?;
    Ok(print(&format!("{page}\n"))?)
}
