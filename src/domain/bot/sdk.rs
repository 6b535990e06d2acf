use super::{ContinuationMode, RefusalStyle};

/// A family of SDKs that bots are built on. The SDKs of one family need the same settings
/// (docs/point-your-bot-at-it.md §The SDKs and their settings). Two names carry a language, because the settings of that
/// language differ from those of the family.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sdk {
    /// The Bot Framework SDK for JavaScript and for .NET.
    BotBuilder,
    /// The Bot Framework SDK for Python.
    BotBuilderPython,
    /// The Microsoft 365 Agents SDK for Python and for .NET.
    Agents,
    /// The Microsoft 365 Agents SDK for JavaScript.
    AgentsJs,
    /// The Teams SDK.
    Teams,
    /// The Teams AI library, which is built on the Bot Framework SDK and handles the sign-in invokes itself.
    TeamsAi,
}

impl Sdk {
    /// Every family.
    pub const ALL: [Self; 6] =
        [Self::BotBuilder, Self::BotBuilderPython, Self::Agents, Self::AgentsJs, Self::Teams, Self::TeamsAi];

    /// The value of the configuration key `sdk`, which is also the name in the log.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::BotBuilder => "botbuilder",
            Self::BotBuilderPython => "botbuilder-python",
            Self::Agents => "agents",
            Self::AgentsJs => "agents-js",
            Self::Teams => "teams",
            Self::TeamsAi => "teams-ai",
        }
    }

    /// The `after_exchange` that is set for a bot on this SDK if the configuration has none.
    #[must_use]
    pub const fn preset_continuation(self) -> ContinuationMode {
        match self {
            Self::BotBuilder => ContinuationMode::Notify,
            Self::BotBuilderPython | Self::Agents | Self::AgentsJs | Self::Teams | Self::TeamsAi => {
                ContinuationMode::Forward
            }
        }
    }

    /// The `refusal_style` that is set for a bot on this SDK if the configuration has none.
    #[must_use]
    pub const fn preset_refusal_style(self) -> RefusalStyle {
        match self {
            Self::BotBuilder | Self::Agents | Self::Teams | Self::TeamsAi => RefusalStyle::Json400,
            Self::BotBuilderPython => RefusalStyle::Text400,
            Self::AgentsJs => RefusalStyle::OkWithoutToken,
        }
    }

    /// Whether a bot on this SDK continues after a sign-in in this mode. The prompt of the Bot Framework SDK continues
    /// with a `tokens/response` event and with the invoke; its form for Python returns the event's value as a `dict`, so
    /// that a bot that is written as the SDK's samples are fails on it. The other SDKs handle the invoke and no event. The
    /// Teams SDK also asks the Token Service at each activity.
    #[must_use]
    pub const fn fits_continuation(self, mode: ContinuationMode) -> bool {
        match mode {
            ContinuationMode::Forward => true,
            ContinuationMode::Notify => matches!(self, Self::BotBuilder),
            ContinuationMode::None => matches!(self, Self::Teams),
        }
    }

    /// Whether every SDK of the family answers 412 to the client when the Token Service refuses an exchange in this style
    /// (docs/protocols/token-service-api.md §5).
    #[must_use]
    pub const fn fits_refusal_style(self, style: RefusalStyle) -> bool {
        match style {
            RefusalStyle::Json400 => !matches!(self, Self::BotBuilderPython | Self::AgentsJs),
            RefusalStyle::Text400 => !matches!(self, Self::AgentsJs),
            RefusalStyle::OkWithoutToken => !matches!(self, Self::Agents | Self::Teams),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_presets_of_an_sdk_fit_it() {
        for sdk in Sdk::ALL {
            assert!(sdk.fits_continuation(sdk.preset_continuation()), "{sdk:?}");
            assert!(sdk.fits_refusal_style(sdk.preset_refusal_style()), "{sdk:?}");
        }
    }
}
