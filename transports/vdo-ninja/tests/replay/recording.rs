//! Recorded conversations as lists of frames.

use serde::Deserialize;

/// A frame between a client and its server, as the server recorded it.
#[derive(Clone, Deserialize)]
pub(crate) struct ServerRow {
    /// `in` from the client, `out` to it; other rows have no frame.
    pub(crate) dir: String,
    /// The client's socket.
    pub(crate) c: serde_json::Value,
    /// The frame.
    pub(crate) m: Option<String>,
}

/// A frame as a browser recorded it.
#[derive(Deserialize)]
pub(crate) struct BrowserRow {
    /// `ws.in`, `ws.out`, `dc.in` or `dc.out`; other rows have no frame.
    pub(crate) k: String,
    /// The frame.
    pub(crate) m: Option<String>,
}

/// Returns the rows of a server's recording that have frames.
pub(crate) fn server_rows(lines: &str) -> Vec<ServerRow> {
    let rows = lines.lines().map(|line| serde_json::from_str::<ServerRow>(line).unwrap());
    rows.filter(|row| row.m.is_some()).collect()
}

/// Returns the frames of one kind from a browser's recording.
pub(crate) fn browser_frames(rows: &str, kind: &str) -> Vec<String> {
    let rows: Vec<BrowserRow> = serde_json::from_str(rows).unwrap();
    rows.into_iter().filter(|row| row.k == kind).filter_map(|row| row.m).collect()
}
