//! `rejoin history`: the closed incidents of a session, from the file beside the session file.

mod entry;
mod file;
mod record;
mod render;

use anyhow::{Context as _, bail};

use crate::cli::history::HistoryArgs;
use crate::failure::Failure;
use crate::stdout::print;

pub(crate) use record::Recorder;

/// Prints the history of a session.
pub(crate) fn run(args: &HistoryArgs) -> Result<(), Failure> {
    let text = rendered(args).map_err(Failure::Usage)?;
    Ok(print(&text)?)
}

fn rendered(args: &HistoryArgs) -> anyhow::Result<String> {
    let path = file::path_beside(&args.session);
    if !path.exists() && !args.session.exists() {
        bail!(
            "there is no session in {}; give the file that `rejoin join --session` was given",
            args.session.display()
        )
    }
    let mut entries = file::read(&path)
        .with_context(|| format!("{} cannot be read; check its permissions", path.display()))?;
    let wanted = args.last.unwrap_or(file::MAX_ENTRIES).min(entries.len());
    let entries = entries.split_off(entries.len() - wanted);
    Ok(render::render(&entries, args.format))
}
