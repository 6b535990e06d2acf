use crate::domain::{BotName, Connection, ConnectionName, ExchangePolicy, ProviderKind, TenantPolicy};

use super::connections::{ConnectionSection, RawConnection};
use super::credentials::{CredentialOwner, CredentialSection};
use super::problems::Place;
use super::review::Review;
use super::revision::revision_of;

const LONGEST_CLIENT_ID: usize = 256;

/// What of a connection has been read whatever its provider is.
pub(super) struct Named<'a> {
    pub(super) key: &'a str,
    pub(super) name: Option<ConnectionName>,
    pub(super) bot: Option<String>,
    pub(super) provider: String,
    /// The provider's.
    pub(super) issuer: &'a str,
}

impl RawConnection {
    /// As one of a provider of kind `oidc`: users sign in there in a browser, and nobody exchanges anything.
    pub(super) fn validate_openid(
        mut self,
        named: Named<'_>,
        owner: &CredentialOwner<'_>,
        review: &mut Review<'_>,
        place: &Place,
    ) -> Option<ConnectionSection> {
        self.refuse_entras_keys(review, place);
        let at = place.key("client_id");
        let client_id = review.required(self.client_id.take(), &at, "the client's id at the provider");
        let client_id = client_id.filter(|text| client_id_is_in_order(text, review, &at));
        let credentials = self.take_credentials(owner, review, place);
        let credentials = credentials.filter(|list| credentials_are_in_order(list, review, &place.key("credentials")));
        let at = place.key("scopes");
        let scopes = review.required(self.scopes.take(), &at, "what the bot needs, as [\"openid\", \"profile\"]");
        let scopes = scopes.map(|scopes| review.tokens(&scopes, &at, "a scope"));
        let (client_id, scopes, provider) = (client_id?, scopes?, named.provider);
        let connection = Connection {
            bot: BotName::new(&named.bot?),
            name: named.name?,
            // Whom another issuer has signed in under the same name is nobody here.
            revision: revision_of(&format!("{provider} {}", named.issuer), &client_id, &scopes, false),
            identity_provider: provider,
            provider_kind: ProviderKind::OpenIdConnect,
            exchange: nothing_is_exchanged(),
            token_exchange_uri: None,
            exchange_uris: Vec::new(),
            aad_resources: Vec::new(),
            client_id,
            scopes,
            continuous_access: false,
        };
        Some(ConnectionSection { key: named.key.to_owned(), connection, credentials: credentials? })
    }

    fn refuse_entras_keys(&self, review: &mut Review<'_>, place: &Place) {
        let written = [
            ("token_exchange_uri", self.token_exchange_uri.is_some()),
            ("exchange_uris", !self.exchange_uris.is_empty()),
            ("aad_resources", !self.aad_resources.is_empty()),
            ("tenants", self.tenants.is_some()),
            ("required_scopes", self.required_scopes.is_some()),
            ("authorized_clients", !self.authorized_clients.is_empty()),
            ("allow_v1", self.allow_v1),
            ("continuous_access", self.continuous_access),
        ];
        for (key, _) in written.iter().filter(|(_, is_written)| *is_written) {
            let message = "belongs to connections of Entra alone, and this one's identity provider is of kind \"oidc\": \
                           leave it out";
            review.report(&place.key(key), message.to_owned());
        }
    }
}

/// Nobody's token fits.
fn nothing_is_exchanged() -> ExchangePolicy {
    ExchangePolicy {
        tenants: TenantPolicy::Listed(Vec::new()),
        audiences: Vec::new(),
        required_scopes: Vec::new(),
        authorized_clients: Vec::new(),
        allow_v1: false,
    }
}

fn client_id_is_in_order(text: &str, review: &mut Review<'_>, place: &Place) -> bool {
    let in_order = (1..=LONGEST_CLIENT_ID).contains(&text.len()) && !text.chars().any(char::is_control);
    if !in_order {
        review.report(place, "is no client id: write it as it is registered at the provider".to_owned());
    }
    in_order
}

/// Assertions of others are federation with Entra.
fn credentials_are_in_order(list: &[CredentialSection], review: &mut Review<'_>, place: &Place) -> bool {
    let mut in_order = true;
    for (index, credential) in list.iter().enumerate() {
        if !matches!(credential, CredentialSection::Secret(_) | CredentialSection::Certificate(_)) {
            let message = "is of a kind that Entra alone takes: write secret or certificate".to_owned();
            review.report(&place.index(index), message);
            in_order = false;
        }
    }
    in_order
}
