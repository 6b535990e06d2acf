//! The traces of the process: what tells them of exchanges, and what brings them to the collector. A binary that is built without
//! the feature `traces` brings none.

#[cfg(feature = "traces")]
mod collected;
#[cfg(not(feature = "traces"))]
mod left_out;
mod observation;

#[cfg(feature = "traces")]
pub(super) use self::collected::Traces;
#[cfg(not(feature = "traces"))]
pub(super) use self::left_out::Traces;
pub(super) use self::observation::build_observation;
