//! The texts of the pages of self-service.

mod english;
mod german;
mod japanese;

use crate::endpoints::directory::languages::{Language, NoticeText};

/// The texts of these pages in one language. A language without one of them does not compile.
pub(super) struct SelfServiceTexts {
    pub(super) sign_up: SignUpTexts,
    pub(super) forgot: ForgotTexts,
    pub(super) mailbox: MailboxTexts,
    pub(super) password: PasswordTexts,
    pub(super) details: DetailsTexts,
    pub(super) links: LinkTexts,
    pub(super) faults: FaultTexts,
    /// The link to the sign-in page.
    pub(super) sign_in: &'static str,
    /// What comes before and after the application's name in the link to it.
    pub(super) to_application: [&'static str; 2],
    /// The setting of the page is off.
    pub(super) switched_off: NoticeText,
}

/// The page on which strangers become users.
pub(super) struct SignUpTexts {
    pub(super) title: &'static str,
    /// The label of the name for people.
    pub(super) name: &'static str,
    pub(super) submit: &'static str,
}

/// The page for a forgotten password.
pub(super) struct ForgotTexts {
    pub(super) title: &'static str,
    pub(super) lead: &'static str,
    pub(super) submit: &'static str,
}

/// The page after a message was sent, or was not.
pub(super) struct MailboxTexts {
    pub(super) title: &'static str,
    /// After a sign-up.
    pub(super) signed_up: &'static str,
    /// After a password was forgotten.
    pub(super) forgot: &'static str,
    /// What the user does without a message.
    pub(super) advice: &'static str,
}

/// The pages on which users choose a password.
pub(super) struct PasswordTexts {
    /// The title of the page for users who know the present password.
    pub(super) change: &'static str,
    /// The title of the page behind a link.
    pub(super) choose: &'static str,
    /// The label of the present password.
    pub(super) old: &'static str,
    /// The label of the new password.
    pub(super) new: &'static str,
    /// The rule where the directory has none of its own.
    pub(super) rule: &'static str,
    pub(super) submit: &'static str,
    /// The new password is set.
    pub(super) changed: NoticeText,
}

/// The page for names.
pub(super) struct DetailsTexts {
    pub(super) title: &'static str,
    /// What comes before and after the name or address of the account.
    pub(super) account: [&'static str; 2],
    /// The label of the name as it is displayed.
    pub(super) display: &'static str,
    pub(super) given: &'static str,
    pub(super) family: &'static str,
    pub(super) submit: &'static str,
    /// The code of the page is not good, and the browser has no session.
    pub(super) ended: NoticeText,
}

/// The pages behind the links of messages.
pub(super) struct LinkTexts {
    /// The title of the page that confirms an address.
    pub(super) confirm: &'static str,
    /// What comes before and after the address.
    pub(super) confirm_lead: [&'static str; 2],
    pub(super) confirm_submit: &'static str,
    /// The button that leads to the operator's own page for a new password.
    pub(super) go_on: &'static str,
    /// The address is confirmed.
    pub(super) confirmed: NoticeText,
    /// The link is unknown, or has ended.
    pub(super) ended: NoticeText,
}

/// What is wrong with what the user has typed.
pub(super) struct FaultTexts {
    /// A field is empty.
    pub(super) incomplete: &'static str,
    /// A name or an address cannot be one.
    pub(super) bad_value: &'static str,
    /// Another user has the user name.
    pub(super) name_taken: &'static str,
    /// The present password is wrong, or the user may not sign in.
    pub(super) wrong_password: &'static str,
    /// The password was changed only just.
    pub(super) too_soon: &'static str,
    /// The new password is too short or too long.
    pub(super) length: &'static str,
    /// The new password does not match the directory's pattern, which has no text of its own.
    pub(super) pattern: &'static str,
    /// The new password contains a name.
    pub(super) contains_name: &'static str,
    /// The new password is one of the last ones.
    pub(super) reused: &'static str,
}

impl SelfServiceTexts {
    /// The texts in `language`.
    pub(super) const fn of(language: Language) -> &'static Self {
        match language {
            Language::English => &english::TEXTS,
            Language::Japanese => &japanese::TEXTS,
            Language::German => &german::TEXTS,
        }
    }
}

const fn notice(title: &'static str, happened: &'static str, advice: &'static str) -> NoticeText {
    NoticeText { title, happened, advice }
}
