use std::collections::HashMap;
use std::sync::Arc;

use super::Lasting;
use crate::bot_connector::BackEndAppTokens;
use crate::domain::BackEndName;
use crate::exchange::GivenTokens;
use crate::identity_provider::AppClient;
use crate::inbound::ClientAssertionUses;

/// What the door of back ends uses, beside what other doors use.
#[derive(Clone)]
pub(in crate::app) struct BackEndServices {
    pub(in crate::app) assertion_uses: ClientAssertionUses,
    pub(in crate::app) given: GivenTokens,
    pub(in crate::app) app_tokens: BackEndAppTokens,
}

impl BackEndServices {
    /// `clients` get the tokens of back ends as themselves.
    pub(super) fn new(lasting: &Lasting, clients: HashMap<BackEndName, Arc<AppClient>>) -> Self {
        Self {
            assertion_uses: lasting.assertion_uses.clone(),
            given: lasting.given.clone(),
            app_tokens: BackEndAppTokens::new(clients, lasting.ambient.clock.clone()),
        }
    }
}
