//! The settings by which a provider of kind `oidc` is asked to sign users in and to authenticate clients. They may stand
//! in the provider's section, as the defaults of its connections, and in a connection's.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::findings::Review;
use super::near_match::near_match;
use super::place::Place;
use super::proposals::Proposal;

/// The parameters of an authorization request that are not the operator's to set, and what to do instead. `request` and
/// `request_uri` replace all other parameters (RFC 9101 §5).
const RESERVED_PARAMETERS: [(&str, &str); 14] = [
    ("client_id", "write client_id in the connection"),
    ("scope", "write scopes in the connection"),
    ("prompt", "write the key prompt"),
    ("response_type", OURS),
    ("response_mode", OURS),
    ("redirect_uri", OURS),
    ("state", OURS),
    ("nonce", OURS),
    ("code_challenge", OURS),
    ("code_challenge_method", OURS),
    ("claims", OURS),
    ("request", OURS),
    ("request_uri", OURS),
    ("client_secret", "a secret does not belong into a browser's address"),
];
const OURS: &str = "bot-sso sets it by itself";

/// The words of `prompt` (`OpenID` Connect Core §3.1.2.1, and Initiating User Registration).
const PROMPTS: [&str; 5] = ["login", "consent", "select_account", "none", "create"];

/// What `prompt` may be, for messages.
pub(in crate::config) const PROMPT_FORM: &str =
    "\"login\", \"consent\" or \"select_account\", several with spaces between, or \"\" for none";

/// Parameters by which providers are asked for a refresh token (docs/connections.md §Refresh tokens of other providers).
const OFFLINE_PARAMETERS: [(&str, &str); 3] =
    [("access_type", "offline"), ("token_access_type", "offline"), ("duration", "permanent")];

/// How a client authenticates at the token endpoint (`OpenID` Connect Core §9).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ClientAuthentication {
    /// The secret in the `Authorization` header.
    ClientSecretBasic,
    /// The secret in the form.
    ClientSecretPost,
    /// An assertion that is signed with a certificate's key.
    PrivateKeyJwt,
}

/// The grant by which a provider exchanges a user's token.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ExchangeGrant {
    /// RFC 8693.
    #[default]
    TokenExchange,
    /// RFC 7523 §2.1.
    JwtBearer,
}

/// How a connection exchanges users' tokens at its provider (docs/connections.md §Silent sign-in at other providers).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TokenExchangeOptions {
    /// The grant.
    pub grant: ExchangeGrant,
    /// Whether the users' tokens are Entra's; otherwise they are the provider's own.
    pub is_of_entra: bool,
    /// The URI of the type of the users' tokens (RFC 8693 §3).
    pub subject_token_type: String,
    /// The URI of the type that is requested, if it is.
    pub requested_token_type: Option<String>,
    /// The values of `audience`.
    pub audience: Vec<String>,
    /// The values of `resource`.
    pub resource: Vec<String>,
    /// Further parameters of the request.
    pub parameters: BTreeMap<String, String>,
}

impl TokenExchangeOptions {
    /// The texts from which the connection's revision is derived, each with its name before it: what a kept token depends on.
    pub(in crate::config) fn list_revised(&self) -> Vec<&str> {
        let grant = match self.grant {
            ExchangeGrant::TokenExchange => "token exchange",
            ExchangeGrant::JwtBearer => "jwt bearer",
        };
        let subject = if self.is_of_entra { "of entra" } else { "of the provider" };
        let mut revised = vec!["exchange grant", grant, "exchange subject", subject];
        revised.extend(self.requested_token_type.iter().flat_map(|kind| ["exchange type", kind.as_str()]));
        revised.extend(self.audience.iter().flat_map(|audience| ["exchange audience", audience.as_str()]));
        revised.extend(self.resource.iter().flat_map(|resource| ["exchange resource", resource.as_str()]));
        let parameters = self.parameters.iter();
        revised.extend(parameters.flat_map(|(name, value)| ["exchange parameter", name.as_str(), value.as_str()]));
        revised
    }

    /// Whether the request asks for a refresh token, as Keycloak wants to be asked.
    fn asks_refresh_token(&self) -> bool {
        self.requested_token_type.as_deref().is_some_and(|kind| kind.ends_with(":refresh_token"))
    }
}

/// The settings as one section has them, or as a connection and its provider have them together.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct OpenIdOptions {
    /// Further parameters of authorization requests.
    pub authorize_params: BTreeMap<String, String>,
    /// The value of `prompt`; an empty text stands for no `prompt`. `None` for the default.
    pub prompt: Option<String>,
    /// How the client authenticates; `None` for the method that the provider announces.
    pub client_auth: Option<ClientAuthentication>,
    /// How the connection exchanges users' tokens; `None` in a provider's section, and if it exchanges none.
    pub token_exchange: Option<TokenExchangeOptions>,
}

impl OpenIdOptions {
    /// These settings, and those of `provider` where these say nothing.
    pub(in crate::config) fn or_of(mut self, provider: &Self) -> Self {
        for (name, value) in &provider.authorize_params {
            self.authorize_params.entry(name.clone()).or_insert_with(|| value.clone());
        }
        Self {
            prompt: self.prompt.or_else(|| provider.prompt.clone()),
            client_auth: self.client_auth.or(provider.client_auth),
            ..self
        }
    }

    /// Whether a parameter asks for a refresh token, in the words of a provider that has no scope for it.
    pub(in crate::config) fn asks_offline_access(&self) -> bool {
        let mut parameters = self.authorize_params.iter();
        let in_exchange = self.token_exchange.as_ref().is_some_and(TokenExchangeOptions::asks_refresh_token);
        in_exchange || parameters.any(|(name, value)| OFFLINE_PARAMETERS.contains(&(name.as_str(), value.as_str())))
    }

    /// Reports what a provider cannot be asked, in the section at `place`.
    pub(in crate::config) fn validate(&self, review: &mut Review<'_>, place: &Place) {
        let at = place.key("authorize_params");
        for (name, value) in &self.authorize_params {
            let reserved = RESERVED_PARAMETERS.iter().find(|(reserved, _)| name.eq_ignore_ascii_case(reserved));
            if let Some((_, instead)) = reserved {
                review.report(&at.key(name), format!("cannot be set here: {instead}"));
            } else if !is_parameter_name(name) || value.chars().any(char::is_control) {
                let message = "is no parameter: write a name without spaces, and its value as a text";
                review.report(&at.key(name), message.to_owned());
            }
        }
        if let Some(prompt) = &self.prompt {
            validate_prompt(prompt, review, &place.key("prompt"));
        }
    }
}

/// Checks the words of `prompt`. Letter case matters, and words are separated by spaces (`OpenID` Connect Core §3.1.2.1). A
/// provider may have further words.
fn validate_prompt(prompt: &str, review: &mut Review<'_>, place: &Place) {
    let words = || prompt.split([' ', ',', ';']).filter(|word| !word.is_empty());
    let right: Vec<&str> = words().map(|word| near_match(word, PROMPTS.into_iter()).unwrap_or(word)).collect();
    if let Some(strange) = right.iter().find(|word| !is_parameter_name(word)) {
        review.report(place, format!("{strange:?} is no word for it: write {PROMPT_FORM}"));
        return;
    }
    let right = right.join(" ");
    if right != prompt && !prompt.trim().is_empty() {
        let complaint = format!("{prompt:?} has another spelling than the words of OpenID Connect");
        review.propose(place, complaint, Proposal::text(place, right));
    } else if words().any(|word| word == "none") {
        let complaint = "\"none\" forbids the provider to show its sign-in page, so that no user could sign in, and \"\" \
                         sends no prompt at all";
        review.propose(place, complaint.to_owned(), Proposal::text(place, ""));
    }
}

/// Whether `text` may be the name of a parameter of a request.
pub(in crate::config) fn is_parameter_name(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_graphic())
}
