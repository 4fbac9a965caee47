//! The conventions of this repository, one test each.

use std::io;
use std::sync::LazyLock;

use rejoin_tidy::crate_rule::CRATE_RULES;
use rejoin_tidy::{
    Finding, Repository, dependencies, documents, feature_matrix, files, finding, metrics_page, modules,
    names, policy_registry, purity, renames, test_hygiene,
};

#[test]
fn every_rust_file_opens_with_what_it_is() {
    holds(files::without_opening_line)
}

#[test]
fn the_page_of_metrics_lists_what_the_code_counts() {
    holds(metrics_page::unlisted_or_unknown_metrics)
}

#[test]
fn every_rust_file_can_be_read() {
    holds(modules::unreadable_files)
}

#[test]
fn no_rust_file_exceeds_400_lines() {
    holds(files::too_long)
}

#[test]
fn no_module_hides_in_mod_rs() {
    holds(files::hidden_in_mod_rs)
}

#[test]
fn no_module_is_a_drawer_for_anything() {
    holds(files::drawers)
}

#[test]
fn lib_rs_holds_no_logic() {
    holds(files::logic_in_lib_rs)
}

#[test]
fn core_touches_nothing() {
    holds(purity::world_in_core)
}

#[test]
fn question_policies_remember_nothing() {
    holds(purity::memory_in_policies)
}

#[test]
fn only_the_driver_feeds_the_supervisor() {
    holds(purity::supervisor_out_of_place)
}

#[test]
fn core_depends_on_three_crates_at_most() {
    holds(dependencies::needless_core_dependencies)
}

#[test]
fn dependencies_follow_the_architecture() {
    holds(dependencies::reversed_arrows)
}

#[test]
fn errors_for_people_stay_in_programs() {
    holds(dependencies::errors_for_people_outside_programs)
}

#[test]
fn every_version_comes_from_the_workspace() {
    holds(dependencies::versions_outside_the_workspace)
}

#[test]
fn every_crate_inherits_from_the_workspace() {
    holds(dependencies::own_package_fields)
}

#[test]
fn every_policy_is_registered_under_its_file_name() {
    holds(policy_registry::unregistered_policies)
}

#[test]
fn every_policy_has_a_row_in_the_list() {
    holds(policy_registry::unlisted_policies)
}

#[test]
fn every_type_is_a_noun_that_could_be_drawn() {
    holds(names::empty_type_names)
}

#[test]
fn no_function_is_called_get() {
    holds(names::getters_called_get)
}

#[test]
fn every_ignored_test_says_why() {
    holds(test_hygiene::ignored_without_reason)
}

#[test]
fn nothing_is_left_unfinished() {
    holds(test_hygiene::unfinished)
}

#[test]
fn no_test_sleeps_without_a_reason() {
    holds(test_hygiene::sleeping_tests)
}

#[test]
fn every_document_is_there() {
    holds(documents::missing_documents)
}

#[test]
fn no_file_names_a_machine() {
    holds(documents::machine_paths)
}

#[test]
fn every_sentence_of_a_document_has_its_line() {
    holds(documents::crowded_lines)
}

#[test]
fn every_test_that_a_feature_names_exists() {
    holds(feature_matrix::imagined_tests)
}

#[test]
fn every_claim_about_a_feature_names_its_test() {
    holds(feature_matrix::unproven_claims)
}

#[test]
fn no_struct_with_state_exceeds_12_fields() {
    holds_per_crate("fields");
}

#[test]
fn the_methods_of_a_type_are_in_its_file_and_two_children() {
    holds_per_crate("impls");
}

#[test]
fn no_files_import_each_other_in_a_circle() {
    holds_per_crate("circles");
}

#[test]
fn every_word_is_plain() {
    holds_per_crate("words");
}

#[test]
fn no_name_that_was_given_up_comes_back() {
    holds_per_crate("renames");
}

#[test]
fn every_kept_name_is_in_the_glossary() {
    holds(renames::undefined_kept_names);
}

#[test]
fn the_repository_is_found() {
    for path in ["Cargo.toml", "core/src/lib.rs", "testkit/tidy/src/lib.rs"] {
        assert!(REPOSITORY.as_ref().is_ok_and(|it| it.file(path).is_some()), "{path} is missing");
    }
}

/// The repository, read once for all tests.
static REPOSITORY: LazyLock<io::Result<Repository>> = LazyLock::new(Repository::read);

fn holds(rule: impl Fn(&Repository) -> Vec<Finding>) {
    let repository = match &*REPOSITORY {
        Ok(repository) => repository,
        Err(error) => unreachable!("the repository cannot be read: {error}"),
    };
    let findings = rule(repository);
    assert!(findings.is_empty(), "{} findings{}", findings.len(), finding::list(&findings));
}

fn holds_per_crate(name: &str) {
    let mut rules = CRATE_RULES.iter().filter(|rule| rule.name == name).peekable();
    assert!(rules.peek().is_some(), "there is no rule {name}");
    rules.for_each(|rule| holds(|repository| rule.findings(repository)));
}
