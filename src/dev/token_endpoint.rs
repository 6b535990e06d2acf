use actix_web::web::{Bytes, Path, ServiceConfig};
use actix_web::{HttpRequest, HttpResponse, web};
use serde_json::Value;

use super::calls::{GrantKind, SeenRequest};
use super::client_auth::ClientProof;
use super::directory::App;
use super::error::StageError;
use super::form::Form;
use super::grants;
use super::refusal::Refusal;
use super::state::{SharedState, State};
use super::verification::unverified_oid;

/// A token request whose client is authenticated.
pub(super) struct TokenRequest<'a> {
    pub(super) state: &'a State,
    pub(super) form: &'a Form,
    pub(super) client: &'a App,
    pub(super) proof: ClientProof,
    pub(super) tenant: TenantSegment<'a>,
}

/// What the path says about the tenant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum TenantSegment<'a> {
    /// One tenant, by its id.
    One(&'a str),
    /// `organizations`: whichever the user belongs to.
    Organizations,
    /// `common`: likewise, but not for every grant.
    Common,
}

impl<'a> TenantSegment<'a> {
    /// Reads the path segment, without a look at the directory for the two words.
    pub(super) fn parse(state: &'a State, segment: &str) -> Result<Self, Refusal> {
        match segment.to_ascii_lowercase().as_str() {
            "common" => Ok(Self::Common),
            "organizations" => Ok(Self::Organizations),
            id => state.directory.find_tenant(id).map(|tenant| Self::One(tenant.id)).ok_or_else(|| {
                let text = format!("Tenant '{segment}' not found. Check to make sure you have the correct tenant ID.");
                Refusal::bad_request("invalid_request", 90_002, text)
            }),
        }
    }

    /// Whether users of tenant `tid` may come this way.
    pub(super) fn admits(self, tid: &str) -> bool {
        match self {
            Self::One(id) => id == tid,
            Self::Organizations | Self::Common => true,
        }
    }

    /// The tenant for a grant without a user.
    pub(super) fn id_or_main(self, state: &State) -> &'a str {
        match self {
            Self::One(id) => id,
            Self::Organizations | Self::Common => state.directory.main_tenant_id(),
        }
    }
}

impl From<StageError> for Refusal {
    /// The stage's own failure is nobody's fault but the stage's.
    fn from(_: StageError) -> Self {
        Self::server_error()
    }
}

pub(super) fn routes(config: &mut ServiceConfig) {
    config.route("/{tenant}/oauth2/v2.0/token", web::post().to(token));
}

async fn token(request: HttpRequest, tenant: Path<String>, body: Bytes, state: SharedState) -> HttpResponse {
    let correlation_id = correlation_id(&request).unwrap_or_else(|| state.entropy.uuid());
    let form = match Form::parse(&request, &body) {
        Ok(form) => form,
        Err(refusal) => {
            state.calls.arrived(None, None);
            return refusal.to_response(&state, &correlation_id);
        }
    };
    let grant = form.find("grant_type").and_then(GrantKind::of_grant_type);
    let user = user_of(&state, &form);
    state.calls.arrived(grant, user.as_deref());
    let mut seen = grant.map(|grant| seen_request(&request, &form, &tenant, grant, user.clone()));

    let fault = state.faults.strike(grant, user.as_deref());
    if let Some(fault) = &fault
        && let Some(answer) = fault.answer_instead().await
    {
        file(&state, seen, answer.status().as_u16(), None);
        return answer;
    }
    let answer = match answer(&state, &request, &form, &tenant, seen.as_mut()) {
        Ok(mut members) => {
            if let Some(fault) = &fault {
                fault.bend(&mut members);
            }
            file(&state, seen, 200, None);
            HttpResponse::Ok().insert_header(("Cache-Control", "no-store")).json(members)
        }
        Err(refusal) => {
            let answer = refusal.to_response(&state, &correlation_id);
            file(&state, seen, answer.status().as_u16(), Some(refusal.code));
            answer
        }
    };
    with_echoed_id(answer, &request, &correlation_id)
}

/// Client authentication stands before every grant, so that no grant can bypass it.
fn answer(
    state: &State,
    request: &HttpRequest,
    form: &Form,
    tenant: &str,
    seen: Option<&mut SeenRequest>,
) -> Result<Value, Refusal> {
    let segment = TenantSegment::parse(state, tenant)?;
    let grant_type = form.get("grant_type")?;
    let (client, proof) = state.authenticate_client(request, form, tenant)?;
    if let Some(seen) = seen {
        seen.client_id = Some(client.client_id.to_owned());
        seen.client_proof = Some(proof.name());
    }
    let request = TokenRequest { state, form, client, proof, tenant: segment };
    match GrantKind::of_grant_type(grant_type) {
        Some(GrantKind::OnBehalfOf) => grants::on_behalf_of(&request),
        Some(GrantKind::ClientCredentials) => grants::client_credentials(&request),
        Some(GrantKind::RefreshToken) => grants::refresh_token(&request),
        Some(GrantKind::Password) => grants::password(&request),
        Some(GrantKind::AuthorizationCode) => grants::authorization_code(&request),
        None => {
            let text = format!("The app requested an unsupported grant type '{grant_type}'.");
            Err(Refusal::bad_request("unsupported_grant_type", 70_003, text))
        }
    }
}

/// The object id of the user whom a request concerns, as far as it can be told before anything is verified.
fn user_of(state: &State, form: &Form) -> Option<String> {
    let claimed =
        form.find("assertion").and_then(unverified_oid).or_else(|| form.find("username").map(str::to_owned)).or_else(
            || {
                let token = form.find("refresh_token")?;
                state.login.find_refresh_token(token, state.clock.now()).map(|grant| grant.oid)
            },
        )?;
    // Only users of the directory are counted: outsiders must not make the log grow.
    state.directory.find_user(&claimed).map(|user| user.oid.to_owned())
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

fn file(state: &State, seen: Option<SeenRequest>, status: u16, refused: Option<u32>) {
    if let Some(mut seen) = seen {
        seen.status = status;
        seen.refused = refused;
        state.calls.answered(seen);
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
