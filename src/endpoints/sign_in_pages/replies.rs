use actix_web::HttpResponse;
use actix_web::http::{StatusCode, header};

use super::SignInPages;
use super::pages::{
    ChatFrame, ChatNoticePage, ChatOwner, CodePage, ConfirmPage, OtherAccountPage, SignedInPage, TeamsNotification,
};
use crate::domain::ChannelId;
use crate::inbound::{begin_page, choose_retry_after, finish_page, redirect_browser};
use crate::pages::{NoticeTexts, PageFrame, PageSources};
use crate::protocol::CANCELLED_BY_USER;
use crate::sign_in::{Completion, DisplayNames, ProviderRefusal, SignInError, SignInFailure};

/// The origin from which the Teams library fetches its list of hosts, wherever the library itself is loaded from.
const TEAMS_LIBRARY_ORIGIN: &str = "https://res.cdn.office.net";

/// The texts of a failure: the reason code for programs, the rest for the user.
struct FailureTexts {
    status: StatusCode,
    reason: &'static str,
    title: &'static str,
    happened: &'static str,
    advice: &'static str,
}

const START_AGAIN: &str = "Go back to your chat, ask the bot to sign you in again, and use the new button.";
const ASK_ADMINISTRATOR: &str = "Ask your administrator, and give them the reference below.";
const TRY_LATER: &str = "Try again in a moment. If it happens again, give the reference below to your administrator.";

/// The table from errors to pages.
#[rustfmt::skip]
fn failure_texts(error: SignInError) -> FailureTexts {
    let texts = |status, reason, title, happened, advice| FailureTexts { status, reason, title, happened, advice };
    match error {
        SignInError::LinkUnknown => texts(StatusCode::GONE, "LinkUnknown", "This sign-in has ended",
            "The link has expired or was used already, or you have signed out since.", START_AGAIN),
        SignInError::StateUnknown => texts(StatusCode::GONE, "StateUnknown", "This step has ended",
            "The page has expired, or you have signed out or begun another sign-in since.", START_AGAIN),
        SignInError::FormUnreadable => texts(StatusCode::BAD_REQUEST, "FormUnreadable", "Your answer could not be read",
            "The browser did not send the form of this page.", START_AGAIN),
        SignInError::OtherBrowser => texts(StatusCode::FORBIDDEN, "OtherBrowser", "This sign-in was started elsewhere",
            "The sign-in was started in another browser, or this browser does not keep cookies.",
            "Open the sign-in button of your chat in this browser, and allow cookies for this site."),
        SignInError::ProviderRefused(refusal) => refusal_texts(refusal),
        SignInError::IssuerMismatch => texts(StatusCode::BAD_REQUEST, "IssuerMismatch", "You could not be signed in",
            "The answer came from another sign-in service than the one you were sent to.", ASK_ADMINISTRATOR),
        SignInError::IdTokenRejected { .. } => texts(StatusCode::FORBIDDEN, "IdTokenRejected", "You could not be signed in",
            "The proof of your identity could not be verified.", ASK_ADMINISTRATOR),
        SignInError::TenantNotAllowed => texts(StatusCode::FORBIDDEN, "TenantNotAllowed", "This account cannot be used here",
            "The bot does not accept accounts of your organisation.", "Start again in your chat, and choose another account."),
        SignInError::OtherAccount => texts(StatusCode::FORBIDDEN, "OtherAccount", "This is not the account of your chat",
            "The chat belongs to somebody else than the account that you signed in with.", "Start again in your chat, and choose the account that you use there."),
        SignInError::Throttled { .. } => texts(StatusCode::TOO_MANY_REQUESTS, "Throttled", "Too many attempts",
            "There were many attempts to sign in within a short time.", "Wait a minute, then try again."),
        SignInError::Unavailable => texts(StatusCode::SERVICE_UNAVAILABLE, "Unavailable", "The sign-in page cannot be reached",
            "The service that signs you in does not answer.", TRY_LATER),
        SignInError::Misconfigured => texts(StatusCode::SERVICE_UNAVAILABLE, "Misconfigured", "The bot is not set up correctly",
            "You cannot sign in until its operator has corrected the configuration.", ASK_ADMINISTRATOR),
        SignInError::Storage => texts(StatusCode::SERVICE_UNAVAILABLE, "Storage", "Something went wrong on our side",
            "Your sign-in could not be saved.", TRY_LATER),
    }
}

/// The table from what the identity provider said to pages. The provider's own words are on none of them.
#[rustfmt::skip]
fn refusal_texts(refusal: ProviderRefusal) -> FailureTexts {
    let texts = |status, reason, title, happened, advice| FailureTexts { status, reason, title, happened, advice };
    match refusal {
        ProviderRefusal::Cancelled => texts(StatusCode::OK, CANCELLED_BY_USER, "You have cancelled",
            "You were not signed in. The bot cannot do anything that needs your account.", START_AGAIN),
        ProviderRefusal::AccessRefused => texts(StatusCode::FORBIDDEN, "AccessRefused", "You were not signed in",
            "Access was refused, perhaps by you or by your administrator.",
            "If you did not mean to refuse, begin again. If it happens again, ask your administrator, and give them the reference below."),
        ProviderRefusal::ConsentMissing => texts(StatusCode::FORBIDDEN, "ConsentRequired",
            "Consent is missing", "The bot needs consent before it may act for you.",
            "Start again and consent when you are asked. If you cannot, ask your administrator to consent for all users."),
        ProviderRefusal::InteractionRequired => texts(StatusCode::FORBIDDEN, "InteractionRequired",
            "Another sign-in step is required",
            "Your organisation requires more than this sign-in provided, for example a second factor.", START_AGAIN),
        ProviderRefusal::SignInAgain => texts(StatusCode::FORBIDDEN, "SignInRequired", "Please sign in again",
            "The sign-in page no longer knows you, or it did not wait any longer.", START_AGAIN),
        ProviderRefusal::PageExpired => texts(StatusCode::FORBIDDEN, "PageExpired", "The sign-in page has expired",
            "It was open for too long, or you have signed in in another tab.",
            "Close other tabs with the sign-in page, and begin again."),
        ProviderRefusal::PasswordForgotten => texts(StatusCode::FORBIDDEN, "PasswordForgotten", "You asked for a new password",
            "You were not signed in, and this page cannot change your password.",
            "Change your password where your organisation offers it, and begin again with the new one."),
        ProviderRefusal::AccountSelection => texts(StatusCode::FORBIDDEN, "AccountSelectionRequired", "Choose an account",
            "You use several accounts, and the sign-in page could not tell which one to use.",
            "Begin again, and choose the account that you use in the chat."),
        ProviderRefusal::WrongAccount => texts(StatusCode::FORBIDDEN, "WrongAccount", "This account cannot be used here",
            "The bot's organisation does not know your account.", "Begin again, and choose another account."),
        ProviderRefusal::Denied => texts(StatusCode::FORBIDDEN, "Denied", "You may not sign in here",
            "Your account is not allowed to use this bot.", ASK_ADMINISTRATOR),
        ProviderRefusal::Other => texts(StatusCode::FORBIDDEN, "ProviderRefused",
            "You could not be signed in", "The sign-in page answered with an error.", START_AGAIN),
    }
}

/// What the page of a failure needs beside its texts.
#[derive(Clone, Copy)]
struct NoticeDetails<'d> {
    channel: Option<&'d ChannelId>,
    /// Seconds until another attempt makes sense, if that is known.
    retry_after: Option<u64>,
    /// The step from which the browser may begin again.
    again: Option<&'d str>,
}

/// Builds the answers to one request.
pub(super) struct PageResponder<'a> {
    pub(super) door: &'a SignInPages,
    pub(super) correlation_id: &'a str,
}

impl PageResponder<'_> {
    /// Asks the user to confirm. `again` is the handle of the page, if the chat belongs to another account than the one
    /// that signed in: the page says so and leads to a sign-in with another account. The form's request needs an `Origin` header, which the referrer policy `no-referrer`
    /// would replace by `null` (Fetch, "append a request Origin header"); `same-origin` reveals the address to no other
    /// site.
    pub(super) fn confirm(&self, names: &DisplayNames, again: Option<&str>) -> HttpResponse {
        let frame = self.frame(None, TeamsNotification::Reason(""));
        let policy = self.policy(&frame);
        let response = begin_page(StatusCode::OK, "same-origin");
        finish_page(response, &policy, &ConfirmPage::new(frame, names, again))
    }

    /// Says that the chat belongs to another account. As [`PageResponder::confirm`] in its form.
    pub(super) fn other_account(&self, names: &DisplayNames, owner: &ChatOwner<'_>) -> HttpResponse {
        let frame = self.frame(None, TeamsNotification::Reason(""));
        let policy = self.policy(&frame);
        let response = begin_page(StatusCode::OK, "same-origin");
        finish_page(response, &policy, &OtherAccountPage::new(frame, names, owner))
    }

    /// Shows the magic code.
    pub(super) fn code(&self, completion: &Completion) -> HttpResponse {
        let channel = completion.names.channel.as_ref().filter(|_| completion.page_delivers_code);
        let frame = self.frame(channel, TeamsNotification::Code(completion.code.expose()));
        let policy = self.policy(&frame);
        let response = begin_page(StatusCode::OK, "no-referrer");
        finish_page(response, &policy, &CodePage::new(frame, completion))
    }

    /// The user is signed in, and there is no code to show any more.
    pub(super) fn signed_in(&self, names: &DisplayNames) -> HttpResponse {
        let frame = self.frame(None, TeamsNotification::Reason(""));
        let policy = self.policy(&frame);
        let response = begin_page(StatusCode::OK, "no-referrer");
        finish_page(response, &policy, &SignedInPage::new(frame, names))
    }

    /// The user has cancelled the sign-in at the step `again`, from which the user may begin anew.
    pub(super) fn cancelled(&self, names: &DisplayNames, again: &str) -> HttpResponse {
        self.notice(
            &failure_texts(SignInError::ProviderRefused(ProviderRefusal::Cancelled)),
            NoticeDetails { channel: names.channel.as_ref(), retry_after: None, again: Some(again) },
        )
    }

    /// Shows the failure and logs it.
    pub(super) fn failed(&self, failure: &SignInFailure) -> HttpResponse {
        self.failed_at(failure, None)
    }

    /// As [`PageResponder::failed`], with a link to begin again from the step `again`.
    pub(super) fn failed_at(&self, failure: &SignInFailure, again: Option<&str>) -> HttpResponse {
        let texts = failure_texts(failure.error);
        failure.report(texts.reason, None, self.correlation_id);
        let (channel, retry_after) = (failure.channel.as_ref(), failure.retry_after);
        self.notice(&texts, NoticeDetails { channel, retry_after, again })
    }

    fn notice(&self, texts: &FailureTexts, details: NoticeDetails<'_>) -> HttpResponse {
        let NoticeDetails { channel, retry_after, again } = details;
        let frame = self.frame(channel, TeamsNotification::Reason(texts.reason));
        let policy = self.policy(&frame);
        let mut response = begin_page(texts.status, "no-referrer");
        if let Some(seconds) = choose_retry_after(texts.status, retry_after) {
            response.insert_header((header::RETRY_AFTER, seconds));
        }
        let FailureTexts { title, happened, advice, .. } = *texts;
        finish_page(
            response,
            &policy,
            &ChatNoticePage::new(
                frame,
                NoticeTexts { title, happened, advice, correlation_id: self.correlation_id },
                again,
            ),
        )
    }

    fn frame<'d>(&'d self, channel: Option<&ChannelId>, notification: TeamsNotification<'d>) -> ChatFrame<'d> {
        let PageFrame { nonce } = PageFrame::draw(self.door.entropy.as_ref());
        let in_teams = channel.is_some_and(|channel| channel.kind().is_teams());
        let teams_library = in_teams.then_some(&self.door.teams_library);
        ChatFrame { nonce, teams_library, notification }
    }

    /// The content security policy: only the page's own styles and scripts, and in Teams the Teams library and the
    /// origin from which it fetches its list of hosts.
    fn policy(&self, frame: &ChatFrame<'_>) -> String {
        let ancestors = self.door.frame_ancestors.join(" ");
        let sources = match frame.teams_library {
            Some(_) => PageSources { connects: TEAMS_LIBRARY_ORIGIN, ancestors: &ancestors, ..PageSources::default() },
            None => PageSources::default(),
        };
        PageFrame { nonce: frame.nonce.clone() }.content_policy(&sources)
    }
}

/// Redirects the browser.
pub(super) fn redirect(address: &str) -> HttpResponse {
    redirect_browser(StatusCode::FOUND, address)
}

/// Redirects the browser from a form to the page that shows what came of it.
pub(super) fn see_other(address: &str) -> HttpResponse {
    redirect_browser(StatusCode::SEE_OTHER, address)
}
