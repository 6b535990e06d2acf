//! Calling a bot: passing on what a caller sent, and telling a bot that its user's token is there.
//!
//! Owns what a bot may see of a request and how often it is told. It deliberately knows nothing of exchanges, tokens'
//! meaning or the doors: it is handed bytes, headers and a bot.

mod continuation;
mod forwarding;
mod turns;

pub use continuation::{ContinuationDelivery, Notification};
pub use forwarding::{BotClient, ForwardedRequest, is_end_to_end};
pub use turns::{Turn, Turns};
