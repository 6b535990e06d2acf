use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;

use tokio::time::Instant;

use crate::bot_connector::app_tokens::AppTokens;
use crate::domain::{BotName, Secret, SharedClock, Skill};
use crate::identity_provider::{AppClient, Attempt, RedeemError};

/// The app tokens with which parent bots call skills: those that bot-sso obtains with a bot's own credentials. Clones share
/// the same tokens.
#[derive(Clone)]
pub struct ParentTokens {
    clients: Arc<HashMap<BotName, Arc<AppClient>>>,
    tokens: Arc<AppTokens>,
}

/// Why there is no app token of a parent. The text is for the log.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ParentTokenError {
    /// The configuration has no credentials of the bot.
    #[error("the bot has no credentials: write bots.<name>.credentials")]
    NoCredentials,
    /// The identity provider gave no token in time.
    #[error(transparent)]
    NotObtained(#[from] RedeemError),
}

impl ParentTokens {
    /// Obtains the tokens of the bots in `clients`, and judges their end by `clock`.
    #[must_use]
    pub fn new(clients: HashMap<BotName, Arc<AppClient>>, clock: SharedClock) -> Self {
        Self { clients: Arc::new(clients), tokens: Arc::new(AppTokens::new(clock)) }
    }

    /// Whether the configuration has credentials of `bot`.
    #[must_use]
    pub fn has_credentials(&self, bot: &BotName) -> bool {
        self.clients.contains_key(bot)
    }

    /// Returns a valid app token of `bot` for `skill`, by `deadline`. The token is kept in memory and shared by all callers.
    ///
    /// # Errors
    /// [`ParentTokenError`] says why there is none.
    pub async fn get(
        &self,
        bot: &BotName,
        skill: &Skill,
        correlation_id: &str,
        deadline: Instant,
    ) -> Result<Secret, ParentTokenError> {
        let client = self.clients.get(bot).ok_or(ParentTokenError::NoCredentials)?;
        let attempt = Attempt { correlation_id: correlation_id.to_owned(), deadline, claims: None };
        Ok(self.tokens.get(client, &skill.app_scope(), &attempt).await?.access_token)
    }
}

impl fmt::Debug for ParentTokens {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("ParentTokens(..)")
    }
}
