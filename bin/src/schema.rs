//! `rejoin schema`: the JSON Schemas of what rejoin reads and prints.

#[cfg(test)]
mod event_lines;

use clap::ValueEnum;
use rejoin::Registry;

use crate::failure::Failure;
use crate::stdout::print;

/// The documents that have a schema.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub(crate) enum Document {
    /// The configuration: profile pages, the file of `--config`, variables and `--set`
    Config,
    /// The lines that `rejoin join` prints with `--events` or `--format jsonl`
    Events,
}

/// Prints the schema of `document`.
pub(crate) fn run(document: Document) -> Result<(), Failure> {
    let page = match document {
        Document::Config => {
            let page = serde_json::to_string_pretty(&Registry::builtin().schema());
            page.map_err(anyhow::Error::from)? + "\n"
        }
        Document::Events => include_str!("schema/events.json").to_owned(),
    };
    Ok(print(&page)?)
}
