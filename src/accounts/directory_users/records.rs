//! The records of users, and of what users sign in by.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use crate::domain::{
    AddressConfirmation, DirectorySettings, DirectoryUser, LockoutPolicy, PasswordPolicy, ProviderIdentity, Timestamp,
    UserEmail, UserKey, UserNames, UserStatus,
};
use crate::records::{Content, Kind, Plaintext, catalogue, encode_json};

/// Hashes of earlier passwords that are kept: with the present one as many as a directory may forbid to use again.
const KEPT_HASHES: usize = 7;

/// A user with the password's hash. Times are milliseconds since the Unix epoch.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct UserRecord {
    pub(super) id: String,
    pub(super) user_name: Option<String>,
    pub(super) emails: Vec<UserEmail>,
    pub(super) names: UserNames,
    pub(super) active: bool,
    pub(super) status: UserStatus,
    pub(super) created_at: i64,
    pub(super) modified_at: i64,
    pub(super) ended_sessions: u64,
    pub(super) revoked_grants: u64,
    /// The PHC string of the password; empty if the user has none.
    pub(super) hash: String,
    /// How often the password was changed. A renewed hash is no change.
    pub(super) password_changes: u64,
    pub(super) password_changed_at: i64,
    /// When the user has changed the password last. One that others have set may be changed at once.
    #[serde(default)]
    pub(super) own_change_at: Option<i64>,
    /// The hashes of earlier passwords, the latest first.
    pub(super) earlier_hashes: Vec<String>,
    /// Wrong passwords since the last right one.
    pub(super) failures: u32,
    /// The end of the lock by wrong passwords.
    pub(super) locked_until: Option<i64>,
    /// Who the user is at other identity providers.
    #[serde(default)]
    pub(super) identities: Vec<IdentityRecord>,
}

/// Who a user is at another identity provider.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct IdentityRecord {
    pub(super) provider: String,
    pub(super) issuer: String,
    pub(super) subject: String,
    #[serde(default)]
    pub(super) is_proven: bool,
}

/// The user who may have a user name or an address. It counts only if that user exists and has this value.
#[derive(Serialize, Deserialize)]
pub(super) struct LoginRecord {
    pub(super) user_id: String,
}

/// What a user signs in by, in lower case.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Login {
    Name(String),
    Email(String),
}

impl Login {
    pub(super) fn text(&self) -> &str {
        match self {
            Self::Name(text) | Self::Email(text) => text,
        }
    }

    /// The kind of the value in the key of its record.
    pub(super) fn kind(&self) -> &'static str {
        match self {
            Self::Name(_) => "name",
            Self::Email(_) => "email",
        }
    }
}

impl UserRecord {
    /// A user without name and address, whose password has `hash`.
    pub(super) fn new(id: String, hash: String, now: Timestamp) -> Self {
        let now = now.unix_millis();
        Self {
            id,
            user_name: None,
            emails: Vec::new(),
            names: UserNames::default(),
            active: true,
            status: UserStatus::Pending,
            created_at: now,
            modified_at: now,
            ended_sessions: 0,
            revoked_grants: 0,
            hash,
            password_changes: 0,
            password_changed_at: now,
            own_change_at: None,
            earlier_hashes: Vec::new(),
            failures: 0,
            locked_until: None,
            identities: Vec::new(),
        }
    }

    /// The user as others see it at `now`.
    pub(super) fn to_user(&self, now: Timestamp) -> DirectoryUser {
        DirectoryUser {
            id: self.id.clone(),
            user_name: self.user_name.clone(),
            emails: self.emails.clone(),
            names: self.names.clone(),
            active: self.active,
            status: self.status,
            locked_until: self.locked_until.map(Timestamp::from_unix_millis).filter(|end| *end > now),
            created_at: Timestamp::from_unix_millis(self.created_at),
            modified_at: Timestamp::from_unix_millis(self.modified_at),
            ended_sessions: self.ended_sessions,
            revoked_grants: self.revoked_grants,
            identities: self.identities.iter().map(IdentityRecord::to_identity).collect(),
            has_password: self.has_password(),
            password_changes: self.password_changes,
        }
    }

    /// All that the user could sign in by.
    pub(super) fn logins(&self) -> Vec<Login> {
        let name = self.user_name.iter().map(|name| Login::Name(name.to_lowercase()));
        name.chain(self.emails.iter().map(|email| Login::Email(email.value.to_lowercase()))).collect()
    }

    /// Whether `address` is the address to which messages to the user go, in any letter case.
    pub(super) fn has_primary_address(&self, address: &str) -> bool {
        let primary = self.emails.iter().find(|email| email.primary).or_else(|| self.emails.first());
        primary.is_some_and(|email| email.value.to_lowercase() == address.to_lowercase())
    }

    pub(super) fn has_password(&self) -> bool {
        !self.hash.is_empty()
    }

    pub(super) fn is_locked(&self, now: Timestamp) -> bool {
        self.locked_until.is_some_and(|end| end > now.unix_millis())
    }

    pub(super) fn is_password_expired(&self, policy: &PasswordPolicy, now: Timestamp) -> bool {
        let days = policy.expiration.filter(|_| policy.advanced).map(|expiration| expiration.days);
        let changed_at = Timestamp::from_unix_millis(self.password_changed_at);
        days.is_some_and(|days| changed_at.plus(Duration::from_hours(24 * u64::from(days))) <= now)
    }

    /// Whether the user may not sign in before the e-mail address is confirmed.
    pub(super) fn is_unconfirmed(&self, settings: &DirectorySettings) -> bool {
        settings.self_service.confirmation == AddressConfirmation::Required && self.status == UserStatus::Pending
    }

    /// From when on the user may change a password that the user has set, by a policy with a wait between two changes.
    pub(super) fn next_own_change(&self, policy: &PasswordPolicy) -> Option<Timestamp> {
        let hours = policy.min_hours_between_changes.filter(|_| policy.advanced)?;
        let changed_at = Timestamp::from_unix_millis(self.own_change_at?);
        Some(changed_at.plus(Duration::from_hours(u64::from(hours))))
    }

    /// The hashes of the last `count` passwords, the present one first.
    pub(super) fn last_hashes(&self, count: u8) -> impl Iterator<Item = &str> {
        let present = Some(self.hash.as_str()).filter(|hash| !hash.is_empty());
        let earlier = self.earlier_hashes.iter().map(String::as_str);
        present.into_iter().chain(earlier).take(usize::from(count))
    }

    /// Sets the hash of a new password, which ends all sessions and a lock.
    pub(super) fn set_password(&mut self, hash: String, now: Timestamp) {
        let replaced = std::mem::replace(&mut self.hash, hash);
        if !replaced.is_empty() {
            self.earlier_hashes.insert(0, replaced);
            self.earlier_hashes.truncate(KEPT_HASHES);
        }
        self.password_changes += 1;
        self.password_changed_at = now.unix_millis();
        self.ended_sessions += 1;
        self.end_lock();
    }

    /// Counts a wrong password. Returns whether it has locked the user.
    pub(super) fn count_failure(&mut self, lockout: LockoutPolicy, now: Timestamp) -> bool {
        self.failures += 1;
        let is_last = self.failures >= u32::from(lockout.attempts);
        if is_last {
            let end = now.plus(Duration::from_secs(u64::from(lockout.seconds)));
            (self.failures, self.locked_until) = (0, Some(end.unix_millis()));
        }
        is_last
    }

    pub(super) fn end_lock(&mut self) {
        (self.failures, self.locked_until) = (0, None);
    }

    /// Takes identities as not shown until the next sign-in at their provider: an administrator has set the password, and may sign in by it.
    pub(super) fn doubt_identities(&mut self) {
        self.identities.iter_mut().for_each(|identity| identity.is_proven = false);
    }

    /// Notes that the user has shown whose mailbox the address is. Returns the identities that the user gives up by that: a password that
    /// was there before may be a stranger's who has signed up with the address, so what was begun or linked with it ends. Who has
    /// come from another provider has no password, and keeps the identities.
    pub(super) fn confirm_address(&mut self) -> Vec<IdentityRecord> {
        let is_unproven = self.status == UserStatus::Pending && self.has_password();
        self.status = UserStatus::Confirmed;
        if !is_unproven {
            return Vec::new();
        }
        self.end_everything();
        std::mem::take(&mut self.identities)
    }

    /// Ends all sessions and refresh tokens.
    pub(super) fn end_everything(&mut self) {
        self.ended_sessions += 1;
        self.revoked_grants += 1;
    }
}

impl IdentityRecord {
    pub(super) fn new(identity: &ProviderIdentity) -> Self {
        let ProviderIdentity { provider, key, is_proven } = identity.clone();
        Self { provider, issuer: key.issuer().to_owned(), subject: key.subject().to_owned(), is_proven }
    }

    pub(super) fn is_of(&self, key: &UserKey) -> bool {
        self.issuer == key.issuer() && self.subject == key.subject()
    }

    pub(super) fn key(&self) -> UserKey {
        UserKey::from_parts(&self.issuer, &self.subject)
    }

    fn to_identity(&self) -> ProviderIdentity {
        ProviderIdentity { provider: self.provider.clone(), key: self.key(), is_proven: self.is_proven }
    }
}

impl Content for UserRecord {
    const KIND: &'static Kind = &catalogue::DIRECTORY_USER;

    fn encode(&self) -> Option<Zeroizing<Vec<u8>>> {
        encode_json(self)
    }

    fn decode(plain: Plaintext<'_>) -> Option<Self> {
        plain.json(Self::KIND)
    }
}

impl Content for LoginRecord {
    const KIND: &'static Kind = &catalogue::DIRECTORY_LOGIN;

    fn encode(&self) -> Option<Zeroizing<Vec<u8>>> {
        encode_json(self)
    }

    fn decode(plain: Plaintext<'_>) -> Option<Self> {
        plain.json(Self::KIND)
    }
}
