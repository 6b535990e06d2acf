use actix_web::http::header;
use actix_web::{HttpRequest, HttpResponse, web};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::administrators::ApiKeyOwner;
use super::call::ok;
use super::{ManagementDoor, Refused};
use crate::inbound::{
    Answer, Description, Form, Method, Operation, Problem, RequestId, TrustedProxies, announces_form, perform_change,
    read_body,
};
use crate::observability::{AuditEntry, AuditEvent};
use crate::token_issuer::AdministratorTokens;

/// The grant of IBM Cloud's identity service.
const API_KEY_GRANT: &str = "urn:ibm:params:oauth:grant-type:apikey";

/// `POST /identity/token`.
pub(super) const ISSUE: Operation = Operation {
    method: Method::Post,
    path: "/identity/token",
    route: |route| route.to(issue),
    description: || {
        let error = |text: &str| Answer::json::<IdentityError>(text);
        Description::new("GetIdentityToken", "A token of an hour for the API key of an administrator of a directory.")
            .note("The call that IBM Cloud's clients make before a call of the management API.")
            .form_body::<ApiKeyGrant>("The API key is a token of the configuration.")
            .answer(200, Answer::json::<IdentityToken<'_>>("The token, good for the administrator's directory."))
            .answer(400, error("The grant is another one, or the API key is of no administrator."))
            .answer(408, error("The body did not arrive in time."))
            .answer(413, error("The body is larger than `server.body_limit_bytes`."))
            .answer(415, error("The body is no form."))
            .answer(
                429,
                error("Too many calls of the directory, or too many wrong API keys of this address.")
                    .header("Retry-After", "Seconds."),
            )
            .answer(503, error("The store fails.").header("Retry-After", "Seconds."))
    },
};

/// The form; other parameters are ignored.
#[derive(Deserialize, ToSchema)]
#[allow(dead_code, reason = "describes the form, which is read by name")]
struct ApiKeyGrant {
    /// `urn:ibm:params:oauth:grant-type:apikey`.
    grant_type: String,
    /// The API key.
    apikey: String,
}

/// A token of an administrator.
#[derive(Serialize, ToSchema)]
struct IdentityToken<'a> {
    access_token: &'a str,
    /// `Bearer`.
    token_type: &'static str,
    /// The seconds until the token ends.
    expires_in: u32,
    /// When the token ends, in seconds since 1970.
    expiration: i64,
}

/// An error in the members that OAuth clients read, and those that IBM Cloud's clients read.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct IdentityError {
    /// OAuth's word.
    error: &'static str,
    /// The sentence for people.
    #[serde(rename = "error_description")]
    error_description: &'static str,
    /// The same word as `error`.
    error_code: &'static str,
    /// The same sentence.
    error_message: &'static str,
}

async fn issue(http: HttpRequest, payload: web::Payload, door: web::Data<ManagementDoor>) -> HttpResponse {
    issue_and_reply(&http, payload, &door).await.unwrap_or_else(|refused| respond(&refused))
}

async fn issue_and_reply(
    http: &HttpRequest,
    payload: web::Payload,
    door: &web::Data<ManagementDoor>,
) -> Result<HttpResponse, Refused> {
    if !announces_form(http.headers()) {
        return Err(Refused::Problem(Problem::UnsupportedMediaType));
    }
    let body = read_body(http, payload, door.limits).await.map_err(Refused::Problem)?;
    let form = Form::parse(&body).map_err(|_| Refused::Syntax("".into()))?;
    if form.find_repeated(&[]).is_some() || form.find("grant_type") != Some(API_KEY_GRANT) {
        return Err(Refused::Syntax("".into()));
    }
    let key = form.find("apikey").ok_or(Refused::Unauthenticated)?;
    let owner = door.checks.find_owner(http, key).await?;
    let (id, client) = (RequestId::get_or_draw(http, &door.ambient.entropy), TrustedProxies::client_address(http));
    let issuer = door.clone();
    let token = perform_change(async move {
        let token = issuer.checks.issue(&owner).await?;
        let ApiKeyOwner { tenant, administrator } = &owner;
        let entry = AuditEntry::new(AuditEvent::DirectoryAdministratorTokenIssued).tenant(tenant);
        let entry = entry.administrator(&administrator.name);
        entry.correlation_id(&id).client(client).write();
        Ok::<_, Refused>(token)
    });
    let token = token.await?;
    let expires_in = AdministratorTokens::LIFETIME_SECONDS;
    let expiration = door.ambient.now().unix_seconds().saturating_add(i64::from(expires_in));
    Ok(ok().json(IdentityToken { access_token: token.expose(), token_type: "Bearer", expires_in, expiration }))
}

/// The answer to a refusal: the status of the management API, but 400 for a wrong API key, as at IBM Cloud.
fn respond(refused: &Refused) -> HttpResponse {
    let (word, sentence) = match refused {
        Refused::Syntax(_) => {
            ("unsupported_grant_type", "The grant type must be urn:ibm:params:oauth:grant-type:apikey, with an apikey.")
        }
        Refused::TooManyRequests(_) => ("slow_down", "Too many requests; try again later."),
        Refused::Unavailable => ("temporarily_unavailable", "The service is temporarily unavailable."),
        Refused::Problem(_) => ("invalid_request", "The request must be a form in UTF-8."),
        _ => ("invalid_grant", "The API key is not valid."),
    };
    let status = if word == "invalid_grant" {
        actix_web::http::StatusCode::BAD_REQUEST
    } else {
        refused.clone().respond().status()
    };
    let mut response = HttpResponse::build(status);
    response.insert_header((header::CACHE_CONTROL, "no-store"));
    if let Some(wait) = refused.retry_after() {
        response.insert_header((header::RETRY_AFTER, wait));
    }
    let body = IdentityError { error: word, error_description: sentence, error_code: word, error_message: sentence };
    response.json(body)
}
