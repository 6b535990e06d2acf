#![allow(clippy::unwrap_used)]

use super::*;

/// The table of docs/office-add-ins.md §Errors, made from the rows.
fn document_table() -> String {
    let head =
        "| What happened | Status convention | Inline convention | What the pane does |\n| --- | --- | --- | --- |\n";
    let rows = FAILURES.iter().map(|row| format!("| {} |\n", row.to_cells().join(" | ")));
    std::iter::once(head.to_owned()).chain(rows).collect()
}

#[test]
fn the_document_has_the_table_that_the_rows_make() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/office-add-ins.md");
    let document = std::fs::read_to_string(path).unwrap();
    let section = document.split("\n## Errors\n").nth(1).unwrap().split("\n## ").next().unwrap();
    let table = document_table();
    assert!(section.contains(&table), "the table of §Errors is not the rows'; it has to be:\n{table}");
}

#[test]
fn each_failure_of_the_source_is_in_the_table_once() {
    let source = include_str!("rows.rs");
    let listed = source.split("pub static FAILURES").nth(1).unwrap();
    let names = source.split(" static ").skip(1).map(|rest| rest.split(':').next().unwrap());
    let mut count = 0;
    for name in names.filter(|name| *name != "FAILURES") {
        count += 1;
        assert_eq!(listed.matches(&format!("&{name},")).count(), 1, "{name}");
    }
    assert_eq!(count, FAILURES.len());
}

#[test]
fn what_the_user_can_mend_is_told_inline_and_our_own_faults_never_are() {
    for row in FAILURES {
        let is_inline = row.inline != Inline::ByStatus;
        assert!(!is_inline || matches!(row.status, 401 | 403), "{}", row.happened);
        assert!(row.status < 500 || row.challenge == Challenge::None, "{}", row.happened);
        assert!(!row.happened.is_empty() && !row.message.is_empty() && !row.kind.is_empty() && !row.pane.is_empty());
    }
}
