use std::num::NonZeroU32;
use std::sync::Arc;

use actix_web::HttpRequest;
use actix_web::http::header::{AUTHORIZATION, HeaderMap};

use super::refusal::Refused;
use crate::accounts::{Directories, DirectoryView};
use crate::domain::{Administrator, AdministratorRole, SecretHash, TenantId};
use crate::inbound::{
    CallerRefusal, ClientGuesses, ClientNetwork, KeyedRate, Problem, RateExceeded, RateLimit, RequestId, SharedLimits,
    TooManyCredentials, TrustedProxies, read_bearer,
};
use crate::observability::{AuditEntry, AuditEvent};
use crate::token_issuer::{AdministratorKey, AdministratorTokens};

/// The calls of one directory's management API in a second, as at App ID.
const CALLS_PER_SECOND: NonZeroU32 = NonZeroU32::MIN.saturating_add(49);
/// The longest token, in bytes.
const MAX_TOKEN_BYTES: usize = 4096;

/// Authenticates the administrators of directories (docs/directory.md §The management API).
pub(super) struct AdministratorChecks {
    directories: Directories,
    tokens: AdministratorTokens,
    guesses: ClientGuesses,
    /// By tenant id.
    rates: KeyedRate,
}

/// An administrator who calls, and the directory as it is now.
pub(super) struct AuthenticatedAdministrator {
    pub(super) view: Arc<DirectoryView>,
    pub(super) name: String,
}

/// Whose API key was presented.
pub(super) struct ApiKeyOwner {
    pub(super) tenant: TenantId,
    pub(super) administrator: AdministratorKey,
}

impl AdministratorChecks {
    pub(super) fn new(directories: Directories, tokens: AdministratorTokens, limits: &SharedLimits) -> Self {
        let rates = KeyedRate::new(RateLimit::per_second("administrators", CALLS_PER_SECOND), limits);
        Self { directories, tokens, guesses: ClientGuesses::new(limits, "administrators"), rates }
    }

    /// Authenticates the caller of `http` as an administrator of `tenant` whose role is `needed` or more. A directory that
    /// does not exist is answered as a wrong token.
    pub(super) async fn authenticate(
        &self,
        http: &HttpRequest,
        tenant: &str,
        needed: AdministratorRole,
    ) -> Result<AuthenticatedAdministrator, Refused> {
        let Some(token) = read_token(http.headers()) else {
            return Err(self.refuse_absence(http));
        };
        let Some(view) = self.directories.find(tenant) else {
            return Err(self.refuse_guess(http, "administrator_tenant").await);
        };
        let Some(administrator) = self.find(&view, token).await? else {
            return Err(self.refuse_guess(http, "administrator_token").await);
        };
        self.charge(http, tenant).await?;
        if administrator.role < needed {
            let refusal = CallerRefusal::new(Problem::CallerNotAllowed, "administrator_role");
            let _ = refusal.comparing(&administrator.name, "").logged(http);
            let id = RequestId::find(http);
            let entry = AuditEntry::new(AuditEvent::DirectoryAdministratorRefused).tenant(&view.directory.tenant);
            let entry = entry.administrator(&administrator.name).correlation_id(&id).detail("administrator_role");
            entry.client(TrustedProxies::client_address(http)).write();
            return Err(Refused::Role);
        }
        let name = administrator.name.clone();
        Ok(AuthenticatedAdministrator { view, name })
    }

    /// The owner of `key`, compared with the tokens of the administrators of all directories. Counts as a call of the owner's
    /// directory.
    pub(super) async fn find_owner(&self, http: &HttpRequest, key: &str) -> Result<ApiKeyOwner, Refused> {
        let mut found = None;
        for view in self.directories.list() {
            if let Some(administrator) = find_by_token(&view.directory.administrators, key) {
                let administrator = AdministratorKey { name: administrator.name.clone(), key: SecretHash::of(key) };
                found = Some(ApiKeyOwner { tenant: view.directory.tenant.clone(), administrator });
            }
        }
        let Some(owner) = found else {
            return Err(self.refuse_guess(http, "administrator_api_key").await);
        };
        self.charge(http, owner.tenant.as_str()).await?;
        Ok(owner)
    }

    /// Issues a token for the owner of an API key.
    pub(super) async fn issue(&self, owner: &ApiKeyOwner) -> Result<crate::domain::Secret, Refused> {
        let issued = self.tokens.issue(&owner.tenant, &owner.administrator).await;
        issued.map_err(|error| Refused::failed("a token of an administrator cannot be stored", &error))
    }

    /// The administrator with `token`: one of the configuration, or one of `/identity/token`.
    async fn find<'v>(&self, view: &'v DirectoryView, token: &str) -> Result<Option<&'v Administrator>, Refused> {
        let administrators = &view.directory.administrators;
        if let Some(administrator) = find_by_token(administrators, token) {
            return Ok(Some(administrator));
        }
        let issued = self.tokens.find(&view.directory.tenant, token).await;
        let issued =
            issued.map_err(|error| Refused::failed("a token of an administrator cannot be looked up", &error))?;
        let Some(AdministratorKey { name, key }) = issued else { return Ok(None) };
        // A key that was taken out of the configuration takes what it has given with it.
        Ok(administrators
            .iter()
            .find(|administrator| administrator.name == name && administrator.tokens.contains(&key)))
    }

    /// Counts a call of `tenant`, by an administrator: strangers use nothing of it up.
    async fn charge(&self, http: &HttpRequest, tenant: &str) -> Result<(), Refused> {
        let charged = self.rates.charge(&[tenant.as_bytes()]).await;
        let Err(RateExceeded { retry_after }) = charged else { return Ok(()) };
        let _ = CallerRefusal::new(Problem::TooManyRequests { retry_after }, "administrator_rate").logged(http);
        Err(Refused::TooManyRequests(retry_after))
    }

    fn refuse_absence(&self, http: &HttpRequest) -> Refused {
        let refusal = CallerRefusal::new(Problem::MissingAuthorization, "administrator_token_absent");
        let is_logged = self.guesses.note_absence(find_network(http));
        let _ = if is_logged { refusal } else { refusal.without_log_line() }.logged(http);
        if is_logged {
            audit_refusal(http, "administrator_token_absent");
        }
        Refused::Unauthenticated
    }

    /// Counts a wrong token or key against the address that presents it.
    async fn refuse_guess(&self, http: &HttpRequest, check: &'static str) -> Refused {
        match self.guesses.charge(find_network(http)).await {
            Ok(()) => {
                let _ = CallerRefusal::new(Problem::InvalidToken, check).logged(http);
                audit_refusal(http, check);
                Refused::Unauthenticated
            }
            Err(TooManyCredentials { retry_after, is_logged }) => {
                let refusal = CallerRefusal::new(Problem::TooManyRequests { retry_after }, "administrator_guesses");
                let _ = if is_logged { refusal } else { refusal.without_log_line() }.logged(http);
                if is_logged {
                    audit_refusal(http, "administrator_guesses");
                }
                Refused::TooManyRequests(retry_after)
            }
        }
    }
}

fn audit_refusal(http: &HttpRequest, check: &'static str) {
    let id = RequestId::find(http);
    let entry = AuditEntry::new(AuditEvent::DirectoryAdministratorRefused).correlation_id(&id);
    entry.client(TrustedProxies::client_address(http)).detail(check).write();
}

fn find_network(http: &HttpRequest) -> Option<ClientNetwork> {
    TrustedProxies::client_address(http).map(ClientNetwork::from_address)
}

/// The administrator whose token is `token`. All tokens are compared, whichever fits.
fn find_by_token<'a>(administrators: &'a [Administrator], token: &str) -> Option<&'a Administrator> {
    administrators.iter().fold(None, |found, administrator| {
        let matches = administrator.tokens.iter().fold(false, |is_one, hash| is_one | hash.matches(token));
        if matches { Some(administrator) } else { found }
    })
}

/// The token in `Authorization`, with the scheme `Bearer` or without one: App ID's older guides have none.
fn read_token(headers: &HeaderMap) -> Option<&str> {
    if let Ok(token) = read_bearer(headers) {
        return Some(token);
    }
    let mut values = headers.get_all(AUTHORIZATION);
    let (Some(value), None) = (values.next(), values.next()) else { return None };
    let is_token = |text: &&str| {
        (1..=MAX_TOKEN_BYTES).contains(&text.len())
            && text.bytes().all(|byte| byte.is_ascii_graphic() && byte != b',')
            && !text.eq_ignore_ascii_case("bearer")
    };
    value.to_str().ok().filter(is_token)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use actix_web::http::header::HeaderValue;

    use super::*;

    #[test]
    fn a_token_is_read_with_and_without_its_scheme() {
        let read = |values: &[&str]| {
            let mut headers = HeaderMap::new();
            for value in values {
                headers.append(AUTHORIZATION, HeaderValue::from_str(value).unwrap());
            }
            read_token(&headers).map(str::to_owned)
        };
        assert_eq!(read(&["Bearer abc"]).as_deref(), Some("abc"));
        assert_eq!(read(&["abc"]).as_deref(), Some("abc"));
        for nothing in [&[][..], &[""], &["Bearer"], &["Bearer  abc"], &["Basic abc"], &["a,b"], &["abc", "abc"]] {
            assert_eq!(read(nothing), None, "{nothing:?}");
        }
    }

    #[test]
    fn an_administrator_is_found_by_each_of_two_tokens() {
        let administrator = |name: &str, tokens: &[&str]| Administrator {
            name: name.to_owned(),
            role: AdministratorRole::Reader,
            tokens: tokens.iter().map(|token| SecretHash::of(token)).collect(),
        };
        let administrators = [administrator("a", &["1", "2"]), administrator("b", &["3"])];
        let find = |token| find_by_token(&administrators, token).map(|found| found.name.as_str());
        assert_eq!((find("1"), find("2"), find("3"), find("4")), (Some("a"), Some("a"), Some("b"), None));
    }
}
