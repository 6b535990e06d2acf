use std::sync::Arc;

use super::agent_365::{SentFrom, admit_platform};
use super::problem::Problem;
use super::refusal::CallerRefusal;
use super::service_url::{is_loopback, is_same_service_url, is_within};
use crate::domain::{Bot, CallerEntry, ChannelKind, base_channel};
use crate::observability::to_log_list;
use crate::protocol::{Activity, InvokeKind};
use crate::token_validation::{AppClaims, ChannelClaims};

/// An authenticated caller of a bot, before its activity has been checked.
#[derive(Clone, Debug)]
pub struct Peer {
    /// The bot that the caller may call.
    pub bot: Arc<Bot>,
    pub(super) identity: Identity,
    /// Whether the caller's request was made on this machine without a proxy; `false` also where the bot does not accept
    /// the Emulator.
    pub(super) is_local: bool,
}

/// How a caller has been authenticated.
#[derive(Clone, Debug)]
pub(super) enum Identity {
    Channel(Arc<ChannelClaims>),
    App(Arc<AppClaims>),
    /// The Agent 365 platform. Where an activity is for no agent, it is an application like any other.
    Platform(Arc<AppClaims>),
    /// A caller on this machine without a token; in development mode only.
    Anonymous,
}

/// What a caller is to the bot that has admitted its activity.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AdmittedCaller<'p> {
    /// A channel.
    Channel,
    /// The Agent 365 platform, which states the users of an agent's channels as a channel does.
    Platform {
        /// The tenant of the platform's token, which is the agent's.
        tenant_id: &'p str,
    },
    /// A parent bot, or the Emulator with a token of the bot itself.
    Parent {
        /// Its app id.
        app_id: &'p str,
    },
    /// A caller on this machine without a token; in development mode only.
    Anonymous,
}

impl AdmittedCaller<'_> {
    /// The app id of the parent bot; `None` if the caller is none.
    #[must_use]
    pub const fn parent(&self) -> Option<&str> {
        match self {
            Self::Parent { app_id } => Some(app_id),
            Self::Channel | Self::Platform { .. } | Self::Anonymous => None,
        }
    }
}

impl Peer {
    pub(super) fn admit(
        &self,
        activity: &Activity<'_>,
        required_endorsements: &[String],
    ) -> Result<AdmittedCaller<'_>, CallerRefusal> {
        let admitted = self.check_activity(activity, required_endorsements);
        admitted.map_err(|refusal| refusal.at_bot(self.bot.name.as_str()))
    }

    fn check_activity(
        &self,
        activity: &Activity<'_>,
        required_endorsements: &[String],
    ) -> Result<AdmittedCaller<'_>, CallerRefusal> {
        let service_url = activity.service_url();
        let service_url =
            service_url.ok_or_else(|| CallerRefusal::new(Problem::MissingProperty, "service_url_absent"))?;
        let channel = activity.channel_id();
        if let Identity::Anonymous = &self.identity {
            return admit_anonymous(activity, service_url).map(|()| AdmittedCaller::Anonymous);
        }
        let base = base_channel(channel);
        // No token entitles its bearer to these channels, in any letter case
        // (docs/protocols/bot-auth-and-skills.md §2 rules 24 and 25).
        let kind = ChannelKind::from_name(base);
        if kind == ChannelKind::AppServiceExtension {
            return Err(refuse_channel("channel:extension", channel));
        }
        match &self.identity {
            Identity::Platform(claims) => {
                let place = SentFrom { channel: base, service_url };
                match self.admit_for_agent(activity, claims, place)? {
                    Some(platform) => Ok(platform),
                    None => self.admit_app(activity, claims, place),
                }
            }
            Identity::App(claims) => self.admit_app(activity, claims, SentFrom { channel: base, service_url }),
            _ if kind == ChannelKind::Emulator => Err(refuse_channel("channel:emulator", channel)),
            Identity::Channel(claims) => {
                admit_channel(claims, base, service_url, required_endorsements).map(|()| AdmittedCaller::Channel)
            }
            Identity::Anonymous => Err(refuse_channel("channel:anonymous", channel)),
        }
    }

    /// Admits an activity of the Agent 365 platform; `None` if it is for no agent.
    fn admit_for_agent<'p>(
        &'p self,
        activity: &Activity<'_>,
        claims: &'p AppClaims,
        place: SentFrom<'_>,
    ) -> Result<Option<AdmittedCaller<'p>>, CallerRefusal> {
        let Some(settings) = &self.bot.agent_365 else { return Ok(None) };
        let address = activity.read_agent_address().map_err(|error| {
            CallerRefusal::new(Problem::BadArgument, "agent_activity_form").comparing(&error.to_string(), "")
        })?;
        if !address.is_for_agent {
            return Ok(None);
        }
        admit_platform(&self.bot, settings, claims, &address, place)?;
        Ok(Some(AdmittedCaller::Platform { tenant_id: &claims.tenant_id }))
    }

    fn admit_app<'p>(
        &self,
        activity: &Activity<'_>,
        claims: &'p AppClaims,
        place: SentFrom<'_>,
    ) -> Result<AdmittedCaller<'p>, CallerRefusal> {
        if activity.is_on_emulator() {
            self.admit_emulator(claims, place.service_url)?;
        } else if ChannelKind::from_name(place.channel) == ChannelKind::Emulator {
            return Err(refuse_channel("channel:emulator", activity.channel_id()));
        } else {
            self.admit_parent(claims, place.channel, place.service_url)?;
        }
        Ok(AdmittedCaller::Parent { app_id: &claims.app_id })
    }

    /// The Emulator sends a token of the bot's own app, so it cannot be distinguished from the bot or from any other
    /// client that has the bot's password. It is therefore accepted only from this machine, and only with a service URL
    /// on this machine.
    fn admit_emulator(&self, claims: &AppClaims, service_url: &str) -> Result<(), CallerRefusal> {
        let tenants = &self.bot.emulator_tenants;
        if tenants.is_empty() || claims.app_id != self.bot.app_id {
            return Err(
                refuse_channel("channel:emulator_off", "emulator").comparing(&claims.app_id, self.bot.app_id.clone())
            );
        }
        if !tenants.contains(&claims.tenant_id) {
            let refusal = CallerRefusal::new(Problem::CallerNotAllowed, "emulator_tenant");
            return Err(refusal.comparing(&claims.tenant_id, to_log_list(tenants)));
        }
        if !self.is_local {
            return refused("emulator_peer", Problem::CallerNotAllowed);
        }
        if !is_loopback(service_url) {
            return Err(refuse_url("emulator_service_url", service_url, "http://localhost"));
        }
        Ok(())
    }

    fn admit_parent(&self, claims: &AppClaims, base: &str, service_url: &str) -> Result<(), CallerRefusal> {
        let entries = self.bot.callers.iter().filter(|entry| entry.app_id.eq_ignore_ascii_case(&claims.app_id));
        // A parent may have several entries. If all of them refuse it, the refusal of the last entry is reported.
        let listed = to_log_list(self.bot.callers.iter().map(|entry| entry.app_id.as_str()));
        let refusal = CallerRefusal::new(Problem::CallerNotAllowed, "caller_list");
        let mut outcome = Err(refusal.comparing(&claims.app_id, listed));
        for entry in entries {
            outcome = admit_by(entry, claims, base, service_url);
            if outcome.is_ok() {
                break;
            }
        }
        outcome
    }
}

fn admit_by(entry: &CallerEntry, claims: &AppClaims, base: &str, service_url: &str) -> Result<(), CallerRefusal> {
    if !entry.tenant_id.eq_ignore_ascii_case(&claims.tenant_id) {
        let refusal = CallerRefusal::new(Problem::CallerNotAllowed, "caller_tenant");
        return Err(refusal.comparing(&claims.tenant_id, entry.tenant_id.clone()));
    }
    if !entry.channels.iter().any(|allowed| allowed.eq_ignore_ascii_case(base)) {
        let refusal = CallerRefusal::new(Problem::ChannelNotEndorsed, "caller_channel");
        return Err(refusal.comparing(base, to_log_list(&entry.channels)));
    }
    if !entry.service_url_prefixes.iter().any(|prefix| is_within(service_url, prefix)) {
        return Err(refuse_url("caller_service_url", service_url, &to_log_list(&entry.service_url_prefixes)));
    }
    Ok(())
}

/// Refuses everything but the Emulator's chat with the bot, with the answer that a request without a token gets.
/// Sign-in invokes are refused, since an anonymous caller vouches for no user.
fn admit_anonymous(activity: &Activity<'_>, service_url: &str) -> Result<(), CallerRefusal> {
    if !activity.is_on_emulator() {
        let refusal = CallerRefusal::new(Problem::MissingAuthorization, "anonymous_channel");
        return Err(refusal.comparing(activity.channel_id(), "emulator"));
    }
    if !is_loopback(service_url) {
        return refused("anonymous_service_url", Problem::MissingAuthorization);
    }
    if InvokeKind::possible_kinds(activity).next().is_some() {
        return refused("anonymous_sign_in", Problem::CallerNotAllowed);
    }
    Ok(())
}

fn admit_channel(
    claims: &ChannelClaims,
    base: &str,
    service_url: &str,
    required_endorsements: &[String],
) -> Result<(), CallerRefusal> {
    if !is_same_service_url(service_url, &claims.service_url) {
        let refusal = CallerRefusal::new(Problem::ServiceUrlMismatch, "service_url");
        return Err(refusal.comparing(service_url, claims.service_url.clone()));
    }
    let is_endorsed = |wanted: &str| claims.endorsements.iter().any(|endorsed| endorsed == wanted);
    // Compared exactly, letter case included.
    if !is_endorsed(base) {
        let refusal = CallerRefusal::new(Problem::ChannelNotEndorsed, "endorsements");
        return Err(refusal.comparing(base, claims.endorsements.join(", ")));
    }
    if !required_endorsements.iter().all(|required| is_endorsed(required)) {
        let refusal = CallerRefusal::new(Problem::ChannelNotEndorsed, "required_endorsements");
        return Err(refusal.comparing(&claims.endorsements.join(", "), required_endorsements.join(", ")));
    }
    Ok(())
}

fn refuse_channel(case: &str, channel: &str) -> CallerRefusal {
    CallerRefusal::new(Problem::ChannelNotEndorsed, "channel").in_case(case).comparing(channel, "")
}

fn refuse_url(check: &'static str, service_url: &str, expected: &str) -> CallerRefusal {
    CallerRefusal::new(Problem::ServiceUrlNotAllowed, check).comparing(service_url, expected)
}

fn refused(check: &'static str, problem: Problem) -> Result<(), CallerRefusal> {
    Err(CallerRefusal::new(problem, check))
}
