use aws_lc_rs::digest;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::Value;
use subtle::ConstantTimeEq;

use super::checks::require_enabled;
use super::request::GrantRequest;
use super::user_grant::{UserGrant, build_token_answer};
use crate::dev::tenant::login::SignInKind;
use crate::dev::tenant::refusal::EntraRefusal;
use crate::dev::tenant::scopes::ScopeRequest;

/// Redeems an authorization code (RFC 6749 §4.1.3), with PKCE by S256 (RFC 7636).
pub(in crate::dev) fn redeem_authorization_code(request: &GrantRequest<'_>) -> Result<Value, EntraRefusal> {
    let services = request.services;
    let code = request.form.get("code")?;
    let issued = services.logins.take_code(code).ok_or_else(|| {
        EntraRefusal::invalid_grant(
            54_005,
            "OAuth2 Authorization code was already redeemed, has expired or was never issued.",
        )
    })?;
    let login = issued.request;
    if login.client_id != request.client.client_id {
        return Err(EntraRefusal::invalid_grant(70_000, "The authorization code was issued to another client."));
    }
    if request.form.get("redirect_uri")? != login.redirect_uri {
        return Err(EntraRefusal::invalid_grant(
            50_011,
            "The redirect URI differs from the one of the authorization request.",
        ));
    }
    check_verifier(login.code_challenge.as_deref(), request.form.find("code_verifier"))?;
    let user = services
        .directory
        .find_user(&issued.oid)
        .filter(|user| request.tenant.admits(user.tid))
        .ok_or_else(|| EntraRefusal::invalid_grant(50_034, "The user account does not exist in the directory."))?;
    let passed_mfa = match issued.kind {
        SignInKind::LoginPage => {
            require_enabled(request, user)?;
            true
        }
        // As with the password grant, a page may still have tokens of a user who was disabled later.
        SignInKind::Session { passed_mfa } => passed_mfa,
    };
    let scope = ScopeRequest::parse(&services.directory, &login.scope)?;
    let grant = UserGrant { passed_mfa, nonce: login.nonce.as_deref(), ..UserGrant::new(user, &scope) };
    build_token_answer(request, &grant)
}

fn check_verifier(challenge: Option<&str>, verifier: Option<&str>) -> Result<(), EntraRefusal> {
    let matches = match (challenge, verifier) {
        (None, None) => true,
        (Some(challenge), Some(verifier)) => {
            let computed = URL_SAFE_NO_PAD.encode(digest::digest(&digest::SHA256, verifier.as_bytes()).as_ref());
            bool::from(computed.as_bytes().ct_eq(challenge.as_bytes()))
        }
        _ => false,
    };
    if matches {
        Ok(())
    } else {
        Err(EntraRefusal::invalid_grant(
            501_481,
            "The Code_Verifier does not match the code_challenge supplied in the authorization request.",
        ))
    }
}
