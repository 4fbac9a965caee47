//! Every measured value as a line of CSV.

use crate::incident::Phase;
use crate::row::Row;

/// Returns the table, with a line for its columns.
pub fn csv(rows: &[Row]) -> String {
    let mut table =
        String::from("scenario,profile,hit,ip,rtt_ms,seed,stage,since,limit,limit_ms,detection_ms,total_ms");
    for phase in Phase::ALL {
        table.push_str(&format!(",{}_share_ms", phase.name()));
    }
    table.push_str(",other_link_ms,owners,steps,lost,duplicated,reordered,passed\n");
    for row in rows {
        for measure in &row.stages {
            let optional = |ms: Option<f64>| ms.map(|ms| format!("{ms:.1}")).unwrap_or_default();
            let phases =
                Phase::ALL.map(|phase| format!("{:.1}", measure.phases.get(phase.name()).unwrap_or(&0.0)));
            let owners: Vec<_> =
                measure.owners.iter().map(|(owner, ms)| format!("{owner} {ms:.1}")).collect();
            let steps: Vec<_> = measure
                .incidents
                .iter()
                .map(|(role, incident)| format!("{}: {}", role.name(), incident.steps.join(" + ")))
                .collect();
            table.push_str(&format!(
                "{},{},{},{},{},{},{},{},{},{:.1},{},{:.1},{},{},{},{},{},{},{},{}\n",
                row.scenario,
                row.profile,
                row.role.name(),
                row.ip,
                row.rtt_ms,
                row.seed,
                measure.stage,
                measure.since,
                measure.limit,
                measure.limit_ms,
                optional(measure.detection_ms),
                measure.total_ms,
                phases.join(","),
                optional(measure.other_link_ms),
                owners.join("; "),
                steps.join("; "),
                row.tally.lost,
                row.tally.duplicated,
                row.tally.reordered,
                row.has_passed(),
            ));
        }
    }
    table
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::row::tests::row;

    #[test]
    fn every_line_has_a_value_for_every_column() {
        let table = csv(&[row("aggressive", "outage-10", 700.0)]);
        let columns: Vec<_> = table.lines().map(|line| line.split(',').count()).collect();
        assert_eq!(columns[0], columns[1], "{table}");
    }
}
