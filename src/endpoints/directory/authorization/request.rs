use std::sync::Arc;

use url::form_urlencoded;

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
pub(in crate::endpoints::directory) struct TrustedRequest {
    pub(in crate::endpoints::directory) view: Arc<DirectoryView>,
    pub(in crate::endpoints::directory) application: Application,
    pub(in crate::endpoints::directory) destination: Destination,
    parameters: RequestParameters,
}

/// A request that is in order.
pub(in crate::endpoints::directory) struct SignInRequest {
    pub(in crate::endpoints::directory) view: Arc<DirectoryView>,
    pub(in crate::endpoints::directory) application: Application,
    pub(in crate::endpoints::directory) destination: Destination,
    /// The request once more, as a query.
    pub(in crate::endpoints::directory) query: String,
    pub(in crate::endpoints::directory) purpose: RequestPurpose,
    /// The other identity provider that the application has chosen.
    pub(in crate::endpoints::directory) provider: Option<String>,
    pub(in crate::endpoints::directory) prompt: Prompt,
    /// The longest time since the user entered the password, in seconds.
    pub(in crate::endpoints::directory) max_age: Option<u64>,
    pub(in crate::endpoints::directory) login_hint: Option<String>,
    pub(in crate::endpoints::directory) id_token_hint: Option<String>,
    /// The granted scope.
    pub(in crate::endpoints::directory) scope: String,
    pub(in crate::endpoints::directory) nonce: Option<String>,
    pub(in crate::endpoints::directory) challenge: Option<CodeChallenge>,
}

/// What an application wants of us.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::endpoints::directory) enum RequestPurpose {
    /// A sign-in (`response_type=code`).
    SignIn,
    /// The page on which strangers become users, and then a sign-in (`response_type=sign_up` of App ID's SDK).
    SignUp,
    /// One of the pages on which users change what is their own. The request has no `response_type`.
    OwnPage,
}

/// Whether the user sees a page.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::endpoints::directory) enum Prompt {
    /// If there is no session.
    IfNeeded,
    /// Never.
    Never,
    /// In any case.
    Always,
}

impl SignInRequest {
    /// The request for the sign-in of a user who goes on from another page, as a query.
    pub(in crate::endpoints::directory) fn to_sign_in_query(&self) -> String {
        let pairs = form_urlencoded::parse(self.query.as_bytes());
        let of_sign_in =
            pairs.map(|(name, value)| if name == "response_type" { (name, "code".into()) } else { (name, value) });
        form_urlencoded::Serializer::new(String::new()).extend_pairs(of_sign_in).finish()
    }

    /// Whether the application could redeem a code for this request: a public one must have sent a challenge (RFC 9700 §2.1.1).
    pub(in crate::endpoints::directory) fn permits_code(&self) -> bool {
        self.application.kind == ApplicationKind::RegularWebApp || self.challenge.is_some()
    }
}

impl TrustedRequest {
    /// Finds the application and its address. As long as they are not trusted, no browser is sent anywhere.
    pub(in crate::endpoints::directory) fn find(
        view: Arc<DirectoryView>,
        parameters: RequestParameters,
    ) -> Result<Self, UntrustedRequest> {
        let client_id = parameters.find("client_id").ok_or(UntrustedRequest::UnknownApplication)?;
        let application = view.find_application(client_id).ok_or(UntrustedRequest::UnknownApplication)?;
        let redirect_uri = parameters.find("redirect_uri").ok_or(UntrustedRequest::RedirectNotRegistered)?;
        if !view.allows_redirect(application, redirect_uri) {
            return Err(UntrustedRequest::RedirectNotRegistered);
        }
        let destination = Destination {
            redirect_uri: redirect_uri.to_owned(),
            mode: read_response_mode(&parameters).unwrap_or(ResponseMode::Query),
            state: parameters.find("state").map(str::to_owned),
            issuer: view.directory.issuer.clone(),
            may_be_framed: parameters.find("prompt") == Some("none"),
        };
        Ok(Self { application: application.clone(), destination, parameters, view })
    }

    /// Checks the rest of the request.
    pub(in crate::endpoints::directory) fn check(self) -> Result<SignInRequest, RefusedRequest> {
        let purpose = match self.parameters.find("response_type") {
            None => Err(RequestFault::ResponseTypeMissing),
            Some("code") => Ok(RequestPurpose::SignIn),
            Some("sign_up") => Ok(RequestPurpose::SignUp),
            Some(_) => Err(RequestFault::OtherResponseType),
        };
        self.check_for(purpose)
    }

    /// Checks the rest of a request for one of the pages on which users change what is their own. App ID's SDK states application
    /// and address alone; the links of the sign-in page state the whole request for the sign-in, which goes on afterwards.
    pub(in crate::endpoints::directory) fn check_for_page(self) -> Result<SignInRequest, RefusedRequest> {
        match self.parameters.find("response_type") {
            None => self.check_for(Ok(RequestPurpose::OwnPage)),
            Some(_) => self.check(),
        }
    }

    fn check_for(self, purpose: Result<RequestPurpose, RequestFault>) -> Result<SignInRequest, RefusedRequest> {
        match purpose.and_then(|purpose| self.read(purpose)) {
            Ok(read) => Ok(SignInRequest {
                query: self.parameters.to_query(),
                login_hint: self.parameters.find("login_hint").map(str::to_owned),
                id_token_hint: self.parameters.find("id_token_hint").map(str::to_owned),
                scope: grant_scope(self.parameters.find("scope")),
                nonce: self.parameters.find("nonce").map(str::to_owned),
                purpose: read.purpose,
                provider: read.provider,
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

    fn read(&self, purpose: RequestPurpose) -> Result<ReadParameters, RequestFault> {
        let find = |name| self.parameters.find(name);
        if self.parameters.has_repetition() {
            return Err(RequestFault::RepeatedParameter);
        }
        read_response_mode(&self.parameters).ok_or(RequestFault::OtherResponseMode)?;
        let provider = self.read_provider()?;
        if find("nonce").is_some_and(|nonce| nonce.len() > MAX_NONCE_BYTES) {
            return Err(RequestFault::NonceTooLong);
        }
        let max_age = find("max_age").map(|text| text.parse().map_err(|_| RequestFault::BadMaxAge)).transpose()?;
        let (prompt, challenge) = (read_prompt(find("prompt"))?, self.read_challenge(purpose)?);
        Ok(ReadParameters { purpose, provider, prompt, max_age, challenge })
    }

    /// Reads `idp`: the directory itself, or one of its other identity providers, at which the sign-in then begins at once.
    fn read_provider(&self) -> Result<Option<String>, RequestFault> {
        let Some(name) = self.parameters.find("idp").filter(|name| *name != "cloud_directory") else { return Ok(None) };
        let is_known = self.view.directory.login_providers.iter().any(|provider| provider.name == name);
        if is_known { Ok(Some(name.to_owned())) } else { Err(RequestFault::OtherIdentityProvider) }
    }

    /// Reads the challenge of PKCE (RFC 7636 §4.3), without which a public application gets no code (RFC 9700 §2.1.1).
    fn read_challenge(&self, purpose: RequestPurpose) -> Result<Option<CodeChallenge>, RequestFault> {
        let method = self.parameters.find("code_challenge_method");
        match (self.parameters.find("code_challenge"), self.application.kind) {
            (Some(text), _) => CodeChallenge::read(text, method).map(Some).ok_or(RequestFault::BadChallenge),
            (None, _) if method.is_some() => Err(RequestFault::BadChallenge),
            (None, ApplicationKind::SinglePageApp) if purpose != RequestPurpose::OwnPage => {
                Err(RequestFault::ChallengeMissing)
            }
            (None, _) => Ok(None),
        }
    }
}

/// A request that is answered with an error at the application's address.
pub(in crate::endpoints::directory) struct RefusedRequest {
    pub(in crate::endpoints::directory) destination: Destination,
    pub(in crate::endpoints::directory) fault: RequestFault,
}

struct ReadParameters {
    purpose: RequestPurpose,
    provider: Option<String>,
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
