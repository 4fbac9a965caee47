//! The file of a history: lines are appended, and from time to time the oldest are removed.

use std::fs::{self, File, OpenOptions};
use std::io::{self, ErrorKind, Read as _, Seek as _, SeekFrom, Write as _};
use std::path::{Path, PathBuf};

use super::entry::Entry;

/// The number of incidents in a history: months of a bad network, in less than a megabyte.
pub(super) const MAX_ENTRIES: usize = 1000;

/// Additional lines in the file, so that it is rewritten only once in so many incidents.
const MAX_EXCESS: usize = 200;

/// Returns the path of the history of the session file `session`.
pub(super) fn path_beside(session: &Path) -> PathBuf {
    let mut name = session.as_os_str().to_owned();
    name.push(".history");
    PathBuf::from(name)
}

/// Appends entries to a history.
///
/// A crash may truncate the last line only; `read` skips lines that are not entries.
#[derive(Debug)]
pub(super) struct HistoryWriter {
    path: PathBuf,
    /// The number of lines in the file; `None` before the first entry.
    lines: Option<usize>,
}

impl HistoryWriter {
    /// Creates a writer of the file at `path`, which need not exist; this does not open the file.
    pub(super) fn new(path: PathBuf) -> Self {
        Self { path, lines: None }
    }

    /// Appends an entry and syncs the file.
    pub(super) fn append(&mut self, entry: &Entry) -> io::Result<()> {
        let lines = match self.lines {
            Some(lines) => lines,
            None => text(&self.path)?.lines().count(),
        };
        self.lines = Some(lines);
        if lines >= MAX_ENTRIES + MAX_EXCESS {
            self.remove_oldest()?;
        }
        let mut file = private(OpenOptions::new().read(true).append(true).create(true)).open(&self.path)?;
        let mut line = serde_json::to_string(entry)?;
        line.push('\n');
        if is_truncated(&mut file)? {
            line.insert(0, '\n');
        }
        file.write_all(line.as_bytes())?;
        file.sync_data()?;
        self.lines = self.lines.map(|lines| lines + 1);
        Ok(())
    }

    /// Removes the oldest entries atomically: a crash leaves the old file or the new one.
    fn remove_oldest(&mut self) -> io::Result<()> {
        let entries = read(&self.path)?;
        let mut lines = String::new();
        for entry in &entries {
            lines.push_str(&serde_json::to_string(entry)?);
            lines.push('\n');
        }
        let draft = self.path.with_extension("history.tmp");
        match fs::remove_file(&draft) {
            Err(error) if error.kind() != ErrorKind::NotFound => return Err(error),
            Err(_) | Ok(()) => {}
        }
        let mut file = private(OpenOptions::new().write(true).create_new(true)).open(&draft)?;
        file.write_all(lines.as_bytes())?;
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
    Ok(entries.split_off(entries.len().saturating_sub(MAX_ENTRIES)))
}

fn text(path: &Path) -> io::Result<String> {
    match fs::read(path) {
        Ok(bytes) => Ok(String::from_utf8_lossy(&bytes).into_owned()),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(String::new()),
        Err(error) => Err(error),
    }
}

/// Returns whether the last line has no line end.
fn is_truncated(file: &mut File) -> io::Result<bool> {
    if file.seek(SeekFrom::End(0))? == 0 {
        return Ok(false);
    }
    file.seek(SeekFrom::End(-1))?;
    let mut last = [0];
    file.read_exact(&mut last)?;
    Ok(last != *b"\n")
}

/// Makes a created file accessible to its owner only.
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
    fn appended_entries_are_read_in_order() {
        let (_directory, path) = history_path();
        fill(&mut HistoryWriter::new(path.clone()), 0..3);
        fill(&mut HistoryWriter::new(path.clone()), 3..5);
        assert_eq!(started(&path), [0, 1, 2, 3, 4]);
    }

    #[test]
    fn only_the_newest_entries_are_kept() {
        let (_directory, path) = history_path();
        let count = 1_500;
        fill(&mut HistoryWriter::new(path.clone()), 0..count);
        let newest: Vec<_> = (count - MAX_ENTRIES as u64..count).collect();
        assert_eq!(started(&path), newest);
        assert!(text(&path).unwrap().lines().count() <= MAX_ENTRIES + MAX_EXCESS);
    }

    #[test]
    fn a_truncated_line_does_not_affect_other_lines() {
        let (_directory, path) = history_path();
        fill(&mut HistoryWriter::new(path.clone()), 0..2);
        let whole = fs::read(&path).unwrap();
        fs::write(&path, &whole[..whole.len() - 10]).unwrap();
        assert_eq!(started(&path), [0]);
        fill(&mut HistoryWriter::new(path.clone()), 2..3);
        assert_eq!(started(&path), [0, 2]);
    }

    #[test]
    fn a_missing_file_is_an_empty_history() {
        let (_directory, path) = history_path();
        assert!(read(&path).unwrap().is_empty());
    }

    fn history_path() -> (tempfile::TempDir, PathBuf) {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("bot.json.history");
        (directory, path)
    }

    fn fill(writer: &mut HistoryWriter, times: std::ops::Range<u64>) {
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
            writer.append(&entry).unwrap();
        }
    }

    fn started(path: &Path) -> Vec<u64> {
        read(path).unwrap().iter().map(|entry| entry.started).collect()
    }
}
