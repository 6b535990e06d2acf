//! The limits of refused sign-ins: those of one process, and those that replicas share.

mod counts;
mod limits;
mod refusal;
mod shared;

#[cfg(test)]
mod replicas_tests;
#[cfg(test)]
mod tests;

pub(super) use limits::RefusalLimits;
pub use refusal::ReachedLimit;
pub(super) use refusal::TooManyRefusals;
