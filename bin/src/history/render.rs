//! Formats a history as a table, JSON Lines or CSV.

use std::time::{Duration, UNIX_EPOCH};

use comfy_table::presets::UTF8_FULL_CONDENSED;
use comfy_table::{ContentArrangement, Table};
use rejoin::policy::Outcome;

use super::entry::{Ending, Entry, Link, Share, Step};
use crate::cli::history::HistoryFormat;

/// Returns `entries` in `format`.
pub(super) fn render(entries: &[Entry], format: HistoryFormat) -> String {
    match format {
        HistoryFormat::Table => table(entries),
        HistoryFormat::Json => lines(entries.iter().filter_map(|entry| serde_json::to_string(entry).ok())),
        HistoryFormat::Csv => lines(std::iter::once(COLUMNS.join(",")).chain(entries.iter().map(row))),
    }
}

fn lines(lines: impl Iterator<Item = String>) -> String {
    lines.map(|line| line + "\n").collect()
}

fn table(entries: &[Entry]) -> String {
    if entries.is_empty() {
        return "no closed incidents\n".to_owned();
    }
    let mut table = Table::new();
    table.load_style(UTF8_FULL_CONDENSED).set_content_arrangement(ContentArrangement::Dynamic);
    table.set_header(["started (UTC)", "link", "fault", "outcome", "outage", "steps", "time by phase"]);
    for entry in entries {
        let (kind, name, direction) = link(&entry.link);
        table.add_row([
            time(entry.started).replace('T', " ").trim_end_matches('Z').to_owned(),
            [kind, name, direction].join(" ").trim_end().to_owned(),
            entry.fault.clone(),
            ending(entry.outcome).to_owned(),
            format!("{:.3} s", entry.outage_ms as f64 / 1000.0),
            entry.steps.iter().map(step).collect::<Vec<_>>().join("\n"),
            phases(&entry.timeline),
        ]);
    }
    format!("{table}\n")
}

const COLUMNS: [&str; 11] = [
    "started_unix_ms",
    "started",
    "link",
    "peer",
    "direction",
    "fault",
    "reason",
    "outcome",
    "outage_ms",
    "steps",
    "timeline",
];

fn row(entry: &Entry) -> String {
    let (kind, name, direction) = link(&entry.link);
    let fields = [
        &entry.started.to_string(),
        &time(entry.started),
        kind,
        name,
        direction,
        &entry.fault,
        &entry.reason,
        ending(entry.outcome),
        &entry.outage_ms.to_string(),
        &entry.steps.iter().map(step).collect::<Vec<_>>().join("; "),
        &entry.timeline.iter().map(share).collect::<Vec<_>>().join("; "),
    ];
    fields.map(quoted).join(",")
}

/// Returns a field by RFC 4180; an apostrophe precedes a field that a spreadsheet would evaluate.
fn quoted(field: &str) -> String {
    let field = if field.starts_with(['=', '+', '-', '@']) { format!("'{field}") } else { field.to_owned() };
    if field.contains([',', '"', '\n', '\r']) { format!("\"{}\"", field.replace('"', "\"\"")) } else { field }
}

fn link(link: &Link) -> (&'static str, &str, &'static str) {
    match link {
        Link::Signaling => ("signaling", "", ""),
        Link::Peer { name, direction: rejoin::Direction::Publishing } => ("peer", name, "publishing"),
        Link::Peer { name, direction: rejoin::Direction::Viewing } => ("peer", name, "viewing"),
    }
}

fn ending(ending: Ending) -> &'static str {
    match ending {
        Ending::Recovered => "recovered",
        Ending::Dormant => "dormant",
    }
}

fn step(step: &Step) -> String {
    let outcome = match step.outcome {
        Some(Outcome::Verified) => " verified",
        Some(Outcome::Unverified) => " unverified",
        Some(Outcome::TimedOut) => " timed out",
        Some(Outcome::Failed) => " failed",
        Some(Outcome::Superseded) => " superseded",
        None => "",
    };
    let took = step.took_ms.map(|ms| format!(" {ms} ms")).unwrap_or_default();
    format!("{}{outcome}{took}", step.step.name())
}

fn share(share: &Share) -> String {
    format!("{} {} ms", share.phase, share.took_ms)
}

/// Sums the parts of each phase, largest first.
fn phases(timeline: &[Share]) -> String {
    let mut sums: Vec<Share> = Vec::new();
    for part in timeline {
        match sums.iter_mut().find(|sum| sum.phase == part.phase) {
            Some(sum) => sum.took_ms = sum.took_ms.saturating_add(part.took_ms),
            None => sums.push(part.clone()),
        }
    }
    sums.retain(|sum| sum.took_ms > 0);
    sums.sort_by_key(|sum| std::cmp::Reverse(sum.took_ms));
    sums.iter().map(share).collect::<Vec<_>>().join("\n")
}

/// The last millisecond of the year 9999, the last year with four digits.
const LAST_MS: u64 = 253_402_300_799_999;

fn time(unix_ms: u64) -> String {
    humantime::format_rfc3339_seconds(UNIX_EPOCH + Duration::from_millis(unix_ms.min(LAST_MS))).to_string()
}

#[cfg(test)]
mod tests {
    use rejoin::{Direction, RecoveryStep};

    use super::*;

    #[test]
    fn a_table_has_every_field() {
        let text = render(&[entry()], HistoryFormat::Table);
        for part in ["2023-11-14 22:13:20", "peer a,\"b", "12.345 s", "wait failed 5000 ms", "grace 7 ms"] {
            assert!(text.contains(part), "{part}: {text}");
        }
    }

    #[test]
    fn an_empty_history_is_reported() {
        assert_eq!(render(&[], HistoryFormat::Table), "no closed incidents\n");
    }

    #[test]
    fn json_lines_are_the_entries() {
        let text = render(&[entry(), entry()], HistoryFormat::Json);
        let entries: Vec<Entry> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        assert_eq!(entries, [entry(), entry()]);
        assert!(text.starts_with(r#"{"started":1700000000000,"link":{"kind":"peer","name":"#), "{text}");
    }

    #[test]
    fn csv_fields_are_quoted_if_necessary() {
        let text = render(&[entry()], HistoryFormat::Csv);
        let expected = "1700000000000,2023-11-14T22:13:20Z,peer,\"a,\"\"b\",viewing,ice_failed,'=1+1,recovered,\
                        12345,wait failed 5000 ms,grace 5 ms; backoff 1 ms; grace 2 ms";
        assert_eq!(text.lines().nth(1), Some(expected));
        assert_eq!(text.lines().next().map(|line| line.split(',').count()), Some(COLUMNS.len()));
    }

    #[test]
    fn a_time_after_the_last_year_is_the_last_second() {
        assert_eq!(time(u64::MAX), "9999-12-31T23:59:59Z");
    }

    fn entry() -> Entry {
        let part = |phase: &str, took_ms| Share { phase: phase.to_owned(), took_ms };
        Entry {
            started: 1_700_000_000_000,
            link: Link::Peer { name: "a,\"b".to_owned(), direction: Direction::Viewing },
            fault: "ice_failed".to_owned(),
            reason: "=1+1".to_owned(),
            outcome: Ending::Recovered,
            outage_ms: 12_345,
            steps: vec![Step {
                step: RecoveryStep::Wait,
                outcome: Some(Outcome::Failed),
                took_ms: Some(5_000),
            }],
            timeline: vec![part("grace", 5), part("backoff", 1), part("grace", 2)],
        }
    }
}
