//! Lengths, folders, module style and the names of tests.

use super::super::files::{crowded_folders, files_beside_their_folder, long_files, misnamed_tests};
use super::super::source_tree::{is_test_code, module_of};
use super::{assert_fine, assert_one, tree};

#[test]
fn long_files_are_found_but_tests_of_rooms() {
    let long = "x\n".repeat(401);
    let found = |path: &str, text: &str| long_files(&tree(&[(path, text)]));
    assert_one(&found("src/vault/mod.rs", &long), "src/vault/mod.rs: 401 lines", "a room");
    assert_one(&found("tests/it/smoke.rs", &long), "tests/it/smoke.rs: 401 lines", "integration tests");
    assert_fine(&found("src/vault/vault_tests.rs", &long), "tests of a room");
    assert_fine(&found("src/vault/mod.rs", &long[2..]), "400");
}

#[test]
fn the_twenty_first_file_of_a_folder_is_found() {
    let paths: Vec<String> = (0..21).map(|number| format!("src/dev/file_{number}.rs")).collect();
    let mut files: Vec<(&str, &str)> = paths.iter().map(|path| (path.as_str(), "")).collect();
    assert_one(&crowded_folders(&tree(&files)), "src/dev: 21 files", "21");
    files[0].0 = "src/dev/tenant/mod.rs";
    assert_fine(&crowded_folders(&tree(&files)), "one of them in a folder below");
    let of_tests: Vec<String> = paths.iter().map(|path| path.replace("src/dev", "tests/it")).collect();
    let files: Vec<(&str, &str)> = of_tests.iter().map(|path| (path.as_str(), "")).collect();
    assert_fine(&crowded_folders(&tree(&files)), "integration tests");
}

#[test]
fn a_file_beside_its_folder_is_found() {
    let found = |files: &[(&str, &str)]| files_beside_their_folder(&tree(files));
    for (file, child) in [("src/app.rs", "src/app/doors.rs"), ("tests/it/callers.rs", "tests/it/callers/bodies/mod.rs")]
    {
        assert_one(&found(&[(file, ""), (child, "")]), &format!("{file}: lies beside its folder"), file);
    }
    assert_fine(&found(&[("src/app/mod.rs", ""), ("src/app/doors.rs", ""), ("src/apples/mod.rs", "")]), "mod.rs");
    assert_fine(&found(&[("src/app.rs", ""), ("tests/it/app/mod.rs", ""), ("src/vault/app/mod.rs", "")]), "elsewhere");
    let path = "#[path = \"../elsewhere.rs\"] mod x;";
    assert_eq!(found(&[("src/vault/mod.rs", path)]).len(), 1);
    assert_fine(&found(&[("tests/it/fuzzing.rs", path)]), "the checks of the fuzz targets");
}

#[test]
fn files_are_tests_by_their_own_name_or_a_folders() {
    for path in
        ["vault/tests.rs", "vault/l1_tests.rs", "vault/test_store.rs", "vault/testing/mod.rs", "a/testing/b/c.rs"]
    {
        assert!(is_test_code(&format!("src/{path}")), "{path}");
    }
    for path in ["a/tests/mod.rs", "a/tests/b.rs", "a/l1_tests/b.rs"] {
        assert!(is_test_code(&format!("src/{path}")), "{path}");
    }
    for path in
        ["vault/mod.rs", "vault/contests.rs", "vault/attest_key.rs", "vault/testing_ground.rs", "vault/latest.rs"]
    {
        assert!(!is_test_code(&format!("src/{path}")), "{path}");
    }
    assert!(is_test_code("tests/it/smoke.rs"));
    assert_eq!(module_of("src/a/b/mod.rs"), ["a", "b"]);
    assert_eq!(module_of("src/a/b/c.rs"), ["a", "b", "c"]);
    assert_eq!(module_of("tests/it/a/mod.rs"), ["a"]);
    assert_eq!(module_of("src/lib.rs"), [""; 0]);
}

/// Checks the name of a child that `store/mod.rs` declares.
fn misnamed(room: &str, child: &str) -> Vec<String> {
    misnamed_tests(&tree(&[("src/store/mod.rs", room), (child, "")]))
}

#[test]
fn tests_under_another_name_are_found_and_others_under_theirs() {
    for room in [
        "#[cfg(test)] mod conformance;",
        "#[cfg(test)]\n#[allow(x)]\npub(crate) mod conformance;",
        "#[cfg(all(test, unix))] mod conformance;",
    ] {
        let expected = "store/conformance.rs: is built for tests only, but its name does not say so";
        assert_one(&misnamed(room, "src/store/conformance.rs"), expected, room);
    }
    for (room, child) in [
        ("mod tests;", "tests.rs"),
        ("#[cfg(unix)] mod x_tests;", "x_tests.rs"),
        ("pub mod testing;", "testing/mod.rs"),
    ] {
        assert_one(&misnamed(room, &format!("src/store/{child}")), &format!("store/{child}: is called a test"), room);
    }
    for (room, child) in
        [("#[cfg(not(test))] mod test_store;", "test_store.rs"), ("#[cfg(any(test, unix))] mod tests;", "tests.rs")]
    {
        assert_eq!(misnamed(room, &format!("src/store/{child}")).len(), 1, "{room}");
    }
}

#[test]
fn tests_that_are_called_so_and_other_modules_pass() {
    for (room, child) in [
        ("#[cfg(test)] mod tests;", "tests.rs"),
        ("#[cfg(test)] pub(crate) mod testing;", "testing/mod.rs"),
        ("#[cfg(test)] mod l1_tests;", "l1_tests.rs"),
        ("#[cfg(test)] use x; mod conformance;", "conformance.rs"),
        ("#[cfg(test)] mod tests { } mod conformance;", "conformance.rs"),
        ("#[cfg(feature = \"stage\")] mod conformance;", "conformance.rs"),
    ] {
        assert_fine(&misnamed(room, &format!("src/store/{child}")), room);
    }
    let inside = [("src/store/testing/mod.rs", "mod recorder;"), ("src/store/testing/recorder.rs", "")];
    assert_fine(&misnamed_tests(&tree(&inside)), "inside of a helper");
}
