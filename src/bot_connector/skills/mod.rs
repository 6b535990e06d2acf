//! The skills' side of the bots: the conversations that parents open with skills, and the calls between the two.
//!
//! Owns the id by which a skill knows a conversation, whose conversation it is, which activities the skill was given, and
//! the tokens with which parents call skills. It deliberately knows neither the form of an activity nor which callers are admitted:
//! its callers check that.

mod card_attempts;
mod card_claims;
mod client;
mod conversation;
mod conversation_cell;
mod conversation_data;
mod conversation_error;
mod conversation_records;
mod conversations;
mod given_activities;
mod kept_conversations;
mod parent_tokens;
#[cfg(test)]
mod replicas_tests;
mod shared_conversations;
#[cfg(test)]
mod tests;

pub use card_attempts::CardAttempt;
pub use card_claims::CardClaim;
pub use client::{ParentRequest, SkillCall, SkillClient};
pub use conversation::{PlaceRule, SkillConversation, SkillConversationOpening};
pub use conversation_data::SkillConversationData;
pub use conversation_error::SkillConversationError;
pub use conversations::SkillConversations;
pub use given_activities::GivenActivity;
pub use parent_tokens::{ParentTokenError, ParentTokens};
