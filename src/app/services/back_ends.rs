use std::collections::HashMap;
use std::sync::Arc;

use crate::bot_connector::BackEndAppTokens;
use crate::domain::{BackEndName, SharedClock};
use crate::exchange::GivenTokens;
use crate::identity_provider::AppClient;
use crate::inbound::ClientAssertionUses;
use crate::records::Records;
use crate::vault::TokenVault;

/// What the door of back ends uses, beside what other doors use.
#[derive(Clone)]
pub(in crate::app) struct BackEndServices {
    pub(in crate::app) assertion_uses: ClientAssertionUses,
    pub(in crate::app) given: GivenTokens,
    pub(in crate::app) app_tokens: BackEndAppTokens,
}

impl BackEndServices {
    /// `clients` get the tokens of back ends as themselves.
    pub(super) fn new(
        records: &Records,
        vault: &Arc<TokenVault>,
        clients: HashMap<BackEndName, Arc<AppClient>>,
        clock: &SharedClock,
    ) -> Self {
        Self {
            assertion_uses: ClientAssertionUses::new(records),
            given: GivenTokens::new(records, vault.clone()),
            app_tokens: BackEndAppTokens::new(clients, clock.clone()),
        }
    }
}
