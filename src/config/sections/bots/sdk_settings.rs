//! The settings of a bot that depend on its SDK.

use serde::Deserialize;

use crate::config::review::{Place, Review};
use crate::domain::{ContinuationMode, RefusalStyle, Sdk};

#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum RawSdk {
    #[serde(rename = "botbuilder")]
    BotBuilder,
    #[serde(rename = "botbuilder-python")]
    BotBuilderPython,
    Agents,
    AgentsJs,
    Teams,
    TeamsAi,
}

#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum RawAfterExchange {
    Notify,
    Forward,
    None,
}

#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum RawRefusalStyle {
    #[serde(rename = "json400")]
    Json400,
    #[serde(rename = "text400")]
    Text400,
    OkWithoutToken,
}

/// The keys of a bot that depend on its SDK, as far as they are written.
pub(super) struct WrittenSdkSettings {
    pub(super) sdk: Option<RawSdk>,
    pub(super) after_exchange: Option<RawAfterExchange>,
    pub(super) refusal_style: Option<RawRefusalStyle>,
}

/// The values that apply to a bot.
pub(super) struct SdkSettings {
    pub(super) continuation: ContinuationMode,
    pub(super) refusal_style: RefusalStyle,
}

impl WrittenSdkSettings {
    /// A written key wins over the preset of the named SDK. One that does not fit the SDK is a warning.
    pub(super) fn validate(self, review: &mut Review<'_>, place: &Place) -> SdkSettings {
        let sdk = self.sdk.map(Sdk::from);
        let continuation = self.after_exchange.map(ContinuationMode::from);
        let refusal_style = self.refusal_style.map(RefusalStyle::from);
        if let Some(sdk) = sdk {
            if let Some(mode) = continuation.filter(|mode| !sdk.fits_continuation(*mode)) {
                let preset = sdk.preset_continuation().name();
                warn_misfit(review, &place.key("after_exchange"), sdk, mode.name(), preset);
            }
            if let Some(style) = refusal_style.filter(|style| !sdk.fits_refusal_style(*style)) {
                let preset = sdk.preset_refusal_style().name();
                warn_misfit(review, &place.key("refusal_style"), sdk, style.name(), preset);
            }
        }
        SdkSettings {
            continuation: continuation.or(sdk.map(Sdk::preset_continuation)).unwrap_or_default(),
            refusal_style: refusal_style.or(sdk.map(Sdk::preset_refusal_style)).unwrap_or_default(),
        }
    }
}

fn warn_misfit(review: &mut Review<'_>, place: &Place, sdk: Sdk, written: &str, preset: &str) {
    let sdk = sdk.name();
    let message = format!(
        "{written:?} does not fit sdk = {sdk:?}, whose bots would not continue after a sign-in: write {preset:?}, or leave \
         the key out"
    );
    review.warn(place, message);
}

impl From<RawSdk> for Sdk {
    fn from(raw: RawSdk) -> Self {
        match raw {
            RawSdk::BotBuilder => Self::BotBuilder,
            RawSdk::BotBuilderPython => Self::BotBuilderPython,
            RawSdk::Agents => Self::Agents,
            RawSdk::AgentsJs => Self::AgentsJs,
            RawSdk::Teams => Self::Teams,
            RawSdk::TeamsAi => Self::TeamsAi,
        }
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
