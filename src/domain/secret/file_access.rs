//! Who may read a file with a secret or with keys (docs/running.md §Files).

use std::fs::Metadata;
use std::os::unix::fs::MetadataExt as _;

/// The user id of root, and the id of its group.
const ROOT: u32 = 0;

const READABLE_BY_GROUP: u32 = 0o040;
const OPEN_TO_GROUP: u32 = 0o070;
const OPEN_TO_OTHERS: u32 = 0o007;

/// Whether a file is private enough for a secret. Only its owner may use it, with one exception: if root owns it, its
/// group may read it, provided that the group is root's or one of this process's. Kubernetes mounts secrets like this for
/// the group of a pod, and systemd passes credentials like this. The process itself cannot change such a file.
#[must_use]
pub fn is_private(file: &Metadata) -> bool {
    Access { mode: file.mode(), owner: file.uid(), group: file.gid() }.is_private(process_groups)
}

/// The permissions of a file.
#[derive(Clone, Copy)]
pub(super) struct Access {
    pub(super) mode: u32,
    pub(super) owner: u32,
    pub(super) group: u32,
}

impl Access {
    pub(super) fn is_private(self, process_groups: impl FnOnce() -> Vec<u32>) -> bool {
        match self.mode & (OPEN_TO_GROUP | OPEN_TO_OTHERS) {
            0 => true,
            READABLE_BY_GROUP if self.owner == ROOT => self.group == ROOT || process_groups().contains(&self.group),
            _ => false,
        }
    }
}

/// The ids of the groups that this process belongs to.
pub(super) fn process_groups() -> Vec<u32> {
    let further = rustix::process::getgroups().unwrap_or_default();
    further.into_iter().chain([rustix::process::getegid()]).map(rustix::process::Gid::as_raw).collect()
}
