use actix_web::HttpResponse;
use actix_web::http::{StatusCode, header};
use askama::Template;

use super::SignInPages;
use super::pages::{CodePage, ConfirmPage, Dress, NoticePage, Told};
use crate::domain::ChannelId;
use crate::inbound::Problem;
use crate::protocol::CANCELLED_BY_USER;
use crate::sign_in::{Completion, DisplayNames, ProviderRefusal, SignInError, SignInFailure};

/// Where the Teams library has its list of hosts from, wherever it is loaded from itself.
const TEAMS_LIBRARY_HOME: &str = "https://res.cdn.office.net";

/// What is said of a failure: for programs, and for people.
struct Words {
    status: StatusCode,
    reason: &'static str,
    title: &'static str,
    happened: &'static str,
    advice: &'static str,
}

const START_AGAIN: &str = "Go back to your chat, ask the bot to sign you in again, and use the new button.";
const ASK_ADMINISTRATOR: &str = "Ask your administrator, and give them the reference below.";
const TRY_LATER: &str = "Try again in a moment. If it happens again, give the reference below to your administrator.";

/// The one table from errors to pages.
#[rustfmt::skip]
fn words_of(error: SignInError) -> Words {
    let words = |status, reason, title, happened, advice| Words { status, reason, title, happened, advice };
    match error {
        SignInError::LinkUnknown => words(StatusCode::GONE, "LinkUnknown", "This sign-in is over",
            "The link has expired, was answered already, or you have signed out since.", START_AGAIN),
        SignInError::StateUnknown => words(StatusCode::GONE, "StateUnknown", "This step is over",
            "The page was used already, or too much time has passed.", START_AGAIN),
        SignInError::FormUnreadable => words(StatusCode::BAD_REQUEST, "FormUnreadable", "Your answer did not arrive",
            "What the browser sent is not what this page sends.", START_AGAIN),
        SignInError::OtherBrowser => words(StatusCode::FORBIDDEN, "OtherBrowser", "This is not the browser that began",
            "The sign-in was begun in another browser, or this one keeps no cookies.",
            "Open the button from your chat in this browser, and allow cookies for this site."),
        SignInError::ProviderRefused(ProviderRefusal::Cancelled) => words(StatusCode::OK, CANCELLED_BY_USER, "You have cancelled",
            "Nobody was signed in, and the bot can do nothing for you that needs it.", START_AGAIN),
        SignInError::ProviderRefused(ProviderRefusal::ConsentMissing) => words(StatusCode::FORBIDDEN, "ConsentRequired",
            "Consent is missing", "The bot may not act for you before somebody has agreed to it.",
            "Agree when you are asked. If you cannot, ask your administrator to agree for everybody."),
        SignInError::ProviderRefused(ProviderRefusal::InteractionRequired) => words(StatusCode::FORBIDDEN, "InteractionRequired",
            "One more proof is wanted", "Your organisation wants more of you than this sign-in brought.", START_AGAIN),
        SignInError::ProviderRefused(ProviderRefusal::Denied) => words(StatusCode::FORBIDDEN, "Denied", "You may not sign in here",
            "Your account is not allowed to use this bot.", ASK_ADMINISTRATOR),
        SignInError::ProviderRefused(ProviderRefusal::Other) => words(StatusCode::FORBIDDEN, "ProviderRefused",
            "You could not be signed in", "The sign-in page answered with an error.", START_AGAIN),
        SignInError::IssuerMismatch => words(StatusCode::BAD_REQUEST, "IssuerMismatch", "You could not be signed in",
            "The answer came from another place than the one you were sent to.", ASK_ADMINISTRATOR),
        SignInError::IdTokenRejected { .. } => words(StatusCode::FORBIDDEN, "IdTokenRejected", "You could not be signed in",
            "What the sign-in page says of you could not be verified.", ASK_ADMINISTRATOR),
        SignInError::TenantNotAllowed => words(StatusCode::FORBIDDEN, "TenantNotAllowed", "This account cannot be used here",
            "The bot does not take accounts of your organisation.", "Start again in your chat, and choose another account."),
        SignInError::Throttled { .. } => words(StatusCode::TOO_MANY_REQUESTS, "Throttled", "Too many attempts",
            "There were many attempts to sign in within a short time.", "Wait a minute, then try again."),
        SignInError::Unavailable => words(StatusCode::SERVICE_UNAVAILABLE, "Unavailable", "The sign-in page cannot be reached",
            "The service that signs you in does not answer.", TRY_LATER),
        SignInError::Misconfigured => words(StatusCode::SERVICE_UNAVAILABLE, "Misconfigured", "The bot is not set up correctly",
            "You cannot be signed in before its operator has changed that.", ASK_ADMINISTRATOR),
        SignInError::Storage => words(StatusCode::SERVICE_UNAVAILABLE, "Storage", "Something went wrong on our side",
            "Your sign-in could not be kept.", TRY_LATER),
    }
}

/// Writes answers for one request.
pub(super) struct Answering<'a> {
    pub(super) door: &'a SignInPages,
    pub(super) correlation_id: &'a str,
}

impl Answering<'_> {
    /// Asks the user. Its form says where it comes from, which `no-referrer` would keep from us (Fetch, "append a
    /// request
    /// Origin header"), and no other place is told.
    pub(super) fn confirm(&self, names: &DisplayNames) -> HttpResponse {
        let dress = self.dress(None, Told::Reason(""));
        let policy = self.policy(&dress);
        let response = prepare(StatusCode::OK, "same-origin");
        finish(response, &policy, &ConfirmPage::new(dress, names))
    }

    /// Shows the code.
    pub(super) fn code(&self, completion: &Completion) -> HttpResponse {
        let channel = completion.names.channel.as_ref().filter(|_| completion.page_delivers_code);
        let dress = self.dress(channel, Told::Code(completion.code.expose()));
        let policy = self.policy(&dress);
        let response = prepare(StatusCode::OK, "no-referrer");
        finish(response, &policy, &CodePage::new(dress, completion))
    }

    /// The user does not know this sign-in.
    pub(super) fn cancelled(&self, names: &DisplayNames) -> HttpResponse {
        self.notice(&words_of(SignInError::ProviderRefused(ProviderRefusal::Cancelled)), names.channel.as_ref(), None)
    }

    /// Says what happened, here and in the log.
    pub(super) fn failed(&self, failure: &SignInFailure) -> HttpResponse {
        let words = words_of(failure.error);
        let diagnostics = &failure.diagnostics;
        let security = matches!(failure.error, SignInError::IssuerMismatch | SignInError::IdTokenRejected { .. });
        tracing::warn!(
            correlation_id = self.correlation_id,
            code = words.reason,
            reason = %failure.error,
            channel = failure.channel.as_ref().map(ChannelId::as_str),
            http_status = diagnostics.http_status,
            error = diagnostics.error.as_deref(),
            suberror = diagnostics.suberror.as_deref(),
            aadsts = diagnostics.aadsts,
            trace_id = diagnostics.trace_id.as_deref(),
            hint = diagnostics.hint,
            security,
            "a browser sign-in did not get on"
        );
        let retry_after = match failure.error {
            SignInError::Throttled { retry_after } => Some(retry_after),
            SignInError::Unavailable | SignInError::Storage => Some(5),
            _ => None,
        };
        self.notice(&words, failure.channel.as_ref(), retry_after)
    }

    fn notice(&self, words: &Words, channel: Option<&ChannelId>, retry_after: Option<u64>) -> HttpResponse {
        let dress = self.dress(channel, Told::Reason(words.reason));
        let policy = self.policy(&dress);
        let mut response = prepare(words.status, "no-referrer");
        if let Some(seconds) = retry_after {
            response.insert_header((header::RETRY_AFTER, seconds));
        }
        let Words { title, happened, advice, .. } = *words;
        finish(response, &policy, &NoticePage { dress, title, happened, advice, correlation_id: self.correlation_id })
    }

    fn dress<'d>(&'d self, channel: Option<&ChannelId>, told: Told<'d>) -> Dress<'d> {
        let mut random = [0; 16];
        self.door.entropy.fill(&mut random);
        let in_teams = channel.is_some_and(|channel| channel.kind().is_teams());
        let teams_library = in_teams.then(|| self.door.teams_library.as_str());
        Dress { nonce: format!("{:032x}", u128::from_be_bytes(random)), teams_library, told }
    }

    /// Nothing but what a page itself brings, and in Teams the library, which asks at home whom to speak to.
    fn policy(&self, dress: &Dress<'_>) -> String {
        let nonce = &dress.nonce;
        let (connects, ancestors) = match dress.teams_library {
            Some(_) if !self.door.frame_ancestors.is_empty() => (true, self.door.frame_ancestors.join(" ")),
            library => (library.is_some(), "'none'".to_owned()),
        };
        let connects = if connects { format!("connect-src {TEAMS_LIBRARY_HOME}; ") } else { String::new() };
        format!(
            "default-src 'none'; style-src 'nonce-{nonce}'; script-src 'nonce-{nonce}'; {connects}form-action 'self'; \
             base-uri 'none'; frame-ancestors {ancestors}"
        )
    }
}

/// Sends the browser on.
pub(super) fn redirect(address: &str) -> HttpResponse {
    let mut response = prepare(StatusCode::FOUND, "no-referrer");
    response.insert_header((header::CONTENT_SECURITY_POLICY, "default-src 'none'; frame-ancestors 'none'"));
    response.insert_header((header::LOCATION, address)).finish()
}

fn prepare(status: StatusCode, referrer_policy: &'static str) -> actix_web::HttpResponseBuilder {
    let mut response = HttpResponse::build(status);
    response
        .insert_header((header::CACHE_CONTROL, "no-store"))
        .insert_header((header::REFERRER_POLICY, referrer_policy))
        .insert_header((header::X_CONTENT_TYPE_OPTIONS, "nosniff"));
    response
}

fn finish(mut response: actix_web::HttpResponseBuilder, policy: &str, page: &impl Template) -> HttpResponse {
    match page.render() {
        Ok(text) => response
            .insert_header((header::CONTENT_SECURITY_POLICY, policy))
            .content_type("text/html; charset=utf-8")
            .body(text),
        Err(error) => {
            tracing::error!(%error, "a page cannot be written");
            Problem::ServiceUnavailable.respond()
        }
    }
}
