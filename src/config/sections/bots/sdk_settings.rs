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
    pub(super) sdk: Option<Sdk>,
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
            sdk,
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

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::config::test_samples::{ENDPOINT, changed, expect_problem, read};
    use crate::domain::Bot;

    /// The bot of the minimal sample with these lines, and the warnings about it.
    fn read_bot(lines: &str) -> (Bot, Vec<String>) {
        let configuration = read(&changed(ENDPOINT, &format!("{ENDPOINT}\n{lines}"))).unwrap();
        let warnings = configuration.warnings.iter().map(ToString::to_string).collect();
        (configuration.bots.into_iter().next().unwrap(), warnings)
    }

    #[test]
    fn a_named_sdk_presets_both_settings() {
        for sdk in Sdk::ALL {
            let (bot, warnings) = read_bot(&format!("sdk = {:?}", sdk.name()));
            assert_eq!(bot.continuation, sdk.preset_continuation(), "{sdk:?}");
            assert_eq!(bot.refusal_style, sdk.preset_refusal_style(), "{sdk:?}");
            assert!(warnings.is_empty(), "{warnings:?}");
        }
        let (bot, _) = read_bot("");
        assert_eq!((bot.continuation, bot.refusal_style), (ContinuationMode::Notify, RefusalStyle::Json400));
    }

    #[test]
    fn a_written_key_wins_and_one_that_does_not_fit_is_a_warning() {
        let (bot, warnings) = read_bot("sdk = \"teams\"\nafter_exchange = \"none\"\nrefusal_style = \"text400\"");
        assert_eq!((bot.continuation, bot.refusal_style), (ContinuationMode::None, RefusalStyle::Text400));
        assert!(warnings.is_empty(), "{warnings:?}");
        let (bot, warnings) = read_bot("sdk = \"agents-js\"\nafter_exchange = \"none\"\nrefusal_style = \"json400\"");
        assert_eq!((bot.continuation, bot.refusal_style), (ContinuationMode::None, RefusalStyle::Json400));
        let starts = [
            "bots.help-desk.after_exchange: \"none\" does not fit sdk = \"agents-js\"",
            "bots.help-desk.refusal_style: \"json400\" does not fit sdk = \"agents-js\"",
        ];
        assert_eq!(warnings.len(), 2, "{warnings:?}");
        assert!(warnings.iter().zip(starts).all(|(warning, start)| warning.starts_with(start)), "{warnings:?}");
        assert!(
            warnings.iter().zip(["forward", "ok_without_token"]).all(|(it, fits)| it.contains(&format!("{fits:?}")))
        );
    }

    #[test]
    fn an_unknown_sdk_is_a_problem() {
        let misspelt = format!("{ENDPOINT}\nsdk = \"agent-js\"");
        expect_problem(ENDPOINT, &misspelt, "bots.help-desk.sdk: ");
    }
}
