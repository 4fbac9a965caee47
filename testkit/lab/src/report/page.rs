//! The page with the results of a measurement, in Markdown.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::time::Duration;

use anyhow::Result;
use rejoin_demo::harness::MessageCounts;

use crate::phase_group::PhaseGroup;
use crate::report::goals::{GOALS, Goal, responsible};
use crate::report::sample::{Key, Samples, mean, percentile, sorted};
use crate::result::{Measurement, RunResult};
use crate::scenario::table;

/// What a reader needs to repeat the measurement.
#[derive(Clone, Debug)]
pub struct Circumstances {
    /// The machine, in a few words.
    pub machine: String,
    /// The commit that was measured.
    pub commit: String,
    /// The command line.
    pub command: String,
    /// How many labs ran at the same time.
    pub jobs: usize,
}

/// Returns the page in Markdown, one sentence per line.
///
/// # Errors
/// Never in practice: writing to a string does not fail.
pub fn markdown(results: &[RunResult], circumstances: &Circumstances) -> Result<String> {
    let samples = sorted(results);
    let mut page = String::new();
    writeln!(page, "# How long a recovery takes\n")?;
    writeln!(
        page,
        "Real outages between two `rejoin join` processes in the laboratory: hosts, NAT routers and servers in network namespaces, with the wire emulated at a round-trip time of 50 ms between any two hosts, TLS to the signaling server, and 20 numbered messages a second each way, 5 with `conservative`."
    )?;
    writeln!(page, "`rejoin-lab scenarios` describes each scenario, and `testkit/lab` runs them.\n")?;
    let Circumstances { machine, commit, command, jobs } = circumstances;
    writeln!(page, "```sh\n{command}\n```\n")?;
    writeln!(page, "Measured at {commit} on {machine}, {jobs} labs at a time.")?;
    let (passed, counts) = totals(results);
    writeln!(
        page,
        "{passed} of {} runs recovered, verified, delivered everything and released all resources; {} messages were sent, {} lost, {} duplicated, {} reordered.",
        results.len(),
        counts.sent,
        counts.lost,
        counts.duplicated,
        counts.reordered
    )?;
    writeln!(page, "Every value is in [benchmarks.csv](benchmarks.csv).\n")?;
    writeln!(page, "![Phases of the recoveries](benchmarks.svg)\n")?;
    failures(&mut page, results)?;
    goals(&mut page, &samples)?;
    groups(&mut page, &samples)?;
    Ok(page)
}

fn totals(results: &[RunResult]) -> (usize, MessageCounts) {
    let passed = results.iter().filter(|result| result.has_passed()).count();
    (passed, results.iter().fold(MessageCounts::default(), |sum, result| sum.plus(&result.counts)))
}

/// Failed runs come first.
fn failures(page: &mut String, results: &[RunResult]) -> Result<()> {
    // Failures that differ only in numbers share a row, with the text of the first.
    let mut failed: BTreeMap<(&str, &str, String), (usize, &str)> = BTreeMap::new();
    for result in results {
        for failure in &result.failures {
            let kind = failure.replace(|c: char| c.is_ascii_digit(), "");
            failed.entry((&result.profile, &result.scenario, kind)).or_insert((0, failure)).0 += 1;
        }
    }
    if failed.is_empty() {
        return Ok(());
    }
    writeln!(
        page,
        "## Runs that failed\n\n| profile | scenario | runs | failure of the first of them |\n|---|---|---|---|"
    )?;
    for ((profile, scenario, _), (runs, failure)) in failed {
        writeln!(page, "| {profile} | {scenario} | {runs} | {} |", failure.replace('|', "/"))?;
    }
    writeln!(page)?;
    Ok(())
}

fn goals(page: &mut String, samples: &Samples<'_>) -> Result<()> {
    writeln!(page, "## Goals\n")?;
    writeln!(
        page,
        "The 95th percentile, from the moment that the network can carry packets again, or from the fault where a path remains, or from its detection where the table says so, to verified bytes both ways."
    )?;
    writeln!(
        page,
        "In the scenarios with a spare connection both peers keep one, which no profile does by default.\n"
    )?;
    writeln!(
        page,
        "| profile | scenario | counted | goal | measured | met | how many missed it, and their longest phases |\n|---|---|---|---|---|---|---|"
    )?;
    for goal in &GOALS {
        let Goal { profile, scenario, checkpoint, counted, at_most_ms } = goal;
        let measured = goal.measured(samples);
        let (measured, met, why) = match measured {
            None => ("not measured".to_owned(), "", String::new()),
            Some(ms) if ms <= *at_most_ms => (format!("{ms:.0} ms"), "yes", String::new()),
            Some(ms) => (format!("{ms:.0} ms"), "no", costliest(goal, samples)),
        };
        let counted = counted.name();
        writeln!(
            page,
            "| {profile} | {scenario}, {checkpoint} | {counted} | {at_most_ms:.0} ms | {measured} | {met} | {why} |"
        )?;
    }
    writeln!(page)?;
    Ok(())
}

/// Returns the longest phases of the samples that missed the goal, from their longest incidents.
fn costliest(goal: &Goal, samples: &Samples<'_>) -> String {
    let key = Key {
        profile: goal.profile.into(),
        scenario: goal.scenario.into(),
        checkpoint: goal.checkpoint.into(),
    };
    let missed = samples.get(&key).into_iter().flatten();
    let missed: Vec<_> =
        missed.filter(|measure| goal.counted.of(measure).is_some_and(|ms| ms > goal.at_most_ms)).collect();
    let mut phases: BTreeMap<String, f64> = BTreeMap::new();
    for measure in &missed {
        let incidents = measure.incidents.iter().map(|(_, incident)| incident);
        let longest = incidents.max_by(|one, other| one.outage_ms.total_cmp(&other.outage_ms));
        let window = Duration::try_from_secs_f64(measure.total_ms / 1e3).unwrap_or_default();
        for (phase, ms) in longest.map(|incident| incident.last_phases(window)).unwrap_or_default() {
            *phases.entry(phase).or_default() += ms / missed.len() as f64;
        }
    }
    let mut phases: Vec<_> = phases.into_iter().filter(|(_, ms)| *ms >= 100.0).collect();
    phases.sort_by(|one, other| other.1.total_cmp(&one.1));
    let longest =
        phases.iter().take(2).map(|(phase, ms)| format!("{phase} {ms:.0} ms: {}", responsible(phase)));
    format!(
        "{} of {}; {}",
        missed.len(),
        samples.get(&key).map_or(0, Vec::len),
        longest.collect::<Vec<_>>().join("; ")
    )
}

fn groups(page: &mut String, samples: &Samples<'_>) -> Result<()> {
    writeln!(page, "## Phases\n")?;
    writeln!(
        page,
        "Milliseconds as p50 / p95; a column counts only what lies within the total, so that the columns of every run sum to its total, which is checked to the millisecond."
    )?;
    writeln!(
        page,
        "`detected` is the time from the fault until the first peer reported it, even if no recovery was possible yet; it is empty where no peer had to detect it."
    )?;
    writeln!(
        page,
        "`waits` are those for a network, for signaling, for the other peer, for a link to heal by itself, and between attempts; `handshake` is dialing, offer and answer, ICE, DTLS and the channel; `verification` is ping and pong; `delivery` lasts until messages of the application had gone both ways."
    )?;
    writeln!(
        page,
        "The limit is what the protocols need at least: R is the round trip between the peers, Rs that to the server.\n"
    )?;
    let mut profile = "";
    for (key, measures) in samples {
        if key.profile != profile {
            profile = &key.profile;
            writeln!(page, "### {profile}\n")?;
            writeln!(
                page,
                "| fault | N | detected | detection | waits | handshake | verification | delivery | total | limit | p50 to limit |\n|---|---|---|---|---|---|---|---|---|---|---|"
            )?;
        }
        line(page, key, measures)?;
        if samples.range(key.clone()..).nth(1).is_none_or(|(next, _)| next.profile != profile) {
            writeln!(page)?;
        }
    }
    writeln!(page, "## The scenarios\n\n| fault | what happens |\n|---|---|")?;
    let mut names: Vec<_> = samples.keys().map(|key| key.scenario.as_str()).collect();
    names.sort_unstable();
    names.dedup();
    for scenario in names.into_iter().filter_map(table::named) {
        writeln!(page, "| {} | {} |", scenario.name, scenario.description)?;
    }
    Ok(())
}

fn line(page: &mut String, key: &Key, measures: &[&Measurement]) -> Result<()> {
    let both = |value: &dyn Fn(&Measurement) -> Option<f64>| {
        let values = || measures.iter().filter_map(|measure| value(measure));
        match (percentile(values(), 0.5), percentile(values(), 0.95)) {
            (Some(p50), Some(p95)) => format!("{p50:.0} / {p95:.0}"),
            (None, _) | (_, None) => String::new(),
        }
    };
    write!(
        page,
        "| {}, {} | {} | {} |",
        key.scenario,
        key.checkpoint,
        measures.len(),
        both(&|measure| measure.detection_ms)
    )?;
    for group in PhaseGroup::ALL {
        write!(page, " {} |", both(&|measure| measure.groups.get(group.name()).copied()))?;
    }
    let total = percentile(measures.iter().map(|measure| measure.total_ms), 0.5).unwrap_or_default();
    let limit = mean(measures.iter().map(|measure| measure.limit_ms));
    let formula = measures.first().map_or("", |measure| measure.limit.as_str());
    let ratio = if limit > 0.0 { total / limit } else { 0.0 };
    writeln!(page, " {} | {limit:.0} ({formula}) | {ratio:.1} |", both(&|measure| Some(measure.total_ms)))?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::result::tests::result;

    #[test]
    fn a_missed_goal_names_its_longest_phases() {
        let page =
            page(&[result("aggressive", "outage-10", 2_500.0), result("aggressive", "outage-35", 1_500.0)]);
        let goal = |name: &str| {
            page.lines().find(|line| line.starts_with(&format!("| aggressive | {name}"))).unwrap()
        };
        assert!(
            goal("outage-10").contains("| 2000 ms | 2500 ms | no | 1 of 1; ice_checking 2250 ms"),
            "{page}"
        );
        assert!(goal("outage-35").contains("| 2000 ms | 1500 ms | yes |"), "{page}");
        assert!(goal("outage-60").contains("| not measured |"), "{page}");
    }

    #[test]
    fn failures_that_differ_in_numbers_share_a_row() {
        let failed = |figure: u32| RunResult {
            failures: vec![format!("{figure} messages are gone")],
            ..result("conservative", "outage-60", 9.0)
        };
        let page = page(&[failed(7), failed(12)]);
        assert!(page.contains("| conservative | outage-60 | 2 | 7 messages are gone |"), "{page}");
        assert!(page.contains("0 of 2 runs recovered"), "{page}");
    }

    fn page(results: &[RunResult]) -> String {
        let text = |text: &str| text.to_owned();
        let circumstances =
            Circumstances { machine: text("m"), commit: text("c"), command: text("measure"), jobs: 1 };
        markdown(results, &circumstances).unwrap()
    }
}
