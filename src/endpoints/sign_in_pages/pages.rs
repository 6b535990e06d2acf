use askama::Template;

use crate::sign_in::{Completion, DisplayNames};

/// What every page wears: the nonce of its style and scripts, and in Teams what is told to the library.
pub(super) struct Dress<'a> {
    pub(super) nonce: String,
    /// In Teams: where its library is.
    pub(super) teams_library: Option<&'a str>,
    /// What Teams is told.
    pub(super) told: Told<'a>,
}

/// What a page in Teams notifies.
#[derive(Clone, Copy)]
pub(super) enum Told<'a> {
    /// Success: with this code Teams sends `signin/verifyState`.
    Code(&'a str),
    /// Failure, for this reason.
    Reason(&'a str),
}

impl Dress<'_> {
    fn code(&self) -> &str {
        match self.told {
            Told::Code(code) => code,
            Told::Reason(_) => "",
        }
    }

    fn reason(&self) -> &str {
        match self.told {
            Told::Code(_) => "",
            Told::Reason(reason) => reason,
        }
    }
}

/// Asks the user whether they began this.
#[derive(Template)]
#[template(path = "confirm.html")]
pub(super) struct ConfirmPage<'a> {
    dress: Dress<'a>,
    bot: &'a str,
    account: &'a str,
    channel: &'a str,
}

/// Shows the code.
#[derive(Template)]
#[template(path = "code.html")]
pub(super) struct CodePage<'a> {
    dress: Dress<'a>,
    verified: bool,
    bot: &'a str,
    account: &'a str,
    channel: &'a str,
    code: &'a str,
    final_redirect: Option<&'a str>,
}

/// Says what happened.
#[derive(Template)]
#[template(path = "notice.html")]
pub(super) struct NoticePage<'a> {
    pub(super) dress: Dress<'a>,
    pub(super) title: &'a str,
    pub(super) happened: &'a str,
    pub(super) advice: &'a str,
    pub(super) correlation_id: &'a str,
}

impl<'a> ConfirmPage<'a> {
    pub(super) fn new(dress: Dress<'a>, names: &'a DisplayNames) -> Self {
        Self { dress, bot: &names.bot, account: &names.account, channel: spoken(names) }
    }
}

impl<'a> CodePage<'a> {
    pub(super) fn new(dress: Dress<'a>, completion: &'a Completion) -> Self {
        let Completion { code, verified, names, final_redirect, .. } = completion;
        Self {
            dress,
            verified: *verified,
            bot: &names.bot,
            account: &names.account,
            channel: spoken(names),
            code: code.expose(),
            final_redirect: final_redirect.as_deref(),
        }
    }
}

/// What people call a channel.
fn spoken(names: &DisplayNames) -> &str {
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
    fn names_are_shown_as_text_whatever_they_are() {
        let names = DisplayNames {
            bot: "<b>bot</b>".to_owned(),
            account: "<script>alert(1)</script>\"'@x".to_owned(),
            channel: Some(ChannelId::base_of("<i>")),
        };
        let dress = |told| Dress { nonce: "n".to_owned(), teams_library: Some("https://l.example/?a=\"b\""), told };
        let completion = Completion {
            code: Secret::from("123456"),
            verified: false,
            page_delivers_code: true,
            names: names.clone(),
            final_redirect: Some("https://x.example/\"onclick=\"y".to_owned()),
        };
        for page in [
            ConfirmPage::new(dress(Told::Reason("\"><script>")), &names).render().unwrap(),
            CodePage::new(dress(Told::Code("\"><script>")), &completion).render().unwrap(),
        ] {
            for bad in ["<b>", "<i>", "<script>", "\"onclick", "=\"b\"", "\"><script>"] {
                assert!(!page.contains(bad), "{bad} in {page}");
            }
        }
    }
}
