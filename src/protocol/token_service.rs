use base64::Engine;
use base64::alphabet;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use serde::Serialize;
use utoipa::ToSchema;

use super::activity::ConversationType;
use super::json::{JsonDocument, Node};
use crate::domain::{ConversationId, Timestamp, write_string_literal};

/// Decodes the variants of standard base64 that SDKs write: with or without padding.
const LENIENT_BASE64: GeneralPurposeConfig = GeneralPurposeConfig::new()
    .with_decode_padding_mode(DecodePaddingMode::Indifferent)
    .with_decode_allow_trailing_bits(true);

/// Longest accepted `state`, in bytes.
const MAX_STATE_BYTES: usize = 16 * 1024;

/// The answer of `GetToken` (docs/protocols/token-service-api.md §2).
#[derive(Debug, Serialize, ToSchema)]
#[schema(description = "A user's token.")]
#[serde(rename_all = "camelCase")]
pub struct TokenResponse<'a> {
    /// The channel, if the request named one.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub channel_id: Option<&'a str>,
    /// The name of the connection.
    pub connection_name: &'a str,
    /// The user's token.
    pub token: &'a str,
    /// When the token expires, ISO 8601; always sent.
    #[schema(format = DateTime)]
    pub expiration: String,
}

impl TokenResponse<'_> {
    /// The JSON form. It is written by hand, faster than by a serialiser, because most answers are of this type.
    #[must_use]
    pub fn to_json(&self) -> Vec<u8> {
        let mut json = Vec::with_capacity(256 + self.token.len());
        json.push(b'{');
        if let Some(channel_id) = self.channel_id {
            json.extend_from_slice(b"\"channelId\":");
            write_string_literal(&mut json, channel_id);
            json.push(b',');
        }
        let members =
            [("connectionName", self.connection_name), ("token", self.token), ("expiration", self.expiration.as_str())];
        for (number, (name, value)) in members.into_iter().enumerate() {
            if number > 0 {
                json.push(b',');
            }
            write_string_literal(&mut json, name);
            json.push(b':');
            write_string_literal(&mut json, value);
        }
        json.push(b'}');
        json
    }
}

/// A `TokenResponse` without a token: the form of a refused exchange for an SDK that throws on every other answer
/// (docs/protocols/token-service-api.md §5).
#[derive(Debug, Serialize, ToSchema)]
#[schema(description = "No token: a refusal as a success.")]
#[serde(rename_all = "camelCase")]
pub struct WithoutToken<'a> {
    /// The channel, if the request named one.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub channel_id: Option<&'a str>,
    /// The name of the connection.
    pub connection_name: &'a str,
}

/// The answer of `GetTokenOrSignInResource` (docs/protocols/token-service-api.md §3.8).
#[derive(Debug, Serialize, ToSchema)]
#[schema(description = "A token, or how to get one.")]
#[serde(rename_all = "camelCase")]
pub enum TokenOrSignInResource<'a> {
    /// The user's token.
    TokenResponse(TokenResponse<'a>),
    /// What a card needs to get a token.
    SignInResource(SignInResource),
}

/// One connection in the answer of `GetTokenStatus` (docs/protocols/token-service-api.md §2).
#[derive(Debug, Serialize, ToSchema)]
#[schema(description = "Whether a user has a token for a connection.")]
#[serde(rename_all = "camelCase")]
pub struct TokenStatus<'a> {
    /// The channel, if the request named one.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub channel_id: Option<&'a str>,
    /// The name of the connection.
    pub connection_name: &'a str,
    /// Whether `GetToken` would answer with a token.
    pub has_token: bool,
    /// The kind of identity provider, as a text for people.
    pub service_provider_display_name: &'static str,
}

/// What a bot's sign-in card needs (docs/protocols/token-service-api.md §2).
#[derive(Debug, Serialize, ToSchema)]
#[schema(description = "What a card needs.")]
#[serde(rename_all = "camelCase")]
pub struct SignInResource {
    /// The link behind the card's button.
    #[schema(format = "uri")]
    pub sign_in_link: String,
    /// What a client needs to sign in silently; left out where that cannot work, never `null`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub token_exchange_resource: Option<TokenExchangeResource>,
    /// Always sent: the Agents SDK for Python (1.9) copies it onto its card, which requires it.
    pub token_post_resource: TokenPostResource,
}

/// The address to which a page would post a token; always empty, since no such address is offered.
#[derive(Debug, Serialize, ToSchema)]
#[schema(description = "An object without members.")]
pub struct TokenPostResource {}

/// See [`SignInResource::token_exchange_resource`].
#[derive(Debug, Serialize, ToSchema)]
#[schema(description = "What a client needs to sign in silently.")]
#[serde(rename_all = "camelCase")]
pub struct TokenExchangeResource {
    /// A new GUID for each card; the client sends it back as the invoke's `id`.
    #[schema(format = "uuid")]
    pub id: String,
    /// The resource for which the client requests its exchangeable token.
    pub uri: String,
    /// The kind of identity provider.
    pub provider_id: &'static str,
}

/// `{"error":{"code","message"}}`, the error form of the Bot Framework's services.
#[derive(Debug, Serialize, ToSchema)]
pub struct ErrorResponse<'a> {
    error: ErrorBody<'a>,
}

#[derive(Debug, Serialize, ToSchema)]
struct ErrorBody<'a> {
    /// The code for programs.
    code: &'a str,
    /// The message for people: what to change.
    message: &'a str,
}

impl<'a> ErrorResponse<'a> {
    /// An error with a code for programs and a message for people.
    #[must_use]
    pub fn new(code: &'a str, message: &'a str) -> Self {
        Self { error: ErrorBody { code, message } }
    }

    /// The JSON form.
    #[must_use]
    pub fn to_json(&self) -> String {
        // Two strings cannot fail to serialise.
        serde_json::to_string(self).unwrap_or_else(|_| String::from("{}"))
    }
}

/// The members of a `TokenExchangeState` that sign-in needs (docs/protocols/token-service-api.md §4.1). The caller's
/// bearer vouches for them, except for the bot that the state names, which is ignored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TokenExchangeState {
    /// `connectionName`.
    pub connection_name: String,
    /// `conversation.user.id`.
    pub user_id: String,
    /// The user's name in the chat, for people.
    pub user_name: Option<String>,
    /// `conversation.user.aadObjectId`.
    pub aad_object_id: Option<String>,
    /// `conversation.conversation.tenantId` and `conversation.user.tenantId`.
    pub tenant_ids: Vec<String>,
    /// `conversation.channelId`; some clients leave it out.
    pub channel_id: Option<String>,
    /// `conversation.conversation.id`; some clients leave it out.
    pub conversation_id: Option<ConversationId>,
    /// What kind of conversation it is.
    pub conversation_type: ConversationType,
}

impl TokenExchangeState {
    /// Decodes the query's `state`: base64 of JSON with keys in camelCase, `PascalCase` or `snake_case`.
    ///
    /// # Errors
    /// A sentence for the caller that names the problem.
    pub fn decode(state: &str) -> Result<Self, &'static str> {
        if state.len() > MAX_STATE_BYTES {
            return Err("'state' is too long");
        }
        let bytes = GeneralPurpose::new(&alphabet::STANDARD, LENIENT_BASE64)
            .decode(state)
            .or_else(|_| GeneralPurpose::new(&alphabet::URL_SAFE, LENIENT_BASE64).decode(state))
            .map_err(|_| "'state' is not base64")?;
        let document = JsonDocument::parse_unambiguous(&bytes).map_err(|_| "'state' is not base64 of a JSON object")?;
        let root = document.root();
        let connection_name = text(root, "connectionname").ok_or("'state' has no connectionName")?;
        let reference = member(root, "conversation").ok_or("'state' has no conversation")?;
        let user = member(reference, "user");
        let user_id = user.and_then(|user| text(user, "id")).ok_or("'state' has no conversation.user.id")?;
        let conversation = member(reference, "conversation");
        let is_group = conversation.and_then(|node| member(node, "isgroup")).and_then(Node::as_bool).unwrap_or(false);
        let stated = conversation.and_then(|node| text(node, "conversationtype"));
        let id = conversation.and_then(|node| text(node, "id")).map(|id| ConversationId::new(&id));
        let no_id = ConversationId::new("");
        Ok(Self {
            connection_name,
            user_id,
            user_name: user.and_then(|user| text(user, "name")),
            aad_object_id: user.and_then(|user| text(user, "aadobjectid")),
            tenant_ids: [conversation, user].into_iter().flatten().filter_map(|node| text(node, "tenantid")).collect(),
            channel_id: text(reference, "channelid"),
            conversation_type: ConversationType::from_members(
                stated.as_deref(),
                is_group,
                id.as_ref().unwrap_or(&no_id),
            ),
            conversation_id: id,
        })
    }
}

/// Finds the member whose name equals `folded` when letter case and underscores are ignored.
fn member<'d>(node: Node<'d>, folded: &str) -> Option<Node<'d>> {
    node.members().find_map(|(key, value)| {
        let letters = key.bytes().filter(|byte| *byte != b'_').map(|byte| byte.to_ascii_lowercase());
        letters.eq(folded.bytes()).then_some(value)
    })
}

fn text(node: Node<'_>, folded: &str) -> Option<String> {
    member(node, folded).and_then(Node::as_str).filter(|text| !text.is_empty() && text.len() <= 512).map(str::to_owned)
}

/// Formats a moment as `2026-11-21T22:00:00Z`.
#[must_use]
pub fn iso_8601(moment: Timestamp) -> String {
    moment.to_rfc3339()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use base64::engine::general_purpose::STANDARD;
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_state_is_decoded_from_every_spelling_that_sdks_use() {
        let camel = r#"{"connectionName":"c","conversation":{"channelId":"msteams","user":{"id":"29:u"},"conversation":{"id":"k","conversationType":"channel"}},"msAppId":""}"#;
        let pascal = r#"{"ConnectionName":"c","Conversation":{"ChannelId":"msteams","User":{"Id":"29:u"},"Conversation":{"Id":"k","ConversationType":"channel"}}}"#;
        let snake = r#"{"connection_name":"c","conversation":{"channel_id":"msteams","user":{"id":"29:u"},"conversation":{"id":"k","conversation_type":"channel"}},"bot_url":null}"#;
        for json in [camel, pascal, snake] {
            let state = TokenExchangeState::decode(&STANDARD.encode(json)).unwrap();
            assert_eq!(state.connection_name, "c");
            assert_eq!(state.user_id, "29:u");
            assert_eq!(state.channel_id.as_deref(), Some("msteams"));
            assert_eq!(state.conversation_id, Some(ConversationId::new("k")));
            assert_eq!(state.conversation_type, ConversationType::Channel);
        }
    }

    #[test]
    fn a_conversation_whose_kind_is_not_stated_has_the_kind_that_its_id_shows() {
        for (conversation, kind) in [
            (r#""id":"19:a@thread.tacv2;messageid=7""#, ConversationType::Channel),
            (r#""id":"19:a@Thread.Skype","isGroup":true"#, ConversationType::Channel),
            (r#""id":"19:a@thread.tacv2","conversationType":"""#, ConversationType::Channel),
            (r#""id":"19:a@thread.tacv2","conversationType":"unknown""#, ConversationType::Channel),
            (r#""id":"19:a@thread.tacv2","conversationType":"personal""#, ConversationType::Personal),
            (r#""id":"19:a@thread.v2""#, ConversationType::Group),
            (r#""id":"19:a_b@unq.gbl.spaces""#, ConversationType::Group),
            (r#""id":"19:a_b@unq.gbl.spaces","conversationType":"personal""#, ConversationType::Personal),
            (r#""id":"a:1@thread.tacv2""#, ConversationType::Personal),
            (r#""id":"a:1","isGroup":true"#, ConversationType::Group),
            (r#""id":"a:1""#, ConversationType::Personal),
        ] {
            let json = format!(
                r#"{{"connectionName":"c","conversation":{{"user":{{"id":"29:u"}},"conversation":{{{conversation}}}}}}}"#
            );
            let state = TokenExchangeState::decode(&STANDARD.encode(json)).unwrap();
            assert_eq!(state.conversation_type, kind, "{conversation}");
        }
    }

    proptest! {
        #[test]
        fn decoding_any_state_never_panics(text in "\\PC{0,200}") {
            let _ = TokenExchangeState::decode(&text);
            let _ = TokenExchangeState::decode(&STANDARD.encode(text));
        }
    }
}
