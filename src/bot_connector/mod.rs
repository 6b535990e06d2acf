//! Calls to bots: forwards requests, delivers `tokens/response` events, and obtains the app tokens of the configured
//! applications.
//!
//! Owns which parts of a request a bot may see, how often an event is delivered, which conversations have a running turn
//! or a running action, at whatever replica, which conversations parents have with skills, and how long an app token is kept. It deliberately
//! knows nothing of exchanges, of what a token means, or of the doors: its callers hand it bytes, headers and a bot.

mod answers;
mod app_tokens;
mod back_end_app_tokens;
mod continuation_claims;
mod continuation_delivery;
mod conversation_turns;
mod forwarding;
mod replica_work;
mod reported_failures;
mod running_actions;
mod skills;
mod work_message;

pub use answers::{end_to_end_headers, find_content_length, find_content_type, is_encoded, read_answer};
pub use app_tokens::{AppToken, AppTokens};
pub use back_end_app_tokens::{BackEndAppTokenError, BackEndAppTokens};
pub use continuation_claims::ContinuationClaims;
pub use continuation_delivery::{ContinuationDelivery, Notification, TokenKeptCheck};
pub use conversation_turns::{ConversationTurns, RunningTurn};
pub use forwarding::{BotCall, BotClient, CONVERSATION_HEADER, ForwardedRequest};
pub use reported_failures::ReportedFailures;
pub use running_actions::{RunningAction, RunningActions};
pub use skills::{
    CardAttempt, CardClaim, GivenActivity, ParentRequest, ParentTokenError, ParentTokens, PlaceRule, SkillCall,
    SkillClient, SkillConversation, SkillConversationData, SkillConversationError, SkillConversationOpening,
    SkillConversations,
};
