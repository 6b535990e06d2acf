//! `[[bots.<name>.callers]]`: the parent bots that may call a bot as their skill.

use serde::Deserialize;

use crate::config::review::{Place, Proposal, Review, is_loopback, with_https};
use crate::domain::{CallerEntry, ChannelKind};

#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields, expecting = "a table")]
pub(super) struct RawCaller {
    app_id: Option<String>,
    tenant: Option<String>,
    service_urls: Vec<String>,
    channels: Vec<String>,
    vouches_for_channel_users: bool,
}

impl RawCaller {
    pub(super) fn validate(self, review: &mut Review<'_>, place: &Place) -> Option<CallerEntry> {
        let at = place.key("app_id");
        let app_id = review.required(self.app_id, &at, "the calling bot's app id (a GUID)");
        let app_id = app_id.and_then(|text| review.guid(&text, &at));
        let at = place.key("tenant");
        let tenant = review.required(self.tenant, &at, "the tenant (a GUID) that issues the calling bot's tokens");
        let tenant_id = tenant.and_then(|text| review.guid(&text, &at));
        let at = place.key("service_urls");
        if self.service_urls.is_empty() && !review.is_reported(&at) {
            review.report(&at, "is missing: write the serviceUrl addresses of the calling bot".to_owned());
        }
        let mut service_url_prefixes = Vec::new();
        for (index, text) in self.service_urls.iter().enumerate() {
            if !review.refuse_several_addresses(&self.service_urls, index, &at) {
                service_url_prefixes.extend(service_url_prefix(text, review, &at.index(index)));
            }
        }
        let at = place.key("channels");
        if self.channels.is_empty() && !review.is_reported(&at) {
            review.report(&at, "is missing: write the channels that it may speak for, as [\"msteams\"]".to_owned());
        }
        let channels = review.tokens(&self.channels, &at, "a channel");
        let channels: Vec<String> = channels.iter().map(|channel| channel.to_ascii_lowercase()).collect();
        if channels.iter().any(|channel| channel.contains(':')) {
            review.report(&at, "names a part of a channel: write the channel alone, as \"msteams\"".to_owned());
        }
        if channels.iter().any(|channel| !ChannelKind::from_name(channel).allows_parent_bots()) {
            review.report(
                &at,
                "names a channel that no parent bot speaks for: leave out emulator and AseChannel".to_owned(),
            );
        }
        Some(CallerEntry {
            app_id: app_id?,
            tenant_id: tenant_id?,
            service_url_prefixes,
            channels,
            vouches_for_channel_users: self.vouches_for_channel_users,
        })
    }
}

/// The address as the URL parser writes it, with a slash after the host: the prefix `https://a.example` must not match
/// `https://a.example.evil.test`.
pub(super) fn service_url_prefix(text: &str, review: &mut Review<'_>, place: &Place) -> Option<String> {
    let url = review.url(text, place)?;
    if url.scheme() != "https" && !is_loopback(&url) {
        let complaint = format!("{text:?} is plain http, where the bot's answers and token could be read");
        review.propose(place, complaint, Proposal::text(place, with_https(text)));
        return None;
    }
    (!refuse_query(text, review, place)).then(|| url.to_string())
}

/// Reports a prefix of service URLs that has a query.
pub(super) fn refuse_query(text: &str, review: &mut Review<'_>, place: &Place) -> bool {
    let Some((right, _)) = text.split_once('?') else { return false };
    let complaint = format!("{text:?} has a query, and no serviceUrl starts like that");
    review.propose(place, complaint, Proposal::text(place, right));
    true
}
