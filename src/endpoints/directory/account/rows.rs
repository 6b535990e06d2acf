use super::browser_names::name_browser;
use super::overview::{GrantedApplication, HolderTokens, UNNAMED_HOLDER};
use super::texts::AccountTexts;
use crate::domain::{HolderName, LoginProvider, ProviderIdentity, Realm, Timestamp};
use crate::exchange::PersonToken;
use crate::sessions::Session;

/// A moment on the page.
pub(super) struct ShownTime {
    /// As programs read it: `2026-11-21T22:00:00Z`.
    pub(super) machine: String,
    /// As people read it: `2026-11-21 22:00 UTC`.
    pub(super) text: String,
}

/// A browser of the page.
pub(super) struct SessionRow {
    pub(super) id: String,
    pub(super) name: String,
    pub(super) is_this: bool,
    pub(super) since: ShownTime,
    pub(super) last_used: ShownTime,
}

/// An application of the page.
pub(super) struct ApplicationRow {
    pub(super) client_id: String,
    pub(super) name: String,
    pub(super) since: ShownTime,
    pub(super) last_used: ShownTime,
}

/// A bot or back end of the page.
pub(super) struct HolderRow {
    /// The value of the form's field.
    pub(super) value: String,
    pub(super) name: String,
    pub(super) tokens: Vec<TokenRow>,
}

/// What one bot or back end has.
pub(super) struct TokenRow {
    /// The connection, and the resource if the token is for another one.
    pub(super) connection: String,
    /// The place in words; empty for a back end.
    pub(super) channel: String,
    pub(super) since: ShownTime,
    pub(super) renewed: ShownTime,
}

/// An identity provider of the page.
pub(super) struct ProviderRow {
    pub(super) name: String,
    pub(super) label: String,
    /// The person's key there, if it is linked.
    pub(super) linked: Option<String>,
}

impl ShownTime {
    fn of(at: Timestamp) -> Self {
        let machine = at.to_rfc3339();
        let text = match machine.split_once('T') {
            Some((date, time)) => format!("{date} {} UTC", time.get(..5).unwrap_or(time)),
            None => machine.clone(),
        };
        Self { machine, text }
    }
}

impl SessionRow {
    pub(super) fn of(session: &Session, this: &Session, texts: &AccountTexts) -> Self {
        Self {
            id: session.id.clone(),
            name: name_browser(&session.browser).unwrap_or_else(|| texts.unknown_browser.to_owned()),
            is_this: session.id == this.id,
            since: ShownTime::of(session.auth_time),
            last_used: ShownTime::of(session.last_used_at),
        }
    }
}

impl ApplicationRow {
    pub(super) fn of(application: &GrantedApplication) -> Self {
        Self {
            client_id: application.client_id.clone(),
            name: application.name.clone(),
            since: ShownTime::of(application.begun_at),
            last_used: ShownTime::of(application.last_used_at),
        }
    }
}

impl HolderRow {
    pub(super) fn of(holder: &HolderTokens, texts: &AccountTexts) -> Self {
        let name = holder.holder.as_ref().map(|holder| name_holder(holder, texts));
        Self {
            value: holder.holder.as_ref().map_or(UNNAMED_HOLDER, HolderName::as_str).to_owned(),
            name: name.unwrap_or_else(|| texts.unknown_holder.to_owned()),
            tokens: holder.tokens.iter().map(|token| TokenRow::of(token, texts)).collect(),
        }
    }
}

impl TokenRow {
    fn of(token: &PersonToken, texts: &AccountTexts) -> Self {
        let connection = token.slot.as_ref().map(|slot| slot.connection.to_string()).unwrap_or_default();
        Self {
            connection: match &token.resource {
                Some(resource) => format!("{connection} ({resource})"),
                None => connection,
            },
            channel: token.slot.as_ref().map(|slot| name_place(&slot.account.realm, texts)).unwrap_or_default(),
            since: ShownTime::of(token.signed_in_at),
            renewed: ShownTime::of(token.obtained_at),
        }
    }
}

impl ProviderRow {
    pub(super) fn of(provider: &LoginProvider, identities: &[ProviderIdentity]) -> Self {
        let linked = identities.iter().find(|identity| identity.provider == provider.name);
        Self {
            name: provider.name.clone(),
            label: provider.label.clone(),
            linked: linked.map(|identity| identity.key.to_string()),
        }
    }
}

/// The holder as people know it: `Add-in files`.
fn name_holder(holder: &HolderName, texts: &AccountTexts) -> String {
    match holder.as_str().split_once('/') {
        Some(("add-in", name)) => format!("{} {name}", texts.add_in),
        Some(("back-end", name)) => format!("{} {name}", texts.back_end),
        Some(("app", name)) => format!("{} {name}", texts.app),
        _ => format!("{} {}", texts.bot, holder.as_str()),
    }
}

/// Where the user speaks with a bot, by the names of the products.
fn name_place(realm: &Realm, texts: &AccountTexts) -> String {
    let Some(channel) = realm.channel() else { return String::new() };
    let name = match channel.as_str() {
        "msteams" => "Microsoft Teams",
        "m365extensions" => "Microsoft 365 Copilot",
        "agents" => "Microsoft 365",
        "directline" => "Direct Line",
        "directlinespeech" => "Direct Line Speech",
        "webchat" => "Web Chat",
        "emulator" => "Bot Framework Emulator",
        "slack" => "Slack",
        "facebook" => "Messenger",
        "telegram" => "Telegram",
        "line" => "LINE",
        "email" => texts.email,
        "sms" => "SMS",
        other => other,
    };
    match realm {
        Realm::Parent { .. } => format!("{name}, {}", texts.through_another_bot),
        _ => name.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{Account, BotName, ChannelId};
    use crate::endpoints::directory::languages::Language;

    #[test]
    fn places_and_holders_have_the_names_that_people_know() {
        let texts = AccountTexts::of(Language::English);
        let account = |channel| Account::of_channel(&BotName::new("demo"), ChannelId::new(channel), "29:ada");
        assert_eq!(name_place(&account("msteams:COPILOT").realm, texts), "Microsoft Teams");
        assert_eq!(name_place(&account("own").realm, texts), "own");
        let parent = account("msteams").as_parent_account("app");
        assert_eq!(name_place(&parent.realm, texts), "Microsoft Teams, through another bot");
        assert_eq!(name_place(&Realm::BackEnd, texts), "");
        for (holder, name) in [("demo", "Bot demo"), ("add-in/files", "Add-in files"), ("app/app1", "App app1")] {
            assert_eq!(name_holder(&HolderName::new(holder), texts), name);
        }
        assert_eq!(ShownTime::of(Timestamp::from_unix_seconds(0)).text, "1970-01-01 00:00 UTC");
    }
}
