use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::Serialize;

use super::assertions::{CheckedAssertion, UserClaims, check_assertion};
use super::token_content::{
    AccessPayload, CommonClaims, HintPayload, IdPayload, Identity, PersonClaims, SignInClaims, TokenUse, at_hash,
};
use super::token_refusal::TokenRefusal;
use super::unverified_jws::UnverifiedJws;
use crate::domain::{
    Application, Directory, DirectoryUser, NamedIdentity, Secret, SharedClock, Timestamp, TokenSettings, UserKey,
    UserStatus,
};
use crate::token_issuer::directory::grants::UserGrant;
use crate::token_issuer::directory::keys::{DirectoryKeyRing, DirectoryKeys, SigningKey};

/// `ver` in the header of every token, which App ID's SDKs demand.
const VERSION: u8 = 4;
/// The provider of users that an application has signed in by an assertion.
const CUSTOM_PROVIDER: &str = "appid_custom";
/// `amr` of a token for the application itself.
const NO_USER: &str = "appid_client";

/// Signs and checks the tokens of directories, in the shape that App ID's SDK demands (docs/protocols/app-id.md §Tokens).
#[derive(Clone)]
pub struct DirectoryTokens {
    pub(super) keys: DirectoryKeyRing,
    pub(super) clock: SharedClock,
}

/// The subject of tokens.
#[derive(Clone, Debug)]
pub enum TokenSubject<'a> {
    /// A user of the directory, by a grant.
    User {
        /// The user.
        user: &'a DirectoryUser,
        /// The grant.
        grant: &'a UserGrant,
        /// `nonce` of the authorization request.
        nonce: Option<&'a str>,
    },
    /// A user that the application has signed in by an assertion of its own (`appid_custom`).
    Custom {
        /// What the assertion says.
        claims: &'a UserClaims,
        /// The granted scope.
        scope: &'a str,
    },
    /// The application itself (client credentials): an access token only.
    Application {
        /// The granted scope.
        scope: &'a str,
    },
}

/// Tokens that were signed just now.
#[derive(Clone, Debug)]
pub struct IssuedTokens {
    /// The access token.
    pub access_token: Secret,
    /// The ID token; `None` for the application itself.
    pub id_token: Option<Secret>,
    /// Seconds that both are valid.
    pub expires_in: u32,
}

/// The claims of a valid access token.
#[derive(Clone, Debug)]
pub struct AccessTokenClaims {
    /// The application.
    pub client_id: String,
    /// `sub`: the user's id; for a custom user a UUID (version 5) of [`UserKey`](crate::domain::UserKey); for the application its client id.
    pub subject: String,
    /// The granted scope.
    pub scope: String,
    /// The grant, if there is one.
    pub grant_id: Option<String>,
    /// `cloud_directory`, the name of another identity provider, `appid_custom`; `None` for the application itself.
    pub provider: Option<String>,
    /// When it was signed.
    pub issued_at: Timestamp,
    /// When it ends.
    pub expires_at: Timestamp,
    /// Its id.
    pub token_id: String,
}

/// What a logout learns from an ID token. The token may have ended.
#[derive(Clone, Debug)]
pub struct IdTokenHint {
    /// The application.
    pub client_id: String,
    /// The user's id.
    pub user_id: String,
    /// The public id of the session.
    pub session_id: Option<String>,
}

/// The header of a token.
#[derive(Serialize)]
struct TokenHeader<'a> {
    alg: &'static str,
    typ: &'static str,
    kid: &'a str,
    ver: u8,
}

impl DirectoryTokens {
    /// Signs by `keys`.
    #[must_use]
    pub fn new(keys: DirectoryKeyRing, clock: SharedClock) -> Self {
        Self { keys, clock }
    }

    /// Signs an access token, and an ID token for a user, for `application`.
    ///
    /// # Errors
    /// [`TokenRefusal`] if the library cannot sign.
    pub fn issue(
        &self,
        directory: &Directory,
        application: &Application,
        settings: &TokenSettings,
        subject: &TokenSubject<'_>,
    ) -> Result<IssuedTokens, TokenRefusal> {
        let keys = self.keys.find(&directory.tenant).ok_or(TokenRefusal("tenant"))?;
        let issued_at = self.clock.now().unix_seconds();
        let common = CommonClaims {
            iss: directory.issuer.clone(),
            aud: vec![application.client_id.clone()],
            exp: issued_at.saturating_add(settings.access_seconds.into()),
            iat: issued_at,
            tenant: directory.tenant.as_str().to_owned(),
            sub: subject.id(directory, application),
            amr: vec![subject.provider().unwrap_or(NO_USER).to_owned()],
            token_use: TokenUse::Access,
        };
        let access_token = sign(
            &keys,
            &AccessPayload {
                common: common.clone(),
                scope: subject.scope().to_owned(),
                jti: self.keys.entropy().uuid(),
                grant: subject.grant().map(|grant| grant.id.clone()),
            },
        )?;
        let id_token = match subject.describe() {
            None => None,
            Some(person) => Some(sign(
                &keys,
                &IdPayload {
                    common: CommonClaims { token_use: TokenUse::Id, ..common },
                    azp: &application.client_id,
                    at_hash: at_hash(access_token.expose()),
                    person,
                    sign_in: subject.describe_sign_in(),
                },
            )?),
        };
        Ok(IssuedTokens { access_token, id_token, expires_in: settings.access_seconds })
    }

    /// Checks an access token of `directory`: signature and `alg` first, then `ver`, `iss`, type, times.
    ///
    /// # Errors
    /// [`TokenRefusal`] names the check.
    pub fn check_access_token(&self, directory: &Directory, token: &str) -> Result<AccessTokenClaims, TokenRefusal> {
        let token = self.verify(directory, token)?;
        let payload: AccessPayload = token.claims()?;
        let client_id = check_common(directory, &payload.common, TokenUse::Access)?;
        let expires_at = Timestamp::from_unix_seconds(payload.common.exp);
        if expires_at <= self.clock.now() {
            return Err(TokenRefusal("exp"));
        }
        Ok(AccessTokenClaims {
            client_id,
            subject: payload.common.sub,
            scope: payload.scope,
            grant_id: payload.grant,
            provider: payload.common.amr.into_iter().next().filter(|provider| provider != NO_USER),
            issued_at: Timestamp::from_unix_seconds(payload.common.iat),
            expires_at,
            token_id: payload.jti,
        })
    }

    /// Checks an ID token that a logout brings as a hint. Its end is not checked (OpenID Connect RP-Initiated Logout, "RP-Initiated
    /// Logout").
    ///
    /// # Errors
    /// [`TokenRefusal`] names the check.
    pub fn check_id_token_hint(&self, directory: &Directory, token: &str) -> Result<IdTokenHint, TokenRefusal> {
        let token = self.verify(directory, token)?;
        let payload: HintPayload = token.claims()?;
        let client_id = check_common(directory, &payload.common, TokenUse::Id)?;
        Ok(IdTokenHint { client_id, user_id: payload.common.sub, session_id: payload.sid })
    }

    /// Checks an assertion of `application` (RFC 7523 §3): RS256 or ES256 by its key, `iss` the client id, `aud` the issuer or the
    /// token endpoint, `exp` at most an hour away, `iat`/`nbf` not ahead.
    ///
    /// # Errors
    /// [`TokenRefusal`] names the check.
    pub fn check_assertion(
        &self,
        directory: &Directory,
        application: &Application,
        assertion: &str,
    ) -> Result<CheckedAssertion, TokenRefusal> {
        check_assertion(application, &directory.issuer, assertion, self.clock.now())
    }

    /// Checks the signature of a token by the published key that it names. Only RS256 is taken, whatever the header says.
    fn verify<'a>(&self, directory: &Directory, token: &'a str) -> Result<UnverifiedJws<'a>, TokenRefusal> {
        let token = UnverifiedJws::parse(token)?;
        if token.algorithm() != "RS256" {
            return Err(TokenRefusal("alg"));
        }
        let keys = self.keys.find(&directory.tenant).ok_or(TokenRefusal("tenant"))?;
        let key = token.key_id().and_then(|kid| keys.find(kid)).ok_or(TokenRefusal("kid"))?;
        if !key.verifies(token.signed, token.signature) {
            return Err(TokenRefusal("signature"));
        }
        if token.version() != Some(VERSION.into()) {
            return Err(TokenRefusal("ver"));
        }
        Ok(token)
    }
}

/// Checks what both tokens say. Returns the application.
fn check_common(directory: &Directory, claims: &CommonClaims, expected: TokenUse) -> Result<String, TokenRefusal> {
    if claims.token_use != expected {
        return Err(TokenRefusal("token_use"));
    }
    if claims.iss != directory.issuer {
        return Err(TokenRefusal("iss"));
    }
    if claims.tenant != directory.tenant.as_str() {
        return Err(TokenRefusal("tenant"));
    }
    claims.aud.first().cloned().ok_or(TokenRefusal("aud"))
}

fn sign(keys: &DirectoryKeys, payload: &impl Serialize) -> Result<Secret, TokenRefusal> {
    let key = keys.signing_key();
    sign_by(key, &TokenHeader { alg: "RS256", typ: "JWT", kid: key.kid(), ver: VERSION }, payload)
}

/// Signs a compact JWS by `key`, which `header` names.
pub(super) fn sign_by(
    key: &SigningKey,
    header: &impl Serialize,
    payload: &impl Serialize,
) -> Result<Secret, TokenRefusal> {
    const UNSIGNED: TokenRefusal = TokenRefusal("sign");
    let header = serde_json::to_vec(header).map_err(|_| UNSIGNED)?;
    let payload = serde_json::to_vec(payload).map_err(|_| UNSIGNED)?;
    let mut token = URL_SAFE_NO_PAD.encode(header);
    token.push('.');
    URL_SAFE_NO_PAD.encode_string(payload, &mut token);
    let signature = key.sign(&token).map_err(|_| UNSIGNED)?;
    token.push('.');
    token.push_str(&signature);
    Ok(Secret::new(token))
}

/// The identities of the user of `grant`: that of the sign-in first.
fn list_identities<'a>(user: &'a DirectoryUser, grant: &UserGrant) -> Vec<Identity<'a>> {
    let identities = user.list_identities(grant.method.provider()).into_iter();
    identities.map(|NamedIdentity { provider, id }| Identity { provider, id }).collect()
}

impl<'a> TokenSubject<'a> {
    /// `sub`.
    fn id(&self, directory: &Directory, application: &Application) -> String {
        match self {
            Self::User { user, .. } => user.id.clone(),
            Self::Custom { claims, .. } => custom_subject(directory, application, claims),
            Self::Application { .. } => application.client_id.clone(),
        }
    }

    fn provider(&self) -> Option<&'a str> {
        match self {
            Self::User { grant, .. } => Some(grant.method.provider()),
            Self::Custom { .. } => Some(CUSTOM_PROVIDER),
            Self::Application { .. } => None,
        }
    }

    fn scope(&self) -> &'a str {
        match self {
            Self::User { grant, .. } => &grant.scope,
            Self::Custom { scope, .. } | Self::Application { scope } => scope,
        }
    }

    fn grant(&self) -> Option<&'a UserGrant> {
        match self {
            Self::User { grant, .. } => Some(grant),
            Self::Custom { .. } | Self::Application { .. } => None,
        }
    }

    /// What the ID token says of the user; `None` if there is no user.
    fn describe(&self) -> Option<PersonClaims<'a>> {
        match *self {
            Self::User { user, grant, .. } => Some(PersonClaims {
                identities: list_identities(user, grant),
                name: Some(user.shown_name()),
                given_name: user.names.given.as_deref(),
                family_name: user.names.family.as_deref(),
                preferred_username: user.user_name.as_deref().or_else(|| user.email()),
                email: user.email(),
                email_verified: user.email().map(|_| user.status == UserStatus::Confirmed),
            }),
            Self::Custom { claims, .. } => Some(PersonClaims {
                identities: vec![Identity { provider: CUSTOM_PROVIDER, id: &claims.sub }],
                name: claims.name.clone(),
                email: claims.email.as_deref(),
                ..PersonClaims::default()
            }),
            Self::Application { .. } => None,
        }
    }

    fn describe_sign_in(&self) -> SignInClaims<'a> {
        match *self {
            Self::User { grant, nonce, .. } => SignInClaims {
                auth_time: Some(grant.auth_time.unix_seconds()),
                nonce,
                sid: grant.session_id.as_deref(),
            },
            Self::Custom { .. } | Self::Application { .. } => SignInClaims::default(),
        }
    }
}

/// `sub` of a custom user: the same for the same user of the same application, and never the id of a directory's user.
fn custom_subject(directory: &Directory, application: &Application, claims: &UserClaims) -> String {
    let key = UserKey::of_application(directory.tenant.as_str(), &application.client_id, &claims.sub);
    uuid::Uuid::new_v5(&uuid::Uuid::NAMESPACE_URL, key.to_string().as_bytes()).hyphenated().to_string()
}
