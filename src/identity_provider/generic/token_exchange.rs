//! The request by which a user's token is exchanged at a provider other than Entra.

use std::collections::BTreeMap;

use crate::domain::ExchangeableToken;
use crate::outbound::FormField;

/// The `grant_type` of RFC 8693 §2.1.
const TOKEN_EXCHANGE: &str = "urn:ietf:params:oauth:grant-type:token-exchange";
/// The `grant_type` of RFC 7523 §2.1.
const JWT_BEARER: &str = "urn:ietf:params:oauth:grant-type:jwt-bearer";

/// The grant by which a provider exchanges a user's token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UserTokenGrant {
    /// RFC 8693: the user's token is the `subject_token`.
    TokenExchange,
    /// RFC 7523 §2.1: the user's token is the `assertion`.
    JwtBearer,
}

/// How a connection exchanges users' tokens at a provider other than Entra. A request has these values, the connection's
/// scopes, the user's token, and the client's proof.
#[derive(Clone, Debug)]
pub struct TokenExchangeSettings {
    /// The grant.
    pub grant: UserTokenGrant,
    /// Whether the users' tokens are Entra's; otherwise they are the provider's own.
    pub is_of_entra: bool,
    /// `subject_token_type` of [`UserTokenGrant::TokenExchange`] (RFC 8693 §3).
    pub subject_token_type: String,
    /// `requested_token_type`, if the request has one.
    pub requested_token_type: Option<String>,
    /// The values of `audience`, one parameter each (RFC 8693 §2.1).
    pub audience: Vec<String>,
    /// The values of `resource`, one parameter each (RFC 8707 §2).
    pub resource: Vec<String>,
    /// Further parameters, such as `subject_issuer`. None of them is a parameter that this client sets itself.
    pub parameters: BTreeMap<String, String>,
}

impl TokenExchangeSettings {
    /// The parameters of the request, without those of the client. `scope` is that of the connection, joined.
    pub(super) fn fields<'a>(&'a self, token: &'a ExchangeableToken, scope: &'a str) -> Vec<FormField<'a>> {
        let raw = token.raw.expose();
        let mut fields = match self.grant {
            UserTokenGrant::TokenExchange => vec![
                FormField::new("grant_type", TOKEN_EXCHANGE),
                FormField::new("subject_token", raw),
                FormField::new("subject_token_type", &self.subject_token_type),
            ],
            UserTokenGrant::JwtBearer => {
                vec![FormField::new("grant_type", JWT_BEARER), FormField::new("assertion", raw)]
            }
        };
        let requested = self.requested_token_type.iter().map(|kind| FormField::new("requested_token_type", kind));
        fields.extend(requested);
        fields.extend(self.audience.iter().map(|audience| FormField::new("audience", audience)));
        fields.extend(self.resource.iter().map(|resource| FormField::new("resource", resource)));
        fields.extend((!scope.is_empty()).then(|| FormField::new("scope", scope)));
        fields.extend(self.parameters.iter().map(|(name, value)| FormField::new(name, value)));
        fields
    }
}
