//! The architecture rules that the compiler does not check. The tests in this file apply each rule to the sources; the
//! tests in `rule_tests` break each rule in synthetic sources and so show that the rule finds violations.
//!
//! `tables` holds what an intended change of the architecture edits. The rules read text without type information;
//! `resolver` says which imports they miss for that reason.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod circles;
mod files;
mod functions;
mod links;
mod paths;
mod prose;
mod references;
mod resolver;
mod rooms;
mod rule_tests;
mod source_tree;
mod tables;
mod tokens;
mod type_names;

use std::path::Path;
use std::sync::LazyLock;

use resolver::Resolver;
use rooms::ImportRules;
use source_tree::SourceTree;

static TREE: LazyLock<SourceTree> = LazyLock::new(|| SourceTree::read(Path::new(env!("CARGO_MANIFEST_DIR"))));
static RESOLVER: LazyLock<Resolver> = LazyLock::new(|| Resolver::new(&TREE));

const IMPORT_RULES: ImportRules =
    ImportRules { rooms: tables::ROOMS, rooms_of_tests: tables::ROOMS_OF_TESTS, sub_rooms: tables::SUB_ROOMS };

#[track_caller]
fn assert_none(problems: &[String]) {
    assert!(problems.is_empty(), "{} violations\n{}", problems.len(), problems.join("\n"));
}

#[test]
fn every_room_imports_only_what_it_may_and_no_door_another() {
    assert_none(&IMPORT_RULES.forbidden_imports(&RESOLVER));
}

#[test]
fn every_row_of_the_table_names_only_rooms_above_it() {
    assert_none(&IMPORT_RULES.upward_rows());
}

#[test]
fn no_files_of_a_room_import_each_other_in_a_circle() {
    assert_none(&circles::circles(&RESOLVER));
}

#[test]
fn every_part_of_a_large_room_imports_only_parts_below_it() {
    assert_none(&IMPORT_RULES.out_of_order_imports(&RESOLVER));
}

#[test]
fn no_function_takes_a_tuple() {
    assert_none(&functions::tuple_parameters(&TREE));
}

#[test]
fn every_function_is_short_and_takes_few_parameters() {
    assert_none(&functions::oversized_functions(&TREE));
}

#[test]
fn every_public_type_name_belongs_to_one_room() {
    assert_none(&type_names::shared_type_names(&TREE, tables::SHARED_TYPE_NAMES));
}

#[test]
fn no_source_file_is_too_long() {
    assert_none(&files::long_files(&TREE));
}

#[test]
fn no_folder_holds_too_many_files() {
    assert_none(&files::crowded_folders(&TREE));
}

#[test]
fn every_module_with_children_is_a_mod_rs() {
    assert_none(&files::files_beside_their_folder(&TREE));
}

#[test]
fn every_file_of_tests_is_named_as_one_and_no_other_is() {
    assert_none(&files::misnamed_tests(&TREE));
}

#[test]
fn every_room_says_what_it_is_and_the_library_exports_rooms_only() {
    assert_none(&prose::missing_room_paragraphs(&TREE));
}

#[test]
fn every_file_that_only_adds_to_a_type_says_so_in_its_first_line() {
    assert_none(&prose::missing_first_lines(&TREE));
}

#[test]
fn every_reference_to_a_document_resolves_to_a_heading() {
    assert_none(&references::unresolved_references(&TREE));
}

#[test]
fn no_comment_refers_to_a_paper_that_is_not_in_the_repository() {
    assert_none(&references::foreign_references(&TREE));
}

#[test]
fn every_link_of_a_document_leads_to_a_file_and_a_heading() {
    assert_none(&links::broken_links(&TREE));
}

#[test]
fn reserved_names_are_named_only_where_they_may_be() {
    assert_none(&rooms::reserved_names(&RESOLVER));
}

#[test]
fn no_module_has_an_empty_name() {
    assert_none(&rooms::meaningless_module_names(&TREE));
}
