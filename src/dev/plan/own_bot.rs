use uuid::Uuid;

use super::bot_address::BotHosts;
use super::build::keep;
use super::problem::{PlanProblem, PlanReview};
use crate::dev::tenant::{BotEntry, Directory, StageEntries, graph_connection};
use crate::domain::Sdk;

/// The name of the bot that the command line adds.
const NAME: &str = "own-bot";
/// The app id of that bot, unless another one is chosen.
const APP_ID: &str = "9b17d2e4-3c58-4f60-8a91-2d4e6f80a1b3";
const APP_SECRET: &str = "own-bot-app-secret-of-the-local-stage";

/// A bot that the command line adds to a stage.
#[derive(Clone, Debug)]
pub struct OwnBot {
    /// The address at which it takes activities.
    pub endpoint: String,
    /// Its app id; if absent, a fixed one (docs/playground.md §Your own bot).
    pub app_id: Option<Uuid>,
    /// The SDK that it is built on, if it is known.
    pub sdk: Option<Sdk>,
}

/// Adds a bot with one connection, `graph`.
///
/// # Errors
/// What is wrong: the address, or an app id or a name that the stage has already.
pub fn add_own_bot(entries: &mut StageEntries, own: OwnBot, hosts: BotHosts) -> Result<(), Vec<PlanProblem>> {
    let mut review = PlanReview::default();
    if let Err(message) = hosts.check(&own.endpoint) {
        review.report("--bot".to_owned(), message);
    }
    if entries.bots.iter().any(|bot| bot.name == NAME) {
        review.report(
            "--bot".to_owned(),
            format!("the stage file has a bot {NAME:?}: leave the option out, or rename that bot"),
        );
    }
    let bot = BotEntry {
        name: NAME,
        app_id: own.app_id.map_or(APP_ID, |id| keep(id.hyphenated().to_string())),
        app_secret: APP_SECRET,
        endpoint: Some(keep(own.endpoint)),
        sdk: own.sdk,
        after_exchange: None,
        sign_in_invokes: &[],
    };
    if Directory::of(entries.clone()).has_id(bot.app_id) {
        let message = format!("{} is the id of another app of the stage: choose another one", bot.app_id);
        review.report("--app-id".to_owned(), message);
    }
    entries.connections.push(graph_connection(&bot));
    entries.bots.push(bot);
    let problems = review.into_problems();
    if problems.is_empty() { Ok(()) } else { Err(problems) }
}
