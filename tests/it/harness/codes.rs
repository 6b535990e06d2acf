//! Magic codes. The application shows a code only on the page behind a card, so the harness writes one into the store
//! of the stopped application, for the most recent card of the connection.

use std::sync::Arc;
use std::time::Duration;

use bot_sso::cards::PendingSignIns;
use bot_sso::config::{self, Environment};
use bot_sso::dev::User;
use bot_sso::domain::{
    Account, BotName, ChannelId, Clock, ConnectionName, ConnectionRevision, Entropy, Secret, SecurityContext,
    SystemEntropy, TokenSlot, UserKey, UserToken,
};
use bot_sso::records::Records;
use bot_sso::sealing::{KeyRing, Sealer};
use bot_sso::sign_in::{CodeGrant, MagicCodes};
use bot_sso::vault::TokenVault;

use super::{Harness, Options};

impl Harness {
    /// Restarts the application with a code in its store that is redeemed for `token`, as if `user` had signed in to
    /// `connection` in a browser from a Teams conversation with `demo`.
    pub async fn issue_code(&mut self, options: &Options, user: &User, connection: &str, token: &str) -> String {
        let store = Arc::new(self.stop().await);
        let entropy = Arc::new(SystemEntropy);
        let ring = KeyRing::load(&self.directory.path().join("bot-sso.keys")).unwrap();
        let sealer = Arc::new(Sealer::new(ring, entropy.clone()));
        let records = Records::new(store, sealer, self.clock.clone());
        let vault = TokenVault::new(&records, 0);
        let pending = PendingSignIns::new(&records, entropy);
        let codes = MagicCodes::new(&records);
        let now = self.clock.now();
        let token = UserToken {
            access_token: Secret::from(token),
            expires_at: now.plus(Duration::from_hours(1)),
            user: UserKey::entra(user.oid, user.tid),
            security_context: SecurityContext([0; 16]),
            granted_scope: None,
            obtained_at: now,
            signed_in_at: now,
            refresh_token: None,
            refresh_at: None,
            id_token: None,
        };
        let slot = slot(user, connection);
        let epoch = vault.permit(&slot, &token.user).await.unwrap().epoch();
        let revision = self.revision_of(options, connection);
        let cards = pending.list_answerable(&slot.account).await.unwrap();
        let card = cards.into_iter().find(|card| card.connection == slot.connection);
        let card_id = card.map(|card| card.card_id).unwrap_or_default();
        let grant = CodeGrant { card_id, revision, token, epoch };
        let code = codes.derive_code(&Secret::new(SystemEntropy.uuid()), &Secret::from("the last step"));
        codes.issue(&slot, &grant, &code).await.unwrap();
        drop((codes, pending, vault, records));
        self.run_again(options).await;
        code.expose().to_owned()
    }

    fn revision_of(&self, options: &Options, connection: &str) -> ConnectionRevision {
        let environment = Environment::of(options.environment.clone());
        let config = config::parse(&self.configuration_text(options), &environment).unwrap();
        let mut sections = config.connections.iter().map(|section| &section.connection);
        sections.find(|entry| entry.holder.as_str() == "demo" && entry.name.as_str() == connection).unwrap().revision
    }
}

fn slot(user: &User, connection: &str) -> TokenSlot {
    let subject = format!("29:{}", user.name);
    let account = Account::of_channel(&BotName::new("demo"), ChannelId::new("msteams"), &subject);
    TokenSlot { account, connection: ConnectionName::new(connection) }
}
