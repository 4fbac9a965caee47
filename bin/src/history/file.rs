//! The file of a history: lines are only ever added, and now and then the oldest are left out.

use std::fs::{self, File, OpenOptions};
use std::io::{self, ErrorKind, Read as _, Seek as _, SeekFrom, Write as _};
use std::path::{Path, PathBuf};

use super::KEPT;
use super::entry::Entry;

/// Lines beyond those that are kept: the file is written anew only once in so many incidents.
const SPARE: usize = 200;

/// A history that grows.
///
/// A crash may tear the last line, and only that; what is no entry is passed over when it is read.
#[derive(Debug)]
pub(super) struct Ledger {
    path: PathBuf,
    /// How many lines the file holds; `None` until somebody has counted them.
    lines: Option<usize>,
}

impl Ledger {
    /// Creates the ledger in the file at `path`, which need not exist; nothing is touched yet.
    pub(super) fn at(path: PathBuf) -> Self {
        Self { path, lines: None }
    }

    /// Adds an entry.
    pub(super) fn add(&mut self, entry: &Entry) -> io::Result<()> {
        let lines = match self.lines {
            Some(lines) => lines,
            None => text(&self.path)?.lines().count(),
        };
        self.lines = Some(lines);
        if lines >= KEPT + SPARE {
            self.shorten()?;
        }
        let mut file = private(OpenOptions::new().read(true).append(true).create(true)).open(&self.path)?;
        let mut line = serde_json::to_string(entry)?;
        line.push('\n');
        if is_torn(&mut file)? {
            line.insert(0, '\n');
        }
        file.write_all(line.as_bytes())?;
        file.sync_data()?;
        self.lines = self.lines.map(|lines| lines + 1);
        Ok(())
    }

    /// Leaves out the oldest, in one stroke: a crash leaves the old file or the new one.
    fn shorten(&mut self) -> io::Result<()> {
        let entries = read(&self.path)?;
        let mut page = String::new();
        for entry in &entries {
            page.push_str(&serde_json::to_string(entry)?);
            page.push('\n');
        }
        let draft = self.path.with_extension("history.tmp");
        match fs::remove_file(&draft) {
            Err(error) if error.kind() != ErrorKind::NotFound => return Err(error),
            Err(_) | Ok(()) => {}
        }
        let mut file = private(OpenOptions::new().write(true).create_new(true)).open(&draft)?;
        file.write_all(page.as_bytes())?;
        file.sync_all()?;
        fs::rename(&draft, &self.path)?;
        self.lines = Some(entries.len());
        Ok(())
    }
}

/// Returns the newest entries of the file at `path`, oldest first; none if there is no file.
pub(super) fn read(path: &Path) -> io::Result<Vec<Entry>> {
    let text = text(path)?;
    let mut entries: Vec<Entry> = text.lines().filter_map(|line| serde_json::from_str(line).ok()).collect();
    Ok(entries.split_off(entries.len().saturating_sub(KEPT)))
}

fn text(path: &Path) -> io::Result<String> {
    match fs::read(path) {
        Ok(bytes) => Ok(String::from_utf8_lossy(&bytes).into_owned()),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(String::new()),
        Err(error) => Err(error),
    }
}

/// Returns whether the last line has no end.
fn is_torn(file: &mut File) -> io::Result<bool> {
    if file.seek(SeekFrom::End(0))? == 0 {
        return Ok(false);
    }
    file.seek(SeekFrom::End(-1))?;
    let mut last = [0];
    file.read_exact(&mut last)?;
    Ok(last != *b"\n")
}

/// Keeps what is created from everybody but its owner.
fn private(options: &mut OpenOptions) -> &mut OpenOptions {
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(options, 0o600);
    options
}

#[cfg(test)]
mod tests {
    use super::super::entry::{Ending, Link};
    use super::*;

    #[test]
    fn what_is_added_is_read_in_order() {
        let (_directory, path) = place();
        fill(&mut Ledger::at(path.clone()), 0..3);
        fill(&mut Ledger::at(path.clone()), 3..5);
        assert_eq!(started(&path), [0, 1, 2, 3, 4]);
    }

    #[test]
    fn only_the_newest_are_kept() {
        let (_directory, path) = place();
        let count = 1_500;
        fill(&mut Ledger::at(path.clone()), 0..count);
        let newest: Vec<_> = (count - KEPT as u64..count).collect();
        assert_eq!(started(&path), newest);
        assert!(text(&path).unwrap().lines().count() <= KEPT + SPARE);
    }

    #[test]
    fn a_torn_line_costs_nothing_but_itself() {
        let (_directory, path) = place();
        fill(&mut Ledger::at(path.clone()), 0..2);
        let whole = fs::read(&path).unwrap();
        fs::write(&path, &whole[..whole.len() - 10]).unwrap();
        assert_eq!(started(&path), [0]);
        fill(&mut Ledger::at(path.clone()), 2..3);
        assert_eq!(started(&path), [0, 2]);
    }

    #[test]
    fn a_missing_file_is_an_empty_history() {
        let (_directory, path) = place();
        assert!(read(&path).unwrap().is_empty());
    }

    fn place() -> (tempfile::TempDir, PathBuf) {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("bot.json.history");
        (directory, path)
    }

    fn fill(ledger: &mut Ledger, times: std::ops::Range<u64>) {
        for started in times {
            let entry = Entry {
                started,
                link: Link::Signaling,
                fault: "signaling_silent".to_owned(),
                reason: "silence".to_owned(),
                outcome: Ending::Recovered,
                outage_ms: 5,
                steps: Vec::new(),
                timeline: Vec::new(),
            };
            ledger.add(&entry).unwrap();
        }
    }

    fn started(path: &Path) -> Vec<u64> {
        read(path).unwrap().iter().map(|entry| entry.started).collect()
    }
}
