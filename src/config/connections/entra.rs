use std::collections::BTreeMap;

use crate::config::credentials::{CredentialOwner, warn_of_secret_ids};
use crate::config::review::{
    Context, OpenIdOptions, Place, Proposal, Review, RevisedSettings, WordOrList, entries_of, exchange_uri,
    right_tenants, validate_scopes,
};
use crate::domain::{Connection, ExchangePolicy, ProviderKind, SubjectIssuer, TenantPolicy, acceptable_audiences};

use super::connection::{ConnectionNames, ConnectionSection};
use super::granted_scopes::validate_granted_scopes;
use super::raw::RawConnection;

/// A connection to a provider of kind `entra`.
pub(super) fn validate(
    mut raw: RawConnection,
    names: ConnectionNames,
    context: &Context,
    review: &mut Review<'_>,
    place: &Place,
) -> Option<ConnectionSection> {
    refuse_openid_keys(&raw, review, place);
    let client_id = match raw.client_id.take() {
        Some(text) => review.guid(&text, &place.key("client_id")),
        None => default_client_id(&names, context, review, place),
    };
    let owner =
        CredentialOwner { is_bot: false, client_id: client_id.as_deref(), cloud: context.cloud, openid_issuer: None };
    let is_short_form = raw.client_secret.is_some();
    let credentials = raw.take_credentials(&owner, review, place);
    warn_of_secret_ids(credentials.as_deref().unwrap_or_default(), review, |index| {
        if is_short_form { place.key("client_secret") } else { place.key("credentials").index(index).key("secret") }
    });
    let scopes = requested_scopes(&mut raw, &names, context, review, place);
    let exchange_uris = review.resource_uris(&raw.exchange_uris, &place.key("exchange_uris"));
    let aad_resources = review.resource_uris(&raw.aad_resources, &place.key("aad_resources"));
    review.tokens(&raw.required_granted_scopes, &place.key("required_granted_scopes"), "a scope");
    let required_granted_scopes = validate_granted_scopes(&mut raw, scopes.as_deref(), review, place);
    let requirements = ExchangeRequirements::take_from(&mut raw, review, place);
    warn_of_other_accounts(&raw, review, place);
    let (client_id, scopes, provider) = (client_id?, scopes?, names.identity_provider?);
    let requirements = requirements?;
    let connection = Connection {
        holder: names.holder?,
        name: names.name?,
        revision: RevisedSettings {
            provider: &provider,
            client_id: &client_id,
            scopes: &scopes,
            continuous_access: raw.continuous_access,
            required_granted_scopes: &required_granted_scopes,
            authorize_params: &BTreeMap::new(),
        }
        .derive_revision(),
        exchange: requirements.build_policy(&client_id, &provider),
        identity_provider: provider,
        token_exchange_uri: requirements.token_exchange_uri,
        provider_kind: ProviderKind::Entra,
        exchange_uris,
        aad_resources,
        client_id,
        scopes,
        continuous_access: raw.continuous_access,
        allow_other_accounts: raw.allow_other_accounts,
        asks_offline_by_parameter: false,
        required_granted_scopes,
    };
    let openid = OpenIdOptions::default();
    Some(ConnectionSection {
        table: names.table,
        key: names.key,
        connection,
        credentials: credentials?,
        openid,
        derived_from: None,
    })
}

/// The scopes that are asked for; none for a client that is only told who its users are: an add-in, or a directory.
fn requested_scopes(
    raw: &mut RawConnection,
    names: &ConnectionNames,
    context: &Context,
    review: &mut Review<'_>,
    place: &Place,
) -> Option<Vec<String>> {
    let (at, graph) = (place.key("scopes"), context.cloud.graph);
    let is_of_directory = names.table == "directories";
    if (names.table == "add_ins" || is_of_directory) && raw.scopes.is_none() && !review.is_reported(&at) {
        return Some(Vec::new());
    }
    let write = format!("what the bot needs, as [\"{graph}/User.Read\"]");
    let scopes = review.required(raw.scopes.take(), &at, &write)?;
    if is_of_directory {
        return Some(review.tokens(&scopes, &at, "a scope"));
    }
    validate_scopes(scopes, graph, review, &at)
}

/// The app id of the connection's bot; reports a connection without a bot, which has no default.
fn default_client_id(
    names: &ConnectionNames,
    context: &Context,
    review: &mut Review<'_>,
    place: &Place,
) -> Option<String> {
    match (&names.bot, &names.holder) {
        (Some(bot), _) => context.bots.get(bot)?.clone(),
        // The problem of its bot has been reported.
        (None, None) => None,
        (None, Some(_)) => {
            review.required(None, &place.key("client_id"), "the client id of the app registration (a GUID)")
        }
    }
}

fn refuse_openid_keys(raw: &RawConnection, review: &mut Review<'_>, place: &Place) {
    let of_openid = [
        ("authorize_params", raw.authorize_params.is_some()),
        ("prompt", raw.prompt.is_some()),
        ("client_auth", raw.client_auth.is_some()),
        ("token_exchange", raw.token_exchange.is_some()),
    ];
    for (key, _) in of_openid.iter().filter(|(_, is_written)| *is_written) {
        let message = "belongs to connections of providers of kind \"oidc\" alone: leave it out";
        review.report(&place.key(key), message.to_owned());
    }
}

fn warn_of_other_accounts(raw: &RawConnection, review: &mut Review<'_>, place: &Place) {
    if raw.allow_other_accounts {
        let message = "lets users of Teams sign in with another account than the one of their chat: the page shows a code \
                       for it, and somebody who is talked into passing that code on gives their token to another \
                       person's chat. Leave it out unless users need second accounts";
        review.warn(&place.key("allow_other_accounts"), message.to_owned());
    }
}

/// The requirements that a token of Entra must meet before it is exchanged, at Entra or at another provider.
pub(super) struct ExchangeRequirements {
    tenants: TenantPolicy,
    required_scopes: Vec<String>,
    authorized_clients: Vec<String>,
    pub(super) token_exchange_uri: Option<String>,
    allow_v1: bool,
}

impl ExchangeRequirements {
    pub(super) fn take_from(raw: &mut RawConnection, review: &mut Review<'_>, place: &Place) -> Option<Self> {
        let tenants = tenant_policy(raw.tenants.take(), review, &place.key("tenants"));
        let required_scopes = required_scopes(raw.required_scopes.take(), review, &place.key("required_scopes"));
        let authorized_clients = review.guids(&raw.authorized_clients, &place.key("authorized_clients"));
        let at = place.key("token_exchange_uri");
        let uri = raw.token_exchange_uri.take().map(|text| exchange_uri(text, review, &at));
        Some(Self {
            tenants: tenants?,
            required_scopes,
            authorized_clients,
            token_exchange_uri: uri.map_or(Some(None), |uri| uri.map(Some))?,
            allow_v1: raw.allow_v1,
        })
    }

    /// The policy for tokens of the provider `identity_provider`, of kind `entra`, that are for the app `client_id`.
    pub(super) fn build_policy(&self, client_id: &str, identity_provider: &str) -> ExchangePolicy {
        ExchangePolicy {
            subject: Some(SubjectIssuer::Entra { identity_provider: identity_provider.to_owned() }),
            tenants: self.tenants.clone(),
            audiences: acceptable_audiences(client_id, self.token_exchange_uri.as_deref(), &self.required_scopes),
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
            let at = place.index(index);
            let proposal = Proposal::text(&at, last);
            review.propose(&at, format!("{scope:?} is more than a scope's name"), proposal);
        }
    }
    review.tokens(&scopes, place, "a scope")
}

fn tenant_policy(written: Option<WordOrList>, review: &mut Review<'_>, place: &Place) -> Option<TenantPolicy> {
    let form =
        "a list of ids, as [\"<tenant GUID>\"], \"any_organization\", or \"any_account\" (personal accounts, too)";
    match review.required(written, place, &format!("whose users may sign in: {form}"))? {
        WordOrList::Word(word) if word == "any_organization" => Some(TenantPolicy::AnyOrganization),
        WordOrList::Word(word) if word == "any_account" => Some(TenantPolicy::AnyAccount),
        WordOrList::Word(word) => {
            let words = entries_of(&word);
            let hint = if word.contains('.') { format!(". {}", review.find_tenant_id(&word)) } else { String::new() };
            let proposal = right_tenants(&words).map(|right| Proposal::value(place, right));
            review.propose_or(place, &format!("{word:?} is none of these"), proposal, &format!("{form}{hint}"));
            None
        }
        WordOrList::List(list) if list.is_empty() => {
            review.report(place, format!("is empty, so no user could sign in: write {form}"));
            None
        }
        WordOrList::List(list) => {
            let is_id = |text: &String| uuid::Uuid::try_parse(text.trim()).is_ok();
            let words: Vec<String> = list.iter().flat_map(|text| entries_of(text)).collect();
            if let Some(right) = right_tenants(&words).filter(|_| !list.iter().all(is_id)) {
                let complaint = "is a list of more than tenants' ids".to_owned();
                review.propose(place, complaint, Proposal::value(place, right));
                return None;
            }
            Some(TenantPolicy::Listed(review.guids(&list, place)))
        }
    }
}
