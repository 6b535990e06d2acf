use crate::accounts::{Directories, DirectoryUsers, FirstDirectory, HashParameters, PasswordHasher};
use crate::app::BuildError;
use crate::config::{Configuration, DirectorySection};
use crate::domain::ClockAndEntropy;
use crate::inbound::ClientAssertionUses;
use crate::records::Records;
use crate::sessions::SsoSessions;
use crate::token_issuer::{AdministratorTokens, AuthorizationCodeStore, DirectoryKeyRing, DirectoryTokens, Grants};

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
    pub(in crate::app) administrator_tokens: AdministratorTokens,
    pub(in crate::app) assertion_uses: ClientAssertionUses,
}

impl DirectoryServices {
    /// Opens the directories of the configuration; `None` if there are none.
    pub(in crate::app) async fn open(
        config: &Configuration,
        records: &Records,
        ambient: &ClockAndEntropy,
    ) -> Result<Option<Self>, BuildError> {
        if config.directories.is_empty() {
            return Ok(None);
        }
        let writer = records.single_writer().ok_or(BuildError::SharedStore)?;
        let first = |section: &DirectorySection| FirstDirectory {
            directory: section.directory.clone(),
            settings: section.settings.clone(),
        };
        let directories = Directories::open(records, writer, config.directories.iter().map(first).collect()).await?;
        let named: Vec<_> = config.directories.iter().map(|section| &section.directory).collect();
        let keys = DirectoryKeyRing::open(records, writer, ambient.clone(), &named).await?;
        let costs = config.password_hashes;
        let parameters = HashParameters { memory_kib: costs.memory_kib, passes: costs.passes };
        let hasher = PasswordHasher::start(parameters, ambient.entropy.clone());
        Ok(Some(Self {
            directories,
            users: DirectoryUsers::new(records, writer, hasher, ambient.clone()),
            sessions: SsoSessions::new(records, keys.clone(), ambient.clone()),
            codes: AuthorizationCodeStore::new(records, ambient.clone()),
            grants: Grants::new(records, ambient.clone()),
            tokens: DirectoryTokens::new(keys.clone(), ambient.clock.clone()),
            administrator_tokens: AdministratorTokens::new(records, ambient.entropy.clone()),
            assertion_uses: ClientAssertionUses::new(records),
            keys,
        }))
    }
}
