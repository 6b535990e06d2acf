use std::ops::RangeInclusive;

use serde::Deserialize;

use crate::config::review::{Place, Review};
use crate::domain::{IdentityField, SsoSettings, TokenSettings};

use super::redirect_uris::{Brought, redirect_uris};

#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields, expecting = "a table")]
pub(super) struct RawSso {
    is_active: bool,
    inactivity_timeout_seconds: Option<u64>,
    logout_redirect_uris: Vec<String>,
}

impl RawSso {
    pub(super) fn validate(self, review: &mut Review<'_>, place: &Place) -> Option<SsoSettings> {
        let defaults = SsoSettings::default();
        let timeout = review.number(
            self.inactivity_timeout_seconds,
            defaults.inactivity_timeout_seconds.into(),
            &(1..=SsoSettings::LONGEST_INACTIVITY_SECONDS.into()),
            &place.key("inactivity_timeout_seconds"),
        );
        let at = place.key("logout_redirect_uris");
        let logout_redirect_uris = redirect_uris(&self.logout_redirect_uris, Brought::Nothing, review, &at);
        Some(SsoSettings {
            is_active: self.is_active,
            inactivity_timeout_seconds: u32::try_from(timeout?).ok()?,
            logout_redirect_uris,
            ..defaults
        })
    }
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields, expecting = "a table")]
pub(super) struct RawTokens {
    access_seconds: Option<u64>,
    refresh_enabled: Option<bool>,
    refresh_seconds: Option<u64>,
}

impl RawTokens {
    pub(super) fn validate(self, review: &mut Review<'_>, place: &Place) -> Option<TokenSettings> {
        let defaults = TokenSettings::default();
        let mut seconds = |written, default: u32, range: RangeInclusive<u32>, key: &str| {
            let range = u64::from(*range.start())..=u64::from(*range.end());
            let number = review.number(written, default.into(), &range, &place.key(key));
            number.and_then(|number| u32::try_from(number).ok())
        };
        let access =
            seconds(self.access_seconds, defaults.access_seconds, TokenSettings::ACCESS_SECONDS, "access_seconds");
        let refresh =
            seconds(self.refresh_seconds, defaults.refresh_seconds, TokenSettings::REFRESH_SECONDS, "refresh_seconds");
        Some(TokenSettings {
            access_seconds: access?,
            refresh_enabled: self.refresh_enabled.unwrap_or(defaults.refresh_enabled),
            refresh_seconds: refresh?,
        })
    }
}

/// By what users sign in, as it is written.
#[derive(Clone, Copy, Debug, Default, Deserialize)]
pub(super) enum RawIdentityField {
    #[default]
    #[serde(rename = "email")]
    Email,
    #[serde(rename = "userName")]
    UserName,
}

impl From<RawIdentityField> for IdentityField {
    fn from(raw: RawIdentityField) -> Self {
        match raw {
            RawIdentityField::Email => Self::Email,
            RawIdentityField::UserName => Self::UserName,
        }
    }
}
