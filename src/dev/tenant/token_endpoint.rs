use std::sync::Arc;

use actix_web::middleware::from_fn;
use actix_web::web::{Bytes, Data, Path, ServiceConfig};
use actix_web::{HttpRequest, HttpResponse, web};
use serde_json::Value;

use super::clients::ClientAuthenticator;
use super::form::Form;
use super::grants::{self, GrantRequest, GrantServices};
use super::issued_claims::place_of_request;
use super::refusal::{EntraRefusal, EntraRefusalReplies};
use super::tenant_segment::TenantSegment;
use crate::dev::admission::admit_page_origins;
use crate::dev::calls::{CallLog, GrantKind, LoggedTokenRequest};
use crate::dev::faults::FaultSwitches;
use crate::dev::jwt::unverified_oid;

/// The tenants' token endpoint.
pub(in crate::dev) struct TokenEndpoint {
    pub(in crate::dev) services: GrantServices,
    pub(in crate::dev) clients: ClientAuthenticator,
    pub(in crate::dev) refusals: Arc<EntraRefusalReplies>,
    pub(in crate::dev) calls: Arc<CallLog>,
    pub(in crate::dev) faults: Arc<FaultSwitches>,
}

pub(in crate::dev) fn routes(config: &mut ServiceConfig) {
    config.service(
        web::resource("/{tenant}/oauth2/v2.0/token")
            .wrap(from_fn(admit_page_origins))
            .route(web::post().to(answer_token_request)),
    );
}

async fn answer_token_request(
    request: HttpRequest,
    tenant: Path<String>,
    body: Bytes,
    endpoint: Data<TokenEndpoint>,
) -> HttpResponse {
    let correlation_id = correlation_id(&request).unwrap_or_else(|| endpoint.refusals.new_correlation_id());
    let form = match Form::parse(&request, &body) {
        Ok(form) => form,
        Err(refusal) => {
            endpoint.calls.count_token_request(None, None);
            return endpoint.refusals.reply_with_correlation_id(&refusal, &correlation_id);
        }
    };
    let grant = form.find("grant_type").and_then(GrantKind::from_grant_type);
    let user = endpoint.find_user(&form);
    endpoint.calls.count_token_request(grant, user.as_deref());
    let mut entry = grant.map(|grant| token_request_entry(&request, &form, &tenant, grant, user.clone()));

    if let (Some(GrantKind::OnBehalfOf), Some(assertion)) = (grant, form.find("assertion")) {
        endpoint.services.tokens.issued.note_presented(place_of_request(&correlation_id), assertion);
    }

    let fault = endpoint.faults.take_fault_for(grant, user.as_deref());
    if let Some(fault) = &fault
        && let Some(answer) = fault.replace_answer().await
    {
        endpoint.log_request(entry, answer.status().as_u16(), None);
        return answer;
    }
    let answer = match endpoint.answer(&request, &form, &tenant, entry.as_mut()) {
        Ok(mut members) => {
            if let Some(fault) = &fault {
                fault.alter_answer(&mut members);
            }
            endpoint.log_request(entry, 200, None);
            HttpResponse::Ok().insert_header(("Cache-Control", "no-store")).json(members)
        }
        Err(refusal) => {
            let answer = endpoint.refusals.reply_with_correlation_id(&refusal, &correlation_id);
            endpoint.log_request(entry, answer.status().as_u16(), Some(refusal.code));
            answer
        }
    };
    echo_request_id(answer, &request, &correlation_id)
}

impl TokenEndpoint {
    /// Authenticates the client before it looks at the grant, so that no grant can bypass the authentication.
    fn answer(
        &self,
        request: &HttpRequest,
        form: &Form,
        tenant: &str,
        entry: Option<&mut LoggedTokenRequest>,
    ) -> Result<Value, EntraRefusal> {
        let segment = TenantSegment::parse(&self.services.directory, tenant)?;
        let grant_type = form.get("grant_type")?;
        let client = self.clients.authenticate(request, form, tenant)?;
        if let Some(entry) = entry {
            entry.client_id = Some(client.app.client_id.to_owned());
            entry.client_proof = Some(client.proof.call_log_name());
        }
        let request =
            GrantRequest { services: &self.services, form, client: client.app, proof: client.proof, tenant: segment };
        let grant = GrantKind::from_grant_type(grant_type).ok_or_else(|| {
            let text = format!("The app requested an unsupported grant type '{grant_type}'.");
            EntraRefusal::bad_request("unsupported_grant_type", 70_003, text)
        })?;
        grants::answer(grant, &request)
    }

    /// The object id of the user whom a request names. Nothing is verified yet.
    fn find_user(&self, form: &Form) -> Option<String> {
        let claimed = form
            .find("assertion")
            .and_then(unverified_oid)
            .or_else(|| form.find("username").or_else(|| form.find("user_id")).map(str::to_owned))
            .or_else(|| {
                let token = form.find("refresh_token")?;
                self.services.logins.find_refresh_token(token).map(|grant| grant.oid)
            })?;
        // Only users of the directory are counted, so that requests with invented users cannot make the counters grow.
        self.services.directory.find_user(&claimed).map(|user| user.oid.to_owned())
    }

    fn log_request(&self, entry: Option<LoggedTokenRequest>, status: u16, refused: Option<u32>) {
        if let Some(mut entry) = entry {
            entry.status = status;
            entry.refused = refused;
            self.calls.log_token_request(entry);
        }
    }
}

fn token_request_entry(
    request: &HttpRequest,
    form: &Form,
    tenant: &str,
    grant: GrantKind,
    user: Option<String>,
) -> LoggedTokenRequest {
    let header = |name| request.headers().get(name).and_then(|value| value.to_str().ok()).map(truncate);
    LoggedTokenRequest {
        grant,
        tenant: truncate(tenant),
        client_id: None,
        client_proof: None,
        user,
        scope: form.find("scope").map(truncate),
        claims: form.find("claims").map(truncate),
        correlation_id: correlation_id(request).or_else(|| form.find("client-request-id").map(truncate)),
        traceparent: header("traceparent"),
        lib_capability: header("x-ms-lib-capability").or_else(|| form.find("x-ms-lib-capability").map(truncate)),
        anchor_mailbox: header("x-anchormailbox"),
        status: 0,
        refused: None,
    }
}

fn correlation_id(request: &HttpRequest) -> Option<String> {
    let header = request.headers().get("client-request-id").and_then(|value| value.to_str().ok()).map(truncate);
    header.or_else(|| {
        url::form_urlencoded::parse(request.query_string().as_bytes())
            .find(|(name, _)| name == "client-request-id")
            .map(|(_, value)| truncate(&value))
    })
}

fn echo_request_id(mut answer: HttpResponse, request: &HttpRequest, correlation_id: &str) -> HttpResponse {
    use actix_web::http::header::{HeaderName, HeaderValue};
    let wanted = request.headers().get("return-client-request-id").is_some_and(|value| value == "true");
    if wanted && let Ok(value) = HeaderValue::from_str(correlation_id) {
        answer.headers_mut().insert(HeaderName::from_static("client-request-id"), value);
    }
    answer
}

fn truncate(text: &str) -> String {
    text.chars().take(1024).collect()
}
