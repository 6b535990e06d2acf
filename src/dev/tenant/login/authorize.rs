use std::collections::BTreeMap;
use std::sync::Arc;

use actix_web::http::header::{CONTENT_SECURITY_POLICY, HeaderValue};
use actix_web::web::{Data, Form, Path, Query, ServiceConfig};
use actix_web::{HttpRequest, HttpResponse, web};
use serde::Deserialize;
use url::Url;

use super::client_return::{ClientReturn, LoginOutcome, ResponseMode};
use super::login_page::{LoginPage, error_page};
use super::login_state::{IssuedCode, LoginRequest, LoginState, SignInKind};
use super::password::check_password;
use super::redirect_uris::RedirectUris;
use crate::dev::admission::PageOrigins;
use crate::dev::tenant::consents::Consents;
use crate::dev::tenant::directory::{App, Directory, User, UserScenario};
use crate::dev::tenant::refusal::EntraRefusal;
use crate::dev::tenant::scopes::{Resource, ScopeRequest};
use crate::dev::tenant::stories::Stories;
use crate::dev::tenant::tenant_segment::TenantSegment;

/// The query of an authorization request.
type QueryParameters = BTreeMap<String, String>;

/// The fields of the login page's form.
#[derive(Deserialize)]
struct LoginForm {
    ticket: String,
    username: String,
    password: String,
    consent: Option<String>,
    cancel: Option<String>,
}

/// The tenants' authorization endpoint, which shows the login page.
pub(in crate::dev) struct AuthorizationEndpoint {
    pub(in crate::dev) directory: Arc<Directory>,
    pub(in crate::dev) redirect_uris: Arc<RedirectUris>,
    pub(in crate::dev) page_origins: Arc<PageOrigins>,
    pub(in crate::dev) consents: Arc<Consents>,
    pub(in crate::dev) stories: Arc<Stories>,
    pub(in crate::dev) logins: Arc<LoginState>,
}

/// A client, and the redirect URI of its request, which it has registered.
struct ClientAndRedirect<'a> {
    app: &'a App,
    redirect_uri: &'a str,
}

pub(in crate::dev) fn routes(config: &mut ServiceConfig) {
    config.service(
        web::resource("/{tenant}/oauth2/v2.0/authorize")
            .route(web::get().to(show_login_page))
            .route(web::post().to(handle_login_form)),
    );
}

/// Answers GET: checks the authorization request, and shows the login page or, with `prompt=none`, no page at all.
async fn show_login_page(
    request: HttpRequest,
    tenant: Path<String>,
    query: Query<QueryParameters>,
    endpoint: Data<AuthorizationEndpoint>,
) -> HttpResponse {
    let directory = &endpoint.directory;
    let client = match endpoint.find_client_and_redirect(&tenant, &query) {
        Ok(client) => client,
        // The endpoint must not redirect to an address that the client has not registered (RFC 6749 §4.1.2.1).
        Err(refusal) => return error_page(&refusal),
    };
    let text = |name: &str| query.get(name).map(String::as_str).filter(|value| !value.is_empty());
    let mode = ResponseMode::parse(text("response_mode"));
    let client_return = ClientReturn {
        redirect_uri: client.redirect_uri,
        state: text("state"),
        mode: mode.as_ref().copied().unwrap_or(ResponseMode::Query),
    };
    let login = mode.and_then(|mode| check_login_request(directory, &tenant, &query, &client, mode));
    let login = match login {
        Ok(login) => login,
        Err(refusal) => return client_return.redirect(&LoginOutcome::Refused(&refusal)),
    };
    let hint = text("login_hint");
    if text("prompt") == Some("none") {
        let answer = match endpoint.sign_in_silently(&request, login, hint) {
            Ok(code) => client_return.redirect(&LoginOutcome::Code(&code)),
            Err(refusal) => client_return.redirect(&LoginOutcome::Refused(&refusal)),
        };
        return framed_by(answer, client.redirect_uri);
    }
    let ticket = endpoint.logins.open_login(login);
    let session = endpoint.logins.session_of(&request).map(|session| session.oid);
    let selected = hint.or(session.as_deref()).and_then(|known| directory.find_user(known)).map(|user| user.name);
    LoginPage { directory, tenant: &tenant, ticket: &ticket }.render(selected, None)
}

/// Lets only the client's own pages frame an answer.
fn framed_by(mut answer: HttpResponse, redirect_uri: &str) -> HttpResponse {
    let origin = Url::parse(redirect_uri).map(|url| url.origin().ascii_serialization());
    let policy = format!("frame-ancestors {}", origin.as_deref().unwrap_or("'none'"));
    if let Ok(value) = HeaderValue::from_str(&policy) {
        answer.headers_mut().insert(CONTENT_SECURITY_POLICY, value);
    }
    answer
}

/// Answers POST: checks the login page's form and redirects the browser to the client.
async fn handle_login_form(
    tenant: Path<String>,
    form: Form<LoginForm>,
    endpoint: Data<AuthorizationEndpoint>,
) -> HttpResponse {
    let directory = &endpoint.directory;
    let Some(login) = endpoint.logins.find_login(&form.ticket).filter(|login| login.tenant == *tenant) else {
        return error_page(&EntraRefusal::bad_request("invalid_request", 90_014, "This login page is no longer open."));
    };
    let client_return =
        ClientReturn { redirect_uri: &login.redirect_uri, state: login.state.as_deref(), mode: login.response_mode };
    if form.cancel.is_some() {
        let refusal = EntraRefusal::bad_request("access_denied", 65_004, "User declined to consent to access the app.");
        return client_return.redirect(&LoginOutcome::Refused(&refusal));
    }
    let page = LoginPage { directory, tenant: &tenant, ticket: &form.ticket };
    let user = TenantSegment::parse(directory, &tenant)
        .and_then(|segment| check_password(directory, segment, &form.username, &form.password));
    let user = match user {
        Ok(user) if endpoint.stories.of(user) == UserScenario::Disabled => {
            return page
                .render(Some(user.name), Some(&EntraRefusal::invalid_grant(50_057, "The user account is disabled.")));
        }
        Ok(user) => user,
        Err(refusal) => {
            let typed = directory.find_user(&form.username).map(|user| user.name);
            return page.render(typed, Some(&refusal));
        }
    };
    let Some(client) = directory.find_app(&login.client_id) else {
        return error_page(&EntraRefusal::server_error());
    };
    if form.consent.is_some() {
        endpoint.give_consent(user, client, &login.scope);
    }
    if !endpoint.consents.allow(user, client) {
        let refusal = EntraRefusal::invalid_grant(65_001, "Tick the box to consent, or cancel.");
        return page.render(Some(user.name), Some(&refusal));
    }
    endpoint.logins.close_login(&form.ticket);
    let cookie = endpoint.logins.open_session(user, true);
    let issued = IssuedCode { request: login.clone(), oid: user.oid.to_owned(), kind: SignInKind::LoginPage };
    let mut answer = client_return.redirect(&LoginOutcome::Code(&endpoint.logins.issue_code(issued)));
    if let Err(error) = answer.add_cookie(&cookie) {
        tracing::warn!(%error, "the tenant's cookie cannot be written");
    }
    answer
}

impl AuthorizationEndpoint {
    /// Finds the client of a request, and checks that it has registered the redirect URI.
    fn find_client_and_redirect<'a>(
        &'a self,
        tenant: &str,
        query: &'a QueryParameters,
    ) -> Result<ClientAndRedirect<'a>, EntraRefusal> {
        TenantSegment::parse(&self.directory, tenant)?;
        let client_id = query.get("client_id").ok_or_else(|| EntraRefusal::missing_parameter("client_id"))?;
        let app = self.directory.find_app(client_id).ok_or_else(|| {
            EntraRefusal::bad_request("unauthorized_client", 700_016, "The application was not found in the directory.")
        })?;
        let redirect_uri = query.get("redirect_uri").ok_or_else(|| EntraRefusal::missing_parameter("redirect_uri"))?;
        if self.redirect_uris.contains(app.client_id, redirect_uri) || self.is_own_page(app, redirect_uri) {
            Ok(ClientAndRedirect { app, redirect_uri })
        } else {
            Err(EntraRefusal::bad_request(
                "invalid_request",
                50_011,
                "The redirect URI specified in the request does not match the redirect URIs configured for the application.",
            ))
        }
    }

    /// Whether `redirect_uri` is on a page that may call the stage, and `app` is the app of such pages: all of them are
    /// registered for it.
    fn is_own_page(&self, app: &App, redirect_uri: &str) -> bool {
        let is_of_pages = app.client_id == self.directory.web_chat_client_id();
        is_of_pages
            && Url::parse(redirect_uri).is_ok_and(|url| self.page_origins.admits(&url.origin().ascii_serialization()))
    }

    /// Issues a code for the user who has a session in the browser, if it is the user that the client wants.
    fn sign_in_silently(
        &self,
        request: &HttpRequest,
        login: LoginRequest,
        hint: Option<&str>,
    ) -> Result<String, EntraRefusal> {
        let signed_out = || {
            let text = "Session information is not sufficient for single-sign-on.";
            EntraRefusal::bad_request("login_required", 50_058, text)
        };
        let session = self.logins.session_of(request).ok_or_else(signed_out)?;
        let is_of_session = |hint| self.directory.find_user(hint).is_some_and(|user| user.oid == session.oid);
        let is_wanted = hint.is_none_or(is_of_session);
        let segment = TenantSegment::parse(&self.directory, &login.tenant)?;
        let user = self.directory.find_user(&session.oid).filter(|user| segment.admits(user.tid) && is_wanted);
        let user = user.ok_or_else(signed_out)?;
        let kind = SignInKind::Session { passed_mfa: session.passed_mfa };
        Ok(self.logins.issue_code(IssuedCode { request: login, oid: user.oid.to_owned(), kind }))
    }

    /// Records the consent of `user` to `client`, and to the API in `scope` if there is one: Entra combines the two
    /// consents (`knownClientApplications`).
    fn give_consent(&self, user: &User, client: &App, scope: &str) {
        self.consents.give(user, client.client_id);
        if let Ok(ScopeRequest { resource: Resource::App(api), .. }) = ScopeRequest::parse(&self.directory, scope) {
            self.consents.give(user, api.client_id);
        }
    }
}

fn check_login_request(
    directory: &Directory,
    tenant: &str,
    query: &QueryParameters,
    client: &ClientAndRedirect<'_>,
    response_mode: ResponseMode,
) -> Result<LoginRequest, EntraRefusal> {
    let find = |name: &str| query.get(name).filter(|value| !value.is_empty()).cloned();
    if query.get("response_type").map(String::as_str) != Some("code") {
        let text = "The response_type is not supported: only 'code' is.";
        return Err(EntraRefusal::bad_request("unsupported_response_type", 700_054, text));
    }
    let code_challenge = find("code_challenge");
    let method = find("code_challenge_method");
    if code_challenge.is_some() && method.as_deref() != Some("S256") {
        return Err(EntraRefusal::bad_request("invalid_request", 501_491, "The code_challenge_method must be 'S256'."));
    }
    if code_challenge.is_none() && client.app.secret.is_none() {
        let text = "Proof Key for Code Exchange is required for cross-origin and public-client code redemption.";
        return Err(EntraRefusal::bad_request("invalid_request", 9_002_325, text));
    }
    let scope = find("scope").ok_or_else(|| EntraRefusal::missing_parameter("scope"))?;
    ScopeRequest::parse(directory, &scope)?;
    Ok(LoginRequest {
        tenant: tenant.to_owned(),
        client_id: client.app.client_id.to_owned(),
        redirect_uri: client.redirect_uri.to_owned(),
        scope,
        state: find("state"),
        nonce: find("nonce"),
        code_challenge,
        response_mode,
    })
}
