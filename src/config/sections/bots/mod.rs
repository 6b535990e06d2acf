//! The sections `[bots.<name>]`.
//!
//! Owns the keys of a bot and their checks. It deliberately does not know what a mode or a style does.

mod agent_365;
mod sdk_settings;
mod sign_in_invokes;
mod skill_host_urls;

use std::collections::BTreeMap;

use serde::Deserialize;
use toml::Value;

use crate::config::credentials::{
    AppIdentitySection, CredentialOwner, CredentialSection, RawCredential, validate_credentials, warn_of_secret_ids,
};
use crate::config::identity_providers::EntraSection;
use crate::config::review::{
    CloudDefaults, Context, Place, PlainHttp, Proposal, Review, WordOrList, entries_of, without_repetitions,
};
use crate::domain::{AppScope, Bot, BotName, IdentityBinding, VerifiedUserIds};

use self::agent_365::RawAgent365;
use self::sdk_settings::{RawAfterExchange, RawRefusalStyle, RawSdk, WrittenSdkSettings};
use self::sign_in_invokes::{RawSignInInvoke, validate_sign_in_invokes};
use self::skill_host_urls::validate_skill_host_urls;
use super::callers::RawCaller;

/// The prefix of user ids that Direct Line has verified (docs/architecture.md §Security rules, rule 5).
const DIRECT_LINE_PREFIX: &str = "dl_";

#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields, expecting = "a table")]
pub(in crate::config) struct RawBot {
    app_id: Option<String>,
    tenant: Option<String>,
    endpoint: Option<String>,
    allow_insecure_http: Option<bool>,
    sdk: Option<RawSdk>,
    after_exchange: Option<RawAfterExchange>,
    identity: RawIdentity,
    callers: Vec<RawCaller>,
    agent_365: Option<RawAgent365>,
    identity_provider: Option<String>,
    credentials: Option<Vec<RawCredential>>,
    allow_emulator: bool,
    refusal_style: Option<RawRefusalStyle>,
    sign_in_invokes: Option<Vec<RawSignInInvoke>>,
    skill_host_urls: Option<Vec<String>>,
}

/// How bot-sso requests tokens for a bot itself.
#[derive(Clone, Debug)]
pub struct BotCredentialsSection {
    /// The bot that calls out with the tokens.
    pub bot: BotName,
    /// The name of the identity provider that issues the tokens.
    pub identity_provider: String,
    /// The bot's tenant; `None` for a multi-tenant bot, which uses the cloud's default tenant.
    pub tenant: Option<String>,
    /// The bot's credentials, in the order in which they are tried; never empty.
    pub credentials: Vec<CredentialSection>,
}

impl BotCredentialsSection {
    /// The bot as an application that requests tokens for the connector: in its own tenant, or as a multi-tenant bot in
    /// the cloud's default tenant.
    pub(in crate::config) fn app_identity(
        &self,
        bot: &Bot,
        provider: &EntraSection,
        cloud: &CloudDefaults,
    ) -> Option<AppIdentitySection> {
        let tenant = self.tenant.as_deref().unwrap_or(cloud.default_tenant);
        Some(AppIdentitySection {
            place: format!("bots.{}", bot.name.as_str()),
            token_endpoint: provider.build_token_endpoint(tenant)?,
            identity_provider: self.identity_provider.clone(),
            client_id: bot.app_id.clone(),
            tenant: Some(tenant.to_owned()),
            scope: AppScope::configured_for(cloud.token_service_audience),
            credentials: self.credentials.clone(),
        })
    }
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields, expecting = "a table")]
struct RawIdentity {
    allow_unidentified_teams_users: bool,
    cross_tenants: Vec<String>,
    verified_user_ids: Option<WordOrList>,
}

/// The bots, and the facts about them that other sections need.
#[derive(Default)]
pub(in crate::config) struct ValidatedBots {
    pub(in crate::config) bots: Vec<Bot>,
    /// The tenants that the bots are registered in; a multi-tenant bot has none.
    pub(in crate::config) tenants: BTreeMap<BotName, String>,
    pub(in crate::config) credentials: Vec<BotCredentialsSection>,
    /// The places of `allow_emulator = true`.
    pub(in crate::config) emulator: Vec<Place>,
}

/// Every bot in the file, with its app id in lower case, whether or not the id is valid.
pub(in crate::config) fn written_app_ids(raw: &BTreeMap<String, RawBot>) -> BTreeMap<String, Option<String>> {
    raw.iter().map(|(name, bot)| (name.clone(), bot.written_app_id())).collect()
}

/// The sections `[bots.<name>]`. They may be missing if the file `is_for_others`: add-ins, back ends or apps.
pub(in crate::config) fn validate_bots(
    raw: BTreeMap<String, RawBot>,
    is_for_others: bool,
    context: &Context,
    review: &mut Review<'_>,
) -> ValidatedBots {
    let section = Place::section("bots");
    if raw.is_empty() && !is_for_others && !review.is_reported(&section) {
        let message = "is missing: write a section [bots.<name>] with app_id and endpoint, or one of [add_ins.<name>], \
                       [back_ends.<name>] and [apps.<id>]";
        review.report(&section, message.to_owned());
    }
    let mut validated = ValidatedBots::default();
    for (name, mut bot) in raw {
        let place = section.key(&name);
        review.path_name(&name, "a bot", &place);
        let bot_name = BotName::new(&name);
        let tenant = bot.tenant.as_ref().and_then(|tenant| review.guid(tenant, &place.key("tenant")));
        validated.tenants.extend(tenant.clone().map(|tenant| (bot_name.clone(), tenant)));
        let credentials = bot.take_credentials(context, review, &place);
        validated.credentials.extend(credentials.map(|credentials| credentials.for_bot(bot_name.clone(), tenant)));
        if bot.allow_emulator {
            validated.emulator.push(place.key("allow_emulator"));
        }
        let Some(bot) = bot.validate(bot_name, context.cloud, review, &place) else { continue };
        if let Some(other) = validated.bots.iter().find(|other| other.app_id == bot.app_id) {
            let message = format!("is also the app id of the bot {:?}: each bot has its own", other.name.as_str());
            review.report(&place.key("app_id"), message);
        }
        validated.bots.push(bot);
    }
    validated
}

/// The credentials of a bot, and the identity provider that accepts them.
struct WrittenCredentials {
    identity_provider: String,
    credentials: Vec<CredentialSection>,
}

impl WrittenCredentials {
    fn for_bot(self, bot: BotName, tenant: Option<String>) -> BotCredentialsSection {
        let Self { identity_provider, credentials } = self;
        BotCredentialsSection { bot, identity_provider, tenant, credentials }
    }
}

impl RawBot {
    /// The app id in lower case, unchecked; `validate` reports its problems.
    fn written_app_id(&self) -> Option<String> {
        self.app_id.as_deref().map(str::to_ascii_lowercase)
    }

    fn take_credentials(
        &mut self,
        context: &Context,
        review: &mut Review<'_>,
        place: &Place,
    ) -> Option<WrittenCredentials> {
        let (at, provider_at) = (place.key("credentials"), place.key("identity_provider"));
        let Some(list) = self.credentials.take() else {
            if self.identity_provider.is_some() && !review.is_reported(&at) {
                review.report(&provider_at, "is used with credentials alone: write them, or take it out".to_owned());
            }
            return None;
        };
        let app_id = self.written_app_id();
        let owner =
            CredentialOwner { is_bot: true, client_id: app_id.as_deref(), cloud: context.cloud, openid_issuer: None };
        let credentials = validate_credentials(list, &owner, review, &at);
        warn_of_secret_ids(credentials.as_deref().unwrap_or_default(), review, |index| at.index(index).key("secret"));
        let written = self.identity_provider.take();
        if let Some(name) = written.as_ref().filter(|name| context.is_oidc(name)) {
            let message = format!(
                "{name:?} is of kind \"oidc\", and bots get their tokens from Entra: write one of kind \"entra\""
            );
            review.report(&provider_at, message);
            return None;
        }
        let identity_provider = context.entra_provider(written, review, &provider_at);
        Some(WrittenCredentials { identity_provider: identity_provider?, credentials: credentials? })
    }

    fn validate(self, name: BotName, cloud: &CloudDefaults, review: &mut Review<'_>, place: &Place) -> Option<Bot> {
        let emulator_tenants = self.emulator_tenants(cloud);
        let written_app_id = self.written_app_id();
        let agent_365 =
            self.agent_365.map(|agents| agents.validate(written_app_id.as_deref(), review, &place.key("agent_365")));
        let written = WrittenSdkSettings {
            sdk: self.sdk,
            after_exchange: self.after_exchange,
            refusal_style: self.refusal_style,
        };
        let sdk_settings = written.validate(review, place);
        let sign_in_invokes =
            validate_sign_in_invokes(self.sign_in_invokes, self.after_exchange, review, &place.key("sign_in_invokes"));
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
        let at = place.key("skill_host_urls");
        let skill_host_urls = validate_skill_host_urls(self.skill_host_urls, endpoint.as_ref(), plain, review, &at);
        Some(Bot {
            name,
            app_id: app_id?,
            endpoint: endpoint?,
            sdk: sdk_settings.sdk,
            continuation: sdk_settings.continuation,
            identity: identity?,
            callers,
            agent_365,
            emulator_tenants,
            refusal_style: sdk_settings.refusal_style,
            sign_in_invokes,
            skill_host_urls,
        })
    }

    /// The tenants that may issue the emulator's tokens: the bot's own, and those that it uses for multi-tenant bots.
    fn emulator_tenants(&self, cloud: &CloudDefaults) -> Vec<String> {
        if !self.allow_emulator {
            return Vec::new();
        }
        let fixed = cloud.emulator_tenants.iter().map(|tenant| (*tenant).to_owned());
        fixed.chain(self.tenant.as_ref().map(|tenant| tenant.to_ascii_lowercase())).collect()
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
                let is_all = matches!(word.trim().to_ascii_lowercase().as_str(), "" | "all" | "any" | "*");
                let words = without_repetitions(entries_of(&word)).into_iter().map(Value::String).collect();
                let right = if is_all { Value::String("all".to_owned()) } else { Value::Array(words) };
                let complaint = format!("{word:?} is neither \"all\" nor a list of prefixes");
                review.propose(&at, complaint, Proposal::value(&at, right));
                return None;
            }
            Some(WordOrList::List(prefixes)) if matches!(prefixes.as_slice(), [all] if all == "all" || all == "*") => {
                let complaint = "is a list of prefixes, which this word is not";
                review.propose(&at, complaint.to_owned(), Proposal::text(&at, "all"));
                return None;
            }
            Some(WordOrList::List(prefixes))
                if (0..prefixes.len()).any(|index| review.refuse_several(&prefixes, index, &at)) =>
            {
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
