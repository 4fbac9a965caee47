//! The page that tells what was measured.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::time::Duration;

use anyhow::Result;

use crate::incident::Phase;
use crate::ledger::Tally;
use crate::report::goals::{GOALS, Goal, whose};
use crate::report::sample::{Key, Samples, mean, percentile, sorted};
use crate::row::{Measure, Row};
use crate::scenario::table;

/// What a reader must know to measure the same.
#[derive(Clone, Debug)]
pub struct Circumstances {
    /// The machine, in a few words.
    pub machine: String,
    /// The commit that was measured.
    pub commit: String,
    /// The command.
    pub command: String,
    /// How many labs ran at a time.
    pub labs: usize,
}

/// Returns the page in Markdown, one sentence per line.
///
/// # Errors
/// Never in practice: writing to a string does not fail.
pub fn markdown(rows: &[Row], circumstances: &Circumstances) -> Result<String> {
    let samples = sorted(rows);
    let mut page = String::new();
    writeln!(page, "# How long a recovery takes\n")?;
    writeln!(
        page,
        "Real outages between two `rejoin join` processes in the laboratory: hosts, NAT routers and servers in network namespaces, with the wire emulated at a round-trip time of 50 ms to everywhere, TLS to the signaling server, and 20 numbered messages a second each way, 5 with `conservative`."
    )?;
    writeln!(
        page,
        "`rejoin-lab scenarios` tells what happens in each of them, and `testkit/lab` is what plays them.\n"
    )?;
    let Circumstances { machine, commit, command, labs } = circumstances;
    writeln!(page, "```sh\n{command}\n```\n")?;
    writeln!(page, "Measured at {commit} on {machine}, {labs} labs at a time.")?;
    let (passed, tally) = totals(rows);
    writeln!(
        page,
        "{passed} of {} runs recovered, verified, delivered everything and kept nothing; {} messages were sent, {} lost, {} duplicated, {} reordered.",
        rows.len(),
        tally.sent,
        tally.lost,
        tally.duplicated,
        tally.reordered
    )?;
    writeln!(page, "Every value is in [benchmarks.csv](benchmarks.csv).\n")?;
    writeln!(page, "![Who owned the time](benchmarks.svg)\n")?;
    failures(&mut page, rows)?;
    goals(&mut page, &samples)?;
    phases(&mut page, &samples)?;
    Ok(page)
}

fn totals(rows: &[Row]) -> (usize, Tally) {
    let passed = rows.iter().filter(|row| row.has_passed()).count();
    (passed, rows.iter().fold(Tally::default(), |sum, row| sum.plus(&row.tally)))
}

/// What did not recover is told before anything that did.
fn failures(page: &mut String, rows: &[Row]) -> Result<()> {
    // Failures that differ in figures only are told once, by the first of them.
    let mut failed: BTreeMap<(&str, &str, String), (usize, &str)> = BTreeMap::new();
    for row in rows {
        for failure in &row.failures {
            let kind = failure.replace(|c: char| c.is_ascii_digit(), "");
            failed.entry((&row.profile, &row.scenario, kind)).or_insert((0, failure)).0 += 1;
        }
    }
    if failed.is_empty() {
        return Ok(());
    }
    writeln!(
        page,
        "## Runs that failed\n\n| profile | scenario | runs | what was wrong, in the first of them |\n|---|---|---|---|"
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
        "The 95th percentile, from the moment that the network can carry packets again, or from the fault where a path remains, or from its notice where the table says so, to verified bytes both ways."
    )?;
    writeln!(page, "In the scenarios with a spare both peers keep one, which no profile does by itself.\n")?;
    writeln!(
        page,
        "| profile | scenario | counted | goal | measured | met | how many missed it, and what cost most of their time |\n|---|---|---|---|---|---|---|"
    )?;
    for goal in &GOALS {
        let Goal { profile, scenario, stage, counted, at_most_ms } = goal;
        let measured = goal.measured(samples);
        let (told, met, why) = match measured {
            None => ("not measured".to_owned(), "", String::new()),
            Some(ms) if ms <= *at_most_ms => (format!("{ms:.0} ms"), "yes", String::new()),
            Some(ms) => (format!("{ms:.0} ms"), "no", costliest(goal, samples)),
        };
        let counted = counted.name();
        writeln!(
            page,
            "| {profile} | {scenario}, {stage} | {counted} | {at_most_ms:.0} ms | {told} | {met} | {why} |"
        )?;
    }
    writeln!(page)?;
    Ok(())
}

/// Returns the owners of most of the time in the samples that missed the goal, by their longest incidents.
fn costliest(goal: &Goal, samples: &Samples<'_>) -> String {
    let key = Key { profile: goal.profile.into(), scenario: goal.scenario.into(), stage: goal.stage.into() };
    let missed = samples.get(&key).into_iter().flatten();
    let missed: Vec<_> =
        missed.filter(|measure| goal.counted.of(measure).is_some_and(|ms| ms > goal.at_most_ms)).collect();
    let mut owners: BTreeMap<String, f64> = BTreeMap::new();
    for measure in &missed {
        let incidents = measure.incidents.iter().map(|(_, incident)| incident);
        let longest = incidents.max_by(|one, other| one.outage_ms.total_cmp(&other.outage_ms));
        let window = Duration::try_from_secs_f64(measure.total_ms / 1e3).unwrap_or_default();
        for (owner, ms) in longest.map(|incident| incident.last(window)).unwrap_or_default() {
            *owners.entry(owner).or_default() += ms / missed.len() as f64;
        }
    }
    let mut owners: Vec<_> = owners.into_iter().filter(|(_, ms)| *ms >= 100.0).collect();
    owners.sort_by(|one, other| other.1.total_cmp(&one.1));
    let told = owners.iter().take(2).map(|(owner, ms)| format!("{owner} {ms:.0} ms: {}", whose(owner)));
    format!(
        "{} of {}; {}",
        missed.len(),
        samples.get(&key).map_or(0, Vec::len),
        told.collect::<Vec<_>>().join("; ")
    )
}

fn phases(page: &mut String, samples: &Samples<'_>) -> Result<()> {
    writeln!(page, "## Who owned the time\n")?;
    writeln!(
        page,
        "Milliseconds as p50 / p95; a phase counts only what lies within the total, so that the phases of every run sum to its total, which is checked to the millisecond."
    )?;
    writeln!(
        page,
        "`noticed` is the time from the fault to the first peer that told of it, also where nothing could be done about it yet, and stays empty where nobody had to notice."
    )?;
    writeln!(
        page,
        "`waits` are those for a network, for signaling, for the other peer, for a link to heal by itself, and between tries; `handshake` is dialing, offer and answer, ICE, DTLS and the channel; `verification` is ping and pong; `delivery` lasts until messages of the application had gone both ways."
    )?;
    writeln!(
        page,
        "The limit is what the protocols need at the least: R is the round trip between the peers, Rs that to the server.\n"
    )?;
    let mut profile = "";
    for (key, measures) in samples {
        if key.profile != profile {
            profile = &key.profile;
            writeln!(page, "### {profile}\n")?;
            writeln!(
                page,
                "| fault | N | noticed | detection | waits | handshake | verification | delivery | total | limit | p50 to limit |\n|---|---|---|---|---|---|---|---|---|---|---|"
            )?;
        }
        line(page, key, measures)?;
        if samples.range(key.clone()..).nth(1).is_none_or(|(next, _)| next.profile != profile) {
            writeln!(page)?;
        }
    }
    writeln!(page, "## What the faults are\n\n| fault | what happens |\n|---|---|")?;
    let mut told: Vec<_> = samples.keys().map(|key| key.scenario.as_str()).collect();
    told.sort_unstable();
    told.dedup();
    for scenario in told.into_iter().filter_map(table::named) {
        writeln!(page, "| {} | {} |", scenario.name, scenario.story)?;
    }
    Ok(())
}

fn line(page: &mut String, key: &Key, measures: &[&Measure]) -> Result<()> {
    let both = |value: &dyn Fn(&Measure) -> Option<f64>| {
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
        key.stage,
        measures.len(),
        both(&|measure| measure.detection_ms)
    )?;
    for phase in Phase::ALL {
        write!(page, " {} |", both(&|measure| measure.phases.get(phase.name()).copied()))?;
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
    use crate::row::tests::row;

    #[test]
    fn a_goal_that_was_missed_names_what_cost_the_time() {
        let page = page(&[row("aggressive", "outage-10", 2_500.0), row("aggressive", "outage-35", 1_500.0)]);
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
    fn failures_that_differ_in_figures_are_told_once() {
        let failed = |figure: u32| Row {
            failures: vec![format!("{figure} messages are gone")],
            ..row("conservative", "outage-60", 9.0)
        };
        let page = page(&[failed(7), failed(12)]);
        assert!(page.contains("| conservative | outage-60 | 2 | 7 messages are gone |"), "{page}");
        assert!(page.contains("0 of 2 runs recovered"), "{page}");
    }

    fn page(rows: &[Row]) -> String {
        let told = |text: &str| text.to_owned();
        let circumstances =
            Circumstances { machine: told("m"), commit: told("c"), command: told("measure"), labs: 1 };
        markdown(rows, &circumstances).unwrap()
    }
}
