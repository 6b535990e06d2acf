//! What bytes from outside cost in memory. The tests of this binary count what is allocated, so they run one at a time.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, clippy::missing_panics_doc)]
#![allow(clippy::unused_async, reason = "the harness starts everything alike")]
#![allow(dead_code, unreachable_pub, unused_imports, reason = "these tests use a part of the harness")]

#[cfg(feature = "stage")]
mod forwarding;
#[cfg(feature = "stage")]
#[path = "../it/harness/mod.rs"]
mod harness;
mod parsers;
mod shapes;

use std::sync::{Mutex, MutexGuard, PoisonError};

use peak_alloc::PeakAlloc;

/// Counts a list that grows twice while it is copied, as the old and the new one.
#[global_allocator]
static ALLOCATOR: PeakAlloc = PeakAlloc;

/// Lets one test count at a time.
fn count_alone() -> MutexGuard<'static, ()> {
    static COUNTING: Mutex<()> = Mutex::new(());
    COUNTING.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The most bytes that are allocated at the same time during `work`, beyond those that are allocated before.
fn peak_of<T>(work: impl FnOnce() -> T) -> usize {
    let before = ALLOCATOR.current_usage();
    ALLOCATOR.reset_peak_usage();
    drop(work());
    ALLOCATOR.peak_usage().saturating_sub(before)
}
