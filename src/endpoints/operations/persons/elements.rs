use serde::Serialize;
use utoipa::ToSchema;

use super::user_sessions::UserSession;
use crate::domain::{Account, TokenSlot};
use crate::exchange::{PersonOffer, PersonPin};
use crate::protocol::iso_8601;
use crate::sign_out::TokenElement;

/// A kept token, without the token.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct ShownToken {
    /// The name by which it is ended.
    id: String,
    /// Where it is kept. Absent if an earlier version of the program has kept it, and it was not refreshed since.
    #[serde(skip_serializing_if = "Option::is_none")]
    account: Option<ShownAccount>,
    /// The connection.
    #[serde(skip_serializing_if = "Option::is_none")]
    connection: Option<String>,
    /// The resource, if the token was obtained with that of the connection.
    #[serde(skip_serializing_if = "Option::is_none")]
    resource: Option<String>,
    /// When the person signed in.
    signed_in_at: String,
    /// When it was obtained or refreshed.
    obtained_at: String,
    /// The end of the access token.
    expires_at: String,
    /// Whether it can be refreshed without the person.
    has_refresh_token: bool,
    /// Whether the connection is configured as it was when the token was obtained. No bot gets a token for which this is false.
    is_current: bool,
    /// The granted scope, if the provider has said it.
    #[serde(skip_serializing_if = "Option::is_none")]
    granted_scope: Option<String>,
}

/// A session of a directory's user in one browser.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct ShownSession {
    /// The name by which it is ended, `sid` of its ID tokens. It opens nothing.
    id: String,
    /// The directory, by its name in the configuration.
    directory: String,
    /// The tenant id of the directory.
    tenant: String,
    /// By what the user signed in: `cloud_directory`, or the name of a provider.
    signed_in_by: String,
    /// The browser, as it calls itself.
    browser: String,
    /// When the user signed in.
    begun_at: String,
    /// When an application used the session last.
    last_used_at: String,
    /// When it ends unless it is used.
    ends_at: String,
}

/// An account that belongs to the person.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct ShownPin {
    /// The name by which it is forgotten.
    id: String,
    /// The account. Absent if an earlier version of the program has pinned it.
    #[serde(skip_serializing_if = "Option::is_none")]
    account: Option<ShownAccount>,
    /// When it was pinned. Absent if an earlier version of the program has pinned it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pinned_at: Option<String>,
}

/// A sign-in offer that is out: a card that waits for its answer.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct ShownOffer {
    /// The name by which it is ended. It is not the id of the card.
    id: String,
    /// The account that the card was sent to.
    account: ShownAccount,
    /// The connection.
    connection: String,
    /// Whether the card lets the client sign the user in silently.
    offered_sso: bool,
    /// Whether a browser has followed the card's link and is at the identity provider.
    is_browser_away: bool,
    /// When the card was offered.
    begun_at: String,
    /// Until when it can be answered. A browser that has followed its link may finish up to 15 minutes later.
    ends_at: String,
}

/// An account: a user id of a channel at a bot, or the person at an add-in, a back end or an app.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(in crate::endpoints::operations) struct ShownAccount {
    /// The bot, or `add-in/<name>`, `back-end/<name>`, `app/<id>`.
    holder: String,
    /// The channel, if the account is one of a channel.
    #[serde(skip_serializing_if = "Option::is_none")]
    channel: Option<String>,
    /// The app id of the parent bot that states the user id.
    #[serde(skip_serializing_if = "Option::is_none")]
    parent: Option<String>,
    /// The user id there.
    subject: String,
}

impl From<TokenElement> for ShownToken {
    fn from(element: TokenElement) -> Self {
        let TokenElement { token, is_current } = element;
        let (account, connection) = match token.slot {
            Some(TokenSlot { account, connection }) => (Some(ShownAccount::of(&account)), Some(connection.to_string())),
            None => (None, None),
        };
        Self {
            id: token.id.to_string(),
            account,
            connection,
            resource: token.resource,
            signed_in_at: iso_8601(token.signed_in_at),
            obtained_at: iso_8601(token.obtained_at),
            expires_at: iso_8601(token.expires_at),
            has_refresh_token: token.has_refresh_token,
            is_current,
            granted_scope: token.granted_scope,
        }
    }
}

impl From<UserSession> for ShownSession {
    fn from(listed: UserSession) -> Self {
        let UserSession { view, session } = listed;
        let (directory, settings) = (&view.directory, &view.settings.sso);
        Self {
            directory: directory.name.clone(),
            tenant: directory.tenant.to_string(),
            signed_in_by: session.method.provider().to_owned(),
            begun_at: iso_8601(session.auth_time),
            last_used_at: iso_8601(session.last_used_at),
            ends_at: iso_8601(session.ends_at(directory, settings)),
            id: session.id,
            browser: session.browser,
        }
    }
}

impl From<PersonPin> for ShownPin {
    fn from(pin: PersonPin) -> Self {
        let PersonPin { id, account, pinned_at } = pin;
        Self { id: id.to_string(), account: account.as_ref().map(ShownAccount::of), pinned_at: pinned_at.map(iso_8601) }
    }
}

impl From<PersonOffer> for ShownOffer {
    fn from(offer: PersonOffer) -> Self {
        Self {
            id: offer.id.to_string(),
            account: ShownAccount::of(&offer.slot.account),
            connection: offer.slot.connection.to_string(),
            offered_sso: offer.offered_sso,
            is_browser_away: offer.is_browser_away,
            begun_at: iso_8601(offer.begun_at),
            ends_at: iso_8601(offer.ends_at),
        }
    }
}

impl ShownAccount {
    pub(in crate::endpoints::operations) fn of(account: &Account) -> Self {
        Self {
            holder: account.holder.to_string(),
            channel: account.channel_name().map(str::to_owned),
            parent: account.parent().map(str::to_owned),
            subject: account.subject.to_string(),
        }
    }
}
