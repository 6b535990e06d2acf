use actix_web::HttpResponse;
use url::Url;

use super::login_page::error_page;
use crate::dev::tenant::refusal::EntraRefusal;

/// Where a client reads the parameters of the answer (OAuth 2.0 Multiple Response Type Encoding Practices).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::dev) enum ResponseMode {
    /// In the query of the redirect URI.
    Query,
    /// Behind `#`: no server sees them. Pages ask for this.
    Fragment,
}

/// How the browser returns to the client.
pub(super) struct ClientReturn<'a> {
    pub(super) redirect_uri: &'a str,
    pub(super) state: Option<&'a str>,
    pub(super) mode: ResponseMode,
}

/// The result of a login, which the redirect carries to the client.
pub(super) enum LoginOutcome<'a> {
    Code(&'a str),
    Refused(&'a EntraRefusal),
}

impl ResponseMode {
    /// Reads the parameter `response_mode`.
    pub(super) fn parse(text: Option<&str>) -> Result<Self, EntraRefusal> {
        match text {
            None | Some("query") => Ok(Self::Query),
            Some("fragment") => Ok(Self::Fragment),
            Some(_) => Err(EntraRefusal::bad_request(
                "invalid_request",
                90_014,
                "Only response_mode 'query' and 'fragment' are supported.",
            )),
        }
    }
}

impl ClientReturn<'_> {
    /// Redirects the browser to the client.
    pub(super) fn redirect(&self, outcome: &LoginOutcome<'_>) -> HttpResponse {
        let Ok(mut target) = Url::parse(self.redirect_uri) else {
            return error_page(&EntraRefusal::server_error());
        };
        let parameters = self.parameters(outcome);
        match self.mode {
            ResponseMode::Query => {
                target.query_pairs_mut().extend_pairs(&parameters);
            }
            ResponseMode::Fragment => {
                let text = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(&parameters).finish();
                target.set_fragment(Some(&text));
            }
        }
        HttpResponse::Found()
            .insert_header(("Location", target.as_str()))
            .insert_header(("Cache-Control", "no-store"))
            .finish()
    }

    fn parameters(&self, outcome: &LoginOutcome<'_>) -> Vec<(&'static str, String)> {
        let mut parameters = match outcome {
            LoginOutcome::Code(code) => vec![("code", (*code).to_owned())],
            LoginOutcome::Refused(refusal) => {
                vec![("error", refusal.error.to_owned()), ("error_description", refusal.message())]
            }
        };
        parameters.extend(self.state.map(|state| ("state", state.to_owned())));
        parameters
    }
}
