use std::sync::Arc;

use crate::dev::signing_key::SigningKey;

/// The channels for which the channel's default key is endorsed.
pub(in crate::dev) const ENDORSED_CHANNELS: [&str; 3] = ["msteams", "webchat", "directline"];

/// The keys of the channel's issuer. They differ in their endorsements.
pub(in crate::dev) struct ChannelKeys {
    /// Endorsed for all of `ENDORSED_CHANNELS`.
    pub(in crate::dev) endorsed: Arc<SigningKey>,
    /// Endorsed for `directline` only.
    pub(in crate::dev) directline: Arc<SigningKey>,
    /// Listed without an `endorsements` member.
    pub(in crate::dev) unendorsed: Arc<SigningKey>,
}

impl ChannelKeys {
    /// All keys, each with its endorsements.
    pub(super) fn all_with_endorsements(&self) -> [(&Arc<SigningKey>, Option<&'static [&'static str]>); 3] {
        [
            (&self.endorsed, Some(&ENDORSED_CHANNELS)),
            (&self.directline, Some(&["directline"])),
            (&self.unendorsed, None),
        ]
    }

    /// The key whose `kid` or field name (`endorsed`, `directline`, `unendorsed`) is `name`.
    pub(super) fn find(&self, name: &str) -> Option<&Arc<SigningKey>> {
        match name {
            "endorsed" => Some(&self.endorsed),
            "directline" => Some(&self.directline),
            "unendorsed" => Some(&self.unendorsed),
            kid => self.all_with_endorsements().into_iter().map(|(key, _)| key).find(|key| key.kid() == kid),
        }
    }
}
