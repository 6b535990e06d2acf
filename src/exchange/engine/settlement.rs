use std::time::Duration;

/// How long a success answers its duplicates (docs/architecture.md §Dedup).
const SUCCESS_REMEMBERED_FOR: Duration = Duration::from_mins(15);
/// How long a failure answers its duplicates before the key is free for a retry (docs/architecture.md §Dedup).
const FAILURE_REMEMBERED_FOR: Duration = Duration::from_secs(3);

/// What a door keeps of a completed exchange so that it can answer duplicates.
pub trait Settlement: Clone + Send + Sync + 'static {
    /// The name of this kind of settlement. It keeps the exchanges of engines with different kinds apart in a shared store,
    /// so it must never change.
    const FORM: &'static str;

    /// Whether the exchange succeeded. A success answers duplicates for minutes, a failure for seconds only.
    fn succeeded(&self) -> bool;

    /// How many bytes it keeps in memory, without its fixed size.
    fn bytes(&self) -> usize;

    /// Writes the settlement for other replicas. A settlement that is too large to be shared is written in a short form,
    /// which has the same status.
    fn encode(&self) -> Vec<u8>;

    /// Reads what this version or an earlier one has written. `None` for anything else.
    fn decode(bytes: &[u8]) -> Option<Self>;
}

/// How long a settlement answers its duplicates.
pub(super) const fn remembered_for(succeeded: bool) -> Duration {
    if succeeded { SUCCESS_REMEMBERED_FOR } else { FAILURE_REMEMBERED_FOR }
}
