//! Lists what the newest rules find, pending crates included: `cargo run -p rejoin-tidy -- [RULE]`, from the root.

use std::io::{self, Write};
use std::path::Path;

use rejoin_tidy::Repository;
use rejoin_tidy::crate_rule::CRATE_RULES;

fn main() -> io::Result<()> {
    let chosen = std::env::args().nth(1);
    let repository = Repository::read_from(Path::new("."))?;
    let mut output = io::stdout().lock();
    let rules = CRATE_RULES.iter().map(|rule| (rule.name, rule.all_findings(&repository)));
    for (name, findings) in rules.filter(|(name, _)| chosen.as_deref().is_none_or(|chosen| chosen == *name)) {
        writeln!(output, "{name}: {} findings", findings.len())?;
        for finding in findings {
            writeln!(output, "  {finding}")?;
        }
    }
    Ok(())
}
