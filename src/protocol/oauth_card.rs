use serde::Serialize;
use utoipa::ToSchema;

use super::token_service::{SignInResource, TokenExchangeResource};
use crate::domain::ChannelKind;

/// The texts of a card.
#[derive(Clone, Copy, Debug)]
pub struct CardTexts<'a> {
    /// The text above the button.
    pub text: &'a str,
    /// The button's title.
    pub title: &'a str,
}

/// An attachment with a card that asks a user to sign in: an OAuth card, or a sign-in card on channels whose clients do
/// not know OAuth cards (docs/protocols/invoke-protocol.md §1.6).
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
    /// Left out where clients cannot sign in silently: Teams refuses `null`.
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
    /// The sign-in link.
    value: &'a str,
}

impl<'a> CardAttachment<'a> {
    /// The card for `channel` that offers `resource`.
    #[must_use]
    pub fn new(
        channel: ChannelKind,
        connection_name: &'a str,
        texts: CardTexts<'a>,
        resource: &'a SignInResource,
    ) -> Self {
        let CardTexts { text, title } = texts;
        let buttons = [CardAction { kind: "signin", title, value: &resource.sign_in_link }];
        if !channel.supports_oauth_card() {
            let content = CardContent { text, connection_name: None, buttons, token_exchange_resource: None };
            return Self { content_type: "application/vnd.microsoft.card.signin", content };
        }
        let token_exchange_resource = resource.token_exchange_resource.as_ref();
        let content = CardContent { text, connection_name: Some(connection_name), buttons, token_exchange_resource };
        Self { content_type: "application/vnd.microsoft.card.oauth", content }
    }
}
