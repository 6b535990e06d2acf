use crate::config::credentials::{CredentialOwner, CredentialSection};
use crate::config::review::{
    ClientAuthentication, Context, OpenIdOptions, Place, Review, RevisedSettings, WrittenProvider,
};
use crate::domain::{Connection, ProviderKind};

use super::connection::{ConnectionNames, ConnectionSection};
use super::granted_scopes::validate_granted_scopes;
use super::raw::RawConnection;
use super::token_exchange::{ExchangeValidator, ValidatedExchange};

const MAX_CLIENT_ID_BYTES: usize = 256;

/// A connection to a provider of kind `oidc`, where users sign in through a browser. Tokens are exchanged only if it has
/// `token_exchange`.
pub(super) fn validate(
    mut raw: RawConnection,
    names: ConnectionNames,
    context: &Context,
    review: &mut Review<'_>,
    place: &Place,
) -> Option<ConnectionSection> {
    refuse_entra_keys(&raw, review, place);
    let bot_app_id = names.bot.as_ref().and_then(|bot| context.bots.get(bot)?.clone());
    let at = place.key("client_id");
    let client_id = review.required(raw.client_id.take(), &at, "the client's id at the provider");
    let client_id = client_id.filter(|text| client_id_is_in_order(text, review, &at));
    let provider = names.identity_provider.as_ref().and_then(|name| context.identity_providers.get(name));
    let issuer = provider.and_then(|provider| provider.issuer.as_deref()).unwrap_or_default();
    let owner = CredentialOwner { is_bot: false, client_id: None, cloud: context.cloud, openid_issuer: Some(issuer) };
    let mut openid = validate_options(&raw, provider, review, place);
    let validator = ExchangeValidator { context, issuer, bot_app_id, place };
    let exchange = validator.take_from(&mut raw, review);
    let credentials = raw.take_credentials(&owner, review, place);
    let credentials = credentials.filter(|list| credentials_are_in_order(list, openid.client_auth, review, place));
    let at = place.key("scopes");
    let scopes = review.required(raw.scopes.take(), &at, "what the bot needs, as [\"openid\", \"profile\"]");
    let scopes = scopes.map(|scopes| review.openid_scopes(&scopes, &at));
    review.openid_scopes(&raw.required_granted_scopes, &place.key("required_granted_scopes"));
    let required_granted_scopes = validate_granted_scopes(&mut raw, scopes.as_deref(), review, place);
    let (client_id, scopes, provider) = (client_id?, scopes?, names.identity_provider?);
    let ValidatedExchange { options, policy, token_exchange_uri } = exchange?;
    openid.token_exchange = options;
    let connection = Connection {
        holder: names.holder?,
        name: names.name?,
        // The issuer is part of the revision, so tokens of a previous issuer under the same name are not reused.
        revision: RevisedSettings {
            provider: &format!("{provider} {issuer}"),
            client_id: &client_id,
            scopes: &scopes,
            continuous_access: false,
            required_granted_scopes: &required_granted_scopes,
            authorize_params: &openid.authorize_params,
        }
        .derive_revision_with(
            &openid.token_exchange.as_ref().map(|options| options.list_revised()).unwrap_or_default(),
        ),
        identity_provider: provider,
        provider_kind: ProviderKind::OpenIdConnect,
        exchange: policy,
        token_exchange_uri,
        exchange_uris: Vec::new(),
        aad_resources: Vec::new(),
        client_id,
        scopes,
        continuous_access: false,
        allow_other_accounts: false,
        asks_offline_by_parameter: openid.asks_offline_access(),
        required_granted_scopes,
    };
    Some(ConnectionSection {
        table: names.table,
        key: names.key,
        connection,
        credentials: credentials?,
        openid,
        derived_from: None,
    })
}

/// The settings of the connection, and those of its provider where the connection has none.
fn validate_options(
    raw: &RawConnection,
    provider: Option<&WrittenProvider>,
    review: &mut Review<'_>,
    place: &Place,
) -> OpenIdOptions {
    let options = raw.options();
    options.validate(review, place);
    provider.map_or_else(|| options.clone(), |provider| options.clone().or_of(&provider.options))
}

fn refuse_entra_keys(raw: &RawConnection, review: &mut Review<'_>, place: &Place) {
    let written = [
        ("exchange_uris", !raw.exchange_uris.is_empty()),
        ("aad_resources", !raw.aad_resources.is_empty()),
        ("continuous_access", raw.continuous_access),
        ("allow_other_accounts", raw.allow_other_accounts),
    ];
    for (key, _) in written.iter().filter(|(_, is_written)| *is_written) {
        let message = "belongs to connections of Entra alone, and this one's identity provider is of kind \"oidc\": \
                       leave it out";
        review.report(&place.key(key), message.to_owned());
    }
}

fn client_id_is_in_order(text: &str, review: &mut Review<'_>, place: &Place) -> bool {
    let in_order = (1..=MAX_CLIENT_ID_BYTES).contains(&text.len()) && !text.chars().any(char::is_control);
    if !in_order {
        review.report(place, "is no client id: write it as it is registered at the provider".to_owned());
    }
    in_order
}

/// Accepts secrets and certificates only: the other kinds are assertions of other issuers, which only Entra accepts. If
/// `method` is set, each credential must be one that authenticates by it.
fn credentials_are_in_order(
    list: &[CredentialSection],
    method: Option<ClientAuthentication>,
    review: &mut Review<'_>,
    place: &Place,
) -> bool {
    let mut in_order = true;
    for (index, credential) in list.iter().enumerate() {
        let fits = match (credential, method) {
            (CredentialSection::Secret(_), Some(ClientAuthentication::PrivateKeyJwt)) => {
                Err("is a secret, but client_auth is \"private_key_jwt\": write a certificate, or change client_auth")
            }
            (
                CredentialSection::Certificate(_),
                Some(ClientAuthentication::ClientSecretBasic | ClientAuthentication::ClientSecretPost),
            ) => Err(
                "is a certificate, but client_auth sends a secret: write \"private_key_jwt\" there, or a secret here",
            ),
            (CredentialSection::Secret(_) | CredentialSection::Certificate(_), _) => Ok(()),
            _ => Err("is of a kind that Entra alone takes: write secret or certificate"),
        };
        if let Err(message) = fits {
            review.report(&place.key("credentials").index(index), message.to_owned());
            in_order = false;
        }
    }
    in_order
}
