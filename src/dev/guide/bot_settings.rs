use std::fmt::Write as _;

use super::bot_variables::{BotSettings, Variable};
use super::facts::StageFacts;
use super::sdk_code::code_for;
use crate::domain::Sdk;

/// The settings of every bot that has an endpoint of its own; empty if there is none.
pub(in crate::dev) fn bot_settings(facts: &StageFacts, gateway: &str) -> String {
    let gateway = gateway.trim_end_matches('/');
    let own = facts.directory.bots.iter().filter_map(|bot| bot.endpoint.map(|endpoint| (bot, endpoint)));
    own.map(|(bot, endpoint)| text_of(&BotSettings { facts, gateway, bot, endpoint })).collect()
}

/// A heading, the environment block to paste, and what has to be said in the bot's code.
fn text_of(settings: &BotSettings<'_>) -> String {
    let BotSettings { bot, endpoint, .. } = settings;
    let about = match bot.sdk {
        Some(sdk) => format!(" (sdk {})", sdk.name()),
        None => format!(
            ". For the names that an SDK reads, start with --sdk and one of\n{}",
            Sdk::ALL.map(Sdk::name).join(", ")
        ),
    };
    let mut text = format!("\nThe bot {} at {endpoint}\nruns with these settings{about}:\n\n", bot.name);
    for Variable { name, value } in settings.variables() {
        // Writing into a String cannot fail.
        let _ = writeln!(text, "export {name}={value}");
    }
    if let Some(code) = bot.sdk.map(|sdk| code_for(sdk, settings)) {
        let _ = write!(text, "# the app's secret, which no SDK needs here: {}\n\n{code}", bot.app_secret);
    }
    text
}
