use super::records::{Completed, Identified, Success};
use super::slot_for_card;
use crate::cards::PendingSignIn;
use crate::domain::{ChannelId, Secret};
use crate::exchange::BrowserBinding;
use crate::observability::{AuditEntry, AuditEvent, conceal};

/// The names that a page shows for a sign-in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DisplayNames {
    /// The bot that asked for the sign-in.
    pub bot: String,
    /// The account that signed in, by the name that the identity provider gives it.
    pub account: String,
    /// The channel of the chat, if the sign-in began in a channel.
    pub channel: Option<ChannelId>,
}

/// The result of [`SignInCompletion::review`](crate::sign_in::SignInCompletion::review): what the last page shows.
#[derive(Debug)]
pub enum SignInReview {
    /// The user has to confirm that they began this sign-in.
    Confirm {
        /// The names that the page shows.
        names: DisplayNames,
        /// Teams states another person for the chat than the one who has signed in.
        is_another_person: bool,
    },
    /// Teams states another person for the chat than the one who has signed in: there is no code.
    OtherAccount {
        /// The names that the page shows.
        names: DisplayNames,
        /// The name of the person whose chat it is, as the chat shows it.
        owner: Option<String>,
    },
    /// The sign-in is complete, and its code can be redeemed.
    Completed(Completion),
    /// The sign-in is complete, and the user has it in the chat: there is no code to show any more.
    SignedIn(DisplayNames),
    /// The user has cancelled the sign-in.
    Cancelled(DisplayNames),
}

/// What the user answered to the question whether they began this sign-in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UserDecision {
    /// The user began it.
    Continue,
    /// The user did not begin it, or means another account.
    Cancel,
}

/// A sign-in that was completed in the browser.
#[derive(Debug)]
pub struct Completion {
    /// The magic code for the chat. Until it is redeemed there, the token is handed out only if `verified` is set.
    pub code: Secret,
    /// Whether the token is kept already, so that the bot can get it at once.
    pub verified: bool,
    /// Whether the page may pass the code to the chat client itself. That is so in Teams, unless the stated identity of
    /// the card's user contradicts the user who signed in. Otherwise the user types the code into the chat.
    pub page_delivers_code: bool,
    /// The names that the page shows.
    pub names: DisplayNames,
    /// Where the browser is redirected at the end instead of a page, if the bot asked for that.
    pub final_redirect: Option<String>,
}

pub(super) fn build_success(card: &PendingSignIn, binding: BrowserBinding) -> Success {
    let verified = binding == BrowserBinding::Proven;
    Success {
        verified,
        page_delivers_code: verified || binding == BrowserBinding::CodeByPage,
        final_redirect: card.final_redirect.clone(),
    }
}

/// Writes the security event of a sign-in that got no code, because the chat is another person's.
pub(super) fn report_withheld_code(card: &PendingSignIn, identified: &Identified, correlation_id: &str) {
    tracing::warn!(
        correlation_id,
        bot = card.account.holder.as_str(),
        channel = card.account.channel_name(),
        connection = card.connection.as_str(),
        user = %conceal(&identified.grant.token.user),
        hint = "Teams states another person for this chat than the one who signed in: if users of this connection need \
                second accounts, set its allow_other_accounts",
        security = AuditEvent::CodeWithheld.is_security(),
        "a browser sign-in got no code"
    );
    let entry = AuditEntry::new(AuditEvent::CodeWithheld).account(&card.account).connection(card.connection.as_str());
    entry.user(&identified.grant.token.user).correlation_id(correlation_id).write();
}

pub(super) fn build_completion(success: Success, code: Secret, names: DisplayNames) -> Completion {
    let Success { verified, page_delivers_code, final_redirect } = success;
    Completion { code, verified, page_delivers_code, names, final_redirect }
}

pub(super) fn describe_completed(card: &PendingSignIn, identified: &Identified, success: Option<Success>) -> Completed {
    Completed {
        card_id: Some(card.card_id.clone()),
        slot: slot_for_card(card),
        revision: identified.grant.revision,
        user: identified.grant.token.user.clone(),
        account_name: identified.account_name.clone(),
        success,
    }
}

pub(super) fn build_display_names(card: &PendingSignIn, identified: &Identified) -> DisplayNames {
    let (bot, channel) = (card.account.holder.to_string(), card.account.realm.channel().cloned());
    DisplayNames { bot, account: identified.account_name.clone(), channel }
}
