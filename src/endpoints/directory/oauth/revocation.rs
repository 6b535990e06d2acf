//! The revocation of a [`DirectoryCall`].

use std::net::IpAddr;
use std::sync::Arc;

use actix_web::web::{Data, Payload};
use actix_web::{HttpRequest, HttpResponse};

use super::OAuthDoor;
use super::call::{DirectoryCall, log_outage, unknown_tenant};
use super::replies::{OAuthRefusal, ok};
use crate::accounts::DirectoryView;
use crate::inbound::{TrustedProxies, run_to_end};
use crate::observability::{AuditEntry, AuditEvent};
use crate::token_issuer::UserGrant;

/// `POST /oauth/v4/{tenant}/revoke`. `token_type_hint` is ignored: both kinds of tokens are tried (RFC 7009 §2.1).
pub(super) async fn revoke(http: HttpRequest, payload: Payload, door: Data<OAuthDoor>) -> HttpResponse {
    let Some(call) = DirectoryCall::of_path(&http, door) else { return unknown_tenant() };
    call.finish(call.revoke(payload).await)
}

impl DirectoryCall<'_> {
    async fn revoke(&self, payload: Payload) -> Result<HttpResponse, OAuthRefusal> {
        let form = self.read(payload).await?;
        let client_id = &self.authenticate(&form).await?.client_id;
        let token = form.find("token").ok_or(OAuthRefusal::InvalidRequest("The parameter token is required."))?;
        if let Some(grant) = self.find_grant_to_revoke(client_id, token).await? {
            let revocation = Revocation {
                door: self.door.clone(),
                view: Arc::clone(&self.view),
                grant,
                correlation_id: self.correlation_id(),
                client: TrustedProxies::client_address(self.http),
            };
            let ended = run_to_end(async move { revocation.complete().await }).await;
            ended.unwrap_or(Err(OAuthRefusal::Unavailable))?;
        }
        Ok(ok().finish())
    }

    /// The grant of the application's token `raw`, which may be a refresh token that was replaced: its owner wants the grant to
    /// end all the same. `None` for a token whose grant has ended, or another application's: then there is nothing to end, which
    /// is no error (RFC 7009 §2.2).
    async fn find_grant_to_revoke(&self, client_id: &str, raw: &str) -> Result<Option<UserGrant>, OAuthRefusal> {
        let (grants, tenant) = (&self.door.parts.grants, &self.view.directory.tenant);
        if let Some(grant) = grants.find_by_any_refresh_token(tenant, raw).await.map_err(log_outage)? {
            return Ok(Some(grant).filter(|grant| grant.client_id == client_id));
        }
        let checked = self.door.parts.tokens.check_access_token(&self.view.directory, raw);
        let Ok(claims) = checked else { return Ok(None) };
        if claims.client_id != client_id {
            return Ok(None);
        }
        let id = claims.grant_id.ok_or(OAuthRefusal::UnsupportedTokenType)?;
        grants.find(tenant, &id).await.map_err(log_outage)
    }
}

/// The end of a grant that its application asks for. It owns its parts, because it outlives a caller that hangs up.
struct Revocation {
    door: Data<OAuthDoor>,
    view: Arc<DirectoryView>,
    grant: UserGrant,
    correlation_id: String,
    client: Option<IpAddr>,
}

impl Revocation {
    async fn complete(&self) -> Result<(), OAuthRefusal> {
        let (directory, grant) = (&self.view.directory, &self.grant);
        self.door.parts.grants.end(&directory.tenant, &grant.id).await.map_err(log_outage)?;
        let entry = AuditEntry::new(AuditEvent::DirectoryGrantsRevoked).tenant(&directory.tenant);
        let entry = entry.application(&grant.client_id).user(&directory.user_key(&grant.user_id));
        entry.correlation_id(&self.correlation_id).client(self.client).detail("application").write();
        Ok(())
    }
}
