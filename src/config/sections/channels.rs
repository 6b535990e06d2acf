use serde::Deserialize;

use crate::config::review::{Cloud, CloudDefaults, KeySource, Place, PlainHttp, Review, WrittenKeys, metadata_at};

/// Whom bot-sso believes that a call comes from a channel.
#[derive(Clone, Debug)]
pub struct ChannelTrustSection {
    /// `iss` of the channels' tokens, compared exactly.
    pub issuer: String,
    /// Where their keys are.
    pub keys: KeySource,
    /// What bots are told as the `callerId` of a channel; `None` where the cloud has none.
    pub caller_id: Option<&'static str>,
    /// What a channel's key must be endorsed for beside the channel itself.
    pub required_endorsements: Vec<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields, expecting = "a table")]
pub(in crate::config) struct RawChannels {
    pub(in crate::config) cloud: Option<Cloud>,
    issuer: Option<String>,
    metadata_url: Option<String>,
    jwks_url: Option<String>,
    allow_insecure_http: Option<bool>,
    required_endorsements: Vec<String>,
}

impl RawChannels {
    pub(in crate::config) fn validate(
        self,
        cloud: &CloudDefaults,
        review: &mut Review<'_>,
    ) -> Option<ChannelTrustSection> {
        let place = Place::section("channels");
        // An issuer of one's own with the public cloud's keys would believe the public cloud's tokens under that name.
        if self.issuer.is_some() && self.metadata_url.is_none() && self.jwks_url.is_none() {
            let message = "comes without its keys: write metadata_url or jwks_url beside it";
            review.report(&place.key("issuer"), message.to_owned());
        }
        let issuer = self.issuer.unwrap_or_else(|| cloud.channel_issuer.to_owned());
        review.url(&issuer, &place.key("issuer"))?;
        let plain = PlainHttp::of_section(self.allow_insecure_http);
        let written = WrittenKeys { metadata_url: self.metadata_url, jwks_url: self.jwks_url };
        let keys = written.validate_or(metadata_at(cloud.channel_metadata), plain, review, &place)?;
        let at = place.key("required_endorsements");
        let required_endorsements = review.tokens(&self.required_endorsements, &at, "an endorsement");
        Some(ChannelTrustSection { issuer, keys, caller_id: cloud.caller_id, required_endorsements })
    }
}
