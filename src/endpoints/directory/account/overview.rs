use std::collections::BTreeMap;
use std::error::Error;

use super::{AccountDoor, PageUser};
use crate::domain::{Application, HolderName, Timestamp};
use crate::exchange::PersonToken;
use crate::inbound::Problem;
use crate::sessions::Session;
use crate::token_issuer::UserGrant;

/// The value of the form's field `holder` for tokens whose holder is not known.
pub(super) const UNNAMED_HOLDER: &str = "-";

/// Where a user is signed in.
pub(super) struct Overview {
    /// The sessions of browsers, that of this browser first.
    pub(super) sessions: Vec<Session>,
    /// What the user has granted to applications, one entry for each, the last used first.
    pub(super) applications: Vec<GrantedApplication>,
    /// The holders of kept tokens, ordered by name; at the end those that an earlier version of the program did not name.
    pub(super) holders: Vec<HolderTokens>,
}

/// An application that has tokens of the user.
pub(super) struct GrantedApplication {
    pub(super) client_id: String,
    pub(super) name: String,
    pub(super) begun_at: Timestamp,
    pub(super) last_used_at: Timestamp,
}

/// The tokens of the user that one bot, add-in, back end or app has.
pub(super) struct HolderTokens {
    /// `None` where an earlier version of the program did not write it.
    pub(super) holder: Option<HolderName>,
    pub(super) tokens: Vec<PersonToken>,
}

impl AccountDoor {
    /// Reads where `user` is signed in.
    pub(super) async fn read_overview(&self, user: &PageUser) -> Result<Overview, Problem> {
        Ok(Overview {
            sessions: self.list_sessions(user).await?,
            applications: self.list_applications(user).await?,
            holders: self.list_holders(user).await?,
        })
    }

    /// The live sessions of the user, that of this browser first.
    pub(super) async fn list_sessions(&self, user: &PageUser) -> Result<Vec<Session>, Problem> {
        let (directory, sso) = (&user.view.directory, &user.view.settings.sso);
        let ended_sessions = user.user().ended_sessions;
        let listed = self.parts.sessions.list(directory, sso, &user.user().id, ended_sessions).await;
        let mut sessions = listed.map_err(|error| unreadable(&error))?;
        sessions.sort_by_key(|session| session.id != user.browser.session.id);
        Ok(sessions)
    }

    /// The live grants of the user.
    pub(super) async fn list_grants(&self, user: &PageUser) -> Result<Vec<UserGrant>, Problem> {
        let listed = self.parts.grants.list_of_user(user.tenant(), &user.user().id).await;
        let mut grants = listed.map_err(|error| unreadable(&error))?;
        grants.retain(|grant| grant.revoked_grants == user.user().revoked_grants);
        Ok(grants)
    }

    async fn list_applications(&self, user: &PageUser) -> Result<Vec<GrantedApplication>, Problem> {
        let mut listed: BTreeMap<String, GrantedApplication> = BTreeMap::new();
        for grant in self.list_grants(user).await? {
            // A grant of bot-sso itself is that of a bot, which is listed as a holder.
            if Application::is_own_id(&grant.client_id) {
                continue;
            }
            // The tokens of an application that was deleted are worth nothing.
            let Some(application) = user.view.find_application(&grant.client_id) else { continue };
            let entry = listed.entry(grant.client_id.clone()).or_insert_with(|| GrantedApplication {
                client_id: grant.client_id.clone(),
                name: application.name.clone(),
                begun_at: grant.begun_at,
                last_used_at: grant.last_used_at,
            });
            entry.begun_at = entry.begun_at.min(grant.begun_at);
            entry.last_used_at = entry.last_used_at.max(grant.last_used_at);
        }
        let mut applications: Vec<_> = listed.into_values().collect();
        applications.sort_by_key(|application| std::cmp::Reverse(application.last_used_at));
        Ok(applications)
    }

    /// The tokens that bots and back ends have, under all keys of the user.
    pub(super) async fn list_tokens(&self, user: &PageUser) -> Result<Vec<PersonToken>, Problem> {
        let mut tokens = Vec::new();
        for key in user.keys() {
            let listed = self.parts.tokens.list(&key).await;
            tokens.extend(listed.map_err(|error| unreadable(&error))?);
        }
        Ok(tokens)
    }

    async fn list_holders(&self, user: &PageUser) -> Result<Vec<HolderTokens>, Problem> {
        let mut holders: BTreeMap<Option<HolderName>, Vec<PersonToken>> = BTreeMap::new();
        for token in self.list_tokens(user).await? {
            let holder = token.slot.as_ref().map(|slot| slot.account.holder.clone());
            holders.entry(holder).or_default().push(token);
        }
        let unnamed = holders.remove(&None).map(|tokens| HolderTokens { holder: None, tokens });
        let named = holders.into_iter().map(|(holder, tokens)| HolderTokens { holder, tokens });
        Ok(named.chain(unnamed).collect())
    }
}

fn unreadable(error: &(dyn Error + 'static)) -> Problem {
    tracing::error!(error, "where a user of a directory is signed in cannot be read");
    Problem::ServiceUnavailable
}
