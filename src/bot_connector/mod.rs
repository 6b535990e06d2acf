//! Calling a bot: passing on what a caller sent, telling a bot that its user's token is there, and the tokens of our own
//! that calling out may need.
//!
//! Owns what a bot may see of a request, how often it is told, and how long an app token is kept. It deliberately knows
//! nothing of exchanges, tokens' meaning or the doors: it is handed bytes, headers and a bot.

mod app_tokens;
mod continuation;
mod continuations;
mod forwarding;
mod turns;

pub use app_tokens::{AppToken, AppTokens};
pub use continuation::{ContinuationDelivery, Notification, StillKept};
pub use continuations::Continuations;
pub use forwarding::{BotClient, ForwardedRequest, is_end_to_end};
pub use turns::{Turn, Turns};
