//! The deadlines that channels and their clients set for answers. Each is counted from the moment when our request
//! began.

use std::time::Duration;

/// The deadline for the identity provider's part of a sign-in invoke or of a bot's token exchange. The answer is due
/// within 8 s (docs/architecture.md §Budget), and the work after the exchange needs time as well.
pub const PROVIDER_BUDGET: Duration = Duration::from_millis(7500);

/// The deadline for the answer to a sign-in invoke or to a bot's token exchange, unless the invoke is forwarded to the
/// bot: within 8 s (docs/architecture.md §Budget).
pub const ANSWER_BUDGET: Duration = Duration::from_millis(7800);

/// The deadline for a bot's answer to a token exchange that is forwarded after the token is kept. Channels give up after 10 to 15 s
/// (docs/protocols/invoke-protocol.md §6), so an invoke is kept under 10 s (docs/protocols/bot-auth-and-skills.md §7).
pub const BOT_INVOKE_BUDGET: Duration = Duration::from_millis(9500);

/// The deadline for an exchange whose invoke the bot answers. It is later than [`BOT_INVOKE_BUDGET`], so that a slow
/// bot is reported as a slow bot and not as a failed exchange, and still within the 10 s of
/// docs/protocols/bot-auth-and-skills.md §7.
pub const BOT_EXCHANGE_BUDGET: Duration = Duration::from_millis(9700);

/// The deadline for the whole answer to a user's action whose token was exchanged here, the bot's part included: within the
/// 15 s of the channel (docs/protocols/sign-in-invokes.md §4).
pub const ACTION_BUDGET: Duration = Duration::from_millis(14_500);
