use std::collections::BTreeMap;

use serde::Deserialize;

use crate::domain::{
    Bot, BotName, Connection, ConnectionName, ExchangePolicy, ProviderKind, TenantPolicy, audiences_of,
};

use super::cloud::CloudDefaults;
use super::credentials::{self, CredentialOwner, CredentialSection, RawCredential};
use super::openid_connections::Named;
use super::openid_providers::OpenIdSection;
use super::problems::Place;
use super::review::Review;
use super::revision::revision_of;
use super::scopes;
use super::secrets::{SECRET_FORM, SecretReference};
use super::suggestion::near_match;
use super::values::WordOrList;

/// The longest wire name taken, in bytes (DESIGN §5.13).
const MAX_NAME_BYTES: usize = 256;

/// A connection and the credentials it is redeemed with.
#[derive(Clone, Debug)]
pub struct ConnectionSection {
    /// Its key in the file: `[connections.<key>]`. The wire name is `connection.name`.
    pub key: String,
    /// The connection.
    pub connection: Connection,
    /// How its client proves itself, in the order in which that is tried; never empty.
    pub credentials: Vec<CredentialSection>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields, expecting = "a table")]
pub(super) struct RawConnection {
    pub(super) name: Option<String>,
    pub(super) bot: Option<String>,
    pub(super) identity_provider: Option<String>,
    pub(super) client_id: Option<String>,
    pub(super) client_secret: Option<SecretReference>,
    pub(super) credentials: Option<Vec<RawCredential>>,
    pub(super) scopes: Option<Vec<String>>,
    pub(super) continuous_access: bool,
    pub(super) token_exchange_uri: Option<String>,
    pub(super) exchange_uris: Vec<String>,
    pub(super) aad_resources: Vec<String>,
    pub(super) tenants: Option<WordOrList>,
    pub(super) required_scopes: Option<Vec<String>>,
    pub(super) authorized_clients: Vec<String>,
    pub(super) allow_v1: bool,
}

/// What a connection may refer to. The names are those written, whether or not the rest of their section is in order.
pub(super) struct References<'a> {
    pub(super) bot_names: Vec<String>,
    pub(super) provider_names: Vec<String>,
    /// Those of them that are of kind `oidc`.
    pub(super) openid_names: Vec<String>,
    /// Those of these whose sections are in order.
    pub(super) openid_providers: &'a BTreeMap<String, OpenIdSection>,
    pub(super) bots: &'a [Bot],
    pub(super) defaults: &'static CloudDefaults,
}

impl References<'_> {
    /// What a connection uses that names no provider: other kinds are named.
    fn only_entra_name(&self) -> Option<String> {
        let mut entra = self.provider_names.iter().filter(|name| !self.openid_names.contains(name));
        entra.next().filter(|_| entra.next().is_none()).cloned()
    }
}

pub(super) fn validate(
    raw: BTreeMap<String, RawConnection>,
    references: &References<'_>,
    review: &mut Review<'_>,
) -> Vec<ConnectionSection> {
    let section = Place::section("connections");
    if raw.is_empty() && !review.is_reported(&section) {
        review.warn(&section, "is missing: nobody will be signed in, everything is forwarded".to_owned());
    }
    let mut sections: Vec<ConnectionSection> = Vec::new();
    for (key, connection) in raw {
        let place = section.key(&key);
        let Some(validated) = connection.validate(&key, references, review, &place) else { continue };
        let twin = |other: &&ConnectionSection| {
            other.connection.bot == validated.connection.bot && other.connection.name == validated.connection.name
        };
        if let Some(other) = sections.iter().find(twin) {
            let message = format!("has the same bot and name as connections.{}: write another name", other.key);
            review.report(&place.key("name"), message);
        }
        sections.push(validated);
    }
    sections
}

impl RawConnection {
    fn validate(
        mut self,
        key: &str,
        references: &References<'_>,
        review: &mut Review<'_>,
        place: &Place,
    ) -> Option<ConnectionSection> {
        let name = wire_name(self.name.as_deref().unwrap_or(key), review, &place.key("name"));
        let bot = references.bot(self.bot.take(), review, &place.key("bot"));
        let provider = provider_of(
            self.identity_provider.take().or_else(|| references.only_entra_name()),
            &references.provider_names,
            review,
            &place.key("identity_provider"),
        );
        let is_openid = |provider: &String| references.openid_names.contains(provider);
        if let Some(provider) = provider.clone().filter(is_openid) {
            let owner = CredentialOwner { is_bot: false, client_id: None, defaults: references.defaults };
            // Without one the section is reported.
            let issuer = references.openid_providers.get(&provider).map_or("", |section| section.issuer.as_str());
            return self.validate_openid(Named { key, name, bot, provider, issuer }, &owner, review, place);
        }
        let client_id = match self.client_id.take() {
            Some(text) => review.guid(&text, &place.key("client_id")),
            None => bot.as_ref().and_then(|bot| references.app_id_of(bot)),
        };
        let owner = CredentialOwner { is_bot: false, client_id: client_id.as_deref(), defaults: references.defaults };
        let credentials = self.take_credentials(&owner, review, place);
        let at = place.key("scopes");
        let asked = review.required(
            self.scopes.take(),
            &at,
            "what the bot needs, as [\"https://graph.microsoft.com/User.Read\"]",
        );
        let scopes = asked.and_then(|scopes| scopes::validate(scopes, review, &at));
        let exchange_uris = resources(&self.exchange_uris, review, &place.key("exchange_uris"));
        let aad_resources = resources(&self.aad_resources, review, &place.key("aad_resources"));
        let demands = Demands::take_from(&mut self, review, place);
        let (client_id, scopes, provider, demands) = (client_id?, scopes?, provider?, demands?);
        let connection = Connection {
            bot: BotName::new(&bot?),
            name: name?,
            revision: revision_of(&provider, &client_id, &scopes, self.continuous_access),
            identity_provider: provider,
            exchange: demands.policy(&client_id),
            token_exchange_uri: demands.token_exchange_uri,
            provider_kind: ProviderKind::Entra,
            exchange_uris,
            aad_resources,
            client_id,
            scopes,
            continuous_access: self.continuous_access,
        };
        Some(ConnectionSection { key: key.to_owned(), connection, credentials: credentials? })
    }

    /// `client_secret` is the short form of one secret.
    pub(super) fn take_credentials(
        &mut self,
        owner: &CredentialOwner<'_>,
        review: &mut Review<'_>,
        place: &Place,
    ) -> Option<Vec<CredentialSection>> {
        let (at, list_at) = (place.key("client_secret"), place.key("credentials"));
        match (self.client_secret.take(), self.credentials.take()) {
            (Some(reference), None) => Some(vec![CredentialSection::Secret(review.secret(&reference, &at)?)]),
            (None, Some(list)) => credentials::validate(list, owner, review, &list_at),
            (Some(_), Some(_)) => {
                let message = "stands beside client_secret: write one of them (in the list a secret is { secret = … })";
                review.report(&list_at, message.to_owned());
                None
            }
            (None, None) if review.is_reported(&list_at) => None,
            (None, None) => {
                let write = format!("{SECRET_FORM}, or a list of credentials = [{{ certificate = … }}]");
                review.required(None, &at, &write)
            }
        }
    }
}

/// Resources that the bot may name: each is compared as it is written.
fn resources(written: &[String], review: &mut Review<'_>, place: &Place) -> Vec<String> {
    let written = review.tokens(written, place, "a resource");
    for (index, text) in written.iter().enumerate() {
        let is_uri = text.split_once("://").is_some_and(|(scheme, rest)| !scheme.is_empty() && !rest.is_empty());
        let at = place.index(index);
        if !is_uri && !review.is_reported(&at) {
            let message = format!("{text:?} is no resource: write its App ID URI, as \"https://graph.microsoft.com/\"");
            review.report(&at, message);
        }
    }
    written
}

fn wire_name(name: &str, review: &mut Review<'_>, place: &Place) -> Option<ConnectionName> {
    if name.is_empty() || name.len() > MAX_NAME_BYTES || name.chars().any(char::is_control) {
        review.report(place, format!("is no name for a connection: write 1 to {MAX_NAME_BYTES} bytes of text"));
        return None;
    }
    Some(ConnectionName::new(name))
}

impl References<'_> {
    fn bot(&self, written: Option<String>, review: &mut Review<'_>, place: &Place) -> Option<String> {
        let name = review.required(written, place, "the name of the bot that uses it")?;
        known(name, &self.bot_names, "bots", review, place)
    }

    fn app_id_of(&self, bot: &str) -> Option<String> {
        self.bots.iter().find(|known| known.name.as_str() == bot).map(|bot| bot.app_id.clone())
    }
}

/// The identity provider that is written, or the only one.
pub(super) fn provider_of(
    written: Option<String>,
    names: &[String],
    review: &mut Review<'_>,
    place: &Place,
) -> Option<String> {
    let name = match (written, names) {
        (Some(name), _) => Some(name),
        (None, [only]) => Some(only.clone()),
        (None, _) => None,
    };
    let name = review.required(name, place, "the name of one of [identity_providers.…]")?;
    known(name, names, "identity_providers", review, place)
}

fn known(name: String, names: &[String], section: &str, review: &mut Review<'_>, place: &Place) -> Option<String> {
    if names.contains(&name) {
        return Some(name);
    }
    if review.is_reported(&Place::section(section).key(&name)) {
        return None;
    }
    let hint = match near_match(&name, names.iter().map(String::as_str)) {
        Some(near) => format!("did you mean {near:?}?"),
        None => format!("write a section [{section}.{name}], or one of: {}", names.join(", ")),
    };
    review.report(place, format!("there is no {section}.{name}: {hint}"));
    None
}

/// What is demanded of a token before it is exchanged.
struct Demands {
    tenants: TenantPolicy,
    required_scopes: Vec<String>,
    authorized_clients: Vec<String>,
    token_exchange_uri: Option<String>,
    allow_v1: bool,
}

impl Demands {
    fn take_from(raw: &mut RawConnection, review: &mut Review<'_>, place: &Place) -> Option<Self> {
        let tenants = tenant_policy(raw.tenants.take(), review, &place.key("tenants"));
        let required_scopes = required_scopes(raw.required_scopes.take(), review, &place.key("required_scopes"));
        let authorized_clients = review.guids(&raw.authorized_clients, &place.key("authorized_clients"));
        let at = place.key("token_exchange_uri");
        let uri = raw.token_exchange_uri.take().map(|text| scopes::exchange_uri(text, review, &at));
        Some(Self {
            tenants: tenants?,
            required_scopes,
            authorized_clients,
            token_exchange_uri: uri.map_or(Some(None), |uri| uri.map(Some))?,
            allow_v1: raw.allow_v1,
        })
    }

    fn policy(&self, client_id: &str) -> ExchangePolicy {
        ExchangePolicy {
            tenants: self.tenants.clone(),
            audiences: audiences_of(client_id, self.token_exchange_uri.as_deref(), &self.required_scopes),
            required_scopes: self.required_scopes.clone(),
            authorized_clients: self.authorized_clients.clone(),
            allow_v1: self.allow_v1,
        }
    }
}

fn required_scopes(written: Option<Vec<String>>, review: &mut Review<'_>, place: &Place) -> Vec<String> {
    let scopes = written.unwrap_or_else(|| vec!["access_as_user".to_owned()]);
    if scopes.is_empty() {
        review.report(place, "is empty: write the scope that your app exposes, as [\"access_as_user\"]".to_owned());
    }
    for (index, scope) in scopes.iter().enumerate() {
        if let Some((_, last)) = scope.rsplit_once('/') {
            review.report(&place.index(index), format!("{scope:?} is more than a scope's name: write {last:?}"));
        }
    }
    review.tokens(&scopes, place, "a scope")
}

fn tenant_policy(written: Option<WordOrList>, review: &mut Review<'_>, place: &Place) -> Option<TenantPolicy> {
    let form = "[\"<tenant GUID>\"], or \"any_organization\"";
    match review.required(written, place, &format!("whose users may sign in: {form}"))? {
        WordOrList::Word(word) if word == "any_organization" => Some(TenantPolicy::AnyOrganization),
        WordOrList::Word(word) => {
            review.report(place, format!("{word:?} is neither: write {form}"));
            None
        }
        WordOrList::List(list) if list.is_empty() => {
            review.report(place, format!("is empty, so that nobody could sign in: write {form}"));
            None
        }
        WordOrList::List(list) => Some(TenantPolicy::Listed(review.guids(&list, place))),
    }
}
