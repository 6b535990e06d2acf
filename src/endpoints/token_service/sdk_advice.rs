use std::collections::HashMap;
use std::sync::atomic::{AtomicU8, Ordering};

use actix_web::{HttpMessage, HttpRequest};

use super::sdk_recognition::recognise_sdk;
use crate::domain::{Bot, BotName, ContinuationMode, Registrations, Sdk};
use crate::inbound::RequestId;

/// Tells the operator that a bot's settings do not fit the SDK with which the bot calls. Without the line such a bot only
/// falls silent after a sign-in. There is one line for each bot and SDK until the process ends.
pub(super) struct SdkAdvice {
    /// One bit for each SDK that was considered for the bot.
    considered: HashMap<BotName, AtomicU8>,
}

/// Settings of a bot that do not fit an SDK, and the values that do.
#[derive(Debug, Default, PartialEq, Eq)]
struct Misfit {
    keys: Vec<String>,
    values: Vec<&'static str>,
    fitting: Vec<&'static str>,
}

impl SdkAdvice {
    /// No bot has called yet.
    pub(super) fn new(registrations: &Registrations) -> Self {
        Self { considered: registrations.bots().map(|bot| (bot.name.clone(), AtomicU8::new(0))).collect() }
    }

    /// Considers the call `http` of `bot`. An SDK that is not recognised is not considered.
    pub(super) fn consider(&self, bot: &Bot, http: &HttpRequest) {
        let Some(sdk) = recognise_sdk(http.headers()) else { return };
        let Some(considered) = self.considered.get(&bot.name) else { return };
        let bit = 1 << (sdk as u8);
        // Reading first leaves the cache line of a busy bot shared between the workers.
        if considered.load(Ordering::Relaxed) & bit != 0 || considered.fetch_or(bit, Ordering::Relaxed) & bit != 0 {
            return;
        }
        let misfit = find_misfit(bot, sdk);
        if misfit.keys.is_empty() {
            return;
        }
        let extensions = http.extensions();
        tracing::warn!(
            correlation_id = extensions.get::<RequestId>().map_or("", |id| id.0.as_str()),
            bot = bot.name.as_str(),
            sdk = sdk.name(),
            setting = misfit.keys.join(", "),
            value = misfit.values.join(", "),
            fits = misfit.fitting.join(", "),
            hint = misfit.hint(),
            "a bot's settings do not fit its SDK, so the bot does not continue as it should after a sign-in"
        );
    }
}

/// The settings of `bot` that do not fit `sdk`. A refusal style matters only to a bot that gets the invoke, because no
/// other bot exchanges a client's token.
fn find_misfit(bot: &Bot, sdk: Sdk) -> Misfit {
    let mut misfit = Misfit::default();
    let mut continuation = bot.continuation;
    if !sdk.fits_continuation(continuation) {
        let preset = sdk.preset_continuation();
        misfit.add(bot, "after_exchange", continuation.name(), preset.name());
        continuation = preset;
    }
    if continuation == ContinuationMode::Forward && !sdk.fits_refusal_style(bot.refusal_style) {
        misfit.add(bot, "refusal_style", bot.refusal_style.name(), sdk.preset_refusal_style().name());
    }
    misfit
}

impl Misfit {
    fn add(&mut self, bot: &Bot, key: &str, value: &'static str, fitting: &'static str) {
        self.keys.push(format!("bots.{}.{key}", bot.name.as_str()));
        self.values.push(value);
        self.fitting.push(fitting);
    }

    /// What to write into the configuration.
    fn hint(&self) -> String {
        let lines = self.keys.iter().zip(&self.fitting).map(|(key, fitting)| format!("{key} = {fitting:?}"));
        format!("write {}", lines.collect::<Vec<_>>().join(" and "))
    }
}
