use std::collections::HashMap;
use std::sync::Arc;

use crate::app::back_end_keys::build_assertion_validator;
use crate::bot_connector::BackEndAppTokens;
use crate::config::{BackEndProof, Configuration};
use crate::domain::{BackEndName, SharedClock};
use crate::exchange::GivenTokens;
use crate::identity_provider::AppClient;
use crate::inbound::{ClientAssertionUses, ClientSecrets};
use crate::records::Records;
use crate::token_validation::ClientAssertionValidator;
use crate::vault::TokenVault;

/// What the door of back ends uses, beside what other doors use.
#[derive(Clone)]
pub(in crate::app) struct BackEndServices {
    pub(in crate::app) secrets: ClientSecrets,
    pub(in crate::app) assertions: ClientAssertionValidator,
    pub(in crate::app) assertion_uses: ClientAssertionUses,
    pub(in crate::app) given: GivenTokens,
    pub(in crate::app) app_tokens: BackEndAppTokens,
}

impl BackEndServices {
    /// `clients` get the tokens of back ends as themselves.
    pub(super) fn new(
        config: &Configuration,
        records: &Records,
        vault: &Arc<TokenVault>,
        clients: HashMap<BackEndName, Arc<AppClient>>,
        clock: &SharedClock,
    ) -> Self {
        let secrets = config.back_ends.iter().filter_map(|section| match &section.proof {
            BackEndProof::Secrets(hashes) => Some((section.back_end.client_id.clone(), hashes.clone())),
            BackEndProof::Keys(_) => None,
        });
        Self {
            secrets: ClientSecrets::new(secrets.collect()),
            assertions: build_assertion_validator(config, clock.clone()),
            assertion_uses: ClientAssertionUses::new(records),
            given: GivenTokens::new(records, vault.clone()),
            app_tokens: BackEndAppTokens::new(clients, clock.clone()),
        }
    }
}
