//! What a run is compared with: the budgets of `scripts/bench count`, earlier runs, and the stand's ceiling.

mod budgets;
mod history;
mod stand;

use std::path::{Path, PathBuf};

pub use budgets::{CountedMix, check_budgets, set_budgets};
pub use history::{Figures, append_and_compare, cpu_model};
pub use stand::compare_with_ceiling;

/// A file of the bench in the repository.
fn file_of_bench(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("benches/speed").join(name)
}

/// The history that the repository keeps. Short runs write one of their own.
pub fn kept_history() -> PathBuf {
    file_of_bench("history.jsonl")
}
