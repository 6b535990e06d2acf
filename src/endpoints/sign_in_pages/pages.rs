use askama::Template;

use super::{AGAIN, BEGIN_PATH, TeamsLibrary};
use crate::pages::NoticeTexts;
use crate::sign_in::{Completion, DisplayNames};

/// The parts that all pages of this door share: the nonce of styles and scripts, and in Teams the notification to its library.
pub(super) struct ChatFrame<'a> {
    pub(super) nonce: String,
    /// In Teams: its library.
    pub(super) teams_library: Option<&'a TeamsLibrary>,
    /// What the page reports to Teams.
    pub(super) notification: TeamsNotification<'a>,
}

/// The result that a page in Teams reports through the Teams library.
#[derive(Clone, Copy)]
pub(super) enum TeamsNotification<'a> {
    /// Success: Teams sends this code in `signin/verifyState`.
    Code(&'a str),
    /// Failure, with this reason.
    Reason(&'a str),
}

impl ChatFrame<'_> {
    fn code(&self) -> &str {
        match self.notification {
            TeamsNotification::Code(code) => code,
            TeamsNotification::Reason(_) => "",
        }
    }

    fn reason(&self) -> &str {
        match self.notification {
            TeamsNotification::Code(_) => "",
            TeamsNotification::Reason(reason) => reason,
        }
    }
}

/// Asks the user whether they started this sign-in.
#[derive(Template)]
#[template(path = "confirm.html")]
pub(super) struct ConfirmPage<'a> {
    frame: ChatFrame<'a>,
    bot: &'a str,
    account: &'a str,
    channel: &'a str,
    /// The address that begins the sign-in anew, if the chat belongs to another account.
    other_account: Option<String>,
}

/// The person whose chat it is, when another one has signed in.
pub(super) struct ChatOwner<'a> {
    /// The owner's name, as the chat shows it.
    pub(super) name: Option<&'a str>,
    /// The handle of the page's sign-in step. The link with which the user signs in with another account carries it.
    pub(super) again: &'a str,
}

/// Says that the chat belongs to another account, and leads to a sign-in with another one. There is no code.
#[derive(Template)]
#[template(path = "other_account.html")]
pub(super) struct OtherAccountPage<'a> {
    frame: ChatFrame<'a>,
    bot: &'a str,
    account: &'a str,
    channel: &'a str,
    owner: Option<&'a str>,
    other_account: String,
}

/// Shows the magic code.
#[derive(Template)]
#[template(path = "code.html")]
pub(super) struct CodePage<'a> {
    frame: ChatFrame<'a>,
    verified: bool,
    bot: &'a str,
    account: &'a str,
    channel: &'a str,
    code: &'a str,
    final_redirect: Option<&'a str>,
}

/// Says that the user is signed in and has nothing left to do.
#[derive(Template)]
#[template(path = "signed_in.html")]
pub(super) struct SignedInPage<'a> {
    frame: ChatFrame<'a>,
    bot: &'a str,
    account: &'a str,
}

/// Shows a failure and what to do about it.
#[derive(Template)]
#[template(path = "chat_notice.html")]
pub(super) struct ChatNoticePage<'a> {
    frame: ChatFrame<'a>,
    texts: NoticeTexts<'a>,
    /// Where the user can begin again.
    again: Option<String>,
}

impl<'a> ChatNoticePage<'a> {
    /// `again` is the handle of the step from which the browser may begin again.
    pub(super) fn new(frame: ChatFrame<'a>, texts: NoticeTexts<'a>, again: Option<&str>) -> Self {
        Self { frame, texts, again: again.map(|handle| format!("{BEGIN_PATH}?{AGAIN}={handle}")) }
    }
}

impl<'a> ConfirmPage<'a> {
    pub(super) fn new(frame: ChatFrame<'a>, names: &'a DisplayNames, again: Option<&str>) -> Self {
        let other_account = again.map(build_again_address);
        Self { frame, bot: &names.bot, account: &names.account, channel: channel_display_name(names), other_account }
    }
}

impl<'a> OtherAccountPage<'a> {
    pub(super) fn new(frame: ChatFrame<'a>, names: &'a DisplayNames, owner: &ChatOwner<'a>) -> Self {
        let channel = channel_display_name(names);
        let other_account = build_again_address(owner.again);
        Self { frame, bot: &names.bot, account: &names.account, channel, owner: owner.name, other_account }
    }
}

impl<'a> SignedInPage<'a> {
    pub(super) fn new(frame: ChatFrame<'a>, names: &'a DisplayNames) -> Self {
        Self { frame, bot: &names.bot, account: &names.account }
    }
}

impl<'a> CodePage<'a> {
    pub(super) fn new(frame: ChatFrame<'a>, completion: &'a Completion) -> Self {
        let Completion { code, verified, names, final_redirect, .. } = completion;
        Self {
            frame,
            verified: *verified,
            bot: &names.bot,
            account: &names.account,
            channel: channel_display_name(names),
            code: code.expose(),
            final_redirect: final_redirect.as_deref(),
        }
    }
}

/// The address that begins the sign-in of the page with this handle anew.
fn build_again_address(handle: &str) -> String {
    format!("{BEGIN_PATH}?{AGAIN}={handle}")
}

/// The name of a channel that users know.
fn channel_display_name(names: &DisplayNames) -> &str {
    let Some(channel) = names.channel.as_ref().filter(|channel| !channel.as_str().is_empty()) else {
        return "your chat";
    };
    channel.kind().display_name().unwrap_or(channel.as_str())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::domain::{ChannelId, Secret};

    #[test]
    fn names_are_escaped_in_pages() {
        let names = DisplayNames {
            bot: "<b>bot</b>".to_owned(),
            account: "<script>alert(1)</script>\"'@x".to_owned(),
            channel: Some(ChannelId::new("<i>")),
        };
        let library =
            TeamsLibrary { address: "https://l.example/?a='b'".parse().unwrap(), integrity: Some("sha384-\"onclick") };
        let frame = |notification| ChatFrame { nonce: "n".to_owned(), teams_library: Some(&library), notification };
        let completion = Completion {
            code: Secret::from("123456"),
            verified: false,
            page_delivers_code: true,
            names: names.clone(),
            final_redirect: Some("https://x.example/\"onclick=\"y".to_owned()),
        };
        for page in [
            ConfirmPage::new(frame(TeamsNotification::Reason("\"><script>")), &names, Some("\"><script>"))
                .render()
                .unwrap(),
            OtherAccountPage::new(
                frame(TeamsNotification::Reason("\"><script>")),
                &names,
                &ChatOwner { name: Some("<script>"), again: "\"><script>" },
            )
            .render()
            .unwrap(),
            CodePage::new(frame(TeamsNotification::Code("\"><script>")), &completion).render().unwrap(),
        ] {
            for bad in ["<b>", "<i>", "<script>", "\"onclick", "='b'", "\"><script>"] {
                assert!(!page.contains(bad), "{bad} in {page}");
            }
        }
    }
}
