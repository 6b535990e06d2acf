use std::sync::Arc;

use super::mail::build_mailer;
use super::outbound::logout_notice_settings;
use crate::accounts::{
    Directories, DirectoryUserData, DirectoryUsers, DirectoryView, FirstDirectory, FormOutcomes, HashParameters,
    LinkedDirectoryUsers, MessageRates, PasswordHasher, SelfServiceLinks,
};
use crate::app::BuildError;
use crate::app::directory_provider::{ProviderParts, TenantSignatures, list_own_applications};
use crate::config::{Configuration, DirectorySection};
use crate::domain::{ClockAndEntropy, Directory, PersonalData};
use crate::endpoints::directory::DirectoryMails;
use crate::endpoints::directory::redemption::{GrantRedemption, RedemptionParts};
use crate::inbound::ClientAssertionUses;
use crate::observability::DirectoryCounts;
use crate::outbound::{Mailer, Outbound};
use crate::records::Records;
use crate::sessions::SsoSessions;
use crate::sign_out::{BackChannel, BackChannelParts, JoinedRooms};
use crate::token_issuer::{AdministratorTokens, AuthorizationCodeStore, DirectoryKeyRing, DirectoryTokens, Grants};
use crate::token_validation::OwnDirectory;

/// What the doors of directories use.
#[derive(Clone)]
pub(in crate::app) struct DirectoryServices {
    pub(in crate::app) directories: Directories,
    pub(in crate::app) users: DirectoryUsers,
    pub(in crate::app) sessions: SsoSessions,
    pub(in crate::app) keys: DirectoryKeyRing,
    pub(in crate::app) codes: AuthorizationCodeStore,
    pub(in crate::app) grants: Grants,
    pub(in crate::app) tokens: DirectoryTokens,
    /// Tells applications of sessions that end.
    pub(in crate::app) back_channel: BackChannel,
    pub(in crate::app) administrator_tokens: AdministratorTokens,
    pub(in crate::app) assertion_uses: ClientAssertionUses,
    pub(in crate::app) links: SelfServiceLinks,
    pub(in crate::app) outcomes: FormOutcomes,
    pub(in crate::app) mails: DirectoryMails,
    /// What `mails` sends by; `None` if the configuration has no way to send mail.
    pub(in crate::app) mailer: Option<Mailer>,
}

/// A directory as an issuer of ID tokens, with its name in the configuration.
pub(in crate::app) struct OwnIssuer {
    pub(in crate::app) name: String,
    pub(in crate::app) trust: OwnDirectory,
}

impl DirectoryServices {
    /// What is kept of users of directories. The user's own record goes last.
    pub(in crate::app) fn personal_data(&self) -> Vec<Arc<dyn PersonalData>> {
        vec![
            Arc::new(self.sessions.clone()),
            Arc::new(self.grants.clone()),
            Arc::new(self.codes.clone()),
            Arc::new(DirectoryUserData::new(self.users.clone())),
        ]
    }

    /// Opens the directories of the configuration; `None` if there are none.
    pub(in crate::app) async fn open(
        config: &Configuration,
        records: &Records,
        ambient: &ClockAndEntropy,
        counts: &DirectoryCounts,
    ) -> Result<Option<Self>, BuildError> {
        if config.directories.is_empty() {
            return Ok(None);
        }
        let first = |section: &DirectorySection| {
            let mut directory = section.directory.clone();
            directory.own_applications.extend(list_own_applications(config, &directory));
            FirstDirectory { directory, settings: section.settings.clone() }
        };
        let directories = Directories::open(records, config.directories.iter().map(first).collect()).await?;
        let named: Vec<_> = config.directories.iter().map(|section| &section.directory).collect();
        let keys = DirectoryKeyRing::open(records, ambient.clone(), &named).await?;
        let costs = config.password_hashes;
        let parameters = HashParameters { memory_kib: costs.memory_kib, passes: costs.passes };
        let hasher = PasswordHasher::start(parameters, ambient.entropy.clone());
        let mailer = build_mailer(config, ambient)?;
        let rates = MessageRates::over(records, DirectoryMails::LIMITS);
        let grants = Grants::new(records, ambient.clone());
        let tokens = DirectoryTokens::new(keys.clone(), ambient.clock.clone());
        let back_channel = BackChannel::new(BackChannelParts {
            grants: grants.clone(),
            tokens: tokens.clone(),
            receivers: Arc::new(directories.clone()),
            outbound: Outbound::new(&logout_notice_settings(config))?,
            counts: counts.clone(),
        });
        Ok(Some(Self {
            directories,
            users: DirectoryUsers::new(records, hasher, ambient.clone()),
            sessions: SsoSessions::new(records, keys.clone(), ambient.clone()),
            codes: AuthorizationCodeStore::new(records, ambient.clone()),
            grants,
            tokens,
            back_channel,
            administrator_tokens: AdministratorTokens::new(records, ambient.entropy.clone()),
            assertion_uses: ClientAssertionUses::new(records),
            links: SelfServiceLinks::new(records, ambient.clone()),
            outcomes: FormOutcomes::new(records),
            mails: DirectoryMails::new(mailer.clone(), ambient.clock.clone(), rates, counts.clone()),
            mailer,
            keys,
        }))
    }

    /// Builds what the connections of bots use whose users are those of a directory.
    pub(in crate::app) fn build_provider_parts(
        &self,
        counts: DirectoryCounts,
        ambient: &ClockAndEntropy,
    ) -> ProviderParts {
        ProviderParts {
            directories: self.directories.clone(),
            redemption: self.build_redemption(ambient),
            counts,
            clock: ambient.clock.clone(),
        }
    }

    /// The directories as issuers of ID tokens.
    pub(in crate::app) fn list_issuers(&self) -> Vec<OwnIssuer> {
        let issuer = |view: Arc<DirectoryView>| {
            let Directory { name, tenant, issuer, .. } = &*view.directory;
            let signatures = TenantSignatures { keys: self.keys.clone(), tenant: tenant.clone() };
            let trust =
                OwnDirectory { issuer: issuer.clone(), tenant: tenant.to_string(), signatures: Arc::new(signatures) };
            OwnIssuer { name: name.clone(), trust }
        };
        self.directories.list().into_iter().map(issuer).collect()
    }

    /// Builds what redeems codes and refresh tokens, for the door of applications and for the connections of bots.
    pub(in crate::app) fn build_redemption(&self, ambient: &ClockAndEntropy) -> GrantRedemption {
        let parts = RedemptionParts {
            users: self.users.clone(),
            codes: self.codes.clone(),
            grants: self.grants.clone(),
            tokens: self.tokens.clone(),
        };
        GrantRedemption::new(parts, ambient.clone())
    }

    /// Lets the directories take part in sign-outs.
    pub(super) fn join_sign_out(&self, joined: &mut JoinedRooms) {
        joined.sources.push(Arc::new(self.users.clone()));
        joined.others.push(Arc::new(self.sessions.clone()));
        joined.grants = Some(Arc::new(self.grants.clone()));
        joined.links.push(Arc::new(LinkedDirectoryUsers::new(self.directories.clone(), self.users.clone())));
        joined.back_channel = Some(self.back_channel.clone());
    }
}
