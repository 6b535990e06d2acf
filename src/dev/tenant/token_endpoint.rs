use std::sync::Arc;

use actix_web::web::{Bytes, Data, Path, ServiceConfig};
use actix_web::{HttpRequest, HttpResponse, web};
use serde_json::Value;

use super::clients::ClientAuthenticator;
use super::form::Form;
use super::grants::{self, GrantRequest, GrantServices};
use super::refusal::{EntraRefusal, EntraRefusalReplies};
use super::tenant_segment::TenantSegment;
use crate::dev::calls::{Calls, GrantKind, SeenRequest};
use crate::dev::faults::FaultSwitches;
use crate::dev::jwt::unverified_oid;

/// The tenants' token endpoint.
pub(in crate::dev) struct TokenEndpoint {
    pub(in crate::dev) services: GrantServices,
    pub(in crate::dev) clients: ClientAuthenticator,
    pub(in crate::dev) refusals: Arc<EntraRefusalReplies>,
    pub(in crate::dev) calls: Arc<Calls>,
    pub(in crate::dev) faults: Arc<FaultSwitches>,
}

pub(in crate::dev) fn routes(config: &mut ServiceConfig) {
    config.route("/{tenant}/oauth2/v2.0/token", web::post().to(token));
}

async fn token(request: HttpRequest, tenant: Path<String>, body: Bytes, endpoint: Data<TokenEndpoint>) -> HttpResponse {
    let correlation_id = correlation_id(&request).unwrap_or_else(|| endpoint.refusals.new_correlation_id());
    let form = match Form::parse(&request, &body) {
        Ok(form) => form,
        Err(refusal) => {
            endpoint.calls.arrived(None, None);
            return endpoint.refusals.reply_with(&refusal, &correlation_id);
        }
    };
    let grant = form.find("grant_type").and_then(GrantKind::of_grant_type);
    let user = endpoint.find_user(&form);
    endpoint.calls.arrived(grant, user.as_deref());
    let mut seen = grant.map(|grant| seen_request(&request, &form, &tenant, grant, user.clone()));

    let fault = endpoint.faults.strike(grant, user.as_deref());
    if let Some(fault) = &fault
        && let Some(answer) = fault.answer_instead().await
    {
        endpoint.file(seen, answer.status().as_u16(), None);
        return answer;
    }
    let answer = match endpoint.answer(&request, &form, &tenant, seen.as_mut()) {
        Ok(mut members) => {
            if let Some(fault) = &fault {
                fault.bend(&mut members);
            }
            endpoint.file(seen, 200, None);
            HttpResponse::Ok().insert_header(("Cache-Control", "no-store")).json(members)
        }
        Err(refusal) => {
            let answer = endpoint.refusals.reply_with(&refusal, &correlation_id);
            endpoint.file(seen, answer.status().as_u16(), Some(refusal.code));
            answer
        }
    };
    with_echoed_id(answer, &request, &correlation_id)
}

impl TokenEndpoint {
    /// Client authentication stands before every grant, so that no grant can bypass it.
    fn answer(
        &self,
        request: &HttpRequest,
        form: &Form,
        tenant: &str,
        seen: Option<&mut SeenRequest>,
    ) -> Result<Value, EntraRefusal> {
        let segment = TenantSegment::parse(&self.services.directory, tenant)?;
        let grant_type = form.get("grant_type")?;
        let client = self.clients.authenticate(request, form, tenant)?;
        if let Some(seen) = seen {
            seen.client_id = Some(client.app.client_id.to_owned());
            seen.client_proof = Some(client.proof.name());
        }
        let request =
            GrantRequest { services: &self.services, form, client: client.app, proof: client.proof, tenant: segment };
        let grant = GrantKind::of_grant_type(grant_type).ok_or_else(|| {
            let text = format!("The app requested an unsupported grant type '{grant_type}'.");
            EntraRefusal::bad_request("unsupported_grant_type", 70_003, text)
        })?;
        grants::answer(grant, &request)
    }

    /// The object id of the user that a request names; nothing is verified yet.
    fn find_user(&self, form: &Form) -> Option<String> {
        let claimed = form
            .find("assertion")
            .and_then(unverified_oid)
            .or_else(|| form.find("username").map(str::to_owned))
            .or_else(|| {
                let token = form.find("refresh_token")?;
                self.services.logins.find_refresh_token(token).map(|grant| grant.oid)
            })?;
        // Only users of the directory are counted: outsiders must not make the log grow.
        self.services.directory.find_user(&claimed).map(|user| user.oid.to_owned())
    }

    fn file(&self, seen: Option<SeenRequest>, status: u16, refused: Option<u32>) {
        if let Some(mut seen) = seen {
            seen.status = status;
            seen.refused = refused;
            self.calls.answered(seen);
        }
    }
}

fn seen_request(
    request: &HttpRequest,
    form: &Form,
    tenant: &str,
    grant: GrantKind,
    user: Option<String>,
) -> SeenRequest {
    let header = |name| request.headers().get(name).and_then(|value| value.to_str().ok()).map(bounded);
    SeenRequest {
        grant,
        tenant: bounded(tenant),
        client_id: None,
        client_proof: None,
        user,
        scope: form.find("scope").map(bounded),
        claims: form.find("claims").map(bounded),
        correlation_id: correlation_id(request).or_else(|| form.find("client-request-id").map(bounded)),
        lib_capability: header("x-ms-lib-capability").or_else(|| form.find("x-ms-lib-capability").map(bounded)),
        anchor_mailbox: header("x-anchormailbox"),
        status: 0,
        refused: None,
    }
}

fn correlation_id(request: &HttpRequest) -> Option<String> {
    let header = request.headers().get("client-request-id").and_then(|value| value.to_str().ok()).map(bounded);
    header.or_else(|| {
        url::form_urlencoded::parse(request.query_string().as_bytes())
            .find(|(name, _)| name == "client-request-id")
            .map(|(_, value)| bounded(&value))
    })
}

fn with_echoed_id(mut answer: HttpResponse, request: &HttpRequest, correlation_id: &str) -> HttpResponse {
    use actix_web::http::header::{HeaderName, HeaderValue};
    let wanted = request.headers().get("return-client-request-id").is_some_and(|value| value == "true");
    if wanted && let Ok(value) = HeaderValue::from_str(correlation_id) {
        answer.headers_mut().insert(HeaderName::from_static("client-request-id"), value);
    }
    answer
}

fn bounded(text: &str) -> String {
    text.chars().take(1024).collect()
}
