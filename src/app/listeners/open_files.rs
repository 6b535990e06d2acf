use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// Raises the process's limit on open files as far as the system permits, and returns the limit that holds now. `None`
/// if there is no limit.
pub(in crate::app) fn raise_open_file_limit() -> Option<u64> {
    let limit = getrlimit(Resource::Nofile);
    if limit.current != limit.maximum
        && setrlimit(Resource::Nofile, Rlimit { current: limit.maximum, maximum: limit.maximum }).is_err()
    {
        tracing::warn!(limit = limit.current, "the limit on open files could not be raised");
    }
    getrlimit(Resource::Nofile).current
}
