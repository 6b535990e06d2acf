//! What bot-sso costs when many users are stored, and what memory it gives back: `scripts/bench-users`.

mod aging;
mod stored_users;

pub use aging::{age, serve_aging};
pub use stored_users::run;
