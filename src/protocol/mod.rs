//! The wire types: activities, invokes and Token Service messages.
//!
//! Owns spelling, letter case and lenient parsing. It deliberately knows no HTTP, makes no decision and holds no state.

mod activity;
mod agent;
mod caller_id;
pub mod deadlines;
mod invoke;
mod json;
mod member_index;
mod members;
#[cfg(test)]
mod members_tests;
mod oauth_card;
mod raw_members;
mod readings;
mod regularize;
mod sign_in_action;
#[cfg(test)]
mod sign_in_action_tests;
mod sign_in_form;
mod skills;
mod spelling;
mod token_service;

pub use activity::{Activity, ActivityError, ConversationType};
pub use agent::{AgentAddress, AgentLifecycleEvent};
pub use invoke::{
    CANCELLED_BY_USER, ExpectedReplies, InvokeKind, SignInState, TOKENS_RESPONSE, TokenExchangeInvokeRequest,
    TokenExchangeInvokeResponse, TokensResponseEvent, invoke_response_envelope, normalize_for_bot,
    response_in_envelope,
};
pub use json::{JsonDocument, JsonError, Node, NodeRange};
pub use oauth_card::{CardAttachment, CardTexts};
pub use regularize::regularize;
pub use sign_in_action::{
    ActionFamily, ActionKind, CardActionResponse, CarriedSignIn, CarriedToken, UsedMembers,
    possible_action_connections, read_action_connection, without_value_members,
};
pub use sign_in_form::MAX_ID_BYTES;
pub use skills::{
    Delivery, EventStream, EventTooLong, ExpectedActivities, OfferedCard, ParentActivity, SkillActivity, SkillAddress,
    SkillInvoke, StreamEvent, names_other_activity, read_skill_activity, readdress_to_parent, readdress_to_skill,
    readdress_user_invoke, token_exchange_invoke,
};
pub use token_service::{
    ErrorResponse, SignInResource, TokenExchangeResource, TokenExchangeState, TokenOrSignInResource, TokenPostResource,
    TokenResponse, TokenStatus, WithoutToken, iso_8601,
};

/// The `providerId` by which clients recognise Entra (AAD v2) connections (docs/protocols/token-service-api.md §2).
pub const ENTRA_PROVIDER_ID: &str = "30dd229c-58e3-4a48-bdfd-91ec48eb906c";
