//! What users have granted to applications, and the refresh tokens of each grant.

mod families;
mod grant;
mod grant_data;
mod refresh_token;

#[cfg(test)]
mod tests;

pub use families::{GrantOutcome, Grants, NewGrant};
pub use grant::UserGrant;
