//! The callers that are no bots: Office add-ins, other back ends, and apps with a service role.

mod add_in;
mod app;
mod back_end;
mod secret_hash;

pub use add_in::{AddIn, Downstream, DownstreamMethod, DownstreamPath, ErrorConvention, UserData};
pub use app::{RedirectToken, ServiceRoleApp};
pub use back_end::BackEnd;
pub use secret_hash::SecretHash;
