//! The key `sign_in_invokes` of a bot.

use serde::Deserialize;

use super::sdk_settings::RawAfterExchange;
use crate::config::review::{Place, Review};
use crate::domain::SignInInvoke;

#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum RawSignInInvoke {
    AdaptiveCard,
    MessageExtension,
}

impl From<RawSignInInvoke> for SignInInvoke {
    fn from(raw: RawSignInInvoke) -> Self {
        match raw {
            RawSignInInvoke::AdaptiveCard => Self::AdaptiveCard,
            RawSignInInvoke::MessageExtension => Self::MessageExtension,
        }
    }
}

/// The listed kinds, each once. A bot that is told to exchange the tokens of `signin/tokenExchange` itself may want those
/// of the listed invokes as well, so that pair is a warning.
pub(super) fn validate_sign_in_invokes(
    raw: Option<Vec<RawSignInInvoke>>,
    after_exchange: Option<RawAfterExchange>,
    review: &mut Review<'_>,
    place: &Place,
) -> Vec<SignInInvoke> {
    let mut listed: Vec<SignInInvoke> = Vec::new();
    for invoke in raw.unwrap_or_default().into_iter().map(SignInInvoke::from) {
        if !listed.contains(&invoke) {
            listed.push(invoke);
        }
    }
    if !listed.is_empty() && matches!(after_exchange, Some(RawAfterExchange::Forward)) {
        let message = "takes the tokens and codes out of these invokes, while after_exchange = \"forward\" gives the bot those of \
                       signin/tokenExchange and signin/verifyState: leave sign_in_invokes out if the bot's handlers exchange \
                       tokens themselves; if they ask GetToken, write sdk instead of after_exchange";
        review.warn(place, message.to_owned());
    }
    listed
}
