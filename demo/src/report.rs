//! The results of the demonstration: a line of JSON or a row of a table for every incident, and the sums.

use comfy_table::presets::UTF8_FULL_CONDENSED;
use comfy_table::{ContentArrangement, Table};
use serde::ser::{Serialize, SerializeMap as _, Serializer};

use crate::fault::FaultKind;
use crate::harness::{MessageCounts, PhaseDuration};

/// The result of one incident.
#[derive(Clone, Debug, serde::Serialize)]
pub(crate) struct IncidentReport {
    /// What was broken.
    pub(crate) fault: FaultKind,
    /// The steps of the slowest link.
    pub(crate) steps: Vec<String>,
    /// From the fault until the first peer detected it.
    pub(crate) detected_ms: Option<u64>,
    /// From the fault until the last link was up again, verified.
    pub(crate) recovered_ms: Option<u64>,
    /// The same from the end of the fault.
    pub(crate) after_heal_ms: Option<u64>,
    /// Whether messages that were sent afterwards arrived on both sides, and what the fault requires held.
    pub(crate) verified: bool,
    /// The phases of the outage of the slowest link.
    pub(crate) timeline: PhaseTotals,
    /// Messages lost in the time of the incident.
    pub(crate) lost: u64,
    /// Messages that arrived twice.
    pub(crate) duplicated: u64,
    /// Messages that arrived after a later one.
    pub(crate) reordered: u64,
}

impl IncidentReport {
    /// Adds what the receivers counted between two moments; a late arrival takes nothing away.
    pub(crate) fn with_counts(self, before: &MessageCounts, after: &MessageCounts) -> Self {
        Self {
            lost: after.lost.saturating_sub(before.lost),
            duplicated: after.duplicated.saturating_sub(before.duplicated),
            reordered: after.reordered.saturating_sub(before.reordered),
            ..self
        }
    }

    /// Returns whether it is recovered and verified.
    pub(crate) fn is_good(&self) -> bool {
        self.recovered_ms.is_some() && self.verified
    }
}

/// Phases and their milliseconds, in the order of their first appearance.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct PhaseTotals(Vec<(String, f64)>);

impl PhaseTotals {
    /// Sums the parts of each phase.
    pub(crate) fn new(parts: &[PhaseDuration]) -> Self {
        let mut sums: Vec<(String, f64)> = Vec::new();
        for PhaseDuration { phase, took_ms } in parts {
            match sums.iter_mut().find(|(name, _)| name == phase) {
                Some((_, sum)) => *sum += took_ms,
                None => sums.push((phase.clone(), *took_ms)),
            }
        }
        Self(sums)
    }

    fn to_text(&self) -> String {
        let mut parts: Vec<_> = self.0.iter().filter(|(_, ms)| *ms >= 1.0).collect();
        parts.sort_by(|(_, one), (_, other)| other.total_cmp(one));
        parts.iter().map(|(phase, ms)| format!("{phase} {ms:.0} ms")).collect::<Vec<_>>().join("\n")
    }
}

impl Serialize for PhaseTotals {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(self.0.len()))?;
        for (phase, ms) in &self.0 {
            map.serialize_entry(phase, &ms.round())?;
        }
        map.end()
    }
}

/// The sums of a demonstration.
#[derive(Clone, Copy, Debug, serde::Serialize)]
pub struct Summary {
    /// Faults that were injected.
    pub incidents: usize,
    /// Incidents after which every link was up again.
    pub recovered: usize,
    /// Those of them that were verified.
    pub verified: usize,
    /// Messages that the senders accepted.
    pub sent: u64,
    /// Messages that arrived, duplicates included.
    pub received: u64,
    /// Messages that were accepted and did not arrive.
    pub lost: u64,
    /// Messages that arrived again.
    pub duplicated: u64,
    /// Messages that arrived after a later one.
    pub reordered: u64,
    /// Lines that were printed again under a known position.
    pub repeated: u64,
}

impl Summary {
    /// Sums up.
    pub(crate) fn new(incidents: &[IncidentReport], counts: &MessageCounts) -> Self {
        let count = |good: fn(&IncidentReport) -> bool| incidents.iter().filter(|one| good(one)).count();
        Self {
            incidents: incidents.len(),
            recovered: count(|incident| incident.recovered_ms.is_some()),
            verified: count(IncidentReport::is_good),
            // What a killed sender had not accepted was never sent.
            sent: counts.sent - counts.lost_with_sender,
            received: counts.received,
            lost: counts.lost,
            duplicated: counts.duplicated,
            reordered: counts.reordered,
            repeated: counts.repeated_positions,
        }
    }

    /// Returns whether every incident was recovered and verified.
    pub fn is_good(&self) -> bool {
        self.verified == self.incidents
    }
}

/// Returns the incidents as a table, with a line of sums below.
pub(crate) fn table(incidents: &[IncidentReport], summary: &Summary) -> String {
    let mut table = Table::new();
    table.load_style(UTF8_FULL_CONDENSED).set_content_arrangement(ContentArrangement::Dynamic);
    table.set_header([
        "fault",
        "detected after",
        "steps",
        "recovered after",
        "after the fault ended",
        "verified",
        "lost / twice / late",
        "phases of the outage",
    ]);
    for incident in incidents {
        table.add_row([
            incident.fault.name().to_owned(),
            seconds(incident.detected_ms, "not detected"),
            folded(&incident.steps),
            seconds(incident.recovered_ms, "not recovered"),
            seconds(incident.after_heal_ms, "-"),
            if incident.verified { "yes" } else { "no" }.to_owned(),
            format!("{} / {} / {}", incident.lost, incident.duplicated, incident.reordered),
            incident.timeline.to_text(),
        ]);
    }
    let Summary { incidents, recovered, verified, sent, received, lost, duplicated, reordered, repeated } =
        summary;
    format!(
        "{table}\n{incidents} incidents, {recovered} recovered, {verified} verified; {sent} messages sent, \
         {received} received, {lost} lost, {duplicated} twice, {reordered} late; \
         {repeated} lines printed again at a known position\n"
    )
}

fn seconds(milliseconds: Option<u64>, otherwise: &str) -> String {
    milliseconds.map_or_else(|| otherwise.to_owned(), |ms| format!("{:.3} s", ms as f64 / 1000.0))
}

/// Writes a run of equal steps as one.
fn folded(steps: &[String]) -> String {
    let runs = steps.chunk_by(|one, next| one == next);
    let run = |run: &[String]| match run {
        [step] => step.clone(),
        [step, ..] => format!("{step} × {}", run.len()),
        [] => String::new(),
    };
    runs.map(run).collect::<Vec<_>>().join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn phases_are_summed_in_order() {
        let totals = PhaseTotals::new(&[part("grace", 5.0), part("backoff", 1.4), part("grace", 2.0)]);
        assert_eq!(serde_json::to_string(&totals).unwrap(), r#"{"grace":7.0,"backoff":1.0}"#);
    }

    #[test]
    fn equal_steps_fold() {
        let steps = ["wait", "restart_ice", "restart_ice"].map(str::to_owned);
        assert_eq!(folded(&steps), "wait\nrestart_ice × 2");
    }

    #[test]
    fn an_unverified_recovery_is_not_good() {
        let incidents = [incident(Some(5), true), incident(Some(5), false), incident(None, false)];
        let summary = Summary::new(&incidents, &MessageCounts::default());
        assert_eq!((summary.incidents, summary.recovered, summary.verified), (3, 2, 1));
        assert!(!summary.is_good());
    }

    #[test]
    fn the_table_has_every_incident_and_the_sums() {
        let incidents = [incident(Some(1234), true), incident(None, false)];
        let counts = MessageCounts { sent: 11, lost_with_sender: 2, ..MessageCounts::default() };
        let page = table(&incidents, &Summary::new(&incidents, &counts));
        for words in ["1.234 s", "not recovered", "2 incidents, 1 recovered", "9 messages sent"] {
            assert!(page.contains(words), "{words}: {page}");
        }
    }

    #[test]
    fn an_incident_counts_what_was_added() {
        let before = MessageCounts { lost: 1, duplicated: 5, ..MessageCounts::default() };
        let after = MessageCounts { lost: 3, duplicated: 5, ..MessageCounts::default() };
        let incident = incident(None, false).with_counts(&before, &after);
        assert_eq!((incident.lost, incident.duplicated), (2, 0));
    }

    #[test]
    fn a_line_of_json_has_every_key() {
        let line = serde_json::to_value(incident(Some(7), true)).unwrap();
        for key in ["fault", "steps", "detected_ms", "recovered_ms", "after_heal_ms", "verified"] {
            assert!(line.get(key).is_some(), "{key}");
        }
        assert_eq!((&line["fault"], &line["lost"]), (&"server".into(), &0.into()));
    }

    fn incident(recovered_ms: Option<u64>, verified: bool) -> IncidentReport {
        IncidentReport {
            fault: FaultKind::Server,
            steps: vec!["reconnect_signaling".to_owned()],
            detected_ms: Some(1),
            recovered_ms,
            after_heal_ms: None,
            verified,
            timeline: PhaseTotals::default(),
            lost: 0,
            duplicated: 0,
            reordered: 0,
        }
    }

    fn part(phase: &str, took_ms: f64) -> PhaseDuration {
        PhaseDuration { phase: phase.to_owned(), took_ms }
    }
}
