use std::collections::{BTreeMap, BTreeSet};

use serde::Deserialize;

use crate::domain::{Bot, BotName, CallerEntry, ContinuationMode, IdentityBinding, RefusalStyle, VerifiedUserIds};

use super::addresses::{PlainHttp, is_loopback};
use super::cloud::CloudDefaults;
use super::connections::provider_of;
use super::credentials::{self, CredentialOwner, CredentialSection, RawCredential};
use super::problems::Place;
use super::review::Review;
use super::values::WordOrList;

/// The ids that Direct Line vouches for (DESIGN §5.5).
const DIRECT_LINE_PREFIX: &str = "dl_";

#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields, expecting = "a table")]
pub(super) struct RawBot {
    app_id: Option<String>,
    tenant: Option<String>,
    endpoint: Option<String>,
    allow_insecure_http: Option<bool>,
    after_exchange: RawAfterExchange,
    identity: RawIdentity,
    callers: Vec<RawCaller>,
    identity_provider: Option<String>,
    credentials: Option<Vec<RawCredential>>,
    allow_emulator: bool,
    refusal_style: RawRefusalStyle,
}

/// How a bot gets tokens of its own.
#[derive(Clone, Debug)]
pub struct BotCredentialsSection {
    /// The bot.
    pub bot: BotName,
    /// Where it asks: the name of an identity provider.
    pub identity_provider: String,
    /// Its tenant; none: the cloud's own for multi-tenant bots.
    pub tenant: Option<String>,
    /// How it proves itself, in the order in which that is tried; never empty.
    pub credentials: Vec<CredentialSection>,
}

#[derive(Clone, Copy, Debug, Default, Deserialize)]
#[serde(rename_all = "snake_case")]
enum RawAfterExchange {
    #[default]
    Notify,
    Forward,
    None,
}

#[derive(Clone, Copy, Debug, Default, Deserialize)]
#[serde(rename_all = "snake_case")]
enum RawRefusalStyle {
    #[default]
    #[serde(rename = "json400")]
    Json400,
    #[serde(rename = "text400")]
    Text400,
    OkWithoutToken,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields, expecting = "a table")]
struct RawIdentity {
    allow_unidentified_teams_users: bool,
    cross_tenants: Vec<String>,
    verified_user_ids: Option<WordOrList>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields, expecting = "a table")]
struct RawCaller {
    app_id: Option<String>,
    tenant: Option<String>,
    service_urls: Vec<String>,
    channels: Vec<String>,
}

/// The bots, and what of them other sections ask for.
#[derive(Default)]
pub(super) struct ValidatedBots {
    pub(super) bots: Vec<Bot>,
    /// Tenants that the bots are registered in.
    pub(super) tenants: BTreeSet<String>,
    pub(super) credentials: Vec<BotCredentialsSection>,
    /// Where the emulator is let in.
    pub(super) emulator: Vec<Place>,
}

/// What a bot may refer to.
pub(super) struct BotReferences<'a> {
    /// Providers of kind `entra`: bots get tokens of no other.
    pub(super) provider_names: &'a [String],
    pub(super) openid_names: &'a [String],
    pub(super) defaults: &'static CloudDefaults,
}

pub(super) fn validate(
    raw: BTreeMap<String, RawBot>,
    references: &BotReferences<'_>,
    review: &mut Review<'_>,
) -> ValidatedBots {
    let section = Place::section("bots");
    if raw.is_empty() && !review.is_reported(&section) {
        review.report(&section, "is missing: write a section [bots.<name>] with app_id and endpoint".to_owned());
    }
    let mut validated = ValidatedBots::default();
    for (name, mut bot) in raw {
        let place = section.key(&name);
        check_name(&name, review, &place);
        let tenant = bot.tenant.as_ref().and_then(|tenant| review.guid(tenant, &place.key("tenant")));
        validated.tenants.extend(tenant.clone());
        validated.credentials.extend(bot.take_credentials((&name, tenant), references, review, &place));
        if bot.allow_emulator {
            validated.emulator.push(place.key("allow_emulator"));
        }
        let Some(bot) = bot.validate(&name, references.defaults, (review, &place)) else { continue };
        if let Some(other) = validated.bots.iter().find(|other| other.app_id == bot.app_id) {
            let message = format!("is also the app id of the bot {:?}: each bot has its own", other.name.as_str());
            review.report(&place.key("app_id"), message);
        }
        validated.bots.push(bot);
    }
    validated
}

impl RawBot {
    fn take_credentials(
        &mut self,
        (name, tenant): (&str, Option<String>),
        references: &BotReferences<'_>,
        review: &mut Review<'_>,
        place: &Place,
    ) -> Option<BotCredentialsSection> {
        let (at, provider_at) = (place.key("credentials"), place.key("identity_provider"));
        let Some(list) = self.credentials.take() else {
            if self.identity_provider.is_some() && !review.is_reported(&at) {
                review.report(&provider_at, "is used with credentials alone: write them, or take it out".to_owned());
            }
            return None;
        };
        // What is wrong with the app id is reported where the app id is read.
        let app_id = self.app_id.as_deref().map(str::to_ascii_lowercase);
        let owner = CredentialOwner { is_bot: true, client_id: app_id.as_deref(), defaults: references.defaults };
        let credentials = credentials::validate(list, &owner, review, &at);
        let written = self.identity_provider.take();
        if let Some(name) = written.as_ref().filter(|name| references.openid_names.contains(name)) {
            let message = format!(
                "{name:?} is of kind \"oidc\", and bots get their tokens from Entra: write one of kind \"entra\""
            );
            review.report(&provider_at, message);
            return None;
        }
        let provider = provider_of(written, references.provider_names, review, &provider_at);
        let (identity_provider, credentials) = (provider?, credentials?);
        Some(BotCredentialsSection { bot: BotName::new(name), identity_provider, tenant, credentials })
    }

    fn validate(self, name: &str, defaults: &CloudDefaults, (review, place): (&mut Review<'_>, &Place)) -> Option<Bot> {
        let emulator_tenants = self.emulator_tenants(defaults);
        let at = place.key("app_id");
        let app_id = review.required(self.app_id, &at, "the bot's app id (a GUID)");
        let app_id = app_id.and_then(|text| review.guid(&text, &at));
        let at = place.key("endpoint");
        let plain = if self.allow_insecure_http == Some(true) { PlainHttp::Allowed } else { PlainHttp::Loopback };
        let endpoint =
            review.required(self.endpoint, &at, "the bot's messages endpoint: \"http://127.0.0.1:3979/api/messages\"");
        let endpoint = endpoint.and_then(|text| review.address(&text, plain, &at));
        let identity = self.identity.validate(review, &place.key("identity"));
        let callers = self.callers.into_iter().enumerate();
        let callers: Vec<_> =
            callers.filter_map(|(index, caller)| caller.validate(review, &place.key("callers").index(index))).collect();
        Some(Bot {
            name: BotName::new(name),
            app_id: app_id?,
            endpoint: endpoint?,
            continuation: self.after_exchange.into(),
            identity: identity?,
            callers,
            emulator_tenants,
            refusal_style: self.refusal_style.into(),
        })
    }

    /// The bot's own tenant and those that the emulator uses for bots of no tenant.
    fn emulator_tenants(&self, defaults: &CloudDefaults) -> Vec<String> {
        if !self.allow_emulator {
            return Vec::new();
        }
        let fixed = defaults.emulator_tenants.iter().map(|tenant| (*tenant).to_owned());
        fixed.chain(self.tenant.as_ref().map(|tenant| tenant.to_ascii_lowercase())).collect()
    }
}

/// A bot's name is a segment of the gateway's paths.
fn check_name(name: &str, review: &mut Review<'_>, place: &Place) {
    let fits = (1..=64).contains(&name.len())
        && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_');
    if !fits {
        review.report(place, "is no name for a bot: write 1 to 64 letters, digits, - or _".to_owned());
    }
}

impl From<RawAfterExchange> for ContinuationMode {
    fn from(raw: RawAfterExchange) -> Self {
        match raw {
            RawAfterExchange::Notify => Self::Notify,
            RawAfterExchange::Forward => Self::Forward,
            RawAfterExchange::None => Self::None,
        }
    }
}

impl From<RawRefusalStyle> for RefusalStyle {
    fn from(raw: RawRefusalStyle) -> Self {
        match raw {
            RawRefusalStyle::Json400 => Self::Json400,
            RawRefusalStyle::Text400 => Self::Text400,
            RawRefusalStyle::OkWithoutToken => Self::OkWithoutToken,
        }
    }
}

impl RawIdentity {
    fn validate(self, review: &mut Review<'_>, place: &Place) -> Option<IdentityBinding> {
        let cross_tenants = review.guids(&self.cross_tenants, &place.key("cross_tenants"));
        let at = place.key("verified_user_ids");
        let verified_user_ids = match self.verified_user_ids {
            None => VerifiedUserIds::Prefixes(vec![DIRECT_LINE_PREFIX.to_owned()]),
            Some(WordOrList::Word(word)) if word == "all" => VerifiedUserIds::All,
            Some(WordOrList::Word(word)) => {
                review.report(&at, format!("{word:?} is neither: write \"all\", or a list of prefixes as [\"dl_\"]"));
                return None;
            }
            Some(WordOrList::List(prefixes)) if prefixes.iter().any(String::is_empty) => {
                review
                    .report(&at, "has an empty prefix, which fits every id: write \"all\" if that is meant".to_owned());
                return None;
            }
            Some(WordOrList::List(prefixes)) => VerifiedUserIds::Prefixes(prefixes),
        };
        Some(IdentityBinding {
            allow_unidentified_teams_users: self.allow_unidentified_teams_users,
            cross_tenants,
            verified_user_ids,
        })
    }
}

impl RawCaller {
    fn validate(self, review: &mut Review<'_>, place: &Place) -> Option<CallerEntry> {
        let at = place.key("app_id");
        let app_id = review.required(self.app_id, &at, "the calling bot's app id (a GUID)");
        let app_id = app_id.and_then(|text| review.guid(&text, &at));
        let at = place.key("tenant");
        let tenant = review.required(self.tenant, &at, "the tenant (a GUID) that issues the calling bot's tokens");
        let tenant_id = tenant.and_then(|text| review.guid(&text, &at));
        let at = place.key("service_urls");
        if self.service_urls.is_empty() && !review.is_reported(&at) {
            review.report(&at, "is missing: write the addresses that the calling bot is answered at".to_owned());
        }
        let prefixes = self.service_urls.iter().enumerate();
        let service_url_prefixes: Vec<String> =
            prefixes.filter_map(|(index, text)| service_url_prefix(text, review, &at.index(index))).collect();
        let at = place.key("channels");
        if self.channels.is_empty() && !review.is_reported(&at) {
            review.report(&at, "is missing: write the channels that it may speak for, as [\"msteams\"]".to_owned());
        }
        let channels = review.tokens(&self.channels, &at, "a channel");
        let channels: Vec<String> = channels.iter().map(|channel| channel.to_ascii_lowercase()).collect();
        if channels.iter().any(|channel| channel.contains(':')) {
            review.report(&at, "names a part of a channel: write the channel alone, as \"msteams\"".to_owned());
        }
        if channels.iter().any(|channel| channel == "emulator" || channel == "asechannel") {
            review.report(
                &at,
                "names a channel that no parent bot speaks for: leave out emulator and AseChannel".to_owned(),
            );
        }
        Some(CallerEntry { app_id: app_id?, tenant_id: tenant_id?, service_url_prefixes, channels })
    }
}

/// Written out by the URL parser, so that a prefix always goes beyond the host: `https://a.example` must not fit
/// `https://a.example.evil.test`.
fn service_url_prefix(text: &str, review: &mut Review<'_>, place: &Place) -> Option<String> {
    let url = review.url(text, place)?;
    if url.scheme() != "https" && !is_loopback(&url) {
        review.report(
            place,
            format!("{text:?} is plain http, where the bot's answers and token could be read: write https"),
        );
        return None;
    }
    if url.query().is_some() || url.fragment().is_some() || !url.username().is_empty() {
        review.report(place, format!("{text:?} has a query, a fragment or a user: no serviceUrl starts like that"));
        return None;
    }
    Some(url.to_string())
}
