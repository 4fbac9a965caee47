//! The rule that docs/metrics.md lists the metrics of the code, and no others.

use std::collections::BTreeSet;

use crate::finding::Finding;
use crate::repository::Repository;

const PAGE: &str = "docs/metrics.md";
/// The files that name metrics.
const SOURCES: [&str; 2] = ["driver/src/telemetry.rs", "signaling-server/src/metrics.rs"];

/// Finds metrics of the code that the page does not list, and rows of the page without a metric.
pub fn unlisted_or_unknown_metrics(repository: &Repository) -> Vec<Finding> {
    let text = |path: &str| repository.file(path).map_or("", |file| file.text.as_str());
    let page = names(text(PAGE), '`');
    let code: BTreeSet<String> = SOURCES.into_iter().flat_map(|path| names(text(path), '"')).collect();
    let unlisted = code.difference(&page).map(|name| format!("list the metric `{name}`"));
    let unknown =
        page.difference(&code).map(|name| format!("the code has no metric `{name}`; remove the row"));
    unlisted.chain(unknown).map(|remedy| Finding::new(PAGE, 1, remedy)).collect()
}

/// Returns the names of metrics that stand between two `quote`s.
fn names(text: &str, quote: char) -> BTreeSet<String> {
    let is_metric =
        |name: &&str| name.starts_with("rejoin_") && name.chars().all(|c| c == '_' || c.is_ascii_lowercase());
    text.split(quote).filter(is_metric).map(str::to_owned).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_missing_row_and_a_row_without_a_metric_are_found() {
        let files = [
            (PAGE, "| `rejoin_a` | `link` |\n| `rejoin_b` |"),
            (SOURCES[0], "const A: &str = \"rejoin_a\"; \"rejoin_c\""),
        ];
        let findings = unlisted_or_unknown_metrics(&Repository::from_files(files));
        let remedies: Vec<String> = findings.iter().map(ToString::to_string).collect();
        assert_eq!(remedies.len(), 2, "{remedies:?}");
        assert!(remedies[0].contains("`rejoin_c`") && remedies[1].contains("`rejoin_b`"), "{remedies:?}");
    }
}
