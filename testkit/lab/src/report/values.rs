//! Every measured value as a line of CSV.

use rejoin_demo::harness::RecoveryStep;

use crate::phase_group::PhaseGroup;
use crate::result::RunResult;

/// Returns the table, with a line for its columns.
pub fn csv(results: &[RunResult]) -> String {
    let mut table = String::from(
        "scenario,profile,target,ip,rtt_ms,seed,checkpoint,since,limit,limit_ms,detection_ms,total_ms",
    );
    for group in PhaseGroup::ALL {
        table.push_str(&format!(",{}_share_ms", group.name()));
    }
    table.push_str(",other_link_ms,phases,steps,lost,duplicated,reordered,passed\n");
    for result in results {
        for measure in &result.checkpoints {
            let optional = |ms: Option<f64>| ms.map(|ms| format!("{ms:.1}")).unwrap_or_default();
            let groups = PhaseGroup::ALL
                .map(|group| format!("{:.1}", measure.groups.get(group.name()).unwrap_or(&0.0)));
            let phases: Vec<_> =
                measure.phases.iter().map(|(phase, ms)| format!("{phase} {ms:.1}")).collect();
            let steps: Vec<_> = measure
                .incidents
                .iter()
                .map(|(role, incident)| format!("{}: {}", role.name(), joined(&incident.steps)))
                .collect();
            table.push_str(&format!(
                "{},{},{},{},{},{},{},{},{},{:.1},{},{:.1},{},{},{},{},{},{},{},{}\n",
                result.scenario,
                result.profile,
                result.role.name(),
                result.ip,
                result.rtt_ms,
                result.seed,
                measure.checkpoint,
                measure.since,
                measure.limit,
                measure.limit_ms,
                optional(measure.detection_ms),
                measure.total_ms,
                groups.join(","),
                optional(measure.other_link_ms),
                phases.join("; "),
                steps.join("; "),
                result.counts.lost,
                result.counts.duplicated,
                result.counts.reordered,
                result.has_passed(),
            ));
        }
    }
    table
}

fn joined(steps: &[RecoveryStep]) -> String {
    steps.iter().map(ToString::to_string).collect::<Vec<_>>().join(" + ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::result::tests::result;

    #[test]
    fn every_line_has_a_value_for_every_column() {
        let table = csv(&[result("aggressive", "outage-10", 700.0)]);
        let columns: Vec<_> = table.lines().map(|line| line.split(',').count()).collect();
        assert_eq!(columns[0], columns[1], "{table}");
    }
}
