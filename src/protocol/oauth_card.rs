use serde::Serialize;
use utoipa::ToSchema;

use super::token_service::{SignInResource, TokenExchangeResource};

/// Channels whose clients know no OAuth card (invoke-protocol §1.6).
const WITHOUT_OAUTH_CARD: [&str; 3] = ["cortana", "skype", "skypeforbusiness"];

/// Whether the clients of this base channel know the OAuth card.
#[must_use]
pub fn takes_oauth_card(channel: &str) -> bool {
    !WITHOUT_OAUTH_CARD.contains(&channel)
}

/// An attachment with the card that asks a user to sign in: an OAuth card, or a sign-in card where a channel's clients
/// do not know that (invoke-protocol §1.6).
#[derive(Debug, Serialize, ToSchema)]
#[schema(description = "A card that asks a user to sign in, as an attachment of an activity.")]
#[serde(rename_all = "camelCase")]
pub struct CardAttachment<'a> {
    /// `application/vnd.microsoft.card.oauth`, or `application/vnd.microsoft.card.signin`.
    content_type: &'static str,
    content: CardContent<'a>,
}

#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct CardContent<'a> {
    text: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    connection_name: Option<&'a str>,
    buttons: [CardAction<'a>; 1],
    /// Left out where no client can sign in silently: Teams refuses `null`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    token_exchange_resource: Option<&'a TokenExchangeResource>,
}

#[derive(Debug, Serialize, ToSchema)]
struct CardAction<'a> {
    /// `signin`
    #[serde(rename = "type")]
    kind: &'static str,
    title: &'a str,
    /// The link.
    value: &'a str,
}

impl<'a> CardAttachment<'a> {
    /// The card for `channel` that leads to `resource`, with the text above its button and the button's title.
    #[must_use]
    pub fn new(
        channel: &str,
        connection_name: &'a str,
        text: &'a str,
        title: &'a str,
        resource: &'a SignInResource,
    ) -> Self {
        let buttons = [CardAction { kind: "signin", title, value: &resource.sign_in_link }];
        if !takes_oauth_card(channel) {
            let content = CardContent { text, connection_name: None, buttons, token_exchange_resource: None };
            return Self { content_type: "application/vnd.microsoft.card.signin", content };
        }
        let token_exchange_resource = resource.token_exchange_resource.as_ref();
        let content = CardContent { text, connection_name: Some(connection_name), buttons, token_exchange_resource };
        Self { content_type: "application/vnd.microsoft.card.oauth", content }
    }
}
