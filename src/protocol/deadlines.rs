//! How long the other side of a conversation waits, as the channels and their clients set it. Each is counted from the
//! moment when our request began.

use std::time::Duration;

/// Our identity providers' part of a sign-in invoke, or of a token exchange that a bot asks for, ends here: the answer
/// must be there within 8 s (DESIGN §4, Budget), and what follows the exchange needs time as well.
pub const PROVIDER_BUDGET: Duration = Duration::from_millis(7500);

/// A sign-in invoke, or a token exchange that a bot asks for, is answered here, unless a bot answers it: within 8 s
/// (DESIGN §4, Budget).
pub const ANSWER_BUDGET: Duration = Duration::from_millis(7800);

/// An invoke that a bot answers is answered here: channels give up after 10 to 15 s (invoke-protocol §6), so an invoke is
/// kept under 10 s (bot-auth-and-skills §7).
pub const BOT_INVOKE_BUDGET: Duration = Duration::from_millis(9500);

/// An exchange that a bot answers is given up here: later than [`BOT_INVOKE_BUDGET`], so that a late bot is reported as
/// late and not as a failure of the exchange, and still within the 10 s of bot-auth-and-skills §7.
pub const BOT_EXCHANGE_BUDGET: Duration = Duration::from_millis(9700);
