//! What forms of self-service have led to, for a browser that sends the same form to another replica.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use super::DirectoryUsers;
use crate::domain::{DirectoryUser, RecordKey, SignInMethod, TenantId};
use crate::records::{
    Collection, Content, Kind, Plaintext, RecordError, Records, ReplicaLease, catalogue, encode_json,
};

/// How long a form waits for the same form on another replica, which may be hashing a password.
const PATIENCE: Duration = Duration::from_secs(8);

/// Keeps for two minutes what a form has led to. Over an exclusive store nothing is kept: there the memory of the process has it.
#[derive(Clone)]
pub struct FormOutcomes {
    records: Records,
    outcomes: Collection<FormOutcome>,
}

/// What a form has led to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "outcome", rename_all = "snake_case")]
pub enum FormOutcome {
    /// The user has shown who they are, or was created.
    SignedIn(FormUser),
    /// A message may be under way.
    Mailed,
    /// The user's names are changed.
    Changed {
        /** The user. */
        user: FormUser,
        /** The sign-in at the application by whose code the user is known. */
        sign_in: Option<FormSignIn>,
    },
    /// A link has done its work.
    LinkUsed {
        /** The address where it leads on. */
        next: Option<String>,
    },
}

/// A user as the form was done. What is ended for the user later is ended for what the form has led to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FormUser {
    id: String,
    ended_sessions: u64,
    revoked_grants: u64,
}

/// A sign-in at an application.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FormSignIn {
    /// The public id of the session.
    pub session_id: Option<String>,
    /// How the user has signed in.
    pub method: SignInMethod,
    /// When, in milliseconds since the Unix epoch.
    pub auth_time: i64,
}

/// What is to be done with a form.
pub enum FormTurn {
    /// The form was sent before, to whichever replica, and has led to this.
    Done(FormOutcome),
    /// The work is to be done. The same form waits elsewhere until this is dropped.
    Begun(BegunForm),
}

/// A form that is being worked at.
pub struct BegunForm {
    outcomes: Collection<FormOutcome>,
    /// `None` over an exclusive store.
    key: Option<RecordKey>,
    _lease: ReplicaLease,
}

impl FormOutcomes {
    /// Keeps outcomes in `records`.
    #[must_use]
    pub fn new(records: &Records) -> Self {
        Self { records: records.clone(), outcomes: Collection::new(records) }
    }

    /// Begins the work for a form of `tenant`, or finds what it has led to. `body` is all of the form: its token, which is bound to the
    /// browser and drawn at random, and what was typed. The store gets a keyed MAC of it, from which no password can be guessed.
    ///
    /// # Errors
    /// [`RecordError`] if the store fails, or if another replica works at the form for too long.
    pub async fn begin(&self, tenant: &TenantId, body: &[u8]) -> Result<FormTurn, RecordError> {
        let parts = [tenant.as_str().as_bytes(), body];
        let lease = self.records.lease(&catalogue::FORM_TURN, &parts, PATIENCE).await?;
        let key = self.records.replicas().map(|_| self.outcomes.key(&parts));
        if let Some(key) = key
            && let Some(found) = self.outcomes.get(key).await?
        {
            return Ok(FormTurn::Done(found.content));
        }
        Ok(FormTurn::Begun(BegunForm { outcomes: self.outcomes.clone(), key, _lease: lease }))
    }
}

impl BegunForm {
    /// Keeps what the form has led to. If the store fails, the same form is worked at again: the failure is logged.
    pub async fn complete(self, outcome: &FormOutcome) {
        let Some(key) = self.key else { return };
        let kept = async { self.outcomes.put(self.outcomes.seal(key, outcome)?).await };
        if let Err(error) = kept.await {
            tracing::warn!(%error, "the outcome of a form was not kept: the form does its work again if it is sent again");
        }
    }
}

impl FormUser {
    /// Notes `user` as it is now.
    #[must_use]
    pub fn of(user: &DirectoryUser) -> Self {
        let DirectoryUser { id, ended_sessions, revoked_grants, .. } = user;
        Self { id: id.clone(), ended_sessions: *ended_sessions, revoked_grants: *revoked_grants }
    }

    /// Reads the user, with the numbers of what was ended as they were then. `None` if the user is deleted or disabled.
    ///
    /// # Errors
    /// [`RecordError`] if the store fails.
    pub async fn find(&self, users: &DirectoryUsers, tenant: &TenantId) -> Result<Option<DirectoryUser>, RecordError> {
        let found = users.find(tenant, &self.id).await?.filter(|user| user.active);
        let Self { ended_sessions, revoked_grants, .. } = *self;
        Ok(found.map(|user| DirectoryUser { ended_sessions, revoked_grants, ..user }))
    }
}

impl Content for FormOutcome {
    const KIND: &'static Kind = &catalogue::FORM_OUTCOME;

    fn encode(&self) -> Option<Zeroizing<Vec<u8>>> {
        encode_json(self)
    }

    fn decode(plain: Plaintext<'_>) -> Option<Self> {
        plain.json(Self::KIND)
    }
}
