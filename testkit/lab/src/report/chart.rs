//! A chart of the phases of the recoveries, as SVG.

use anyhow::{Result, anyhow};
use plotters::prelude::*;
use plotters::style::text_anchor::{HPos, Pos, VPos};

use crate::phase_group::PhaseGroup;
use crate::report::sample::{Key, Samples, mean, percentile};
use crate::result::Measurement;

const WIDTH: u32 = 1_000;
const TITLE: i32 = 34;
const BAR: i32 = 22;
const LABELS: i32 = 290;
/// Room for the figure behind the longest bar.
const FIGURES: i32 = 120;

/// Returns a bar for every checkpoint with every profile: the mean of each group side by side, and a mark at the 95th percentile.
///
/// Every profile has a scale of its own, because they differ by two orders of magnitude.
///
/// # Errors
/// If it cannot be drawn.
pub fn svg(samples: &Samples<'_>) -> Result<String> {
    let mut profiles: Vec<&str> = samples.keys().map(|key| key.profile.as_str()).collect();
    profiles.dedup();
    let results = i32::try_from(samples.len())?;
    let panels = i32::try_from(profiles.len())?;
    let height = u32::try_from(TITLE * (panels + 1) + BAR * results + 10)?;
    let mut picture = String::new();
    {
        let area = SVGBackend::with_string(&mut picture, (WIDTH, height)).into_drawing_area();
        area.fill(&WHITE).map_err(drawing)?;
        legend(&area)?;
        let mut y = TITLE;
        for profile in profiles {
            let bars: Vec<_> = samples.iter().filter(|(key, _)| key.profile == profile).collect();
            panel(&area, profile, &bars, &mut y)?;
        }
        area.present().map_err(drawing)?;
    }
    Ok(picture)
}

type Area<'a> = DrawingArea<SVGBackend<'a>, plotters::coord::Shift>;

fn legend(area: &Area<'_>) -> Result<()> {
    let mut x = LABELS;
    for group in PhaseGroup::ALL {
        let (from, to) = ((x, 10), (x + 14, 24));
        area.draw(&Rectangle::new([from, to], colour(group).filled())).map_err(drawing)?;
        area.draw(&Text::new(group.name(), (x + 20, 11), font(13))).map_err(drawing)?;
        x += 130;
    }
    Ok(())
}

fn panel(area: &Area<'_>, profile: &str, bars: &[(&Key, &Vec<&Measurement>)], y: &mut i32) -> Result<()> {
    let worst = |measures: &[&Measurement]| percentile(measures.iter().map(|measure| measure.total_ms), 0.95);
    let longest = bars.iter().filter_map(|(_, measures)| worst(measures)).fold(1.0, f64::max);
    let unit = f64::from(i32::try_from(WIDTH)? - LABELS - FIGURES) / longest;
    let heading = format!(
        "{profile}: milliseconds from the repaired network (or the fault) to verified bytes both ways"
    );
    area.draw(&Text::new(heading, (10, *y + 10), font(15))).map_err(drawing)?;
    *y += TITLE;
    for (key, measures) in bars {
        let label = format!("{}, {}", key.scenario, key.checkpoint);
        let right = font(12).pos(Pos::new(HPos::Right, VPos::Top));
        area.draw(&Text::new(label, (LABELS - 8, *y + 4), right)).map_err(drawing)?;
        let mut x = f64::from(LABELS);
        for group in PhaseGroup::ALL {
            let ms = mean(measures.iter().map(|measure| *measure.groups.get(group.name()).unwrap_or(&0.0)));
            let end = x + ms * unit;
            let corners = [(pixel(x), *y + 3), (pixel(end), *y + BAR - 3)];
            area.draw(&Rectangle::new(corners, colour(group).filled())).map_err(drawing)?;
            x = end;
        }
        let p95 = worst(measures).unwrap_or_default();
        let mark = f64::from(LABELS) + p95 * unit;
        let line = vec![(pixel(mark), *y + 1), (pixel(mark), *y + BAR - 1)];
        area.draw(&PathElement::new(line, BLACK.stroke_width(2))).map_err(drawing)?;
        let p50 = percentile(measures.iter().map(|measure| measure.total_ms), 0.5).unwrap_or_default();
        let figures = format!("{p50:.0} / {p95:.0}");
        let place = (pixel(mark.max(x)) + 6, *y + 4);
        area.draw(&Text::new(figures, place, font(12))).map_err(drawing)?;
        *y += BAR;
    }
    Ok(())
}

fn font(size: i32) -> TextStyle<'static> {
    ("sans-serif", size).into_font().color(&BLACK)
}

#[expect(clippy::cast_possible_truncation, reason = "a pixel of a chart of some thousand")]
fn pixel(x: f64) -> i32 {
    x.round() as i32
}

fn colour(group: PhaseGroup) -> RGBColor {
    match group {
        PhaseGroup::Detection => RGBColor(0xd9, 0x5f, 0x02),
        PhaseGroup::Waits => RGBColor(0xbd, 0xbd, 0xbd),
        PhaseGroup::Handshake => RGBColor(0x1f, 0x78, 0xb4),
        PhaseGroup::Verification => RGBColor(0x33, 0xa0, 0x2c),
        PhaseGroup::Delivery => RGBColor(0x6a, 0x3d, 0x9a),
    }
}

fn drawing(error: impl std::fmt::Display) -> anyhow::Error {
    anyhow!("the chart cannot be drawn: {error}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::sample::sorted;
    use crate::result::tests::result;

    #[test]
    fn every_checkpoint_has_a_bar_with_its_figures() {
        let results = [result("aggressive", "outage-10", 700.0), result("vdo-ninja", "peer-killed", 2_000.0)];
        let chart = svg(&sorted(&results)).unwrap();
        for text in ["outage-10, recovery", "700 / 700", "peer-killed, recovery", "2000 / 2000", "vdo-ninja"]
        {
            assert!(chart.contains(text), "{text} is missing in {chart}");
        }
    }
}
