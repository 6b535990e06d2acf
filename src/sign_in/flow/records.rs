use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use super::provider_access::{ProviderAccess, ProviderRequest};
use crate::domain::{Account, BotName, ChannelId, ConnectionName, ConnectionRevision, Secret, TokenSlot, UserKey};
use crate::records::{Kind, Plaintext, catalogue, encode_json};
use crate::sign_in::browser_sign_ins::BrowserStep;
use crate::sign_in::magic_code::CodeGrant;
use crate::token_validation::IdentifiedUser;

/// What is kept while a browser is at the identity provider. The card has the bot, the user and the connection; the
/// channel is kept here as well, for the page that says that the card has ended.
#[derive(Clone)]
pub(super) struct AtProvider {
    pub(super) card_id: String,
    pub(super) channel: Option<ChannelId>,
    pub(super) revision: ConnectionRevision,
    pub(super) nonce: Secret,
    pub(super) code_verifier: Secret,
    /// The Entra tenant that the browser was sent to, if it is not the one that the connection alone says.
    pub(super) tenant: Option<String>,
    /// Whether the browser was sent to the provider again, because the provider's page had expired.
    pub(super) is_second_request: bool,
}

/// What is kept after the browser's user was identified: what the sign-in grants, and what the page shows to the user.
#[derive(Clone)]
pub(super) struct Identified {
    pub(super) grant: CodeGrant,
    pub(super) channel: Option<ChannelId>,
    pub(super) object_id: Option<String>,
    pub(super) tenant_id: Option<String>,
    pub(super) account_name: String,
}

/// What is kept after the sign-in of a browser ended well or was cancelled: what its last page shows again. The digits of
/// the code are not among it: they are derived when the browser asks for them.
#[derive(Clone)]
pub(super) struct Completed {
    /// The card, from which the browser may begin again while it lives; `None` in a record of an earlier version.
    pub(super) card_id: Option<String>,
    pub(super) slot: TokenSlot,
    pub(super) revision: ConnectionRevision,
    pub(super) user: UserKey,
    pub(super) account_name: String,
    /// How it ended; `None` if the user cancelled.
    pub(super) success: Option<Success>,
}

/// How a sign-in ended well.
#[derive(Clone, Serialize, Deserialize)]
pub(super) struct Success {
    /// The token was kept at once, without the code.
    pub(super) verified: bool,
    /// The page may pass the code to the chat client.
    pub(super) page_delivers_code: bool,
    pub(super) final_redirect: Option<String>,
}

/// The stored form of [`AtProvider`].
#[derive(Serialize, Deserialize)]
struct StoredAtProvider {
    card_id: String,
    channel: Option<String>,
    revision: [u8; 16],
    nonce: String,
    code_verifier: String,
    #[serde(default)]
    tenant: Option<String>,
    #[serde(default)]
    is_second_request: bool,
}

/// The stored form of [`Identified`], without the grant.
#[derive(Serialize, Deserialize)]
struct StoredIdentity {
    channel: Option<String>,
    object_id: Option<String>,
    tenant_id: Option<String>,
    account_name: String,
}

/// The stored form of [`Completed`].
#[derive(Serialize, Deserialize)]
struct StoredCompleted {
    #[serde(default)]
    card_id: Option<String>,
    bot: String,
    channel: String,
    user_id: String,
    connection: String,
    revision: [u8; 16],
    issuer: String,
    subject: String,
    account_name: String,
    success: Option<Success>,
}

impl AtProvider {
    /// What the browser is sent to the provider with.
    pub(super) fn request<'a>(&'a self, provider: &'a ProviderAccess) -> ProviderRequest<'a> {
        let (nonce, code_verifier, tenant) = (&self.nonce, &self.code_verifier, self.tenant.as_deref());
        ProviderRequest {
            redirect_uri: provider.redirect_uri_of_cards(),
            nonce,
            code_verifier,
            tenant,
            asks_anew: false,
        }
    }
}

impl BrowserStep for AtProvider {
    const KIND: &'static Kind = &catalogue::BROWSER_AT_PROVIDER;

    fn encode(&self) -> Option<Zeroizing<Vec<u8>>> {
        encode_json(&StoredAtProvider {
            card_id: self.card_id.clone(),
            channel: self.channel.as_ref().map(ToString::to_string),
            revision: self.revision.0,
            nonce: self.nonce.expose().to_owned(),
            code_verifier: self.code_verifier.expose().to_owned(),
            tenant: self.tenant.clone(),
            is_second_request: self.is_second_request,
        })
    }

    fn decode(plain: Plaintext<'_>) -> Option<Self> {
        let plain: StoredAtProvider = plain.json(Self::KIND)?;
        Some(Self {
            card_id: plain.card_id,
            channel: plain.channel.as_deref().map(ChannelId::new),
            revision: ConnectionRevision(plain.revision),
            nonce: Secret::new(plain.nonce),
            code_verifier: Secret::new(plain.code_verifier),
            tenant: plain.tenant,
            is_second_request: plain.is_second_request,
        })
    }
}

impl Identified {
    /// The step for `user`, whose sign-in grants `grant`.
    pub(super) fn new(user: IdentifiedUser, channel: Option<ChannelId>, grant: CodeGrant) -> Self {
        let account_name = user.account_name.or(user.display_name);
        let account_name = account_name.unwrap_or_else(|| user.user.subject().to_owned());
        Self { grant, channel, object_id: user.object_id, tenant_id: user.tenant_id, account_name }
    }
}

impl BrowserStep for Identified {
    const KIND: &'static Kind = &catalogue::BROWSER_IDENTIFIED;

    /// Layout: length of the identity (4 bytes), identity as JSON, grant.
    fn encode(&self) -> Option<Zeroizing<Vec<u8>>> {
        let identity = encode_json(&StoredIdentity {
            channel: self.channel.as_ref().map(ToString::to_string),
            object_id: self.object_id.clone(),
            tenant_id: self.tenant_id.clone(),
            account_name: self.account_name.clone(),
        })?;
        let length = u32::try_from(identity.len()).ok()?;
        let grant = self.grant.encode()?;
        // The buffer gets its full capacity at once: a growing buffer would leave copies of the token in freed memory.
        let mut content = Zeroizing::new(Vec::with_capacity(4 + identity.len() + grant.len()));
        content.extend_from_slice(&length.to_be_bytes());
        content.extend_from_slice(&identity);
        content.extend_from_slice(&grant);
        Some(content)
    }

    fn decode(plain: Plaintext<'_>) -> Option<Self> {
        let (length, rest) = plain.bytes().split_first_chunk::<4>()?;
        let (identity, grant) = rest.split_at_checked(usize::try_from(u32::from_be_bytes(*length)).ok()?)?;
        let StoredIdentity { channel, object_id, tenant_id, account_name } = serde_json::from_slice(identity).ok()?;
        let grant = CodeGrant::decode(grant)?;
        Some(Self { grant, channel: channel.as_deref().map(ChannelId::new), object_id, tenant_id, account_name })
    }
}

impl BrowserStep for Completed {
    const KIND: &'static Kind = &catalogue::BROWSER_COMPLETED;

    fn encode(&self) -> Option<Zeroizing<Vec<u8>>> {
        let TokenSlot { account, connection } = &self.slot;
        encode_json(&StoredCompleted {
            card_id: self.card_id.clone(),
            bot: account.holder.to_string(),
            channel: account.channel_name().unwrap_or_default().to_owned(),
            user_id: account.subject.to_string(),
            connection: connection.to_string(),
            revision: self.revision.0,
            issuer: self.user.issuer().to_owned(),
            subject: self.user.subject().to_owned(),
            account_name: self.account_name.clone(),
            success: self.success.clone(),
        })
    }

    fn decode(plain: Plaintext<'_>) -> Option<Self> {
        let plain: StoredCompleted = plain.json(Self::KIND)?;
        let channel = ChannelId::new(&plain.channel);
        let account = Account::of_channel(&BotName::new(&plain.bot), channel, &plain.user_id);
        Some(Self {
            card_id: plain.card_id,
            slot: TokenSlot::new(&account, &ConnectionName::new(&plain.connection)),
            revision: ConnectionRevision(plain.revision),
            user: UserKey::from_parts(&plain.issuer, &plain.subject),
            account_name: plain.account_name,
            success: plain.success,
        })
    }
}
