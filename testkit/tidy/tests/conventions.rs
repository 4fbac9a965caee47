//! The conventions of this repository, one test each.

use std::io;

use rejoin_tidy::{
    Finding, Repository, dependencies, documents, feature_matrix, files, finding, names, policy_registry,
    purity, test_hygiene,
};

#[test]
fn every_rust_file_opens_with_what_it_is() -> io::Result<()> {
    holds(files::without_opening_line)
}

#[test]
fn no_rust_file_exceeds_400_lines() -> io::Result<()> {
    holds(files::too_long)
}

#[test]
fn no_module_hides_in_mod_rs() -> io::Result<()> {
    holds(files::hidden_in_mod_rs)
}

#[test]
fn no_module_is_a_drawer_for_anything() -> io::Result<()> {
    holds(files::drawers)
}

#[test]
fn lib_rs_holds_no_logic() -> io::Result<()> {
    holds(files::logic_in_lib_rs)
}

#[test]
fn core_touches_nothing() -> io::Result<()> {
    holds(purity::world_in_core)
}

#[test]
fn question_policies_remember_nothing() -> io::Result<()> {
    holds(purity::memory_in_policies)
}

#[test]
fn only_the_driver_feeds_the_supervisor() -> io::Result<()> {
    holds(purity::supervisor_out_of_place)
}

#[test]
fn core_depends_on_three_crates_at_most() -> io::Result<()> {
    holds(dependencies::needless_core_dependencies)
}

#[test]
fn dependencies_follow_the_architecture() -> io::Result<()> {
    holds(dependencies::reversed_arrows)
}

#[test]
fn errors_for_people_stay_in_bin() -> io::Result<()> {
    holds(dependencies::errors_for_people_outside_bin)
}

#[test]
fn every_version_comes_from_the_workspace() -> io::Result<()> {
    holds(dependencies::versions_outside_the_workspace)
}

#[test]
fn every_crate_inherits_from_the_workspace() -> io::Result<()> {
    holds(dependencies::own_package_fields)
}

#[test]
fn every_policy_is_registered_under_its_file_name() -> io::Result<()> {
    holds(policy_registry::unregistered_policies)
}

#[test]
fn every_policy_has_a_row_in_the_list() -> io::Result<()> {
    holds(policy_registry::unlisted_policies)
}

#[test]
fn every_type_is_a_noun_that_could_be_drawn() -> io::Result<()> {
    holds(names::empty_type_names)
}

#[test]
fn no_function_is_called_get() -> io::Result<()> {
    holds(names::getters_called_get)
}

#[test]
fn every_ignored_test_says_why() -> io::Result<()> {
    holds(test_hygiene::ignored_without_reason)
}

#[test]
fn nothing_is_left_unfinished() -> io::Result<()> {
    holds(test_hygiene::unfinished)
}

#[test]
fn no_test_sleeps_without_a_reason() -> io::Result<()> {
    holds(test_hygiene::sleeping_tests)
}

#[test]
fn every_document_is_there() -> io::Result<()> {
    holds(documents::missing_documents)
}

#[test]
fn no_file_names_a_machine() -> io::Result<()> {
    holds(documents::machine_paths)
}

#[test]
fn every_sentence_of_a_document_has_its_line() -> io::Result<()> {
    holds(documents::crowded_lines)
}

#[test]
fn every_test_that_a_feature_names_exists() -> io::Result<()> {
    holds(feature_matrix::imagined_tests)
}

#[test]
fn every_claim_about_a_feature_names_its_test() -> io::Result<()> {
    holds(feature_matrix::unproven_claims)
}

#[test]
fn the_repository_is_found() -> io::Result<()> {
    let repository = Repository::read()?;
    for path in ["Cargo.toml", "core/src/lib.rs", "testkit/tidy/src/lib.rs"] {
        assert!(repository.file(path).is_some(), "{path} is missing");
    }
    Ok(())
}

fn holds(rule: fn(&Repository) -> Vec<Finding>) -> io::Result<()> {
    let findings = rule(&Repository::read()?);
    assert!(findings.is_empty(), "{} findings{}", findings.len(), finding::list(&findings));
    Ok(())
}
