use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use serde::Serialize;
use url::Url;

use super::request_fault::RequestFault;
use super::web_message_page::WebMessagePage;
use crate::domain::Secret;
use crate::endpoints::directory::languages::Language;
use crate::inbound::{begin_page, finish_page, redirect_browser};
use crate::pages::{PageFrame, PageSources};

/// How an application gets its answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::endpoints::directory) enum ResponseMode {
    /// In the query of its redirect URI.
    Query,
    /// As a message to the window that opened or frames ours (docs/protocols/app-id.md §Browser pages).
    WebMessage,
}

/// Where the answer to a request goes. The redirect URI is registered.
#[derive(Clone, Debug)]
pub(in crate::endpoints::directory) struct Destination {
    pub(in crate::endpoints::directory) redirect_uri: String,
    pub(in crate::endpoints::directory) mode: ResponseMode,
    /// `state` of the request.
    pub(in crate::endpoints::directory) state: Option<String>,
    /// The issuer of the directory (RFC 9207).
    pub(in crate::endpoints::directory) issuer: String,
    /// Whether the answer may lie in a frame of the application: `prompt=none`, to which no page answers that a user sees.
    pub(in crate::endpoints::directory) may_be_framed: bool,
}

/// The answer to an application.
#[derive(Debug)]
pub(in crate::endpoints::directory) enum AppAnswer {
    /// The user is signed in.
    Code(Secret),
    /// There is no code.
    Fault(RequestFault),
}

/// What a page needs beside its content.
pub(in crate::endpoints::directory) struct PageSetting {
    pub(in crate::endpoints::directory) frame: PageFrame,
    pub(in crate::endpoints::directory) language: Language,
}

/// The parameters of the answer.
#[derive(Serialize)]
struct AnswerParameters<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    code: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    error_description: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    state: Option<&'a str>,
    iss: &'a str,
}

/// The message to the application's window.
#[derive(Serialize)]
struct WebMessage<'a> {
    r#type: &'static str,
    #[serde(flatten)]
    parameters: AnswerParameters<'a>,
}

impl Destination {
    /// Sends `answer` to the application: by a redirect with `status`, or by a page.
    pub(in crate::endpoints::directory) fn respond(
        &self,
        answer: &AppAnswer,
        status: StatusCode,
        setting: PageSetting,
    ) -> HttpResponse {
        let parameters = self.parameters(answer);
        match (self.mode, Url::parse(&self.redirect_uri)) {
            (ResponseMode::WebMessage, Ok(address)) => self.respond_by_page(parameters, &address, setting),
            (ResponseMode::Query, Ok(address)) => {
                redirect_browser(status, add_parameters(address, &parameters).as_str())
            }
            // A registered address is a URL.
            (_, Err(_)) => HttpResponse::InternalServerError().finish(),
        }
    }

    /// The message goes to the application's origin only. A page in a frame of another site could be laid under what the user means
    /// to press, so the application's own pages alone may frame this answer, and only the one that needs no user.
    fn respond_by_page(&self, parameters: AnswerParameters<'_>, address: &Url, setting: PageSetting) -> HttpResponse {
        let origin = address.origin().ascii_serialization();
        let message = WebMessage { r#type: "authorization_response", parameters };
        // Texts always make JSON.
        let message = serde_json::to_string(&message).unwrap_or_default();
        let ancestors = if self.may_be_framed { origin.as_str() } else { "" };
        let policy = setting.frame.content_policy(&PageSources { ancestors, ..PageSources::default() });
        let page = WebMessagePage::new(setting.frame, setting.language.texts(), &origin, message);
        finish_page(begin_page(StatusCode::OK, "no-referrer"), &policy, &page)
    }

    /// Where the sign-in form of a request may lead: `form-action` of its page. The application's own redirects are of the same
    /// navigation, and Chromium checks each of them, so the scheme is named and no host.
    pub(in crate::endpoints::directory) fn form_source(&self) -> &'static str {
        if self.redirect_uri.starts_with("https:") { "https:" } else { "https: http:" }
    }

    fn parameters<'a>(&'a self, answer: &'a AppAnswer) -> AnswerParameters<'a> {
        let (code, fault) = match answer {
            AppAnswer::Code(code) => (Some(code.expose()), None),
            AppAnswer::Fault(fault) => (None, Some(fault)),
        };
        AnswerParameters {
            code,
            error: fault.map(|fault| fault.error()),
            error_description: fault.map(|fault| fault.description()),
            state: self.state.as_deref(),
            iss: &self.issuer,
        }
    }
}

fn add_parameters(mut address: Url, parameters: &AnswerParameters<'_>) -> Url {
    let AnswerParameters { code, error, error_description, state, iss } = *parameters;
    let optional = [("code", code), ("error", error), ("error_description", error_description), ("state", state)];
    let mut query = address.query_pairs_mut();
    for (name, value) in optional {
        if let Some(value) = value {
            query.append_pair(name, value);
        }
    }
    query.append_pair("iss", iss);
    drop(query);
    address
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use actix_web::http::header;

    use super::*;

    fn respond(redirect_uri: &str, mode: ResponseMode, state: &str, answer: &AppAnswer) -> HttpResponse {
        let (state, issuer) = (Some(state.to_owned()), "https://sso.example/oauth/v4/market".to_owned());
        let destination =
            Destination { redirect_uri: redirect_uri.to_owned(), mode, state, issuer, may_be_framed: true };
        let setting = PageSetting { frame: PageFrame { nonce: "n".to_owned() }, language: Language::English };
        destination.respond(answer, StatusCode::FOUND, setting)
    }

    #[test]
    fn a_code_is_added_to_the_query_and_the_state_comes_back_unchanged() {
        let code = AppAnswer::Code(Secret::from("c"));
        let response = respond("http://127.0.0.1:3000/cb?x=%31", ResponseMode::Query, "a b&c=/+\r\n☃", &code);
        assert_eq!(
            response.headers().get(header::LOCATION).unwrap(),
            "http://127.0.0.1:3000/cb?x=%31&code=c&state=a+b%26c%3D%2F%2B%0D%0A%E2%98%83&iss=https%3A%2F%2Fsso.example%2Foauth%2Fv4%2Fmarket"
        );
    }

    #[test]
    fn a_message_goes_to_the_origin_of_the_application_which_alone_may_frame_the_page() {
        let code = AppAnswer::Code(Secret::from("c"));
        let response = respond("https://app.example/a/b", ResponseMode::WebMessage, "</script>\"'", &code);
        let policy = response.headers().get(header::CONTENT_SECURITY_POLICY).unwrap().to_str().unwrap();
        assert!(policy.ends_with("frame-ancestors https://app.example"), "{policy}");
        assert_eq!(response.headers().get(header::CACHE_CONTROL).unwrap(), "no-store");
        let body = actix_web::body::to_bytes(response.into_body());
        let body = futures_util::FutureExt::now_or_never(body).unwrap().unwrap();
        let page = std::str::from_utf8(&body).unwrap();
        assert!(page.contains("data-origin=\"https://app.example\""), "{page}");
        assert!(!page.contains("</script>\"'"), "{page}");
    }

    #[test]
    fn an_error_has_no_code() {
        let fault = AppAnswer::Fault(RequestFault::LoginRequired);
        let response = respond("http://127.0.0.1:3000", ResponseMode::Query, "s", &fault);
        let location = response.headers().get(header::LOCATION).unwrap().to_str().unwrap();
        assert!(location.starts_with("http://127.0.0.1:3000/?error=login_required&error_description="), "{location}");
        assert!(!location.contains("code="), "{location}");
    }
}
