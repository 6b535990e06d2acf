//! `[connections.<key>.token_exchange]`: how a provider of kind `oidc` exchanges the tokens of users, and whose tokens.

use std::collections::BTreeMap;

use url::Url;

use super::entra::ExchangeRequirements;
use super::raw::RawConnection;
use super::raw_token_exchange::{RawTokenExchange, Subject};
use crate::config::review::{
    Context, ExchangeGrant, Place, Proposal, Review, TokenExchangeOptions, is_parameter_name, right_url,
};
use crate::domain::{AudienceRule, ExchangePolicy, SubjectIssuer, TenantPolicy};

/// What the URIs of registered token types begin with (RFC 8693 §3).
const TYPE_PREFIX: &str = "urn:ietf:params:oauth:token-type:";
/// The type of the users' tokens if none is written.
const ACCESS_TOKEN: &str = "access_token";
/// The words that may stand for a token type.
const SUBJECT_TYPES: [&str; 3] = [ACCESS_TOKEN, "jwt", "id_token"];
/// The words that may stand for the requested type. No other type can be sent to a resource; with `refresh_token` Keycloak
/// issues both.
const REQUESTED_TYPES: [&str; 3] = [ACCESS_TOKEN, "jwt", "refresh_token"];

/// The parameters of an exchange that are not the operator's to set among `parameters`, and what to do instead.
const RESERVED_PARAMETERS: [(&str, &str); 14] = [
    ("audience", "write audience in token_exchange"),
    ("resource", "write resource in token_exchange"),
    ("requested_token_type", "write requested_token_type in token_exchange"),
    ("subject_token_type", "write subject_token_type in token_exchange"),
    ("grant_type", "write grant in token_exchange"),
    ("scope", "write scopes in the connection"),
    ("client_id", "write client_id in the connection"),
    ("client_secret", "write client_secret in the connection"),
    ("subject_token", OURS),
    ("assertion", OURS),
    ("client_assertion", OURS),
    ("client_assertion_type", OURS),
    ("actor_token", "a token does not belong into a configuration file"),
    ("actor_token_type", "no actor_token is sent"),
];
const OURS: &str = "bot-sso sets it by itself";

/// How a connection exchanges tokens, or that it exchanges none.
pub(super) struct ValidatedExchange {
    pub(super) options: Option<TokenExchangeOptions>,
    pub(super) policy: ExchangePolicy,
    pub(super) token_exchange_uri: Option<String>,
}

/// The tokens that a connection takes, and the URI of its cards.
struct AcceptedTokens {
    policy: ExchangePolicy,
    token_exchange_uri: Option<String>,
}

/// What the check of the table needs to know of the connection at `place`.
pub(super) struct ExchangeValidator<'a> {
    pub(super) context: &'a Context,
    /// The issuer of the connection's provider.
    pub(super) issuer: &'a str,
    pub(super) bot_app_id: Option<String>,
    pub(super) place: &'a Place,
}

impl ExchangeValidator<'_> {
    /// Takes the table, and the keys of the connection that say which tokens it accepts. `None` if something is not in order.
    pub(super) fn take_from(&self, raw: &mut RawConnection, review: &mut Review<'_>) -> Option<ValidatedExchange> {
        let Some(table) = raw.token_exchange.take() else {
            self.refuse_keys_without_exchange(raw, review);
            let policy = build_policy(None, Vec::new());
            return Some(ValidatedExchange { options: None, policy, token_exchange_uri: None });
        };
        let at = self.place.key("token_exchange");
        let write = "whose tokens are exchanged: \"entra\", or \"provider\" for the provider's own";
        let subject = review.required(table.subject, &at.key("subject"), write);
        let options = validate_options(&table, subject, review, &at);
        let accepted = match subject? {
            Subject::Entra => self.accept_tokens_of_entra(table, raw, review),
            Subject::Provider => self.accept_own_tokens(table, raw, review),
        };
        let AcceptedTokens { policy, token_exchange_uri } = accepted?;
        Some(ValidatedExchange { options: Some(options?), policy, token_exchange_uri })
    }

    fn refuse_keys_without_exchange(&self, raw: &RawConnection, review: &mut Review<'_>) {
        let message = "belongs to connections that exchange tokens, and this one's identity provider is of kind \"oidc\": \
                       write token_exchange as well, or leave it out";
        for (key, _) in list_exchange_keys(raw).iter().filter(|(_, is_written)| *is_written) {
            review.report(&self.place.key(key), message.to_owned());
        }
    }

    fn accept_tokens_of_entra(
        &self,
        table: RawTokenExchange,
        raw: &mut RawConnection,
        review: &mut Review<'_>,
    ) -> Option<AcceptedTokens> {
        let at = self.place.key("token_exchange");
        if !table.accepted_audiences.is_empty() {
            let message = "belongs to subject = \"provider\": the audiences of Entra's tokens follow from entra_client_id and \
                           token_exchange_uri";
            review.report(&at.key("accepted_audiences"), message.to_owned());
        }
        let provider = self.context.entra_provider(table.identity_provider, review, &at.key("identity_provider"));
        let client_id = match table.entra_client_id {
            Some(text) => review.guid(&text, &at.key("entra_client_id")),
            None => self.bot_app_id.clone(),
        };
        let requirements = ExchangeRequirements::take_from(raw, review, self.place)?;
        Some(AcceptedTokens {
            policy: requirements.build_policy(&client_id?, &provider?),
            token_exchange_uri: requirements.token_exchange_uri,
        })
    }

    fn accept_own_tokens(
        &self,
        table: RawTokenExchange,
        raw: &mut RawConnection,
        review: &mut Review<'_>,
    ) -> Option<AcceptedTokens> {
        let at = self.place.key("token_exchange");
        let of_entra = [
            (at.key("identity_provider"), table.identity_provider.is_some()),
            (at.key("entra_client_id"), table.entra_client_id.is_some()),
            (self.place.key("tenants"), raw.tenants.is_some()),
            (self.place.key("allow_v1"), raw.allow_v1),
        ];
        for (key, _) in of_entra.iter().filter(|(_, is_written)| *is_written) {
            review.report(key, "belongs to subject = \"entra\" alone: leave it out".to_owned());
        }
        let list = Some(table.accepted_audiences).filter(|audiences| !audiences.is_empty());
        let write = "the audiences that a client's token may have, as [\"https://sso.example.com\"]";
        let audiences = review.required(list, &at.key("accepted_audiences"), write)?;
        let audiences = texts(audiences, "an audience", review, &at.key("accepted_audiences"));
        let scopes = raw.required_scopes.take().unwrap_or_default();
        let required_scopes = review.tokens(&scopes, &self.place.key("required_scopes"), "a scope");
        let clients = std::mem::take(&mut raw.authorized_clients);
        let authorized_clients = texts(clients, "a client id", review, &self.place.key("authorized_clients"));
        let uri = raw.token_exchange_uri.take();
        let uri_at = self.place.key("token_exchange_uri");
        let token_exchange_uri = uri.and_then(|uri| texts(vec![uri], "a URI", review, &uri_at).pop());
        let issuer = SubjectIssuer::Own { issuer: self.issuer.to_owned() };
        let audiences = audiences.into_iter().map(AudienceRule::Uri).collect();
        let policy = ExchangePolicy { required_scopes, authorized_clients, ..build_policy(Some(issuer), audiences) };
        Some(AcceptedTokens { policy, token_exchange_uri })
    }
}

/// The keys beside the table that say which tokens are accepted.
fn list_exchange_keys(raw: &RawConnection) -> [(&'static str, bool); 5] {
    [
        ("token_exchange_uri", raw.token_exchange_uri.is_some()),
        ("tenants", raw.tenants.is_some()),
        ("required_scopes", raw.required_scopes.is_some()),
        ("authorized_clients", !raw.authorized_clients.is_empty()),
        ("allow_v1", raw.allow_v1),
    ]
}

/// A policy for no tenant, which rejects every token of Entra.
pub(super) fn build_policy(subject: Option<SubjectIssuer>, audiences: Vec<AudienceRule>) -> ExchangePolicy {
    ExchangePolicy {
        subject,
        tenants: TenantPolicy::Listed(Vec::new()),
        audiences,
        required_scopes: Vec::new(),
        authorized_clients: Vec::new(),
        allow_v1: false,
    }
}

fn validate_options(
    table: &RawTokenExchange,
    subject: Option<Subject>,
    review: &mut Review<'_>,
    at: &Place,
) -> Option<TokenExchangeOptions> {
    if table.grant == ExchangeGrant::JwtBearer {
        let of_exchange = [
            ("subject_token_type", table.subject_token_type.is_some()),
            ("requested_token_type", table.requested_token_type.is_some()),
        ];
        for (key, _) in of_exchange.iter().filter(|(_, is_written)| *is_written) {
            let message = "belongs to grant = \"token_exchange\", and RFC 7523 knows no such parameter: leave it out";
            review.report(&at.key(key), message.to_owned());
        }
    }
    let written = table.subject_token_type.as_deref().unwrap_or(ACCESS_TOKEN);
    let subject_token_type = token_type(written, &SUBJECT_TYPES, review, &at.key("subject_token_type"));
    let requested = table.requested_token_type.as_deref();
    let requested_token_type =
        requested.map(|text| token_type(text, &REQUESTED_TYPES, review, &at.key("requested_token_type")));
    let audience = texts(table.audience.clone(), "an audience", review, &at.key("audience"));
    let resource = table.resource.clone();
    for (index, text) in resource.iter().enumerate().filter(|(_, text)| !is_resource(text)) {
        let at = at.key("resource").index(index);
        let right = right_url(text).filter(|right| is_resource(right)).map(|right| Proposal::text(&at, right));
        let write = "an absolute URI without a fragment (RFC 8707 §2)";
        review.propose_or(&at, &format!("{text:?} is no resource"), right, write);
    }
    check_parameters(&table.parameters, review, &at.key("parameters"));
    Some(TokenExchangeOptions {
        grant: table.grant,
        is_of_entra: subject? == Subject::Entra,
        subject_token_type: subject_token_type?,
        requested_token_type: requested_token_type.map_or(Some(None), |kind| kind.map(Some))?,
        audience,
        resource,
        parameters: table.parameters.clone(),
    })
}

/// The URI of a token type, which may be written as one of `words`.
fn token_type(text: &str, words: &[&str], review: &mut Review<'_>, place: &Place) -> Option<String> {
    let word = text.strip_prefix(TYPE_PREFIX).unwrap_or(text);
    if words.contains(&word) {
        return Some(format!("{TYPE_PREFIX}{word}"));
    }
    let is_other_uri = !text.starts_with(TYPE_PREFIX) && text.contains(':') && Url::parse(text).is_ok();
    if is_other_uri && !text.contains(char::is_whitespace) {
        return Some(text.to_owned());
    }
    review.report(place, format!("{text:?} is no type for it: write {}, or a URI of the provider's", words.join(", ")));
    None
}

fn is_resource(text: &str) -> bool {
    Url::parse(text).is_ok_and(|url| url.fragment().is_none()) && !text.contains(char::is_whitespace)
}

/// Reports texts that no provider has as a name. Inner spaces are allowed: client ids have them.
fn texts(list: Vec<String>, what: &str, review: &mut Review<'_>, place: &Place) -> Vec<String> {
    let is_name = |text: &str| !text.is_empty() && text.trim() == text && !text.chars().any(char::is_control);
    for (index, text) in list.iter().enumerate().filter(|(_, text)| !is_name(text)) {
        review.report(&place.index(index), format!("{text:?} is not {what}: write it as it is registered"));
    }
    list
}

fn check_parameters(parameters: &BTreeMap<String, String>, review: &mut Review<'_>, at: &Place) {
    for (name, value) in parameters {
        let reserved = RESERVED_PARAMETERS.iter().find(|(reserved, _)| name.eq_ignore_ascii_case(reserved));
        if let Some((_, instead)) = reserved {
            review.report(&at.key(name), format!("cannot be set here: {instead}"));
        } else if !is_parameter_name(name) || value.chars().any(char::is_control) {
            let message = "is no parameter of an exchange: write a name without spaces, and its value as a text";
            review.report(&at.key(name), message.to_owned());
        }
    }
}
