//! The results of the demonstration: a line of JSON or a row of a table for every incident, and the sums.

use comfy_table::presets::UTF8_FULL_CONDENSED;
use comfy_table::{ContentArrangement, Table};
use serde::ser::{Serialize, SerializeMap as _, Serializer};

use super::faults::FaultKind;
use super::ledger::Tally;
use super::stage::Part;

/// What one incident came to.
#[derive(Clone, Debug, serde::Serialize)]
pub(crate) struct IncidentReport {
    /// What was broken.
    pub(crate) fault: FaultKind,
    /// The steps of the slowest link.
    pub(crate) steps: Vec<String>,
    /// From the fault to the first peer that noticed.
    pub(crate) detected_ms: Option<u64>,
    /// From the fault to the last link that was whole again, verified.
    pub(crate) recovered_ms: Option<u64>,
    /// The same from the moment when the world was whole again.
    pub(crate) after_heal_ms: Option<u64>,
    /// Whether what was sent afterwards arrived on both sides, and all that the fault asks for held.
    pub(crate) verified: bool,
    /// Who owned the time on the slowest link.
    pub(crate) timeline: Timeline,
    /// Messages lost in the time of the incident.
    pub(crate) lost: u64,
    /// Messages that arrived twice.
    pub(crate) duplicated: u64,
    /// Messages that arrived late.
    pub(crate) reordered: u64,
}

impl IncidentReport {
    /// Adds what the receivers counted.
    pub(crate) fn counting(self, tally: Tally) -> Self {
        let Tally { lost, duplicated, reordered, .. } = tally;
        Self { lost, duplicated, reordered, ..self }
    }

    /// Returns whether it is recovered and verified.
    pub(crate) fn is_good(&self) -> bool {
        self.recovered_ms.is_some() && self.verified
    }
}

/// Owners and their milliseconds, in the order of their first appearance.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Timeline(Vec<(String, f64)>);

impl Timeline {
    /// Sums the parts of each owner.
    pub(crate) fn new(parts: &[Part]) -> Self {
        let mut sums: Vec<(String, f64)> = Vec::new();
        for Part { owner, took_ms } in parts {
            match sums.iter_mut().find(|(name, _)| name == owner) {
                Some((_, sum)) => *sum += took_ms,
                None => sums.push((owner.clone(), *took_ms)),
            }
        }
        Self(sums)
    }

    fn in_words(&self) -> String {
        let mut parts: Vec<_> = self.0.iter().filter(|(_, ms)| *ms >= 1.0).collect();
        parts.sort_by(|(_, one), (_, other)| other.total_cmp(one));
        parts.iter().map(|(owner, ms)| format!("{owner} {ms:.0} ms")).collect::<Vec<_>>().join("\n")
    }
}

impl Serialize for Timeline {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(self.0.len()))?;
        for (owner, ms) in &self.0 {
            map.serialize_entry(owner, &ms.round())?;
        }
        map.end()
    }
}

/// The sums of a demonstration.
#[derive(Clone, Copy, Debug, serde::Serialize)]
pub(crate) struct Summary {
    /// Faults that were injected.
    pub(crate) incidents: usize,
    /// Incidents after which every link was whole again.
    pub(crate) recovered: usize,
    /// Those of them that were proven.
    pub(crate) verified: usize,
    /// What the receivers counted.
    #[serde(flatten)]
    pub(crate) tally: Tally,
}

impl Summary {
    /// Sums up.
    pub(crate) fn new(incidents: &[IncidentReport], tally: Tally) -> Self {
        let count = |good: fn(&IncidentReport) -> bool| incidents.iter().filter(|one| good(one)).count();
        Self {
            incidents: incidents.len(),
            recovered: count(|incident| incident.recovered_ms.is_some()),
            verified: count(IncidentReport::is_good),
            tally,
        }
    }

    /// Returns whether every incident was recovered and verified.
    pub(crate) fn is_good(&self) -> bool {
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
        "after it was mended",
        "verified",
        "lost / twice / late",
        "who owned the time",
    ]);
    for incident in incidents {
        table.add_row([
            incident.fault.name().to_owned(),
            seconds(incident.detected_ms, "nobody noticed"),
            folded(&incident.steps),
            seconds(incident.recovered_ms, "not recovered"),
            seconds(incident.after_heal_ms, "-"),
            if incident.verified { "yes" } else { "no" }.to_owned(),
            format!("{} / {} / {}", incident.lost, incident.duplicated, incident.reordered),
            incident.timeline.in_words(),
        ]);
    }
    let Summary { incidents, recovered, verified, tally } = summary;
    let Tally { sent, received, lost, duplicated, reordered, repeated } = tally;
    format!(
        "{table}\n{incidents} incidents, {recovered} recovered, {verified} verified; {sent} messages sent, \
         {received} received, {lost} lost, {duplicated} twice, {reordered} late; \
         {repeated} lines printed again at a known position\n"
    )
}

fn seconds(milliseconds: Option<u64>, otherwise: &str) -> String {
    milliseconds.map_or_else(|| otherwise.to_owned(), |ms| format!("{:.3} s", ms as f64 / 1000.0))
}

/// Writes a row of equal steps as one.
fn folded(steps: &[String]) -> String {
    let rows = steps.chunk_by(|one, next| one == next);
    let row = |row: &[String]| match row {
        [step] => step.clone(),
        [step, ..] => format!("{step} × {}", row.len()),
        [] => String::new(),
    };
    rows.map(row).collect::<Vec<_>>().join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_timeline_sums_its_owners_in_order() {
        let timeline = Timeline::new(&[part("grace", 5.0), part("backoff", 1.4), part("grace", 2.0)]);
        assert_eq!(serde_json::to_string(&timeline).unwrap(), r#"{"grace":7.0,"backoff":1.0}"#);
    }

    #[test]
    fn equal_steps_fold() {
        let steps = ["wait", "restart_ice", "restart_ice"].map(str::to_owned);
        assert_eq!(folded(&steps), "wait\nrestart_ice × 2");
    }

    #[test]
    fn an_unverified_recovery_is_not_good() {
        let incidents = [incident(Some(5), true), incident(Some(5), false), incident(None, false)];
        let summary = Summary::new(&incidents, Tally::default());
        assert_eq!((summary.incidents, summary.recovered, summary.verified), (3, 2, 1));
        assert!(!summary.is_good());
    }

    #[test]
    fn the_table_tells_every_incident_and_the_sums() {
        let incidents = [incident(Some(1234), true), incident(None, false)];
        let summary = Summary::new(&incidents, Tally { sent: 9, ..Tally::default() });
        let page = table(&incidents, &summary);
        for words in ["1.234 s", "not recovered", "2 incidents, 1 recovered", "9 messages sent"] {
            assert!(page.contains(words), "{words}: {page}");
        }
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
            timeline: Timeline::default(),
            lost: 0,
            duplicated: 0,
            reordered: 0,
        }
    }

    fn part(owner: &str, took_ms: f64) -> Part {
        Part { owner: owner.to_owned(), took_ms }
    }
}
