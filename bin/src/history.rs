//! The history of a session: every closed incident, newest last, in a file beside the session's.

mod entry;
mod file;
mod page;
mod record;

use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail};

use crate::cli::history::HistoryArgs;
use crate::failure::Failure;
use crate::page::printed;

pub(crate) use record::Recorder;

/// How many incidents are kept: months of a bad network, in less than a megabyte.
const KEPT: usize = 1000;

/// Prints the history of a session.
pub(crate) fn run(args: &HistoryArgs) -> Result<(), Failure> {
    let page = page_of(args).map_err(Failure::Usage)?;
    Ok(printed(&page)?)
}

fn page_of(args: &HistoryArgs) -> anyhow::Result<String> {
    let path = beside(&args.session);
    if !path.exists() && !args.session.exists() {
        bail!(
            "no session is remembered in {}; give the file that `rejoin join --session` was given",
            args.session.display()
        )
    }
    let mut entries = file::read(&path)
        .with_context(|| format!("{} cannot be read; check its permissions", path.display()))?;
    let wanted = args.last.unwrap_or(KEPT).min(entries.len());
    let entries = entries.split_off(entries.len() - wanted);
    Ok(page::write(&entries, args.format))
}

/// Returns where the history of the session in `session` lies.
fn beside(session: &Path) -> PathBuf {
    let mut name = session.as_os_str().to_owned();
    name.push(".history");
    PathBuf::from(name)
}
