use serde::Deserialize;

use crate::config::review::{Cloud, CloudDefaults, KeySource, Place, PlainHttp, Review, WrittenKeys, metadata_at};

/// How bot-sso recognises that a call comes from a channel.
#[derive(Clone, Debug)]
pub struct ChannelTrustSection {
    /// `iss` of the channels' tokens, compared exactly.
    pub issuer: String,
    /// The source of the channels' keys.
    pub keys: KeySource,
    /// The `callerId` that bots receive for calls of a channel; `None` in a cloud that has none.
    pub caller_id: Option<&'static str>,
    /// Endorsements that a channel's key must have in addition to the channel itself.
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
        // With another issuer's name and the cloud's keys, every token that the cloud's keys sign under that name would
        // be trusted.
        if self.issuer.is_some() && self.metadata_url.is_none() && self.jwks_url.is_none() {
            let message = "comes without its keys: write metadata_url or jwks_url beside it";
            review.report(&place.key("issuer"), message.to_owned());
        }
        let issuer = self.issuer.unwrap_or_else(|| cloud.channel_issuer.to_owned());
        review.url(&issuer, &place.key("issuer"))?;
        review.exact_name(&issuer, cloud.channel_issuer, &place.key("issuer"));
        let plain = PlainHttp::of_section(self.allow_insecure_http);
        let written = WrittenKeys { metadata_url: self.metadata_url, jwks_url: self.jwks_url };
        let keys = written.validate_or_default(metadata_at(cloud.channel_metadata), plain, review, &place)?;
        let at = place.key("required_endorsements");
        let required_endorsements = review.tokens(&self.required_endorsements, &at, "an endorsement");
        Some(ChannelTrustSection { issuer, keys, caller_id: cloud.caller_id, required_endorsements })
    }
}
