use std::sync::Arc;

use super::destination::{Destination, ResponseMode};
use super::parameters::RequestParameters;
use super::request_fault::RequestFault;
use super::untrusted_request::UntrustedRequest;
use crate::accounts::DirectoryView;
use crate::domain::{Application, ApplicationKind};
use crate::endpoints::directory::granted_scope::grant_scope;
use crate::token_issuer::CodeChallenge;

/// The longest `nonce`, in bytes. It is kept with the code, and is a claim of the ID token.
const MAX_NONCE_BYTES: usize = 512;

/// A request whose application and address to return to are trusted. Nothing else of it has been checked.
pub(super) struct TrustedRequest {
    pub(super) view: Arc<DirectoryView>,
    pub(super) application: Application,
    pub(super) destination: Destination,
    parameters: RequestParameters,
}

/// A request that is in order.
pub(super) struct SignInRequest {
    pub(super) view: Arc<DirectoryView>,
    pub(super) application: Application,
    pub(super) destination: Destination,
    /// The request once more, as a query.
    pub(super) query: String,
    pub(super) prompt: Prompt,
    /// The longest time since the user entered the password, in seconds.
    pub(super) max_age: Option<u64>,
    pub(super) login_hint: Option<String>,
    pub(super) id_token_hint: Option<String>,
    /// The granted scope.
    pub(super) scope: String,
    pub(super) nonce: Option<String>,
    pub(super) challenge: Option<CodeChallenge>,
}

/// Whether the user sees a page.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Prompt {
    /// If there is no session.
    IfNeeded,
    /// Never.
    Never,
    /// In any case.
    Always,
}

impl TrustedRequest {
    /// Finds the application and its address. As long as they are not trusted, no browser is sent anywhere.
    pub(super) fn find(view: Arc<DirectoryView>, parameters: RequestParameters) -> Result<Self, UntrustedRequest> {
        let client_id = parameters.find("client_id").ok_or(UntrustedRequest::UnknownApplication)?;
        let application = view.settings.find_application(client_id).ok_or(UntrustedRequest::UnknownApplication)?;
        let redirect_uri = parameters.find("redirect_uri").ok_or(UntrustedRequest::RedirectNotRegistered)?;
        if !view.settings.allows_redirect(application, redirect_uri) {
            return Err(UntrustedRequest::RedirectNotRegistered);
        }
        let destination = Destination {
            redirect_uri: redirect_uri.to_owned(),
            mode: read_response_mode(&parameters).unwrap_or(ResponseMode::Query),
            state: parameters.find("state").map(str::to_owned),
            issuer: view.directory.issuer.clone(),
        };
        Ok(Self { application: application.clone(), destination, parameters, view })
    }

    /// Checks the rest of the request.
    pub(super) fn check(self) -> Result<SignInRequest, RefusedRequest> {
        match self.read() {
            Ok(read) => Ok(SignInRequest {
                query: self.parameters.to_query(),
                login_hint: self.parameters.find("login_hint").map(str::to_owned),
                id_token_hint: self.parameters.find("id_token_hint").map(str::to_owned),
                scope: grant_scope(self.parameters.find("scope")),
                nonce: self.parameters.find("nonce").map(str::to_owned),
                prompt: read.prompt,
                max_age: read.max_age,
                challenge: read.challenge,
                view: self.view,
                application: self.application,
                destination: self.destination,
            }),
            Err(fault) => Err(RefusedRequest { destination: self.destination, fault }),
        }
    }

    fn read(&self) -> Result<ReadParameters, RequestFault> {
        let find = |name| self.parameters.find(name);
        if self.parameters.has_repetition() {
            return Err(RequestFault::RepeatedParameter);
        }
        match find("response_type") {
            None => return Err(RequestFault::ResponseTypeMissing),
            Some("code") => {}
            Some(_) => return Err(RequestFault::OtherResponseType),
        }
        read_response_mode(&self.parameters).ok_or(RequestFault::OtherResponseMode)?;
        if find("idp").is_some_and(|provider| provider != "cloud_directory") {
            return Err(RequestFault::OtherIdentityProvider);
        }
        if find("nonce").is_some_and(|nonce| nonce.len() > MAX_NONCE_BYTES) {
            return Err(RequestFault::NonceTooLong);
        }
        let max_age = find("max_age").map(|text| text.parse().map_err(|_| RequestFault::BadMaxAge)).transpose()?;
        Ok(ReadParameters { prompt: read_prompt(find("prompt"))?, max_age, challenge: self.read_challenge()? })
    }

    /// Reads the challenge of PKCE (RFC 7636 §4.3), without which a public application gets no code (RFC 9700 §2.1.1).
    fn read_challenge(&self) -> Result<Option<CodeChallenge>, RequestFault> {
        let method = self.parameters.find("code_challenge_method");
        match (self.parameters.find("code_challenge"), self.application.kind) {
            (Some(text), _) => CodeChallenge::read(text, method).map(Some).ok_or(RequestFault::BadChallenge),
            (None, _) if method.is_some() => Err(RequestFault::BadChallenge),
            (None, ApplicationKind::SinglePageApp) => Err(RequestFault::ChallengeMissing),
            (None, ApplicationKind::RegularWebApp) => Ok(None),
        }
    }
}

/// A request that is answered with an error at the application's address.
pub(super) struct RefusedRequest {
    pub(super) destination: Destination,
    pub(super) fault: RequestFault,
}

struct ReadParameters {
    prompt: Prompt,
    max_age: Option<u64>,
    challenge: Option<CodeChallenge>,
}

fn read_response_mode(parameters: &RequestParameters) -> Option<ResponseMode> {
    match parameters.find("response_mode") {
        None | Some("query") => Some(ResponseMode::Query),
        Some("web_message") => Some(ResponseMode::WebMessage),
        Some(_) => None,
    }
}

/// `consent` asks for nothing: the operator has consented for all users by registering the application. `select_account` shows
/// the page, on which another user can sign in.
fn read_prompt(text: Option<&str>) -> Result<Prompt, RequestFault> {
    let mut prompt = Prompt::IfNeeded;
    let words: Vec<&str> = text.unwrap_or_default().split_ascii_whitespace().collect();
    for word in &words {
        prompt = match *word {
            "none" if words.len() == 1 => Prompt::Never,
            "login" | "select_account" => Prompt::Always,
            "consent" => prompt,
            _ => return Err(RequestFault::BadPrompt),
        };
    }
    Ok(prompt)
}
