#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use std::fs::{self, Permissions};
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, chown};

use super::file_access::{Access, is_private, process_groups};

const SERVICE: u32 = 65532;
const STRANGERS: u32 = 100;

fn is_private_to_the_service(mode: u32, owner: u32, group: u32) -> bool {
    Access { mode, owner, group }.is_private(|| vec![SERVICE])
}

#[test]
fn a_file_of_its_owner_alone_is_private_whoever_that_is() {
    for mode in [0o100_400, 0o100_600, 0o100_700, 0o100_000] {
        for owner in [0, SERVICE, 1000] {
            assert!(is_private_to_the_service(mode, owner, STRANGERS), "{mode:o} {owner}");
        }
    }
}

#[test]
fn the_group_of_the_process_may_read_a_file_that_root_has_made() {
    for mode in [0o100_440, 0o100_640] {
        assert!(is_private_to_the_service(mode, 0, SERVICE), "as Kubernetes mounts a secret: {mode:o}");
        assert!(is_private_to_the_service(mode, 0, 0), "as systemd passes a credential: {mode:o}");
        assert!(!is_private_to_the_service(mode, 0, STRANGERS), "{mode:o}");
    }
}

#[test]
fn the_group_may_not_read_a_file_that_the_service_could_protect_itself() {
    for owner in [SERVICE, 1000] {
        assert!(!is_private_to_the_service(0o100_640, owner, SERVICE), "{owner}");
    }
}

#[test]
fn a_file_that_others_can_read_or_that_a_group_can_write_is_never_private() {
    for mode in [0o444, 0o644, 0o604, 0o601, 0o602, 0o660, 0o620, 0o450, 0o470, 0o777] {
        assert!(!is_private_to_the_service(0o100_000 | mode, 0, SERVICE), "{mode:o}");
        assert!(!is_private_to_the_service(0o100_000 | mode, 0, 0), "{mode:o}");
    }
}

#[test]
fn the_mode_the_owner_and_the_group_are_those_of_the_file() {
    let file = tempfile::NamedTempFile::new().unwrap();
    let with_mode = |mode| {
        fs::set_permissions(file.path(), Permissions::from_mode(mode)).unwrap();
        fs::metadata(file.path()).unwrap()
    };
    assert!(is_private(&with_mode(0o600)));
    assert!(!is_private(&with_mode(0o644)));
    let made_by_root = with_mode(0o440).uid() == 0;
    assert_eq!(is_private(&with_mode(0o440)), made_by_root, "the file has the group of this process");
    let foreign = (1..u32::MAX).find(|group| !process_groups().contains(group));
    // Only root can give the file to a group to which it does not belong.
    if made_by_root && chown(file.path(), None, foreign).is_ok() {
        assert!(!is_private(&with_mode(0o440)));
    }
}
