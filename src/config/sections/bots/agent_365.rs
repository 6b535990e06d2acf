//! `bots.<name>.agent_365`: the agents of a bot's blueprint, and the Agent 365 platform that writes to them.

use serde::Deserialize;

use crate::config::review::{Place, Proposal, Review, with_https};
use crate::config::sections::callers::service_url_prefix;
use crate::domain::Agent365;

/// What an address has in place of the first label of its host.
const ANY_LABEL: &str = "://*.";
/// A label that takes its place while the address is checked.
const SOME_LABEL: &str = "://label.";

#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields, expecting = "a table")]
pub(super) struct RawAgent365 {
    tenants: Vec<String>,
    service_urls: Vec<String>,
    agents: Option<Vec<String>>,
}

impl RawAgent365 {
    /// `bot_app_id` is the app id of the bot as written, in lower case.
    pub(super) fn validate(self, bot_app_id: Option<&str>, review: &mut Review<'_>, place: &Place) -> Agent365 {
        let at = place.key("tenants");
        if self.tenants.is_empty() && !review.is_reported(&at) {
            review.report(&at, "is missing: write the tenants (GUIDs) whose agents the bot serves".to_owned());
        }
        let tenants = review.guids(&self.tenants, &at);
        let at = place.key("service_urls");
        if self.service_urls.is_empty() && !review.is_reported(&at) {
            let example = "[\"https://smba.trafficmanager.net/\", \"https://*.botapi.skype.com/\"]";
            review.report(&at, format!("is missing: write the serviceUrl addresses of the platform: {example}"));
        }
        let mut service_urls = Vec::new();
        for (index, text) in self.service_urls.iter().enumerate() {
            if !review.refuse_several_addresses(&self.service_urls, index, &at) {
                service_urls.extend(service_url_pattern(text, review, &at.index(index)));
            }
        }
        let at = place.key("agents");
        let agents = self.agents.map(|agents| review.guids(&agents, &at));
        if let Some(index) = agents.iter().flatten().position(|agent| Some(agent.as_str()) == bot_app_id) {
            let message = "is the app id of the bot, which is the agents' blueprint: write the app ids of the agents";
            review.report(&at.index(index), message.to_owned());
        }
        if agents.as_ref().is_some_and(Vec::is_empty) {
            let message = "is empty, so no agent is served: write the app ids of the agents, or leave agents out and \
                           let the platform write to every agent of the blueprint";
            review.warn(&at, message.to_owned());
        }
        Agent365 { tenants, service_urls, agents }
    }
}

/// The address as of [`service_url_prefix`], whose host may begin with `*.` and two further labels.
fn service_url_pattern(text: &str, review: &mut Review<'_>, place: &Place) -> Option<String> {
    let filled = text.replacen(ANY_LABEL, SOME_LABEL, 1);
    if filled.contains('*') {
        let complaint = format!("{text:?} has a * that is not the first label of its host in an address");
        let proposal = text.starts_with("*.").then(|| Proposal::text(place, format!("https://{text}")));
        review.propose_or(place, &complaint, proposal, "it as \"https://*.host/\"");
        return None;
    }
    if filled != text
        && let Some((complaint, right)) = correct_pattern(text)
    {
        review.propose(place, complaint, Proposal::text(place, right));
        return None;
    }
    let url = service_url_prefix(&filled, review, place)?;
    if filled == text {
        return Some(url);
    }
    let domain = url.split_once(SOME_LABEL).map_or("", |(_, rest)| rest);
    let labels = domain.split(['/', ':']).next().unwrap_or_default().split('.').filter(|label| !label.is_empty());
    if labels.count() < 2 {
        let message =
            format!("{text:?} fits hosts that are not the platform's: write the domain of the platform after the *");
        review.report(place, message);
        return None;
    }
    Some(url.replacen(SOME_LABEL, ANY_LABEL, 1))
}

/// What is wrong with an address that has a pattern, and the right one.
fn correct_pattern(text: &str) -> Option<(String, String)> {
    if let Some((right, _)) = text.split_once(['?', '#']) {
        return Some((
            format!("{text:?} has a query or a fragment, and no serviceUrl starts like that"),
            right.to_owned(),
        ));
    }
    text.starts_with("http://").then(|| (format!("{text:?} is plain http"), with_https(text)))
}
