use crate::config::{AppIdentitySection, Configuration, CredentialSection};
use crate::domain::Connection;
use crate::identity_provider::ClientCredential;

/// The reloadable credentials of one application.
pub(in crate::app) struct RenewableCredential {
    pub(in crate::app) holder: CredentialHolder,
    /// Where the credentials are sent, as a text; see [`Configuration::find_credentials_destination`].
    pub(in crate::app) goes_to: Option<String>,
    /// Hands the new credentials to the client of the token endpoint.
    pub(in crate::app) replace: ReplaceCredentials,
}

/// The application that credentials belong to, as it was at start-up.
pub(in crate::app) enum CredentialHolder {
    /// The client of a connection.
    Connection {
        /// The section that configures it.
        place: String,
        /// Boxed, because it is much larger than the other variant.
        connection: Box<Connection>,
    },
    /// A bot that calls skills.
    Bot {
        /// The section that configures it.
        place: String,
        app_id: String,
    },
}

/// Hands new credentials to an identity provider.
pub(in crate::app) type ReplaceCredentials = Box<dyn Fn(Vec<ClientCredential>) + Send + Sync>;

impl RenewableCredential {
    /// The credentials of the same application in `config`; `None` if it has changed, or they would be sent elsewhere.
    pub(in crate::app) fn find_sections(&self, config: &Configuration) -> Option<Vec<CredentialSection>> {
        match &self.holder {
            CredentialHolder::Connection { connection: then, .. } => {
                let same = |now: &Connection| {
                    (&now.holder, &now.name, &now.identity_provider, &now.client_id)
                        == (&then.holder, &then.name, &then.identity_provider, &then.client_id)
                        && config.find_credentials_destination(&now.identity_provider) == self.goes_to
                };
                let section = config.connections.iter().find(|section| same(&section.connection));
                section.map(|section| section.credentials.clone())
            }
            CredentialHolder::Bot { place, app_id } => {
                let same = |now: &AppIdentitySection| {
                    now.place == *place
                        && now.client_id == *app_id
                        && self.goes_to.as_deref() == Some(now.token_endpoint.as_str())
                };
                config.app_identities().into_iter().find(same).map(|identity| identity.credentials)
            }
        }
    }
}

impl CredentialHolder {
    /// The section that configures the application.
    pub(in crate::app) fn place(&self) -> String {
        match self {
            Self::Connection { place, .. } | Self::Bot { place, .. } => place.clone(),
        }
    }

    pub(in crate::app) const fn kind(&self) -> &'static str {
        match self {
            Self::Connection { .. } => "connection",
            Self::Bot { .. } => "bot",
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::indexing_slicing)]
    use super::*;
    use crate::config::{Environment, parse};
    use crate::domain::{SystemClock, SystemEntropy};
    use crate::sealing::KeyRing;

    const TENANT: &str = "22222222-2222-4222-8222-222222222222";

    /// The smallest configuration, whose bot has `more` lines.
    fn configuration(more: &str, secret: &str) -> Configuration {
        let folder = tempfile::tempdir().unwrap();
        let keys = folder.path().join("bot-sso.keys");
        KeyRing::generate(&SystemClock, &SystemEntropy).create_file(&keys).unwrap();
        let minimal = include_str!("../../../fixtures/config/minimal.toml");
        let text = minimal.replace("[connections.graph]", &format!("{more}\n[connections.graph]"));
        let text = format!("{text}\n[keys]\nfile = {keys:?}\n");
        parse(&text, &Environment::of([("GRAPH_CLIENT_SECRET", "secret"), ("BOT_SECRET", secret)])).unwrap()
    }

    #[test]
    fn a_bot_gets_its_new_credentials_unless_they_would_be_sent_elsewhere() {
        let credentials = "credentials = [{ secret = { env = \"BOT_SECRET\" } }]";
        let written = format!("tenant = \"{TENANT}\"\n{credentials}");
        let bot = &configuration(&written, "old").app_identities()[1];
        let renewable = RenewableCredential {
            holder: CredentialHolder::Bot { place: bot.place.clone(), app_id: bot.client_id.clone() },
            goes_to: Some(bot.token_endpoint.to_string()),
            replace: Box::new(|_| ()),
        };
        assert_eq!(renewable.holder.place(), "bots.help-desk");
        let found = renewable.find_sections(&configuration(&written, "new")).unwrap();
        let [CredentialSection::Secret(secret)] = found.as_slice() else { unreachable!("{found:?}") };
        assert_eq!(secret.expose(), "new");
        let elsewhere = written.replace(TENANT, "33333333-3333-4333-8333-333333333333");
        for changed in [elsewhere.as_str(), credentials, ""] {
            assert!(renewable.find_sections(&configuration(changed, "new")).is_none(), "{changed}");
        }
    }
}
